"""The original's `lv.npy`: all latents of its footage in one array, image by image. Read as it lies on the disk.

Owns what is made of it: how latents are scaled, the bank of passages, and, from the images that they decode to, what
the footage does.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from training.bank import PASSAGES, STRIDE, choose_passages
from training.clips import STEPS_A_SECOND, Clip, image_kind
from training.dancer import footage_health
from training.latents import SMALLEST_DEVIATION, Sequence, Statistics

# What is looked at of long footage, in seconds: takes of TAKE spread evenly over it. Passages are chosen from so many,
# and so many are decoded: 3 s of work a minute on two cores.
TAKE, LOOKED_AT, DECODED = 10, 3000, 120
ROWS_AT_ONCE = 1 << 16


class LatentsError(ValueError):
    """A file of latents that cannot be used; the message is one line."""


def open_latents(path: Path, latent_size: int) -> np.ndarray:
    """The latents in an .npy, (n, latent_size) or as the original has them, (n, 1, latent_size): a map of the file."""
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise LatentsError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError):
        raise LatentsError(f"{path}: not a readable .npy file of numbers") from None
    if not isinstance(stored, np.ndarray) or stored.dtype.kind != "f":
        found = stored.dtype if isinstance(stored, np.ndarray) else "an archive"
        raise LatentsError(f"{path}: holds {found}; expected an array of floating-point numbers")
    if stored.shape[1:] not in ((latent_size,), (1, latent_size)) or len(stored) < STEPS_A_SECOND:
        raise LatentsError(
            f"{path}: its shape is {stored.shape}; expected ({STEPS_A_SECOND} or more, {latent_size}), the size of the "
            "VAE's latents"
        )
    latents = stored.reshape(len(stored), latent_size)
    for start in range(0, len(latents), ROWS_AT_ONCE):
        if not np.isfinite(latents[start : start + ROWS_AT_ONCE]).all():
            raise LatentsError(f"{path}: holds latents that are not finite; expected numbers")
    return latents


def takes(latents: np.ndarray, seconds: int) -> list[np.ndarray]:
    """All of it where it lasts no longer than so many seconds, else takes spread evenly over it; float32."""
    length, most = TAKE * STEPS_A_SECOND, seconds // TAKE
    if len(latents) <= most * length:
        return [np.array(latents, np.float32)]
    starts = np.linspace(0, len(latents) - length, most).astype(int)
    return [np.array(latents[start : start + length], np.float32) for start in starts]


def bank_of(latents: np.ndarray) -> tuple[np.ndarray, int]:
    """The bank's passages, (passages, steps, latent_size) float16, and how many of them are different ones."""
    parts = takes(latents, LOOKED_AT)
    everything = np.concatenate(parts)
    statistics = Statistics(everything.mean(0), everything.std(0).clip(SMALLEST_DEVIATION))
    sequences = [Sequence("lv", part, np.zeros((0, part.shape[1]), np.float32)) for part in parts]
    candidates = sum((len(part) - STEPS_A_SECOND) // STRIDE + 1 for part in parts)
    return choose_passages(sequences, statistics), min(candidates, PASSAGES)


def footage_of(
    latents: np.ndarray, decode: Callable[[np.ndarray], np.ndarray], batch: int = 32
) -> tuple[str, dict[str, object]]:
    """The kind and the health figures, as docs/bundle.md has them, of the images that the latents decode to."""
    clips = [
        Clip("lv", np.concatenate([decode(part[at : at + batch]) for at in range(0, len(part), batch)]))
        for part in takes(latents, DECODED)
    ]
    kind = image_kind(clips)
    return kind, footage_health(clips, kind)
