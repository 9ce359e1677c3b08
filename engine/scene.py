"""A scene: a look of the dance, by name. Which parameters are part of a look, and how long one takes to come.

Owns what belongs to a scene and what stays in the performer's hands.
"""

import math
import re
import reprlib
from collections.abc import Mapping
from dataclasses import dataclass

from engine.parameters import Parameter
from engine.routes import Route

# A scene says nothing of these unless its file names them: the band's tempo, the room's sound and its projector, how
# scenes come, which dance it is, what the performer or the hours hold down (a blackout must outlast a change of
# scene), and what keeps the audience from harm.
LEFT_ALONE_GROUPS = ("tempo", "scene", "audio", "output")
LEFT_ALONE = (
    *("dance/seed", "dance/frozen", "picture/black", "picture/dimmer", "picture/closed"),
    "picture/flash_limiter",
)

# How a scene's file may be called, and so what may be stored: no dots and slashes, which could lead out of the folder.
STEM = re.compile(r"\w(?:[\w -]{0,62}\w)?")
NUMBERED = re.compile(r"(\d{1,4})(?:-(.+))?")
LONGEST_FADE = 600.0
GREATEST_NUMBER = 9999


@dataclass(frozen=True)
class Fade:
    """How long a scene takes to come: seconds, or beats."""

    length: float
    in_beats: bool = False

    @classmethod
    def of(cls, given: object) -> "Fade":
        """From seconds (4, "2.5") or beats ("4b"). Raises ValueError for anything else."""
        text = str(given).strip()
        try:
            length = float(text.removesuffix("b"))
        except ValueError:
            length = -1.0
        if isinstance(given, bool) or not 0 <= length <= LONGEST_FADE:
            raise ValueError(f"a fade is seconds, or beats as in 4b, up to {LONGEST_FADE:g}, not {reprlib.repr(given)}")
        return cls(length, text.endswith("b"))

    def seconds(self, bpm: float) -> float:
        """The fade in seconds at a tempo."""
        return self.length * 60 / bpm if self.in_beats else self.length

    def __str__(self) -> str:
        return f"{self.length:g}{'b' if self.in_beats else ''}"


@dataclass(frozen=True)
class Scene:
    """A scene: `stem` is its file's name without .toml; parameters by key; routes None leaves the routes alone."""

    stem: str
    name: str
    number: int | None
    fade: Fade | None
    parameters: Mapping[str, float]
    routes: tuple[Route, ...] | None
    shipped: bool = False

    @property
    def order(self) -> tuple[float, bool, str, str]:
        """Scenes come by number, the performer's own first, then by name; those without a number come last."""
        return (math.inf if self.number is None else self.number), self.shipped, self.name.casefold(), self.stem


def belongs(parameter: Parameter) -> bool:
    """Whether a scene that does not name the parameter takes it back to where the show began, and a store keeps it."""
    return not parameter.momentary and parameter.group not in LEFT_ALONE_GROUPS and parameter.key not in LEFT_ALONE


def numbered(stem: str) -> tuple[int | None, str]:
    """The number and the name in a file's name: `1-calm` -> 1, calm."""
    if match := NUMBERED.fullmatch(stem):
        return int(match[1]), match[2] or stem
    return None, stem
