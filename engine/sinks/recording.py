"""One file of a live show: its pictures and what it heard, encoded and written on a thread of its own.

Owns the file, the thread, and the frames that wait for it, which take no more memory than MOST_BYTES. What does not fit
there is dropped, and counted; the frame before then lasts longer, so that time stays true. Until it ends the file is in
fragments: whatever ends it, a full disk or a crash, it plays up to there, but for the last second.
"""

import queue
import threading
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import SONG_RATE
from engine.sinks.film import ERRORS, Film
from engine.sinks.fragments import cut, frames_in, put_in_order
from engine.sinks.recorder import reason
from engine.sinks.recording_sound import RecordingSound

# Frames that wait for a slow disk or processor: 2 s at 1280x720 and 30 frames a second, 1 s at 1920x1080.
MOST_BYTES = 256 * 2**20
# However large they are, so many may wait: one to be filled while the other is encoded.
LEAST_FRAMES = 2

# Places told where frames were dropped, or nothing was heard; the rest is counted.
MOST_TOLD = 8


@dataclass(frozen=True)
class Shown:
    """A frame that waits: `pixels` (height, width, 4) uint8, the bottom row first, on the screen from `period` on.

    By `perf_counter`, the recording's beginning was at `zero`.
    """

    pixels: NDArray[np.uint8]
    period: int
    zero: float


class Recording:
    """Records into a new file at `path`, whose periods are those of `rate` frames a second.

    Its size is that of the first frame, made even; pictures of another size are fitted into it. Without a `sound` it
    is mute.
    """

    def __init__(
        self, path: Path, rate: Fraction, size: tuple[int, int] | None = None, sound: RecordingSound | None = None
    ) -> None:
        self.path = path
        self.shown = 0
        """Frames that were to be recorded."""
        self.periods = 0
        """How long it is so far."""
        self.dropped: list[tuple[int, int]] = []
        """The periods of frames that found no room, from and up to."""
        self.written = 0
        """Frames encoded so far; once the thread is done, frames in the file."""
        self._rate = rate
        self._size = size
        self._sound = sound
        self._made = False
        self._packets = 0
        self._waiting: queue.SimpleQueue[Shown | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[NDArray[np.uint8]] = queue.SimpleQueue()
        self._held = 0
        self._ended = False
        self._hurried = False
        self._failure = ""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether it can go on no more."""
        return bool(self._failure) or not (self._ended or self._thread.is_alive())

    @property
    def lost(self) -> int:
        """Frames so far that found no room."""
        return sum(end - begin for begin, end in self.dropped)

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """An array of so many bytes for a frame's pixels, to be given to `add`; None where too many wait."""
        while True:
            try:
                pixels = self._free.get_nowait()
            except queue.Empty:
                break
            if pixels.nbytes == nbytes:
                return pixels
            self._held -= pixels.nbytes
        if self._held + nbytes > max(MOST_BYTES, LEAST_FRAMES * nbytes):
            return None
        try:
            pixels = np.empty(nbytes, np.uint8)
        except MemoryError:
            return None
        self._held += nbytes
        return pixels

    def add(self, pixels: NDArray[np.uint8], size: tuple[int, int], period: int, zero: float = 0.0) -> None:
        """Records a frame of `size` (width, height): RGBA, bottom row first, as `room` gave the array for it.

        What was heard at `zero`, by `perf_counter`, belongs to the recording's beginning.
        """
        self._count(period)
        self._waiting.put(Shown(pixels.reshape(size[1], size[0], 4), period, zero))

    def drop(self, period: int) -> None:
        """Leaves out a frame."""
        self._count(period)
        if self.dropped and self.dropped[-1][1] == period:
            self.dropped[-1] = self.dropped[-1][0], period + 1
        else:
            self.dropped.append((period, period + 1))

    def end(self) -> None:
        """No frame follows. The file is whole once the thread has written what waits."""
        if not self._ended:
            self._ended = True
            self._waiting.put(None)

    def wait(self, seconds: float) -> bool:
        """Waits for the thread; tells whether it is done."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def deafen(self) -> None:
        """Has it hear no more; what it heard is kept."""
        if self._sound:
            self._sound.close()

    def hurry(self) -> None:
        """Has the file end as it is: what waits is left out."""
        self._hurried = True

    def outcome(self) -> str:
        """What became of it, a line, once the thread is done."""
        lost = self.shown - self.written
        length = minutes(self.periods / self._rate)
        if self._failure:
            kept = f"it ends at {length} with {self.written} frames, {lost} lost" if self.written else "nothing is kept"
            return f"recording {self.path}: {self._failure}; {kept}; the show goes on"
        rate = float(self._rate)
        where = f": {spans((begin / rate, end / rate) for begin, end in self.dropped)}" if self.dropped else ""
        frames = f"{self.written} frames, {lost or 'none'} dropped{where}"
        return f"recorded {self.path}: {length}, {frames}{self._unheard()}"

    def _count(self, period: int) -> None:
        self.shown += 1
        self.periods = period + 1

    def _run(self) -> None:
        """The thread."""
        try:
            self._record()
            if self._made:
                with suppress(*ERRORS):  # no room for a second file: it plays as it is
                    put_in_order(self.path, self._packets, lambda: self._hurried)
        except ERRORS as error:
            if self._made:
                self.written = 0
                with suppress(*ERRORS):
                    self.written = frames_in(self.path) if cut(self.path) else 0
            self._failure = reason(error)

    def _record(self) -> None:
        """Writes frame after frame, until there is none."""
        shown = self._waiting.get()
        if shown is None:
            return
        film = Film(self.path, self._rate, self._sound)
        self._made = True  # and never over another
        with closing(film):
            height, width = shown.pixels.shape[:2]
            film.begin(self._size or (width, height))
            while shown is not None and not self._hurried:
                frame = film.frame(shown.pixels[::-1])
                self._free.put(shown.pixels.reshape(-1))
                film.write(frame, shown.period, shown.zero)
                self.written = film.written
                shown = self._waiting.get()
            film.end(patient=not self._hurried)
            self.written, self._packets = film.written, film.packets

    def _unheard(self) -> str:
        """Where there is nothing to be heard, though it was listened for."""
        silences = self._sound.silences if self._sound else []
        if not silences:
            return ""
        whole = silences[0][0] == 0 and silences[0][1] >= self.periods / self._rate - 1 / SONG_RATE
        return "; nothing was heard" + ("" if whole else f": {spans(silences)}")


def spans(of: Iterable[tuple[float, float]]) -> str:
    """Lengths of time, the first of them, and how many more there are."""
    told = [f"{begin:.2f} to {end:.2f} s" for begin, end in of]
    more = len(told) - MOST_TOLD
    return ", ".join([*told[:MOST_TOLD], *([f"and {more} times more"] if more > 0 else [])])


def minutes(seconds: Fraction | float) -> str:
    """A length of time as people write it: 0:12."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
