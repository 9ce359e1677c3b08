"""The status line: updated in place in a terminal, quiet elsewhere."""

import io

import pytest

from engine.status import CLEAR, Status


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Wall:
    """A clock in a test's hands."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def play(stream: io.StringIO, frames: int) -> None:
    wall = Wall()
    status = Status(stream, wall)
    for frame in range(frames):
        wall.time = 10 + frame / 30
        status.frame(lambda: "late 0")
    status.say("osc: unknown address")
    status.close()


def test_in_a_terminal_the_line_is_updated_in_place_a_few_times_a_second() -> None:
    terminal = Terminal()
    play(terminal, 31)
    lines = terminal.getvalue().split(CLEAR)
    assert lines == ["", *[" 30.0 fps  late 0"] * 3, "dancenet: osc: unknown address\n\n"]


def test_elsewhere_only_what_stays_is_written() -> None:
    file = io.StringIO()
    play(file, 31)
    assert file.getvalue() == "dancenet: osc: unknown address\n"


def test_a_line_never_runs_over_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    terminal = Terminal()
    play(terminal, 10)
    assert terminal.getvalue().split(CLEAR)[1] == " 30.0 fps  "
