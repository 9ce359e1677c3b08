"""The stage: where in the picture each dancer of a company stands, how far back, and who fades in or out.

Knows nothing of GL: sizes, places and times go in, numbers come out. One dancer fills the picture. A company stands in
rows, the leader in front in the middle, seen from above eye level: rows further back are smaller, stand higher up and
are paler. When the company or the picture changes, everybody walks to their new place.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Seconds in which a dancer fades in or out.
FADE = 1.0
# Time constant, in seconds, of the walk to a new place and of the turn in the mirror.
WALK = 0.3
# How much of its image's width a body takes up, in the middle: the footage's reach with stretched arms is 0.56 of it.
BODY = 0.6
# The least room between neighbours, of the image's width: shoulders may meet, bodies do not.
SHOULDERS = 0.24
# The most, so that a small company stays together in a wide picture.
LOOSE = 0.5
# Rows lie behind each other by this share of the distance to the front row.
DEPTH = 0.22
MOST_ROWS = 8
# A ring's radius is at least so many image widths, and each of a larger one has so much room on it; how much smaller
# who stands a width further back is.
LEAST_RING, RING_ROOM, RING_DEPTH = 0.6, 0.34, 0.3
# The height of the eye, of the image's height: above 1, or heads would be in line and rows hide each other. It rises
# where a tall picture has room left, up to a balcony's.
EYE, BALCONY = 2.0, 6.0
# How far the palest row would fade into the ground if it were infinitely far away.
HAZE = 0.8
# Columns of a place.
X, FLOOR, SCALE, PALE, TURN = range(5)
PLACE = 5
# Pixels, or shares, at which a walk is over: an exponential alone never arrives.
ARRIVED = 1e-2


@dataclass(frozen=True)
class Layout:
    """Where a company is to stand, arrays (dancers): `x` is the middle of the image and `floor` its lower edge, in
    pixels from the picture's top left; `scale` is pixels to one of the image's; `haze` 0..1."""

    x: NDArray[np.float64]
    floor: NDArray[np.float64]
    scale: NDArray[np.float64]
    haze: NDArray[np.float64]


def lay_out(dancers: int, image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """The places of a company in a picture of `size`; images are of `image_size`; both are (width, height)."""
    if dancers == 1:
        return _alone(image_size, size)
    layouts = [_rows(dancers, rows, image_size, size) for rows in range(1, min(dancers, MOST_ROWS) + 1)]
    # The formation in which the company is largest.
    return max(layouts, key=lambda layout: float((layout.scale**2).sum()))


def line(dancers: int, image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """All side by side, as `lay_out`."""
    return _alone(image_size, size) if dancers == 1 else _rows(dancers, 1, image_size, size)


def ring(dancers: int, image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """A circle seen from above eye level, the leader in front, as `lay_out`."""
    angle = 2 * math.pi * np.arange(dancers) / dancers
    radius = max(LEAST_RING, dancers * RING_ROOM / (2 * math.pi)) if dancers > 1 else 0.0
    nearness = 1 / (1 + RING_DEPTH * radius * (1 - np.cos(angle)))
    return _fitted(radius * np.sin(angle) * nearness, nearness, image_size, size)


def trail(dancers: int, image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """One behind the other, away to the left, the leader in front, as `lay_out`: what a canon looks best in."""
    nearness = 1 / (1 + DEPTH * np.arange(dancers))
    return _fitted(-LOOSE * np.arange(dancers) * nearness, nearness, image_size, size)


def _fitted(
    across: NDArray[np.float64], nearness: NDArray[np.float64], image_size: tuple[int, int], size: tuple[int, int]
) -> Layout:
    """Those who stand so far `across`, in image widths, and so near, 1 in front, (dancers): as large as fits."""
    width, height = image_size
    floors = -EYE * height * (1 - nearness)
    left, right = float((across - BODY / 2 * nearness).min()), float((across + BODY / 2 * nearness).max())
    top = float((floors - height * nearness).min())
    front = min(size[0] / ((right - left) * width), size[1] / -top)
    x = size[0] / 2 + (across - (left + right) / 2) * width * front
    floor = (size[1] - top * front) / 2 + floors * front
    return Layout(x, floor, front * nearness, HAZE * (1 - nearness))


def _alone(image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """One in the middle, as large as its whole image fits."""
    scale = min(size[0] / image_size[0], size[1] / image_size[1])
    x, floor = size[0] / 2, size[1] / 2 + image_size[1] * scale / 2
    return Layout(np.array([x]), np.array([floor]), np.array([scale]), np.zeros(1))


def _rows(dancers: int, rows: int, image_size: tuple[int, int], size: tuple[int, int]) -> Layout:
    """A formation of so many rows, as large as fits."""
    width, height = size
    nearness = 1 / (1 + DEPTH * np.arange(rows))  # scale of each row against the front one

    def room(front: float) -> NDArray[np.int64]:
        """How many find room in each row, if the front row's scale is `front`."""
        scale = front * nearness
        free = (width - BODY * image_size[0] * scale) / (SHOULDERS * image_size[0] * scale)
        return np.where(free >= 0, 1 + np.floor(free + 1e-9), 0).astype(np.int64)

    # The back row's heads are at height EYE * front - (EYE - 1) * front * nearness above the front floor.
    low, high = 0.0, height / image_size[1] / max(1.0, EYE - (EYE - 1) * nearness[-1])
    for _ in range(40):
        middle = (low + high) / 2
        if room(middle).sum() >= dancers:
            low = middle
        else:
            high = middle
    front = low
    scale = front * nearness
    numbers = _share_out(dancers, room(front))
    x, scales = [], []
    for row, number in enumerate(numbers):
        if not number:
            continue
        body = image_size[0] * scale[row]
        apart = min((width - BODY * body) / max(1, number - 1), LOOSE * body)
        # From the middle outwards, right and left in turn, so that a canon runs outwards too.
        order = np.arange(number) if number % 2 else np.arange(1, number + 1)
        side = np.where(order % 2, 1, -1) * ((order + 1) // 2) - (0 if number % 2 else np.where(order % 2, 0.5, -0.5))
        x.append(width / 2 + side * apart)
        scales.append(np.full(number, scale[row]))
    each = np.concatenate(scales)
    back = each[-1] / each[0]
    eye = min(max((height / (each[0] * image_size[1]) - back) / max(1 - back, 1e-9), EYE), BALCONY)
    floors = -eye * image_size[1] * (each[0] - each)
    # What is left is above and below alike.
    floors += (height - float((floors - each * image_size[1]).min())) / 2
    return Layout(np.concatenate(x), floors, each, HAZE * (1 - each / each[0]))


def _share_out(dancers: int, room: NDArray[np.int64]) -> list[int]:
    """How many stand in each row, front row first: as full as each other, none beyond its room."""
    numbers = [0] * len(room)
    for _ in range(dancers):
        fullness = [
            (number + 1) / most if number < most else math.inf for number, most in zip(numbers, room, strict=True)
        ]
        numbers[int(np.argmin(fullness))] += 1
    # Rows of odd and of even numbers by turns, the first one odd: the leader in the middle, nobody behind another.
    for row in range(len(numbers) - 1):
        if (numbers[row] + row) % 2 == 0 and numbers[row] > 0:
            numbers[row] -= 1
            numbers[row + 1] += 1
    return numbers


# In the order of the choices of `dance/layout`.
LAYOUTS = (lay_out, line, ring, trail)


class Stage:
    """A company's places over time. `places` are in the order of the dancers: the first is the leader."""

    def __init__(self, image_size: tuple[int, int]) -> None:
        self._image_size = image_size
        self._layout = 0
        self._size = (0, 0)
        self._wanted = 0
        self._aims = np.zeros((0, PLACE))
        self.places = np.zeros((0, PLACE))
        """x, floor, scale, haze (as in `Layout`) and turn (1: as decoded, -1: mirrored, 0: edge on), (dancers, 5)."""
        self.presence = np.zeros(0)
        """How far each dancer is faded in, 0..1, (dancers)."""

    def advance(
        self, dt: float, dancers: int, wanted: int, mirror: float, size: tuple[int, int], layout: int = 0
    ) -> None:
        """Moves everybody on by `dt` seconds, in a picture of `size`.

        Of the `dancers` there the first `wanted` are to stay; at `mirror` above 0.5, a dancer alone and those in the
        left half are mirrored.
        """
        first = not len(self.places)
        if size != self._size or wanted != self._wanted or layout != self._layout:
            there = LAYOUTS[layout](wanted, self._image_size, size)
            self._aims = np.stack([there.x, there.floor, there.scale, there.haze, np.ones(wanted)], axis=1)
        left = (self._aims[:, X] < size[0] / 2) | (wanted == 1)
        self._aims[:, TURN] = np.where(left & (mirror > 0.5), -1, 1)
        known = min(len(self.places), dancers)
        # Who joins stands in place at once, who is to leave again in the last one; who leaves stays where they are.
        new = self._aims[np.minimum(np.arange(known, dancers), wanted - 1)]
        self.places = np.concatenate([self.places[:known], new])
        here = min(wanted, dancers)
        aims = self._aims[:here]
        if size == self._size:
            self.places[:here] += (aims - self.places[:here]) * -math.expm1(-dt / WALK)
        else:
            self.places[:here] = aims
        arrived = np.abs(aims - self.places[:here]) < ARRIVED
        self.places[:here] = np.where(arrived, aims, self.places[:here])
        towards = np.where(np.arange(dancers) < wanted, dt, -dt) / FADE
        presence = np.concatenate([self.presence[:known], np.full(dancers - known, 1.0 if first else 0.0)])
        self.presence = np.clip(presence + towards, 0, 1)
        self._size, self._wanted, self._layout = size, wanted, layout
