"""What the ear tells of the sound it hears, line by line; the samples themselves only while they are asked for.

Owns the lines' form, which `engine.audio.ear` lists, and the last tenth of a second of samples: whoever asks for them
gets what came while the asking was under way.
"""

import base64
import json
import sys
import threading
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.audio.analysis import Analysis, Heard, sane
from engine.audio.decode import CHANNELS

# Written to the ear's input: the samples themselves are wanted, and no more of them.
SAMPLES, ENOUGH = b"samples\n", b"enough\n"

# Seconds of sound from one picture of it to the next: one a frame at 60 frames a second, 63 kB a second of stereo.
SOUND_SECONDS = 0.016
# Seconds of samples in a line: 50 lines a second, 256 kB of stereo at 48 kHz. And seconds of them that are remembered.
SAMPLES_SECONDS, REMEMBERED = 0.02, 0.1
# A block's time is off by 10 ms and more where a sound system hands blocks over in lumps, and by 80 ms where the
# processor was busy elsewhere: it comes late, never early. So the earliest of so many counts, half a second at 48 kHz.
STEADY = 94
# One that is later than this, seconds, is late because samples were lost.
LOST = 0.25


def write(*line: Any) -> None:
    """Writes one line, at once."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def write_heard(heard: Heard, began: float) -> None:
    """Writes what was heard; `began` is the time, by `perf_counter`, of the analysis' first sample."""
    beat = heard.beat
    estimate = None if beat is None else [began + beat.time, beat.bpm, beat.phase, beat.confidence]
    values = (heard.level, heard.bass, heard.low, heard.mid, heard.high, heard.onset)
    write("heard", began + heard.time, *(round(value, 4) for value in values), estimate)


class Telling:
    """Hears blocks of sound at `rate_hz`, and writes what they told; the samples too while `asked` is set."""

    def __init__(self, rate_hz: float, asked: threading.Event) -> None:
        self.fed = 0
        """Samples that were heard."""
        self._rate = rate_hz
        self._analysis = Analysis(rate_hz)
        self._told = 0
        self._asked = asked
        self._samples: deque[NDArray[np.float32]] = deque()
        self._held = 0  # samples in it
        self._last = 0  # samples up to its last
        self._starts: deque[float] = deque(maxlen=STEADY)  # when the first of all was, by each block's time

    def hear(self, block: NDArray[np.float32], began: float) -> None:
        """Hears samples (n, channels), the first of which was at `began`, by `perf_counter`."""
        block = sane(block)
        start = began - self.fed / self._rate
        self.fed += len(block)
        for values in self._analysis.feed(block):
            write_heard(values, start)
        if self.fed - self._told >= SOUND_SECONDS * self._rate:
            self._told = self.fed
            write("sound", base64.b64encode(self._analysis.sound().packed()).decode())
        self._hold(block, start)

    def _hold(self, block: NDArray[np.float32], start: float) -> None:
        """Keeps the block for a line of samples, and writes that when it is long enough."""
        if self._starts and start - min(self._starts) > LOST:
            self._write_samples()
            self._starts.clear()
        self._starts.append(start)
        self._samples.append(block)
        self._held += len(block)
        self._last += len(block)
        if self._asked.is_set():
            if self._held >= SAMPLES_SECONDS * self._rate:
                self._write_samples()
        else:
            while self._held > REMEMBERED * self._rate:
                self._held -= len(self._samples.popleft())

    def _write_samples(self) -> None:
        """Writes what is held, if it is asked for, as stereo of 16 bits."""
        blocks = [*self._samples]
        self._samples.clear()
        self._held = 0
        if blocks and self._asked.is_set():
            whole = np.clip(np.concatenate(blocks) * 32768, -32768, 32767)
            began = min(self._starts) + (self._last - len(whole)) / self._rate
            stereo = np.broadcast_to(np.rint(whole).astype("<i2"), (len(whole), CHANNELS))
            write("samples", began, self._rate, base64.b64encode(stereo.tobytes()).decode())
