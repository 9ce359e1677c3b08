"""How a command ends: its exit codes, the one line of a failure, the signals that ask it to."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from engine.exit_codes import FAILED, FINE, NO_DISPLAY, USAGE

__all__ = ["FAILED", "FINE", "NO_DISPLAY", "USAGE", "Failure", "stop_signals"]


class Failure(Exception):
    """What ends a command; the message is one line, the code 1, or 2 where the usage was wrong."""

    def __init__(self, line: str, code: int = FAILED) -> None:
        super().__init__(line)
        self.code = code


def complain(line: str) -> None:
    """Writes a line about what went wrong while a command goes on."""
    print(f"dancenet: {line}", file=sys.stderr)


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl+C and SIGTERM end a show between two frames: yields what tells whether one has come. A second one kills."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
