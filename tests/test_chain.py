"""The chain of effects by exact pixels, and what becomes of files that are saved while it plays."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.sound import SILENCE, Sound
from engine.chain import ANEW_AFTER, Chain
from engine.clock import FixedClock
from engine.controls import Controls
from engine.effects import EffectFiles
from engine.passes import Target
from engine.sinks.stills import png

SIZE = (4, 2)
COVERED = 0.5  # of the dancers' coverage, everywhere
PLAIN = '/*{"INPUTS": [%s]}*/\nvoid main() { gl_FragColor = %s; }\n'
IMAGE = '{"NAME": "inputImage", "TYPE": "image"}'
LEVEL = '{"NAME": "level", "TYPE": "float", "DEFAULT": 0.5}'
ADD = PLAIN % (f"{IMAGE}, {LEVEL}", "vec4(IMG_THIS_PIXEL(inputImage).rgb + vec3(level, 0.0, 0.0), 1.0)")
TIMES = PLAIN % (IMAGE, "vec4(IMG_THIS_PIXEL(inputImage).rgb * vec3(0.5), 1.0)")
# Each frame a quarter more: what a copy remembers.
COUNT = """/*{"PASSES": [{"TARGET": "sum", "PERSISTENT": true, "FLOAT": true}, {}]}*/
void main() { gl_FragColor = IMG_THIS_PIXEL(sum) + vec4(PASSINDEX == 0 ? 0.25 : 0.0); }
"""
LISTEN = PLAIN % ('{"NAME": "wave", "TYPE": "audio"}', "vec4(IMG_NORM_PIXEL(wave, vec2(0.5)).r)")
DANCERS = PLAIN % (f'{IMAGE}, {{"NAME": "dancers", "TYPE": "image"}}', "IMG_THIS_PIXEL(dancers)")
FAST_ENOUGH = 20.0


class Stage:
    """A chain over a folder of effects, its controls, and the coverage it is given."""

    def __init__(self, context: moderngl.Context, folder: Path, **effects: str) -> None:
        for name, text in effects.items():
            (folder / f"{name}.fs").write_text(text)
        self.folder = folder
        self.files = EffectFiles([folder], watch=True)
        self.controls = Controls(self.files.rows)
        self.told: list[str] = []
        self.chain = Chain(context, self.files, datetime(2026, 1, 2, 3, 4, 5), self.told.append)
        self.clock = FixedClock(30)
        self.context = context
        self.coverage = Target(context, SIZE)
        self.coverage.framebuffer.clear(COVERED, COVERED, COVERED, COVERED)

    def on(self, **mixes: float) -> None:
        for name, mix in mixes.items():
            self.controls.set(f"fx/{name}/mix", mix)
        self.controls.settle()

    def frame(self, sound: Sound = SILENCE) -> NDArray[np.uint8]:
        """The next frame's colour, which is the same everywhere, (4)."""
        self.clock.advance()
        self.chain.poll(self.controls)
        self.controls.settle()
        values = self.controls.snapshot()
        self.chain.arrange(values)
        texture = self.chain.draw(self.coverage.texture, values, self.clock, sound)
        pixels = np.frombuffer(texture.read(), np.uint8).reshape(-1, 4)
        assert (pixels == pixels[0]).all()
        assert self.context.error == "GL_NO_ERROR"
        return pixels[0]

    def save(self, name: str, text: str, until: Callable[[], bool]) -> None:
        """Saves an effect, and shows frames until it has been taken up."""
        (self.folder / f"{name}.fs").write_text(text)
        self.until(until)

    def until(self, until: Callable[[], bool]) -> None:
        """Shows frames until it is so."""
        deadline = time.monotonic() + FAST_ENOUGH
        while not until():
            assert time.monotonic() < deadline, self.told
            self.frame()

    def release(self) -> None:
        self.chain.close()
        self.coverage.framebuffer.use()
        self.chain.release()


@pytest.fixture
def stage(context: moderngl.Context, tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    stages: list[Stage] = []

    def new(**effects: str) -> Stage:
        stages.append(Stage(context, tmp_path, **effects))
        return stages[-1]

    yield new
    for each in stages:
        each.release()


def test_without_effects_the_picture_is_the_coverage(stage: Callable[..., Stage]) -> None:
    assert stage(add=ADD).frame().tolist() == [128, 128, 128, 128]


def test_effects_come_in_the_order_of_their_places(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD, times=TIMES)
    played.controls.set("fx/add/level", 0.25)
    played.on(add=1, times=1)
    assert played.frame().tolist() == [96, 64, 64, 255]  # (0.5 + 0.25) / 2: as good places, by name
    assert played.chain.order == ("add", "times")
    played.controls.set("fx/times/place", 3)
    assert played.frame().tolist() == [128, 64, 64, 255]  # 0.5 / 2 + 0.25
    assert played.chain.order == ("times", "add")


@pytest.mark.parametrize("mix", [0.25, 0.5, 1.0])
def test_mix_is_how_much_is_wet(stage: Callable[..., Stage], mix: float) -> None:
    played = stage(add=ADD)
    played.on(add=mix)
    dry, wet = np.array([128, 128, 128, 128]), np.array([255, 128, 128, 255])
    assert np.abs(played.frame() - (dry + mix * (wet - dry))).max() <= 0.51


def test_three_of_a_kind_are_on_at_once_each_by_its_own_values(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD)
    for copy, level in (("add", 0.1), ("add_2", 0.2), ("add_3", 0.05)):
        played.controls.set(f"fx/{copy}/level", level)
    played.on(add=1, add_2=1, add_3=1)
    assert abs(int(played.frame()[0]) - 255 * (128 / 255 + 0.35)) <= 1.5


def test_an_effect_remembers_while_it_is_on_and_starts_anew(stage: Callable[..., Stage]) -> None:
    played = stage(count=COUNT)
    played.on(count=1)
    assert [played.frame()[0] for _ in range(3)] == [64, 128, 191]
    played.on(count=0)
    assert played.frame()[0] == 128  # the coverage
    played.on(count=1)
    assert played.frame()[0] == 64


def test_a_picture_stays_as_it_is_for_a_frame_more(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD, times=TIMES, count=COUNT)
    played.on(add=1, times=0.5, count=0.5)
    values = {**played.controls.snapshot()}
    last: tuple[moderngl.Texture, bytes] | None = None
    for frame in range(8):
        played.clock.advance()
        values["fx/add/level"] = frame / 8
        played.chain.arrange(values)
        texture = played.chain.draw(played.coverage.texture, values, played.clock, SILENCE)
        assert last is None or last[0].read() == last[1]
        last = texture, texture.read()


def test_an_image_input_is_the_dancers_wherever_it_stands(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD, bodies=DANCERS)
    played.controls.set("fx/bodies/place", 90)
    played.on(add=1, bodies=1)
    assert played.frame().tolist() == [128, 128, 128, 128]


def test_time_begins_anew_before_it_grows_too_coarse(stage: Callable[..., Stage]) -> None:
    clock = PLAIN % ("", "vec4(TIME < 0.001, TIME > 21599.0, TIMEDELTA * 15.0, 1.0)")
    played = stage(clock=clock)
    played.on(clock=1)
    assert played.frame().tolist() == [255, 0, 0, 255]
    assert played.frame().tolist() == [0, 0, 128, 255]
    played.clock.frame = int(ANEW_AFTER * 30) - 3
    played.frame()
    assert played.frame().tolist() == [0, 255, 128, 255]
    assert played.frame().tolist() == [255, 0, 128, 255]


def test_sound_reaches_effects_and_it_is_known_whether_any_listens(stage: Callable[..., Stage]) -> None:
    played = stage(listen=LISTEN, add=ADD)
    played.on(add=1)
    played.frame()
    assert not played.chain.hears
    played.on(listen=1, add=0)
    loud = Sound.unpacked(bytes([200] * 512))
    assert played.frame(loud)[0] == 200
    assert played.chain.hears


def test_a_saved_edit_is_taken_up_and_its_new_input_can_be_played(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD)
    played.on(add=1)
    played.controls.set("fx/add/level", 0.25)
    played.frame()
    two = PLAIN % (f'{LEVEL}, {{"NAME": "blue", "TYPE": "float", "DEFAULT": 1}}', "vec4(level, 0.0, blue, 1.0)")
    played.save("add", two, lambda: "fx/add/blue" in played.controls.parameters)
    assert played.frame().tolist() == [64, 0, 255, 255]  # the level stayed where it was
    played.save("add", TIMES, lambda: "fx/add/level" not in played.controls.parameters)
    assert played.frame().tolist() == [64, 64, 64, 255]
    assert played.told == []


def test_an_effect_that_comes_while_the_show_runs_can_be_played(stage: Callable[..., Stage]) -> None:
    played = stage(add=ADD)
    played.save("times", TIMES, lambda: "fx/times_3/mix" in played.controls.parameters)
    played.on(times=1)
    assert played.frame().tolist() == [64, 64, 64, 255]


BROKEN: Mapping[str, tuple[str, str]] = {
    "glsl": ('/*{"INPUTS": []}*/\n\nvoid main() { gl_FragColor = swril(1.0); }\n', "fs:3: "),
    "json": ("/*{\n oops }*/\nvoid main() {}\n", "fs:2: "),
    "no header": ("void main() {}\n", "add.fs"),
    "arity": ('/*{"PASSES": [{"TARGET": "a", "WIDTH": "floor($WIDTH, 2)"}, {}]}*/\nvoid main() {}\n', "floor"),
    "image in a size": (
        f'/*{{"INPUTS": [{IMAGE}], "PASSES": [{{"TARGET": "a", "WIDTH": "$inputImage"}}, {{}}]}}*/\nvoid main() {{}}\n',
        "",
    ),
    "endless default": (PLAIN % ('{"NAME": "a", "TYPE": "float", "DEFAULT": 1e999}', "vec4(a)"), "add"),
    "endless list": (PLAIN % ('{"NAME": "a", "TYPE": "long", "MAX": 1e999}', "vec4(float(a))"), "add"),
    "endless value": (PLAIN % ('{"NAME": "a", "TYPE": "long", "VALUES": [0, 1e999]}', "vec4(float(a))"), "add"),
    "nested": ('/*{"INPUTS": ' + "[" * 5000 + "]" * 5000 + "}*/\nvoid main() {}\n", "add"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_edit_is_told_and_the_last_good_one_plays_on(stage: Callable[..., Stage], kind: str) -> None:
    text, where = BROKEN[kind]
    played = stage(add=ADD)
    played.on(add=1)
    before = played.frame().tolist()
    played.save("add", text, lambda: "add" in played.chain.broken or kind == "image in a size")
    assert played.frame().tolist() == before or kind == "image in a size"
    if "add" in played.chain.broken:
        assert where in played.chain.broken["add"] and played.told[-1].endswith("; it stays as it was")
    played.save("add", TIMES, lambda: "fx/add/level" not in played.controls.parameters)
    assert played.frame().tolist() == [64, 64, 64, 255]
    assert played.chain.broken == {}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_at_the_start_leaves_the_others_playing(stage: Callable[..., Stage], kind: str) -> None:
    played = stage(add=BROKEN[kind][0], times=TIMES)
    played.on(times=1)
    assert played.frame().tolist() == [64, 64, 64, 255]
    assert set(played.chain.broken) <= {"add"}


@pytest.mark.parametrize("kind", ["glsl", "json", "nested"])  # that the driver refuses, we, and Python
@pytest.mark.parametrize("good", [True, False], ids=["once good", "never good"])
def test_a_broken_file_that_is_deleted_is_an_alarm_no_longer(
    stage: Callable[..., Stage], kind: str, good: bool
) -> None:
    text, _ = BROKEN[kind]
    played = stage(add=ADD if good else text)
    if good:
        played.on(add=1)
        played.save("add", text, lambda: "add" in played.chain.broken)
    before = played.frame().tolist()
    (played.folder / "add.fs").unlink()
    played.until(lambda: played.chain.broken == {})
    assert played.told[-1] == "add: its file is gone, and what was wrong with it"
    assert played.frame().tolist() == before
    played.save("add", text, lambda: "add" in played.chain.broken)
    played.save("add", TIMES, lambda: played.chain.broken == {})  # and mended
    played.on(add=1)
    assert played.frame().tolist() == [64, 64, 64, 255]


def test_a_broken_file_that_is_back_as_it_was_is_told_again(stage: Callable[..., Stage]) -> None:
    played = stage(add=BROKEN["glsl"][0])
    file, away = played.folder / "add.fs", played.folder / "add.away"
    file.rename(away)
    played.until(lambda: played.chain.broken == {})
    away.rename(file)  # the same file, of the same time
    played.until(lambda: "add" in played.chain.broken)
    assert played.told[-2] == "add: its file is gone, and what was wrong with it"
    assert "add.fs" in played.told[-1] and "add.fs" in played.chain.broken["add"]


def test_a_good_file_that_is_deleted_ends_no_effect_and_is_none_of_anybody_s_business(
    stage: Callable[..., Stage],
) -> None:
    played = stage(add=ADD)
    played.on(add=1)
    before = played.frame().tolist()
    (played.folder / "add.fs").unlink()
    played.save("times", TIMES, lambda: "fx/times/mix" in played.controls.parameters)  # it has been looked since
    assert played.frame().tolist() == before
    assert played.told == []


@pytest.mark.parametrize("name", ["Plasma 1.2", "Glow 1.0.2", "echo_2", "Ünïcode-9", "_"])
def test_any_name_of_a_file_is_an_effect(stage: Callable[..., Stage], name: str) -> None:
    played = stage(**{name: TIMES})
    (effect,) = played.files.sources
    played.on(**{effect: 1, f"{effect}_2": 1})
    assert played.frame().tolist() == [32, 32, 32, 255]


def test_later_folders_shadow_those_before(context: moderngl.Context, tmp_path: Path) -> None:
    for folder, text in (("one", ADD), ("two", TIMES)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.fs").write_text(text)
    files = EffectFiles([tmp_path / "one", tmp_path / "two"])
    assert files.sources["same"].path == tmp_path / "two" / "same.fs"


def test_an_image_that_an_effect_imports_is_watched_too(stage: Callable[..., Stage], tmp_path: Path) -> None:
    for name, level in (("image", 40), ("other", 80)):
        pixels = np.full((2, 2, 4), (level, level, level, 255), np.uint8)
        (tmp_path / f"{name}.png").write_bytes(png(pixels))
    header = '/*{"IMPORTED": {"still": {"PATH": "image.png"}}}*/'
    played = stage(shown=f"{header}\nvoid main() {{ gl_FragColor = IMG_THIS_PIXEL(still); }}\n")
    played.on(shown=1)
    assert played.frame()[0] == 40
    (tmp_path / "image.png").write_bytes((tmp_path / "other.png").read_bytes() + b" ")
    deadline = time.monotonic() + FAST_ENOUGH
    while played.frame()[0] != 80:
        assert time.monotonic() < deadline, played.told
