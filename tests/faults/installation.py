"""An installation to do harm to: `dancenet --installation` as a user starts it, on a small screen of its own, whose
desktop is red."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pythonosc.udp_client import SimpleUDPClient

from engine.state_file import State, StateError, read
from tests.display import Screen, x_server
from tests.test_command_line import ROOT, free_port

SIZE = (320, 180)
RED = (255, 0, 0)
# What a show says when it begins.
BEGUN = "dancenet: runs on "
# Seconds for what takes a moment, even on a machine that is busy with much else.
PATIENCE = 150.0
# The command line, but that a hang is one after 3 s.
IMPATIENT = """\
import sys
from engine.arguments import parse_live
from engine.commands.installation import installation
from engine.supervisor import Patience
sys.exit(installation(parse_live(sys.argv[1:]), sys.argv[1:], Patience(beat=3.0)))
"""


def until(holds: Callable[[], object], what: str) -> None:
    """Waits for it. Fails with `what` after `PATIENCE`."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs, or is stopped; not one that is only waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextmanager
def red_screen(name: str = "") -> Iterator[Screen]:
    with x_server(SIZE, name) as screen:
        paint(screen)
        yield screen


def paint(screen: Screen) -> None:
    subprocess.run(["xsetroot", "-display", screen.name, "-solid", "red"], check=True)
    until(lambda: is_red(screen), "a red desktop")


def is_red(screen: Screen) -> bool:
    """Whether the desktop is seen anywhere."""
    return bool((screen.pixels() == RED).all(axis=2).any())


class Installation:
    """A supervisor, and what it started. `folder` holds its state and whatever it writes."""

    def __init__(self, screen: Screen, folder: Path, *arguments: str, impatient: bool = False) -> None:
        self.screen = screen
        self.folder = folder
        self.state_file = folder / "state" / "dancenet" / "monitor-1.state"
        self.port = free_port()
        self._errors = folder / f"errors-{self.port}"
        every = ["--installation", "--audio", "off", "--osc", f"127.0.0.1:{self.port}", "--seed", "7", *arguments]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, *(("-c", IMPATIENT) if impatient else ("-m", "engine")), *every],
                cwd=folder,
                env={
                    **os.environ,
                    **{"DISPLAY": screen.name, "XDG_STATE_HOME": str(folder / "state"), "PYTHONPATH": str(ROOT)},
                },
                stdout=errors,
                stderr=errors,
            )
        self._begun = 0  # shows that were waited for
        self._osc = SimpleUDPClient("127.0.0.1", self.port)

    @property
    def said(self) -> str:
        return self._errors.read_text()

    @property
    def show(self) -> int:
        """The show's process; 0 where there is none."""
        return self._child("--supervised")

    @property
    def curtain(self) -> int:
        """The curtain's process."""
        return self._child("engine.curtain")

    @property
    def state(self) -> State | None:
        try:
            return read(self.state_file)
        except StateError:
            return None

    def send(self, key: str, *values: object) -> None:
        self._osc.send_message(f"/dancenet/{key}", list(values))

    def plays(self) -> None:
        """Waits until the show, or after that the next one, is seen."""
        self.next_show()
        until(lambda: self.plays_again, f"show {self._begun} to be seen; {self.said}")

    def next_show(self) -> None:
        self._begun += 1

    @property
    def plays_again(self) -> bool:
        """Whether the show that is waited for has begun, a picture is seen, and nothing of the desktop."""
        return self.said.count(BEGUN) >= self._begun and self.lit

    @property
    def lit(self) -> bool:
        pixels = self.screen.pixels()
        return not (pixels == RED).all(axis=2).any() and bool(np.ptp(pixels))

    def says(self, line: str) -> None:
        until(lambda: line in self.said, f"{line!r} in {self.said!r}")

    def keeps(self, holds: Callable[[State], object], what: str) -> None:
        """Waits until the state that is kept is such."""
        until(lambda: (state := self.state) and holds(state), f"{what} in the state; {self.said}")

    def ends(self) -> int:
        """Waits for the end; returns the exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on; {self.said}") from None

    def close(self) -> None:
        """Ends it and all that it started."""
        processes = [pid for pid in (self.show, self.curtain) if pid]
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in processes:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def _child(self, word: str) -> int:
        for pid in children(self.process.pid):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word.encode() in words and alive(pid):
                return pid
        return 0


def children(pid: int) -> Sequence[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextmanager
def installed(screen: Screen, folder: Path, *arguments: str, impatient: bool = False) -> Iterator[Installation]:
    """An installation, which is gone afterwards."""
    installation = Installation(screen, folder, *arguments, impatient=impatient)
    try:
        yield installation
    finally:
        installation.close()


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    """A small screen whose desktop is red."""
    with red_screen() as screen:
        yield screen
