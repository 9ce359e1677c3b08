"""How well the live window keeps time: late frames in a minute, beside a bare timer's own lateness.

`python -m benchmarks.pacing` runs the show while another process sleeps from one 30th of a second to the next: what
that is late by is the machine's own doing. With `--busy`, a third process keeps one core busy; with
`--pinned`, the picture's corners are moved, as for a projector that is not straight.
"""

import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.company import most_memory
from benchmarks.show import RATE_HZ, describe, frames, introduce, live_show, measured, parser

# Where a projector that stands a little to the side has the corners.
PINNED = {"top_left_x": 0.03, "top_left_y": -0.04, "bottom_right_x": -0.05, "bottom_right_y": 0.02}

FRESH = multiprocessing.get_context("spawn")


def bare_timer(seconds: float, results: Connection) -> None:
    """Sleeps from one due time to the next for `seconds`; sends what each was late by, in seconds."""
    start = time.perf_counter()
    lateness = []
    for frame in range(1, round(seconds * RATE_HZ) + 1):
        due = start + frame / RATE_HZ
        time.sleep(max(0.0, due - time.perf_counter()))
        lateness.append(time.perf_counter() - due)
    results.send(lateness)


def keep_busy() -> None:
    """Uses a core up until the process is ended."""
    while True:
        pass


@contextmanager
def one_core_busy(busy: bool = True) -> Iterator[None]:
    """A process beside that never rests, or with `busy` false none."""
    if not busy:
        yield
        return
    process = FRESH.Process(target=keep_busy, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.terminate()
        process.join()


@contextmanager
def timer_beside(seconds: float) -> Iterator[Connection]:
    """The bare timer running beside for `seconds`; what is yielded receives its lateness."""
    receiver, sender = FRESH.Pipe(duplex=False)
    process = FRESH.Process(target=bare_timer, args=(seconds, sender))
    process.start()
    try:
        yield receiver
    finally:
        process.join()


def pace(show: Sequence[str], seconds: float, busy: bool, tell: bool = False) -> dict[str, Any]:
    """Runs the show for `seconds`: its lateness and the timer's, the share of a core used, its memory in bytes."""
    with one_core_busy(busy), live_show(show) as stage:
        if tell:
            introduce(stage)
        with timer_beside(seconds) as timer:
            begun, used = time.perf_counter(), time.process_time()
            lateness = frames(stage, round(seconds * RATE_HZ))
            share = (time.process_time() - used) / (time.perf_counter() - begun)
            bare = timer.recv()
    return {"lateness": lateness, "timer": bare, "share": share, "memory": most_memory()}


class Paced:
    """What `benchmarks.worker` serves."""

    def __init__(self, threads: int) -> None:
        del threads  # a live show has its own

    def pace(self, show: list[str], seconds: float, busy: bool) -> dict[str, Any]:
        return pace(show, seconds, busy)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("pacing", __doc__)
    own.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    own.add_argument("--busy", action="store_true", help="with one core kept busy by another process")
    own.add_argument("--pinned", action="store_true", help="with the picture's corners moved")
    options, show = own.parse_known_args(argv)
    if options.pinned:
        show += [word for corner, moved in PINNED.items() for word in ("--set", f"output/{corner}={moved}")]

    def measure() -> None:
        found = pace(show, options.seconds, options.busy, tell=True)
        print(f"show      {describe(found['lateness'])}")
        print(f"timer     {describe(found['timer'])}")
        print(f"uses      {found['share']:.0%} of a core, {found['memory'] / 1e6:.0f} MB")

    return measured("pacing", measure)


if __name__ == "__main__":
    sys.exit(main())
