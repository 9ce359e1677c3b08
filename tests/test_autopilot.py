"""The autopilot goes on by bars, on the bar, and by minutes."""

from dataclasses import dataclass

import pytest

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.autopilot import Autopilot
from engine.sources.tempo import Tempo


@dataclass
class HandClock:
    time: float = 0.0


class Stage:
    """A beat clock at 120, two seconds a bar, and the times at which the scene changed."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.controls = Controls(PARAMETERS)
        self.tempo = Tempo(self.controls, self.clock)
        self.autopilot = Autopilot(self.clock, self.tempo, self.change)
        self.changes: list[float] = []
        self.controls.handle("scene/next", self.change)
        self.run(0)

    def change(self) -> None:
        self.changes.append(round(self.clock.time, 3))

    def run(self, seconds: float, rate: int = 10) -> None:
        for frame in range(max(1, round(seconds * rate))):
            self.clock.time += 1 / rate if seconds else frame
            self.tempo.poll(self.controls)
            self.autopilot.poll(self.controls)
            self.controls.advance(1 / rate)


@pytest.mark.parametrize("quantise", [0, 1, 2])
def test_by_bars_it_goes_on_on_the_bar_whatever_commands_wait_for(quantise: int) -> None:
    stage = Stage()
    stage.controls.set("tempo/quantise", quantise)
    stage.run(3)
    stage.controls.set("scene/every_bars", 2)  # within the bar that began at 2 s
    stage.run(8)
    assert stage.changes == [6, 10]


def test_a_resync_begins_a_bar() -> None:
    stage = Stage()
    stage.controls.set("scene/every_bars", 1)
    stage.run(1)
    stage.controls.command("tempo/resync")
    stage.run(2.1)
    assert stage.changes == [1.1, 3.1]


def test_a_long_frame_goes_on_once() -> None:
    stage = Stage()
    stage.controls.set("scene/every_bars", 1)
    stage.run(0)
    stage.clock.time = 6
    stage.run(0)
    assert stage.changes == [6]


def test_by_minutes_it_goes_on_by_the_show_s_time() -> None:
    stage = Stage()
    stage.run(1)
    stage.controls.set("scene/every_minutes", 0.5)
    stage.run(61)
    assert stage.changes == pytest.approx([31.1, 61.1], abs=0.1001)


def test_by_minutes_it_waits_for_what_commands_wait_for() -> None:
    stage = Stage()
    stage.controls.set("tempo/quantise", 2)
    stage.run(1)
    stage.controls.set("scene/every_minutes", 0.5)
    stage.run(40)
    assert stage.changes == [32]


def test_it_is_off_until_it_is_asked_for_and_a_change_begins_the_count_anew() -> None:
    stage = Stage()
    stage.run(10)
    stage.controls.set("scene/every_bars", 4)
    stage.run(5)
    stage.controls.set("scene/every_bars", 3)
    stage.run(5)
    stage.controls.set("scene/every_bars", 0)
    stage.run(20)
    assert stage.changes == [20]
