"""The state's keeper: has the show's state written every few seconds, on a thread of its own.

Owns the file while the show runs. The frame's thread only gathers, which is copying; where the disk is slow, a turn is
left out, and where it fails, it is said once until it works again.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from engine.scene_files import put
from engine.state_file import State, encode

# Seconds between two states: what is lost by a crash is this, and what it takes to write.
KEEP_EVERY = 2.0
# Leaving a show must not wait for a disk that hangs for longer than this, seconds.
LONGEST_GOODBYE = 2.0


class StateKeeper:
    """A sink that keeps what `gather` gives in the file at `path`. `say` takes a line, `now` gives seconds."""

    def __init__(
        self, path: Path, gather: Callable[[], State], say: Callable[[str], None], now: Callable[[], float]
    ) -> None:
        self._path = path
        self._gather = gather
        self._say = say
        self._now = now
        self._next = now() + KEEP_EVERY
        self._there = threading.Condition()  # guards what follows, and wakes the thread
        self._waiting: State | None = None
        self._writing = self._closing = False
        self._failure = self._told = ""
        self._thread = threading.Thread(target=self._work, name="state", daemon=True)
        self._thread.start()

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Gathers the state where it is time, once the one before has been written."""
        if self._failure != self._told:
            self._told = self._failure
            if self._told:
                self._say(f"state: {self._told}; after a crash the show goes on from an older one")
        if self._now() < self._next or self._writing:
            return
        self._next = self._now() + KEEP_EVERY
        with self._there:
            self._waiting, self._writing = self._gather(), True
            self._there.notify()

    def close(self) -> None:
        """Has the last state written, and ends the thread."""
        with self._there:
            self._closing = True
            self._there.notify()
        self._thread.join(LONGEST_GOODBYE)

    def _work(self) -> None:
        while True:
            with self._there:
                self._there.wait_for(lambda: self._waiting or self._closing)
                state, self._waiting = self._waiting, None
            if state is None:
                return
            try:
                put(self._path, encode(state), on_disk=False)  # after a power cut, an older one is as good
                self._failure = ""
            except OSError as error:
                self._failure = f"{self._path}: {error.strerror}"
            self._writing = False
