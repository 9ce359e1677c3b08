"""The beat clock: a tempo and a place in the bar, led by hand or by the audio's beat, ticking by the show's time.

Owns where the music is. Beats that pass release what waits for them in the controls. The place shown never runs
backwards: led back, by a late tap or a smaller latency, it waits until the music has caught up, so that no beat comes
twice.
"""

import math
from collections.abc import Callable
from typing import Protocol

from engine.controls import Controls
from engine.parameters import TEMPO_SOURCES

ORIGIN = "tempo"
# Sums of 1/30 s never meet a beat exactly; closer than this, in beats, is on it.
ON_THE_BEAT = 1e-6
# The tempo of the audio is shown to this many digits, so that its jitter is not sent round as changes.
DIGITS = 1

# Seconds. After a longer pause taps begin anew (30 bpm is the slowest tapped); a shorter one is a bouncing key.
LONGEST_TAP, SHORTEST_TAP = 2.0, 0.1
TAPS = 8
# Taps this far off the usual interval, as a share of it, were missed or doubled and do not count.
STRAY = 0.25

# The audio leads from the first confidence on, and until it falls below the second: between them nothing changes.
# Estimates older than STALE seconds are those of an input that is gone.
CONFIDENT, DOUBTFUL = 0.5, 0.3
STALE = 2.0
# Time constant, seconds, with which tempo and phase near the audio's; a beat tracker's jitter of some 20 ms is not
# seen. The pull never changes the speed by more than a quarter: faster than that is seen as a stumble.
PULL = 1.0
STRONGEST_PULL = 0.25


class Clock(Protocol):
    """Show time, seconds."""

    @property
    def time(self) -> float: ...


class BeatEstimate(Protocol):
    """What a beat tracker heard: at show time `time` the music was at `phase` (0..1) of a beat, at `bpm`."""

    @property
    def bpm(self) -> float: ...

    @property
    def phase(self) -> float: ...

    @property
    def confidence(self) -> float: ...

    @property
    def time(self) -> float: ...


class Taps:
    """The tempo of a hand that taps: the mean interval of the last taps, without strays."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tap(self, time: float) -> float | None:
        """A tap at `time`, seconds; the tempo in bpm, from the second tap on."""
        if self._times and not time - self._times[-1] <= LONGEST_TAP:
            self._times.clear()
        if not self._times or time - self._times[-1] >= SHORTEST_TAP:
            self._times = [*self._times[-(TAPS - 1) :], time]
        intervals = sorted(late - early for early, late in zip(self._times, self._times[1:], strict=False))
        if not intervals:
            return None
        usual = intervals[len(intervals) // 2]
        even = [interval for interval in intervals if abs(interval - usual) <= STRAY * usual]
        return 60 * len(even) / sum(even)


class Tempo:
    """A source that keeps the beat: signals `tempo/beat`, `tempo/phase`, `tempo/bar`, and `controls.beat`.

    Polled after whatever taps and sets. `heard` gives the audio's newest beat estimate, None without one.
    """

    def __init__(
        self, controls: Controls, clock: Clock, heard: Callable[[], BeatEstimate | None] = lambda: None
    ) -> None:
        self._clock = clock
        self._heard = heard
        self._time = clock.time
        self._taps = Taps()
        self._tap_bpm: float | None = None
        self._tapped = self._resync = False
        self._source = TEMPO_SOURCES[0]
        self._by_hand = False
        # The bpm as it was last left; another value was set by somebody.
        self._left = controls.parameters["tempo/bpm"].default
        self._bpm = self._left
        self._tracking = self._met = False  # the audio's beat is followed now; was ever
        self._music = 0.0  # where the music is, in beats
        self._shown = 0.0  # where the show is: the same, moved by the latency, never backwards
        self._begun = -1  # the last beat that has begun
        self._first = 0  # the beat at which the bars begin
        self.bars = 0
        """Bars begun since the show began."""
        controls.handle("tempo/tap", self._tap)
        controls.handle("tempo/resync", self._begin_bar)

    @property
    def bpm(self) -> float:
        """The tempo in force, in beats a minute."""
        return self._bpm

    @property
    def position(self) -> float:
        """Where the show is, in beats since the last resync, or since it began."""
        return self._shown - self._first

    @property
    def leader(self) -> str:
        """Who leads just now: `audio` while its beat is followed, else `manual`."""
        return "audio" if self._tracking else "manual"

    def poll(self, controls: Controls) -> None:
        """Moves on to the show's time: begins the beats that have come, and gives the signals."""
        dt = max(self._clock.time - self._time, 0.0)
        self._time += dt
        self._choose_leader(controls)
        self._music += dt * self._bpm / 60
        if self._by_hand:
            self._follow_hand(controls)
        else:
            self._follow_audio(controls, dt)
        self._tapped = False
        self._show(live(controls, "tempo/latency") / 1000 * self._bpm / 60)
        beats_a_bar = round(controls.target("tempo/beats_a_bar"))
        began = self._begin_beats(controls, beats_a_bar)
        phase = self._shown - math.floor(self._shown)
        controls.signal("tempo/beat", 1.0 if began else (1 - phase) ** 2)
        controls.signal("tempo/phase", phase)
        controls.signal("tempo/bar", self.position % beats_a_bar / beats_a_bar)

    def close(self) -> None:
        """Nothing to give back."""

    def _tap(self, *_: object) -> None:
        if self._source == "audio":
            raise ValueError("the audio leads while tempo/source is audio")
        self._tapped = True
        self._tap_bpm = self._taps.tap(self._clock.time)

    def _begin_bar(self, *_: object) -> None:
        self._resync = True

    def _choose_leader(self, controls: Controls) -> None:
        source = TEMPO_SOURCES[int(controls.target("tempo/source"))]
        if source != self._source:
            self._source, self._by_hand = source, source == "manual"
        was_set = controls.target("tempo/bpm") != self._left
        if source == "auto" and (self._tapped or was_set):
            self._by_hand = True
        if self._by_hand or not self._tracking:
            self._bpm = live(controls, "tempo/bpm")
            self._left = controls.target("tempo/bpm")

    def _follow_hand(self, controls: Controls) -> None:
        self._tracking = False
        if not self._tapped:
            return
        self._music = float(round(self._music))
        if self._tap_bpm is not None:
            controls.set("tempo/bpm", self._tap_bpm, ORIGIN)
            self._bpm = self._left = controls.target("tempo/bpm")

    def _follow_audio(self, controls: Controls, dt: float) -> None:
        """Nears the audio's tempo and phase; without its beat the tempo stays as it was."""
        heard = self._heard()
        fresh = heard is not None and self._time - heard.time <= STALE
        needed = DOUBTFUL if self._tracking else CONFIDENT
        self._tracking = fresh and heard is not None and heard.confidence >= needed
        if not self._tracking or heard is None:
            return
        place = heard.phase + (self._time - heard.time) * heard.bpm / 60
        off = (place - self._music + 0.5) % 1 - 0.5
        if self._met:
            share = -math.expm1(-dt / PULL)
            strongest = STRONGEST_PULL * dt * self._bpm / 60
            self._music += min(max(off * share, -strongest), strongest)
            self._bpm += (heard.bpm - self._bpm) * share
        else:
            self._met = True
            self._music += off % 1  # onwards, for the show would only wait for a step back
            self._bpm = heard.bpm
        if round(self._bpm, DIGITS) != controls.target("tempo/bpm"):
            controls.set("tempo/bpm", round(self._bpm, DIGITS), ORIGIN)
        self._left = controls.target("tempo/bpm")

    def _show(self, ahead: float) -> None:
        """Shows the music's place, `ahead` by so many beats; begins a bar there if one was asked for."""
        self._shown = max(self._shown, self._music + ahead)
        if self._resync:
            self._resync = False
            self._first = max(self._begun + 1, math.ceil(self._shown))
            self._music = float(self._first)
            self._shown = max(self._shown, self._music + ahead)
        nearest = round(self._shown)
        if abs(self._shown - nearest) < ON_THE_BEAT:
            self._shown = float(nearest)

    def _begin_beats(self, controls: Controls, beats_a_bar: int) -> bool:
        """Begins every beat up to the place shown; tells whether there was one."""
        began = False
        while self._begun < math.floor(self._shown):
            self._begun += 1
            bar = (self._begun - self._first) % beats_a_bar == 0
            self.bars += bar
            controls.beat(bar)
            began = True
        return began


def live(controls: Controls, key: str) -> float:
    """A parameter's value now: its target, and what routes added in the frame before."""
    parameter = controls.parameters[key]
    return min(max(controls.target(key) + controls.modulation(key), parameter.low), parameter.high)
