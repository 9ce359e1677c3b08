"""The metadata of a bundle, `bundle.json`: read, checked and written.

Owns the names and ranges of its entries, as docs/bundle.md states them. Knows nothing of the graphs.
"""

import difflib
import json
import math
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from engine.parameters import PARAMETERS, SMOOTH, Parameter
from engine.small_file import read_small

FORMAT = 1
FILE = "bundle.json"
MOST_BYTES = 1 << 20
# The largest sizes that a bundle may claim, well beyond any dancer that could be trained; what is shown and computed is
# sized by them before a graph has run.
LARGEST_IMAGE, LARGEST_LATENT, MOST_COMPONENTS, FASTEST, MOST_CONTROLS = 4096, 2048, 4096, 240, 64
FP32, INT8 = PRECISIONS = "fp32", "int8"  # fp32 graphs are exact, and always there; what no entry says is fp32
*_, GREY = IMAGE_KINDS = ("dark silhouette", "light silhouette", "grey")
# Names that the step's tensors and the dance's parameters already have, so that no control may take them.
TENSORS = ("uniform", "normal", "pi", "mu", "sigma", "component", "gain", "latent_mean", "latent_deviation")
TAKEN = frozenset((*TENSORS, *(parameter.name for parameter in PARAMETERS)))


class BundleError(Exception):
    """A bundle that cannot be played; the message is one line: the file, what was found, what was expected."""


@dataclass(frozen=True)
class Health:
    """What the footage does, so that a dance that died can be told.

    `area`: least and greatest mean coverage of an image, 0..1. `slow_motion`: the slowest 1% of the one-second means
    of the mean absolute difference between consecutive images, 0..1.
    """

    area: tuple[float, float]
    slow_motion: float


@dataclass(frozen=True)
class Metadata:
    """What `bundle.json` says. `image_size` is (width, height); `controls` are further inputs of the step; `precision`
    is that of the graphs that the CPU takes.
    """

    name: str
    image_size: tuple[int, int]
    image_kind: str
    latent_size: int
    components: int
    steps_a_second: int
    health: Health
    data: str
    licence: str
    defaults: dict[str, float] = field(default_factory=dict)
    controls: tuple[Parameter, ...] = ()
    quality: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT
    precision: str = FP32

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> "Metadata":
        """Reads `bundle.json` in the folder of a bundle. Raises BundleError."""
        path = Path(folder) / FILE
        try:
            entries = json.loads(read_small(path, MOST_BYTES).decode("utf-8"))
        except FileNotFoundError:
            raise BundleError(f"{path}: missing; a bundle holds its metadata there") from None
        except OSError as error:
            raise BundleError(f"{path}: cannot be read ({error.strerror})") from None
        except json.JSONDecodeError as error:
            raise BundleError(f"{path}:{error.lineno}: not JSON ({error.msg})") from None
        except (ValueError, RecursionError):  # also of whole numbers of thousands of digits
            raise BundleError(f"{path}: not JSON in UTF-8") from None
        if not isinstance(entries, dict):
            raise BundleError(f"{path}: holds {_show(entries)}; it must hold an object of entries")
        return _Entries(path, entries).metadata()

    def write(self, folder: str | os.PathLike[str]) -> None:
        """Writes `bundle.json` into the folder, atomically. Raises BundleError where `read` would refuse it."""
        path = Path(folder) / FILE
        entries = {
            "format": self.format,
            "name": self.name,
            "image_size": list(self.image_size),
            "image_kind": self.image_kind,
            "latent_size": self.latent_size,
            "components": self.components,
            "steps_a_second": self.steps_a_second,
            "defaults": self.defaults,
            "controls": [
                {"name": c.name, "doc": c.doc, "default": c.default, "range": [c.low, c.high]} for c in self.controls
            ],
            "health": {"area": list(self.health.area), "slow_motion": self.health.slow_motion},
            "data": self.data,
            "licence": self.licence,
            "quality": self.quality,
            "precision": self.precision,
        }
        _Entries(path, entries).metadata()
        temporary = path.with_name(f"{path.name}.part")
        temporary.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(temporary, path)


class _Entries:
    """The entries of one `bundle.json`, taken out one by one and checked."""

    def __init__(self, path: Path, entries: dict[str, Any]) -> None:
        self.path = path
        self.entries = entries

    def metadata(self) -> Metadata:
        version = self.take("format", _is_count, "a whole number")
        if version > FORMAT:
            raise BundleError(f"{self.path}: format is {version}; this DanceNet reads up to {FORMAT}: update it")
        known = list(Metadata.__dataclass_fields__)
        for name in self.entries:
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
                raise BundleError(f'{self.path}: unknown entry "{name}"; {hint}')
        width, height = self.take(
            "image_size",
            lambda v: _is_list(v, 2, lambda side: _is_count(side, LARGEST_IMAGE)),
            f"[width, height] in pixels, up to {LARGEST_IMAGE} each",
        )
        kinds = ", ".join(f'"{kind}"' for kind in IMAGE_KINDS)
        health = self.take("health", lambda v: isinstance(v, dict), 'an object with "area" and "slow_motion"')
        return Metadata(
            format=version,
            name=self.take("name", lambda v: _is_text(v) and v.isprintable(), "a text that is not empty, on one line"),
            image_size=(width, height),
            image_kind=self.take("image_kind", lambda v: v in IMAGE_KINDS, f"one of {kinds}"),
            latent_size=self.count("latent_size", LARGEST_LATENT),
            components=self.count("components", MOST_COMPONENTS),
            steps_a_second=self.count("steps_a_second", FASTEST),
            defaults=self.defaults(),
            controls=self.controls(),
            health=self.health(health),
            data=self.take("data", _is_text, "a text that is not empty"),
            licence=self.take("licence", _is_text, "a text that is not empty"),
            quality=self.take("quality", lambda v: isinstance(v, dict), "an object of figures"),
            precision=self.precision(),
        )

    def take(self, name: str, allowed: Callable[[Any], bool], expected: str) -> Any:
        if name not in self.entries:
            raise BundleError(f'{self.path}: "{name}" is missing; it must be {expected}')
        value = self.entries[name]
        if not allowed(value):
            self.refuse(name, value, expected)
        return value

    def count(self, name: str, most: int) -> int:
        value: int = self.take(name, lambda v: _is_count(v, most), f"a whole number in 1..{most}")
        return value

    def precision(self) -> str:
        self.entries.setdefault("precision", PRECISIONS[0])
        kinds = ", ".join(f'"{kind}"' for kind in PRECISIONS)
        value: str = self.take("precision", lambda v: v in PRECISIONS, f"one of {kinds}")
        return value

    def refuse(self, name: str, value: Any, expected: str) -> NoReturn:
        raise BundleError(f"{self.path}: {name} is {_show(value)}; it must be {expected}")

    def defaults(self) -> dict[str, float]:
        values = self.take("defaults", lambda v: isinstance(v, dict), "an object of dance parameters")
        rows = {row.name: row for row in PARAMETERS if row.group == "dance"}
        for name, value in values.items():
            if name not in rows:
                self.refuse("defaults", name, f"about {', '.join(rows)}")
            low, high = rows[name].low, rows[name].high
            if not (_is_number(value) and low <= value <= high):
                self.refuse(f"defaults.{name}", value, f"a number in {low:g}..{high:g}")
        return {name: float(value) for name, value in values.items()}

    def controls(self) -> tuple[Parameter, ...]:
        expected = f'a list of up to {MOST_CONTROLS} {{"name", "doc", "default", "range": [low, high]}}'
        rows = self.take("controls", lambda v: isinstance(v, list) and len(v) <= MOST_CONTROLS, expected)
        controls: list[Parameter] = []
        for row in rows:
            if not (isinstance(row, dict) and set(row) == {"name", "doc", "default", "range"}):
                self.refuse("controls", rows, expected)
            name = row["name"]
            if not (isinstance(name, str) and re.fullmatch("[a-z][a-z0-9_]*", name)):
                self.refuse("controls.name", name, "lower case letters, digits and _")
            if is_taken(name) or name in [c.name for c in controls]:
                self.refuse("controls.name", name, "a name that nothing else has")
            if not _is_range(row["range"]):
                self.refuse(f"controls.{name}.range", row["range"], "[low, high], two numbers, the lower first")
            low, high = row["range"]
            if not (_is_number(row["default"]) and low <= row["default"] <= high):
                self.refuse(f"controls.{name}.default", row["default"], f"a number in {low:g}..{high:g}")
            if not _is_text(row["doc"]):
                self.refuse(f"controls.{name}.doc", row["doc"], "a text that is not empty")
            controls.append(control(name, row["default"], low, high, row["doc"]))
        return tuple(controls)

    def health(self, values: dict[str, Any]) -> Health:
        area: Any = values.get("area")
        slow_motion: Any = values.get("slow_motion")
        if not (_is_range(area) and area[0] >= 0 and area[1] <= 1):
            self.refuse("health.area", area, "[least, greatest] coverage in 0..1, the lesser first")
        if not (_is_number(slow_motion) and 0 <= slow_motion <= 1):
            self.refuse("health.slow_motion", slow_motion, "a number in 0..1")
        return Health((area[0], area[1]), slow_motion)


def control(name: str, default: float, low: float, high: float, doc: str) -> Parameter:
    """A further input of the step, as a parameter of the dance."""
    return Parameter("dance", name, default, low, high, SMOOTH, SMOOTH, doc)


def is_taken(name: str) -> bool:
    """Whether no control of a bundle may have this name."""
    return name in TAKEN or name.endswith(("_in", "_out"))


def _is_count(value: Any, most: float = math.inf) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_number(value: Any) -> bool:
    """Whether a value is a number that floats hold too: JSON's whole numbers may be larger."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_list(value: Any, length: int, of: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) == length and all(of(item) for item in value)


def _is_range(value: Any) -> bool:
    return _is_list(value, 2, _is_number) and value[0] < value[1]


def _show(value: Any) -> str:
    """The value as JSON on one line, cut where it would fill the line."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else f"{text[:57]}..."
