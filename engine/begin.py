"""The command `dancenet`: where it is to play, it starts itself anew with huge pages, before much is imported."""

import os
import sys
from collections.abc import Sequence

from engine.huge_pages import are_to_be_had, begin_anew

PLAYING = ("render", "still", "decode", "explore")  # and the show itself, which has no name; `train` has its own way
ANSWERS = {"-h", "--help", "--version"}


def main() -> int:
    """The command `dancenet`; returns the exit code."""
    if plays(sys.argv[1:]) and are_to_be_had(os.environ):
        begin_anew()
    from engine.__main__ import main as run

    return run()


def plays(arguments: Sequence[str]) -> bool:
    """Whether the command runs a dancer, and does not only answer."""
    named = bool(arguments) and not arguments[0].startswith("-")
    return (arguments[0] in PLAYING if named else True) and ANSWERS.isdisjoint(arguments)
