"""A show that is taken up: goes on from a file exactly as the one that was not interrupted."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bundle import open_bundle
from engine.commands.resuming import Resumed, gather
from engine.dancer import Dancer
from engine.routes import Route
from engine.sinks.state_keeper import StateKeeper
from engine.state_file import State, StateError, decode, encode
from tests.display import Screen
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.test_live import Player, models, playing_live  # noqa: F401


def state_of(player: Player) -> State:
    """The show's state, through the file's bytes."""
    stage = player.stage
    return decode(encode(gather(stage.controls, stage.keepers, stage.cast, stage.unattended.look)))


def keep(player: Player, path: Path) -> None:
    path.write_bytes(encode(state_of(player)))


def danced(player: Player, frames: int) -> NDArray[np.float32]:
    """The latents that so many frames of this show show, (frames, dancers, latent)."""
    controls, dances = player.stage.controls, player.stage.cast.models
    return np.stack([dances.advance(1 / 30, controls.snapshot())[0].latents for _ in range(frames)])


@pytest.mark.parametrize("dancers", [1, 18])
def test_the_dance_goes_on_bit_for_bit_as_it_would_have(
    dancers: int, tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    arguments = ("--model", str(tiny_bundle), "--audio", "off", "--scene", "off", "--set", f"dance/dancers={dancers}")
    file = tmp_path / "show.state"
    with playing_live(tmp_path, *arguments, "--set", "dance/canon=0.5", "--set", "dance/unison=0.4") as player:
        player.frames(2)
        danced(player, 200)
        keep(player, file)
        at = player.stage.cast.models.dancer.state()
        on = danced(player, 100)
    with playing_live(
        tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--seed", "8", "--state", str(file)
    ) as p:
        for name, value in p.stage.cast.models.dancer.state().items():
            assert value.tobytes() == at[name].tobytes(), name
        assert danced(p, 100).tobytes() == on.tobytes()
        assert "afresh" not in p.said.getvalue()


def test_scene_parameters_routes_and_the_beat_are_as_they_were(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    arguments = ("--model", str(tiny_bundle), "--audio", "off")
    file = tmp_path / "show.state"
    with playing_live(tmp_path, *arguments, "--scene", "storm") as player:
        controls, keepers = player.stage.controls, player.stage.keepers
        for key, value in (("dance/speed", 0.7), ("picture/black", 1.0), ("lfo/1_rate", 3.0), ("tempo/bpm", 97.0)):
            controls.set(key, value)
        controls.fade({"dance/temperature": 1.9}, 60.0)
        controls.route(Route("lfo/1", "dance/canon", 0.25, 2.0, 0.1, 0.5, True, 0.3))
        player.frames(20)
        keep(player, file)
        aims, routes = controls.aims(), set(controls.routes)
        bars, position, turns = keepers.tempo.bars, keepers.tempo.position, keepers.lfos.state()
    with playing_live(tmp_path, *arguments, "--scene", "calm", "--speed", "2", "--state", str(file)) as player:
        controls, keepers = player.stage.controls, player.stage.keepers
        assert controls.aims() == aims and aims["dance/temperature"] == 1.9
        assert controls.snapshot()["dance/speed"] == 0.7 and controls.snapshot()["picture/black"] == 1.0
        assert set(controls.routes) == routes
        assert (keepers.scenes.on, keepers.tempo.bars, keepers.lfos.state()) == ("5-storm", bars, turns)
        assert 0 < keepers.tempo.position - position < 30 * 97 / 60, "the beat went on meanwhile"
        player.frames(2)
        assert (keepers.tempo.leader, keepers.tempo.bpm) == ("manual", 97.0)


def test_a_show_that_idled_begins_with_what_it_would_have_gone_back_to(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    arguments = ("--model", str(tiny_bundle), "--audio", "off")
    file = tmp_path / "show.state"
    idle = ("--idle", "0.5", "--idle-scene", "calm")
    with playing_live(tmp_path, *arguments, *idle, "--scene", "storm", "--speed", "0.7") as player:
        aims, routes = player.stage.controls.aims(), set(player.stage.controls.routes)
        player.until(lambda: player.stage.keepers.scenes.on == "2-calm")
        player.frames(5)
        keep(player, file)
        assert player.stage.controls.aims() != aims
    with playing_live(tmp_path, *arguments, "--state", str(file)) as player:
        assert player.stage.keepers.scenes.on == "5-storm" and not player.stage.unattended.state
        assert player.stage.controls.aims() == aims and set(player.stage.controls.routes) == routes


def test_whether_it_is_closed_is_asked_of_the_hours_anew(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    arguments = ("--model", str(tiny_bundle), "--audio", "off")
    file = tmp_path / "show.state"
    with playing_live(tmp_path, *arguments) as player:
        player.stage.controls.set("picture/closed", 1)
        player.stage.controls.set("picture/black", 1)
        player.frames(1)
        keep(player, file)
    with playing_live(tmp_path, *arguments, "--state", str(file)) as player:
        player.frames(1)
        targets = [player.stage.controls.target(key) for key in ("picture/closed", "picture/black")]
        assert targets == [0, 1]


def test_a_tempo_that_nobody_set_stays_nobodys(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    arguments = ("--model", str(tiny_bundle), "--audio", "off", "--state", str(tmp_path / "show.state"))
    with playing_live(tmp_path, *arguments) as player:
        player.frames(3)
        keep(player, tmp_path / "show.state")
    with playing_live(tmp_path, *arguments) as player:
        player.frames(3)
        assert player.stage.controls.target("tempo/source") == 0, "the audio may still lead"


def test_the_model_that_danced_dances_on_and_the_others_are_still_to_be_had(
    models: tuple[str, ...],  # noqa: F811
    tmp_path: Path,
    x_display: Screen,
) -> None:
    arguments = (*models, "--audio", "off", "--state", str(tmp_path / "show.state"))
    with playing_live(tmp_path, *arguments) as player:
        player.send("model/next")
        player.until(lambda: player.stage.cast.models.bundle.folder.name == "two")
        keep(player, tmp_path / "show.state")
    with playing_live(tmp_path, *arguments) as player:
        assert player.stage.cast.models.bundle.folder.name == "two"
        player.send("model/next")
        player.until(lambda: player.stage.cast.models.bundle.folder.name == "one")


def test_a_state_of_another_show_is_told_in_one_line_and_the_show_begins_afresh(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    file = tmp_path / "show.state"
    other = write_tiny_bundle(tmp_path / "other")
    with playing_live(tmp_path, "--model", str(other), "--audio", "off", "--speed", "2") as player:
        keep(player, file)
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--state", str(file)) as player:
        line = f"dancenet: {file}: of a show that danced with {other}, which this one has not; the show begins afresh\n"
        assert player.said.getvalue().startswith(line)
        assert player.stage.controls.target("dance/speed") == 1
    file.write_bytes(b"nothing")
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--state", str(file)) as player:
        line = f"dancenet: {file}: not the state of a show, or of another version; the show begins afresh\n"
        assert player.said.getvalue().startswith(line)


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": None},
        {"scene": "../../etc"},
        {"targets": {"dance/speed": "fast"}},
        {"targets": {"dance/speed": 1e300}},
        {"targets": [1]},
        {"routes": [["lfo/1", "dance/speed"]]},
        {"routes": [["../x", "dance/speed", 1, 1, 0, 0, False, 0]]},
        {"tempo": {"bpm": 0.0, "music": 0, "first": 0, "bars": 0}},
        {"tempo": {"bpm": 120.0}},
        {"lfos": [1.0]},
        {"time": True},
    ],
)
def test_facts_that_no_show_has_are_refused(
    wrong: dict[str, Any], tiny_bundle: Path, tmp_path: Path, x_display: Screen, state: State
) -> None:
    facts = {**json.loads(json.dumps(state.facts)), **wrong}
    with pytest.raises(StateError, match=r"^show: "):
        Resumed(State(facts, state.arrays), [tiny_bundle], Path("show"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("phase", np.array(np.inf)),
        ("phase", np.array(1, np.int64)),
        ("step", np.array(-1, np.int64)),
        ("led_by", np.array([10**6], np.int64)),
        ("given", np.array([-5], np.int64)),
        ("delays", np.array([np.nan])),
        ("newest", np.array(-7, np.int64)),
        ("history", np.zeros((2, 1, 8), np.float32)),
        ("history", np.zeros((5000, 1, 8), np.float32)),
        ("history", np.zeros((4, 2, 8), np.float32)),
        ("hidden", np.zeros((1, 1, 1), np.float32)),
    ],
)
def test_a_dance_that_cannot_have_been_is_refused_and_nothing_has_changed(
    name: str, value: NDArray, dancer: Dancer
) -> None:
    before = dancer.state()
    with pytest.raises(ValueError, match=r"^state of the dance: "):
        dancer.restore({**before, name: value})
    assert {key: each.tobytes() for key, each in dancer.state().items()} == {
        key: each.tobytes() for key, each in before.items()
    }


@pytest.mark.parametrize("name", ["phase", "history", "hidden"])
def test_of_a_dance_that_cannot_have_been_all_but_the_dance_is_taken_up(
    name: str, tiny_bundle: Path, tmp_path: Path, x_display: Screen, state: State
) -> None:
    file = tmp_path / "show.state"
    facts = {**state.facts, "targets": {"dance/speed": 0.5}}
    file.write_bytes(encode(State(facts, {**state.arrays, name: np.full_like(state.arrays[name], np.nan)})))
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--state", str(file)) as player:
        line = f"dancenet: {file}: state of the dance: it cannot have been danced; the dance begins afresh\n"
        assert player.said.getvalue().startswith(line)
        player.frames(5)
        assert player.stage.cast.models.dancer.position > 1 and player.stage.controls.target("dance/speed") == 0.5


@pytest.fixture(scope="module")
def dancer(tiny_bundle: Path) -> Dancer:
    return Dancer(open_bundle(tiny_bundle, "cpu"), [7])


@pytest.fixture(scope="module")
def state(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory, x_display: Screen) -> State:
    folder = tmp_path_factory.mktemp("state")
    with playing_live(folder, "--model", str(tiny_bundle), "--audio", "off") as player:
        player.frames(3)
        return state_of(player)


def test_the_keeper_writes_every_two_seconds_and_tells_of_a_disk_that_fails_once(tmp_path: Path) -> None:
    now, taken = [0.0], list[float]()
    told: list[str] = []
    (tmp_path / "file").write_text("in the way")

    def frames(keeper: StateKeeper, seconds: float) -> None:
        for _ in range(round(30 * seconds)):
            now[0] += 1 / 30
            keeper.present(None, {})
            while keeper._writing:
                pass

    def state() -> State:
        taken.append(now[0])
        return State({"time": now[0]}, {})

    keeper = StateKeeper(tmp_path / "file" / "show.state", state, told.append, lambda: now[0])
    frames(keeper, 9)
    keeper.close()
    assert np.diff([0.0, *taken]) == pytest.approx(2, abs=0.04) and len(taken) == 4
    assert told == [f"state: {tmp_path}/file/show.state: File exists; after a crash the show goes on from an older one"]
    keeper = StateKeeper(tmp_path / "show.state", state, told.append, lambda: now[0])
    frames(keeper, 3)
    keeper.close()
    assert decode((tmp_path / "show.state").read_bytes()).facts == {"time": taken[-1]} and len(told) == 1
