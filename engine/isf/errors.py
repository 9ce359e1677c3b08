"""What is wrong with an ISF file, said with the file and its own line."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class IsfError(ValueError):
    """An ISF file that cannot be drawn; the message is `FILE:LINE: what; what is allowed`."""


def error_at(path: Path, line: int, what: str) -> IsfError:
    """The error of a file's line, counted from 1."""
    return IsfError(f"{path}:{line}: {what}")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "swirl"?` where a known word is near to a wrong one, or nothing."""
    found = get_close_matches(word, list(known), 1)
    return f'; did you mean "{found[0]}"?' if found else ""
