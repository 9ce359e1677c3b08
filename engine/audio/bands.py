"""Four bands, bass to high, each by its own automatic gain: hi-hats count in their band as the kick does in its own."""

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from engine.audio.level import QUIETEST_SONG, AutomaticGain, Follower

# Names and lower edges, Hz: the usual split of kick and bass, body, voice and snare, cymbals.
BANDS = {"bass": 20.0, "low": 200.0, "mid": 1000.0, "high": 4000.0}

# Seconds. Up within one step, so that light is on the kick; down slowly enough not to flicker between two frames.
ATTACK, RELEASE = 0.002, 0.05

# A band that holds less than this of a song's loudness is empty: what leaks into it from its neighbour is not brought
# up. A kick's leak is 0.03 at most; of the benchmark's songs no band holds less than 0.4.
EMPTY = 0.05


class Bands:
    """The bands of spectra whose bins are `bin_hz` apart, one spectrum every `step` seconds."""

    def __init__(self, step: float, bins: int, bin_hz: float) -> None:
        frequencies = np.arange(bins) * bin_hz
        edges = [*BANDS.values(), math.inf]
        self._slices = [
            slice(int(np.searchsorted(frequencies, low)), int(np.searchsorted(frequencies, high)))
            for low, high in itertools.pairwise(edges)
        ]
        self._gains = [AutomaticGain(step) for _ in BANDS]
        self._followers = [Follower(step, ATTACK, RELEASE) for _ in BANDS]

    def __call__(
        self, spectrum: NDArray[np.float32], sounds: bool, song_mean: float
    ) -> tuple[float, float, float, float]:
        """Bass, low, mid and high, 0..1, from amplitudes (bins,) of full scale.

        `song_mean` is the song's long mean; where nothing `sounds` they fall to 0.
        """
        power = spectrum * spectrum
        lowest = max(EMPTY * song_mean, EMPTY * QUIETEST_SONG)
        bass, low, mid, high = (
            follower(gain(math.sqrt(float(power[part].sum())), sounds, lowest))
            for part, gain, follower in zip(self._slices, self._gains, self._followers, strict=True)
        )
        return bass, low, mid, high
