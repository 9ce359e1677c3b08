"""Clips -> latents: the posterior of every image and of its mirror image, and the latents' statistics.

Kept as rows of one array file, which is mapped, not read: 100 hours are 22 GB of it.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.clips import Clip
from training.place import CPU, Place
from training.processes import Processes
from training.vae import VAE

BATCH = 32
SMALLEST_DEVIATION = 1e-3  # a latent that never moves must not divide by zero
SCAN = 65536  # rows that are summed at once


@dataclass
class Sequence:
    """One clip's posterior, or its mirror image's. mean, log_variance: (n, latent_size) float32, memory maps."""

    name: str
    mean: np.ndarray
    log_variance: np.ndarray
    style: str = ""

    def __len__(self) -> int:
        return len(self.mean)


@dataclass(frozen=True)
class Statistics:
    """Of the training set's latents, drawn from the posterior: mean and deviation, (latent_size,) float32."""

    mean: np.ndarray
    deviation: np.ndarray


@dataclass(frozen=True)
class Part:
    """Some images of a clip that are encoded at once; first: their row in the file, mirrored: that of the first's
    mirror image."""

    clip: int
    start: int
    stop: int
    first: int
    mirrored: int


def parts(clips: list[Clip]) -> list[Part]:
    """All images, by BATCH. A clip's rows are followed by its mirror image's."""
    found, row = [], 0
    for i, clip in enumerate(clips):
        for start in range(0, len(clip), BATCH):
            stop = min(start + BATCH, len(clip))
            found.append(Part(i, start, stop, row + start, row + len(clip) + start))
        row += 2 * len(clip)
    return found


@torch.no_grad()
def encoded(model: VAE, images: np.ndarray, place: Place) -> np.ndarray:
    """Means and log-variances of images (n, height, width) uint8: (n, 2, latent_size) float32."""
    batch = torch.from_numpy(np.ascontiguousarray(images))[:, None].float() / 255
    with place.precision():
        return torch.stack(model.encode(batch.to(place.device)), 1).float().cpu().numpy()


def encode(
    model: VAE,
    clips: list[Clip],
    path: Path,
    progress: Callable[[list[Part]], Iterator[Part]] = iter,
    place: Place = CPU,
) -> list[Sequence]:
    """All clips' sequences, each followed by its mirror image's, in a file at `path`; each process encodes a share."""
    model.eval()
    every = parts(clips)

    def pieces() -> Iterator[tuple[int, np.ndarray]]:
        for part in progress(every[place.processes.share(len(every))]):
            images = np.asarray(clips[part.clip].frames[part.start : part.stop])
            yield part.first, encoded(model, images, place)
            yield part.mirrored, encoded(model, images[:, :, ::-1], place)

    rows = 2 * sum(len(clip) for clip in clips)
    write_rows(path, (rows, 2, model.config.latent_size), pieces(), place.processes)
    return open_sequences(path, clips)


def write_rows(
    path: Path, shape: tuple[int, ...], pieces: Iterator[tuple[int, np.ndarray]], processes: Processes
) -> None:
    """Put all processes' pieces, (first row, rows), into one float32 array file; on return it is whole."""
    part = path.with_name(path.name + ".part")
    array = np.lib.format.open_memmap(part, "w+", np.float32, shape) if processes.first else None
    for first, rows in processes.gathered(pieces):
        if array is not None:
            array[first : first + len(rows)] = rows
    if array is not None:
        array.flush()
        os.replace(part, path)
    processes.wait()


def open_rows(path: Path) -> np.ndarray:
    """Raises ValueError with one line if the file is missing or damaged."""
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: not a readable array file ({error})") from None


def open_sequences(path: Path, clips: list[Clip]) -> list[Sequence]:
    """What `encode` wrote of these clips. Raises ValueError with one line if it is of others."""
    array = open_rows(path)
    if array.ndim != 3 or len(array) != 2 * sum(len(clip) for clip in clips):
        raise ValueError(f"{path}: these are latents of other footage; delete the file to encode anew")
    sequences, row = [], 0
    for clip in clips:
        for name in (clip.name, clip.name + " mirrored"):
            own = array[row : row + len(clip)]
            sequences.append(Sequence(name, own[:, 0], own[:, 1], clip.style))
            row += len(clip)
    return sequences


def scanned(sequences: list[Sequence]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Means and log-variances, some at a time, as float64."""
    for sequence in sequences:
        for start in range(0, len(sequence), SCAN):
            span = slice(start, start + SCAN)
            yield sequence.mean[span].astype(np.float64), sequence.log_variance[span].astype(np.float64)


def moments(sequences: list[Sequence]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of the means, their variance, and the mean of the variances, each (latent_size,) float64."""
    count = sum(len(sequence) for sequence in sequences)
    total = noise = np.zeros(sequences[0].mean.shape[1])
    for mean, log_variance in scanned(sequences):
        total, noise = total + mean.sum(0), noise + np.exp(log_variance).sum(0)
    centre = total / count
    spread = sum((((mean - centre) ** 2).sum(0) for mean, _ in scanned(sequences)), np.zeros_like(centre))
    return centre, spread / count, noise / count


def signal_share(sequences: list[Sequence], statistics: Statistics) -> np.ndarray:
    """The share of each latent's variance that is the means', not the posterior's noise: (latent_size,) in 0..1."""
    return (moments(sequences)[1] / statistics.deviation**2).clip(0, 1).astype(np.float32)


def statistics(sequences: list[Sequence]) -> Statistics:
    """The variance of a draw is the means' variance plus the mean of the variances."""
    mean, spread, noise = moments(sequences)
    deviation = np.sqrt(spread + noise).clip(SMALLEST_DEVIATION)
    return Statistics(mean.astype(np.float32), deviation.astype(np.float32))
