"""The header of an ISF file: what its JSON declares, checked, as plain records. No GL, no files.

Version 1 headers (PERSISTENT_BUFFERS beside PASSES) come out as version 2 ones. Owns nothing.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.isf.errors import IsfError, error_at, nearest
from engine.isf.expressions import Expression
from engine.isf.lenient_json import Table, parse

KINDS = ("event", "bool", "long", "float", "point2D", "color", "image", "audio", "audioFFT")
TEXTURES = ("image", "audio", "audioFFT")
GENERATOR, FILTER, TRANSITION = "generator", "filter", "transition"
IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,63}", re.ASCII)
# Well beyond what people write: each pass is a program, each input a parameter of every copy.
MOST_INPUTS, MOST_PASSES, MOST_IMPORTED, MOST_VALUES = 128, 32, 16, 1024
# What an int of GLSL holds.
LARGEST_INT = 2**31 - 1
WIDTH, HEIGHT = "$WIDTH", "$HEIGHT"


@dataclass(frozen=True)
class Input:
    """A row of INPUTS. Numbers are floats, points and colours tuples of them; None where the file says nothing."""

    name: str
    kind: str
    label: str
    line: int
    default: float | tuple[float, ...] | None = None
    low: float | tuple[float, ...] | None = None
    high: float | tuple[float, ...] | None = None
    identity: float | tuple[float, ...] | None = None
    values: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pass:
    """A row of PASSES: drawn into the buffer `target`, or where that is empty into the effect's own picture."""

    target: str
    persistent: bool
    floating: bool
    width: Expression
    height: Expression
    line: int


@dataclass(frozen=True)
class Imported:
    """An image that the file wants beside its inputs."""

    name: str
    path: str
    line: int


@dataclass(frozen=True, eq=False)
class Header:
    """All that a file declares. `place` is where it asks to be in our chain, or None."""

    description: str
    credit: str
    categories: tuple[str, ...]
    inputs: tuple[Input, ...]
    passes: tuple[Pass, ...]
    imported: tuple[Imported, ...]
    place: int | None

    @property
    def kind(self) -> str:
        """Generator, filter or transition."""
        kinds = {each.name: each.kind for each in self.inputs}
        if kinds.get("inputImage") == "image":
            return FILTER
        if (kinds.get("startImage"), kinds.get("endImage"), kinds.get("progress")) == ("image", "image", "float"):
            return TRANSITION
        return GENERATOR

    @property
    def targets(self) -> tuple[str, ...]:
        """The names of the buffers, in the order of their first pass."""
        return tuple(dict.fromkeys(each.target for each in self.passes if each.target))


def read_header(text: str, first_line: int, path: Path) -> Header:
    """The header from its JSON, which begins on `first_line` of the file `path`. Raises IsfError."""

    def fail(line: int, what: str) -> IsfError:
        return error_at(path, line, what)

    table = parse(text, first_line, fail)
    if not isinstance(table, Table):
        raise fail(first_line, "the header is no JSON object; it begins with { and ends with }")
    inputs = tuple(_input(row, fail) for row in _rows(table, "INPUTS", MOST_INPUTS, fail))
    _refuse_twice([(each.name, each.line) for each in inputs], fail)
    imported = tuple(_imported(table, fail))
    passes = tuple(_passes(table, [each.name for each in inputs], fail))
    taken = {each.name for each in inputs}
    for name, line in [*((p.target, p.line) for p in passes), *((i.name, i.line) for i in imported)]:
        if name in taken:
            raise fail(line, f'"{name}" is an input already; buffers and images have names of their own')
    ours = table.get("DANCENET")
    place = ours.get("PLACE") if isinstance(ours, Table) else None
    return Header(
        _text(table.get("DESCRIPTION")),
        _text(table.get("CREDIT")),
        _texts(table.get("CATEGORIES")),
        inputs,
        passes,
        imported,
        round(place) if isinstance(place, int | float) else None,
    )


Fail = Callable[[int, str], IsfError]


def _rows(table: Table, key: str, most: int, fail: Fail) -> list[Table]:
    """The objects of a list; where version 1 has an object of objects, each with its key as NAME."""
    rows = table.get(key) or []
    if isinstance(rows, Table):
        for name, row in rows.items():
            if isinstance(row, Table):
                row.setdefault("NAME", name)
        rows = list(rows.values())
    if not isinstance(rows, list) or not all(isinstance(row, Table) for row in rows):
        raise fail(table.line_of(key), f"{key} is a list of objects, each in {{ }}")
    if len(rows) > most:
        raise fail(table.line_of(key), f"{key} has {len(rows)} entries; it may have {most}")
    return rows


def _input(row: Table, fail: Fail) -> Input:
    name, kind = row.get("NAME"), row.get("TYPE")
    if not isinstance(name, str) or not IDENTIFIER.fullmatch(name.strip()):
        raise fail(row.line_of("NAME"), f"an input's NAME is a word of letters, digits and _, not {name!r}")
    known = {each.lower(): each for each in KINDS}
    if not isinstance(kind, str) or kind.strip().lower() not in known:
        hint = nearest(kind, KINDS) if isinstance(kind, str) else ""
        raise fail(row.line_of("TYPE"), f'unknown input type "{kind}" of "{name}"{hint}; there are {", ".join(KINDS)}')
    kind = known[kind.strip().lower()]
    size = {"point2D": 2, "color": 4}.get(kind, 1)
    numbers = {
        field: _numbers(row, key, size, fail)
        for field, key in {"default": "DEFAULT", "low": "MIN", "high": "MAX", "identity": "IDENTITY"}.items()
        if kind != "image"
    }
    values = row.get("VALUES") or []
    labels = row.get("LABELS") or []
    if kind == "long" and not (
        isinstance(values, list)
        and len(values) <= MOST_VALUES
        and all(isinstance(each, int | float) and abs(each) <= LARGEST_INT for each in values)
    ):
        raise fail(row.line_of("VALUES"), f'VALUES of "{name}" is a list of up to {MOST_VALUES} whole numbers')
    if not isinstance(labels, list) or len(labels) > MOST_VALUES:
        raise fail(row.line_of("LABELS"), f'LABELS of "{name}" is a list of up to {MOST_VALUES} texts')
    label = _text(row.get("LABEL"))
    if kind != "long":
        values, labels = [], []
    return Input(
        name.strip(), kind, label, row.line, values=tuple(map(int, values)), labels=tuple(map(str, labels)), **numbers
    )


def _numbers(row: Table, key: str, size: int, fail: Fail) -> Any:
    """A member as a float, or as so many of them; None if it is missing, or says nothing."""
    value = row.get(key)
    if value is None or value in ("", []):
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise fail(row.line_of(key), f'{key} of "{row["NAME"]}" is a number, not "{value}"') from None
    if isinstance(value, int | float):
        return float(value) if size == 1 else (float(value),) * size
    if not isinstance(value, list) or not all(isinstance(each, int | float) for each in value):
        raise fail(row.line_of(key), f'{key} of "{row["NAME"]}" is {"a number" if size == 1 else "a list of numbers"}')
    if size == 1:
        return float(value[0])
    # A colour without its alpha is opaque.
    return tuple(float(each) for each in (*value, *(1.0,) * size)[:size])


def _imported(table: Table, fail: Fail) -> list[Imported]:
    images = []
    for row in _rows(table, "IMPORTED", MOST_IMPORTED, fail):
        name, path = row.get("NAME"), row.get("PATH")
        if not isinstance(name, str) or not IDENTIFIER.fullmatch(name):
            raise fail(row.line, f"an imported image's NAME is a word of letters, digits and _, not {name!r}")
        if not isinstance(path, str) or not path:
            raise fail(row.line_of("PATH"), f'PATH of "{name}" is one file\'s name; cube maps of several are not drawn')
        images.append(Imported(name, path, row.line))
    return images


def _passes(table: Table, inputs: list[str], fail: Fail) -> list[Pass]:
    buffers = _persistent_buffers(table, fail)
    rows = _rows(table, "PASSES", MOST_PASSES, fail) or [Table(table.line)]
    passes = []
    for row in rows:
        target = _text(row.get("TARGET") or row.get("NAME")).strip()
        if target and not IDENTIFIER.fullmatch(target):
            raise fail(row.line_of("TARGET"), f"TARGET is a word of letters, digits and _, not {target!r}")
        whole: Mapping[str, Any] = {**buffers.get(target, {}), **row}
        width, height = (_size(whole, key, row, inputs, fail) for key in ("WIDTH", "HEIGHT"))
        persistent = bool(target) and (target in buffers or _yes(row.get("PERSISTENT")))
        passes.append(Pass(target, persistent, _yes(whole.get("FLOAT")), width, height, row.line))
    return passes


def _persistent_buffers(table: Table, fail: Fail) -> dict[str, Table]:
    """Version 1's buffers by name: a list of names, or of objects, or an object of objects."""
    rows = table.get("PERSISTENT_BUFFERS") or []
    if isinstance(rows, list) and all(isinstance(each, str) for each in rows):
        return {name: Table(table.line) for name in rows}
    return {_text(row.get("NAME")): row for row in _rows(table, "PERSISTENT_BUFFERS", MOST_PASSES, fail)}


def _size(whole: Mapping[str, Any], key: str, row: Table, inputs: list[str], fail: Fail) -> Expression:
    """WIDTH or HEIGHT as an expression; all of the picture's where there is none."""
    given = whole.get(key)
    text = f"{given}".strip() if isinstance(given, str | int | float) else ""
    try:
        expression = Expression(text or f"${key}")
    except ValueError as error:
        raise fail(row.line_of(key), f"{key}: {error}") from None
    known = ["WIDTH", "HEIGHT", *inputs]
    for name in sorted(expression.names):
        if name not in known:
            hint = nearest(name, known)
            raise fail(row.line_of(key), f"{key}: {text!r} asks for ${name}{hint}; there are {', '.join(known)}")
    return expression


def _refuse_twice(names: list[tuple[str, int]], fail: Fail) -> None:
    seen: dict[str, int] = {}
    for name, line in names:
        if name in seen:
            raise fail(line, f'input "{name}" is declared twice, first in line {seen[name]}')
        seen[name] = line


def _yes(value: Any) -> bool:
    """Whether a switch is on: true, a positive number, or a text that says so."""
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "1")
    return isinstance(value, int | float) and value > 0


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
