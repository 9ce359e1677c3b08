"""Blocks of sound, each with the time at which it was heard, joined to one sound without seams from a beginning on.

Owns where each block belongs. A block that comes about where the one before ended is joined to it, for a sound system's
times are only nearly right; how far they are off on the whole is made up for by running a little faster or slower. So
is the difference between the clock of the sound and that of the pictures. One that comes elsewhere begins where it
belongs: what lacks before it is silence, what is there already of it is left out.
"""

import statistics
from collections import deque

import av
import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS, SONG_RATE
from engine.sinks.tape import Tape

# Further off than this, seconds, a block does not follow the one before.
TORN = 0.06
# Blocks whose times are looked at, a second of them: the median, for single ones come late.
REMEMBERED = 50
# Off by less than CLOSE, nothing is done; what is more is made up for in CATCH_UP seconds, but by no more than FASTEST,
# which is a sixth of a semitone, and what a screen may differ from the show's rate (`engine.sinks.pacing`).
CLOSE, CATCH_UP, FASTEST = 1e-3, 1.0, 0.012
# A silence shorter than this, seconds, is not told of.
TOLD = 0.02


class Run:
    """Blocks at one rate, one behind the other, the first of which belongs at `start`, in samples at SONG_RATE."""

    def __init__(self, start: float, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.end = start
        """Where the next block's first sample would be."""
        same = rate_hz == SONG_RATE
        self._resampler = None if same else av.AudioResampler(format="flt", layout="stereo", rate=SONG_RATE)
        self._tape = Tape()
        self._off: deque[float] = deque(maxlen=REMEMBERED)

    def follows(self, start: float, rate_hz: int) -> bool:
        """Whether a block that belongs at `start` is the next one."""
        return rate_hz == self.rate_hz and abs(start - self.end) <= TORN * SONG_RATE

    def add(self, start: float, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """Takes the next block (n, 2); returns what is ready of the sound."""
        self._off.append(start - self.end)
        off = statistics.median(self._off) / SONG_RATE
        beyond = off - min(max(off, -CLOSE), CLOSE)
        slower = min(max(beyond / CATCH_UP, -FASTEST), FASTEST)
        length = len(samples) * SONG_RATE / self.rate_hz
        self.end += length * (1 + slower)
        if slower:
            self._off = deque((each - length * slower for each in self._off), REMEMBERED)
        return self._tape.run(self._resampled(samples), 1 / (1 + slower))

    def rest(self) -> NDArray[np.float32]:
        """What is still to come when nothing follows."""
        last = [] if self._resampler is None else [self._tape.run(self._resampled(None), 1.0)]
        return np.concatenate([*last, self._tape.rest()])

    def _resampled(self, samples: NDArray[np.int16] | None) -> NDArray[np.float32]:
        if self._resampler is None:
            assert samples is not None
            return np.asarray(samples / np.float32(32768), np.float32)
        frame = None
        if samples is not None:
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="stereo")
            frame.sample_rate = self.rate_hz
        found = [np.zeros((0, CHANNELS), np.float32)]
        for even in self._resampler.resample(frame):
            found.append(even.to_ndarray().reshape(-1, CHANNELS).astype(np.float32, copy=False))
        return np.concatenate(found)


class JoinedSound:
    """Sound at SONG_RATE, as far as it is known."""

    def __init__(self) -> None:
        self.length = 0
        """Samples that are known."""
        self.silences: list[tuple[int, int]] = []
        """From and up to which sample nothing was heard, longer than TOLD."""
        self._ready: deque[NDArray[np.float32]] = deque()
        self._run: Run | None = None
        self._skip = 0  # of what comes, samples that are there already

    def add(self, at: float, rate_hz: float, samples: NDArray[np.int16]) -> None:
        """A block (n, 2) that belongs `at` seconds from the beginning, which may be before it."""
        start, rate = at * SONG_RATE, round(rate_hz)
        if self._run is not None and not self._run.follows(start, rate):
            self._end_run()
        if self._run is None:
            self._silence(round(start))
            self._skip = self.length - round(start)
            self._run = Run(start, rate)
        self._append(self._run.add(start, samples))

    def silence(self, end: int) -> None:
        """What is not known up to the sample `end` will not come any more."""
        if self.length < end:
            self._end_run()
            self._silence(end)

    def take(self, count: int) -> NDArray[np.float32]:
        """The next (count, 2) of what is known, or fewer."""
        taken = [np.zeros((0, CHANNELS), np.float32)]
        while count and self._ready:
            block = self._ready.popleft()
            if len(block) > count:
                self._ready.appendleft(block[count:])
            taken.append(block[:count])
            count -= len(taken[-1])
        return np.concatenate(taken)

    def _end_run(self) -> None:
        if self._run is not None:
            self._append(self._run.rest())
            self._run = None

    def _append(self, samples: NDArray[np.float32]) -> None:
        new = samples[self._skip :]
        self._skip -= len(samples) - len(new)
        self._ready.append(new)
        self.length += len(new)

    def _silence(self, end: int) -> None:
        """Nothing up to the sample `end`."""
        count = end - self.length
        if count <= 0:
            return
        begin, self._skip = self.length, 0
        self._append(np.zeros((count, CHANNELS), np.float32))
        if self.silences and self.silences[-1][1] == begin:
            self.silences[-1] = self.silences[-1][0], end
        elif count >= TOLD * SONG_RATE:
            self.silences.append((begin, end))
