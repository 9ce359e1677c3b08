"""The configuration: every option of the live show, by the command line over its file over the defaults.

Owns which of them holds, and how all of it is printed. docs/installation.md tells how it is used.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from engine.config_file import (
    SWITCH,
    Word,
    Words,
    is_switch,
    number_text,
    read_file,
    read_text,
    repeats,
    rooted,
)
from engine.folders import configuration_folder

FILE = "dancenet.toml"
NO_FILE = "off"
# The options that no file sets: they are no part of a show. Of those, what a supervisor starts its show with.
KEPT = ("supervised", "safe")
LEFT_OUT = ("help", "version", "config", *KEPT)
# Their entries stand side by side, a name each, so that those of the command line come after the file's.
MERGED = ("set", "route")
# Options that are short for a parameter: one that --set sets on the command line is not held by the file's.
SHORT_FOR = {f"dance/{name}": name for name in ("seed", "temperature", "speed")}
DEFAULT, COMMAND_LINE = "default", "command line"


class Configuration:
    """What is given to each option of a grammar; `file` is where it was looked for, None if nowhere, and `written` is
    what it gives."""

    def __init__(self, actions: Mapping[str, argparse.Action], words: Words, file: Path | None, written: Words) -> None:
        self._actions = actions
        self._words = words
        self._file = file
        self._written = written

    def options(self) -> argparse.Namespace:
        """The values, as argparse gives them; `told` says of each option where its values come from, to be told where
        one of them turns out to be wrong later; `of_file` is the file as `of_file()` gives it."""
        options = argparse.Namespace(config=self._file, told={}, of_file=self.of_file())
        for name in KEPT:
            setattr(options, name, name in self._words)
        for name, action in self._actions.items():
            values = [word.value for word in self._words[name]]
            setattr(options, action.dest, values if repeats(action) else values[0] if values else None)
            options.told[name] = [
                f"--{name}" if word.where in (DEFAULT, COMMAND_LINE) else f"{word.where}: {name}"
                for word in self._words[name]
            ]
        return options

    def toml(self) -> str:
        """All of it as a file, with a comment where each value comes from; read again, it gives the same."""
        return "".join(f"{line}\n" for line in self._lines())

    def of_file(self) -> str:
        """What the file gives, as a file that means the same wherever it lies: for a show that is started anew by the
        same command line, whatever becomes of the file."""
        written = {name: words for name, words in self._written.items() if words or repeats(self._actions[name])}
        lines = [line for name in written for line in self._entry(name, written[name])]
        return "".join(f"{line}\n" for line in [f"# What {self._file or 'no file'} gave as the show began", *lines])

    def _lines(self) -> Iterator[str]:
        yield "# What a live show runs by: its options over those of"
        yield f"# {self._file or 'no file'}"
        for name in self._actions:
            yield from self._entry(name, self._words[name])

    def _entry(self, name: str, words: Sequence[Word]) -> Iterator[str]:
        action = self._actions[name]
        if not words:
            yield f"{name} = []  # {DEFAULT}" if repeats(action) else f"# {name} =  # not set"
        elif not repeats(action):
            yield f"{name} = {spelled(action, words[0])}  # {words[0].where}"
        else:
            yield f"{name} = ["
            yield from (f"    {spelled(action, word)},  # {word.where}" for word in words)
            yield "]"


def configure(new_parser: Callable[[], argparse.ArgumentParser], arguments: list[str]) -> Configuration:
    """Reads the command line by a grammar, and the file that it names, or the user's own.

    What is wrong with the command line ends the program, as argparse does. Raises ConfigError for the file.
    """
    parser = new_parser()
    actions = options_of(parser)
    words = {name: default_words(action) for name, action in actions.items()}
    spoken = spoken_words(new_parser, arguments)
    named = spoken.pop("config", [])
    file = None if named and named[0].text == NO_FILE else Path(named[0].text).absolute() if named else user_file()
    written = read_file(file, actions, required=bool(named)) if file else {}
    for word in spoken.get("set", []):
        written.pop(SHORT_FOR.get(word.text.partition("=")[0], ""), None)
    for name in MERGED:
        if name in written and name in spoken:
            spoken[name] = written[name] + spoken[name]
    return Configuration(actions, words | written | spoken, file, written)


def user_file() -> Path:
    """Where the user's own file is, if there is one."""
    return configuration_folder() / FILE


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """The options of a grammar that a file may hold, by their long names."""
    named = {action.option_strings[0].removeprefix("--"): action for action in parser._actions if action.option_strings}
    return {name: action for name, action in named.items() if action.dest not in LEFT_OUT}


def default_words(action: argparse.Action) -> list[Word]:
    """What an option means that nobody has given: nothing, where its default is an empty list or None."""
    if action.default is None or repeats(action):
        return []
    if is_switch(action):
        return [Word(SWITCH[action.default], action.default, DEFAULT)]
    text = action.default if isinstance(action.default, str) else number_text(action.default)
    return [Word(text, read_text(action, text), DEFAULT)]


def spoken_words(new_parser: Callable[[], argparse.ArgumentParser], arguments: list[str]) -> Words:
    """What the command line itself gives: read twice, for its values and for its texts."""
    found = []
    for wanted in ("values", "texts"):
        parser = new_parser()
        for action in parser._actions:
            action.default = argparse.SUPPRESS
            if wanted == "texts":
                action.type, action.choices = None, None
        found.append(vars(parser.parse_args(arguments)))
    values, texts = found
    words: Words = {}
    for action in new_parser()._actions:
        if action.dest not in values or not action.option_strings:
            continue
        name = action.option_strings[0].removeprefix("--")
        if is_switch(action):
            words[name] = [Word(SWITCH[values[action.dest]], values[action.dest], COMMAND_LINE)]
        elif repeats(action):
            pairs = zip(texts[action.dest], values[action.dest], strict=True)
            words[name] = [Word(rooted(name, action, text, Path()), value, COMMAND_LINE) for text, value in pairs]
        else:
            text = rooted(name, action, texts[action.dest], Path())
            words[name] = [Word(text, values[action.dest], COMMAND_LINE)]
    return words


def spelled(action: argparse.Action, word: Word) -> str:
    """A word as a value of TOML."""
    if is_switch(action):
        return word.text
    if isinstance(word.value, int | float):
        return number_text(word.value)
    # A JSON string is one of TOML, but for DEL.
    return json.dumps(word.text, ensure_ascii=False).replace("\x7f", "\\u007f")
