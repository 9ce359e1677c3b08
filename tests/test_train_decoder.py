"""The decoder learns from latents as the dancer dances them, keeps to what it showed, and nothing else changes."""

from pathlib import Path

import numpy as np
import torch

from training import train_decoder
from training.clips import Clip
from training.latents import encode
from training.loop import Budget, fit
from training.train_decoder import DecoderTraining, Kept
from training.vae import VAE, VAEConfig, reconstruction_loss

VAE_SIZES = VAEConfig((32, 16), 4, (8, 8, 4))


def blob(place: float) -> np.ndarray:
    """A dark disc on a light ground, (16, 32) uint8."""
    y, x = np.mgrid[:16, :32]
    return np.where((x - 6 - 20 * place) ** 2 + (y - 8) ** 2 < 16, 0, 255).astype(np.uint8)


@torch.no_grad()
def loss_of(model: VAE, clip: Clip, latents: np.ndarray) -> float:
    images = torch.from_numpy(np.asarray(clip.frames))[:, None].float() / 255
    return float(reconstruction_loss(model.decode(torch.from_numpy(latents)), images))


def test_strayed_latents_come_to_show_the_image_and_the_encoder_stays(tmp_path: Path) -> None:
    torch.manual_seed(4)
    clip = Clip("a", np.stack([blob((1 + np.sin(i / 9)) / 2) for i in range(160)]))
    start = VAE(VAE_SIZES).state_dict()
    model = VAE(VAE_SIZES)
    model.load_state_dict(start)
    sequences = encode(model, [clip], tmp_path / "latents.npy")
    away = np.random.default_rng(6).normal(size=(2, *sequences[0].mean.shape)).astype(np.float32)
    strayed = [each.mean + 0.1 * shift for each, shift in zip(sequences, away, strict=True)]
    how, path = DecoderTraining(fast=False), tmp_path / "decoder.pt"
    arguments = [clip], [clip], sequences, strayed, VAE_SIZES, 1.0, how, Budget(200), start
    stage = train_decoder.decoder_stage(*arguments)
    checkpoint, trained = fit(stage, path, False), stage.model
    assert loss_of(trained, clip, strayed[0]) < 0.5 * loss_of(model, clip, strayed[0])
    found = trained.state_dict()
    assert all(torch.equal(found[name], start[name]) for name in start if name.startswith("encoder."))
    assert checkpoint["done"] and path.is_file()


def test_a_refined_decoder_keeps_to_the_pictures_of_its_dances_while_it_learns_the_footage(tmp_path: Path) -> None:
    torch.manual_seed(5)
    clip = Clip("a", np.stack([blob((1 + np.sin(i / 9)) / 2) for i in range(160)]))
    before = VAE(VAE_SIZES).eval()
    start, far = before.state_dict(), np.random.default_rng(7).normal(3, 0.3, (64, 4)).astype(np.float32)
    sequences = encode(before, [clip], tmp_path / "latents.npy")

    def moved(kept: Kept | None) -> tuple[float, float]:
        """Loss of the footage, and how far pictures of `far` have gone from what they were, mean of a pixel."""
        path, how = tmp_path / f"{kept is None}.pt", DecoderTraining(fast=False, stray=0)
        arguments = [clip], [clip], sequences, [s.mean for s in sequences], VAE_SIZES, 1.0, how, Budget(200), start
        stage = train_decoder.decoder_stage(*arguments, kept=kept)
        checkpoint, trained = fit(stage, path, False), stage.model
        assert ("kept" in checkpoint["history"][-1]) == (kept is not None)
        with torch.no_grad():
            first, second = (torch.sigmoid(model.decode(torch.from_numpy(far))) for model in (before, trained))
        return loss_of(trained, clip, sequences[0].mean), float((first - second).abs().mean())

    footage, drift = moved(None)
    kept_footage, kept_drift = moved(Kept(before, far))
    assert kept_drift < 0.2 * drift
    assert footage < 0.5 * loss_of(before, clip, sequences[0].mean)
    assert kept_footage < 0.5 * loss_of(before, clip, sequences[0].mean)
