"""The configuration: the command line over the file over the defaults, told where from, and what is wrong with it."""

import ipaddress
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from engine.arguments import new_live_parser, parse_config, parse_live
from engine.config import LEFT_OUT, configure, options_of, user_file
from engine.config_file import ConfigError, is_switch
from engine.routes import Route

ROOT = Path(__file__).parent.parent

FULL = """\
fullscreen = true
osc = "0.0.0.0:9010"
osc-allow = ["192.168.1.0/24", "10.0.0.7"]
fps = 59.94
seed = 4294967295
size = "640x360"
scene = 3
model = "dancer"
route = ["audio/bass dance/speed 0.2", "lfo/1 picture/dimmer 0.125"]
audio = 'a "good" microphone'

[set]
"dance/speed" = 0.8
picture.dimmer = 0.1
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "dancenet.toml"
    file.write_text(text)
    return file


def read(folder: Path, text: str, *arguments: str) -> Namespace:
    return parse_live(["--config", str(written(folder, text)), *arguments])


def wrong(folder: Path, text: str) -> list[str]:
    """What is told of the file, without its folder."""
    with pytest.raises(ConfigError) as caught:
        configure(new_live_parser, ["--config", str(written(folder, text))])
    return [line.replace(f"{folder}/", "") for line in caught.value.lines]


def test_a_file_holds_the_options_by_their_names_as_the_command_line_reads_them(tmp_path: Path) -> None:
    options = read(tmp_path, FULL)
    assert (options.fullscreen, options.osc, options.fps, options.seed) == (True, ("0.0.0.0", 9010), 59.94, 2**32 - 1)
    assert options.osc_allow == [ipaddress.ip_network("192.168.1.0/24"), ipaddress.ip_network("10.0.0.7")]
    assert (options.size, options.scene, options.audio) == ((640, 360), "3", 'a "good" microphone')
    assert options.route == [
        Route.made("audio/bass", "dance/speed", amount=0.2),
        Route.made("lfo/1", "picture/dimmer", amount=0.125),
    ]
    assert options.set == [("dance/speed", 0.8), ("picture/dimmer", 0.1)]
    assert (options.device, options.monitor, options.seconds) == ("auto", None, None)


def test_the_command_line_overrules_the_file(tmp_path: Path) -> None:
    options = read(
        tmp_path, FULL, "--no-fullscreen", "--osc-allow", "10.0.0.8", "--fps", "25", "--scene", "off", "--size", "64x64"
    )
    assert (options.fullscreen, options.fps, options.scene, options.size) == (False, 25, "off", (64, 64))
    assert options.osc_allow == [ipaddress.ip_network("10.0.0.8")]
    assert options.osc == ("0.0.0.0", 9010)


def test_what_is_set_and_routed_on_the_command_line_comes_after_the_file_s(tmp_path: Path) -> None:
    options = read(tmp_path, FULL, "--set", "dance/speed=2", "--route", "audio/bass dance/speed 0")
    assert dict(options.set) == {"dance/speed": 2, "picture/dimmer": 0.1}
    assert options.route[-1] == Route.made("audio/bass", "dance/speed", amount=0)
    assert len(options.route) == 3


def test_a_temperature_set_on_the_command_line_is_not_held_by_the_file_s(tmp_path: Path) -> None:
    options = read(tmp_path, "temperature = 0.5\nspeed = 0.5\n", "--set", "dance/temperature=1.5")
    assert (options.temperature, options.speed, options.set) == (None, 0.5, [("dance/temperature", 1.5)])


def test_places_are_meant_from_where_the_file_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "songs").mkdir()
    (tmp_path / "songs" / "one.wav").touch()
    text = 'model = ["dancer", "/abroad", "~/mine"]\nrecord-to = "."\naudio = "songs/one.wav"\nlog = "show.dnlog"\n'
    options = read(tmp_path, text)
    assert options.model == [tmp_path / "dancer", Path("/abroad"), tmp_path / "home" / "mine"]
    assert (options.record_to, options.log) == (tmp_path, tmp_path / "show.dnlog")
    assert options.audio == str(tmp_path / "songs" / "one.wav")


def test_what_is_printed_gives_the_same_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--config", str(written(tmp_path, FULL)), "--speed", "1.1", "--log", "here.dnlog", "--set", "a/b=1e-9"]
    before = parse_live(arguments)
    printed = parse_config(arguments).toml()
    monkeypatch.chdir("/")
    again = tmp_path / "elsewhere" / "other.toml"
    again.parent.mkdir()
    again.write_text(printed)
    after = parse_live(["--config", str(again)])
    assert before.log == Path("here.dnlog") and after.log == tmp_path / "here.dnlog"
    same = {name: value for name, value in vars(before).items() if name not in ("config", "told", "of_file", "log")}
    assert {name: getattr(after, name) for name in same} == same


def test_what_the_file_gave_is_kept_and_read_after_the_command_line_gives_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["--config", str(written(tmp_path, FULL)), "--set", "dance/speed=1.5", "--no-keys"]
    before = parse_live(arguments)
    kept = tmp_path / "elsewhere" / "monitor-1.toml"
    kept.parent.mkdir()
    kept.write_text(before.of_file)
    written(tmp_path, "broken = ")
    after = parse_live([*arguments, "--config", str(kept), "--supervised", "--safe"])
    assert (before.supervised, before.safe, after.supervised, after.safe) == (False, False, True, True)
    other = ("config", "told", "of_file", "supervised", "safe", "set", "route")
    same = {name: value for name, value in vars(before).items() if name not in other}
    assert {name: getattr(after, name) for name in same} == same
    assert (dict(after.set), dict.fromkeys(after.route)) == (dict(before.set), dict.fromkeys(before.route))


def test_the_defaults_printed_give_the_defaults_again(tmp_path: Path) -> None:
    again = written(tmp_path, parse_config(["--config", "off"]).toml())
    before, after = vars(parse_live(["--config", "off"])), vars(parse_live(["--config", str(again)]))
    for name in ("config", "told", "of_file"):
        del before[name], after[name]
    assert after == before


def test_it_is_printed_where_each_value_comes_from(tmp_path: Path) -> None:
    file = written(tmp_path, FULL)
    lines = parse_config(["--config", str(file), "--fps", "25", "--set", "dance/speed=2"]).toml().splitlines()
    assert lines[:2] == ["# What a live show runs by: its options over those of", f"# {file}"]
    assert "fps = 25  # command line" in lines
    assert f"fullscreen = true  # {file}:1" in lines
    assert 'device = "auto"  # default' in lines
    assert "# monitor =  # not set" in lines
    begins = lines.index("set = [")
    assert lines[begins + 1 : begins + 5] == [
        f'    "dance/speed=0.8",  # {file}:13',
        f'    "picture/dimmer=0.1",  # {file}:12',
        '    "dance/speed=2",  # command line',
        "]",
    ]


def test_every_option_has_its_place_in_the_file_and_every_switch_can_be_turned_off() -> None:
    parser = new_live_parser()
    options = options_of(parser)
    named = {text.removeprefix("--") for action in parser._actions for text in action.option_strings if len(text) > 2}
    assert named - {f"no-{name}" for name in options} == {*options, *LEFT_OUT}
    for name, action in options.items():
        assert action.nargs != 0 or is_switch(action), f"--{name}"
        assert not is_switch(action) or f"--no-{name}" in action.option_strings, f"--{name}"
        assert action.default is None or isinstance(action.default, list | str | bool | int | float), f"--{name}"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("fbs = 30", "dancenet.toml:1: unknown option 'fbs'; did you mean \"fps\"?"),
        ("\nosc_allow = []", "dancenet.toml:2: unknown option 'osc_allow'; did you mean \"osc-allow\"?"),
        ('config = "x.toml"', "dancenet.toml:1: unknown option 'config'"),
        ("fps = 1000", "dancenet.toml:1: fps: '1000' frames a second are not in 1..240"),
        ("fps = nan", "dancenet.toml:1: fps: 'nan' is not a finite number"),
        ("fps = [25, 30]", "dancenet.toml:1: fps: one value is wanted, not 2"),
        ("fps = []", "dancenet.toml:1: fps: one value is wanted, not 0"),
        ("fps = true", "dancenet.toml:1: fps: a text or a number is wanted, not true"),
        ("fps = 2026-11-24", "dancenet.toml:1: fps: a text or a number is wanted, not 2026-11-24"),
        ('fullscreen = "yes"', "dancenet.toml:1: fullscreen: it must be true or false, not 'yes'"),
        ("[fullscreen]\na = true", "dancenet.toml:2: fullscreen: it must be true or false, not True"),
        ('device = "gpu"', "dancenet.toml:1: device: 'gpu' is none of auto, cpu, cuda, coreml, webgpu"),
        ('osc-allow = ["10.0.0.1", "x"]', None),
        ('\n\n[set]\n"dance/speed" = "fast"', "dancenet.toml:4: set: 'fast' is not a number"),
        ("seed = 1.5", "dancenet.toml:1: seed: '1.5' is not a whole number in 0..4294967295"),
        ("fps 30", "dancenet.toml:1: Expected '=' after a key in a key/value pair"),
        ("fps = 30\nfps = 30\n", "dancenet.toml:2: Cannot overwrite a value"),
        ("x = " + "[" * 9999, "dancenet.toml: maximum recursion depth exceeded"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_what_is_allowed(text: str, line: str | None, tmp_path: Path) -> None:
    told = wrong(tmp_path, text)
    if line is None:
        line = "dancenet.toml:1: osc-allow: 'x' is no network, such as 192.168.1.0/24 or 10.0.0.7"
    assert len(told) == 1
    assert told[0].startswith(line)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    assert wrong(tmp_path, "fbs = 30\nscene = 1\nspeed = -1\n") == [
        "dancenet.toml:1: unknown option 'fbs'; did you mean \"fps\"?",
        "dancenet.toml:3: speed: '-1' is not a number in 0..4",
    ]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    (tmp_path / "dancenet.toml").write_bytes(b"fps = 30 # \xff")
    with pytest.raises(ConfigError, match="can't decode byte 0xff"):
        configure(new_live_parser, ["--config", str(tmp_path / "dancenet.toml")])


def test_the_user_s_own_file_is_read_unless_it_is_off_and_need_not_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert parse_live([]).fps == 30
    assert user_file() == tmp_path / "dancenet" / "dancenet.toml"
    user_file().parent.mkdir()
    user_file().write_text("fps = 24\n")
    assert parse_live([]).fps == 24
    assert parse_live(["--config", "off"]).fps == 30


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", [(), ("config",)])
def test_a_broken_file_ends_the_program_with_2_and_a_line_each(command: tuple[str, ...], tmp_path: Path) -> None:
    file = written(tmp_path, "fbs = 30\nspeed = -1\n")
    result = run(*command, "--config", str(file), folder=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"dancenet: {file}:1: unknown option 'fbs'; did you mean \"fps\"?\n"
        f"dancenet: {file}:2: speed: '-1' is not a number in 0..4\n"
    )


def test_a_file_that_is_asked_for_has_to_be_there(tmp_path: Path) -> None:
    result = run("--config", "show.toml", folder=tmp_path)
    assert (result.returncode, result.stderr) == (2, f"dancenet: --config: {tmp_path}/show.toml: no such file\n")


def test_a_parameter_of_the_file_that_is_not_there_is_told_with_its_line(tmp_path: Path, tiny_bundle: Path) -> None:
    file = written(tmp_path, f'model = "{tiny_bundle}"\n\n[set]\n"dance/sped" = 1\n')
    result = run("--config", str(file), folder=tmp_path)
    assert result.returncode == 2
    assert result.stderr == (
        f"dancenet: {file}:4: set: unknown parameter 'dance/sped'; did you mean dance/speed? "
        "`dancenet controls` lists them\n"
    )


def test_the_command_prints_the_configuration(tmp_path: Path) -> None:
    file = written(tmp_path, "fps = 24\n")
    result = run("config", "--config", str(file), "--fullscreen", folder=tmp_path)
    assert result.returncode == 0
    assert f"fps = 24  # {file}:1\n" in result.stdout
    assert "fullscreen = true  # command line\n" in result.stdout
