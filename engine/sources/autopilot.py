"""The autopilot: the next scene every so many bars, or minutes, for as long as nobody touches anything.

Owns when the next change is due. Bars are counted from the one in which it was switched on, and the change falls on
the bar; minutes are the show's.
"""

from collections.abc import Callable
from typing import Protocol

from engine.controls import Controls
from engine.sources.tempo import Clock

MINUTE = 60.0


class Bars(Protocol):
    """A beat clock: the bars begun since the show began."""

    @property
    def bars(self) -> int: ...


class Autopilot:
    """A source that goes on to the next scene, by `go_on`. Polled after the beat clock."""

    def __init__(self, clock: Clock, tempo: Bars, go_on: Callable[[], None]) -> None:
        self._clock = clock
        self._tempo = tempo
        self._go_on = go_on
        self._bars = self._minutes = 0.0
        self._bars_from = 0
        self._minutes_from = 0.0

    def poll(self, controls: Controls) -> None:
        """Goes on if it is time. A change of how often begins the count anew."""
        bars, minutes = controls.target("scene/every_bars"), controls.target("scene/every_minutes")
        if bars != self._bars:
            self._bars, self._bars_from = bars, self._tempo.bars
        if minutes != self._minutes:
            self._minutes, self._minutes_from = minutes, self._clock.time
        if bars > 0 and self._tempo.bars - self._bars_from >= bars:
            self._bars_from = self._tempo.bars
            self._go_on()
        if minutes > 0 and self._clock.time - self._minutes_from >= minutes * MINUTE:
            self._minutes_from += minutes * MINUTE
            controls.command("scene/next")

    def close(self) -> None:
        """Nothing to give back."""
