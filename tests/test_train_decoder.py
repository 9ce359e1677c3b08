"""The decoder learns from latents as the dancer dances them, and nothing else changes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training import train_decoder
from training.clips import Clip
from training.latents import Sequence, Statistics, encode, statistics
from training.loop import Budget
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.train_decoder import DecoderTraining, danced
from training.vae import VAE, VAEConfig, reconstruction_loss

SIZES = MDNRNNConfig(latent_size=4, layers=2, units=8, hidden=8, components=3)
VAE_SIZES = VAEConfig((32, 16), 4, (8, 8, 4))


def sequence(length: int) -> Sequence:
    shape = (length, SIZES.latent_size)
    mean = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    return Sequence("a", mean, np.full(shape, -2, np.float32))


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
    monkeypatch.setattr(train_decoder, "PASSAGE", 7)
    np.testing.assert_allclose(danced(model, clip, normal, 0.9, 0), found, atol=1e-4, err_msg="the state is carried")


def test_temperature_widens_what_is_believed_and_a_seed_repeats_it() -> None:
    clip = sequence(400)
    torch.manual_seed(3)
    model, normal = MDNRNN(SIZES), statistics([clip])
    cold, warm = (danced(model, clip, normal, temperature, 5) for temperature in (0.1, 1.0))
    assert np.array_equal(warm, danced(model, clip, normal, 1.0, 5))
    assert warm[1:].std() > 2 * cold[1:].std()


def blob(place: float) -> np.ndarray:
    """A dark disc on a light ground, (16, 32) uint8."""
    y, x = np.mgrid[:16, :32]
    return np.where((x - 6 - 20 * place) ** 2 + (y - 8) ** 2 < 16, 0, 255).astype(np.uint8)


@torch.no_grad()
def loss_of(model: VAE, clip: Clip, latents: np.ndarray) -> float:
    images = torch.from_numpy(clip.frames)[:, None].float() / 255
    return float(reconstruction_loss(model.decode(torch.from_numpy(latents)), images))


def test_strayed_latents_come_to_show_the_image_and_the_encoder_stays(tmp_path: Path) -> None:
    torch.manual_seed(4)
    clip = Clip("a", np.stack([blob((1 + np.sin(i / 9)) / 2) for i in range(160)]))
    start = VAE(VAE_SIZES).state_dict()
    model = VAE(VAE_SIZES)
    model.load_state_dict(start)
    sequences = encode(model, [clip])
    away = np.random.default_rng(6).normal(size=(2, *sequences[0].mean.shape)).astype(np.float32)
    strayed = [each.mean + 0.1 * shift for each, shift in zip(sequences, away, strict=True)]
    how, path = DecoderTraining(fast=False), tmp_path / "decoder.pt"
    arguments = [clip], [clip], sequences, strayed, VAE_SIZES, 1.0, how, Budget(200), path, False, start
    trained, checkpoint = train_decoder.train_decoder(*arguments)
    assert loss_of(trained, clip, strayed[0]) < 0.5 * loss_of(model, clip, strayed[0])
    found = trained.state_dict()
    assert all(torch.equal(found[name], start[name]) for name in start if name.startswith("encoder."))
    assert checkpoint["done"] and path.is_file()
