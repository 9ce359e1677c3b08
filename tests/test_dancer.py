"""The dancer: repeatable, free of the frame rate, and never at a loss for a next step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bundle import Bundle, open_bundle
from engine.controls import Controls
from engine.dancer import EASE, Dancer
from engine.noise import Noise
from engine.parameters import PARAMETERS, Parameter
from engine.stage import FADE
from tests.fixtures.tiny_bundle import LATENT, SIGMA, STEPS, write_tiny_bundle

LEAN = Parameter("dance", "lean", 0.25, 0.0, 1.0, 0.0, 0.0, "leans the dancer over")


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle, "cpu")


def values(**dance: float) -> Mapping[str, float]:
    return Controls(
        (*PARAMETERS, LEAN), {f"dance/{name}": value for name, value in {"seed": 7, **dance}.items()}
    ).snapshot()


def dance(dancer: Dancer, frames: int, rate: float = 30, **parameters: float) -> NDArray[np.float32]:
    """(frames, dancers, latent); the company stays as it is."""
    now = values(**{"dancers": dancer.dancers, **parameters})
    return np.stack([dancer.advance(1 / rate, now) for _ in range(frames)])


class ByHand:
    """What a dance must be, by plain runs of the session: led through a passage, then on its own."""

    def __init__(self, bundle: Bundle, passage: NDArray[np.float32], seed: int) -> None:
        self.bundle = bundle
        self.noise = Noise([seed], LATENT)
        self.state = {each.name_in: np.zeros(each.shape, np.float32) for each in bundle.state}
        for latent in passage[:-1]:
            self.state["latent_in"] = latent[None]
            self.step(0)
        self.state["latent_in"] = passage[-1:]

    def step(self, number: int) -> NDArray[np.float32]:
        uniform, normal = self.noise.draw(number)
        one = np.ones(1, np.float32)
        feeds = {"uniform": uniform, "normal": normal, "pi_temperature": one, "sigma_temperature": one}
        outputs = self.bundle.step.run([each.name_out for each in self.bundle.state], {**self.state, **feeds})
        self.state = {each.name_in: output for each, output in zip(self.bundle.state, outputs, strict=True)}
        return self.state["latent_in"]


def test_the_dance_is_the_models_own_after_a_passage_of_the_seeds_choice(bundle: Bundle) -> None:
    passage = bundle.bank[Noise([7], LATENT).choice(0, 0, len(bundle.bank))]
    by_hand = ByHand(bundle, passage, 7)
    assert dance(Dancer(bundle, [7]), 40).tobytes() == np.stack([by_hand.step(step) for step in range(40)]).tobytes()


def test_the_same_seed_gives_the_same_dance_and_images_byte_for_byte(bundle: Bundle) -> None:
    first, second = dance(Dancer(bundle, [7]), 100), dance(Dancer(bundle, [7]), 100)
    assert first.tobytes() == second.tobytes()
    assert bundle.decode(first[:, 0]).tobytes() == bundle.decode(second[:, 0]).tobytes()


def test_another_seed_gives_another_dance(bundle: Bundle) -> None:
    assert not np.allclose(dance(Dancer(bundle, [7]), 10), dance(Dancer(bundle, [8]), 10, seed=8))


def test_it_dances_from_the_first_frame_on(bundle: Bundle) -> None:
    danced = dance(Dancer(bundle, [7]), 30)
    images = bundle.decode(danced[:, 0]).astype(float)
    assert (np.abs(np.diff(images, axis=0)).mean(axis=(1, 2)) / 255 > bundle.metadata.health.slow_motion).all()


def test_at_the_rate_of_the_steps_each_is_shown_as_it_is_and_between_them_the_latent_is_interpolated(
    bundle: Bundle,
) -> None:
    steps = dance(Dancer(bundle, [7]), 20)
    between = dance(Dancer(bundle, [7]), 40, rate=60)
    assert between[1::2].tobytes() == steps.tobytes()
    assert between[2::2] == pytest.approx((steps[:-1] + steps[1:]) / 2, abs=1e-6)


def test_the_dance_is_the_same_at_144_frames_a_second(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7]), 50)
    fine = dance(Dancer(bundle, [7]), 240, rate=144)
    # 24 frames are 5 steps: there the latent is the step's own.
    assert fine[23::24].tobytes() == steps[4::5].tobytes()
    assert fine[5] == pytest.approx(steps[0] + 0.25 * (steps[1] - steps[0]), abs=1e-6)


@pytest.mark.parametrize(("speed", "every"), [(0.5, 2), (0.25, 4)])
def test_slow_motion_shows_the_same_steps_later(bundle: Bundle, speed: float, every: int) -> None:
    steps = dance(Dancer(bundle, [7]), 10)
    slow = dance(Dancer(bundle, [7]), 10 * every, speed=speed)
    assert slow[every - 1 :: every].tobytes() == steps.tobytes()


def test_double_speed_shows_every_other_step(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7]), 20)
    assert dance(Dancer(bundle, [7]), 10, speed=2).tobytes() == steps[1::2].tobytes()


def test_speed_0_freezes_the_dance_and_it_goes_on_where_it_was(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7]), 20)
    dancer = Dancer(bundle, [7])
    dance(dancer, 10)
    frozen = dance(dancer, 50, speed=0)
    assert (frozen == steps[9]).all()
    assert dance(dancer, 10).tobytes() == steps[10:].tobytes()


def test_position_counts_the_steps_shown(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7])
    assert dancer.position == 0
    dance(dancer, 5, rate=60)
    assert dancer.position == 2.5


def test_a_new_seed_changes_the_dance_from_there_on(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7]), 20)
    dancer = Dancer(bundle, [7])
    assert dance(dancer, 10).tobytes() == steps[:10].tobytes()
    reseeded = dance(dancer, 10, seed=8)
    assert not np.allclose(reseeded, steps[10:])
    again = Dancer(bundle, [7])
    dance(again, 10)
    assert dance(again, 10, seed=8).tobytes() == reseeded.tobytes()


@pytest.mark.parametrize(("temperature", "widened"), [(0.5, 1.0), (1.0, 2.0), (1.5, 2.0), (3.0, 2.0)])
def test_temperature_drives_sigma_through_its_trim_up_to_the_spread_that_was_learned(
    bundle: Bundle, temperature: float, widened: float
) -> None:
    trims = {"temperature": temperature, "pi_temperature": 1 / temperature}
    calm = dance(Dancer(bundle, [7]), 1, sigma_temperature=0, **trims)
    wild = dance(Dancer(bundle, [7]), 1, sigma_temperature=2, **trims)
    assert wild[0] - calm[0] == pytest.approx(widened * SIGMA * Noise([7], LATENT).draw(0)[1], abs=1e-6)


def test_a_bundles_own_control_reaches_the_step(tmp_path: Path) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "leaning", controls=(LEAN,)), "cpu")
    upright = dance(Dancer(bundle, [7]), 1, lean=0)
    assert dance(Dancer(bundle, [7]), 1, lean=0.5)[0] == pytest.approx(upright[0] + 0.5, abs=1e-6)


def test_a_company_is_so_many_dancers_each_with_a_dance_of_its_own(bundle: Bundle) -> None:
    company = dance(Dancer(bundle, [7, 7, 9]), 20)
    assert company.shape == (20, 3, LATENT)
    assert not np.allclose(company[:, 0], company[:, 1])
    assert not np.allclose(company[:, 1], company[:, 2])


@pytest.mark.parametrize("dancers", [2, 17, 18, 64])
def test_the_leader_of_a_company_dances_exactly_what_it_dances_alone(bundle: Bundle, dancers: int) -> None:
    alone = dance(Dancer(bundle, [7]), 40)
    assert dance(Dancer(bundle, [7] * dancers), 40)[:, 0].tobytes() == alone[:, 0].tobytes()
    growing = Dancer(bundle, [7])
    grown = [dance(growing, 10, dancers=number)[:, 0] for number in (1, dancers, 3, 1)]
    assert np.concatenate(grown).tobytes() == alone[:, 0].tobytes()


def test_who_joins_comes_in_through_a_passage_and_then_dances_on(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7])
    dance(dancer, 10)
    joined = dance(dancer, STEPS + 30, dancers=3)
    assert joined.shape == (STEPS + 30, 3, LATENT)
    for place in (1, 2):
        passage = bundle.bank[Noise([7] * 3, LATENT).choice(place, 10, len(bundle.bank))]
        eased = round(EASE * 30)
        assert joined[eased - 1 : STEPS - 1, place].tobytes() == passage[eased:].tobytes()
        assert np.abs(joined[0, place] - passage[0]).max() < 0.05
        assert np.abs(np.diff(joined[:, place], axis=0)).max() < 0.5
    assert dancer.take_falls() == []


def test_who_leaves_dances_on_until_the_stage_has_faded_it_out(bundle: Bundle) -> None:
    dancer, steady = Dancer(bundle, [7] * 5), Dancer(bundle, [7] * 5)
    expected = dance(steady, 30)
    now = values(dancers=2)
    shown = [dancer.advance(1 / 30, now) for _ in range(40)]
    lasting = [len(each) for each in shown].index(2)
    assert lasting == pytest.approx(FADE * 30, abs=1)
    assert np.stack(shown[: lasting - 1]).tobytes() == expected[: lasting - 1].tobytes()
    assert dancer.dancers == 2


def test_who_is_wanted_again_before_having_left_has_never_been_away(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7] * 3)
    expected = dance(Dancer(bundle, [7] * 3), 60)
    parts = [dance(dancer, 20), dance(dancer, 20, dancers=1), dance(dancer, 20, dancers=3)]
    assert np.concatenate(parts).tobytes() == expected.tobytes()


def test_in_unison_all_come_to_dance_exactly_what_the_leader_dances(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7] * 20)
    alone = dance(Dancer(bundle, [7]), 80)
    dance(dancer, 20)
    crossing = dance(dancer, 20, unison=1)
    together = dance(dancer, 40, unison=1)
    assert (together == alone[40:]).all()
    away = np.abs(crossing - alone[20:40]).max(axis=(1, 2))
    assert away[-1] == 0
    assert np.abs(np.diff(crossing, axis=0)).max() < 0.5
    # Let go, each goes its own way from there, and none leaps.
    apart = dance(dancer, 60, unison=0)
    assert np.abs(np.diff(np.concatenate([together[-1:], apart]), axis=0)).max() < 0.5
    assert not np.allclose(apart[-1, 1], apart[-1, 0], atol=0.01)


def test_in_part_of_a_unison_so_many_dance_with_the_leader_and_they_change(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7] * 64)
    shown = dance(dancer, 1800, unison=0.5)[300:]
    together = (shown[:, 1:] == shown[:, :1]).all(axis=2)
    # Of the half that goes with the leader, some are just crossing over.
    assert together.mean() == pytest.approx(0.45, abs=0.06)
    assert together.any(axis=0).all()
    assert not together.all(axis=0).any()
    assert np.abs(np.diff(shown, axis=0)).max() < 0.6


def test_who_joins_a_unison_is_in_it_at_once(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7])
    dance(dancer, 10, unison=1)
    shown = dance(dancer, 10, dancers=4, unison=1)
    assert (shown == shown[:, :1]).all()


def test_in_canon_each_shows_what_the_one_before_showed_some_beats_ago(bundle: Bundle) -> None:
    # 120 beats a minute: a beat is 15 steps.
    dancer = Dancer(bundle, [7] * 4)
    shown = dance(dancer, 300, unison=1, canon=0.5)
    late = dance(dancer, 60, unison=1, canon=0.5)
    both = np.concatenate([shown, late])
    for place in (1, 2, 3):
        delay = place * 0.5 * 15
        earlier = (
            both[300 - int(np.ceil(delay)) : 360 - int(np.ceil(delay)), 0],
            both[300 - int(delay) : 360 - int(delay), 0],
        )
        assert late[:, place] == pytest.approx((earlier[0] + earlier[1]) / 2, abs=0.02)
    assert np.abs(np.diff(both, axis=0)).max() < 0.5
    assert dancer.positions == pytest.approx(360 - 7.5 * np.arange(4), abs=0.05)


@pytest.mark.parametrize(("speed", "bpm"), [(0.5, 120), (2.0, 60), (1.0, 240)])
def test_a_canons_beats_are_those_of_the_show_at_any_speed(bundle: Bundle, speed: float, bpm: float) -> None:
    dancer = Dancer(bundle, [7, 7])
    now = dict(values(dancers=2, canon=1, speed=speed)) | {"tempo/bpm": bpm}
    for _ in range(1200):
        dancer.advance(1 / 30, now)
    assert dancer.position - dancer.positions[1] == pytest.approx(60 / bpm * 30 * speed, abs=0.05)


def test_frozen_the_dance_stands_still_and_goes_on_where_it_was(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7]), 20)
    dancer = Dancer(bundle, [7])
    dance(dancer, 10)
    assert (dance(dancer, 50, frozen=1) == steps[9]).all()
    assert dancer.motion < 0.02
    assert dance(dancer, 10).tobytes() == steps[10:].tobytes()


def test_half_frozen_is_half_speed(bundle: Bundle) -> None:
    now = dict(values()) | {"dance/frozen": 0.5}
    dancer = Dancer(bundle, [7])
    shown = np.stack([dancer.advance(1 / 30, now) for _ in range(20)])
    assert shown.tobytes() == dance(Dancer(bundle, [7]), 20, speed=0.5).tobytes()


def test_reset_leads_everyone_into_a_passage_and_is_no_fall(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7, 8])
    before = dance(dancer, 10)[-1]
    dancer.reset()
    assert dancer.easing.all()
    led = dance(dancer, STEPS - 1)
    for place in (0, 1):
        passage = bundle.bank[Noise([7, 8], LATENT).choice(place, 10, len(bundle.bank))]
        assert led[round(EASE * 30) :, place].tobytes() == passage[round(EASE * 30) + 1 :].tobytes()
    assert np.abs(np.diff(np.concatenate([before[None], led]), axis=0)).max() < 0.6
    assert dancer.take_falls() == []


def test_those_in_unison_are_led_back_with_the_leader(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7] * 4)
    dance(dancer, 40, unison=1)
    dancer.ease_back(0, "for the test")
    assert dancer.easing.all()
    shown = dance(dancer, 60, unison=1)
    assert (shown == shown[:, :1]).all()
    assert len(dancer.take_falls()) == 1


def test_the_steps_of_a_frame_are_there_to_be_logged(bundle: Bundle) -> None:
    steps = dance(Dancer(bundle, [7, 7]), 8)
    dancer = Dancer(bundle, [7, 7])
    dance(dancer, 1, speed=4)
    assert np.stack(dancer.steps).tobytes() == steps[:4].tobytes()
    dance(dancer, 1, speed=0)
    assert dancer.steps == []


def test_entropy_and_motion_are_those_of_the_dance(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7, 8])
    dance(dancer, 60)
    assert 0.2 < dancer.motion < 0.8
    assert 0 < dancer.entropy < 1
    dance(dancer, 1, pi_temperature=0.05)
    certain = dancer.entropy
    dance(dancer, 1, pi_temperature=4)
    assert certain < dancer.entropy


@pytest.mark.parametrize("frames", [1, 7, 24, 45])
def test_a_dance_is_taken_up_where_its_state_was_saved_bit_for_bit(bundle: Bundle, frames: int, tmp_path: Path) -> None:
    dancer = Dancer(bundle, [7, 8])
    dance(dancer, frames, rate=50, unison=0.5, canon=0.5)
    dancer.ease_back(1, "for the test")
    dance(dancer, frames, rate=50, seed=9)
    arrays: dict[str, Any] = dancer.state()
    np.savez(tmp_path / "state.npz", **arrays)
    expected = dance(dancer, 60, rate=50, seed=9)
    other = Dancer(bundle, [1, 2])
    other.restore(np.load(tmp_path / "state.npz"))
    assert other.position == pytest.approx(2 * frames * 30 / 50)
    assert dance(other, 60, rate=50, seed=9).tobytes() == expected.tobytes()


def test_a_state_does_not_change_with_the_dance(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7])
    state = dancer.state()
    before = {name: value.tobytes() for name, value in state.items()}
    dance(dancer, 5)
    assert {name: value.tobytes() for name, value in state.items()} == before


def test_the_state_of_another_company_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match=r"^state of the dance: latent is \(2, 8\); it must be \(1, 8\)$"):
        Dancer(bundle, [7]).restore(Dancer(bundle, [7, 8]).state())
    with pytest.raises(ValueError, match=r"^state of the dance: latent is missing; it must be \(1, 8\)$"):
        Dancer(bundle, [7]).restore({})


def test_eased_back_a_dancer_crosses_into_a_passage_and_goes_on_as_if_led_through_it(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7])
    before = dance(dancer, 10)[-1]
    dancer.ease_back(0, "for the test")
    (fall,) = dancer.take_falls()
    passage = bundle.bank[fall.passage]
    assert (fall.step, fall.dancer, fall.reason) == (10, 0, "for the test")
    led = dance(dancer, STEPS - 1)
    eased = round(EASE * 30)
    assert led[eased - 1 :, 0].tobytes() == passage[eased:].tobytes()
    # On the way over, every frame is nearer to the passage and none leaps.
    away = np.abs(led[:eased, 0] - passage[1 : eased + 1]).max(axis=1)
    assert (np.diff(away) <= 0.1).all()
    leap = np.abs(np.diff(np.concatenate([before[None], led[:eased]]), axis=0)).max()
    assert leap < 0.5 * np.abs(passage - before).max()
    by_hand = ByHand(bundle, passage, 7)
    assert dancer.state()["hidden"].tobytes() == by_hand.state["hidden_in"].tobytes()
    assert dance(dancer, 1).tobytes() == by_hand.step(10 + STEPS - 1).tobytes()


def test_easing_tells_who_is_crossing_over(bundle: Bundle) -> None:
    dancer = Dancer(bundle, [7, 8])
    dancer.ease_back(1, "for the test")
    crossing = []
    for _ in range(20):
        crossing.append(dancer.easing.tolist())
        dance(dancer, 1)
    assert crossing == [[False, True]] * 14 + [[False, False]] * 6


def test_latents_that_are_not_numbers_are_never_shown(tmp_path: Path) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "breaking", "break"), "cpu")
    dancer = Dancer(bundle, [7, 8])
    danced = dance(dancer, 600)
    falls = dancer.take_falls()
    assert np.isfinite(danced).all()
    assert {fall.dancer for fall in falls} == {0, 1}
    assert {fall.reason for fall in falls} == {"latents that are not numbers"}
    first = next(fall for fall in falls if fall.step > 1)
    assert (danced[first.step - 1, first.dancer] == danced[first.step - 2, first.dancer]).all()
    assert np.abs(np.diff(danced, axis=0)).max() < 1
    assert dancer.take_falls() == []
