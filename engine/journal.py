"""The journal: what a show says, in a file that stays small, with the time of each line.

Owns the file and the thread that writes it. The show never waits for the disk: where it is full, read-only or gone, a
line says so, the newest lines are kept, and they are written when it can be written again.
"""

import os
import threading
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

# Bytes of a file, and the older ones kept beside it as FILE.1 to FILE.3: weeks of what a healthy show says.
LARGEST, KEPT = 1 << 20, 3
# Lines that wait for a disk; with more, the oldest are let go.
MOST_WAITING = 1000
LONGEST_LINE = 2000
# Seconds between two tries at a disk that fails, and those that closing waits for one that hangs.
RETRY, LONGEST_GOODBYE = 5.0, 2.0


def local_time() -> datetime:
    """The wall's time, with how far it is from UTC: the night of summer time has an hour twice."""
    return datetime.now().astimezone()


class Journal:
    """Writes lines to the end of `path`, whose folder is made if need be; `now` gives the time."""

    def __init__(
        self, path: Path, now: Callable[[], datetime] = local_time, largest: int = LARGEST, retry: float = RETRY
    ) -> None:
        self.path = path
        self._now = now
        self._largest = largest
        self._retry = retry
        self._told: deque[str] = deque(maxlen=MOST_WAITING)
        self._failing = False
        self._changed = threading.Condition()  # guards what follows, and wakes the thread
        self._waiting: deque[str] = deque()
        self._lost = 0
        self._closing = False
        # A disk that hangs for ever must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Has a line written, with the time of now."""
        text = f"{self._now().isoformat(timespec='seconds')} {line[:LONGEST_LINE]}"
        with self._changed:
            self._waiting.append(text)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popleft()
                self._lost += 1
            self._changed.notify()

    def take_told(self) -> list[str]:
        """What went wrong since this was last called, a line each."""
        return [self._told.popleft() for _ in range(len(self._told))]

    def close(self) -> None:
        """Writes what waits, if the disk takes it soon."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(LONGEST_GOODBYE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes; of an exception that ends the show, where it came from is written first."""
        if kind is not None and issubclass(kind, Exception):
            for line in "".join(traceback.format_exception(kind, error, trace)).splitlines():
                self.write(line)
        self.close()

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._failing:  # new lines are no reason to try sooner
                    self._changed.wait_for(lambda: self._closing, self._retry)
                else:
                    self._changed.wait_for(lambda: self._waiting or self._closing)
                lines, lost, closing = list(self._waiting), self._lost, self._closing
            if lines and self._try(lines, lost):
                with self._changed:
                    # Those let go meanwhile were the first of them.
                    for _ in range(len(lines) - (self._lost - lost)):
                        self._waiting.popleft()
                    self._lost -= lost
                    if self._waiting:
                        continue
            if closing:
                return

    def _try(self, lines: list[str], lost: int) -> bool:
        """Writes lines; tells the first failure of several."""
        gone = [f"{self._now().isoformat(timespec='seconds')} {lost} lines before this were lost"] if lost else []
        data = "".join(f"{line}\n" for line in [*gone, *lines]).encode("utf-8", "replace")
        try:
            self._append(data)
        except OSError as error:
            if not self._failing:
                self._told.append(f"{self.path}: {error.strerror}; the newest lines are kept, the show goes on")
            self._failing = True
            return False
        self._failing = False
        return True

    def _append(self, data: bytes) -> None:
        """Opens the file anew each time: it may have been moved, or its disk been mounted again."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self._size() + len(data) > self._largest:
            self._rotate()
        with open(self.path, "ab", buffering=0) as file:
            whole = file.tell()
            view = memoryview(data)
            try:
                while view:
                    view = view[file.write(view) :]
            except OSError:
                with suppress(OSError):
                    os.ftruncate(file.fileno(), whole)  # it is tried again as a whole
                raise

    def _size(self) -> int:
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def _rotate(self) -> None:
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, KEPT + 1))]
        for older, newer in zip(names[:0:-1], names[-2::-1], strict=True):
            if newer.exists():
                os.replace(newer, older)
