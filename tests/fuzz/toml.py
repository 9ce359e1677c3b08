"""Scenes, the output's set-up and dancenet.toml."""

import dataclasses
from pathlib import Path

from engine import scene_toml
from engine.arguments import new_live_parser
from engine.config import options_of
from engine.config_file import ConfigError, read_file
from engine.output_files import KEPT
from engine.parameters import PARAMETERS, Parameter
from engine.scene_files import MOST_BYTES
from engine.small_file import read_small
from tests.fuzz.loop import Parser, in_a_file, mutated

ROOT = Path(__file__).parents[2]
ROWS = {row.key: row for row in PARAMETERS}
SCENES = [path.read_bytes() for path in sorted((ROOT / "scenes").glob("*.toml"))]
OUTPUTS = [b'[parameters]\n"output/rotate" = "90"\n"output/gamma" = 1.2\n"output/mask" = true\n']
OPTIONS = [
    b'fullscreen = true\nmonitor = 2\nosc = "127.0.0.1:9010"\nosc-allow = ["10.0.0.0/8", "192.168.1.7"]\n'
    b'model = ["models"]\nhours = ["mon-fri 09:00-22:00"]\nseed = 7\n[set]\n"picture/dimmer" = 0.5\nfx.neon.mix = 1\n',
    b'size = "1280x720"\nroute = ["audio/bass dance/speed 0.5"]\nhealth = 8000\nidle = 60\nidle-scene = "calm"\n',
]
TOKENS = [
    *(b"[", b"]", b"[[", b"{", b"}", b"=", b".", b'"', b'"""', b"'", b"#", b"\n", b"a.", b"[[routes]]\n", b"[scene]\n"),
    *(b"[parameters]\n", b"\n[a.b]\n", b"1979-05-27T07:32:00Z", b"true", b"0x", b"1_0", b'"dance/speed" = 1\n'),
    *(b'signal = "audio/bass"\n', b'"x" = 1\n', b"name = 'x'\n", b"fade = '4b'\n", b"number = 1\n", b"\\u0000"),
    *(b"set = {a = {b = 1}}\n", b"osc = ':'\n", b"hours = '25:00'\n", b"a=[", b"{a="),
]
ERRORS = (ValueError, OSError, RecursionError)


def take(path: Path, rows: dict[str, Parameter]) -> None:
    """Reads a scene, and writes and reads it again."""
    told: list[str] = []
    scene = scene_toml.read(read_small(path, MOST_BYTES).decode(), path, rows, told.append)
    assert all(len(line) < 1000 for line in told)
    for key, value in scene.parameters.items():
        assert rows[key].low <= value <= rows[key].high
    again = scene_toml.read(scene_toml.write(scene, rows), path, rows, told.append)
    assert dataclasses.replace(again, parameters={}, routes=None, fade=None) == dataclasses.replace(
        scene, parameters={}, routes=None, fade=None
    )
    assert again.parameters.keys() == scene.parameters.keys()


def configure(path: Path) -> None:
    """Reads a file of options."""
    read_file(path, ACTIONS, required=True)


ACTIONS = options_of(new_live_parser())
PARSERS = (
    Parser(
        "scenes", lambda chance: mutated(chance, SCENES, TOKENS), in_a_file(lambda path: take(path, ROWS), "x.toml"),
        ERRORS,
        escapes=(
            b'[parameters]\n"dance/speed" = 0x' + b"f" * 5000,
            b"[parameters]\n" + b"".join(b"dance-%d = 1\n" % number for number in range(15_000)),
            b'[parameters]\n"%s" = 1\n' % (b"dance/" * 40_000),
            b"a = " + b"[" * 5000,
            b"a." * 20_000 + b"b = 1",
        ),
    ),
    Parser("output", lambda chance: mutated(chance, OUTPUTS, TOKENS),
           in_a_file(lambda path: take(path, KEPT), "x.toml"), ERRORS),
    Parser(
        "config", lambda chance: mutated(chance, OPTIONS, TOKENS), in_a_file(configure, "dancenet.toml"),
        (ConfigError,),
        escapes=(b"seed = 0x" + b"f" * 5000, b"x = " + b"{a=" * 5000, b"osc-allow = ['%s']" % (b"1" * 100_000)),
    ),
)  # fmt: skip
