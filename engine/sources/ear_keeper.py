"""The ear's keeper: the process that hears (`engine.audio.ear`), and its life.

When it ends, or has to be killed because nothing comes from it, another begins, so that a daemon that died or hangs
costs the show nothing. A thread reads its lines into a bounded queue; the samples themselves, which the ear gives only
while somebody takes them, go from that thread straight to whoever does.
"""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.audio.telling import ENOUGH, SAMPLES

# Seconds without a line after which the ear is taken to hang, once it hears, and while it starts. It ends itself, and
# sooner, when its stream is gone; this is for when it cannot.
DEAD, STARTING = 5.0, 8.0
# Seconds between one ear and the next: the second time twice as long, and so on up to the last.
FIRST_WAIT, LONGEST_WAIT = 0.25, 1.0

# Seconds that a killed process may take to go, at the show's end.
LONGEST_CLOSE = 1.0

# Lines kept for a frame that is late: five seconds of them.
MOST_LINES = 1250

# Where the package `engine` lies.
HOME = Path(__file__).resolve().parents[2]

# Takes samples: the time of the first, by `perf_counter`, their rate in Hz, and little-endian stereo of 16 bits. Called
# on the keeper's thread, which it must not hold up.
Take = Callable[[float, float, bytes], None]


class Ear:
    """Keeps a process that hears, on a thread of its own; `arguments` are asked for anew each time one is started."""

    def __init__(self, arguments: Callable[[], list[str]]) -> None:
        self.lines: deque[list[Any]] = deque(maxlen=MOST_LINES)
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._since = time.perf_counter()  # the last line, or the process's start
        self._hears = self._done = False
        self._takers: tuple[Take, ...] = ()
        self._asking = threading.Lock()  # held while a line is written to the process, or its input closed
        self._closing = threading.Event()
        self._anew = threading.Event()
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self._thread.start()

    def watch(self) -> None:
        """Kills the process if it is dead; another begins."""
        if time.perf_counter() - self._since > (DEAD if self._hears else STARTING):
            self._kill()

    def begin_anew(self) -> None:
        """Another process, with other arguments, at once."""
        self._anew.set()
        self._kill()

    def listen(self, take: Take) -> None:
        """Gives `take` all samples that are heard from now on, whatever process hears them."""
        self._takers = (*self._takers, take)
        self._ask()

    def unlisten(self, take: Take) -> None:
        """Gives it no more."""
        self._takers = tuple(taker for taker in self._takers if taker != take)
        self._ask()

    def close(self) -> None:
        """Ends the process, for good."""
        self._closing.set()
        self._anew.set()
        self._kill()
        self._thread.join(timeout=LONGEST_CLOSE)

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            process.kill()

    def _ask(self) -> None:
        """Tells the process, if there is one, whether samples are taken. Such lines always find room in its input."""
        with self._asking:
            if self._process is not None and self._process.stdin is not None:
                with suppress(OSError):  # it is gone; the next one is told when it begins
                    os.write(self._process.stdin.fileno(), SAMPLES if self._takers else ENOUGH)

    def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._closing.is_set():
            self._anew.clear()
            self._hears, self._since = False, time.perf_counter()
            # -P: else a folder named engine, where the show was started, would be taken for ours.
            command = [sys.executable, "-P", "-m", "engine.audio.waking", *self._arguments()]
            path = os.pathsep.join(filter(None, [str(HOME), os.environ.get("PYTHONPATH")]))
            with subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env={**os.environ, "PYTHONPATH": path},
            ) as process:
                self._process = process
                self._ask()
                if self._closing.is_set():
                    process.kill()
                self._read(process)
                with self._asking:
                    self._process = None
            if self._done:
                return
            wait = FIRST_WAIT if self._hears else min(2 * wait, LONGEST_WAIT)
            self.lines.append(["lost"])
            self._anew.wait(wait)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for text in process.stdout:
            if not text.endswith("\n"):
                return  # killed within a line
            line = json.loads(text)
            self._since = time.perf_counter()
            if line[0] == "samples":
                _, when, rate_hz, packed = line
                samples = base64.b64decode(packed)
                for take in self._takers:
                    take(when, rate_hz, samples)
                continue
            self._hears = self._hears or line[0] == "heard"
            self._done = line[0] in ("missing", "end")
            self.lines.append(line)
