"""How well the live window keeps time: late frames in a minute, beside a bare timer's own lateness.

`python -m benchmarks.pacing` runs the show while another process sleeps from one 30th of a second to the next: what
that is late by is the machine's own doing.
"""

import multiprocessing
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from benchmarks.show import RATE_HZ, describe, frames, introduce, live_show, measured, parser


def bare_timer(seconds: float, results: Connection) -> None:
    """Sleeps from one due time to the next for `seconds`; sends what each was late by, in seconds."""
    start = time.perf_counter()
    lateness = []
    for frame in range(1, round(seconds * RATE_HZ) + 1):
        due = start + frame / RATE_HZ
        time.sleep(max(0.0, due - time.perf_counter()))
        lateness.append(time.perf_counter() - due)
    results.send(lateness)


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("pacing", __doc__)
    own.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        timer = multiprocessing.get_context("spawn").Process(target=bare_timer, args=(options.seconds, sender))
        with live_show(show) as stage:
            introduce(stage)
            timer.start()
            print(f"show      {describe(frames(stage, round(options.seconds * RATE_HZ)))}")
        print(f"timer     {describe(receiver.recv())}")

    return measured("pacing", measure)


if __name__ == "__main__":
    sys.exit(main())
