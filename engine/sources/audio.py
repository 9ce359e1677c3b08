"""Audio: what an input hears, or a file that is played, as signals; the beat, for the tempo.

Owns the process that hears (`engine.audio.ear`) and its life: when it ends, or has to be killed because nothing comes
from it, another begins, so that a daemon that died or hangs costs the show nothing. A thread reads its lines into a
bounded queue; `poll` takes them out and never waits.
"""

import json
import os
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from engine.audio.analysis import Analysis, Heard
from engine.audio.beat import BeatEstimate
from engine.audio.decode import SONG_RATE, Samples, blocks, mono
from engine.controls import Controls

# Seconds without a line after which the ear is taken to hang, once it hears, and while it starts. It ends itself, and
# sooner, when its stream is gone; this is for when it cannot.
DEAD, STARTING = 5.0, 8.0
# Seconds between one ear and the next: the second time twice as long, and so on up to the last.
FIRST_WAIT, LONGEST_WAIT = 0.25, 1.0

# Seconds that a killed process may take to go, at the show's end.
LONGEST_CLOSE = 1.0

# Lines kept for a frame that is late: five seconds of them.
MOST_LINES = 1000

# Where the package `engine` lies.
HOME = Path(__file__).resolve().parents[2]

SIGNALS = ("audio/level", "audio/bass", "audio/low", "audio/mid", "audio/high")
ONSET = "audio/onset"


class Clock(Protocol):
    """Show time, seconds."""

    @property
    def time(self) -> float: ...


def publish(controls: Controls, heard: list[Heard]) -> None:
    """Sets the signals from what was heard since the last frame: each at its peak, so that no drum falls between."""
    gain = controls.target("audio/gain")
    for key in SIGNALS:
        name = key.partition("/")[2]
        controls.signal(key, min(1.0, gain * max(getattr(values, name) for values in heard)))
    controls.signal(ONSET, max(values.onset for values in heard))


def silence(controls: Controls) -> None:
    """Takes the signals off: nothing is heard any more."""
    for key in (*SIGNALS, ONSET):
        controls.still(key)


class Ear:
    """Keeps a process that hears, on a thread of its own; `arguments` are asked for anew each time one is started."""

    def __init__(self, arguments: Callable[[], list[str]]) -> None:
        self.lines: deque[list[Any]] = deque(maxlen=MOST_LINES)
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._since = time.perf_counter()  # the last line, or the process's start
        self._hears = self._done = False
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

    def _run(self) -> None:
        wait = FIRST_WAIT
        while not self._closing.is_set():
            self._anew.clear()
            self._hears, self._since = False, time.perf_counter()
            # -P: else a folder named engine, where the show was started, would be taken for ours.
            command = [sys.executable, "-P", "-m", "engine.audio.ear", *self._arguments()]
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
                if self._closing.is_set():
                    process.kill()
                self._read(process)
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
            self._hears = self._hears or line[0] == "heard"
            self._done = line[0] in ("missing", "end")
            self.lines.append(line)


class Listener(ABC):
    """What a live input and a played file have in common: an ear, its lines read each frame, the beat, what is told."""

    def __init__(self, clock: Clock, tell: Callable[[str], None], arguments: Callable[[], list[str]]) -> None:
        self.beat: BeatEstimate | None = None
        """Where in the beat the music is, by the show's time; None while nothing is heard."""
        self.name = ""
        """What is heard; empty while nothing is."""
        self._clock = clock
        self._tell = tell
        self._told = ""
        self._frame: float | None = None  # the show's time of the frame that was polled last
        self._moved = 0.0  # from the ear's time to the show's
        self._heard: list[Heard] = []  # since the frame before was polled first
        self._late: list[Heard] = []  # of it, since it was polled again: the next frame is to hear it too
        self._ear = Ear(arguments)

    def poll(self, controls: Controls) -> None:
        """Sets the signals from what has been heard since the last frame, or takes them off.

        Live, a frame is polled again before its picture is drawn, and the show's time stands still meanwhile.
        """
        again = self._frame == self._clock.time
        if not again:
            self._frame = self._clock.time
            self._moved = self._clock.time - time.perf_counter()
            self._heard, self._late = self._late, []
        self._ear.watch()
        new = False
        while self._ear.lines:
            kind, *values = self._ear.lines.popleft()
            if kind == "heard":
                new = True
                heard = self._understand(values)
                self._heard.append(heard)
                if again:
                    self._late.append(heard)
            else:
                new = False
                self._heard, self._late = [], []  # what came before this line is over
                self._note(controls, kind, values)
        if self._heard:
            publish(controls, self._heard)
        if new:
            self.beat = self._heard[-1].beat

    def close(self) -> None:
        """Stops listening."""
        self._ear.close()

    def _understand(self, values: list[Any]) -> Heard:
        """A line of the ear's, its times moved to the show's."""
        when, level, bass, low, mid, high, onset, estimate = values
        beat = None if estimate is None else BeatEstimate(estimate[0] + self._moved, *estimate[1:])
        return Heard(when + self._moved, level, bass, low, mid, high, onset, beat=beat)

    def _note(self, controls: Controls, kind: str, values: list[Any]) -> None:
        """What is no value: heard of, lost, gone wrong."""
        if kind in ("input", "output"):
            self.name = values[0]
            self._say(f"audio: {self._opened(values)}")
            return
        if kind == "silent":
            self._say(f"audio: {values[0]}")
            return
        was, self.name, self.beat = self.name, "", None
        silence(controls)
        if kind == "lost" and was:
            self._say(f"audio: {was} is lost; the show goes on, and listens again when it is back")
        elif kind in ("error", "missing"):
            self._say(f"audio: {values[0]}")

    @abstractmethod
    def _opened(self, values: list[Any]) -> str:
        """What is told of an input or output that was opened."""

    def _say(self, line: str) -> None:
        """Tells a line, once until another one comes."""
        if line != self._told:
            self._told = line
            self._tell(line)


class Audio(Listener):
    """A source that listens to an input: `default`, `loopback`, a number from 1 or a part of a name.

    Without any input the default is quiet; what was asked for by name is waited for.
    """

    def __init__(self, wanted: str, clock: Clock, tell: Callable[[str], None]) -> None:
        self._wanted = wanted
        self._number = self._count = 0
        super().__init__(clock, tell, lambda: ["input", self._wanted])

    def next_input(self, *_: object) -> None:
        """Listens to the next of the inputs, the first after the last. Raises ValueError where none is known."""
        if not self._count:
            raise ValueError("no input is known yet")
        self._wanted, self.name = str(self._number % self._count + 1), ""  # given up, not lost
        self._ear.begin_anew()

    def _opened(self, values: list[Any]) -> str:
        _, self._number, self._count = values
        return f"listens to {self.name} ({self._number} of {self._count})"


class AudioFile(Listener):
    """A source that plays a file to the default output and dances to it; without an output, silently.

    Where the output was lost, it goes on from where the song would be by then.
    """

    def __init__(self, path: Path, clock: Clock, tell: Callable[[str], None]) -> None:
        self._path = path
        self._began: float | None = None  # when the song did, by perf_counter
        self.ended = False
        """Whether the file has been played to its end."""
        super().__init__(clock, tell, self._arguments)

    def _arguments(self) -> list[str]:
        position = 0.0 if self._began is None else time.perf_counter() - self._began
        return ["file", str(self._path), f"{position:.3f}"]

    def _understand(self, values: list[Any]) -> Heard:
        if self._began is None:
            self._began = values[0]
        return super()._understand(values)

    def _note(self, controls: Controls, kind: str, values: list[Any]) -> None:
        super()._note(controls, kind, values)
        if kind == "end":
            self.ended = True
            self._say(f"audio: {self._path.name} has ended")

    def _opened(self, values: list[Any]) -> str:
        return f"plays {self._path.name} to the {self.name}"


class SongTrack:
    """A source for renders: at show time t it has heard exactly the first t seconds of a file.

    Raises AudioError at once if the file holds no sound.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.beat: BeatEstimate | None = None
        """Where in the beat the music is, by the show's time."""
        self._clock = clock
        self._samples = Samples(blocks(path, SONG_RATE))
        self._samples.fill(1)
        self._analysis = Analysis(SONG_RATE)
        self._taken = 0

    def poll(self, controls: Controls) -> None:
        """Hears the file up to the frame in hand; after its end, takes the signals off."""
        due = round(self._clock.time * SONG_RATE) - self._taken
        samples = self._samples.take(due)
        self._taken += due
        heard = self._analysis.feed(mono(samples))
        if heard:
            publish(controls, heard)
            self.beat = heard[-1].beat
        elif self._samples.ended and due:
            silence(controls)
            self.beat = None

    def close(self) -> None:
        """Holds nothing that needs closing."""
