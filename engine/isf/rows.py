"""An effect's inputs as parameters: a header -> rows that OSC, scenes, routes and the HUD see, and their values back.

Owns nothing. Keys are `fx/<effect>/<input>`; a point is two parameters (`_x`, `_y`), a colour four (`_r`, `_g`, `_b`,
`_a`). Every effect has `mix`, how much of it is seen (0: it is out of the chain), and `place`, its order in the chain.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from engine.isf.header import GENERATOR, TEXTURES, Header, Input
from engine.parameters import EFFECTS, Parameter

# Takes the stairs out of OSC and keys; shorter than the dance's, for effects are to hit with the music.
SMOOTH = 0.05
GENERATOR_PLACE, FILTER_PLACE = 10, 50
FIRST_PLACE, LAST_PLACE = 0, 100
PARTS = {"point2D": ("x", "y"), "color": ("r", "g", "b", "a")}
# A list longer than this is a number: nobody picks from it by name.
MOST_CHOICES = 64


def rows(name: str, header: Header) -> tuple[Parameter, ...]:
    """The parameters of an effect's copy called `name`."""
    place = header.place if header.place is not None else GENERATOR_PLACE if header.kind == GENERATOR else FILTER_PLACE
    found = [
        Parameter(
            EFFECTS, f"{name}/mix", 0.0, 0.0, 1.0, SMOOTH, SMOOTH,
            f"How much of {name} is seen; 0 takes it out of the chain.",
        ),
        Parameter(
            EFFECTS, f"{name}/place", float(min(max(place, FIRST_PLACE), LAST_PLACE)),
            FIRST_PLACE, LAST_PLACE, 0.0, 0.0,
            f"Where {name} is in the chain: lower ones come first.", integer=True,
        ),
    ]  # fmt: skip
    for row, names in _names(header).items():
        found += _rows(name, row, names)
    return tuple(found)


def inputs(header: Header, name: str, values: Mapping[str, float]) -> dict[str, Any]:
    """What the shader's inputs are at these values of the parameters; images and audio are not among them."""
    found: dict[str, Any] = {}
    for row, keys in _keys(header, name):
        numbers = tuple([values[key] for key in keys])
        if row.kind in PARTS:
            found[row.name] = numbers
        elif row.kind == "float":
            found[row.name] = numbers[0]
        elif row.kind == "long":
            choices = choice_values(row)
            index = round(numbers[0])
            found[row.name] = choices[min(index, len(choices) - 1)] if choices else index
        else:
            found[row.name] = numbers[0] >= 0.5
    return found


def choice_values(row: Input) -> tuple[int, ...]:
    """The values that a list's choices stand for; none where it is a plain whole number."""
    if row.values:
        return row.values
    if row.labels:
        return tuple(range(len(row.labels)))
    low, high = _number(row.low, 0), _number(row.high, -1)
    return tuple(range(round(low), round(high) + 1)) if high - low < MOST_CHOICES else ()


@lru_cache(maxsize=256)
def _keys(header: Header, name: str) -> tuple[tuple[Input, tuple[str, ...]], ...]:
    """Each input that has parameters, with their keys: worked out once, for every frame asks."""
    return tuple((row, tuple(f"{EFFECTS}/{name}/{each}" for each in names)) for row, names in _names(header).items())


def _names(header: Header) -> dict[Input, tuple[str, ...]]:
    """Each input that has parameters, with their names; those that are taken already end in _input."""
    taken = {"mix", "place"}
    found = {}
    for row in header.inputs:
        if row.kind in TEXTURES:
            continue
        base = re.sub(r"\W+", "_", row.name.lower())
        names = _parted(base, row)
        while taken & set(names):
            base += "_input"
            names = _parted(base, row)
        taken |= set(names)
        found[row] = names
    return found


def _parted(base: str, row: Input) -> tuple[str, ...]:
    return tuple(f"{base}_{part}" for part in PARTS[row.kind]) if row.kind in PARTS else (base,)


def _rows(effect: str, row: Input, names: tuple[str, ...]) -> list[Parameter]:
    doc = row.label or row.name.replace("_", " ")
    doc = f"{doc[:1].upper()}{doc[1:]}"
    if row.kind == "event":
        return [Parameter(EFFECTS, f"{effect}/{names[0]}", 0.0, 0.0, 1.0, 0.0, 0.0, doc, integer=True, momentary=True)]
    if row.kind == "bool":
        default = float(bool(row.default))
        key, choices = f"{effect}/{names[0]}", ("off", "on")
        return [Parameter(EFFECTS, key, default, 0.0, 1.0, 0.0, 0.0, doc, integer=True, choices=choices)]
    if row.kind == "long":
        return [_list(effect, row, names[0], doc)]
    found = []
    for index, name in enumerate(names):
        start, bottom, top = (_part(bound, index) for bound in (row.default, row.low, row.high))
        default, low, high = _span(start, bottom, top, row.kind == "color")
        part = f"{doc}, {PARTS[row.kind][index]}" if row.kind in PARTS else doc
        found.append(Parameter(EFFECTS, f"{effect}/{name}", default, low, high, SMOOTH, SMOOTH, part))
    return found


def _list(effect: str, row: Input, name: str, doc: str) -> Parameter:
    """A list: its value is which of the choices; or a whole number, where there are none or too many."""
    values = choice_values(row)
    if not values:
        default, low, high = map(round, _span(_part(row.default, 0), _part(row.low, 0), _part(row.high, 0), False))
        return Parameter(EFFECTS, f"{effect}/{name}", default, low, high, 0.0, 0.0, doc, integer=True)
    labels = tuple(row.labels[at] if at < len(row.labels) else str(value) for at, value in enumerate(values))
    wanted = round(_number(row.default, values[0]))
    default = values.index(wanted) if wanted in values else 0
    # A list of one has nothing to choose; the range of a parameter is more than a point.
    high = max(len(values) - 1, 1)
    if len(values) == 1:
        labels = (*labels, labels[0])
    return Parameter(
        EFFECTS, f"{effect}/{name}", float(default), 0.0, float(high), 0.0, 0.0, doc, integer=True, choices=labels
    )


def _span(default: float | None, low: float | None, high: float | None, colour: bool) -> tuple[float, float, float]:
    """Default, low and high, in order, where a file may say any of them.

    Without a range it is 0..1, as hosts have it; a default beyond that (a place in pixels, a count) is in its middle.
    """
    start = (1.0 if colour else 0.0) if default is None else default
    if low is None:
        low = min(0.0, 2 * start if high is None else start)
    if high is None:
        high = max(low + 1.0, 1.0, start if start <= 1 else 2 * start)
    low, high = min(low, high), max(low, high)
    if default is None:
        start = min(max(start, low), high)
    low, high = min(low, start), max(high, start)
    return start, low, high if high > low else low + 1.0


def _part(value: float | tuple[float, ...] | None, index: int) -> float | None:
    return value[index] if isinstance(value, tuple) else value


def _number(value: float | tuple[float, ...] | None, otherwise: float) -> float:
    return otherwise if value is None or isinstance(value, tuple) else value
