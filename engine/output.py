"""The output: how the picture lies on what it is projected onto, by the parameters of the group `output`.

Owns the geometry: the picture is turned, flipped, and its corners are moved, since a projector is never straight.
Places on the screen are shares of its width, from the left, and of its height, from the bottom. Knows nothing of
OpenGL.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.controls import Controls
from engine.parameters import CORNERS, EDGES

TEST_CARD, CORNER = "output/test_card", "output/corner"

# Where the corners are, in the order of CORNERS, before they are moved.
PLACES = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])

# Twice the area of the triangle at a corner, as a share of the screen's. With less, the picture is a line, or folded.
LEAST_BEND = 2e-3

# From a place in the picture as it is seen, out of its middle, to that place as it was drawn; by quarters clockwise.
QUARTERS = (
    np.array([[1.0, 0.0], [0.0, 1.0]]),
    np.array([[0.0, -1.0], [1.0, 0.0]]),
    np.array([[-1.0, 0.0], [0.0, -1.0]]),
    np.array([[0.0, 1.0], [-1.0, 0.0]]),
)


@dataclass(frozen=True)
class Placing:
    """How the picture is placed: `corners` are those of CORNERS on the screen, `soft` edges those of EDGES."""

    corners: tuple[tuple[float, float], ...]
    quarters: int
    flip_x: bool
    flip_y: bool
    soft: tuple[float, ...]
    gamma: float

    @classmethod
    def of(cls, values: Mapping[str, float]) -> "Placing":
        """From a frame's values, key -> value."""
        moved = PLACES + [[values[f"output/{corner}_{axis}"] for axis in "xy"] for corner in CORNERS]
        return cls(
            tuple((float(x), float(y)) for x, y in moved),
            round(values["output/rotate"]),
            values["output/flip_x"] > 0.5,
            values["output/flip_y"] > 0.5,
            tuple(values[f"output/soft_{edge}"] for edge in EDGES),
            values["output/gamma"],
        )

    @property
    def plain(self) -> bool:
        """Whether the picture is shown as it is."""
        return self == PLAIN

    def turn(self) -> NDArray[np.float64]:
        """From places in the picture as it is seen to places in it as it was drawn, (3, 3)."""
        flip = np.diag([-1.0 if self.flip_x else 1.0, -1.0 if self.flip_y else 1.0])
        turn = np.eye(3)
        turn[:2, :2] = QUARTERS[self.quarters] @ flip
        turn[:2, 2] = 0.5 - turn[:2, :2] @ [0.5, 0.5]
        return turn


def drawn_size(screen: tuple[int, int], values: Mapping[str, float]) -> tuple[int, int]:
    """The size, (width, height), that the picture is to be drawn at for a screen of that size."""
    return (screen[1], screen[0]) if round(values["output/rotate"]) % 2 else screen


PLAIN = Placing(tuple((float(x), float(y)) for x, y in PLACES), 0, False, False, (0.0,) * len(EDGES), 1.0)


def can_be_seen(corners: tuple[tuple[float, float], ...]) -> bool:
    """Whether a picture can lie between these corners: they go about it one way, and no three are in line."""
    places = np.array(corners)
    sides = np.roll(places, -1, axis=0) - places
    before = np.roll(sides, 1, axis=0)
    bends = before[:, 0] * sides[:, 1] - before[:, 1] * sides[:, 0]
    return bool((bends >= LEAST_BEND).all() or (bends <= -LEAST_BEND).all())


def from_screen(corners: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    """From places on the screen to those in the picture that lies between `corners`, (3, 3), in perspective.

    A place (x, y) goes to (a / c, b / c) where (a, b, c) is the matrix times (x, y, 1); c is above 0 in the picture.
    Raises ValueError for corners that `can_be_seen` refuses.
    """
    if not can_be_seen(corners):
        raise ValueError(f"no picture can lie between the corners {corners}: they are crossed, or three in line")
    rows, moved = [], []
    for (x, y), (to_x, to_y) in zip(PLACES, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * to_x, -y * to_x], [0, 0, 0, x, y, 1, -x * to_y, -y * to_y]]
        moved += [to_x, to_y]
    to_screen = np.append(np.linalg.solve(np.array(rows), moved), 1.0).reshape(3, 3)
    back = np.linalg.inv(to_screen)
    middle = to_screen @ [0.5, 0.5, 1.0]
    return back * np.sign((back @ (middle / middle[2]))[2])


def connect(controls: Controls) -> None:
    """Has the command `output/next_corner` done."""

    def next_corner(*_: object) -> None:
        on = controls.target(TEST_CARD) > 0.5
        corner = (controls.target(CORNER) + 1) % (len(CORNERS) + 1) if on else 1.0
        controls.set(TEST_CARD, float(corner > 0))
        controls.set(CORNER, corner)

    controls.handle("output/next_corner", next_corner)
