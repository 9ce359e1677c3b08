"""Tempo and beat, causally: a belief over every tempo and every place in the beat, moved on by each rise of the sound.

Owns the belief. A state is a tempo, as a whole number of steps a beat, and how many steps ago the beat was. Each step
all states move on by one; at a beat the tempo may change a little; then each is weighed by how well the rise fits it:
rises belong on beats. The most believed state says where in the beat the music is. This is the forward pass of the
hidden Markov model for metre of Whiteley, Cemgil and Godsill (2006), with the states of Krebs, Böck and Widmer (2015).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.level import step_share

# Beats a minute that are told apart; what is faster or slower is heard at half or double, as people hear it. From 99
# up, where most music to dance to is, its double is out of range, so that loud eighths cannot pass for beats.
SLOWEST_BPM, FASTEST_BPM = 55.0, 198.0

# How likely a tempo is before anything is heard: people's preferred tempo, and octaves of deviation. Wide, so that the
# sound decides wherever it can.
USUAL_BPM, OCTAVES = 130.0, 1.0

# How unlikely a change of tempo by a factor r is at a beat: exp(-STEADINESS |r - 1|).
STEADINESS = 100.0

# A rise is expected within this of the beat, seconds of deviation: a band of people is that exact.
SHARPNESS = 0.03

# Rises also come halfway between beats, this much less than on them: music has eighths.
HALFWAY = 0.3

# How much one rise tells, natural logarithm a deviation. Less and it takes more beats to be sure, more and a single
# fill throws the belief over.
WEIGHT = 0.3

# Rises are told as deviations from their mean over this long, seconds, and no single one counts for more than this.
RECENT, MOST_DEVIATIONS = 4.0, 4.0

# Rises whose mean deviation is below this (of log amplitude) are those of steady sound, and tell nothing.
LEAST_DEVIATION = 0.01

# Seconds in which the belief would fade to what it was at first. So a confidence ends with the music, and a new tempo
# is found within seconds.
MEMORY = 10.0

# States within this share of a tempo, and of a beat, are the same beat: confidence is how much is believed of them.
SAME_TEMPO, SAME_PHASE = 0.04, 0.125

# Seconds over which the tempo told is averaged: the states' steps are wider than a musician's tempo wavers.
TEMPO_AVERAGE = 2.0


# A beat comes no sooner than this share of a beat after the last one: the belief may have leapt.
LEAST_APART = 0.6


@dataclass(frozen=True)
class BeatEstimate:
    """Where in the beat the music is: at `time` (seconds) `phase` (0..1) of a beat at `bpm`; `confidence` is 0..1."""

    time: float
    bpm: float
    phase: float
    confidence: float


class BeatTracker:
    """Follows the beat in rises (see `spectrum.Rise`) that come every `step` seconds."""

    def __init__(self, step: float) -> None:
        self._step = step
        lengths = np.arange(np.ceil(60 / FASTEST_BPM / step), np.floor(60 / SLOWEST_BPM / step) + 1)  # steps a beat
        counts = lengths.astype(int)
        self._ends = np.cumsum(counts) - 1  # the last state of each tempo
        self._starts = self._ends - counts + 1
        of_state = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(of_state)) - self._starts[of_state]  # steps since the beat
        self._lengths = lengths[of_state]  # (states,)
        self._phases = place / self._lengths
        self._circle = np.exp(2j * np.pi * self._phases)
        ratios = lengths / lengths[:, None]
        changes = np.exp(-STEADINESS * np.abs(ratios - 1))
        self._changes = changes / changes.sum(axis=1, keepdims=True)  # (tempo before, tempo after)
        bpm = 60 / step / lengths
        prior = np.exp(-0.5 * (np.log2(bpm / USUAL_BPM) / OCTAVES) ** 2) / lengths
        self._prior = (prior / (prior * lengths).sum())[of_state]
        self._belief = self._prior.copy()
        # What a rise says of each state: more than the tempo's mean near the beat, less far from it.
        near = self._nearness(0.0) + HALFWAY * self._nearness(0.5)
        means = np.add.reduceat(near, self._starts) / lengths
        self._fit = WEIGHT * (near - means[of_state])
        self._forgotten = step_share(step, MEMORY)
        self._scale = Deviations(step)
        self._averaging = step_share(step, TEMPO_AVERAGE)
        self._bpm = 0.0

    def __call__(self, rise: float, time: float) -> BeatEstimate:
        """Moves on by one step, to the rise that `time` is the time of; returns what is believed then."""
        self._move(self._scale(rise))
        return self._read(int(self._belief.argmax()), time)

    def _nearness(self, phase: float) -> NDArray[np.float64]:
        """How near each state (states,) is to `phase`, 0..1."""
        apart = np.abs(self._phases - phase)
        seconds = np.minimum(apart, 1 - apart) * self._lengths * self._step
        return np.exp(-0.5 * (seconds / SHARPNESS) ** 2)

    def _move(self, deviations: float) -> None:
        belief = np.empty_like(self._belief)
        belief[1:] = self._belief[:-1]
        belief[self._starts] = self._belief[self._ends] @ self._changes
        belief *= np.exp(deviations * self._fit)
        belief *= (1 - self._forgotten) / belief.sum()
        belief += self._forgotten * self._prior
        self._belief = belief

    def _read(self, best: int, time: float) -> BeatEstimate:
        """What is believed around the state `best`, averaged, for the states' own grid is coarse."""
        longest, shortest = self._lengths[best] * (1 + SAME_TEMPO), self._lengths[best] / (1 + SAME_TEMPO)
        around = slice(*np.searchsorted(self._lengths, (shortest, np.nextafter(longest, np.inf))))
        turned = self._circle[around] * np.conj(self._circle[best])
        belief = np.where(turned.real >= math.cos(2 * math.pi * SAME_PHASE), self._belief[around], 0)
        confidence = float(belief.sum())
        lean = float(np.angle(belief @ turned)) / (2 * math.pi)
        length = float(belief @ self._lengths[around]) / confidence
        bpm = 60 / self._step / length
        if abs(bpm - self._bpm) > SAME_TEMPO * bpm:  # another tempo, or the first
            self._bpm = bpm
        self._bpm += (bpm - self._bpm) * self._averaging
        return BeatEstimate(time, self._bpm, float((self._phases[best] + lean) % 1), confidence)


class Beats:
    """Tells single beats from estimates: each once, even where the belief goes back and forth around it."""

    def __init__(self) -> None:
        self._phase = 0.0
        self._last = -math.inf

    def __call__(self, estimate: BeatEstimate) -> float | None:
        """The time of the beat that has come since the estimate before; None if none has."""
        before, self._phase = self._phase, estimate.phase
        period = 60 / estimate.bpm
        time = estimate.time - estimate.phase * period
        if not estimate.phase < 0.5 <= before or time - self._last < LEAST_APART * period:
            return None
        self._last = time
        return time


class Deviations:
    """Rises as deviations from their own mean, so that a song of hard attacks and one of soft ones weigh alike."""

    def __init__(self, step: float) -> None:
        self._share = step_share(step, RECENT)
        self._mean = self._square = 0.0
        self._steps = 0

    def __call__(self, rise: float) -> float:
        """This rise, in standard deviations, -1..`MOST_DEVIATIONS`; 0 while nothing rises."""
        self._steps += 1
        share = max(self._share, 1 / self._steps)
        above = rise - self._mean
        self._mean += above * share
        self._square += (above * above - self._square) * share
        deviation = self._square**0.5
        if deviation < LEAST_DEVIATION:
            return 0.0
        return min(max((rise - self._mean) / deviation, -1.0), MOST_DEVIATIONS)
