"""Reads the JSON of an ISF header, as leniently as the hosts that people write for, and knows every table's line.

Beyond the standard it takes trailing commas, // comments, line breaks within strings, and numbers such as `.5`, `1.`
and `+1`. Owns nothing.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

SPACE = re.compile(r"(?:\s|//[^\n]*)*")
NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"', re.S)
ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.S)
WORD = re.compile(r"[A-Za-z]+")
WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "TRUE": True, "FALSE": False}
# Tables and lists within one another; a header has three.
DEEPEST = 32
# Digits of a number; no float takes more.
LONGEST_NUMBER = 300
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class Table(dict[str, Any]):
    """A JSON object that knows the line it begins on, and the line of each of its members."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, name: str) -> int:
        """The line of a member, or that of the whole where there is none of that name."""
        return self.lines.get(name, self.line)


def parse(text: str, first_line: int, fail: Callable[[int, str], Exception]) -> Any:
    """The value that `text` holds, objects as `Table`; `fail` makes the error of a line and what is wrong there."""
    reader = _Reader(text, first_line, fail)
    value = reader.value()
    reader.skip()
    if reader.place < len(text):
        reader.refuse("the header goes on after its closing }")
    return value


class _Reader:
    """One reading: where it is in the text."""

    def __init__(self, text: str, first_line: int, fail: Callable[[int, str], Exception]) -> None:
        self.text, self.place = text, 0
        self._fail = fail
        self._line, self._counted = first_line, 0  # the line of a place up to which lines have been counted
        self._depth = 0

    def refuse(self, what: str) -> NoReturn:
        raise self._fail(self.line(), f"JSON: {what}")

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.place)
        self._counted = self.place
        return self._line

    def skip(self) -> None:
        match = SPACE.match(self.text, self.place)
        assert match  # it may be empty
        self.place = match.end()

    def take(self, character: str) -> bool:
        """Steps over the character, if it comes next."""
        self.skip()
        if self.text.startswith(character, self.place):
            self.place += 1
            return True
        return False

    def value(self) -> Any:
        self.skip()
        for opening, inside in (("{", self._table), ("[", self._list)):
            if self.take(opening):
                self._depth += 1
                if self._depth > DEEPEST:
                    self.refuse(f"more than {DEEPEST} tables and lists in one another")
                found = inside()
                self._depth -= 1
                return found
        if match := STRING.match(self.text, self.place):
            self.place = match.end()
            return ESCAPE.sub(_unescape, match[1])
        if match := NUMBER.match(self.text, self.place):
            self.place = match.end()
            if len(match[0]) > LONGEST_NUMBER or math.isinf(float(match[0])):
                self.refuse("a number beyond all floats")
            return float(match[0]) if re.search(r"[.eE]", match[0]) else int(match[0])
        match = WORD.match(self.text, self.place)
        if match and match[0] in WORDS:
            self.place = match.end()
            return WORDS[match[0]]
        self.refuse(f"expected a value, found {self._found()}")

    def _table(self) -> Table:
        table = Table(self.line())
        while not self.take("}"):
            self.skip()
            line = self.line()
            match = STRING.match(self.text, self.place)
            if not match:
                self.refuse(f'expected "NAME": or }}, found {self._found()}')
            self.place = match.end()
            name = ESCAPE.sub(_unescape, match[1])
            if not self.take(":"):
                self.refuse(f'expected : after "{name}", found {self._found()}')
            table[name] = self.value()
            table.lines[name] = line
            self._separate("}")
        return table

    def _list(self) -> list[Any]:
        values = []
        while not self.take("]"):
            values.append(self.value())
            self._separate("]")
        return values

    def _separate(self, closing: str) -> None:
        """Steps over the comma between members; the last one may have one too."""
        if self.take(","):
            while self.take(","):
                pass
        elif not self.text.startswith(closing, self.place):
            self.refuse(f"expected , or {closing}, found {self._found()}")

    def _found(self) -> str:
        rest = self.text[self.place : self.place + 20].split("\n")[0].strip()
        return f"`{rest}`" if rest else "the header's end"


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else ESCAPES.get(match[2], match[2])
