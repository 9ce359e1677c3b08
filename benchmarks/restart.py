"""How soon a show that is killed is seen again, and how old the state is that it goes on from.

On the display that there is, with the dancer that ships: `python -m benchmarks.restart`, and options of the live show.
A show starts as `dancenet --installation` starts it; its first heartbeat comes right after its first frame.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engine.commands.installation import ours
from engine.exit_codes import NO_DISPLAY
from engine.leash import Kept
from engine.state_file import read

# Seconds for a first frame; what the issue asks for is 2.
PATIENCE = 60.0


def started(arguments: Sequence[str], state: Path) -> Kept:
    """A show that has shown its first frame. Raises SystemExit where none comes."""
    show = Kept(*ours("engine", ["--installation", *arguments, "--supervised", "--state", str(state)]))
    deadline = time.monotonic() + PATIENCE
    while show.beaten is None:
        if (code := show.wait(0.001)) is not None or time.monotonic() > deadline:
            show.kill()
            raise SystemExit(f"restart: {'no display here' if code == NO_DISPLAY else 'the show shows nothing'}")
    return show


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.restart", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often it is killed (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="that it plays before (5)")
    own, arguments = parser.parse_known_args(argv)
    away, age = [], []
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "show.state"
        show = started(arguments, state)
        for _ in range(own.rounds):
            time.sleep(own.seconds)
            killed = time.monotonic()
            show.kill()
            show = started(arguments, state)
            away.append(show.beaten - killed if show.beaten else PATIENCE)
            kept = read(state)
            age.append(killed - kept.facts["time"] if kept else PATIENCE)
        show.end()
        show.wait(PATIENCE)
    print(f"restart   first frame {statistics.median(away):.2f} s after SIGKILL (at most {max(away):.2f})")
    print(f"          from a state {statistics.median(age):.2f} s old (at most {max(age):.2f}), {own.rounds} rounds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
