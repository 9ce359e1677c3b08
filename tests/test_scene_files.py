"""Scenes on a real disk: shadowed, read again when they change, written whole or not at all, off the frame's thread."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from engine import scene_files
from engine.folders import configuration_folder
from engine.parameters import PARAMETERS
from engine.scene import Scene
from engine.scene_files import MOST_TOLD, SceneFiles
from engine.scene_toml import write

ROWS = {row.key: row for row in PARAMETERS}
# Longer than the thread of a busy machine is ever kept waiting; tests that pass never wait so long.
PATIENCE = 60.0


def put(file: Path, text: str) -> None:
    """Whole or not at all, so that a look taken meanwhile finds no half of it."""
    part = file.with_name(f".{file.name}.put")
    part.write_text(text)
    os.replace(part, file)


class Folders:
    """A folder of scenes that ship and one of the performer's."""

    def __init__(self, root: Path) -> None:
        self.shipped, self.own = root / "shipped", root / "config" / "scenes"
        self.shipped.mkdir()

    def ship(self, stem: str, text: str = "") -> None:
        put(self.shipped / f"{stem}.toml", text)

    def keep(self, stem: str, text: str = "") -> None:
        self.own.mkdir(parents=True, exist_ok=True)
        put(self.own / f"{stem}.toml", text)

    @contextmanager
    def opened(self, look_every: float = PATIENCE) -> Iterator[SceneFiles]:
        with closing(SceneFiles(self.shipped, self.own, ROWS, look_every)) as files:
            yield files


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def at_speed(speed: float) -> str:
    return f'[parameters]\n"dance/speed" = {speed}\n'


def stored(stem: str, speed: float) -> tuple[Scene, str]:
    scene = Scene(stem, stem, None, None, {"dance/speed": speed}, None)
    return scene, write(scene, ROWS)


def speeds(files: SceneFiles) -> dict[str, float]:
    return {stem: scene.parameters["dance/speed"] for stem, scene in files.scenes.items()}


def wait_until(holds: Callable[[], bool]) -> None:
    """Gives the thread its turns until it has done what is asked for."""
    turn = threading.Event()
    for _ in range(round(PATIENCE / 0.01)):
        if holds():
            return
        turn.wait(0.01)
    raise AssertionError(f"not within {PATIENCE:g} s")


def next_told(files: SceneFiles) -> list[str]:
    """The next lines that the thread has to tell."""
    told: list[str] = []

    def take() -> bool:
        told.extend(files.take_told())
        return bool(told)

    wait_until(take)
    return told


def test_one_s_own_scene_shadows_the_one_of_the_same_file_name_that_ships(folders: Folders) -> None:
    folders.ship("1-calm", at_speed(1))
    folders.ship("2-storm", at_speed(2))
    folders.keep("1-calm", at_speed(3))
    with folders.opened() as files:
        assert speeds(files) == {"1-calm": 3, "2-storm": 2}
        assert {stem: scene.shipped for stem, scene in files.scenes.items()} == {"1-calm": False, "2-storm": True}
        assert files.take_told() == []


def test_other_files_are_no_scenes(folders: Folders) -> None:
    folders.keep("calm")
    for name in ("calm.toml.bak", ".calm.part", ".hidden.toml", "notes.txt"):
        (folders.own / name).write_text("")
    with folders.opened() as files:
        assert list(files.scenes) == ["calm"]


def test_a_file_that_changes_comes_or_goes_is_noticed(folders: Folders) -> None:
    folders.keep("calm", at_speed(1))
    folders.keep("storm", at_speed(2))
    with folders.opened(look_every=0.01) as files:
        folders.keep("calm", at_speed(0.25))
        folders.keep("new", at_speed(4))
        (folders.own / "storm.toml").unlink()
        wait_until(lambda: speeds(files) == {"calm": 0.25, "new": 4})
        assert files.take_told() == []


def test_a_broken_edit_is_told_once_and_the_scene_stays_as_it_was(folders: Folders) -> None:
    folders.keep("calm", at_speed(1))
    with folders.opened(look_every=0.01) as files:
        folders.keep("calm", "[parameters\n")
        told = next_told(files)
        folders.keep("later", at_speed(2))
        wait_until(lambda: "later" in files.scenes)
        assert speeds(files) == {"calm": 1, "later": 2}
        assert [*told, *files.take_told()] == [
            f"{folders.own / 'calm.toml'}: Expected ']' at the end of a table declaration (at line 1, column 12); "
            "the scene stays as it was"
        ]


def test_a_folder_that_is_pulled_out_takes_no_scene_away(folders: Folders) -> None:
    folders.ship("calm", at_speed(1))
    folders.keep("storm", at_speed(2))
    with folders.opened(look_every=0.01) as files:
        folders.own.rename(folders.own.parent / "elsewhere")
        assert next_told(files) == [f"{folders.own}: No such file or directory; its scenes stay as they were"]
        folders.ship("later", at_speed(3))
        wait_until(lambda: "later" in files.scenes)
        assert speeds(files) == {"calm": 1, "storm": 2, "later": 3}
        (folders.own.parent / "elsewhere").rename(folders.own)
        folders.keep("storm", at_speed(0.25))
        wait_until(lambda: speeds(files)["storm"] == 0.25)
        assert files.take_told() == []


def test_a_link_that_leads_nowhere_and_a_folder_are_no_scenes(folders: Folders) -> None:
    folders.keep("good", at_speed(1))
    (folders.own / "lost.toml").symlink_to(folders.own / "nowhere")
    (folders.own / "folder.toml").mkdir()
    with folders.opened() as files:
        assert list(files.scenes) == ["good"]
        assert files.take_told() == [f"{folders.own / 'folder.toml'}: Is a directory; the scene stays as it was"]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"[" * 100_000, b"x = " + b"[" * 100_000], ids=["bytes", "keys", "deep"]
)
def test_no_file_ends_the_show(folders: Folders, content: bytes) -> None:
    folders.keep("good", at_speed(1))
    (folders.own / "bad.toml").write_bytes(content)
    with folders.opened() as files:
        assert list(files.scenes) == ["good"]
        assert len(files.take_told()) == 1


def test_of_many_wrong_lines_a_few_are_told(folders: Folders) -> None:
    folders.keep("wrong", "".join(f"a{number} = 1\n" for number in range(MOST_TOLD + 3)))
    with folders.opened() as files:
        *_, last = told = files.take_told()
    assert len(told) == MOST_TOLD + 1
    assert last == f"{folders.own / 'wrong.toml'}: and 3 lines like these"


def test_a_stored_scene_is_there_at_once_and_on_disk_when_the_show_ends(folders: Folders) -> None:
    with folders.opened() as files:
        files.store(*stored("chorus", 2))
        assert speeds(files) == {"chorus": 2}
    assert (folders.own / "chorus.toml").read_text() == stored("chorus", 2)[1]
    assert sorted(path.name for path in folders.own.iterdir()) == ["chorus.toml"]
    with folders.opened() as files:
        assert speeds(files) == {"chorus": 2}


def test_the_older_file_is_kept_beside_it(folders: Folders) -> None:
    folders.keep("chorus", f"# mine\n{at_speed(1)}")
    with folders.opened() as files:
        files.store(*stored("chorus", 2))
    assert (folders.own / "chorus.toml.bak").read_text() == f"# mine\n{at_speed(1)}"
    with folders.opened() as files:
        files.store(*stored("chorus", 3))
    assert (folders.own / "chorus.toml.bak").read_text() == stored("chorus", 2)[1]
    assert sorted(path.name for path in folders.own.iterdir()) == ["chorus.toml", "chorus.toml.bak"]


def test_the_scenes_that_ship_are_never_written_to(folders: Folders) -> None:
    folders.ship("1-calm", at_speed(1))
    with folders.opened() as files:
        files.store(*stored("1-calm", 2))
    assert (folders.shipped / "1-calm.toml").read_text() == at_speed(1)
    assert (folders.own / "1-calm.toml").exists()


def test_storing_never_waits_for_the_disk(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    hung, on = threading.Event(), threading.Event()
    replace = os.replace

    def hang(*paths: Path) -> None:
        hung.set()
        on.wait(PATIENCE)
        replace(*paths)

    monkeypatch.setattr(os, "replace", hang)
    with folders.opened(look_every=0.01) as files:
        files.store(*stored("chorus", 1))
        assert hung.wait(PATIENCE)
        for speed in (2, 3, 4):  # while the disk hangs
            files.store(*stored("chorus", speed))
        assert speeds(files) == {"chorus": 4}
        on.set()
    assert (folders.own / "chorus.toml").read_text() == stored("chorus", 4)[1]
    assert (folders.own / "chorus.toml.bak").read_text() == stored("chorus", 1)[1]


def test_a_full_disk_is_told_the_scene_stays_and_the_older_file_is_whole(folders: Folders) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    folders.keep("chorus", at_speed(1))
    (folders.own / ".chorus.part").symlink_to("/dev/full")
    with folders.opened(look_every=0.01) as files:
        files.store(*stored("chorus", 2))
        told = next_told(files)
        assert told == [f"{folders.own / 'chorus.toml'}: No space left on device; the scene is kept for this show only"]
        assert speeds(files) == {"chorus": 2}
    assert (folders.own / "chorus.toml").read_text() == at_speed(1)
    assert sorted(path.name for path in folders.own.iterdir()) == ["chorus.toml"]


def test_a_folder_that_cannot_be_made_is_told_and_the_show_goes_on(folders: Folders) -> None:
    folders.own.parent.mkdir()
    folders.own.write_text("a file in the folder's place")
    files = SceneFiles(folders.shipped, folders.own, ROWS)
    files.store(*stored("chorus", 2))
    files.close()
    assert files.take_told() == [
        f"{folders.own}: Not a directory; its scenes stay as they were",
        f"{folders.own / 'chorus.toml'}: File exists; the scene is kept for this show only",
    ]
    assert speeds(files) == {"chorus": 2}


def test_a_sender_gone_wild_does_not_fill_the_disk(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene_files, "MOST_SCENES", 4)
    with folders.opened() as files:
        for number in range(4):
            files.store(*stored(f"scene {number}", 1))
        with pytest.raises(ValueError, match="there are 4 scenes already"):
            files.store(*stored("one more", 1))
        files.store(*stored("scene 3", 2))
    assert len(speeds(files)) == 4
    assert speeds(files)["scene 3"] == 2


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {"HOME": "/home/vj"}, "/home/vj/.config/dancenet/scenes"),
        ("linux", {"HOME": "/home/vj", "XDG_CONFIG_HOME": "/config"}, "/config/dancenet/scenes"),
        ("darwin", {"HOME": "/Users/vj"}, "/Users/vj/Library/Application Support/dancenet/scenes"),
        ("win32", {"APPDATA": "/roaming"}, "/roaming/dancenet/scenes"),
    ],
)
def test_the_performer_s_folder_is_where_the_system_has_such_things(
    system: str, environment: dict, folder: str
) -> None:
    assert configuration_folder(environment, system) / "scenes" == Path(folder)
