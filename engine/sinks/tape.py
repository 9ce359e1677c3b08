"""Sound that runs a little faster or slower, as a tape does, without a seam where its speed changes.

Owns the interpolation: between samples it is that of a band-limited signal, so that nothing of the treble is lost.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS

# Samples that make one of the new, and places between two of the old for which their weights are known: what is off by
# that is 60 dB and more below the sound at 10 kHz. Kaiser's window at 8 falls to nothing over so many.
TAPS, PLACES, KAISER = 32, 1024, 8.0


def _weights() -> NDArray[np.float32]:
    """Weights (PLACES + 1, TAPS) of the samples around each place, the first of which is on a sample."""
    distance = np.arange(TAPS) - (TAPS // 2 - 1) - np.arange(PLACES + 1)[:, None] / PLACES
    window = np.i0(KAISER * np.sqrt(np.clip(1 - (distance / (TAPS / 2)) ** 2, 0, 1))) / np.i0(KAISER)
    return np.asarray(np.sinc(distance) * window, np.float32)


WEIGHTS = _weights()


class Tape:
    """Stereo samples that go in and come out, half of TAPS later."""

    def __init__(self) -> None:
        self._samples = np.zeros((TAPS // 2 - 1, CHANNELS), np.float32)  # before the first
        self._at = 0.0  # place of the next to come out in them, TAPS / 2 - 1 before it

    def run(self, samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
        """What comes out when `samples` (n, 2) have gone in; at `speed` 1.01 there is 1% less of it."""
        whole = np.concatenate([self._samples, samples])
        places = self._at + speed * np.arange(max(0, np.ceil((len(whole) - TAPS + 1 - self._at) / speed)))
        self._at += speed * len(places)
        passed = min(int(self._at), len(whole))
        self._samples, self._at = whole[passed:], self._at - passed
        if not len(places):
            return np.zeros((0, CHANNELS), np.float32)
        if speed == 1 and places[0] == int(places[0]):
            begin = int(places[0]) + TAPS // 2 - 1
            return whole[begin : begin + len(places)]
        before = places.astype(np.intp)
        weights = WEIGHTS[np.rint((places - before) * PLACES).astype(np.intp)]
        return np.einsum("nct,nt->nc", sliding_window_view(whole, TAPS, axis=0)[before], weights)

    def rest(self) -> NDArray[np.float32]:
        """What is still to come when nothing follows."""
        return self.run(np.zeros((TAPS // 2, CHANNELS), np.float32), 1.0)
