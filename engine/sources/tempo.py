"""The beat clock: a tempo and a place in the bar, led by hand or by the audio's beat, ticking by the show's time.

Owns where the music is. Beats that pass release what waits for them in the controls. The place shown never runs
backwards: led back, by a late tap or a smaller latency, it waits until the music has caught up, so that no beat comes
twice.
"""

import math
from collections.abc import Callable, Mapping
from typing import Protocol

from engine.controls import Controls
from engine.parameters import TEMPO_SOURCES
from engine.sources.taps import Taps

ORIGIN = "tempo"
# Sums of 1/30 s never meet a beat exactly; closer than this, in beats, is on it.
ON_THE_BEAT = 1e-6
# The tempo of the audio is shown to this many digits, so that its jitter is not sent round as changes.
DIGITS = 1
# As long as nobody leads by hand, the bpm is shown this much above: a number that nobody sends. So it is seen that
# somebody set the bpm, even to what it was, which 120 often is.
NOBODY_S, NOBODY_S_DIGITS = 1e-7, 6

# The audio leads from the first confidence on, and until it falls below the second: between them nothing changes.
# Random strokes reach 0.3 in one hundredth of the time, white noise 0.07. Estimates older than STALE seconds are those
# of an input that is gone.
CONFIDENT, DOUBTFUL = 0.3, 0.15
STALE = 2.0
# Time constant, seconds, with which tempo and phase near the audio's. Of 0.4 to 1 s, on songs of known beats, the
# shorter ones score a little better, the longer ones are smoother. The pull never changes the speed by more than a
# quarter: faster than that is seen as a stumble.
PULL = 0.5
STRONGEST_PULL = 0.25


AUTO, MANUAL, AUDIO = TEMPO_SOURCES


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
        self._source = AUTO
        self._bpm = controls.target("tempo/bpm")
        self._left = controls.parameters["tempo/bpm"].default  # the bpm as last seen here; another was set by somebody
        if self._bpm == self._left:
            self._leave(controls, self._bpm)
        self._tracking = self._met = False  # the audio's beat is followed now; was ever
        self._music = 0.0  # where the music is, in beats
        self._shown = 0.0  # where the show is: the same, moved by the latency, never backwards
        self._begun = -1  # the last beat that has begun
        self._struck = -math.inf  # the show's time at which it did
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

    def state(self) -> dict[str, float]:
        """Where the music is, fit for JSON."""
        return {"bpm": self._bpm, "music": self._music, "first": self._first, "bars": self.bars}

    def restore(self, state: Mapping[str, float], controls: Controls, gone: float) -> None:
        """Goes on from what `state` gave, `gone` seconds ago, with the controls' bpm, whoever set it."""
        self._bpm, self._left = state["bpm"], controls.target("tempo/bpm")
        self._music = self._shown = state["music"] + gone * self._bpm / 60
        self._begun, self._first, self.bars = math.floor(self._shown), int(state["first"]), int(state["bars"])

    def poll(self, controls: Controls) -> None:
        """Moves on to the show's time: begins the beats that have come, and gives the signals."""
        dt = max(self._clock.time - self._time, 0.0)
        self._time += dt
        self._choose_leader(controls)
        self._music += dt * self._bpm / 60
        if self._source == MANUAL:
            self._follow_hand(controls)
        else:
            self._follow_audio(controls, dt)
        self._tapped = False
        self._show(live(controls, "tempo/latency") / 1000 * self._bpm / 60)
        beats_a_bar = round(controls.target("tempo/beats_a_bar"))
        began = self._begin_beats(controls, beats_a_bar)
        phase = self._shown - math.floor(self._shown)
        if began:
            self._struck = self._time
        # All through the frame in which it began: live, that is polled twice.
        controls.signal("tempo/beat", 1.0 if self._struck == self._time else (1 - phase) ** 2)
        controls.signal("tempo/phase", phase)
        controls.signal("tempo/bar", self.position % beats_a_bar / beats_a_bar)

    def close(self) -> None:
        """Nothing to give back."""

    def _tap(self, *_: object) -> None:
        if self._source == AUDIO:
            raise ValueError("the audio leads while tempo/source is audio")
        self._tapped = True
        self._tap_bpm = self._taps.tap(self._clock.time)

    def _begin_bar(self, *_: object) -> None:
        self._resync = True

    def _choose_leader(self, controls: Controls) -> None:
        source = TEMPO_SOURCES[int(controls.target("tempo/source"))]
        was_set = controls.target("tempo/bpm") != self._left
        if source == AUTO and (self._tapped or was_set):  # seen by all, and undone by choosing auto again
            source = MANUAL
            controls.set("tempo/source", TEMPO_SOURCES.index(MANUAL), ORIGIN)
        elif source != self._source and source != MANUAL:
            self._leave(controls, self._bpm)
        self._source = source
        if source == MANUAL or not self._tracking:
            self._bpm = round(live(controls, "tempo/bpm"), NOBODY_S_DIGITS)
            self._left = controls.target("tempo/bpm")

    def _leave(self, controls: Controls, bpm: float) -> None:
        """Shows the tempo as nobody's."""
        controls.set("tempo/bpm", bpm + NOBODY_S, ORIGIN)
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
        shown = round(self._bpm, DIGITS)
        if shown + NOBODY_S != controls.target("tempo/bpm"):
            self._leave(controls, shown)

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
