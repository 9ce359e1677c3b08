"""What `dancenet train` says in the terminal, from whichever of its processes: one line on stderr."""

import sys


def say(line: str) -> None:
    print(f"dancenet: train: {line}", file=sys.stderr)
