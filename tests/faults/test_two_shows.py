"""What becomes of two shows that are started at once: the second plays too, and says what the first one has."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from engine.state_file import read
from tests.display import Screen
from tests.faults.installation import PATIENCE, until
from tests.test_command_line import ROOT, free_port, run


def test_the_second_show_says_what_is_taken_and_plays_without_it(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    environment = {**os.environ, "DISPLAY": x_display.name, "PYTHONPATH": str(ROOT)}
    osc, health, state, log = free_port(), free_port(), tmp_path / "show.state", tmp_path / "first"
    shared = ("--model", str(tiny_bundle), "--audio", "off", "--scene", "off", "--quality", "1", "--size", "160x90")
    taken = ("--state", str(state), "--osc", f"127.0.0.1:{osc}", "--health", str(health))
    arguments = (*shared, *taken, "--log-file", str(tmp_path / "said"))
    with log.open("wb") as errors:
        first = subprocess.Popen(
            [sys.executable, "-m", "engine", *arguments, "--speed", "0.5"], env=environment, cwd=tmp_path, stderr=errors
        )
    try:
        until(lambda: state.exists(), "the first show's state")
        second = run(*arguments, "--speed", "2", "--seconds", "3", folder=tmp_path, environment=environment)
        assert (second.returncode, second.stdout) == (0, "")
        said = second.stderr.splitlines()
        assert said[0] == (
            f"dancenet: state: {state}: another show keeps its own there; this one begins afresh, and keeps none"
        )
        assert {each.partition(":")[2].strip() for each in said[1:-1]} == {
            f"osc: 127.0.0.1:{osc}: another program listens there; the show goes on without OSC",
            f"health: 127.0.0.1:{health}: another program listens there; the show goes on without its health page",
        }
        assert said[-1].startswith("dancenet: runs on ")
        kept = read(state)
        assert kept and kept.facts["targets"]["dance/speed"] == 0.5, "the first show's alone"
        first.send_signal(signal.SIGTERM)
        assert first.wait(PATIENCE) == 0
        assert log.read_text().count("\n") == 1, "the first heard nothing of the second"
    finally:
        first.kill()
        first.wait()
    third = run(*arguments, "--seconds", "1", folder=tmp_path, environment=environment)
    assert third.returncode == 0 and third.stderr.count("\n") == 1, "what the first had is free again"
