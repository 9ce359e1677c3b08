"""Idle: when nobody has played for long, what is shown then, and the way back when somebody does.

The hands are real: a socket and the table of keys; so are the scenes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pythonosc.udp_client import SimpleUDPClient

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.routes import DEFAULT_ROUTES, Route
from engine.scene_files import SceneFiles
from engine.scenes import Scenes
from engine.sources.idle import BACK_FADE, CALM_FADE, EACH, Idle
from engine.sources.keys import Keys
from engine.sources.osc import Osc

SECONDS, RATE = 10.0, 10
SPEEDS = {"1-solo": 1.5, "2-calm": 0.5, "3-storm": 2.5}


@dataclass
class HandClock:
    time: float = 0.0


class Stage:
    """A show at ten frames a second that idles after ten seconds."""

    def __init__(self, folder: Path, scene: str | None) -> None:
        shipped = folder / "shipped"
        shipped.mkdir()
        for stem, speed in SPEEDS.items():
            (shipped / f"{stem}.toml").write_text(f'routes = []\n[parameters]\n"dance/speed" = {speed}\n')
        self.told: list[str] = []
        self.clock = HandClock()
        self.controls = Controls(PARAMETERS, routes=DEFAULT_ROUTES, tell=self.told.append)
        self.scenes = Scenes(
            self.controls, SceneFiles(shipped, folder / "own", self.controls.parameters), self.told.append
        )
        self.scenes.recall("solo", 0)
        self.keys = Keys()
        self.osc = Osc("127.0.0.1", 0, self.controls, self.told.append)
        self.client = SimpleUDPClient("127.0.0.1", self.osc.port or 0)
        self.idle = Idle([self.osc, self.keys], self.clock, SECONDS, scene, self.scenes, self.told.append)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * RATE)):
            self.clock.time += 1 / RATE
            self.idle.poll(self.controls)
            self.controls.advance(1 / RATE)

    def send(self, key: str, *values: float | str) -> None:
        self.client.send_message(f"/dancenet/{key}", list(values))

    def speed(self) -> float:
        return self.controls.target("dance/speed")

    def until_idle(self) -> None:
        self.run(SECONDS + CALM_FADE + 1)
        assert self.idle.idling


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path, "calm")
    yield stage
    stage.idle.close()
    stage.scenes.close()


@pytest.fixture
def turns(tmp_path: Path) -> Iterator[Stage]:
    """A stage with no idle scene."""
    stage = Stage(tmp_path, None)
    yield stage
    stage.idle.close()
    stage.scenes.close()


def test_after_so_long_without_input_the_idle_scene_fades_in(stage: Stage) -> None:
    stage.run(SECONDS)
    assert not stage.idle.idling
    stage.run(0.2)
    assert (stage.idle.idling, stage.scenes.on) == (True, "2-calm")
    stage.run(CALM_FADE / 2)
    assert 0.5 < stage.speed() < 1.5
    stage.run(CALM_FADE / 2)
    assert stage.speed() == 0.5


@pytest.mark.parametrize("what", ["key", "held key", "key of the window", "osc", "command", "route", "sound"])
def test_any_input_puts_it_off(stage: Stage, what: str) -> None:
    for turn in range(4):
        stage.run(SECONDS - 1)
        match what:
            case "key":
                stage.keys.press("T")
            case "held key":
                stage.keys.hold("UP")
            case "key of the window":
                stage.keys.press("H")
            case "osc":
                stage.send("dance/temperature", 0.5 + turn / 10)
            case "command":
                stage.send("tempo/tap")
            case "route":
                stage.send("route", "audio/bass", "dance/canon", 0.1 + turn / 10)
            case "sound":
                stage.controls.signal("audio/level", 0.3)
                stage.run(0.1)
                stage.controls.signal("audio/level", 0.01)
        stage.run(0.2)
        assert not stage.idle.idling
    stage.run(SECONDS + 0.1)
    assert stage.idle.idling
    assert stage.told == []


def test_what_is_only_sent_again_or_asked_for_is_no_input(stage: Stage) -> None:
    stage.send("dance/temperature", 0.7)
    for _ in range(int(SECONDS) + 1):
        stage.run(1)
        stage.send("dance/temperature", 0.7)
        stage.send("dance/temperature", "?")
        stage.send("subscribe")
        stage.send("audio/next_input", 0.0)  # a button that is not pressed, sent by every cook
    assert stage.idle.idling


def test_input_brings_back_what_was_on(stage: Stage) -> None:
    stage.controls.set("dance/speed", 1.2)
    stage.controls.set("dance/dancers", 3)
    stage.controls.route(Route.made("audio/bass", "dance/canon", amount=0.5))
    routes = list(stage.controls.routes)
    stage.until_idle()
    assert (stage.controls.target("dance/dancers"), list(stage.controls.routes)) == (1, [])
    stage.keys.press("H")
    stage.run(BACK_FADE + 0.2)
    assert (stage.speed(), stage.controls.target("dance/dancers")) == (1.2, 3)
    assert (stage.scenes.on, list(stage.controls.routes)) == ("1-solo", routes)
    assert not stage.idle.idling


def test_what_the_first_input_sets_stays(stage: Stage) -> None:
    stage.controls.set("dance/dancers", 3)
    stage.until_idle()
    stage.send("dance/speed", 3.5)
    stage.run(BACK_FADE + 0.2)
    assert (stage.speed(), stage.controls.target("dance/dancers")) == (3.5, 3)


def test_a_first_input_that_recalls_a_scene_is_followed(stage: Stage) -> None:
    stage.until_idle()
    stage.keys.press("3")
    stage.run(5)
    assert (stage.scenes.on, stage.speed(), stage.idle.idling) == ("3-storm", 2.5, False)


def test_what_scenes_leave_alone_is_left_alone(stage: Stage) -> None:
    stage.controls.set("picture/dimmer", 0.4)
    stage.until_idle()
    stage.controls.set("picture/dimmer", 0.6)
    stage.keys.press("H")
    stage.run(3)
    assert stage.controls.target("picture/dimmer") == 0.6


def test_without_a_scene_all_are_shown_in_turn(turns: Stage) -> None:
    turns.run(SECONDS + 0.2)
    seen = []
    for _ in range(4):
        seen.append(turns.scenes.on)
        turns.run(EACH + 0.2)
    assert seen == ["2-calm", "3-storm", "1-solo", "2-calm"]
    turns.keys.press("H")
    turns.run(BACK_FADE + 0.2)
    assert (turns.scenes.on, turns.speed()) == ("1-solo", 1.5)


def test_where_the_autopilot_is_on_it_goes_on_and_nothing_is_brought_back(turns: Stage) -> None:
    turns.controls.set("scene/every_minutes", 1)
    turns.until_idle()
    turns.scenes.recall("storm", 0)  # as the autopilot does
    turns.run(EACH)
    turns.keys.press("H")
    turns.run(5)
    assert (turns.scenes.on, turns.speed()) == ("3-storm", 2.5)


def test_idle_times_come_again(stage: Stage) -> None:
    for _ in range(3):
        stage.until_idle()
        assert stage.speed() == 0.5
        stage.keys.press("H")
        stage.run(BACK_FADE + 0.2)
        assert stage.speed() == 1.5


def test_a_scene_whose_file_is_gone_is_told_and_the_show_goes_on(tmp_path: Path) -> None:
    stage = Stage(tmp_path, "gone")
    stage.until_idle()
    assert stage.told == ["idle: no scene 'gone'"]
    assert stage.speed() == 1.5
    stage.keys.press("H")
    stage.run(1)
    assert not stage.idle.idling
    stage.idle.close()
    stage.scenes.close()
