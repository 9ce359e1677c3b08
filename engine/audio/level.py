"""Loudness: the level of the sound, by a gain that makes a quiet song and a loud one behave alike.

Owns the gate: what is below the noise floor is silence, and silence stays silent however long it lasts.
"""

import math

import numpy as np
from numpy.typing import NDArray

# Root mean squares of full scale. A microphone's own noise and a sound card's hum lie below -60 dB; a song that
# averages -52 dB is the quietest that is brought up to be like the others.
NOISE_FLOOR = 10 ** (-60 / 20)
QUIETEST_SONG = 10 ** (-52 / 20)

# Seconds of sound over which a song's loudness is averaged: long against a bar, short against a song.
LONG = 4.0

# A sound as loud as its song's average shows as this, so that what is twice as loud fills the range.
USUAL = 0.5


def rms(samples: NDArray[np.float32]) -> float:
    """Root mean square of samples (n,); 0 of none."""
    return math.sqrt(float(np.dot(samples, samples)) / len(samples)) if len(samples) else 0.0


def step_share(seconds: float, tau: float) -> float:
    """How much of the way a value with time constant `tau` goes in `seconds`."""
    return -math.expm1(-seconds / tau)


class LongMean:
    """The average amplitude of what sounds, over `LONG` seconds; of all that has sounded until that much has.

    Silence is left out: the pause between two songs tells nothing of how loud the next one is.
    """

    def __init__(self, step: float) -> None:
        self.value = 0.0
        """Of full scale; 0 until something sounds."""
        self._least = step_share(step, LONG)
        self._steps = 0

    def add(self, amplitude: float) -> None:
        """One more step of sound."""
        self._steps += 1
        self.value += (amplitude - self.value) * max(self._least, 1 / self._steps)


class AutomaticGain:
    """Amplitudes of full scale, a step of `step` seconds each, to 0..1 with `USUAL` at their long mean.

    No mean below `lowest` is brought up.
    """

    def __init__(self, step: float) -> None:
        self._mean = LongMean(step)

    @property
    def mean(self) -> float:
        """The long mean, of full scale."""
        return self._mean.value

    def __call__(self, amplitude: float, sounds: bool = True, lowest: float = QUIETEST_SONG) -> float:
        """The amplitude against its long mean, 0..1; 0 where nothing `sounds`."""
        if not sounds:
            return 0.0
        self._mean.add(amplitude)
        return min(1.0, USUAL * amplitude / max(self._mean.value, lowest))


class Follower:
    """Follows a value with one time constant upwards and another downwards, seconds, whatever the step."""

    def __init__(self, step: float, attack: float, release: float) -> None:
        self.value = 0.0
        self._up, self._down = step_share(step, attack), step_share(step, release)

    def __call__(self, value: float) -> float:
        """Moves on by one step towards `value`; returns where it is."""
        self.value += (value - self.value) * (self._up if value > self.value else self._down)
        return self.value
