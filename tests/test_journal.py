"""The journal: lines with their time in files that stay small, on disks that are full, read-only, gone and back."""

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from engine.journal import KEPT, LARGEST, MOST_WAITING, Journal
from engine.status import Status
from tests.display import Screen
from tests.test_command_line import NO_DISPLAY, ROOT, free_port

NOW = datetime(2026, 11, 24, 14, 3, 2, tzinfo=timezone(timedelta(hours=1)))
STAMP = "2026-11-24T14:03:02+01:00"
# Seconds in which a thread has surely done what it was given.
PATIENCE = 10.0


def until(holds: Callable[[], bool]) -> None:
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < PATIENCE
        time.sleep(0.01)


def test_lines_are_written_with_the_time_and_its_zone_after_what_is_there(tmp_path: Path) -> None:
    file = tmp_path / "new" / "dancenet.log"
    for turn in ("one", "two"):
        with Journal(file, lambda: NOW) as journal:
            journal.write(f"runs {turn}")
            journal.write("später")
    assert file.read_text("utf-8").splitlines() == [
        f"{STAMP} {line}" for line in ("runs one", "später", "runs two", "später")
    ]


def test_by_itself_it_tells_local_time(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.log") as journal:
        journal.write("x")
    (stamp, _, line) = (tmp_path / "a.log").read_text().partition(" ")
    assert line == "x\n"
    assert abs(datetime.fromisoformat(stamp) - datetime.now().astimezone()) < timedelta(seconds=PATIENCE)


def test_a_full_file_makes_way_and_three_older_ones_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "dancenet.log"
    for number in range(12):
        with Journal(file, lambda: NOW, largest=100) as journal:
            journal.write(f"line {number:4}")  # 36 bytes with its time: two in a file
    names = ["dancenet.log", *(f"dancenet.log.{number}" for number in (1, 2, 3))]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    kept = [re.findall(r"line +(\d+)", (tmp_path / name).read_text()) for name in names]
    assert kept == [["10", "11"], ["8", "9"], ["6", "7"], ["4", "5"]]
    assert all((tmp_path / name).stat().st_size <= 100 for name in names)


def test_it_never_takes_more_than_four_megabytes() -> None:
    assert (1 + KEPT) * LARGEST == 4 << 20


def test_a_disk_that_is_full_is_told_once_and_written_when_there_is_room(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.write_text("no folder: nothing can be written below it")
    journal = Journal(folder / "dancenet.log", lambda: NOW, retry=0.02)
    journal.write("one")
    until(lambda: bool(journal._failing))
    journal.write("two")
    folder.unlink()
    until(lambda: (folder / "dancenet.log").exists())
    journal.close()
    assert journal.take_told() == [
        f"{folder / 'dancenet.log'}: File exists; the newest lines are kept, the show goes on"
    ]
    assert (folder / "dancenet.log").read_text() == f"{STAMP} one\n{STAMP} two\n"


def test_a_device_without_room_takes_nothing_and_ends_nothing() -> None:
    journal = Journal(Path("/dev/full"), lambda: NOW, retry=0.02)
    for number in range(MOST_WAITING + 10):
        journal.write(f"{number}")
    until(lambda: bool(journal._failing))
    begun = time.monotonic()
    journal.close()
    assert time.monotonic() - begun < 1
    assert journal.take_told() == ["/dev/full: No space left on device; the newest lines are kept, the show goes on"]


def test_of_more_lines_than_are_kept_the_newest_are_and_how_many_are_lost_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.touch()
    journal = Journal(folder / "a.log", lambda: NOW, retry=0.02)
    for number in range(MOST_WAITING + 25):
        journal.write(f"{number}")
    until(lambda: bool(journal._failing))
    folder.unlink()
    until(lambda: (folder / "a.log").exists())
    journal.close()
    lines = (folder / "a.log").read_text().splitlines()
    assert lines[0] == f"{STAMP} 25 lines before this were lost"
    assert lines[1:] == [f"{STAMP} {number}" for number in range(25, MOST_WAITING + 25)]


def test_a_file_that_was_taken_away_is_made_anew(tmp_path: Path) -> None:
    file = tmp_path / "a.log"
    journal = Journal(file, lambda: NOW)
    journal.write("one")
    until(file.exists)
    file.unlink()
    journal.write("two")
    journal.close()
    assert file.read_text() == f"{STAMP} two\n"


def test_an_error_that_ends_the_show_is_written_with_where_it_came_from(tmp_path: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), Journal(tmp_path / "a.log", lambda: NOW) as journal:
        journal.write(f"{1 / 0}")
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert lines[0] == f"{STAMP} Traceback (most recent call last):"
    assert lines[-1] == f"{STAMP} ZeroDivisionError: division by zero"
    assert "test_journal.py" in lines[1]


def test_a_status_writes_what_is_said_to_both_and_repeats_neither(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a.log", lambda: NOW)
    with open(tmp_path / "terminal", "w") as terminal:
        status = Status(terminal, journal=journal)
        for _ in range(9):
            status.say("osc: lost")
        status.say("audio: back")
        journal.close()
    lines = ["osc: lost"] * 4 + ["osc: lost (the 8th time)", "audio: back"]
    assert (tmp_path / "terminal").read_text().splitlines() == [f"dancenet: {line}" for line in lines]
    assert (tmp_path / "a.log").read_text().splitlines() == [f"{STAMP} {line}" for line in lines]


def test_a_terminal_that_is_gone_or_full_ends_no_show() -> None:
    with open("/dev/full", "w") as full:
        status = Status(full)
        status.say("one")
        with contextlib.suppress(OSError):
            full.close()
    status.say("two")
    status.close()
    assert status.message == "two"


@pytest.mark.parametrize("place", ["file", "full"])
def test_a_show_writes_what_it_says(place: str, tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    file = tmp_path / "show.log" if place == "file" else Path("/dev/full")
    options = ("--model", str(tiny_bundle), "--audio", "off", "--size", "160x90", "--seconds", "1")
    result = subprocess.run(
        [sys.executable, "-m", "engine", *options, "--osc", f"127.0.0.1:{free_port()}", "--log-file", str(file)],
        cwd=tmp_path,
        env={**NO_DISPLAY, "PYTHONPATH": str(ROOT), "DISPLAY": os.environ["DISPLAY"]},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    if place == "file":
        said = [line.partition(" ")[2] for line in file.read_text().splitlines()]
        assert [line.removeprefix("dancenet: ") for line in result.stderr.splitlines()] == said
        assert said[0].startswith("runs on ")
    else:
        assert "log file: /dev/full: No space left on device" in result.stderr
