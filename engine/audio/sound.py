"""The sound of a moment, as shaders take it: a picture of its waveform and one of its spectrum, in bytes.

Owns what the bytes mean. They follow the Interactive Shader Format's `audio` and `audioFFT` inputs: a row a channel,
the oldest sample or the lowest frequency first, silence at the middle of the waveform and at 0 of the spectrum. Both
are against the song's own loudness, as the signals are, so that a quiet song and a loud one fill them alike.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.level import NOISE_FLOOR, QUIETEST_SONG, rms

# Samples of a waveform and bins of a spectrum: what ISF hosts give, and what its files are written for.
SAMPLES = BINS = 256
# The waveform's byte for silence, and how far a full swing goes from there.
MIDDLE, SWING = 128, 127
FULL = 255

# A sample as large as the song's mean swings a quarter of the way: of the benchmark's songs one in a thousand is 3.4
# times the mean, of drums alone 8, which are cut off.
USUAL_SWING = 0.25

# Where the spectrum is full, of the song's mean, and how far below that it ends, dB: kicks reach the top, and the
# cymbals' bins, 40 dB below, still show.
LOUDEST, RANGE = 2.0, 48.0
# A bin that is over falls from full to nothing in this time, seconds: no drum falls between two frames.
FALL = 0.3

# Bins of the spectrum are this wide, whatever the rate of the sound: 256 of them end at 24 kHz.
BIN_HZ = 24000 / BINS


@dataclass(frozen=True, eq=False)
class Sound:
    """The waveform (channels, SAMPLES) and the spectrum (1, BINS) of a moment; uint8, never written to.

    waveform = 128 + 127 * amplitude, where 1 is four times the song's mean; the spectrum's 0..255 are 48 dB, up to
    twice the song's mean. Two sounds are the same only if they are one object.
    """

    waveform: NDArray[np.uint8]
    spectrum: NDArray[np.uint8]

    def packed(self) -> bytes:
        """All bytes: the waveform's rows, then the spectrum's."""
        return self.waveform.tobytes() + self.spectrum.tobytes()

    @classmethod
    def unpacked(cls, data: bytes) -> "Sound":
        """The sound that was `packed` so. Raises ValueError for a length that none has."""
        rows = np.frombuffer(data, np.uint8).reshape(-1, SAMPLES)
        if len(rows) < 2:
            raise ValueError(f"{len(data)} bytes are no sound: at least {2 * SAMPLES} are")
        return cls(rows[:-1], rows[-1:])

    def trimmed(self, gain: float) -> "Sound":
        """The sound times `gain`, cut off where it is full."""
        if gain == 1:
            return self
        waveform = np.clip(MIDDLE + gain * (self.waveform.astype(np.float32) - MIDDLE), MIDDLE - SWING, FULL)
        return Sound(_bytes(waveform), _bytes(np.minimum(gain * self.spectrum.astype(np.float32), FULL)))


class Waveform:
    """The newest `size` samples of every channel."""

    def __init__(self, size: int) -> None:
        self._newest = np.zeros((size, 1), np.float32)
        edges = np.arange(SAMPLES + 1) * size // SAMPLES
        self._starts = edges[:-1]
        self._counts: NDArray[np.float32] = np.maximum(np.diff(edges), 1).astype(np.float32)

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Takes in samples (n, channels), -1..1; after another number of channels it begins anew."""
        size, channels = len(self._newest), samples.shape[1]
        if channels != self._newest.shape[1]:
            self._newest = np.zeros((size, channels), np.float32)
        samples = samples[-size:]
        self._newest = np.concatenate([self._newest[len(samples) :], samples])

    def image(self, song_mean: float) -> NDArray[np.uint8]:
        """The waveform (channels, SAMPLES), each of its samples the mean of as many as it stands for."""
        if rms(self._newest.ravel()) <= NOISE_FLOOR:
            return _bytes(np.full((self._newest.shape[1], SAMPLES), MIDDLE, np.float32))
        means = np.add.reduceat(self._newest, self._starts).T / self._counts
        swing = means * (USUAL_SWING / max(song_mean, QUIETEST_SONG))
        return _bytes(MIDDLE + SWING * np.clip(swing, -1, 1))


class Bars:
    """The bins of spectra that come every `step` seconds: up at once, down in their own time."""

    def __init__(self, step: float) -> None:
        self._fall = step / FALL
        self._values = np.zeros(BINS, np.float32)

    def feed(self, spectrum: NDArray[np.float32], bin_hz: float, sounds: bool, song_mean: float) -> None:
        """Takes in amplitudes (bins,) of full scale, `bin_hz` apart; where nothing `sounds` all bins fall."""
        self._values = np.maximum(self._values - self._fall, 0)
        if sounds:
            each = round(BIN_HZ / bin_hz)
            spectrum = spectrum[: BINS * each]
            highest = np.maximum.reduceat(spectrum, np.arange(0, len(spectrum), each))
            loudest = LOUDEST * max(song_mean, QUIETEST_SONG)
            levels = 1 + 20 / RANGE * np.log10(np.maximum(highest / loudest, 10 ** (-RANGE / 20)))
            self._values[: len(levels)] = np.clip(levels, self._values[: len(levels)], 1)

    def image(self) -> NDArray[np.uint8]:
        """The spectrum (1, BINS)."""
        return _bytes(FULL * self._values[None])


def _bytes(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The nearest bytes, for good."""
    found = np.rint(values).astype(np.uint8)
    found.setflags(write=False)
    return found


SILENCE = Sound.unpacked(bytes([MIDDLE] * SAMPLES + [0] * BINS))
"""What is heard where nothing is."""
