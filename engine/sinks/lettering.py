"""Letters for what is drawn over the show: one line font of our own, cut for any size.

Owns the shapes of the letters. They come from no font file, since a bare machine has none, and look the same
everywhere. A letter is drawn with a pen on a grid 8 wide and 12 high (from the top of a capital to the line it stands
on; small letters begin at 4, tails end at 16). For a cell of so many pixels the grid is rounded to whole pixels, so
that stems are sharp from 720p up.
"""

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Paths, separated by `;`, of places `xy` in base 36. Corners are rounded, but not in a path that begins with `/` and
# not at a place marked `!`; a path that ends in `o` is closed.
SHAPES = {
    " ": "", "!": "/40 48;4b 4c", '"': "/20 23;/60 63", "#": "/31 1b;/71 5b;/14 84;/08 78",
    "$": "81 01 06 86 8b 0b;/40 4c", "%": "00 30 33 03 o;59 89 8c 5c o;/80 0c", "&": "8c 13 10 60 63 07 0c 5c 87",
    "'": "/40 43", "(": "60 33 39 6c", ")": "20 53 59 2c", "*": "/42 4a;/14 78;/74 18", "+": "/42 4a;/06 86",
    ",": "/4b 3f", "-": "/16 76", ".": "4b 4c", "/": "/80 0c", ":": "44 45;4b 4c", ";": "44 45;/4b 3f",
    "<": "/72 16 7a", "=": "/14 74;/18 78", ">": "/12 76 1a", "?": "03 00 80 84 46 48;4b 4c",
    "@": "8c 0c 00 80 88 48 44 84", "[": "/60 30 3c 6c", "\\": "/00 8c", "]": "/20 50 5c 2c", "^": "/13 40 73",
    "_": "/0e 8e", "`": "/20 43", "{": "70 40 46 16;16 46 4c 7c", "|": "/40 4e", "}": "10 40 46 76;76 46 4c 1c",
    "~": "07 05 45 47 87 85", "0": "00 80 8c 0c o;/29 63", "1": "/13 40 4c;/1c 7c", "2": "03 00 80 85 0c! 8c",
    "3": "00 80 86 26;26 86 8c 0c", "4": "/6c 60 08 88", "5": "80 00! 05! 85 8c 0c", "6": "05 85 8c 0c o;70 00 09",
    "7": "/00 80 3c", "8": "00 80 86 06 o;06 86 8c 0c o", "9": "00 80 87 07 o;83 8c 1c",
    "A": "/0c 40 8c;/19 79", "B": "/00 0c;00 80 86 06;06 86 8c 0c", "C": "80 00 0c 8c", "D": "/00 0c;00 80 8c 0c",
    "E": "/80 00 0c 8c;/06 66", "F": "/80 00 0c;/06 66", "G": "80 00 0c 8c 86! 46", "H": "/00 0c;/80 8c;/06 86",
    "I": "/10 70;/1c 7c;/40 4c", "J": "80 8c 0c 09", "K": "/00 0c;/80 07;/35 8c", "L": "/00 0c 8c",
    "M": "/0c 00 46 80 8c", "N": "/0c 00 8c 80", "O": "00 80 8c 0c o", "P": "/00 0c;00 80 87 07",
    "Q": "00 80 8c 0c o;/59 8d", "R": "/00 0c;00 80 87 07;/47 8c", "S": "80 00 06 86 8c 0c", "T": "/00 80;/40 4c",
    "U": "00 0c 8c 80", "V": "/00 4c 80", "W": "/00 2c 43 6c 80", "X": "/00 8c;/80 0c", "Y": "/00 46 80;/46 4c",
    "Z": "/00 80 0c 8c", "a": "14 84 8c;88 08 0c 8c", "b": "/00 0c;04 84 8c 0c", "c": "84 04 0c 8c",
    "d": "/80 8c;84 04 0c 8c", "e": "08 88! 84 04 0c 7c", "f": "80 30 3c;/04 74", "g": "84 04 0c 8c;84 8g 1g",
    "h": "/00 0c;04 84 8c", "i": "/14 44 4c;/1c 7c;40 41", "j": "24 64! 6g 1g;60 61", "k": "/00 0c;/74 09;/37 8c",
    "l": "10 40! 4c 8c", "m": "/04 0c;04 44 4c;44 84 8c", "n": "/04 0c;04 84 8c", "o": "04 84 8c 0c o",
    "p": "/04 0g;04 84 8c 0c", "q": "/84 8g;84 04 0c 8c", "r": "/14 1c;14 84 86", "s": "84 04 08 88 8c 0c",
    "t": "/04 74;30 3c 8c", "u": "04 0c 8c;/84 8c", "v": "/04 4c 84", "w": "/04 2c 45 6c 84", "x": "/04 8c;/84 0c",
    "y": "/04 4c;/84 2g", "z": "/04 84 0c 8c", "°": "20 60 64 24 o", "±": "/42 4a;/06 86;/0c 8c",
    "·": "46 46", "…": "0c 0c;4c 4c;8c 8c", "→": "/06 86;/53 86 59", "\ufffd": "/00 80 8c 0c 00",
}  # fmt: skip
CODES = {letter: code for code, letter in enumerate(SHAPES)}
UNKNOWN, BLANK = CODES["\ufffd"], CODES[" "]
GRID = 8, 12
# After the letters come those that bars are made of: a cell filled from the left by so many eighths, none to all; then
# a hairline.
EIGHTHS = 8
BAR = len(SHAPES)
RULE = BAR + EIGHTHS + 1
COUNT = RULE + 1

# Shares of a cell that letters take, measured on terminals that are read all day.
WIDTH, HEIGHT, TOP = 0.65, 0.6, 0.16
# How much of a bar is seen where it is empty.
TRACK, HAIR = 0.2, 0.3
# Lines that stand for a rounded corner: more are not seen at 48 pixels.
CORNER_STEPS = 5

Path = list[NDArray[np.float64]]


def encode(text: str) -> NDArray[np.uint8]:
    """The letters' places in `atlas`. Accents are left out; what the font has no shape for comes out as a box."""
    if not text.isascii():
        text = "".join(letter if letter in CODES else unicodedata.normalize("NFKD", letter)[0] for letter in text)
    return np.array([CODES.get(letter, UNKNOWN) for letter in text], np.uint8)


@lru_cache(maxsize=4)
def atlas(cell: tuple[int, int]) -> NDArray[np.uint8]:
    """Coverage, 0..255, of all letters side by side, (height, COUNT * width); a `cell` is (width, height) pixels."""
    width, height = cell
    coverage = np.zeros((COUNT, height, width))
    for code, shape in enumerate(SHAPES.values()):
        coverage[code] = draw(shape, cell)
    top, bottom = round(height * 0.28), round(height * 0.72)
    for eighths in range(EIGHTHS + 1):
        bar = coverage[BAR + eighths, top:bottom]
        bar[:] = TRACK
        bar[:, : round(width * eighths / EIGHTHS)] = 1
    thickness = pen(width)
    coverage[RULE, (height - thickness) // 2 : (height + thickness) // 2 + thickness % 2] = HAIR
    return np.ascontiguousarray(np.rint(255 * coverage).astype(np.uint8).swapaxes(0, 1).reshape(height, -1))


def pen(width: int) -> int:
    """How thick the strokes are in cells so many pixels wide."""
    return max(1, round(width / 6.5))


def draw(shape: str, cell: tuple[int, int]) -> NDArray[np.float64]:
    """Coverage 0..1 of one letter, (height, width)."""
    width, height = cell
    starts, ends = [np.zeros((0, 2))], [np.zeros((0, 2))]
    for path in filter(None, shape.split(";")):
        line = np.array(trace(path, cell))
        starts.append(line[:-1])
        ends.append(line[1:])
    start, end = np.concatenate(starts).astype(np.float32), np.concatenate(ends).astype(np.float32)
    if not len(start):
        return np.zeros((height, width))
    way_x, way_y = (end - start).T
    length = np.maximum(way_x**2 + way_y**2, 1e-9)
    x = np.arange(0.5, width, dtype=np.float32)[:, None] - start[:, 0]  # (width, lines)
    y = np.arange(0.5, height, dtype=np.float32)[:, None, None] - start[:, 1]  # (height, 1, lines)
    along = np.clip((x * way_x + y * way_y) / length, 0, 1)
    distance = np.sqrt(((x - along * way_x) ** 2 + (y - along * way_y) ** 2).min(axis=-1))
    return np.clip(pen(width) / 2 + 0.5 - distance, 0, 1)


def trace(path: str, cell: tuple[int, int]) -> Path:
    """The points, in pixels of the cell, of the lines that a path is made of."""
    sharp = path.startswith("/")
    closed = path.endswith("o")
    places = path.strip("/o ").split()
    width, height = cell
    stroke = pen(width)
    # Even spans, so that the middle of a letter is a whole pixel too.
    span = np.array([2 * round((width * WIDTH - stroke) / 2), 2 * round((height * HEIGHT - stroke) / 2)])
    corner = np.array([(width - span[0]) // 2, round(height * TOP)]) + stroke % 2 / 2
    points = [corner + np.rint(np.array([int(at[0], 36), int(at[1], 36)]) * span / GRID) for at in places]
    if sharp:
        return points
    if closed:
        middle = (points[0] + points[-1]) / 2
        points, places = [middle, *points, middle], ["", *places, ""]
    traced = [points[0]]
    for index in range(1, len(points) - 1):
        before, here, after = points[index - 1 : index + 2]
        if places[index].endswith("!"):
            traced.append(here)
            continue
        to_before = before - here if index == 1 else (before - here) / 2
        to_after = after - here if index == len(points) - 2 else (after - here) / 2
        reach = min(np.hypot(*to_before), np.hypot(*to_after), span[0] / 2)
        enter = here + to_before * (reach / max(np.hypot(*to_before), 1e-9))
        leave = here + to_after * (reach / max(np.hypot(*to_after), 1e-9))
        for t in np.linspace(0, 1, CORNER_STEPS + 1):
            traced.append((1 - t) ** 2 * enter + 2 * t * (1 - t) * here + t**2 * leave)
    traced.append(points[-1])
    return traced
