"""What a show says of itself while it runs: facts, and messages.

Owns the terminal: one line of the essential facts, updated in place, above it lines that stay. The line is for a
terminal only; elsewhere it is quiet, and only the lines that stay are written. The HUD shows the same facts.
"""

import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from engine.journal import Journal
from engine.sparing import sparing

# Often enough to read, seldom enough not to flicker.
UPDATE_EVERY = 0.25
CLEAR = "\r\x1b[K"


@dataclass(frozen=True)
class Fact:
    """One thing to know of a show, such as "late" and "3". `essential` ones are in the terminal's line; `wrong` ones
    are what somebody should see to.
    """

    label: str
    value: str
    essential: bool = True
    wrong: bool = False


class Status:
    """The status of one show, written to `stream`; what is said goes to the `journal` too."""

    def __init__(
        self,
        stream: TextIO = sys.stderr,
        now: Callable[[], float] = time.perf_counter,
        journal: Journal | None = None,
    ) -> None:
        self.rate = 0.0
        """Frames a second, of late."""
        self.message = ""
        """What was said last."""
        self._stream = stream
        self._journal = journal
        self.listeners: list[Callable[[str], None]] = []
        """Given each line that is said, however often."""
        self._stay = sparing(self._write_line, now=now)
        self._now = now
        self._terminal = stream.isatty()
        self._frames = 0
        self._since: float | None = None

    def frame(self, describe: Callable[[], Sequence[Fact]]) -> None:
        """Counts a frame; when it is time, writes the frame rate and the essential ones of the facts."""
        now = self._now()
        if self._since is None:
            self._since = now  # the rate is of frames begun from here on
            return
        self._frames += 1
        elapsed = now - self._since
        if elapsed < UPDATE_EVERY:
            return
        self.rate = self._frames / elapsed
        self._frames, self._since = 0, now
        for told in self._journal.take_told() if self._journal else ():
            self.say(f"log file: {told}")
        if self._terminal:
            facts = [f"{fact.label} {fact.value}" for fact in describe() if fact.essential]
            line = "  ".join([f"{self.rate:5.1f} fps", *facts])
            width = shutil.get_terminal_size().columns - 1
            self._write(f"{CLEAR}{line[:width]}")

    def say(self, line: str) -> None:
        """Writes a line that stays, above the status; one that comes again and again less and less often."""
        self.message = line
        for listener in self.listeners:
            listener(line)
        self._stay(line)

    def close(self) -> None:
        """Leaves the last status standing, and the cursor below it."""
        if self._terminal:
            self._write("\n")

    def _write_line(self, line: str) -> None:
        self._write(f"{CLEAR if self._terminal else ''}dancenet: {line}\n")
        if self._journal:
            self._journal.write(line)

    def _write(self, text: str) -> None:
        # A terminal that was closed, or the full disk of a file: nobody reads it, and the show goes on.
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()
