"""Four slow waves that move parameters: in time, or in beats, locked to the beat clock.

Owns how far each has turned. An LFO in time keeps its place when its rate changes; one in beats is where the beat
clock says, so that a resync starts it anew. The random shape is the same in every show: its values are drawn by the
LFO's number and the period's.
"""

import functools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from engine.controls import Controls
from engine.noise import philox
from engine.parameters import LFOS, SHAPES
from engine.sources.tempo import Clock, live

# The counter's last word, beside engine.noise's own uses.
FOR_LFOS = 3


class Beats(Protocol):
    """A beat clock: where the show is, in beats since the last resync."""

    @property
    def position(self) -> float: ...


def shaped(shape: str, turns: float, number: int) -> float:
    """The LFO `number` after `turns` periods, 0..1. All but square and random begin at 0."""
    phase = turns - math.floor(turns)
    if shape == "sine":
        return 0.5 - 0.5 * math.cos(2 * math.pi * phase)
    if shape == "triangle":
        return 1 - abs(2 * phase - 1)
    if shape == "saw":
        return phase
    if shape == "square":
        return 1.0 if phase < 0.5 else 0.0
    return drawn(number, math.floor(turns))


@functools.lru_cache(maxsize=16)  # Philox by numpy takes 0.1 ms: once a period, not once a frame
def drawn(number: int, period: int) -> float:
    """The value of the random LFO `number` in its period, [0, 1)."""
    counter = np.array([period & 0xFFFFFFFF, period >> 32 & 0xFFFFFFFF, 0, FOR_LFOS], np.uint64)
    return int(philox(np.array([number, 0], np.uint64), counter)[0]) / 2**32


class Lfos:
    """A source of the signals `lfo/1` and up. Polled after the beat clock."""

    def __init__(self, clock: Clock, beats: Beats) -> None:
        self._clock = clock
        self._beats = beats
        self._time = clock.time
        self._turns = dict.fromkeys(LFOS, 0.0)

    def state(self) -> list[float]:
        """How far each has turned."""
        return list(self._turns.values())

    def restore(self, turns: Sequence[float]) -> None:
        """Goes on from what `state` gave."""
        self._turns = dict(zip(LFOS, turns, strict=True))

    def poll(self, controls: Controls) -> None:
        """Moves every LFO on to the show's time."""
        dt = max(self._clock.time - self._time, 0.0)
        self._time += dt
        for number in LFOS:
            period = live(controls, f"lfo/{number}_beats")
            if period > 0:
                self._turns[number] = self._beats.position / period
            else:
                self._turns[number] += dt * live(controls, f"lfo/{number}_rate")
            shape = SHAPES[int(controls.target(f"lfo/{number}_shape"))]
            controls.signal(f"lfo/{number}", shaped(shape, self._turns[number], number))

    def close(self) -> None:
        """Nothing to give back."""
