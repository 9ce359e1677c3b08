"""Scenes on stage: recalled by name and number with a fade, stored, in order, and what they leave alone."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import resources
from engine.controls import Controls
from engine.effects import EffectFiles
from engine.parameters import COMMANDS, PARAMETERS, mix_of
from engine.routes import DEFAULT_ROUTES, Route
from engine.scene_files import SceneFiles
from engine.scenes import MOST_GUESSES, Scenes
from tests.test_scene_toml import documented

SHIPPED = resources.path("scenes")
EFFECTS = EffectFiles([resources.path("shaders")]).rows


class Stage:
    """Controls, and scenes from the folder `shipped`."""

    def __init__(self, shipped: Path, own: Path, **defaults: float) -> None:
        self.told: list[str] = []
        self.controls = Controls(
            (*PARAMETERS, *EFFECTS),
            {key.replace("__", "/"): value for key, value in defaults.items()},
            DEFAULT_ROUTES,
            self.told.append,
        )
        self.files = SceneFiles(shipped, own, self.controls.parameters)
        self.scenes = Scenes(self.controls, self.files, self.told.append)
        self.scenes.poll(self.controls)

    def recall(self, *arguments: float | str) -> None:
        self.controls.command("scene/recall", *arguments)

    def after(self, seconds: float, key: str) -> float:
        """A target, so many seconds on."""
        self.controls.advance(seconds)
        return self.controls.target(key)


class Folder:
    """Scenes that a test writes."""

    def __init__(self, root: Path) -> None:
        self.shipped, self.own = root / "shipped", root / "own"
        self.shipped.mkdir()
        self.stages: list[Stage] = []

    def write(self, stem: str, text: str) -> None:
        (self.shipped / f"{stem}.toml").write_text(text)

    def open(self, shipped: Path | None = None, **defaults: float) -> Stage:
        self.stages.append(Stage(shipped or self.shipped, self.own, **defaults))
        return self.stages[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(tmp_path)
    yield folder
    for stage in folder.stages:
        stage.scenes.close()


def at_speed(speed: float, more: str = "") -> str:
    return f'{more}\n[parameters]\n"dance/speed" = {speed}\n'


@pytest.mark.parametrize("which", [2, 2.0, "2", "calm", "Calm", "2-calm", "2-calm.toml", " calm "])
def test_a_scene_is_recalled_by_name_or_number(folder: Folder, which: float | str) -> None:
    folder.write("2-calm", at_speed(0.5))
    folder.write("3-storm", at_speed(2))
    stage = folder.open()
    stage.recall(which, 0)
    assert (stage.controls.target("dance/speed"), stage.scenes.on, stage.told) == (0.5, "2-calm", [])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("clam",), "/dancenet/scene/recall: no scene 'clam'; did you mean \"calm\"?"),
        ((7,), "/dancenet/scene/recall: no scene 7"),
        ((1.5,), "/dancenet/scene/recall: no scene 1.5"),
        ((), "/dancenet/scene/recall: a name or number is wanted"),
        (
            ("calm", "soon"),
            "/dancenet/scene/recall: a fade is seconds, or beats as in 4b, up to 600, not 'soon'",
        ),
    ],
)
def test_what_cannot_be_recalled_is_told_and_nothing_moves(folder: Folder, arguments: tuple, told: str) -> None:
    folder.write("2-calm", at_speed(0.5))
    stage = folder.open()
    stage.recall(*arguments)
    assert stage.told == [told]
    assert (stage.after(9, "dance/speed"), stage.scenes.on) == (1, "")


def test_a_sender_of_wrong_names_gets_only_so_many_guesses(folder: Folder) -> None:
    folder.write("2-calm", at_speed(0.5))
    stage = folder.open()
    for _ in range(MOST_GUESSES + 1):
        stage.recall("clam")
    *first, last = stage.told
    assert all("did you mean" in line for line in first)
    assert last == "/dancenet/scene/recall: no scene 'clam'"


@pytest.mark.parametrize(
    ("about", "arguments", "seconds"),
    [
        ("", ("calm",), 1.0),  # scene/fade
        ("[scene]\nfade = 3\n", ("calm",), 3.0),
        ("[scene]\nfade = '4b'\n", ("calm",), 2.0),
        ("[scene]\nfade = 3\n", ("calm", 5), 5.0),
        ("[scene]\nfade = 3\n", ("calm", "2b"), 1.0),
        ("", ("calm", "2.5"), 2.5),
    ],
)
def test_a_recall_fades_as_asked_for_else_as_its_file_says(
    folder: Folder, about: str, arguments: tuple, seconds: float
) -> None:
    folder.write("2-calm", at_speed(0.5, about))
    stage = folder.open()
    stage.recall(*arguments)
    assert stage.after(seconds / 2, "dance/speed") == pytest.approx(0.75)
    assert stage.after(seconds / 2, "dance/speed") == 0.5


def test_what_a_scene_does_not_name_goes_back_to_where_the_show_began(folder: Folder) -> None:
    folder.write("2-calm", at_speed(0.5))
    stage = folder.open(dance__temperature=0.9)
    for key, value in (("dance/temperature", 2.0), ("dance/dancers", 5), ("lfo/1_beats", 8)):
        stage.controls.set(key, value)
    stage.recall(2, 4)
    assert stage.controls.target("dance/dancers") == 1
    assert stage.controls.target("lfo/1_beats") == 0  # at once: an LFO does not fade
    assert stage.after(2, "dance/temperature") == pytest.approx((2 + 0.9) / 2)
    assert stage.after(2, "dance/temperature") == 0.9


LEFT_ALONE = {
    **{"tempo/bpm": 90.0, "tempo/quantise": 0.0, "scene/fade": 0.0, "scene/every_bars": 8.0, "audio/gain": 2.0},
    **{"dance/seed": 7.0, "dance/frozen": 1.0, "picture/black": 1.0},
}


def test_some_stay_as_they_are_unless_they_are_named(folder: Folder) -> None:
    folder.write("2-calm", at_speed(0.5))
    folder.write("3-named", "[parameters]\n" + "".join(f'"{key}" = 1\n' for key in LEFT_ALONE if key != "tempo/bpm"))
    stage = folder.open()
    for key, value in LEFT_ALONE.items():
        stage.controls.set(key, value)
    stage.recall("calm")
    stage.controls.advance(1)
    assert {key: stage.controls.target(key) for key in LEFT_ALONE} == LEFT_ALONE
    stage.recall("named", 0)
    assert [stage.controls.target(key) for key in LEFT_ALONE] == [90, 1, 1, 1, 1, 1, 1, 1]


def test_routes_are_left_alone_replaced_or_taken_out_as_the_file_says(folder: Folder) -> None:
    folder.write("1-alone", "")
    folder.write("2-other", '[[routes]]\nsignal = "lfo/1"\nparameter = "dance/speed"\namount = 0.2\n')
    folder.write("3-none", "routes = []\n")
    stage = folder.open()
    for number, routes in ((1, [*DEFAULT_ROUTES]), (2, [Route("lfo/1", "dance/speed", 0.2)]), (3, [])):
        stage.recall(number)
        assert list(stage.controls.routes) == routes


def test_scenes_come_in_order_of_number_then_name_and_around(folder: Folder) -> None:
    for stem in ("10-late", "2-b", "2-a", "zebra", "ape"):
        folder.write(stem, "")
    stage = folder.open()
    order = ["2-a", "2-b", "10-late", "ape", "zebra"]
    for stem in [*order, *order]:
        stage.controls.command("scene/next")
        assert stage.scenes.on == stem
    for stem in reversed(order[:-1]):
        stage.controls.command("scene/previous")
        assert stage.scenes.on == stem
    another = folder.open()
    another.controls.command("scene/previous")
    assert another.scenes.on == "zebra"


def test_of_two_with_a_number_one_s_own_is_recalled(folder: Folder) -> None:
    folder.write("1-a", at_speed(1))
    folder.own.mkdir()
    (folder.own / "1-b.toml").write_text(at_speed(2))
    stage = folder.open()
    stage.recall(1)
    assert stage.scenes.on == "1-b"
    stage.recall("a")
    assert stage.scenes.on == "1-a"


def test_without_scenes_next_says_so_and_the_autopilot_is_quiet(folder: Folder) -> None:
    stage = folder.open()
    stage.controls.command("scene/next")
    assert stage.told == [f"/dancenet/scene/next: there are no scenes; scene/store makes one in {folder.own}"]
    stage.scenes.go_on()
    assert len(stage.told) == 1


@pytest.mark.parametrize(
    ("which", "file", "number", "name"),
    [
        (7.0, "7", 7, "7"),
        ("7", "7", 7, "7"),
        ("chorus", "chorus", None, "chorus"),
        ("3-wild one", "3-wild one", 3, "wild one"),
    ],
)
def test_a_show_is_stored_and_recalled_as_it_stood(
    folder: Folder, which: float | str, file: str, number: int | None, name: str
) -> None:
    stage = folder.open(dance__temperature=0.9)
    moved = {"dance/temperature": 1.0, "dance/speed": 0.25, "dance/dancers": 7, "dance/mirror": 1, "lfo/2_beats": 16}
    for key, value in {**moved, "tempo/bpm": 90, "dance/seed": 5}.items():
        stage.controls.set(key, value)
    stage.controls.route(Route("lfo/2", "dance/speed", 0.1, centre=0.5))
    routes = list(stage.controls.routes)
    stage.controls.command("scene/store", which)
    assert stage.scenes.on == file
    stage.scenes.close()

    another = folder.open(dance__temperature=0.9)
    another.recall(which, 0)
    assert {key: another.controls.target(key) for key in moved} == moved
    assert (another.controls.target("tempo/bpm"), another.controls.target("dance/seed")) == (120, 0)
    assert list(another.controls.routes) == routes
    (scene,) = another.scenes.order
    assert (scene.stem, scene.number, scene.name) == (file, number, name)
    assert scene.parameters == moved
    assert another.told == []


def test_a_store_takes_the_place_of_the_scene_and_keeps_its_name_number_fade_and_what_it_named(folder: Folder) -> None:
    folder.write("x", at_speed(0.5, '[scene]\nname = "calm"\nnumber = 2\nfade = "8b"\n') + '"tempo/bpm" = 90\n')
    stage = folder.open()
    stage.controls.set("dance/speed", 3)
    stage.controls.command("scene/store", 2.0)
    stage.scenes.close()
    (scene,) = folder.open().scenes.order
    assert (scene.stem, scene.name, scene.number, str(scene.fade), scene.shipped) == ("x", "calm", 2, "8b", False)
    assert scene.parameters == {"dance/speed": 3, "tempo/bpm": 120}


def test_a_store_is_without_what_routes_add(folder: Folder) -> None:
    stage = folder.open()
    stage.controls.route(Route("audio/bass", "dance/speed", 0.5))
    stage.controls.signal("audio/bass", 1)
    stage.controls.advance(10)
    assert stage.controls.snapshot()["dance/speed"] == 3
    stage.controls.command("scene/store", "chorus")
    assert stage.scenes.order[0].parameters == {}


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", "", " ", "x" * 65, "a.b", "nul\0", "-x"])
def test_a_name_cannot_lead_out_of_the_folder(folder: Folder, name: str) -> None:
    stage = folder.open()
    stage.controls.command("scene/store", name)
    assert stage.told == [
        f"/dancenet/scene/store: {name[:60]!r} is no name: letters, digits, blanks and hyphens, at most 64"
    ]
    assert stage.scenes.order == []


def test_recalls_wait_for_the_bar(folder: Folder) -> None:
    folder.write("2-calm", at_speed(0.5))
    stage = folder.open(tempo__quantise=2)
    stage.recall(2)
    stage.controls.beat(False)
    assert stage.scenes.on == ""
    stage.controls.beat(True)
    assert stage.scenes.on == "2-calm"


def test_a_scene_that_names_what_the_show_no_longer_has_is_recalled_without_it(folder: Folder) -> None:
    folder.write("2-calm", at_speed(0.5) + '"dance/temperature" = 2\n')
    stage = folder.open()
    del stage.controls.parameters["dance/temperature"]
    stage.recall(2, 0)
    assert stage.controls.target("dance/speed") == 0.5


ARGUMENTS = st.floats() | st.text(max_size=80) | st.integers() | st.sampled_from(["calm", "2", "4b", 2.0])


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["scene/recall", "scene/store", "scene/next", "scene/previous"]),
            st.lists(ARGUMENTS, max_size=3),
        ),
        max_size=20,
    )
)
def test_whatever_is_asked_for_the_show_goes_on(asked: list) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Folder(Path(root))
        folder.write("2-calm", at_speed(0.5))
        stage = folder.open()
        for key, arguments in asked:
            stage.controls.command(key, *arguments)
            stage.controls.advance(0.1)
        assert all(math.isfinite(value) for value in stage.controls.snapshot().values())
        assert all(len(line) < 300 for line in stage.told)
        stage.scenes.close()
        assert {path.suffix for path in folder.own.glob("*")} <= {".toml", ".bak"}


# The scenes that ship, and the document.


def test_the_document_names_every_scene_that_ships(folder: Folder) -> None:
    order = folder.open(SHIPPED).scenes.order
    assert documented("number") == [str(scene.number) for scene in order]
    assert [f"{scene.number}-{scene.name}" for scene in order] == [scene.stem for scene in order]


@pytest.mark.parametrize("name", [path.stem.partition("-")[2] for path in sorted(SHIPPED.glob("*.toml"))])
def test_every_scene_that_ships_is_right_and_a_dance_of_its_own(folder: Folder, name: str) -> None:
    stage = folder.open(SHIPPED, dance__temperature=0.9)
    assert f"| {name} |" in (SHIPPED.parent / "docs" / "scenes.md").read_text()
    stage.recall(name)
    assert stage.told == []

    def look(stage: Stage) -> tuple:
        stage.controls.advance(60)
        values = stage.controls.snapshot()
        # What an effect was set to that is off is not seen.
        seen = {key: value for key, value in values.items() if not mix_of(key) or values[mix_of(key)] > 0}
        return seen, set(stage.controls.routes)

    mine = look(stage)
    for scene in stage.scenes.order:
        stage.recall(scene.stem)
        assert (look(stage) == mine) == (scene.name == name)


def test_every_command_of_the_document_is_one(folder: Folder) -> None:
    known = {command.address for command in COMMANDS}
    (folder.own).mkdir()
    for line in documented("command"):
        address, *arguments = line.split()
        assert address in known
        stage = folder.open(SHIPPED)
        stage.controls.command(address.removeprefix("/dancenet/"), *arguments)
        assert stage.told == []
        assert stage.scenes.on
