"""The green screen, or one of any strong colour: found by itself, unevenly lit, whatever it throws on the dancer.

A pixel's part of the screen is its colour along the key less its colour across it, beside that of the screen at that
place: so blurred edges are half there, and a dancer whom the screen colours stays whole.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training.matte.shape import Field, Image, smoothstep

STRONG = 22.0  # levels of chroma from grey: weaker colours are no key
ANGLE = np.deg2rad(28)  # a key's hues
SCREEN, BORDER = 0.25, 0.4  # of the image, and of its border, that a screen has at least
ACROSS = 1.1  # how much of a colour across the key is taken off that along it
PRESENT = 0.35, 0.7  # of the screen's own key: all dancer below the first, none above the second
SCREEN_LEAST = 0.45  # of the key's usual strength: a place that never has it is beside the screen
STILL = 6.0  # levels over a clip, of what stands beside the screen


@dataclass(frozen=True)
class Screen:
    """direction: of the key in chroma (Cr, Cb), length 1. strength: (h, w) float32, the key's level of the bare screen.
    beside: (h, w) bool, what is no screen and no dancer either. share: of the image. colour: of the key, as #rrggbb.
    """

    direction: tuple[float, float]
    strength: Field
    beside: np.ndarray
    share: float
    colour: str


def chroma(frame: Image) -> Field:
    """(h, w, 3) uint8 RGB -> (h, w, 2) float32, Cr and Cb from grey, compression's noise smoothed."""
    seen = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb)[:, :, 1:].astype(np.float32) - 128
    return cv2.GaussianBlur(seen, (3, 3), 0)


def key_of(seen: Field, direction: tuple[float, float]) -> Field:
    """(h, w): how much of the key is in each pixel, levels."""
    along = seen @ np.array(direction, np.float32)
    across = seen @ np.array([-direction[1], direction[0]], np.float32)
    return along - ACROSS * np.abs(across)


def find_screen(frames: list[Image]) -> Screen | None:
    """The screen that is in all of these frames of a clip; None where there is none."""
    seen = [chroma(frame) for frame in frames]
    points = np.concatenate([field[::4, ::4].reshape(-1, 2) for field in seen])
    strong = points[np.hypot(*points.T) > STRONG]
    if len(strong) < SCREEN * len(points):
        return None
    hues = np.arctan2(strong[:, 1], strong[:, 0])
    counts, edges = np.histogram(hues, 72, (-np.pi, np.pi))
    nearby = np.sum([np.roll(counts, shift) for shift in (-2, -1, 0, 1, 2)], axis=0)
    hue = edges[int(nearby.argmax())] + np.pi / 72
    own = strong[np.abs(np.angle(np.exp(1j * (hues - hue)))) < ANGLE]
    mean = np.median(own, axis=0)
    direction = float(mean[0] / np.hypot(*mean)), float(mean[1] / np.hypot(*mean))
    keys = [key_of(field, direction) for field in seen]
    usual = float(np.median(np.concatenate([key[key > STRONG * 0.6] for key in keys] or [np.zeros(1)])))
    is_screen = [key > SCREEN_LEAST * usual for key in keys]
    share = float(np.mean(is_screen))
    border = float(np.mean([np.concatenate([m[0], m[:, 0], m[:, -1]]).mean() for m in is_screen]))
    if share < SCREEN or border < BORDER:
        return None
    stack = np.stack(keys)
    bare = np.stack(is_screen)
    count = bare.sum(axis=0)
    level = np.where(count > 0, (stack * bare).sum(axis=0) / np.maximum(count, 1), 0).astype(np.float32)
    # A place that the dancer always covers has the screen of its neighbours.
    weight = (count > 0).astype(np.float32)
    wide = max(frames[0].shape[1] / 40, 1)
    level, weight = (cv2.GaussianBlur(part, (0, 0), wide) for part in (level * weight, weight))
    strength = np.where(weight > 0.02, level / np.maximum(weight, 1e-3), usual).astype(np.float32)
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in frames]).astype(np.float32)
    beside = _beside((count == 0) & (grey.std(axis=0) < STILL))
    colour = np.median(np.concatenate([f[m] for f, m in zip(frames, is_screen, strict=True)]), axis=0)
    return Screen(direction, strength, beside, share, "#" + "".join(f"{int(c):02x}" for c in colour))


def _beside(never: np.ndarray) -> np.ndarray:
    """Of pixels that never were screen and never changed, those that hang together with the image's border."""
    never = cv2.morphologyEx(never.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels = cv2.connectedComponents(never)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    found = np.isin(labels, np.setdiff1d(edge, [0]))
    return cv2.dilate(found.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0


def off_screen(frame: Image, screen: Screen) -> Field:
    """(h, w) float32, 0..1: how much of each pixel is before the screen. frame: (h, w, 3) uint8 RGB."""
    key = key_of(chroma(frame), screen.direction)
    likely = 1 - smoothstep(key / np.maximum(screen.strength, STRONG / 2), *PRESENT)
    likely[screen.beside] = 0
    return likely
