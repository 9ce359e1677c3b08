"""What the command line says while a show runs: one line of status, updated in place, and lines that stay.

Owns the terminal. The status is for a terminal only; elsewhere it is quiet, and only the lines that stay are written.
"""

import shutil
import sys
import time
from collections.abc import Callable
from typing import TextIO

# Often enough to read, seldom enough not to flicker.
UPDATE_EVERY = 0.25
CLEAR = "\r\x1b[K"


class Status:
    """The status line of one show, on `stream`."""

    def __init__(self, stream: TextIO = sys.stderr, now: Callable[[], float] = time.perf_counter) -> None:
        self._stream = stream
        self._now = now
        self._terminal = stream.isatty()
        self._frames = 0
        self._since: float | None = None

    def frame(self, describe: Callable[[], str]) -> None:
        """Counts a frame; when it is time, writes the frame rate and what `describe` gives."""
        now = self._now()
        if self._since is None:
            self._since = now  # the rate is of frames begun from here on
            return
        self._frames += 1
        elapsed = now - self._since
        if elapsed < UPDATE_EVERY or not self._terminal:
            return
        line = f"{self._frames / elapsed:5.1f} fps  {describe()}"
        width = shutil.get_terminal_size().columns - 1
        self._stream.write(f"{CLEAR}{line[:width]}")
        self._stream.flush()
        self._frames, self._since = 0, now

    def say(self, line: str) -> None:
        """Writes a line that stays, above the status."""
        self._stream.write(f"{CLEAR if self._terminal else ''}dancenet: {line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Leaves the last status standing, and the cursor below it."""
        if self._terminal:
            self._stream.write("\n")
            self._stream.flush()
