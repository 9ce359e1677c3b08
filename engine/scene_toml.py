"""Scenes as TOML files: read, with a line on everything that is wrong, and written. docs/scenes.md tells the form.

Owns the form. A file that is wrong in places is told of, with file and line, and the rest of it counts.
"""

import difflib
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from engine.parameters import SIGNALS, Parameter
from engine.routes import Route
from engine.scene import GREATEST_NUMBER, STEM, Fade, Scene, numbered
from engine.toml_text import parse_toml

TABLES = ("scene", "parameters", "routes")
# The choices of a parameter that TOML's true and false may be given for.
SWITCH = ("off", "on")
SCENE_KEYS = ("name", "number", "fade")
# Looking for what a word was meant to be takes milliseconds: it is done for words, and for the first of many.
LONGEST_WORD, MOST_HINTS = 100, 20
ROUTE_KEYS = tuple(field.name for field in fields(Route))


def read(text: str, file: Path, parameters: Mapping[str, Parameter], warn: Callable[[str], None]) -> Scene:
    """The scene in `text`, which is that of `file`; `warn` is given a line on everything that is left out or changed.

    Raises ValueError (of tomllib) where it is no TOML.
    """
    content = parse_toml(text)
    reader = _Reader(text, file, warn)
    reader.only(content, TABLES, "table", ())
    about = reader.table(content, "scene")
    reader.only(about, SCENE_KEYS, "key of [scene]", ("scene", 0))
    number, name = numbered(file.stem)
    if "name" in about:
        if isinstance(about["name"], str) and STEM.fullmatch(about["name"]):
            name = about["name"]
        else:
            reader.say(("scene", 0, "name"), "a name is letters, digits, blanks and hyphens")
    if "number" in about:
        if type(about["number"]) is int and 0 <= about["number"] <= GREATEST_NUMBER:
            number = about["number"]
        else:
            reader.say(("scene", 0, "number"), f"a number is whole, 0..{GREATEST_NUMBER}")
    fade = None
    if "fade" in about:
        try:
            fade = Fade.of(about["fade"])
        except ValueError as error:
            reader.say(("scene", 0, "fade"), str(error))
    values = {}
    for key, given in reader.table(content, "parameters").items():
        if (value := reader.value(key, given, parameters)) is not None:
            values[key] = value
    routes = None
    if "routes" in content:
        found = content["routes"] if isinstance(content["routes"], list) else [content["routes"]]
        made = (reader.route(index, route, parameters) for index, route in enumerate(found))
        routes = tuple(route for route in made if route)
    return Scene(file.stem, name, number, fade, values, routes)


def write(scene: Scene, parameters: Mapping[str, Parameter]) -> str:
    """The scene as TOML, to be read by `read`."""
    return "\n".join(_lines(scene, parameters)) + "\n"


def _lines(scene: Scene, parameters: Mapping[str, Parameter]) -> Iterator[str]:
    if scene.routes == ():
        yield from ("routes = []", "")
    yield "[scene]"
    yield f"name = {_text(scene.name)}"
    if scene.number is not None:
        yield f"number = {scene.number}"
    if scene.fade is not None:
        yield f"fade = {_text(str(scene.fade)) if scene.fade.in_beats else _digits(scene.fade.length)}"
    yield from ("", "[parameters]")
    for key, value in scene.parameters.items():
        choices = parameters[key].choices
        yield f"{_text(key)} = {_text(choices[int(value)]) if choices else _digits(value)}"
    plain = Route("", "", 0.0)
    for route in scene.routes or ():
        yield from ("", "[[routes]]", f"signal = {_text(route.signal)}", f"parameter = {_text(route.parameter)}")
        for name in ROUTE_KEYS[2:]:
            value = getattr(route, name)
            if name == "amount" or value != getattr(plain, name):
                yield f"{name} = {str(value).lower() if isinstance(value, bool) else _digits(value)}"


def _digits(value: float) -> str:
    return f"{value:.6g}" if value % 1 else str(int(value))


def _text(text: str) -> str:
    # A JSON string is a TOML string as long as it is spared \u escapes: names and keys hold no control characters.
    return json.dumps(text, ensure_ascii=False)


Place = tuple[str, int, str] | tuple[str, int] | tuple[()]


class _Reader:
    """Says what is wrong with a file, and where."""

    def __init__(self, text: str, file: Path, warn: Callable[[str], None]) -> None:
        self._file = file
        self._warn = warn
        self._hints = 0
        self._where = dict(places(text))

    def say(self, place: Place, line: str) -> None:
        number = self._where.get(place)
        self._warn(f"{self._file}{f':{number}' if number else ''}: {line}")

    def near(self, wrong: object, known: Iterable[str]) -> str:
        """As `nearest`, for the first ones of a file."""
        self._hints += 1
        return nearest(wrong, known) if self._hints <= MOST_HINTS else ""

    def only(self, found: Iterable[str], known: Iterable[str], what: str, place: Place) -> None:
        """Tells of what is not `known`."""
        for key in found:
            if key not in known:
                where: Place = (*place, key) if len(place) == 2 else (key, 0)
                if where not in self._where:
                    where = "", 0, key
                self.say(where, f"unknown {what} {_shown(key)}{self.near(key, known)}; the rest counts")

    def table(self, content: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        found = content.get(name, {})
        if isinstance(found, dict):
            return found
        self.say(("", 0, name), f"{name} is a table, [{name}]")
        return {}

    def value(self, key: str, given: object, parameters: Mapping[str, Parameter]) -> float | None:
        """A parameter's value, as given or brought into its range; None where there is none."""
        place = "parameters", 0, key
        parameter = parameters.get(key)
        if parameter is None:
            self.say(place, f"unknown parameter {_shown(key)}{self.near(key, parameters)}; the rest counts")
            return None
        if given in parameter.choices:
            return float(parameter.choices.index(str(given)))
        allowed = f"{parameter.low:g}..{parameter.high:g}"
        if parameter.choices:
            allowed = f"one of {', '.join(parameter.choices)}"
        number = float(given) if isinstance(given, bool) and parameter.choices == SWITCH else _number(given)
        if number is None:
            self.say(place, f"{key} is {_shown(given)}; it must be {allowed}; the rest counts")
            return None
        value = min(max(number, parameter.low), parameter.high)
        value = float(round(value)) if parameter.integer else value
        if value != number:
            self.say(place, f"{key} is {number:g}; it must be {allowed}; taken as {value:g}")
        return value

    def route(self, index: int, given: object, parameters: Mapping[str, Parameter]) -> Route | None:
        place = "routes", index
        if not isinstance(given, dict):
            self.say(place, "a route is a table, [[routes]]")
            return None
        self.only(given, ROUTE_KEYS, "key of a route", place)
        signals = [signal.key for signal in SIGNALS]
        for end, known in (("signal", signals), ("parameter", list(parameters))):
            if given.get(end) not in known:
                at = (*place, end) if end in given else place
                near = self.near(given[end], known) if end in given else ""
                what = f"unknown {end} {_shown(given[end])}" if end in given else f"a route without its {end}"
                self.say(at, f"{what}{near}; the route is left out")
                return None
        numbers = {}
        for name in ROUTE_KEYS[2:]:
            if name not in given:
                continue
            number = float(given[name]) if name == "invert" and isinstance(given[name], bool) else _number(given[name])
            if number is None:
                wanted = "true or false" if name == "invert" else "a number"
                self.say((*place, name), f"{name} is {_shown(given[name])}, not {wanted}; the route is left out")
                return None
            numbers[name] = number
        if "amount" not in numbers:
            self.say(place, "a route without its amount; the route is left out")
            return None
        route = Route.made(given["signal"], given["parameter"], **numbers)
        for name, number in numbers.items():
            if (kept := getattr(route, name)) != number:
                self.say((*place, name), f"{name} is {number:g}; taken as {float(kept):g}")
        return route


def _number(given: object) -> float | None:
    """The finite number that is given; None for anything else."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None
    try:
        return float(given) if math.isfinite(given) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def _shown(given: object) -> str:
    """A value as it is told, cut where it is long."""
    try:
        text = repr(given)
    except (ValueError, RecursionError):  # Python does not write whole numbers of thousands of digits
        return "a number of thousands of digits"
    return text if len(text) <= LONGEST_WORD else f"{text[:LONGEST_WORD]}..."


def nearest(wrong: object, known: Iterable[str]) -> str:
    """What of the `known` may have been meant, to be told after what was wrong; nothing where none is near."""
    if len(str(wrong)) > LONGEST_WORD:
        return ""
    near = difflib.get_close_matches(str(wrong), list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


HEADER = re.compile(r"\s*\[\[?\s*([\w-]+)")
ENTRY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[=.]""")


def places(text: str) -> Iterator[tuple[Place, int]]:
    """Where tables and their keys stand: (table, which of its name[, key]) -> line. tomllib does not tell."""
    table, counts = "", {"": 0}
    for number, line in enumerate(text.splitlines(), 1):
        if header := HEADER.match(line):
            table = header[1]
            counts[table] = counts.get(table, -1) + 1
            yield (table, counts[table]), number
        elif entry := ENTRY.match(line):
            yield (table, counts[table], entry[1] or entry[2] or entry[3]), number
