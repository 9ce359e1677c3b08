"""Clips -> latents: the posterior of every image and of its mirror image, and the latents' statistics."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.clips import Clip
from training.loop import load_checkpoint, save_checkpoint
from training.place import CPU, Place
from training.vae import VAE

BATCH = 32
SMALLEST_DEVIATION = 1e-3  # a latent that never moves must not divide by zero


@dataclass
class Sequence:
    """One clip's posterior, or its mirror image's. mean, log_variance: (n, latent_size) float32."""

    name: str
    mean: np.ndarray
    log_variance: np.ndarray

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class Statistics:
    """Of the training set's latents, drawn from the posterior: mean and deviation, (latent_size,) float32."""

    mean: np.ndarray
    deviation: np.ndarray


@torch.no_grad()
def encode_clip(model: VAE, clip: Clip, place: Place) -> list[Sequence]:
    """The clip's sequence and its mirror image's."""
    model.eval()
    both = []
    for name, images in ((clip.name, clip.frames), (clip.name + " mirrored", clip.frames[:, :, ::-1])):
        parts = []
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(np.array(images[start : start + BATCH]))[:, None].float() / 255
            with place.precision():
                parts.append(torch.stack(model.encode(batch.to(place.device))).float())
        mean, log_variance = torch.cat(parts, 1).cpu().numpy()
        both.append(Sequence(name, mean, log_variance))
    return both


def encode(
    model: VAE, clips: list[Clip], progress: Callable[[list[Clip]], Iterator[Clip]] = iter, place: Place = CPU
) -> list[Sequence]:
    """All clips' sequences, each followed by its mirror image's."""
    return [sequence for clip in progress(clips) for sequence in encode_clip(model, clip, place)]


def signal_share(sequences: list[Sequence], statistics: Statistics) -> np.ndarray:
    """The share of each latent's variance that is the means', not the posterior's noise: (latent_size,) in 0..1."""
    means = np.concatenate([sequence.mean for sequence in sequences]).astype(np.float64)
    return (means.var(0) / statistics.deviation**2).clip(0, 1).astype(np.float32)


def save_sequences(path: Path, sequences: list[Sequence]) -> None:
    """Keep sequences for a run that is resumed."""
    rows = [(s.name, torch.from_numpy(s.mean), torch.from_numpy(s.log_variance)) for s in sequences]
    save_checkpoint(path, {"sequences": rows})


def load_sequences(path: Path) -> list[Sequence]:
    """What `save_sequences` kept. Raises ValueError with one line if the file is missing or damaged."""
    rows = load_checkpoint(path)["sequences"]
    return [Sequence(name, mean.numpy(), log_variance.numpy()) for name, mean, log_variance in rows]


def statistics(sequences: list[Sequence]) -> Statistics:
    """The variance of a draw is the means' variance plus the mean of the variances."""
    means = np.concatenate([sequence.mean for sequence in sequences]).astype(np.float64)
    noise = np.concatenate([np.exp(sequence.log_variance) for sequence in sequences]).astype(np.float64).mean(0)
    deviation = np.sqrt(means.var(0) + noise).clip(SMALLEST_DEVIATION)
    return Statistics(means.mean(0).astype(np.float32), deviation.astype(np.float32))
