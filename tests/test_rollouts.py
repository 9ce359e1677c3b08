"""Latents as the dancer dances them: believed along a clip, and where it goes by itself."""

from typing import Any

import numpy as np
import pytest
import torch

from training import rollouts as rollouts_module
from training.latents import Sequence, Statistics, statistics
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.rollouts import LANES, STRIDE, rollouts

SIZES = MDNRNNConfig(latent_size=4, layers=2, units=8, hidden=8, components=3)


def sequence(length: int) -> Sequence:
    shape = (length, SIZES.latent_size)
    mean = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return Sequence("a", mean, np.full(shape, -2, np.float32))


def danced(*given: Any) -> np.ndarray:
    return np.concatenate(list(rollouts_module.danced(*given)))


def sure_dancer() -> MDNRNN:
    """One whose mixture is a narrow normal, hardly any wider at any temperature."""
    torch.manual_seed(2)
    model = MDNRNN(SIZES)
    with torch.no_grad():
        model.pi.weight.zero_()
        model.pi.bias.copy_(torch.tensor([100.0, 0, 0]))
        model.sigma.weight.zero_()
        model.sigma.bias.fill_(-15)
    return model.eval()


def test_an_image_s_latent_is_believed_to_be_what_the_mixture_says_and_the_first_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip, model = sequence(40), sure_dancer()
    normal = Statistics(np.full(4, 0.5, np.float32), np.full(4, 2, np.float32))
    found = danced(model, clip, normal, 0.9, 0)
    latents = (torch.from_numpy(clip.mean) - 0.5) / 2
    with torch.no_grad():
        _, mu, _, _ = model(latents[None, :-1], model.zero_state(1))
    assert np.array_equal(found[0], clip.mean[0])
    np.testing.assert_allclose(found[1:], mu[0, :, 0].numpy() * 2 + 0.5, atol=1e-4)
    monkeypatch.setattr(rollouts_module, "PASSAGE", 7)
    np.testing.assert_allclose(danced(model, clip, normal, 0.9, 0), found, atol=1e-4, err_msg="the state is carried")


def test_temperature_widens_what_is_believed_and_a_seed_repeats_it() -> None:
    clip = sequence(400)
    torch.manual_seed(3)
    model, normal = MDNRNN(SIZES), statistics([clip])
    cold, warm = (danced(model, clip, normal, temperature, 5) for temperature in (0.1, 1.0))
    assert np.array_equal(warm, danced(model, clip, normal, 1.0, 5))
    assert warm[1:].std() > 2 * cold[1:].std()


def test_a_dance_goes_on_from_its_own_latents_and_a_seed_repeats_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollouts_module, "STEPS", 12)
    clip, model = sequence(30), sure_dancer()  # of one second: every lane is warmed up with all of it
    normal = Statistics(np.full(4, 0.5, np.float32), np.full(4, 2, np.float32))
    found = rollouts(model, [sequence(29), clip], normal, 0.9, 0).reshape(-1, LANES, 4)
    assert found.shape == (12 // STRIDE, LANES, 4)
    latents, state = (torch.from_numpy(clip.mean)[None] - 0.5) / 2, model.zero_state(1)
    for step in range(12):
        _, mu, _, state = model(latents, state)
        latents = mu[:, -1:, 0].detach()
        if step % STRIDE == 0:
            expected = np.repeat(latents[0].numpy() * 2 + 0.5, LANES, 0)
            np.testing.assert_allclose(found[step // STRIDE], expected, atol=1e-3)
    torch.manual_seed(3)
    loose = MDNRNN(SIZES)
    first, again, other = (rollouts(loose, [clip], normal, 0.9, seed) for seed in (1, 1, 2))
    assert np.array_equal(again, first)
    assert np.abs(other - first).max() > 0.1
    lanes = first.reshape(-1, LANES, 4)
    assert lanes[:, -8:].std() > lanes[:, :8].std(), "the last lanes are the warmest"
