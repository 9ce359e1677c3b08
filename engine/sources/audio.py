"""Audio: what an input hears, or a file that is played, as signals; the beat, for the tempo.

Owns the moving of what the ear tells to the show's time, and what is said of inputs that come and go. `poll` takes what
has come and never waits.
"""

import base64
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.audio.analysis import Heard
from engine.audio.beat import BeatEstimate
from engine.audio.sound import SILENCE, Sound
from engine.controls import Controls
from engine.sources.ear_keeper import Ear, Take
from engine.sources.heard import GAIN, Clock, publish, silence


class Listener(ABC):
    """What a live input and a played file have in common: an ear, its lines read each frame, the beat, what is told."""

    def __init__(self, clock: Clock, tell: Callable[[str], None], arguments: Callable[[], list[str]]) -> None:
        self.beat: BeatEstimate | None = None
        """Where in the beat the music is, by the show's time; None while nothing is heard."""
        self.sound: Sound = SILENCE
        """What was heard last, as shaders take it; silence while nothing is heard."""
        self.name = ""
        """What is heard; empty while nothing is."""
        self.ever_heard = False
        """Whether anything has been."""
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
        new, packed = False, ""
        while self._ear.lines:
            kind, *values = self._ear.lines.popleft()
            if kind == "sound":
                (packed,) = values
            elif kind == "heard":
                new = True
                heard = self._understand(values)
                self._heard.append(heard)
                if again:
                    self._late.append(heard)
            else:
                new, packed = False, ""
                self._heard, self._late, self.sound = [], [], SILENCE  # what came before this line is over
                self._note(controls, kind, values)
        if self._heard:
            publish(controls, self._heard)
        if new:
            self.beat = self._heard[-1].beat
        if packed:
            self.sound = Sound.unpacked(base64.b64decode(packed)).trimmed(controls.target(GAIN))

    def listen(self, take: Take) -> None:
        """Gives `take` the samples that are heard from now on, on a thread that is not the show's."""
        self._ear.listen(take)

    def unlisten(self, take: Take) -> None:
        """Gives it no more."""
        self._ear.unlisten(take)

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
            self.name, self.ever_heard = values[0], True
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
