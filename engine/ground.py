"""The ground: what lies behind the dancer in a grey bundle's images, learnt from them, and the dancer lifted off it.

Knows nothing of GL: images go in, fields go out. Grey footage brings a room of its own, and laid into a scene it would
be seen as a box, whatever is done to its edges. So it is left out, and the dancer stands in the scene's room as
silhouettes do, but shaded as they were filmed. Footage whose ground does not stay (the camera moves, the light changes)
keeps it, in a soft oval.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# Levels, 0..1, by which a place must differ from its ground to be anything else: decoders give grounds back to 0.05.
NEAR = 0.1
# A place that is other than usual in more images than that may be usually covered: what lies behind is not known there.
OFTEN = 0.3
# Where less of the image than that is a ground that is known from its border on, the ground does not stay.
LEAST_KNOWN = 0.4
# A body is whole from this share of its usual contrast on, and cut at half of that: limbs are paler than clothes.
WHOLE = 0.55
# The darkest of a body, where the lightest is 1: effects take what is darker than that for no body.
DIMMEST = 0.5
# The shares of a body's levels taken for its darkest and its lightest; with less between them it has no shades.
SHADOW, LIGHT, LEAST_SHADES = 0.05, 0.95, 0.08
# How often a body's tones are passed on outwards by a texel.
PASSED_ON = 4
# How often the fill of a hole is smoothed at each of its sizes.
SMOOTHED = 12
# How far from the image's edge, of its height, what is cut off by it has faded: a limb, or a ground that does not stay.
CUT, OVAL = 0.025, 0.45


class Lifted(NamedTuple):
    """A dancer off its ground: how far each place is covered and how light the body is there, (height, width), 0..1."""

    coverage: NDArray[np.float32]
    tones: NDArray[np.float32]


class Ground:
    """What stays in these `images` of a decoder, (n, height, width) uint8, taken from everywhere in its dance."""

    def __init__(self, images: NDArray[np.uint8]) -> None:
        levels = images.astype(np.float32) / np.float32(255)
        usual = np.median(levels, axis=0)
        known = _from_border((np.abs(levels - usual) > NEAR).mean(axis=0) < OFTEN)
        self.stays = bool(known.mean() >= LEAST_KNOWN)
        """Whether there is a ground to lift dancers off."""
        self.levels = _filled(levels, usual, known) if self.stays else usual
        """The ground, (height, width), 0..1."""
        self.fade = CUT if self.stays else OVAL
        """How far from the image's edges, of its height, all has faded."""
        away = np.abs(levels - self.levels)
        body = away > NEAR
        if not body.any():
            body[:] = True
        self._contrast = max(float(np.median(away[body])), NEAR)
        clear = levels[away > WHOLE * self._contrast] if self.stays else levels
        shades = np.quantile(clear, (SHADOW, LIGHT)) if clear.size else np.zeros(2)
        self._dark, self._light = float(shades[0]), float(shades[1])

    def lift(self, image: NDArray[np.uint8]) -> Lifted:
        """The dancer of an image (height, width), off its ground."""
        levels = image.astype(np.float32) / np.float32(255)
        if not self.stays:
            return Lifted(np.ones_like(levels), levels)
        away = np.abs(levels - self.levels) - NEAR / 2
        coverage = np.clip(away / max(WHOLE * self._contrast - NEAR / 2, NEAR / 2), 0, 1).astype(np.float32)
        return Lifted(coverage, self._tones(levels, coverage))

    def _tones(self, levels: NDArray[np.float32], coverage: NDArray[np.float32]) -> NDArray[np.float32]:
        """How light the body is, its darkest at DIMMEST; beyond its edge as it is on this side of it."""
        if self._light - self._dark < LEAST_SHADES:
            return np.ones_like(levels)
        tones = DIMMEST + (1 - DIMMEST) * np.clip((levels - self._dark) / (self._light - self._dark), 0, 1)
        sure = _least(coverage)  # an edge holds some of the ground's light
        sums, weights = tones * sure, sure + 1e-6
        for _ in range(PASSED_ON):
            sums, weights = _blurred(sums), _blurred(weights)
        tones += (sums / weights - tones) * (1 - sure)
        return tones.astype(np.float32)


def _filled(levels: NDArray[np.float32], usual: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The ground where it is `known`, elsewhere what was seen of it between bodies, or what goes on from around."""
    around = _filled_from_around(np.where(known, usual, 0), known)
    hidden = levels[:, ~known]  # (n, places)
    guess = around[~known]
    like_it = np.abs(hidden - guess) < NEAR
    seen = np.where(like_it, hidden, 0).sum(axis=0) / np.maximum(like_it.sum(axis=0), 1)
    around[~known] = np.where(like_it.any(axis=0), seen, guess)
    return around


def _filled_from_around(levels: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The levels (height, width), smoothly filled in where they are not `known`: coarsely first, then finer."""
    if known.all() or not known.any() or max(known.shape) == 1:
        return np.where(known, levels, levels[known].mean() if known.any() else 0).astype(np.float32)
    height, width = known.shape
    grown = (0, height % 2), (0, width % 2)
    weights = np.pad(known.astype(np.float32), grown)
    sums = np.pad(np.where(known, levels, 0), grown)
    halves = [each.reshape(weights.shape[0] // 2, 2, -1, 2).sum(axis=(1, 3)) for each in (weights, sums)]
    coarse = _filled_from_around(halves[1] / np.maximum(halves[0], 1), halves[0] > 0)
    filled = np.where(known, levels, coarse.repeat(2, axis=0).repeat(2, axis=1)[:height, :width])
    for _ in range(SMOOTHED):
        filled = np.where(known, levels, _blurred(filled))
    return filled.astype(np.float32)


def _from_border(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Of these `places` (height, width) those that can be walked to from the border without leaving them."""
    reached = places.copy()
    reached[1:-1, 1:-1] = False
    while True:
        wider = reached.copy()
        wider[1:] |= reached[:-1]
        wider[:-1] |= reached[1:]
        wider[:, 1:] |= reached[:, :-1]
        wider[:, :-1] |= reached[:, 1:]
        wider &= places
        if (wider == reached).all():
            return reached
        reached = wider


def _least(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each place the least of itself and its eight neighbours, (height, width)."""
    padded = np.pad(field, 1, mode="edge")
    rows = np.minimum(np.minimum(padded[:-2], padded[1:-1]), padded[2:])
    least: NDArray[np.float32] = np.minimum(np.minimum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
    return least


def _blurred(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each place the mean of itself and its eight neighbours, (height, width)."""
    padded = np.pad(field, 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    blurred: NDArray[np.float32] = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9)
    return blurred
