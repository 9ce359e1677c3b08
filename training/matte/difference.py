"""A frame against a picture of the empty place: how surely each pixel is the dancer, 0..1.

Exposure that drifts, windows that flicker and soft shadows change a place's light slowly from pixel to pixel and leave
its colours as they are; a dancer does neither.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from training.matte.shape import Field, Image, smoothstep

# A pixel differs where it is as many times its noise, or as many levels, away: nothing at the first, all at the second.
FLOOR_NOISE = 2.0  # levels: compression hides the sensor's own noise in places, for a while
LIGHT, COLOUR = (8.0, 16.0), (4.5, 8.5)  # in units of noise
# A shadow takes away at most this share of light, and leaves colour and texture.
DARKEST_SHADOW = 0.45
ODD_LIGHT = 0.3
COARSE = 4  # pixels between those that the light is measured at
GRID = 24  # the light's map: one value for a width's 24th part


@dataclass(frozen=True)
class Empty:
    """The place without the dancer. image: (h, w, 3) float32 YCrCb in levels; noise: (h, w) float32 levels of its
    luminance; covered: (h, w) bool, where the dancer always was, so that the place was never seen.
    """

    image: Field
    noise: Field
    covered: np.ndarray


def colours(frame: Image) -> Field:
    """(h, w, 3) uint8 RGB -> float32 YCrCb in levels, its noise a little smoothed."""
    seen = cv2.cvtColor(frame, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    seen[:, :, 1:] = cv2.blur(seen[:, :, 1:], (5, 5))
    seen[:, :, 0] = cv2.GaussianBlur(seen[:, :, 0], (3, 3), 0)
    return seen


def light(seen: Field, empty: Field, known: Field, everywhere: float, shape: tuple[int, int]) -> Field:
    """(h, w) of `shape`: how much brighter the place is now.

    seen, empty: luminance, of any smaller shape; known: each of its pixels' weight, 0 where the place is not seen.
    """
    size = GRID, max(round(GRID * shape[0] / shape[1]), 1)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    ratio = cv2.resize(known * np.clip(seen / np.maximum(empty, 1), 0.4, 2), size, interpolation=cv2.INTER_AREA)
    # Where little of the place is seen, the light is its neighbours', and the whole image's at last.
    weight, ratio = (cv2.GaussianBlur(part, (0, 0), 1.2) for part in (weight, ratio))
    return cv2.resize((ratio + 0.1 * everywhere) / (weight + 0.1), shape[::-1], interpolation=cv2.INTER_LINEAR)


def off_colour(seen: Field, place: Field, gain: Field | float, ratio: Field) -> Field:
    """(h, w) levels of chroma between what is seen and the place in the same light, which a shadow leaves alone."""
    kept = np.minimum(ratio, 1) * gain
    red, blue = (seen[:, :, at] - 128 - (place[:, :, at] - 128) * kept for at in (1, 2))
    return cv2.magnitude(red, blue)


def difference(frame: Image, empty: Empty, before: Field | None) -> Field:
    """(h, w) float32, 0..1. frame: (h, w, 3) uint8 RGB; before: the frame before's, None at the first."""
    seen, place = colours(frame), empty.image
    noise = np.maximum(empty.noise, FLOOR_NOISE)
    gain = light_now(seen, empty, before)
    expected = place[:, :, 0] * gain
    ratio = (seen[:, :, 0] + 4) / (expected + 4)
    by_colour = smoothstep(off_colour(seen, place, gain, ratio) / noise, *COLOUR)
    by_light = smoothstep(np.abs(seen[:, :, 0] - expected) / noise, *LIGHT)
    return np.maximum(by_colour, by_light * (1 - shadow(seen[:, :, 0], expected, ratio, noise)))


def light_now(seen: Field, empty: Empty, before: Field | None) -> Field:
    """(h, w): how much brighter the place is than it was learnt, by what of it is seen beside the dancer."""
    coarse = np.ascontiguousarray(seen[::COARSE, ::COARSE])
    place, noise = empty.image[::COARSE, ::COARSE], np.maximum(empty.noise[::COARSE, ::COARSE], FLOOR_NOISE)
    ratio = (coarse[:, :, 0] + 4) / (place[:, :, 0] + 4)
    middling = (place[:, :, 0] > 16) & (place[:, :, 0] < 245)
    everywhere = float(np.median(ratio[middling])) if middling.any() else 1.0
    # What has another colour, or far more or less light than its surroundings, tells nothing of the place's light.
    alike = off_colour(coarse, place, everywhere, ratio / everywhere) < COLOUR[0] * noise
    alike = alike & middling & (np.abs(ratio / everywhere - 1) < ODD_LIGHT)
    known = cv2.erode(alike.astype(np.float32), np.ones((2, 2), np.uint8))
    if before is not None:
        body = (before[::COARSE, ::COARSE] > 0.3).astype(np.float32)
        known = known * (1 - cv2.dilate(body, np.ones((3, 3), np.uint8)))
    return light(coarse[:, :, 0], place[:, :, 0], known, everywhere, seen.shape[:2])


def shadow(seen: Field, expected: Field, ratio: Field, noise: Field) -> Field:
    """(h, w), 0..1: how well less light explains what is seen: a little darker, smoothly, the place's texture kept."""
    dark = smoothstep(ratio, DARKEST_SHADOW, DARKEST_SHADOW + 0.12) * smoothstep(-ratio, -1.02, -0.98)
    smooth = cv2.blur(ratio, (7, 7))
    left = np.abs(seen - smooth * expected)  # of the texture, were it a shadow
    return dark * smoothstep(-cv2.blur(left / noise, (7, 7)), -2.6, -1.6)
