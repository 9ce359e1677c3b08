"""Noise: the published Philox, and draws that any step can have without those before it."""

import numpy as np
import pytest
from scipy import stats

from engine.noise import Noise, philox


@pytest.mark.parametrize(
    ("key", "counter", "words"),
    [
        # Random123's kat_vectors, philox4x32 with 10 rounds.
        ("00000000 00000000", "00000000 00000000 00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff", "ffffffff ffffffff ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("a4093822 299f31d0", "243f6a88 85a308d3 13198a2e 03707344", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_gives_the_known_answers(key: str, counter: str, words: str) -> None:
    key_words, counter_words, expected = (
        np.array([int(word, 16) for word in text.split()], np.uint64) for text in (key, counter, words)
    )
    assert philox(key_words, counter_words).tolist() == expected.tolist()


def test_philox_of_many_is_philox_of_each() -> None:
    words = np.random.default_rng(0).integers(0, 2**32, (6, 3, 5), np.uint64)
    together = philox(words[:2], words[2:])
    assert all(
        together[:, i, j].tolist() == philox(words[:2, i, j], words[2:, i, j]).tolist()
        for i in range(3)
        for j in range(5)
    )


def test_the_draws_are_those_of_the_counters() -> None:
    # Step 5 of dancer 1 with seed 7: the first word is the uniform draw, the next two make the first two normals.
    block = np.array([[0, 1], [5, 5], [0, 0], [0, 0]], np.uint64)
    words = philox(np.array([[7], [1]], np.uint64), block)
    uniform, normal = Noise([3, 7], 4).draw(5)
    radius = np.sqrt(-2 * np.log((float(words[1, 0]) + 0.5) / 2**32))
    angle = 2 * np.pi * (float(words[2, 0]) + 0.5) / 2**32
    assert uniform[1] == np.float32((int(words[0, 0]) >> 8) / 2**24)
    assert normal[1, :2] == pytest.approx([radius * np.cos(angle), radius * np.sin(angle)], rel=1e-6)


def test_any_step_can_be_drawn_without_the_steps_before_it() -> None:
    noise = Noise([7], 128)
    forwards = [(noise.draw(step)[0].copy(), noise.draw(step)[1].copy()) for step in range(40)]
    for step in (39, 0, 17, 16, 15, 31):
        uniform, normal = Noise([7], 128).draw(step)
        assert uniform.tobytes() == forwards[step][0].tobytes()
        assert normal.tobytes() == forwards[step][1].tobytes()


def test_steps_beyond_32_bits_differ_from_those_they_would_wrap_to() -> None:
    noise = Noise([7], 8)
    assert noise.draw(2**32 + 3)[1].tobytes() != Noise([7], 8).draw(3)[1].tobytes()


def test_seeds_and_places_in_the_company_each_have_noise_of_their_own() -> None:
    uniform, _ = Noise([7, 7, 8], 8).draw(0)
    assert len(set(uniform.tolist())) == 3
    assert uniform[0] == Noise([7], 8).draw(0)[0][0]


def test_the_draws_have_the_shapes_of_the_company() -> None:
    uniform, normal = Noise([1, 2, 3], 7).draw(0)
    assert (uniform.shape, normal.shape) == ((3,), (3, 7))
    assert (uniform.dtype, normal.dtype) == (np.float32, np.float32)


def test_uniform_draws_are_uniform_and_normal_draws_are_normal() -> None:
    noise = Noise([11], 128)
    draws = [noise.draw(step) for step in range(2000)]
    uniform = np.array([each[0] for each, _ in draws])
    normal = np.concatenate([each[0] for _, each in draws])
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert stats.kstest(normal, "norm").pvalue > 0.01
    # One pair shares a radius: its two normals must be independent all the same.
    assert abs(np.corrcoef(normal[0::2], normal[1::2])[0, 1]) < 0.01


def test_choices_reach_every_option_and_leave_the_draws_alone() -> None:
    noise = Noise([7], 8)
    assert {noise.choice(0, step, 5) for step in range(200)} == {0, 1, 2, 3, 4}
    assert [noise.choice(0, 9, 100)] * 2 == [noise.choice(0, 9, 100), Noise([7], 8).choice(0, 9, 100)]


@pytest.mark.parametrize("unison", [0.0, 0.3, 0.8, 1.0])
def test_in_part_of_a_unison_every_draw_stays_what_it_is_and_correlates_with_the_leaders_by_as_much(
    unison: float,
) -> None:
    noise = Noise([11] * 3, 64)
    draws = [noise.draw(step, unison) for step in range(4000)]
    uniform = np.array([each for each, _ in draws])
    normal = np.array([each for _, each in draws])
    for dancer in range(3):
        assert stats.kstest(uniform[:, dancer], "uniform").pvalue > 0.01
        assert stats.kstest(normal[:, dancer].ravel()[::7], "norm").pvalue > 0.01
        # A mixture's correlation has a standard error of 1.6% over 4000 draws, the normal draws' of 0.2%.
        expected = unison if dancer else 1.0
        assert np.corrcoef(uniform[:, 0], uniform[:, dancer])[0, 1] == pytest.approx(expected, abs=0.05)
        assert np.corrcoef(normal[:, 0].ravel(), normal[:, dancer].ravel())[0, 1] == pytest.approx(expected, abs=0.01)
    # Two who take after the leader take after each other by the product.
    assert np.corrcoef(normal[:, 1].ravel(), normal[:, 2].ravel())[0, 1] == pytest.approx(unison**2, abs=0.01)


def test_the_leaders_draws_are_its_own_at_any_unison() -> None:
    alone = Noise([5], 8)
    company = Noise([5] * 4, 8)
    for step, unison in enumerate((0.0, 0.5, 1.0)):
        assert company.draw(step, unison)[0][0] == alone.draw(step)[0][0]
        assert company.draw(step, unison)[1][0].tobytes() == alone.draw(step)[1][0].tobytes()


def test_in_unison_all_draw_what_the_leader_draws() -> None:
    uniform, normal = Noise([5] * 4, 8).draw(3, 1.0)
    assert (uniform == uniform[0]).all()
    assert (normal == normal[0]).all()


def test_groups_are_drawn_evenly_and_independently_for_dancers_and_phrases() -> None:
    noise = Noise([5] * 4, 8)
    groups = np.array([noise.groups(np.full(4, phrase, np.int64)) for phrase in range(3000)])
    assert all(stats.kstest(each, "uniform").pvalue > 0.01 for each in groups.T)
    assert np.abs(np.corrcoef(groups.T) - np.eye(4)).max() < 0.06
    assert (
        noise.groups(np.array([7, 8, 9, 2**33]))
        == [groups[7, 0], groups[8, 1], groups[9, 2], noise.groups(np.full(4, 2**33))[3]]
    ).all()


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_beyond_32_bits_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"^seed {seed}: it must be in 0\.\.4294967295$"):
        Noise([7, seed], 8)
