"""The original's `lv.npy`: all latents of its footage in one array, image by image.

Owns what is made of it for a bundle: the bank of passages, and, from the images that they decode to, what the footage
does.
"""

from collections.abc import Callable

import numpy as np

from training.bank import PASSAGES, STRIDE, choose_passages
from training.clips import STEPS_A_SECOND, Clip, image_kind
from training.dancer import footage_health
from training.latents import SMALLEST_DEVIATION, Sequence, Statistics

# What is looked at of long footage, in seconds: takes of TAKE spread evenly over it. Passages are chosen from so many,
# and so many are decoded: 3 s of work a minute on two cores.
TAKE, LOOKED_AT, DECODED = 10, 3000, 120
LEAST = STEPS_A_SECOND + 1  # latents: a passage, and a second of changes between images


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
