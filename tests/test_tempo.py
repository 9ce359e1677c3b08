"""The beat clock, held against closed forms: every beat comes once, when it should, whoever leads."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import FixedClock
from engine.controls import Controls
from engine.parameters import PARAMETERS, TEMPO_SOURCES
from engine.routes import Route
from engine.sources.tempo import CONFIDENT, DOUBTFUL, PULL, STALE, Tempo


@dataclass
class HandClock:
    """Show time, set by the test."""

    time: float = 0.0


@dataclass(frozen=True)
class Estimate:
    bpm: float
    phase: float
    confidence: float = 1.0
    time: float = 0.0


class Beats(Controls):
    """Controls that note the beats: (show time, whether it began a bar)."""

    def __init__(self, clock: HandClock | FixedClock, **defaults: float) -> None:
        super().__init__(PARAMETERS, {f"tempo/{name}": value for name, value in defaults.items()}, tell=self.note)
        self.clock = clock
        self.beats: list[tuple[float, bool]] = []
        self.told: list[str] = []

    def beat(self, bar: bool) -> None:
        super().beat(bar)
        self.beats.append((self.clock.time, bar))

    def note(self, line: str) -> None:
        self.told.append(line)


class Stage:
    """A beat clock on a stage of its own: `run` moves show time on, frame by frame."""

    def __init__(self, heard: Callable[[], Estimate | None] = lambda: None, **defaults: float) -> None:
        self.clock = HandClock()
        self.controls = Beats(self.clock, **defaults)
        self.tempo = Tempo(self.controls, self.clock, heard)
        self.frame()

    def frame(self, dt: float = 0.0) -> None:
        self.clock.time += dt
        self.tempo.poll(self.controls)
        self.controls.advance(dt)

    def run(self, seconds: float, rate: int = 100) -> None:
        for _ in range(round(seconds * rate)):
            self.frame(1 / rate)

    def tap(self, *pauses: float) -> None:
        """Taps now, and after each of the pauses."""
        for pause in (0.0, *pauses):
            self.clock.time += pause
            self.controls.command("tempo/tap")
            self.frame()

    @property
    def signals(self) -> dict[str, float]:
        return {key.removeprefix("tempo/"): value for key, value in self.controls.signals.items()}


@pytest.mark.parametrize("rate", [30, 60, 144])
def test_beats_come_on_the_frame_that_is_due_at_any_frame_rate(rate: int) -> None:
    clock = FixedClock(rate)
    controls = Beats(clock)
    tempo = Tempo(controls, clock)
    for _ in range(rate * 20):
        clock.advance()
        tempo.poll(controls)
    assert controls.beats == [(beat / 2, beat % 4 == 0) for beat in range(40)]


def test_ten_hours_bring_neither_a_beat_too_many_nor_one_too_few() -> None:
    clock = FixedClock(4)
    controls = Beats(clock, bpm=131.7)
    tempo = Tempo(controls, clock)
    for _ in range(36_000 * 4):
        clock.advance()
        tempo.poll(controls)
    assert len(controls.beats) == math.floor(clock.time * 131.7 / 60) + 1


def test_a_long_frame_brings_all_of_its_beats() -> None:
    stage = Stage(bpm=300.0, beats_a_bar=1)
    stage.frame(0.25)
    stage.frame(0.25)
    stage.frame(1.0)
    assert [time for time, _ in stage.controls.beats] == [0, 0.25, 0.5, *[1.5] * 5]
    assert stage.tempo.bars == 8


def test_signals_are_those_of_the_formulas() -> None:
    stage = Stage()
    assert stage.signals == {"beat": 1, "phase": 0, "bar": 0}
    stage.frame(0.2)
    assert stage.signals == {"beat": pytest.approx(0.36), "phase": pytest.approx(0.4), "bar": pytest.approx(0.1)}
    stage.frame(0.4)
    assert stage.signals == {"beat": 1, "phase": pytest.approx(0.2), "bar": pytest.approx(0.3)}
    stage.frame(1.5)
    assert stage.signals["bar"] == pytest.approx(0.05)


def test_a_beat_is_there_all_through_its_frame_however_often_that_is_polled() -> None:
    stage = Stage()
    stage.clock.time = 0.0
    for time, beat in ((0.0, True), (0.1, False), (0.5, True)):
        stage.clock.time = time
        found = []
        for _ in range(2):
            stage.tempo.poll(stage.controls)
            found.append(stage.controls.signals["tempo/beat"])
        assert found[0] == found[1] and (found[0] == 1) is beat


def test_a_change_of_tempo_goes_on_from_the_same_place() -> None:
    stage = Stage()
    stage.frame(0.35)
    stage.controls.set("tempo/bpm", 60)
    stage.frame()
    assert stage.signals["phase"] == pytest.approx(0.7)
    stage.frame(0.3)
    assert stage.controls.beats[-1] == (pytest.approx(0.65), False)


def test_the_tempo_can_be_faded_and_routed() -> None:
    stage = Stage()
    stage.controls.fade({"tempo/bpm": 180}, 1)
    stage.run(1)
    # The mean tempo of the fade is 150: 2.5 beats; each frame goes by the tempo it begins with.
    assert stage.tempo.position == pytest.approx(2.5, abs=0.01)
    assert stage.tempo.bpm == pytest.approx(180, rel=0.01)
    stage.controls.route(Route("audio/level", "tempo/bpm", 30 / 280))
    stage.controls.signal("audio/level", 1)
    stage.run(0.02)
    assert stage.tempo.bpm == pytest.approx(210)


def test_the_second_tap_sets_the_tempo_and_the_phase() -> None:
    stage = Stage()
    stage.run(0.13)
    stage.tap()
    assert stage.tempo.bpm == 120
    stage.tap(0.4)
    assert stage.tempo.bpm == stage.controls.target("tempo/bpm") == pytest.approx(150)
    began = stage.clock.time
    stage.run(0.4)
    assert stage.controls.beats[-1][0] == pytest.approx(began + 0.4)


@pytest.mark.parametrize(("place", "beats"), [(0.45, 1), (0.55, 2)])
def test_a_tap_takes_the_nearest_beat_and_none_comes_twice(place: float, beats: int) -> None:
    stage = Stage()
    stage.frame(place / 2)
    shown = stage.tempo.position
    stage.tap()
    assert len(stage.controls.beats) == beats
    assert stage.tempo.position >= shown
    stage.run(0.5)
    assert len(stage.controls.beats) == beats + 1
    assert stage.controls.beats[-1][0] == pytest.approx(place / 2 + 0.5)


def test_a_resync_begins_the_bar_now() -> None:
    stage = Stage()
    stage.controls.set("tempo/quantise", 2)
    stage.frame(0.6)
    done: list[float] = []
    stage.controls.handle("scene/next", lambda: done.append(stage.clock.time))
    stage.controls.command("scene/next")
    stage.controls.command("tempo/resync")
    stage.frame(0.03)
    assert done == [pytest.approx(0.63)]
    assert stage.signals == {"beat": 1, "phase": 0, "bar": 0}
    stage.run(2)
    assert [time for time, bar in stage.controls.beats if bar] == pytest.approx([0, 0.63, 2.63])


def test_beats_are_what_quantised_commands_wait_for() -> None:
    stage = Stage()
    stage.controls.set("tempo/quantise", 1)
    done: list[float] = []
    stage.controls.handle("scene/next", lambda: done.append(stage.clock.time))
    stage.frame(0.1)
    stage.controls.command("scene/next")
    stage.run(1)
    assert done == [pytest.approx(0.5)]


@pytest.mark.parametrize(("latency", "first"), [(100, 0.4), (0, 0.5), (-100, 0.6)])
def test_latency_moves_the_beats(latency: float, first: float) -> None:
    stage = Stage(latency=latency)
    stage.run(2)
    assert [time for time, _ in stage.controls.beats[:4]] == pytest.approx([0, first, first + 0.5, first + 1])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["latency", "bpm", "tap", "resync", "nothing"]),
            st.floats(0, 1),
            st.sampled_from([1 / 144, 1 / 30, 0.25]),
        ),
        max_size=60,
    )
)
def test_whatever_is_played_no_beat_comes_twice_and_nothing_runs_backwards(moves: list) -> None:
    stage = Stage()
    for what, unit, dt in moves:
        before, beats = stage.tempo.position, len(stage.controls.beats)
        if what in ("latency", "bpm"):
            stage.controls.set_unit(f"tempo/{what}", unit)
        elif what != "nothing":
            stage.controls.command(f"tempo/{what}")
        stage.frame(dt)
        came = len(stage.controls.beats) - beats
        if what == "resync":  # the bar's first beat, at once or as much later as the latency says
            assert stage.tempo.position >= 0 or stage.controls.target("tempo/latency") < 0
        else:
            assert stage.tempo.position >= before
            assert came == math.floor(stage.tempo.position) - math.floor(before)


class Tracker:
    """An audio tracker that hears `bpm`, its beats at whole numbers from `start` seconds on."""

    def __init__(self, bpm: float, start: float, confidence: float = 1.0) -> None:
        self.bpm, self.start, self.confidence = bpm, start, confidence
        self.clock = HandClock()
        self.gone: float | None = None

    def __call__(self) -> Estimate:
        time = self.gone if self.gone is not None else max(self.clock.time - 0.02, 0)
        return Estimate(self.bpm, (time - self.start) * self.bpm / 60 % 1, self.confidence, time)


def staged(tracker: Tracker, **defaults: float) -> Stage:
    stage = Stage(lambda: tracker(), **defaults)
    tracker.clock = stage.clock
    return stage


def test_the_audio_leads_at_once_where_it_is_sure_and_the_tempo_is_seen() -> None:
    tracker = Tracker(100, 0.25)
    stage = staged(tracker)
    stage.run(3)
    beats = [time for time, _ in stage.controls.beats if time > 0]
    assert beats == pytest.approx([0.25, 0.85, 1.45, 2.05, 2.65], abs=0.0101)
    assert stage.controls.target("tempo/bpm") == pytest.approx(100)
    assert stage.controls.take_changes() == {"tempo/bpm": "tempo"}
    assert stage.tempo.leader == "audio"


def test_after_the_first_lock_the_phase_is_pulled_smoothly() -> None:
    tracker = Tracker(120, 0)
    stage = staged(tracker)
    stage.run(1)
    tracker.start = -0.05  # the music is a tenth of a beat further on
    stage.run(0.5)
    off = 3.1 - stage.tempo.position
    assert off == pytest.approx(0.1 * math.exp(-0.5 / PULL), rel=1e-3)


def test_the_pull_is_never_more_than_a_quarter_of_the_speed() -> None:
    tracker = Tracker(60, 0)
    stage = staged(tracker)
    stage.run(1)
    tracker.start = 0.4
    for _ in range(300):
        before = stage.tempo.position
        stage.frame(0.01)
        assert 0.0075 - 1e-9 <= stage.tempo.position - before <= 0.0125 + 1e-9


def test_a_new_tempo_of_the_audio_is_neared_in_its_time() -> None:
    tracker = Tracker(120, 0)
    stage = staged(tracker)
    tracker.bpm = 126
    stage.run(1)
    assert stage.tempo.bpm == pytest.approx(126 - 6 * math.exp(-1 / PULL))


def test_confidence_has_hysteresis_and_the_tempo_stays_when_it_is_lost() -> None:
    tracker = Tracker(100, 0.1, confidence=CONFIDENT - 0.01)
    stage = staged(tracker)
    stage.run(1)
    assert (stage.tempo.leader, stage.tempo.bpm) == ("manual", 120)
    tracker.confidence = CONFIDENT
    stage.run(0.1)
    assert (stage.tempo.leader, stage.tempo.bpm) == ("audio", 100)
    tracker.confidence = DOUBTFUL
    stage.run(0.1)
    assert stage.tempo.leader == "audio"
    tracker.confidence, tracker.bpm = DOUBTFUL - 0.01, 77
    place = stage.tempo.position
    stage.run(6)
    assert stage.tempo.leader == "manual"
    assert stage.tempo.position - place == pytest.approx(10)


def test_estimates_of_an_input_that_is_gone_do_not_lead() -> None:
    tracker = Tracker(100, 0)
    stage = staged(tracker)
    stage.run(1)
    tracker.gone = stage.clock.time
    stage.run(STALE - 0.1)
    assert stage.tempo.leader == "audio"
    stage.run(0.2)
    assert stage.tempo.leader == "manual"


@pytest.mark.parametrize("play", ["tap", "set", "fade"])
def test_a_tap_or_a_set_takes_the_lead_from_the_audio_until_auto_is_chosen_again(play: str) -> None:
    stage = staged(Tracker(100, 0))
    stage.run(0.5)
    assert stage.tempo.leader == "audio"
    if play == "tap":
        stage.tap(0.5)
    elif play == "set":
        stage.controls.set("tempo/bpm", 120)
    else:
        stage.controls.fade({"tempo/bpm": 120}, 1)
    stage.run(5)
    assert (stage.tempo.leader, stage.tempo.bpm) == ("manual", pytest.approx(120))
    assert stage.controls.target("tempo/source") == TEMPO_SOURCES.index("manual")
    stage.controls.set("tempo/source", TEMPO_SOURCES.index("auto"))
    stage.run(8)
    assert (stage.tempo.leader, stage.controls.target("tempo/bpm")) == ("audio", pytest.approx(100))


def test_to_set_the_tempo_to_what_it_is_takes_the_lead_too() -> None:
    stage = Stage()
    stage.run(1)
    assert stage.controls.target("tempo/source") == TEMPO_SOURCES.index("auto")
    stage.controls.set("tempo/bpm", 120)
    stage.run(0.1)
    assert stage.controls.target("tempo/source") == TEMPO_SOURCES.index("manual")
    assert stage.tempo.bpm == 120


def test_a_tempo_given_at_the_start_leads() -> None:
    stage = staged(Tracker(100, 0), bpm=128)
    stage.run(1)
    assert (stage.tempo.leader, stage.tempo.bpm) == ("manual", 128)


def test_manual_locks_the_audio_out() -> None:
    stage = staged(Tracker(100, 0), source=1)
    stage.run(1)
    assert (stage.tempo.leader, stage.tempo.bpm) == ("manual", 120)


def test_audio_locks_the_hand_out() -> None:
    stage = staged(Tracker(100, 0), source=2)
    stage.run(1)
    stage.controls.set("tempo/bpm", 90)
    stage.run(0.01)
    assert (stage.tempo.leader, stage.controls.target("tempo/bpm")) == ("audio", pytest.approx(100))
    beats = stage.controls.beats[:]
    stage.tap()
    assert stage.controls.beats == beats
    assert stage.controls.told == ["/dancenet/tempo/tap: the audio leads while tempo/source is audio"]


def test_without_a_beat_the_audio_lock_goes_by_the_tempo_that_is_set() -> None:
    stage = staged(Tracker(100, 0, confidence=0), source=2)
    stage.controls.set("tempo/bpm", 60)
    stage.run(1)
    assert stage.tempo.position == pytest.approx(1)
