"""Motion capture as BVH files: read with suspicion, and where each joint is at the dance's rate.

Owns the format: HIERARCHY and MOTION, channels in any order. Files are data from strangers: what is read is bounded,
and what is wrong is named with its line.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import numpy as np

from training.clips import STEPS_A_SECOND

MOST_JOINTS = 1000  # with all fingers there are some 80
MOST_VALUES = 64_000_000  # of all frames together, 256 MB: three hours of 60 joints at 30 frames a second
MOST_LINE = 100_000  # characters
LONGEST_FRAME, LARGEST = 10.0, 1e6  # seconds a frame; size of any number
AXES = {"X": 0, "Y": 1, "Z": 2}
ROUNDED = 1e-3  # steps: frame times are written with few decimals
CHUNK = 512  # steps worked on at a time

Array = np.ndarray  # float32


@dataclass(frozen=True)
class Joint:
    """parent: its index, -1 of the root. channels: (kind, axis) in the file's order. The ends of limbs have none."""

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Capture:
    """joints: parents before children. values: (frames, channels) float32. frame_time: seconds."""

    joints: list[Joint]
    values: Array
    frame_time: float

    def steps(self) -> int:
        """How many steps of the dance it lasts."""
        return math.floor((len(self.values) - 1) * self.frame_time * STEPS_A_SECOND + ROUNDED) + 1


class Words:
    """The words of a file, one after the other, and the line that the last one was in."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self.path, self.file, self.line = path, file, 0
        self._left: list[str] = []

    def wrong(self, what: str) -> ValueError:
        return ValueError(f"line {self.line}: {what}")

    def next_line(self) -> list[str]:
        """The words of the next line that has any; [] at the end."""
        while text := self.file.readline(MOST_LINE):
            self.line += 1
            if len(text) >= MOST_LINE:
                raise self.wrong(f"longer than {MOST_LINE} characters")
            if words := text.split():
                return words
        return []

    def next(self) -> str:
        if not self._left:
            self._left = self.next_line()
            if not self._left:
                raise self.wrong("the file ends too early")
        return self._left.pop(0)

    def expect(self, word: str) -> None:
        found = self.next()
        if found.lower() != word.lower():
            raise self.wrong(f"{found[:40]!r} where {word} is expected")

    def number(self, low: float = -LARGEST, high: float = LARGEST) -> float:
        text = self.next()
        try:
            value = float(text)
        except ValueError:
            raise self.wrong(f"{text[:40]!r} is not a number") from None
        if not low <= value <= high:  # NaN is neither
            raise self.wrong(f"{text[:40]} is not within {low:.10g} to {high:.10g}")
        return value


def read_bvh(path: Path) -> Capture:
    """A file's skeleton and motion. Raises ValueError, which begins with the line, and OSError."""
    with open(path, encoding="utf-8", errors="replace") as file:
        words = Words(path, file)
        words.expect("HIERARCHY")
        joints = _hierarchy(words)
        words.expect("MOTION")
        words.expect("Frames:")
        channels = sum(len(joint.channels) for joint in joints)
        if channels == 0:
            raise words.wrong("the skeleton has no channels")
        frames = int(words.number(1, MOST_VALUES // channels))
        words.expect("Frame")
        words.expect("Time:")
        frame_time = words.number(1e-4, LONGEST_FRAME)
        return Capture(joints, _motion(words, frames, channels), frame_time)


def _hierarchy(words: Words) -> list[Joint]:
    joints: list[Joint] = []
    open_joints: list[int] = []
    words.expect("ROOT")
    kind = "root"
    while True:
        if len(joints) >= MOST_JOINTS:
            raise words.wrong(f"more than {MOST_JOINTS} joints")
        parent = open_joints[-1] if open_joints else -1
        name = words.next()[:80]
        while (word := words.next()) != "{":
            name = f"{name} {word}"[:80]
        words.expect("OFFSET")
        offset = words.number(), words.number(), words.number()
        ends = kind == "end"
        channels = () if ends else _channels(words)
        joints.append(Joint(joints[parent].name + " end" if ends else name, parent, offset, channels))
        open_joints.append(len(joints) - 1)
        while (word := words.next()) == "}":
            open_joints.pop()
            if not open_joints:
                return joints
        kind = {"joint": "joint", "end": "end"}.get(word.lower(), "")
        if not kind or (joints[open_joints[-1]].name.endswith(" end") and not joints[open_joints[-1]].channels):
            raise words.wrong(f"{word[:40]!r} where JOINT, End Site or }} is expected")


def _channels(words: Words) -> tuple[tuple[str, int], ...]:
    words.expect("CHANNELS")
    found = []
    for _ in range(int(words.number(0, 6))):
        word = words.next()
        kind = word[1:].lower()
        if word[:1].upper() not in AXES or kind not in ("position", "rotation"):
            raise words.wrong(f"unknown channel {word[:40]!r}; known are Xposition, Xrotation and those of Y and Z")
        found.append((kind, AXES[word[0].upper()]))
    return tuple(found)


def _motion(words: Words, frames: int, channels: int) -> Array:
    rows: list[Array] = []
    for _ in range(frames):
        line = words.next_line()
        if not line:
            raise words.wrong(f"{len(rows)} frames, where {frames} are announced")
        if len(line) != channels:
            raise words.wrong(f"{len(line)} values, where the skeleton has {channels} channels")
        try:
            row = np.array(line, np.float32)
        except ValueError:
            raise words.wrong("not all of it is numbers") from None
        if not (np.abs(row) <= LARGEST).all():
            raise words.wrong(f"a number beyond {LARGEST:g}")
        rows.append(row)
    return np.stack(rows)


def positions(capture: Capture) -> Iterator[Array]:
    """(joints, 3) in the file's units, of each step; between frames, rotations turn evenly."""
    total = capture.steps()
    for start in range(0, total, CHUNK):
        at = np.arange(start, min(start + CHUNK, total)) / (STEPS_A_SECOND * capture.frame_time)
        first = np.minimum(at.astype(int), len(capture.values) - 1)
        second = np.minimum(first + 1, len(capture.values) - 1)
        part = (at - first).astype(np.float32)
        yield from _placed(capture.joints, capture.values[first], capture.values[second], part)


def _placed(joints: list[Joint], first: Array, second: Array, part: Array) -> Array:
    """(steps, joints, 3): between two frames' channels (steps, channels), `part` of the way."""
    places = np.empty((len(first), len(joints), 3), np.float32)
    turns: list[Array] = []
    column = 0
    for index, joint in enumerate(joints):
        columns = range(column, column + len(joint.channels))
        column += len(joint.channels)
        move = np.tile(np.array(joint.offset, np.float32), (len(first), 1))
        for at, (kind, axis) in zip(columns, joint.channels, strict=True):
            if kind == "position":  # in place of the offset, as the programs that write them for each joint mean it
                move[:, axis] = first[:, at] + (second[:, at] - first[:, at]) * part
        own = slerp(_turn(joint, first, columns), _turn(joint, second, columns), part)
        if joint.parent < 0:
            places[:, index], turn = move, own
        else:
            above = turns[joint.parent]
            places[:, index] = places[:, joint.parent] + rotated(above, move)
            turn = product(above, own)
        turns.append(turn)
    return places


def _turn(joint: Joint, values: Array, columns: range) -> Array:
    """(steps, 4): the joint's rotation, its channels' one after the other."""
    turn = np.tile(np.array([1, 0, 0, 0], np.float32), (len(values), 1))
    for at, (kind, axis) in zip(columns, joint.channels, strict=True):
        if kind == "rotation":
            half = np.deg2rad(values[:, at]) / 2
            single = np.zeros_like(turn)
            single[:, 0], single[:, 1 + axis] = np.cos(half), np.sin(half)
            turn = product(turn, single)
    return turn


def product(a: Array, b: Array) -> Array:
    """Of quaternions (n, 4), w first: b's rotation, then a's."""
    w, v, x, u = a[:, :1], a[:, 1:], b[:, :1], b[:, 1:]
    return np.hstack([w * x - (v * u).sum(1, keepdims=True), w * u + x * v + np.cross(v, u)])


def rotated(turn: Array, vector: Array) -> Array:
    """Vectors (n, 3) turned by quaternions (n, 4)."""
    twice = 2 * np.cross(turn[:, 1:], vector)
    return vector + turn[:, :1] * twice + np.cross(turn[:, 1:], twice)


def slerp(a: Array, b: Array, part: Array) -> Array:
    """From a to b, quaternions (n, 4), `part` (n,) of the shorter way, at an even speed."""
    cosine = (a * b).sum(1)
    b = np.where(cosine[:, None] < 0, -b, b)
    angle = np.arccos(np.clip(np.abs(cosine), 0, 1))
    sine = np.sin(angle)
    near = sine < 1e-4  # a straight line is as good, and has no division by nothing
    safe = np.where(near, 1, sine)
    before = np.where(near, 1 - part, np.sin((1 - part) * angle) / safe)[:, None]
    after = np.where(near, part, np.sin(part * angle) / safe)[:, None]
    mixed = before * a + after * b
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
