"""The file of the live show's options, `dancenet.toml`: read, or told line by line what is wrong with it.

Owns its form: the options' long names, and values that the command line's own readers read, so that an option of the
grammar is one of the file too. Places on the disk are meant from where the file lies.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.argument_values import PATHS
from engine.scene_toml import nearest, places
from engine.small_file import read_small
from engine.toml_text import parse_toml

MOST_BYTES = 256 << 10
# A switch has no text on the command line.
SWITCH = ("false", "true")
# As tomllib tells where it stumbled.
TOLD_LINE = re.compile(r" \(at line (\d+), column \d+\)")


class ConfigError(ValueError):
    """What is wrong with a file: a line each, with its name and the line's number."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("; ".join(lines))
        self.lines = list(lines)


@dataclass(frozen=True)
class Word:
    """A text that an option was given, what it means, and where it comes from; an option that is not set has none."""

    text: str
    value: Any
    where: str


Words = dict[str, list[Word]]


def repeats(action: argparse.Action) -> bool:
    """Whether an option may be given several times."""
    return isinstance(action.default, list)


def is_switch(action: argparse.Action) -> bool:
    """Whether an option is on or off."""
    return isinstance(action.default, bool)


def read_file(file: Path, actions: Mapping[str, argparse.Action], required: bool) -> Words:
    """What a file gives, read by the readers of `actions`. Raises ConfigError with all that is wrong with it."""
    try:
        text = read_small(file, MOST_BYTES).decode("utf-8")
        content = parse_toml(text)
    except FileNotFoundError:
        if not required:
            return {}
        raise ConfigError([f"--config: {file}: no such file"]) from None
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}"]) from None
    except (ValueError, RecursionError) as error:  # tomllib's and UTF-8's; tables in tables without end
        reason, found = TOLD_LINE.sub("", str(error)), TOLD_LINE.search(str(error))
        raise ConfigError([f"{file}{f':{found[1]}' if found else ''}: {reason}"]) from None
    lines = dict(places(text))
    words: Words = {}
    wrong: list[str] = []
    for name, given in content.items():
        number = lines.get(("", 0, name)) or lines.get((name, 0))
        where = f"{file}:{number}" if number else f"{file}"
        if name not in actions:
            wrong.append(f"{where}: unknown option {name!r}{nearest(name, actions)}")
            continue
        words[name] = []
        for key, entry in entries(given):
            inside = lines.get((name, 0, key))
            place = f"{file}:{inside}" if inside else where
            try:
                words[name].append(word_of(name, actions[name], key, entry, file.parent, place))
            except ValueError as error:
                wrong.append(f"{place}: {name}: {error}")
        if len(words[name]) != 1 and not repeats(actions[name]) and not wrong:
            wrong.append(f"{where}: {name}: one value is wanted, not {len(words[name])}")
    if wrong:
        raise ConfigError(wrong)
    return words


def entries(given: object, above: str = "") -> Iterator[tuple[str, object]]:
    """What a value of a file holds: itself, each of a list, or each of a table with its key."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from entries(value, f"{above}/{key}" if above else key)
    elif isinstance(given, list) and not above:
        yield from (("", value) for value in given)
    else:
        yield above, given


def word_of(name: str, action: argparse.Action, key: str, given: object, folder: Path, where: str) -> Word:
    """A value of a file in `folder`, as the command line reads it; of a table, with its `key`. Raises ValueError."""
    if is_switch(action):
        if key or not isinstance(given, bool):
            raise ValueError(f"it must be true or false, not {given!r}")
        return Word(SWITCH[given], given, where)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise ValueError(f"a text or a number is wanted, not {str(given).lower()}")
    text = given if isinstance(given, str) else number_text(given)
    text = f"{key}={text}" if key else rooted(name, action, text, folder)
    return Word(text, read_text(action, text), where)


def read_text(action: argparse.Action, text: str) -> Any:
    """What a text means to an option. Raises ValueError with what is allowed."""
    try:
        value = action.type(text) if callable(action.type) else text
    except argparse.ArgumentTypeError as error:
        raise ValueError(str(error)) from None
    if action.choices is not None and value not in action.choices:
        raise ValueError(f"{text!r} is none of {', '.join(map(str, action.choices))}")
    return value


def rooted(name: str, action: argparse.Action, text: str, folder: Path) -> str:
    """A place on the disk from the folder it is meant from, so that it is the same one everywhere; another text as it
    is. What is listened to may be a song there."""
    if action.type in PATHS or (name == "audio" and (folder / text).is_file()):
        return str((folder / Path(text).expanduser()).absolute())
    return text


def number_text(number: float) -> str:
    """A number without anything lost: whole ones as such."""
    return str(int(number)) if isinstance(number, int) or number.is_integer() else repr(number)
