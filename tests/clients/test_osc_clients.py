"""Real programs play a real source, and hear from it: liblo's oscsend, Pure Data and SuperCollider's sclang.

They come with Debian's liblo-tools, puredata-core and supercollider-language; where one is missing, its tests are
skipped.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fixtures.osc import LOOPBACK, TEMPERATURE, Line, a_line, listener, message

PACKAGES = {"oscsend": "liblo-tools", "pd": "puredata-core", "sclang": "supercollider-language"}
# A program that has not ended by then hangs. sclang compiles its class library first, seconds on a busy machine.
HANGS = 120.0
FRAME = 1 / 30
ABLETON = Path(__file__).parents[2] / "docs" / "ableton.md"


@pytest.fixture
def line() -> Iterator[Line]:
    with a_line(now=time.perf_counter) as line:
        yield line


def start(name: str, *arguments: str) -> "subprocess.Popen[str]":
    """Starts a program of PACKAGES without a screen; skips where it is not installed."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed: apt-get install {PACKAGES[name]}")
    # sclang is a Qt program, and its browser will not run as root (containers) in a sandbox.
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_DISABLE_SANDBOX": "1"}
    return subprocess.Popen(
        [path, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )


def play(line: Line, program: "subprocess.Popen[str]") -> str:
    """Makes frames until the program ends, and one more for what it sent last; returns what it printed."""
    ends = time.perf_counter() + HANGS
    while True:
        try:
            printed, _ = program.communicate(timeout=FRAME)
        except subprocess.TimeoutExpired:
            if time.perf_counter() > ends:
                program.kill()
                pytest.fail(f"{program.args!r} hangs: {program.communicate()[0]}")
            line.poll()
        else:
            line.poll()
            return printed


def free_port() -> int:
    """A port that nothing listens at just now."""
    with listener() as listening:
        port: int = listening.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("types", "value", "got"),
    [("f", "2.5", 2.5), ("d", "0.7", 0.7), ("i", "2", 2.0), ("h", "3", 3.0), ("T", "", 1.0), ("s", "1.5", 1.5)],
)
def test_oscsend_sets_the_temperature(line: Line, types: str, value: str, got: float) -> None:
    port = str(line.osc.port)
    printed = play(line, start("oscsend", LOOPBACK, port, TEMPERATURE, types, *([value] if value else [])))
    assert line.controls.target("dance/temperature") == got, printed
    assert line.told == []


def test_oscsend_sets_half_of_the_range_and_by_wildcard(line: Line) -> None:
    play(line, start("oscsend", LOOPBACK, str(line.osc.port), "/dancenet/dance/temp*/unit", "f", "0.5"))
    assert line.controls.target("dance/temperature") == pytest.approx(1.525)
    assert line.told == []


def test_oscsend_recalls_a_scene_by_name_with_a_fade_in_beats(line: Line) -> None:
    play(line, start("oscsend", LOOPBACK, str(line.osc.port), "/dancenet/scene/recall", "ss", "calm", "4b"))
    assert line.done == [("scene/recall", "calm", "4b")]


PD_SENDS = """\
#N canvas 0 0 450 300 10;
#X obj 10 10 loadbang;
#X obj 10 40 trigger bang bang bang;
#X msg 200 70 connect 127.0.0.1 {port};
#X msg 100 70 2.5;
#X obj 100 100 oscformat dancenet dance temperature;
#X obj 100 130 list prepend send;
#X obj 100 160 list trim;
#X obj 100 190 netsend -u -b;
#X msg 10 70 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 2 2 0;
#X connect 1 1 3 0;
#X connect 1 0 8 0;
#X connect 2 0 7 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
"""

PD_HEARS = """\
#N canvas 0 0 450 300 10;
#X obj 10 10 loadbang;
#X obj 10 40 trigger bang bang;
#X msg 200 70 connect 127.0.0.1 {port};
#X msg 100 70 {own};
#X obj 100 100 oscformat dancenet subscribe;
#X obj 100 130 list prepend send;
#X obj 100 160 list trim;
#X obj 100 190 netsend -u -b;
#X obj 10 220 netreceive -u -b {own};
#X obj 10 250 oscparse;
#X obj 10 280 list trim;
#X obj 10 310 route dancenet;
#X obj 10 340 route dance;
#X obj 10 370 route temperature;
#X obj 10 400 trigger bang float;
#X obj 100 430 print temperature;
#X msg 10 430 \\; pd quit;
#X connect 0 0 1 0;
#X connect 1 1 2 0;
#X connect 1 0 3 0;
#X connect 2 0 7 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 12 0 13 0;
#X connect 13 0 14 0;
#X connect 14 1 15 0;
#X connect 14 0 16 0;
"""


def pure_data(patch: Path) -> "subprocess.Popen[str]":
    return start("pd", "-nogui", "-noprefs", "-nosound", "-nomidi", "-stderr", str(patch))


def test_pure_data_sets_the_temperature(line: Line, tmp_path: Path) -> None:
    patch = tmp_path / "sends.pd"
    patch.write_text(PD_SENDS.format(port=line.osc.port))
    printed = play(line, pure_data(patch))
    assert line.controls.target("dance/temperature") == 2.5, printed
    assert line.told == []


def test_pure_data_hears_how_things_stand(line: Line, tmp_path: Path) -> None:
    line.controls.set("dance/temperature", 0.75)
    patch = tmp_path / "hears.pd"
    patch.write_text(PD_HEARS.format(port=line.osc.port, own=free_port()))
    assert "temperature: 0.75" in play(line, pure_data(patch))
    assert line.told == []


SC_SENDS = """\
NetAddr("127.0.0.1", {port}).sendMsg("/dancenet/dance/temperature", 2.5);
NetAddr("127.0.0.1", {port}).sendBundle(0.2, ["/dancenet/dance/speed", 2], ["/dancenet/dance/mirror", "on"]);
0.exit;
"""

SC_HEARS = """\
OSCFunc({{ |said| ("TEMPERATURE" + said[1]).postln; 0.exit }}, '/dancenet/dance/temperature');
NetAddr("127.0.0.1", {port}).sendMsg("/dancenet/subscribe", NetAddr.langPort);
"""


def test_sclang_sets_the_temperature_and_more_in_a_bundle_for_later(line: Line, tmp_path: Path) -> None:
    script = tmp_path / "sends.scd"
    script.write_text(SC_SENDS.format(port=line.osc.port))
    printed = play(line, start("sclang", str(script)))
    assert line.controls.target("dance/temperature") == 2.5, printed
    assert (line.controls.target("dance/speed"), line.controls.target("dance/mirror")) == (2.0, 1.0)
    assert line.told == []


def test_sclang_hears_how_things_stand(line: Line, tmp_path: Path) -> None:
    line.controls.set("dance/temperature", 0.75)
    script = tmp_path / "hears.scd"
    script.write_text(SC_HEARS.format(port=line.osc.port))
    assert "TEMPERATURE 0.75" in play(line, start("sclang", str(script)))
    assert line.told == []


def test_the_bridge_of_the_page_on_ableton_hands_on_tempo_and_bars(line: Line) -> None:
    (bridge,) = re.findall(r"```python\n(.*?)```", ABLETON.read_text(), re.DOTALL)
    answers = free_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as live:  # stands in for AbletonOSC
        live.bind((LOOPBACK, 0))
        live.settimeout(HANGS)
        for written, used in (("11000", live.getsockname()[1]), ("11001", answers), ("9010", line.osc.port)):
            bridge = bridge.replace(written, str(used))
        program = subprocess.Popen([sys.executable, "-c", bridge])
        try:
            asked = [live.recv(1024).partition(b"\0")[0] for _ in range(2)]
            assert asked == [b"/live/song/start_listen/tempo", b"/live/song/start_listen/beat"]
            for number in range(3, 6):
                live.sendto(message("/live/song/get/beat", number), (LOOPBACK, answers))
            live.sendto(message("/live/song/get/tempo", 128.0), (LOOPBACK, answers))
            ends = time.perf_counter() + HANGS
            while line.controls.target("tempo/bpm") != 128.0 and time.perf_counter() < ends:
                line.poll()
                time.sleep(FRAME)
        finally:
            program.kill()
            program.wait()
    assert line.controls.target("tempo/bpm") == 128.0
    assert line.done == [("tempo/resync",)]
    assert line.told == []
