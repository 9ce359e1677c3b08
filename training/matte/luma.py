"""An even backdrop, white, grey or black: its light is a smooth surface over the image, found from what is alike at the
border; so a camera that moves before it does no harm.
"""

import cv2
import numpy as np

from training.matte.difference import Empty, colours
from training.matte.shape import Field, Image

NEAR = 40.0, 20.0, 12.0, 9.0  # levels from the surface that are still backdrop, in each of the rounds that find it
LEAST_BORDER, LEAST_IMAGE = 0.75, 0.45  # of the border and of the image, that a backdrop has
COLOURLESS = 14.0  # levels of chroma that an even backdrop has at most
EVEN = 4.0  # levels that it strays from the surface, in the middle of all its pixels


def terms(height: int, width: int) -> Field:
    """(h * w, 6): a surface of the second degree over the image."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)


def find_backdrop(frames: list[Image]) -> Empty | None:
    """The backdrop in all of these frames of a clip; None where there is none."""
    height, width = frames[0].shape[:2]
    step = max(width // 160, 1)
    small = np.stack([colours(frame)[::step, ::step] for frame in frames])  # (n, h, w, 3)
    count, rows, columns = small.shape[:3]
    base = terms(rows, columns)
    border = np.zeros((rows, columns), bool)
    border[:2] = border[:, :3] = border[:, -3:] = True
    level = np.median(small[:, border].reshape(-1, 3), axis=0)
    surface = np.broadcast_to(level, (rows, columns, 3)).astype(np.float32)
    alike = np.zeros((count, rows, columns), bool)
    for near in NEAR:
        alike = np.abs(small - surface).max(axis=-1) < near
        weight = alike.sum(axis=0).ravel().astype(np.float32)
        if weight.sum() < LEAST_IMAGE / 2 * alike.size:
            return None
        mean = (small * alike[..., None]).sum(axis=0).reshape(-1, 3) / np.maximum(weight, 1)[:, None]
        root = np.sqrt(weight)[:, None]
        fit, *_ = np.linalg.lstsq(base * root, mean * root, rcond=None)
        surface = (base @ fit).reshape(rows, columns, 3).astype(np.float32)
    if np.hypot(*(level[1:] - 128)) > COLOURLESS:
        return None
    if alike.mean() < LEAST_IMAGE or alike[:, border].mean() < LEAST_BORDER:
        return None
    left = np.abs(small[..., 0] - surface[..., 0])[alike]
    noise = 1.4826 * float(np.median(left))
    if noise > EVEN:
        return None
    image = (terms(height, width) @ fit).reshape(height, width, 3).astype(np.float32)
    return Empty(np.clip(image, 0, 255), np.full((height, width), noise, np.float32), np.zeros((height, width), bool))


def is_silhouette(frames: list[Image]) -> bool:
    """Whether frames are black on white or white on black already."""
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames])
    return float(((grey < 16) | (grey > 239)).mean()) >= 0.9
