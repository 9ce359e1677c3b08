"""Clips: uninterrupted takes of grey images. Owns their rate, which of them are held out, and what they look like."""

from dataclasses import dataclass

import numpy as np

from training.frames import Images, taken

STEPS_A_SECOND = 30
HELD_OUT_EVERY = 10  # one clip in ten, by name, is never trained on

# A silhouette: at least this share of all pixels within EXTREME levels of black or white. Real footage has 0.3 or less.
SILHOUETTE_SHARE, EXTREME = 0.85, 16
# The even background that `vae_fast` skips: at least this share of pixels has exactly that level.
BACKGROUND_SHARE = 0.5


@dataclass
class Clip:
    """One uninterrupted take. frames: (n, height, width) uint8; those on disk are read where they are looked at. style:
    its label (training/styles.py), or none."""

    name: str
    frames: Images
    style: str = ""

    def __len__(self) -> int:
        return len(self.frames)


def split(clips: list[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Training and held-out clips: every tenth by name; of fewer than ten, the last tenth of each clip's images."""
    if len(clips) >= HELD_OUT_EVERY:
        return [c for i, c in enumerate(clips) if i % HELD_OUT_EVERY], clips[::HELD_OUT_EVERY]
    training, held_out = [], []
    for clip in clips:
        cut = len(clip) - max(len(clip) // HELD_OUT_EVERY, 1)
        if cut:
            training.append(Clip(clip.name, clip.frames[:cut], clip.style))
        held_out.append(Clip(clip.name, clip.frames[cut:], clip.style))
    return training or held_out, held_out


def sample(clips: list[Clip], count: int = 256) -> np.ndarray:
    """About `count` images spread evenly over all clips, (n, height, width)."""
    stride = max(sum(len(clip) for clip in clips) // count, 1)
    return np.concatenate([taken(clip.frames, np.arange(0, len(clip), stride)) for clip in clips])


def excerpts(clips: list[Clip], most: int) -> list[Images]:
    """What is looked at of the clips where it is to be all, but at most about `most` images: the same share of each."""
    share = min(most / max(sum(len(clip) for clip in clips), 1), 1.0)
    return [clip.frames[: max(round(share * len(clip)), 1)] for clip in clips]


def image_kind(clips: list[Clip]) -> str:
    """`dark silhouette`, `light silhouette` or `grey`, by its nearly black or white pixels and its border."""
    images = sample(clips)
    extreme = np.mean((images < EXTREME) | (images > 255 - EXTREME))
    if extreme < SILHOUETTE_SHARE:
        return "grey"
    border = np.concatenate([images[:, 0].ravel(), images[:, :, 0].ravel(), images[:, :, -1].ravel()])
    return "dark silhouette" if np.median(border) > 127 else "light silhouette"


def even_background(clips: list[Clip]) -> float | None:
    """The one level, 0..1, that most pixels have exactly; None if there is none."""
    counts = np.bincount(sample(clips).ravel(), minlength=256)
    level = int(counts.argmax())
    return level / 255 if counts[level] >= BACKGROUND_SHARE * counts.sum() else None
