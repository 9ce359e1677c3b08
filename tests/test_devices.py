"""The report of devices: what there is, which is used and why, or why there is none."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import devices, resources
from engine.audio import inputs
from tests.display import Screen
from tests.sound_server import SoundServer, sound_server  # noqa: F401

ROOT = Path(__file__).parent.parent


def test_the_report_has_three_lists_none_of_them_empty(x_display: Screen) -> None:
    lists = devices.report().split("\n\n")
    assert [text.splitlines()[0] for text in lists] == ["Monitors:", "Audio inputs:", "Devices for the model:"]
    for text in lists:
        assert len(text.splitlines()) > 1 and all(re.match(r"  \S", line) for line in text.splitlines()[1:])


def test_monitors_are_counted_with_size_and_place(x_display: Screen) -> None:
    first, *others, choice = devices.monitors()
    assert re.fullmatch(r"1  .+, 1920x1080 at 0,0(, [\d.]+ Hz)?", first)
    assert others == []
    assert choice == "The desktop chooses where the window opens; --monitor N does instead."


def test_without_a_display_the_report_says_so() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    command = [sys.executable, "-c", "from engine.devices import report; print(report())"]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.startswith("Monitors:\n  none: no display: DISPLAY is not set\n\nAudio inputs:\n")


def test_audio_inputs_are_listed_with_the_default_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"index": 0, "name": "speakers", "max_input_channels": 0, "default_samplerate": 48000.0},
        {"index": 1, "name": "line in", "max_input_channels": 2, "default_samplerate": 44100.0},
        {"index": 2, "name": "microphone", "max_input_channels": 1, "default_samplerate": 48000.0},
    ]
    error = type("PortAudioError", (Exception,), {})
    sound = SimpleNamespace(query_devices=lambda: rows, default=SimpleNamespace(device=[2, 0]), PortAudioError=error)
    monkeypatch.setitem(sys.modules, "sounddevice", sound)
    monkeypatch.setattr(inputs, "LOOPBACK_NOTES", {})
    assert devices.audio_inputs() == [
        "1  line in, 2 channels, 44100 Hz",
        "2  microphone, 1 channels, 48000 Hz (default)",
        "Used: microphone; the system's default. --audio N or a part of the name picks another.",
        "--audio loopback: no input for what the computer plays: this system has none.",
    ]
    rows.append({"index": 3, "name": "BlackHole 2ch", "max_input_channels": 2, "default_samplerate": 48000.0})
    assert devices.audio_inputs()[2] == "3  BlackHole 2ch, 2 channels, 48000 Hz (loopback)"
    assert devices.audio_inputs()[-1] == "--audio loopback hears what the computer plays: BlackHole 2ch."
    rows[1:] = []
    assert devices.audio_inputs() == ["none: the system has no audio input"]


def test_the_sound_servers_sources_are_listed_with_monitors_marked(sound_server: SoundServer) -> None:  # noqa: F811
    # In a process of its own, for PortAudio lists the devices once, as they were.
    command = [sys.executable, "-c", "from engine.devices import audio_inputs; print(*audio_inputs(), sep='\\n')"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0].startswith("1  vj.monitor, ") and lines[0].endswith(" Hz (default, loopback)")
    assert lines[1].startswith("2  other.monitor, ") and lines[1].endswith(" Hz (loopback)")
    assert lines[2].startswith("Used: vj.monitor; the system's default.")


def test_without_sounddevice_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    (line,) = devices.audio_inputs()
    assert line.startswith("none: ") and "sounddevice" in line


def test_the_devices_for_the_model_are_told_with_what_is_missing_and_which_plays(
    monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path
) -> None:
    monkeypatch.setattr(resources, "path", lambda name: tiny_bundle)
    *lines, used = devices.model_devices()
    assert [line.split("  ")[0] for line in lines] == ["cpu", "cuda", "coreml", "webgpu"]
    assert lines[0] == "cpu  here"
    assert all(re.fullmatch(r"\w+  (here|no: .+; .+)", line) for line in lines)
    assert re.fullmatch(r"Used: \w+; .+\. --device NAME picks another\.", used)


def test_without_a_dancer_the_devices_are_listed_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Path:
        raise FileNotFoundError(f"{name}: not here")

    monkeypatch.setattr(resources, "path", missing)
    first, *_, used = devices.model_devices()
    assert first == "cpu  here"
    assert used == "Which is used shows with a dancer: models/default: not here"
