"""The leash: two pipes between a supervisor and a process that it keeps, and both of their ends.

The kept process says that it lives by a byte through its standard output; the supervisor holds the other end of its
standard input, and lets go of it to have it end. Both are pipes that every system hands on, and both break when either
process dies, however it dies: so a supervisor hears of an end at once, and nobody is left behind without one.
"""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence

BEAT = b"."
# Often enough that a supervisor is never in doubt, seldom enough to cost a frame nothing, seconds.
BEAT_EVERY = 0.25
# Once the leash is cut, a process that has not ended by itself after so many seconds is hung.
LAST_WORDS = 10.0


class Kept:
    """The supervisor's end: a process of `command`, started here. `now` gives seconds."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.beaten: float | None = None
        """When it last said that it lives; None before the first time."""
        self._now = now
        self._ended = threading.Event()
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment
        )
        self._thread = threading.Thread(target=self._hear, name="leash", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, below 0 for a signal; None while it runs."""
        return self._process.poll()

    def wait(self, seconds: float) -> int | None:
        """Waits until it has ended, at most so long; returns its exit code, None while it runs."""
        if self._ended.wait(seconds):
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(min(seconds, BEAT_EVERY))  # the pipe breaks a little before the process is gone
        return self.code

    def end(self) -> None:
        """Asks it to end, as soon as it can."""
        if self._process.stdin:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def kill(self) -> None:
        """Ends it at once, also one that is stopped or hung."""
        self._process.kill()
        self._process.wait()
        self.end()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as beats:
            while beats.read(4096):
                self.beaten = self._now()
        self._ended.set()


class Leash:
    """The kept process's end: `beat` says that it lives, `cut` tells whether it is to end.

    What the process prints goes to the standard error from here on. `give_up` is called `LAST_WORDS` seconds after the
    leash was cut, on a thread of its own: by then the process should be gone.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, give_up: Callable[[], None] = lambda: os._exit(1)
    ) -> None:
        self.cut = False
        """Whether the supervisor let go, or is gone."""
        self._now = now
        self._give_up = give_up
        self._next = now()
        self._beats = os.dup(1)
        os.dup2(2, 1)
        with contextlib.suppress(OSError):  # Windows can since Python 3.12; there the pipe takes hours to fill
            os.set_blocking(self._beats, False)  # a supervisor that is stopped must not stop the show
        self._held = os.dup(0)
        threading.Thread(target=self._hold, name="leash", daemon=True).start()

    def beat(self) -> None:
        """Says that it lives; called once a frame."""
        if self._now() < self._next:
            return
        self._next = self._now() + BEAT_EVERY
        try:
            os.write(self._beats, BEAT)
        except BlockingIOError:
            pass  # it does not listen just now
        except OSError:
            self.cut = True

    def _hold(self) -> None:
        with contextlib.suppress(OSError):
            while os.read(self._held, 4096):
                pass
        self.cut = True
        time.sleep(LAST_WORDS)
        self._give_up()
