"""Rest: when a show rests, at what rate, what is left out meanwhile, and how it wakes."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from engine.clock import WallClock
from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.rest import BLACK, CLOSED, REST_HZ, Rest
from engine.show import Clock, Show


class Wall:
    """A time in a test's hands."""

    time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


class Stage:
    """A show of parts that count what they did, and a window that waits for each frame's time."""

    def __init__(self, fps: float = 30.0) -> None:
        self.wall = Wall()
        self.clock = WallClock(fps, self.wall.now, self.wall.sleep)
        self.controls = Controls(PARAMETERS)
        self.rest = Rest(self.clock)
        self.danced = self.prepared = self.polled = 0
        self.shown: list[Any] = []
        dancer, picture = self.rest.dancer(self), self.rest.picture(self)
        self.show = Show(
            self.clock, [self], self.controls, dancer, picture, [SimpleNamespace(present=self.see), self.rest]
        )

    def poll(self, controls: Controls) -> None:
        self.polled += 1

    def close(self) -> None: ...

    def advance(self, dt: float, values: Mapping[str, float]) -> int:
        self.danced += 1
        return self.danced

    def prepare(self, latents: int) -> None:
        self.prepared = latents

    def draw(self, values: Mapping[str, float], clock: Clock) -> tuple[int, float]:
        return self.prepared, values[CLOSED]

    def see(self, picture: Any, values: Mapping[str, float]) -> None:
        self.wall.sleep(max(0.0, self.clock.due - self.wall.time))
        self.shown.append(picture)

    def run(self, seconds: float) -> int:
        """Frames in so many seconds of the wall."""
        begun, frames = self.wall.time, 0
        while self.wall.time - begun < seconds - 1e-6:
            self.show.tick()
            frames += 1
        return frames


@pytest.mark.parametrize("fps", [30.0, 144.0])
def test_a_second_after_it_is_black_the_show_rests_at_two_frames_a_second(fps: float) -> None:
    stage = Stage(fps)
    assert stage.run(1) == fps
    stage.controls.set(CLOSED, 1)
    assert stage.run(BLACK + 1 / fps) == fps + 1
    assert stage.rest.resting
    danced, polled = stage.danced, stage.polled
    assert stage.run(100) == 100 * REST_HZ
    assert (stage.danced, stage.prepared) == (danced, danced), "nobody danced, nothing was decoded"
    assert stage.polled >= polled + 100 * REST_HZ, "every source was heard"
    assert set(stage.shown[-200:]) == {(danced, 1.0)}, "the black picture was shown"


def test_it_wakes_with_the_next_frame_at_its_own_rate_and_dances_on_from_there() -> None:
    stage = Stage()
    stage.controls.set(CLOSED, 1)
    stage.run(60)
    danced = stage.danced
    stage.controls.fade({CLOSED: 0.0}, 5)
    stage.show.tick()
    assert not stage.rest.resting
    stage.show.tick()
    assert (stage.danced, stage.shown[-1][0]) == (danced + 1, danced + 1)
    assert stage.run(10) == pytest.approx(300, abs=1)
    assert stage.shown[-1][1] == 0


def test_a_picture_that_is_nearly_closed_is_danced_for() -> None:
    stage = Stage()
    stage.controls.set(CLOSED, 0.999)
    assert stage.run(5) == 150
    assert stage.danced == 150


def test_a_short_closing_is_no_rest() -> None:
    stage = Stage()
    for _ in range(3):
        stage.controls.set(CLOSED, 1)
        stage.run(BLACK - 0.1)
        stage.controls.set(CLOSED, 0)
        stage.run(0.1)
    assert stage.danced == 90
