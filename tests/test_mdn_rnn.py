"""The mixture's loss is held against closed forms, and passages keep to their clips with the state carried."""

import math

import numpy as np
import pytest
import torch

from training.draws import Draws
from training.latents import Sequence, Statistics, signal_share, statistics
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.mixture import SIGMA_FLOOR
from training.place import CPU, choose_place, multiplies_bfloat16
from training.train_mdn_rnn import Chunk, MDNRNNTraining, draw, epoch_chunks, passage_loss

SMALL = MDNRNNConfig(latent_size=4, layers=2, units=16, hidden=12, components=3, dropout=0.0)


def test_the_article_s_parameters() -> None:
    assert sum(p.numel() for p in MDNRNN(MDNRNNConfig()).parameters()) == 12_204_480


@pytest.mark.parametrize("half", [False, True])
def test_a_sigma_keeps_its_digits_however_small_it_is(half: bool) -> None:
    if half and not multiplies_bfloat16():
        pytest.skip("this processor runs no LSTM in bfloat16")
    model = MDNRNN(MDNRNNConfig(latent_size=3, layers=1, units=4, hidden=5, components=2)).eval()
    model.sigma.weight.data.zero_()
    model.sigma.bias.data = torch.tensor([-16.0, -4.0, -1.0, 0.0, 0.5, 3.0])
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=half):
        _, _, sigma, _ = model(torch.zeros(1, 1, 3), model.zero_state(1))
    expected = torch.tensor([math.exp(-16), math.exp(-4), math.exp(-1), 1.0, 1.5, 4.0])
    torch.testing.assert_close(sigma.flatten(), expected, rtol=1e-6, atol=2 * SIGMA_FLOOR)


LENGTHS = [40, 7, 130, 2, 33]


def lanes(count: int) -> list[torch.Generator]:
    return [Draws(0, "test", CPU.device).of(0, lane) for lane in range(count)]


def test_an_epoch_dances_every_step_of_every_clip_once_and_never_across() -> None:
    for epoch in range(3):
        seen: list[tuple[int, int]] = []
        lanes: list[tuple[int, int] | None] = [None] * 3
        for chunk in epoch_chunks(LENGTHS, 3, 16, seed=5, epoch=epoch):
            for lane, (clip, start, length) in enumerate(chunk.rows):
                assert length == chunk.steps or start + length == LENGTHS[clip] - 1 or length == 0, (
                    "only ends are short"
                )
                if length == 0:
                    continue
                assert start + length < LENGTHS[clip], "the target of the last step lies within the clip"
                assert chunk.fresh[lane] == (start == 0), "the state is zero at a clip's start and only there"
                assert start == 0 or lanes[lane] == (clip, start), "a lane goes on where it was"
                lanes[lane] = (clip, start + length)
                seen += [(clip, step) for step in range(start, start + length)]
        assert sorted(seen) == [(clip, step) for clip, length in enumerate(LENGTHS) for step in range(length - 1)]


def test_cuts_fall_elsewhere_each_epoch_and_the_same_seed_gives_the_same_order() -> None:
    first, again = (epoch_chunks(LENGTHS, 3, 16, 0, 0) for _ in range(2))
    assert [chunk.rows for chunk in first] == [chunk.rows for chunk in again]
    assert [chunk.rows for chunk in first] != [chunk.rows for chunk in epoch_chunks(LENGTHS, 3, 16, 0, 1)]


def sequence(length: int, seed: int = 0) -> Sequence:
    random = np.random.default_rng(seed)
    shape = (length, SMALL.latent_size)
    return Sequence("a", random.normal(size=shape).astype(np.float32), np.full(shape, -2, np.float32))


def test_passages_with_the_state_carried_equal_one_long_passage() -> None:
    torch.manual_seed(0)
    model = MDNRNN(SMALL)
    clip = sequence(49)
    quiet = MDNRNNTraining(input_noise=0, target_noise=0)
    normal = statistics([clip])

    def loss(cuts: list[tuple[int, int]], steps: int) -> float:
        state, total = model.zero_state(1), 0.0
        for start, length in cuts:
            chunk = Chunk(steps, [(0, start, length)], np.array([start == 0]))
            part, state = passage_loss(model, *draw([clip], normal, chunk, quiet, lanes(1)), state, chunk.fresh, CPU)
            total += float(part.detach())
        return total

    assert loss([(0, 16), (16, 16), (32, 16)], 16) == pytest.approx(loss([(0, 48)], 48), rel=1e-5)
    assert loss([(0, 20), (20, 20), (40, 8)], 20) == pytest.approx(loss([(0, 48)], 48), rel=1e-5), "padding is free"


def test_a_fresh_lane_forgets_and_the_others_remember() -> None:
    torch.manual_seed(0)
    model = MDNRNN(SMALL)
    clips = [sequence(30, 1), sequence(30, 2)]
    quiet, normal = MDNRNNTraining(input_noise=0, target_noise=0), statistics(clips)
    before = torch.ones(2, 2, 16), torch.ones(2, 2, 16)
    chunk = Chunk(8, [(0, 0, 8), (1, 8, 8)], np.array([True, False]))
    _, (hidden, _) = passage_loss(model, *draw(clips, normal, chunk, quiet, lanes(2)), before, chunk.fresh, CPU)
    alone = Chunk(8, [(0, 0, 8)], np.array([True]))
    _, (fresh, _) = passage_loss(
        model, *draw(clips, normal, alone, quiet, lanes(1)), model.zero_state(1), alone.fresh, CPU
    )
    torch.testing.assert_close(hidden[:, 0], fresh[:, 0])
    assert (hidden[:, 1] - fresh[:, 0]).abs().max() > 0.01


def test_dropout_that_keeps_all_is_the_lstm_itself() -> None:
    torch.manual_seed(0)
    model = MDNRNN(SMALL)
    latents, state = torch.randn(3, 6, 4), (torch.randn(2, 3, 16), torch.randn(2, 3, 16))
    whole, layered = model(latents, state), model(latents, state, torch.ones(2, 3, 6, 16))
    for a, b in zip((*whole[:3], *whole[3]), (*layered[:3], *layered[3]), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_lane_draws_its_own_whatever_dances_beside_it() -> None:
    model = MDNRNN(MDNRNNConfig(latent_size=4, layers=2, units=500, dropout=0.4))
    together, alone = model.draw_kept(20, lanes(3)), model.draw_kept(20, lanes(3)[2:])
    assert torch.equal(together[:, 2:], alone)
    assert not torch.equal(together[:, 0], together[:, 1])
    assert together.unique().tolist() == pytest.approx([0, 256 / 154])  # the 256th nearest to 0.6
    assert float(together.mean()) == pytest.approx(1, abs=0.02)
    clips, how = [sequence(30, 1), sequence(30, 2)], MDNRNNTraining()
    normal, chunk = statistics(clips), Chunk(8, [(0, 0, 8), (1, 8, 8)], np.array([True, False]))
    both = draw(clips, normal, chunk, how, lanes(2))
    second = draw(clips, normal, chunk.share(slice(1, 2)), how, lanes(2)[1:])
    assert all(torch.equal(one[1:], other) for one, other in zip(both, second, strict=True))


def test_latents_are_drawn_from_the_posterior() -> None:
    clip = Sequence("a", np.full((4001, 4), 3, np.float32), np.full((4001, 4), math.log(0.25), np.float32))
    normal = Statistics(np.full(4, 1, np.float32), np.full(4, 2, np.float32))
    torch.manual_seed(0)
    how = MDNRNNTraining(input_noise=1.0, target_noise=0.2)
    inputs, targets, mask, _ = draw([clip], normal, Chunk(4000, [(0, 0, 4000)], np.array([True])), how, lanes(1))
    assert mask.sum() == 4000
    # Normalised: mean (3 - 1) / 2, and the posterior's deviation 0.5 / 2, a fifth of it in targets.
    assert float(inputs.mean()) == pytest.approx(1, abs=0.01)
    assert float(targets.mean()) == pytest.approx(1, abs=0.01)
    assert float(targets.std()) == pytest.approx(0.05, rel=0.05)
    assert 0 < float(inputs.std()) <= 0.26


def test_mu_starts_from_the_signal_of_the_last_latent() -> None:
    torch.manual_seed(0)
    model = MDNRNN(SMALL).eval()
    latents = torch.randn(2, 5, 4)
    _, whole, _, _ = model(latents, model.zero_state(2))
    model.gain.copy_(torch.tensor([0, 0.5, 1, 0]))
    _, mu, _, _ = model(latents, model.zero_state(2))
    torch.testing.assert_close(mu - whole, (latents * model.gain)[:, :, None].expand_as(mu))


def test_the_share_of_signal_is_one_without_noise_and_zero_without_movement() -> None:
    random = np.random.default_rng(0)
    means = (random.normal(size=(5000, 3)) * [3, 0, 1]).astype(np.float32)
    noise = np.broadcast_to(np.log(np.array([1e-9, 1, 1], np.float32)), means.shape)
    clip = Sequence("a", means, noise)
    assert signal_share([clip], statistics([clip])) == pytest.approx([1, 0, 0.5], abs=0.02)


def test_statistics_are_those_of_draws() -> None:
    random = np.random.default_rng(0)
    means = random.normal(2, 3, (50_000, 1)).astype(np.float32)
    found = statistics([Sequence("a", means, np.full_like(means, math.log(16)))])
    assert found.mean[0] == pytest.approx(2, abs=0.05)
    assert found.deviation[0] == pytest.approx(5, rel=0.01)


def test_bfloat16_is_refused_where_the_processor_cannot() -> None:
    if multiplies_bfloat16():
        assert choose_place("cpu", "bfloat16").half
    else:
        with pytest.raises(ValueError, match="--precision bfloat16: not on this processor"):
            choose_place("cpu", "bfloat16")
