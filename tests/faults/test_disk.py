"""What becomes of a show whose disk is full or read-only: it goes on, says so once, and loses nothing saved."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from engine.show_log import ShowLog
from tests.display import Screen
from tests.faults import slow
from tests.faults.installation import installed, screen, until  # noqa: F401
from tests.test_command_line import frames_of

SIZE = "16m"
FULL = "No space left on device"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs root, and leave to mount a disk; tests/test_recording.py and test_log.py fill files instead")
    yield folder
    for mounted in (tmp_path / "same", folder):
        while mounted.is_mount():
            subprocess.run(["umount", "--lazy", str(mounted)], check=True)


def fill(disk: Path) -> Path:
    """Takes all that is left of the disk."""
    filler = disk / "filler"
    with suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def fill_beside(show: int, disk: Path) -> Path:
    """The same while a show stands still and no file is half written there: one that fails makes room for the next."""

    def stands_still() -> bool:
        os.kill(show, signal.SIGSTOP)
        tasks = Path(f"/proc/{show}/task")
        until(lambda: all(in_state(task / "stat", "T") for task in tasks.iterdir()), "the show to stop")
        if not any(disk.rglob(".*.part")):
            return True
        os.kill(show, signal.SIGCONT)
        return False

    until(stands_still, "a show that writes nothing")
    filler = fill(disk)
    os.kill(show, signal.SIGCONT)
    return filler


def in_state(stat: Path, letter: str) -> bool:
    return stat.read_text().rpartition(")")[2].split()[0] == letter


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    """The disk takes nothing: another mount of it, which is made so while nobody writes to it, lies over it."""
    same = disk.with_name("same")
    same.mkdir(exist_ok=True)
    for options in (["--bind", disk, same], ["-o", "remount,bind,ro", same], ["--bind", same, disk]):
        subprocess.run(["mount", *map(str, options)], check=True)
    yield
    for mounted in (disk, same):
        subprocess.run(["umount", "--lazy", str(mounted)], check=True)


@pytest.fixture
def dancer(tiny_bundle: Path) -> tuple[str, ...]:
    return "--model", str(tiny_bundle), "--scene", "off"


@slow
def test_a_full_or_read_only_disk_takes_no_state_and_no_scene_and_the_older_ones_stay(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    disk: Path,
    tmp_path: Path,
) -> None:
    state, scenes = disk / "show.state", disk / "scenes"
    with installed(screen, tmp_path, *dancer, "--state", str(state), "--scenes", str(scenes)) as installation:
        installation.state_file = state
        installation.plays()
        installation.send("dance/speed", 0.25)
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.25, "what was played")
        installation.send("scene/store", "mine")
        until(lambda: any(scenes.glob("*.toml")), "the scene")
        (scene,) = scenes.glob("*.toml")
        stored, show = scene.read_text(), installation.show
        filler = fill_beside(show, disk)
        installation.send("dance/speed", 0.75)
        installation.send("scene/store", "mine")
        installation.says(f"dancenet: state: {state}: {FULL}; after a crash the show goes on from an older one\n")
        installation.says(f"{scene}: {FULL}; the scene is kept for this show only\n")
        assert installation.lit and installation.show == show
        kept = installation.state
        assert kept and kept.facts["targets"]["dance/speed"] == 0.25 and scene.read_text() == stored
        filler.unlink()
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.75, "what was played meanwhile")
        with read_only(disk):
            installation.send("dance/speed", 0.5)
            installation.says(
                f"dancenet: state: {state}: Read-only file system; after a crash the show goes on from an older"
            )
            os.kill(installation.show, signal.SIGKILL)
            installation.plays()
            installation.says("dancenet: installation: the show ended by signal 9; starting it as it was\n")
        assert installation.said.count(f"{state}: {FULL}") == installation.said.count(f"{scene}: {FULL}") == 1
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.75, "what was kept last")


@slow
def test_a_full_disk_ends_a_recording_and_a_log_which_are_whole_up_to_there(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    disk: Path,
    tmp_path: Path,
) -> None:
    log, said = disk / "show.dnlog", disk / "said.log"
    files = ("--log", str(log), "--record-to", str(disk), "--log-file", str(said))
    with installed(screen, tmp_path, *dancer, *files) as installation:
        installation.plays()
        installation.send("picture/record")
        until(lambda: any(path.stat().st_size > 20_000 for path in disk.glob("*.mp4")), "a recording")
        until(lambda: ShowLog(log).ticks > 30, "a log")
        show = installation.show
        filler = fill(disk)
        installation.says(f"dancenet: log: {log}: {FULL}; the log ends here, the show goes on\n")
        until(lambda: f": {FULL}; " in installation.said.partition("recording /")[2], "the recording's end")
        (film,) = disk.glob("*.mp4")
        assert installation.lit and installation.show == show
        lines = installation.said.splitlines()
        assert sum(line.startswith(f"dancenet: recording {film}: {FULL}; it ends at 0:") for line in lines) == 1
        assert sum(line.startswith(f"dancenet: log: {log}: ") for line in lines) == 1
        assert len(frames_of(film)) >= 30
        danced = ShowLog(log)
        assert danced.ticks > 30 and sum(1 for _ in danced) == danced.ticks
        filler.unlink()
        installation.send("picture/record")
        until(lambda: len(list(disk.glob("*.mp4"))) == 2, "another recording, where there is room again")
