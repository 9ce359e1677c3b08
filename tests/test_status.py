"""The status line: updated in place in a terminal, quiet elsewhere."""

import io

import pytest

from engine.status import CLEAR, Fact, Status


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


class Wall:
    """A clock in a test's hands."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def play(stream: io.StringIO, frames: int) -> Status:
    wall = Wall()
    status = Status(stream, wall)
    for frame in range(frames):
        wall.time = 10 + frame / 30
        status.frame(lambda: [Fact("late", "0"), Fact("osc", "127.0.0.1:9010", essential=False), Fact("seed", "7")])
    status.say("osc: unknown address")
    status.close()
    return status


def test_in_a_terminal_the_line_is_updated_in_place_with_what_is_essential() -> None:
    terminal = Terminal()
    play(terminal, 31)
    lines = terminal.getvalue().split(CLEAR)
    assert lines == ["", *[" 30.0 fps  late 0  seed 7"] * 3, "dancenet: osc: unknown address\n\n"]


def test_elsewhere_only_what_stays_is_written() -> None:
    file = io.StringIO()
    play(file, 31)
    assert file.getvalue() == "dancenet: osc: unknown address\n"


def test_the_rate_and_the_last_message_are_kept_for_the_hud() -> None:
    status = play(io.StringIO(), 31)
    assert status.rate == pytest.approx(30)
    assert status.message == "osc: unknown address"


def test_a_line_never_runs_over_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "12")
    terminal = Terminal()
    play(terminal, 10)
    assert terminal.getvalue().split(CLEAR)[1] == " 30.0 fps  "
