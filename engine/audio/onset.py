"""Onsets: where the sound rises by more than it has been rising lately."""

from engine.audio.level import step_share

# Seconds. After an onset the next one waits, as a drum's attack is one thing; sixteenths at 180 bpm are 83 ms apart.
HOLD = 0.08

# Seconds over which the usual rise is averaged: a few beats.
RECENT = 1.5

# An onset rises above the recent mean by this many mean deviations, by the mean itself, so that few of noise's rises
# count, and by this much at least (of log amplitude): a steady tone, whose rises are all alike, has none.
DEVIATIONS, LEAST = 2.5, 0.08


class Onsets:
    """Finds onsets in rises (see `spectrum.Rise`) that come every `step` seconds."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._share = step_share(step, RECENT)
        self._mean = self._deviation = 0.0
        self._since = HOLD
        self._rising = False

    def __call__(self, rise: float) -> bool:
        """Whether an onset begins with this rise. One that goes on rising is still the same."""
        above = rise - self._mean
        was, self._rising = self._rising, above > max(LEAST, DEVIATIONS * self._deviation, self._mean)
        self._since += self._step
        onset = self._rising and not was and self._since >= HOLD
        if onset:
            self._since = 0.0
        self._mean += above * self._share
        self._deviation += (abs(above) - self._deviation) * self._share
        return onset
