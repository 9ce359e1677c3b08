"""LFOs: the shapes of the formulas, in time and in beats."""

from dataclasses import dataclass

import pytest

from engine.controls import Controls
from engine.parameters import LFOS, PARAMETERS, SHAPES
from engine.routes import Route
from engine.sources.lfo import Lfos, drawn, shaped
from engine.sources.tempo import Tempo


@dataclass
class HandClock:
    time: float = 0.0


class Stage:
    """LFOs and the beat clock they are locked to."""

    def __init__(self, **defaults: float) -> None:
        self.clock = HandClock()
        self.controls = Controls(PARAMETERS, {f"lfo/{name}": value for name, value in defaults.items()})
        self.tempo = Tempo(self.controls, self.clock)
        self.lfos = Lfos(self.clock, self.tempo)
        self.run(0)

    def run(self, seconds: float) -> float:
        """Moves show time on in one frame; returns LFO 1."""
        self.clock.time += seconds
        self.tempo.poll(self.controls)
        self.lfos.poll(self.controls)
        self.controls.advance(seconds)
        return self.controls.signals["lfo/1"]


@pytest.mark.parametrize(
    ("shape", "values"),
    [
        ("sine", [0, 0.5, 1, 0.5]),
        ("triangle", [0, 0.5, 1, 0.5]),
        ("saw", [0, 0.25, 0.5, 0.75]),
        ("square", [1, 1, 0, 0]),
    ],
)
def test_a_shape_is_that_of_the_formula(shape: str, values: list[float]) -> None:
    for turn in (0, 7, -3):
        assert [shaped(shape, turn + place / 4, 1) for place in range(4)] == pytest.approx(values)
    stage = Stage(**{"1_rate": 0.5, "1_shape": SHAPES.index(shape)})
    assert [stage.run(0.5) for _ in range(4)] == pytest.approx([*values[1:], values[0]])


def test_random_holds_a_value_for_a_period_and_is_the_same_in_every_show() -> None:
    assert drawn(1, 0) == 0x695407F3 / 2**32
    values = [shaped("random", turn + 0.99, 2) for turn in range(-2, 1000)]
    assert values == [shaped("random", turn, 2) for turn in range(-2, 1000)]
    assert len(set(values)) == len(values)
    assert sum(values) / len(values) == pytest.approx(0.5, abs=0.03)  # 3 standard errors
    assert all(0 <= value < 1 for value in values)
    assert len({drawn(number, 5) for number in LFOS}) == len(LFOS)


def test_a_change_of_rate_keeps_the_place() -> None:
    stage = Stage(**{"1_rate": 0.5, "1_shape": SHAPES.index("saw")})
    assert stage.run(0.5) == pytest.approx(0.25)
    stage.controls.set("lfo/1_rate", 2)
    assert stage.run(0) == pytest.approx(0.25)
    assert stage.run(0.25) == pytest.approx(0.75)


def test_a_rate_can_be_routed() -> None:
    stage = Stage(**{"1_rate": 0.0, "1_shape": SHAPES.index("saw")})
    stage.controls.route(Route("audio/level", "lfo/1_rate", 0.5))  # a curve of 3: 10 Hz * 0.5 ** 3
    stage.controls.signal("audio/level", 1)
    stage.run(0)
    assert stage.run(0.4) == pytest.approx(0.5)


@pytest.mark.parametrize("frames", [1, 30])
def test_in_beats_it_is_locked_to_the_beat_clock(frames: int) -> None:
    stage = Stage(**{"1_beats": 8, "1_shape": SHAPES.index("saw")})
    for _ in range(frames):
        value = stage.run(3 / frames)  # six beats at 120
    assert value == pytest.approx(6 / 8)
    stage.controls.set("tempo/bpm", 60)
    assert stage.run(1) == pytest.approx(7 / 8)


def test_a_resync_starts_it_anew() -> None:
    stage = Stage(**{"1_beats": 8, "1_shape": SHAPES.index("saw")})
    stage.run(1.2)
    stage.controls.command("tempo/resync")
    assert stage.run(0.1) == 0
    assert stage.run(0.5) == pytest.approx(1 / 8)


def test_from_beats_to_a_rate_it_goes_on_from_its_place() -> None:
    stage = Stage(**{"1_beats": 4, "1_rate": 1.0, "1_shape": SHAPES.index("saw")})
    stage.run(0.5)
    stage.controls.set("lfo/1_beats", 0)
    assert stage.run(0.25) == pytest.approx(0.25 + 0.25)


def test_all_four_are_live_and_their_own() -> None:
    stage = Stage(**{f"{number}_rate": number / 10 for number in LFOS}, **{f"{number}_shape": 2 for number in LFOS})
    stage.run(1)
    assert {key: value for key, value in stage.controls.signals.items() if key.startswith("lfo/")} == {
        f"lfo/{number}": pytest.approx(number / 10) for number in LFOS
    }
