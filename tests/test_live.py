"""The whole instrument, wired as `dancenet` wires it: every command and signal of the tables does something in a real
window, over real sockets and a real sound server, and a show that was logged is shown again.
"""

import hashlib
import io
import math
import re
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray
from pythonosc.udp_client import SimpleUDPClient

from engine.arguments import parse_live
from engine.audio.decode import SONG_RATE, blocks
from engine.bundle import Bundle, open_bundle
from engine.commands.ending import Failure
from engine.commands.live import Live, describe, opened
from engine.commands.opening import SHADERS, Painting, new_picture, shipped
from engine.effects import EffectFiles
from engine.parameters import COMMANDS, SIGNALS, Command
from engine.replay import ReplayClock, ReplayControls, ReplayDancer, ReplayQuality
from engine.rest import REST_HZ
from engine.routes import DEFAULT_ROUTES, Route
from engine.show import Show
from engine.show_log import ShowLog
from engine.sinks.window import Window
from engine.sources.hours import DAYS
from engine.status import Status
from tests.display import Screen
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.sound_server import SoundServer, sound_server  # noqa: F401
from tests.test_audio_source import clicks, playing, write_wav
from tests.test_recording_sound import lengths

LOOPBACK = "127.0.0.1"
SIZE = (320, 180)
# Frames in which what was sent is surely heard and done; loopback is there at once, a bundle takes its thread's time.
SOON, PATIENCE = 5, 900


class Player:
    """A live show, what it said, and a client that plays it."""

    def __init__(self, stage: Live, said: io.StringIO) -> None:
        self.stage = stage
        self.said = said
        self._client = SimpleUDPClient(LOOPBACK, stage.osc.port or 0)

    def frames(self, count: int) -> None:
        for _ in range(count):
            self.stage.show.tick()

    def send(self, key: str, *values: Any) -> None:
        self._client.send_message(f"/dancenet/{key}", list(values))

    def until(self, holds: Callable[[], bool]) -> None:
        for _ in range(PATIENCE):
            if holds():
                return
            self.frames(1)
        raise AssertionError(f"not within {PATIENCE} frames; {self.said.getvalue()}")

    def state(self) -> tuple[Any, ...]:
        """All that a command may change."""
        controls, models, keepers = self.stage.controls, self.stage.cast.models, self.stage.keepers
        return (
            {key: controls.target(key) for key in controls.parameters},
            models.bundle.folder,
            bool(models.dancer.easing.all()),
            keepers.scenes.on,
            [scene.stem for scene in keepers.scenes.order],
            keepers.tempo.position < 0.5,
            self.stage.recorder.recording,
            self.stage.audio.name if self.stage.audio else "",
        )


@contextmanager
def playing_live(folder: Path, *arguments: str) -> Iterator[Player]:
    """A show whose own scenes are in `folder`."""
    size = f"{SIZE[0]}x{SIZE[1]}"
    options = parse_live(
        ["--size", size, "--scenes", str(folder / "scenes"), "--seed", "7", "--record-to", str(folder), *arguments]
    )
    options.osc = LOOPBACK, 0
    said = io.StringIO()
    with opened(options, Status(said)) as stage:
        yield Player(stage, said)


@pytest.fixture
def models(tmp_path: Path) -> tuple[str, ...]:
    folders = [write_tiny_bundle(tmp_path / name) for name in ("one", "two")]
    return tuple(word for folder in folders for word in ("--model", str(folder)))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda row: row.key)
def test_every_command_of_the_table_does_something(
    command: Command, models: tuple[str, ...], tmp_path: Path, x_display: Screen, request: pytest.FixtureRequest
) -> None:
    if command.group == "audio":
        request.getfixturevalue("sound_server")
    with playing_live(tmp_path, *models, "--audio", "vj" if command.group == "audio" else "off") as player:
        player.until(lambda: not player.stage.audio or bool(player.stage.audio.name))
        player.frames(30)  # half a beat and more on the way, and led through no passage
        player.until(lambda: not player.stage.cast.models.dancer.easing.any())
        player.until(lambda: player.stage.keepers.tempo.position > 0.5)
        before = player.state()
        player.send(command.key, *(("calm",) if command.argument else ()))
        player.until(lambda: player.state() != before)
        if command.group == "audio":
            player.until(lambda: player.state()[-1] == "other.monitor")
        assert "/dancenet/" not in player.said.getvalue(), "nothing was refused"


def test_a_model_that_dances_no_more_is_let_go_of(models: tuple[str, ...], tmp_path: Path, x_display: Screen) -> None:
    with playing_live(tmp_path, *models, "--audio", "off", "--scene", "off") as player:
        gone = []
        for name in ("two", "one"):
            gone.append(weakref.ref(player.stage.cast.models.bundle))
            player.send("model/next")
            player.until(lambda name=name: player.stage.cast.models.bundle.folder.name == name)  # type: ignore[misc]
            player.until(lambda: gone[-1]() is None)
        assert [reference() for reference in gone] == [None, None]


def test_a_picture_that_takes_longer_by_an_effect_or_a_second_model_is_foretold_once(
    models: tuple[str, ...], tmp_path: Path, x_display: Screen
) -> None:
    with playing_live(tmp_path, *models, "--audio", "off", "--scene", "off") as player:
        foretold: list[float] = []
        longer = player.stage.show.longer

        def noted(values: Mapping[str, float], clock: Any) -> float:
            foretold.append(longer(values, clock))
            return foretold[-1]

        player.frames(2)
        player.stage.show.longer = noted
        player.frames(5)
        assert foretold == [0.0] * 5
        for change in ("fx/echo/mix", "model/next"):
            foretold.clear()
            player.send(change, 1.0)
            player.until(lambda: foretold[-1:] > [0.0])
            player.frames(5)
            assert len([more for more in foretold if more > 0]) == 1, "once"
        foretold.clear()
        player.send("fx/echo/mix", 0.0)
        player.until(lambda: not player.stage.picture.chain.order)
        assert set(foretold) == {0.0}, "nothing takes longer without it"


def test_a_show_is_recorded_until_it_is_closed(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    # Without effects: grain is not what an encoder keeps to the last digit.
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--scene", "off") as player:
        stage = player.stage
        player.send("picture/record")
        player.until(lambda: stage.recorder.recording)
        began = stage.clock.frame
        player.frames(45)
        facts = {fact.label: fact for fact in describe(stage, Status(io.StringIO()))}
        assert re.fullmatch(r"0:0[1-9]", facts["recording"].value) and not facts["recording"].wrong
        frames, last = stage.clock.frame - began + 1, stage.picture.read()
    (path,) = tmp_path.glob("dancenet-*.mp4")
    assert re.search(rf"recorded {path}: 0:0\d, {frames} frames, none dropped\n$", player.said.getvalue())
    with av.open(str(path)) as video:
        recorded = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0)]
    assert len(recorded) == frames
    assert np.abs(recorded[-1] - last).mean() < 2


def test_a_light_that_is_sent_when_the_picture_is_drawn_is_in_that_frame_on_the_screen_in_the_log_and_recorded(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    folder, path = str(tiny_bundle), tmp_path / "show.dnlog"
    arguments = ("--model", folder, "--audio", "off", "--scene", "off", "--quality", "1", "--log", str(path))
    sent: list[float] = []
    seen: list[tuple[float, np.ndarray, np.ndarray]] = []
    with playing_live(tmp_path, *arguments) as player:
        stage = player.stage
        player.send("picture/record")
        player.until(lambda: stage.recorder.recording)
        ready = stage.window.ready

        def drawn(picture: Any, values: Mapping[str, float]) -> bool:
            sent.append(0.02 * len(sent))
            player.send("picture/black", sent[-1])
            return ready(picture, values)

        class After:
            def present(self, picture: Any, values: Mapping[str, float]) -> None:
                x, y = stage.window._shell.get_location()  # the server answers once it has drawn the frame
                screen = x_display.pixels()[y : y + SIZE[1], x : x + SIZE[0]]
                seen.append((values["picture/black"], screen, picture.read().copy()))

            def close(self) -> None:
                pass

        stage.window.ready = drawn  # type: ignore[method-assign]
        stage.show.sinks = [*stage.show.sinks, After()]
        player.frames(50)
    assert [black for black, _, _ in seen] == pytest.approx(sent, abs=1e-6)
    for black, screen, read in seen:
        assert np.abs(screen.astype(int) - read).max() <= 1
        assert read.max() == pytest.approx(255 * (1 - black), abs=1)
    assert [tick.values["picture/black"] for tick in ShowLog(path)][-50:] == pytest.approx(sent)
    (film,) = tmp_path.glob("dancenet-*.mp4")
    with av.open(str(film)) as video:
        recorded = [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0)][-50:]
    for (_, _, read), frame in zip(seen, recorded, strict=True):
        assert frame.mean() == pytest.approx(read.mean(), abs=1.5)


def test_a_recording_has_the_sound_that_moved_its_pictures(
    sound_server: SoundServer,  # noqa: F811
    tiny_bundle: Path,
    tmp_path: Path,
    x_display: Screen,
) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(60))
    arguments = ("--model", str(tiny_bundle), "--audio", "vj", "--scene", "off")
    heard: list[tuple[float, float]] = []  # of each frame that is recorded, when it is due and how much bass it heard
    with playing_live(tmp_path, *arguments) as player, playing(song):
        stage = player.stage
        player.until(lambda: stage.controls.signals.get("audio/bass", 0.0) > 0.4)
        player.frames(60)  # what a sound system claims of its delay while it starts is over
        player.send("picture/record")
        player.until(lambda: stage.recorder.recording)
        while len(heard) < 90:
            heard.append((stage.clock.due, stage.controls.signals.get("audio/bass", 0.0)))
            player.frames(1)
    (path,) = tmp_path.glob("dancenet-*.mp4")
    pictures, sound = lengths(path)
    assert pictures > 2.9 and sound == pytest.approx(pictures, abs=0.03)
    samples = np.concatenate(list(blocks(path, SONG_RATE)))
    assert np.abs(samples).max() == pytest.approx(np.abs(clicks(1)).max(), rel=0.15)
    assert np.abs(samples[:, 0] - samples[:, 1]).max() < 0.02
    loud = np.flatnonzero(np.abs(samples[:, 0]) > 0.15) / SONG_RATE
    beats = loud[np.diff(loud, prepend=-1.0) > 0.2]
    assert len(beats) >= 4  # of five or six: on a machine that is busy, some of a sound is lost before it is heard
    began = heard[0][0]
    moved = np.array([due - began for (_, before), (due, bass) in pairwise(heard) if bass > before + 0.1])
    # Of each beat the first frame that it moves is seen after it: it was heard, told, and the frame drawn.
    late = [moved[moved >= beat - 0.02].min() - beat for beat in beats if 0.1 < beat < moved[-1]]
    assert len(late) >= 3 and max(late) < 0.25, late


def test_what_needs_an_input_says_so_without_one(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off") as player:
        player.send("audio/next_input")
        player.frames(SOON)
        assert player.said.getvalue() == (
            "dancenet: /dancenet/audio/next_input: no input is listened to; start the show without --audio, or with an "
            "input's name\n"
        )


def test_every_signal_of_the_table_is_live_and_music_moves_the_temperature(
    sound_server: SoundServer,  # noqa: F811
    tiny_bundle: Path,
    tmp_path: Path,
    x_display: Screen,
) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(60))
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--quality", "0.5") as player, playing(song):
        controls = player.stage.controls
        player.until(lambda: {signal.key for signal in SIGNALS} == set(controls.signals))
        seen: set[bool] = set()

        def both_ways() -> bool:
            moved = controls.modulation("dance/temperature")
            seen.update({True} if moved > 0.05 else {False} if moved < -0.05 else set())
            return len(seen) == 2

        player.until(both_ways)
        player.until(lambda: player.stage.keepers.tempo.leader == "audio")
        assert player.stage.keepers.tempo.bpm == pytest.approx(120, rel=0.03)
        assert player.said.getvalue() == "dancenet: audio: listens to vj.monitor (1 of 2)\n"


def test_every_scene_that_ships_is_recalled(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off") as player:
        for scene in player.stage.keepers.scenes.order:
            player.send("scene/recall", scene.name, 0.0)
            player.frames(SOON)
            assert player.stage.keepers.scenes.on == scene.stem
            targets = {key: player.stage.controls.target(key) for key in scene.parameters}
            assert targets == pytest.approx(dict(scene.parameters))
            assert scene.routes is None or set(player.stage.controls.routes) == set(scene.routes)


def test_a_show_begins_with_the_scene_asked_for_and_the_command_line_over_it(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    model = ("--model", str(tiny_bundle), "--audio", "off")
    with playing_live(tmp_path, *model, "--scene", "storm", "--speed", "0.5") as player:
        values = player.stage.controls.snapshot()
        assert [values[f"dance/{name}"] for name in ("dancers", "temperature", "speed")] == [9, 1.5, 0.5]
        assert player.stage.cast.models.dancer.dancers == 9
    with (
        pytest.raises(Failure, match=r"^--scene: no scene 'strom'; did you mean \"storm\"\?$"),
        playing_live(tmp_path, *model, "--scene", "strom"),
    ):
        pass


def test_routes_of_the_command_line_hold_beside_the_default_and_in_the_scene_it_begins_with(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    model = ("--model", str(tiny_bundle), "--audio", "off", "--route", "lfo/1 dance/speed 0.2 2 0.1 0.5 1 0.25")
    with playing_live(tmp_path, *model, "--scene", "off") as player:
        asked = Route("lfo/1", "dance/speed", 0.2, 2, 0.1, 0.5, True, 0.25)
        assert set(player.stage.controls.routes) == {*DEFAULT_ROUTES, asked}
    out = ("--route", "audio/level dance/temperature 0")
    with playing_live(tmp_path, *model, *out, "--scene", "storm") as player:
        routes = {(each.signal, each.parameter) for each in player.stage.controls.routes}
        assert {ends for ends in routes if ends[1].startswith("dance/")} == {
            *(("audio/onset", "dance/speed"), ("lfo/1", "dance/speed")),
        }


def test_after_a_late_frame_fewer_of_a_company_are_redrawn_where_the_processor_draws(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    lateness = [0.0]
    decode = Bundle.decode

    def slow(bundle: Bundle, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        time.sleep(0.004)
        return decode(bundle, latents)

    monkeypatch.setattr(Window, "lateness", property(lambda window: lateness[0]))
    monkeypatch.setattr(Bundle, "decode", slow)
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--scene", "off") as player:
        player.send("dance/unison", 0.0)
        player.send("dance/dancers", 8.0)
        player.until(lambda: len(player.stage.picture.fresh) == 8)
        redrawn: dict[float, list[int]] = {}
        for lateness[0] in (0.0, 0.5 / 30):
            redrawn[lateness[0]] = []
            for _ in range(40):
                player.frames(1)
                redrawn[lateness[0]].append(int(player.stage.picture.fresh.sum()))
        in_time, late = redrawn.values()
        assert max(in_time) >= 4, "two turns of 4 ms fit in 10 ms"
        assert set(late) == {2}, "the leader and one more"


class Seen:
    """A sink that keeps each frame's time and what its pixels come to."""

    def __init__(self, clock: Any) -> None:
        self.frames: list[tuple[float, str]] = []
        self._clock = clock

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        self.frames.append((self._clock.time, hashlib.sha256(picture.read().tobytes()).hexdigest()))

    def close(self) -> None:
        pass


def play_everything(player: Player, seconds: float) -> None:
    """Faders, taps, a blackout, scenes, the other model and company, of more than are redrawn in every frame."""
    stage = player.stage
    plays: list[tuple[Any, ...]] = [
        *(("tempo/tap",) for _ in range(4)),
        ("dance/temperature", 1.7),
        ("scene/recall", "canon", "2b"),
        ("picture/black", 0.3),
        ("model/next",),
        ("dance/speed", 1.4),
        ("lfo/1_rate", 2.0),
        ("route", "lfo/1", "dance/speed", 0.1),
        ("scene/recall", "crowd", 0.5),
        ("scene/recall", "storm", 0.5),
        ("scene/recall", "solo", 0.5),
        ("dance/reseed",),
        ("dance/mirror", 1),
        ("dance/freeze", 1.0),
        ("dance/freeze", 1.0),
    ]
    while stage.clock.time < seconds:
        place = int(stage.clock.time / seconds * len(plays) * 2)
        if stage.clock.frame % 7 == 0:
            player.send(*plays[place % len(plays)])
        player.send("dance/sigma_temperature", 1 + 0.3 * (stage.clock.frame % 5))
        player.frames(1)


def replayed(path: Path, folders: list[Path], context: moderngl.Context) -> Seen:
    """The frames of a log, shown again."""
    log = ShowLog(path)
    assert log.whole
    clock = ReplayClock(log, log.about["fps"])
    known = {str(folder.resolve()): open_bundle(folder, "cpu") for folder in folders}
    bundles = {model: known[model.folder] for model in log.models}
    painting = Painting(
        EffectFiles([shipped(SHADERS)]), datetime.fromisoformat(log.about["began"]), lambda: clock.sound, pytest.fail
    )
    seen = Seen(clock)
    picture = new_picture(context, bundles[log.models[0]], SIZE, painting, ReplayQuality(clock), lambda: math.inf)
    show = Show(clock, [], ReplayControls(clock), ReplayDancer(clock, bundles), picture, [seen])
    for _ in range(log.ticks):
        show.tick()
    picture.release()
    return seen


def test_a_logged_show_of_everything_is_shown_again_frame_by_frame(
    sound_server: SoundServer,  # noqa: F811
    models: tuple[str, ...],
    tmp_path: Path,
    x_display: Screen,
    request: pytest.FixtureRequest,
) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(60))
    path = tmp_path / "show.dnlog"
    with playing_live(tmp_path, *models, "--log", str(path)) as player, playing(song):
        seen = Seen(player.stage.clock)
        player.stage.show.sinks = [seen, *player.stage.show.sinks]
        play_everything(player, 12)
    log = ShowLog(path)
    assert log.ticks == len(seen.frames) and len(log.models) == 2
    assert {1, 2, 16} <= {len(layer.latents) for tick in log for layer in tick.layers}, "companies came and went"
    context = request.getfixturevalue("context")  # now: no thread has a context of a window and one without at once
    again = replayed(path, [tmp_path / "one", tmp_path / "two"], context)
    assert again.frames == seen.frames


def test_outside_the_hours_the_window_is_black_and_the_show_rests_until_it_is_opened(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    hours = datetime.now() + timedelta(hours=2)
    opening = f"{hours:%H:%M}-{hours + timedelta(hours=1):%H:%M}"
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--hours", opening) as player:
        stage = player.stage
        player.frames(2)
        assert not stage.picture.read().any()
        player.until(lambda: stage.unattended.rest.resting)
        position = stage.cast.models.dancer.positions.copy()
        began, frames = time.perf_counter(), 4
        cpu = time.process_time()
        player.frames(frames)
        assert time.perf_counter() - began > (frames - 1) / REST_HZ
        assert time.process_time() - cpu < 0.2 * frames / REST_HZ
        assert (stage.cast.models.dancer.positions == position).all()
        assert {fact.label: fact.value for fact in describe(stage, Status(io.StringIO()))}["state"] == "rests"
        player.send("picture/closed", 0)
        player.frames(3)
        assert stage.picture.read().any()
        assert (stage.cast.models.dancer.positions > position).all()
        assert stage.clock.rate_hz == 30
    assert f"hours: closed until {DAYS[hours.weekday()]}" in player.said.getvalue()


def test_a_show_that_nobody_plays_shows_the_idle_scene(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    options = ("--model", str(tiny_bundle), "--audio", "off", "--idle", "0.5", "--idle-scene", "calm")
    with playing_live(tmp_path, *options) as player:
        player.until(lambda: player.stage.keepers.scenes.on == "2-calm")
        player.send("dance/speed", 1.75)
        player.until(lambda: player.stage.keepers.scenes.on != "2-calm")
        player.frames(1)
        assert player.stage.controls.target("dance/speed") == 1.75


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--idle", "9", "--idle-scene", "clam"), "--idle-scene: no scene 'clam'; did you mean \"calm\"?"),
        (("--idle-scene", "calm"), "--idle-scene: --idle says after how many seconds"),
    ],
)
def test_an_idle_scene_that_cannot_be_is_wrong_usage(
    arguments: tuple[str, ...], line: str, tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    options = ("--model", str(tiny_bundle), "--audio", "off")
    with pytest.raises(Failure, match=re.escape(line)), playing_live(tmp_path, *options, *arguments):
        pass
