"""Figures of a dance, for the report and the model card: how it moves and how sharp it is, beside the footage's own.

Poses are images averaged to a coarse grid; all figures are of the dancer's coverage in 0..1, whatever its colour.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from training.frames import Images, taken

GRID = (15, 26)  # rows, columns: coarse enough to see limbs and no edges
SECOND = 30  # steps
SLOW, FAST = 0.01, 0.99  # quantiles of the footage that count as rest and as a jerk
# Pixels covered by more than half, touching at a side or a corner, are one piece; smaller ones are specks. Of 208x120
# a hand has about 30 pixels.
TOUCHING, SPECK = np.ones((3, 3)), 12


def coverage(images: np.ndarray, kind: str) -> np.ndarray:
    """(n, height, width) uint8 -> the dancer's coverage, float32 in 0..1."""
    values = images.astype(np.float32) / 255
    return 1 - values if kind == "dark silhouette" else values


def poses(images: Images, kind: str) -> np.ndarray:
    """(n, height, width) uint8 -> (n, cells) float32."""
    parts = []
    for start in range(0, len(images), 512):
        field = coverage(np.asarray(images[start : start + 512]), kind)
        rows = np.linspace(0, field.shape[1], GRID[0] + 1).astype(int)[:-1]
        columns = np.linspace(0, field.shape[2], GRID[1] + 1).astype(int)[:-1]
        sums = np.add.reduceat(np.add.reduceat(field, rows, 1), columns, 2)
        parts.append(sums.reshape(len(field), -1) / (field.shape[1] * field.shape[2] / sums[0].size))
    return np.concatenate(parts)


def energy(pose: np.ndarray) -> np.ndarray:
    """Speed of the pose, its mean over half a second: the low-passed motion energy, per step."""
    speed = np.linalg.norm(np.diff(pose, axis=0), axis=1)
    window = min(SECOND // 2, len(speed))
    return np.convolve(speed, np.ones(window) / window, "valid") if window else speed


def acceleration(pose: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(pose, 2, axis=0), axis=1)


def blur(images: np.ndarray, kind: str) -> float:
    """Share of the dancer's coverage that is neither here nor there: the mean of 4 m (1 - m) over its area."""
    field = coverage(images, kind)
    return float((4 * field * (1 - field)).sum() / max(float(field.sum()), 1e-9))


def loose_pieces(images: np.ndarray, kind: str) -> float:
    """Share of the images in which the dancer is in more than one piece: a hand or a shin that floats."""
    loose = 0
    for field in coverage(images, kind):
        pieces, _ = ndimage.label(field > 0.5, TOUCHING)
        loose += int((np.bincount(pieces.ravel())[1:] >= SPECK).sum() > 1)
    return loose / max(len(images), 1)


def diversity(pose: np.ndarray) -> float:
    """Mean distance of two random one-second passages."""
    starts = np.arange(0, max(len(pose) - SECOND, 1), SECOND // 2)
    windows = np.stack([np.resize(pose[s : s + SECOND], (SECOND, pose.shape[1])).ravel() for s in starts])
    random = np.random.Generator(np.random.PCG64(0))
    first, second = random.integers(0, len(windows), (2, 2000))
    return float(np.linalg.norm(windows[first] - windows[second], axis=1).mean())


def figures(images: np.ndarray, footage: Sequence[Images], kind: str) -> dict[str, tuple[float, float]]:
    """Name -> (of the dance, of the footage). images: (n, height, width) uint8; footage: one such array a clip."""
    danced, real = poses(images, kind), [poses(clip, kind) for clip in footage]
    real_energy = np.concatenate([energy(pose) for pose in real])
    real_acceleration = np.concatenate([acceleration(pose) for pose in real])
    slow, fast = np.quantile(real_energy, SLOW), np.quantile(real_acceleration, FAST)
    sharp = [
        images[:: max(len(images) // 200, 1)],
        np.concatenate([taken(clip, np.arange(0, len(clip), max(len(clip) // 50, 1))) for clip in footage]),
    ]
    return {
        "motion energy": (float(energy(danced).mean()), float(real_energy.mean())),
        "freeze": (float((energy(danced) < slow).mean()), SLOW),
        "jitter": (float((acceleration(danced) > fast).mean()), 1 - FAST),
        "blur": (blur(sharp[0], kind), blur(sharp[1], kind)),
        "loose pieces": (loose_pieces(sharp[0], kind), loose_pieces(sharp[1], kind)),
        "diversity": (diversity(danced), diversity(np.concatenate(real))),
    }
