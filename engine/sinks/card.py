"""The test card: what a projector is set up by, at any size. It is shown in the picture's place, and lies as that does.

Owns what is on it: a grid of squares and circles that show what is crooked, an edge one pixel wide that shows what is
cut off, corners by name, and steps of grey that show the gamma.
"""

import numpy as np
from numpy.typing import NDArray

from engine.parameters import CORNERS
from engine.sinks.lettering import atlas, encode

Image = NDArray[np.uint8]

GROUND, GRID, LINE, BRIGHT, ACCENT = (
    *((16, 17, 19), (58, 61, 65), (150, 155, 160), (245, 247, 247)),
    (107, 212, 194),
)
# Squares to the picture's height, and steps of grey from black to white.
SQUARES, GREYS = 9, 11
COLOURS = ((255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 0, 255), (255, 0, 0), (0, 0, 255))


def draw_card(size: tuple[int, int], monitor: str, corner: int) -> Image:
    """The card of `size` (width, height), as (height, width, 3), top row first.

    It names the `monitor`; `corner` counts those of CORNERS from 1, that one is marked; 0 is none.
    """
    card = np.empty((size[1], size[0], 3), np.uint8)
    card[:] = GROUND
    width, height = size
    square = height / SQUARES
    pen = max(1, round(height / 540))
    middle_x, middle_y = width / 2, height / 2
    for index in range(-int(middle_x // square), int(middle_x // square) + 1):
        _upright(card, middle_x + index * square, pen, GRID)
    for index in range(-int(SQUARES / 2), int(SQUARES / 2) + 1):
        _level(card, middle_y + index * square, pen, GRID)
    _diagonal(card, False)
    _diagonal(card, True)
    _circle(card, (middle_x, middle_y), min(0.46 * height, 0.46 * width), 1.5 * pen, BRIGHT)
    small = min(1.2 * square, 0.2 * width)
    for x in (small + pen, width - small - pen):
        for y in (small + pen, height - small - pen):
            _circle(card, (x, y), small, pen, LINE)
    _upright(card, middle_x, pen, LINE)
    _level(card, middle_y, pen, LINE)
    _bars(card, square)
    _label(card, monitor, square)
    for number, name in enumerate(CORNERS, 1):
        _corner(card, name, square, pen, chosen=number == corner)
    card[[0, -1]] = BRIGHT
    card[:, [0, -1]] = BRIGHT
    return card


def _upright(card: Image, x: float, pen: int, colour: tuple[int, int, int]) -> None:
    left = max(round(x - pen / 2), 0)
    card[:, left : left + pen] = colour


def _level(card: Image, y: float, pen: int, colour: tuple[int, int, int]) -> None:
    top = max(round(y - pen / 2), 0)
    card[top : top + pen] = colour


def _diagonal(card: Image, falls: bool) -> None:
    """A line from corner to corner."""
    height, width = card.shape[:2]
    way = np.linspace(0, 1, 2 * max(width, height))
    across = np.clip((way * width).astype(int), 0, width - 1)
    down = np.clip(((way if falls else 1 - way) * height).astype(int), 0, height - 1)
    card[down, across] = GRID


def _circle(card: Image, middle: tuple[float, float], radius: float, pen: float, colour: tuple[int, int, int]) -> None:
    height, width = card.shape[:2]
    reach = radius + pen + 1
    left, right = max(int(middle[0] - reach), 0), min(int(middle[0] + reach) + 1, width)
    top, bottom = max(int(middle[1] - reach), 0), min(int(middle[1] + reach) + 1, height)
    x = np.arange(left, right, dtype=np.float32) + 0.5 - middle[0]
    y = np.arange(top, bottom, dtype=np.float32) + 0.5 - middle[1]
    away = np.abs(np.sqrt(x[None] ** 2 + y[:, None] ** 2) - np.float32(radius))
    _lay(card[top:bottom, left:right], np.clip(pen / 2 + 0.5 - away, 0, 1), colour)


def _lay(onto: Image, coverage: NDArray[np.floating], colour: tuple[int, int, int]) -> None:
    """Lays a colour over pixels where they are covered, 0..1."""
    rows, columns = np.nonzero(coverage)
    share = coverage[rows, columns, None]
    mixed = onto[rows, columns] * (1 - share) + np.array(colour) * share
    onto[rows, columns] = np.rint(mixed)


def _bars(card: Image, square: float) -> None:
    """Steps of grey under the middle, colours over it."""
    height, width = card.shape[:2]
    wide = min(6 * square, 0.7 * width)
    for colours, above in (
        ([(round(255 * step / (GREYS - 1)),) * 3 for step in range(GREYS)], height / 2 + 1.5 * square),
        (COLOURS, height / 2 - 2 * square),
    ):
        edges = np.rint((width - wide) / 2 + wide * np.linspace(0, 1, len(colours) + 1)).astype(int)
        for colour, left, right in zip(colours, edges, edges[1:], strict=False):
            card[round(above) : round(above + square / 2), left:right] = colour


def _label(card: Image, monitor: str, square: float) -> None:
    """The monitor's name and the picture's size, in the middle."""
    height, width = card.shape[:2]
    figures = f"{width} x {height}"
    lines = [(line, share) for line, share in ((monitor, 0.3), (figures, 0.22)) if line]
    longest = max(len(line) * share for line, share in lines) * square  # a letter is half as wide as it is high
    fit = min(1.0, 0.66 * width / max(longest, 1))
    tall = [2 * max(3, round(share * square * fit)) for _, share in lines]
    box_wide = max(len(line) * cell // 2 for (line, _), cell in zip(lines, tall, strict=True)) + tall[0]
    box_tall = sum(tall) + tall[0] // 2
    left, top = (width - box_wide) // 2, (height - box_tall) // 2
    card[max(top, 0) : top + box_tall, max(left, 0) : left + box_wide] = GROUND
    above = top + tall[0] // 4
    for (line, _), cell, colour in zip(lines, tall, (BRIGHT, LINE), strict=False):
        _write(card, line, (width - len(line) * cell // 2) // 2, above, cell, colour)
        above += cell


def _corner(card: Image, name: str, square: float, pen: int, chosen: bool) -> None:
    """A bracket in a corner, with its name's first letters."""
    height, width = card.shape[:2]
    colour = ACCENT if chosen else BRIGHT
    thick = pen * (6 if chosen else 3)
    arm = round(min(0.9 * square, width / 4))
    right, bottom = name.endswith("right"), name.startswith("bottom")
    down = slice(height - thick, None) if bottom else slice(thick)
    across = slice(width - thick, None) if right else slice(thick)
    card[down, slice(width - arm, None) if right else slice(arm)] = colour
    card[slice(height - arm, None) if bottom else slice(arm), across] = colour
    letters = "".join(word[0] for word in name.upper().split("_"))
    cell = 2 * max(3, round(0.3 * square))
    inset = round(0.3 * square)
    left = width - inset - cell if right else inset
    _write(card, letters, left, height - inset - cell if bottom else inset, cell, colour)


def _write(card: Image, text: str, left: int, top: int, cell: int, colour: tuple[int, int, int]) -> None:
    """Writes in letters `cell` pixels high and half as wide; what lies beyond the card is left out."""
    wide = cell // 2
    letters = atlas((wide, cell))
    for place, letter in enumerate(encode(text).tolist()):
        at = left + place * wide
        onto = card[max(top, 0) : top + cell, max(at, 0) : at + wide]
        if at >= 0 and top >= 0:
            coverage = letters[: onto.shape[0], letter * wide : letter * wide + onto.shape[1]]
            _lay(onto, coverage / 255, colour)
