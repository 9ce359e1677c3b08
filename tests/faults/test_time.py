"""What becomes of a show whose clock is set, or whose computer sleeps: nothing but that it goes by the wall's hours."""

import ast
import os
import signal
import time
from pathlib import Path

from engine.supervisor import Patience
from tests.display import Screen
from tests.faults import slow
from tests.faults.installation import installed, screen, until  # noqa: F401

ROOT = Path(__file__).parents[2]
# Seconds: longer than a show that is awake may say nothing.
ASLEEP = Patience().beat + 2
# What tells the wall's time, which anybody may set: for names of files, dates in effects, hours, and lines of a log.
WALL = {"time.time", "time.localtime", "datetime.now", "datetime.today", "datetime.utcnow", "date.today"}
READ_IT = {"commands/live.py", "journal.py", "sinks/live_recorder.py", "sinks/vitals.py", "sources/hours.py"}


def wall_clocks(source: str) -> set[str]:
    """The wall's clocks that a module reads."""
    dotted = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return dotted & WALL


def test_only_what_is_for_people_reads_the_clock_that_they_set() -> None:
    """So that no step of it, by NTP, by hand or in autumn, moves the dance, a fade, a heartbeat or a time-out."""
    engine = ROOT / "engine"
    found = {str(path.relative_to(engine)) for path in engine.rglob("*.py") if wall_clocks(path.read_text())}
    assert found == READ_IT
    for path in engine.rglob("*.py"):
        assert "from time import" not in path.read_text(), path


def test_the_reader_finds_the_wall_s_clocks() -> None:
    source = "a = time.time()\nb = time.monotonic()\nc = later(datetime.now)"
    assert wall_clocks(source) == {"time.time", "datetime.now"}


@slow
def test_a_computer_that_slept_wakes_to_the_same_show(
    screen: Screen,  # noqa: F811
    tiny_bundle: Path,
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, "--model", str(tiny_bundle), "--scene", "off") as installation:
        installation.plays()
        installation.keeps(lambda state: True, "anything")
        show, supervisor = installation.show, installation.process.pid
        everybody = (supervisor, show, installation.curtain)
        for process in everybody:
            os.kill(process, signal.SIGSTOP)
        time.sleep(ASLEEP)
        before = installation.state
        for process in everybody:
            os.kill(process, signal.SIGCONT)
        assert before is not None
        step = int(before.arrays["step"])
        installation.keeps(lambda state: int(state.arrays["step"]) > step + 60, "two seconds of dance more")
        assert installation.show == show and installation.lit
        assert "installation" not in installation.said
        after = installation.state
        assert after is not None and after.facts["time"] - before.facts["time"] > ASLEEP
        until(lambda: installation.lit, "the picture")
