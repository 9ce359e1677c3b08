"""What becomes of a show that is sent too much, nonsense, and what is no number; and of one whose OSC port is taken."""

import math
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.audio.analysis import LOUDEST_SAMPLE, Analysis, sane
from engine.audio.telling import Telling
from engine.controls import Controls
from engine.metadata import FILE
from engine.parameters import PARAMETERS, Parameter
from engine.scene_toml import read
from engine.show_log import LogError, ShowLog
from engine.sinks.log import Log
from tests.display import Screen
from tests.fixtures.osc import bundle, message
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.test_audio_source import clicks
from tests.test_command_line import refusal
from tests.test_live import LOOPBACK, playing_live

# Sends messages as fast as one core can, which is well over 100,000 a second, until so many are sent.
FLOOD = """
import socket, struct, sys
line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
line.connect(("127.0.0.1", int(sys.argv[1])))
address = b"/dancenet/dance/temperature" + bytes(1)
message = address + b",f" + bytes(2) + struct.pack(">f", 2.5)
whole = b"#bundle" + bytes(9) + (struct.pack(">i", len(message)) + message) * 20
for _ in range(int(sys.argv[2]) // 20):
    try:
        line.send(whole)
    except ConnectionRefusedError:
        pass
"""
FLOODED = 400_000
NUMBERS = (math.nan, math.inf, -math.inf)


def test_a_flood_of_messages_costs_the_show_its_budget_and_what_comes_after_it_is_done(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--scene", "off") as player:
        stage, osc = player.stage, player.stage.osc
        flood = subprocess.Popen([sys.executable, "-c", FLOOD, str(osc.port), str(FLOODED)])
        player.until(lambda: osc.received > 0)
        while flood.poll() is None:
            player.frames(1)
            assert stage.picture.read().any()
            assert osc._waiting_bytes <= 4 << 20
        assert flood.returncode == 0
        player.until(lambda: not osc._waiting)
        assert stage.controls.target("dance/temperature") == 2.5
        player.send("dance/temperature", 0.5)
        player.until(lambda: stage.controls.target("dance/temperature") == 0.5)
        assert "osc" not in player.said.getvalue()


def test_garbage_is_told_once_and_future_time_tags_are_now(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--scene", "off") as player:
        stage = player.stage
        chance = np.random.default_rng(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.connect((LOOPBACK, stage.osc.port))
            for frame in range(40):
                line.send(chance.bytes(1 + 37 * frame))
                line.send(b"#bundle\0" + chance.bytes(40))
                player.frames(1)
                assert stage.picture.read().any()
            line.send(bundle(2e9, message("/dancenet/dance/speed", 0.25)))  # in the year 2033
            player.until(lambda: stage.controls.target("dance/speed") == 0.25)
        said = player.said.getvalue().splitlines()
        assert sum(each.startswith("dancenet: osc: a packet is not OSC: ") for each in said) == 1
        assert stage.osc.malformed > 40


def test_what_is_no_number_by_osc_moves_nothing(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    with playing_live(tmp_path, "--model", str(tiny_bundle), "--audio", "off", "--scene", "off") as player:
        controls = player.stage.controls
        before = {key: controls.target(key) for key in controls.parameters}
        for count, key in enumerate(before):
            for number in NUMBERS:
                player.send(key, number)
                player.send(f"{key}/unit", number)
            if count % 20 == 0:
                player.frames(1)
        player.send("route", "lfo/1", "dance/speed", math.nan)
        player.send("scene/recall", "calm", math.nan)
        player.frames(5)
        assert {key: controls.target(key) for key in before} == before
        assert all(map(math.isfinite, controls.snapshot().values()))
        assert player.stage.picture.read().any()
        assert player.said.getvalue().count("\n") < 60, "not a line for each"


def test_a_model_that_gives_what_is_no_number_is_never_seen_to(tmp_path: Path, x_display: Screen) -> None:
    folder = write_tiny_bundle(tmp_path / "breaks", "break")
    with playing_live(tmp_path, "--model", str(folder), "--audio", "off", "--scene", "off") as player:
        player.until(lambda: player.stage.cast.watchdog.resets >= 3)
        for _ in range(30):
            player.frames(1)
            assert player.stage.picture.images.min() < 128 and player.stage.picture.read().any()
            assert np.isfinite(player.stage.cast.models.dancer.advance(0, player.stage.controls.snapshot())).all()
    assert "latents that are not numbers; eased back to passage" in player.said.getvalue()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30])
def test_samples_that_are_no_numbers_are_silent_and_do_not_hold_the_gain_down(bad: float) -> None:
    song = clicks(6)[:, None]
    fault = song.copy()
    fault[1000:1256] = bad
    cut = song.copy()
    cut[1000:1256] = 0.0 if math.isnan(bad) else math.copysign(LOUDEST_SAMPLE, bad)
    heard, expected = Analysis(48000.0).feed(fault), Analysis(48000.0).feed(cut)
    assert heard == expected
    late = [each.level for each in heard if each.time > 5]
    assert 0 < max(late) <= 1 and all(0 <= each.level <= 1 and 0 <= each.onset <= 1 for each in heard)


def test_the_ear_tells_nothing_that_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    import json
    import threading

    asked = threading.Event()
    asked.set()
    telling = Telling(48000.0, asked)
    for _ in range(40):
        telling.hear(np.full((256, 2), np.nan, np.float32), 0.0)
        telling.hear(np.full((256, 2), np.inf, np.float32), 0.0)

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} was told")

    lines = [json.loads(line, parse_constant=refuse) for line in capsys.readouterr().out.splitlines()]
    assert {line[0] for line in lines} == {"heard", "sound", "samples"}


def test_sound_as_it_should_be_is_left_as_it_is() -> None:
    song = clicks(1)
    assert sane(song) is song


def test_scenes_and_options_take_no_nan(tmp_path: Path) -> None:
    told: list[str] = []
    rows = {row.key: row for row in PARAMETERS}
    text = '[parameters]\n"dance/speed" = nan\n"dance/temperature" = inf\n"picture/dimmer" = 0.5\n'
    scene = read(text, tmp_path / "calm.toml", rows, told.append)
    assert dict(scene.parameters) == {"picture/dimmer": 0.5}
    assert [line.split(": ")[0] for line in told] == [f"{tmp_path / 'calm.toml'}:{line}" for line in (2, 3)]
    config = tmp_path / "dancenet.toml"
    config.write_text('[set]\n"dance/speed" = nan\n')
    line = refusal("--config", str(config), code=2)
    assert line.startswith(f"dancenet: {config}:2: ") and "nan" in line


@pytest.mark.parametrize("where", ["dt", "values", "weight", "latents"])
def test_a_replay_of_what_is_no_number_is_refused(where: str, tiny_bundle: Path, tmp_path: Path) -> None:
    from engine.show_log import Layer, Model, Tick

    bad = {name: math.nan if name == where else 0.5 for name in ("dt", "values", "weight", "latents")}
    log = Log(tmp_path / "show.dnlog", {}, pytest.fail)
    model = Model("tiny", str(tiny_bundle), 8)
    latents = np.full((1, 8), bad["latents"], np.float32)
    layer = Layer(model, bad["weight"], latents, np.ones(1, np.bool_))
    log.record(Tick(bad["dt"], {"dance/speed": bad["values"]}, (layer,)))
    log._hand_over()
    log.close()
    with pytest.raises(LogError, match=r"a 'tick' chunk holds what DanceNet does not write$"):
        list(ShowLog(tmp_path / "show.dnlog"))


def test_metadata_takes_no_nan(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "one")
    text = (folder / FILE).read_text()
    (folder / FILE).write_text(text.replace('"temperature": 1.0', '"temperature": NaN'))
    assert (folder / FILE).read_text() != text
    line = refusal("render", str(tmp_path / "out.npy"), "--model", str(folder))
    assert line.startswith(f"dancenet: {folder / FILE}: ")


def test_signals_and_values_that_are_no_numbers_stay_out() -> None:
    controls = Controls((*PARAMETERS, Parameter("dance", "lean", 0.25, 0.0, 1.0, 0.1, 0.1, "leans")))
    for number in NUMBERS:
        controls.signal("audio/level", number)
        with pytest.raises(ValueError, match="lean"):
            controls.set("dance/lean", number)
    controls.advance(1 / 30)
    assert controls.signals["audio/level"] == 0.0 and all(map(math.isfinite, controls.snapshot().values()))
    assert struct.pack(">f", controls.snapshot()["dance/lean"]) == struct.pack(">f", 0.25)
