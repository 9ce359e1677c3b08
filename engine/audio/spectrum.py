"""Windows of sound to spectra, and how much they rise: what onsets and beats are found in.

The window is four hops long. At 48 kHz a hop is 256 samples, 5.3 ms, and the window 21.3 ms, whose middle is 10.7 ms
old: a sound shows in the signals 16 ms after it came at the latest.
"""

import numpy as np
from numpy.typing import NDArray

HOP_SECONDS = 256 / 48000
HOPS_A_WINDOW = 4

# The logarithmic bands that a rise is measured in: narrow enough that a note is not hidden by another.
RISE_BANDS = 40
RISE_LOW_HZ, RISE_HIGH_HZ = 30.0, 16000.0

# Hops back with which a spectrum is compared: with half a window the two share little, and an attack shows whole.
RISE_HOPS = 2

# log(1 + this x amplitude), where 1 is the song's mean: at 20, 30 dB below the mean still bends away from zero.
COMPRESSION = 20.0


def hop_samples(rate_hz: float) -> int:
    """Samples of a hop at this sample rate."""
    return max(1, round(rate_hz * HOP_SECONDS))


class Spectrum:
    """Amplitudes of windows of `HOPS_A_WINDOW` hops at `rate_hz`: a sine of amplitude 1 gives a peak of 1."""

    def __init__(self, rate_hz: float) -> None:
        size = HOPS_A_WINDOW * hop_samples(rate_hz)
        self.bins = size // 2 + 1
        self.bin_hz = rate_hz / size
        window = np.hanning(size + 1)[:size]  # periodic
        self._window = (window * 2 / window.sum()).astype(np.float32)

    def __call__(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Amplitudes (bins,) of samples (size,)."""
        return np.abs(np.fft.rfft(samples * self._window)).astype(np.float32)


class Rise:
    """By how much the spectrum rises within `RISE_HOPS` hops: spectral flux, of log bands, against the song's mean."""

    def __init__(self, bins: int, bin_hz: float) -> None:
        edges = np.geomspace(RISE_LOW_HZ, RISE_HIGH_HZ, RISE_BANDS + 1)
        frequencies = np.arange(bins) * bin_hz
        within = (frequencies >= edges[:-1, None]) & (frequencies < edges[1:, None])  # (bands, bins)
        within = within[within.any(axis=1)]  # the lowest bands are narrower than a bin
        self._weights = (within / np.sqrt(within.sum(axis=1, keepdims=True))).astype(np.float32)
        self._past = [np.zeros(len(within), np.float32)] * RISE_HOPS

    def __call__(self, spectrum: NDArray[np.float32], song_mean: float) -> float:
        """The mean rise over the bands, of amplitudes (bins,); the next hop's each time."""
        scale = COMPRESSION / song_mean if song_mean > 0 else 0.0
        now = np.log1p(scale * (self._weights @ spectrum))
        before, self._past = self._past[0], [*self._past[1:], now]
        return float(np.maximum(now - before, 0).mean())
