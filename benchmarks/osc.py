"""What a flood of OSC costs: late frames of a live show with it and without, and whether the newest value arrives.

`python -m benchmarks.osc` plays the show twice: alone, then with another process sending 5,000 messages a second to it.
The messages of one parameter are numbered, so that each frame can tell whether it has the newest that was sent before
it began. With `--audio default` the show listens meanwhile.
"""

import itertools
import multiprocessing
import socket
import sys
import time
from collections.abc import Sequence
from ctypes import c_int64
from multiprocessing.sharedctypes import Synchronized

from benchmarks.show import LOOPBACK, RATE_HZ, describe, frames, introduce, live_show, measured, parser
from engine.controls import Controls
from engine.sources.osc import Osc
from engine.sources.osc_packets import NUMBERS, build

MESSAGES_A_SECOND = 5000
# Sent in a row, so that the sender sleeps 500 times a second.
AT_ONCE = 10
# Moves nothing without a beat, and numbers go through it exactly: one is a thousandth of it, from its lowest up.
NUMBERED, NUMBERED_LOW, STEP = "/dancenet/tempo/latency", -500.0, 1e-3
# What else is played: what it moves, a unit, a command held down, an address that is not there, a pattern.
OTHERS = (
    build("/dancenet/dance/temperature", 1.0),
    build("/dancenet/dance/speed/unit", 0.25),
    build("/dancenet/dance/reset", 0.0),
    build("/dancenet/no/such", 1.0),
    build("/dancenet/lfo/[12]_rate", 0.5),
)
FIRST = build(NUMBERED, 0.0)[:-8]  # its address padded, to which a double is put


def numbered(number: int) -> bytes:
    """The message with this number."""
    return FIRST + b",d\x00\x00" + NUMBERS["d"].pack(NUMBERED_LOW + number * STEP)


def flood(port: int, newest: "Synchronized[int]") -> None:
    """Sends MESSAGES_A_SECOND until it is killed, every other one numbered; `newest` is the last number sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        began = time.perf_counter()
        for burst in itertools.count():
            for place in range(0, AT_ONCE, 2):
                sender.sendto(OTHERS[place // 2], (LOOPBACK, port))
                number = burst * AT_ONCE // 2 + place // 2 + 1
                sender.sendto(numbered(number), (LOOPBACK, port))
                newest.value = number
            time.sleep(max(0.0, began + (burst + 1) * AT_ONCE / MESSAGES_A_SECOND - time.perf_counter()))


class Watched:
    """The OSC source, which counts the frames that did not have the newest number sent before they began."""

    def __init__(self, osc: Osc, newest: "Synchronized[int]") -> None:
        self.osc = osc
        self.stale = 0
        self._newest = newest

    def poll(self, controls: Controls) -> None:
        sent = self._newest.value
        self.osc.poll(controls)
        if sent and round((controls.target("tempo/latency") - NUMBERED_LOW) / STEP) < sent:
            self.stale += 1

    def close(self) -> None:
        self.osc.close()


def play(show: Sequence[str], seconds: float, flooded: bool) -> None:
    """Plays the show for `seconds` and prints how it kept time."""
    context = multiprocessing.get_context("spawn")
    newest = context.Value(c_int64, 0)
    with live_show(show) as stage:
        osc = stage.osc
        watched = Watched(osc, newest)
        stage.show.sources = [watched if source is osc else source for source in stage.show.sources]
        sender = context.Process(target=flood, args=(osc.port, newest), daemon=True)
        if flooded:
            sender.start()
        else:
            introduce(stage)
        frames(stage, round(2 * RATE_HZ))
        while flooded and not newest.value:  # the sender starts Python first
            frames(stage, 1)
        before, began, watched.stale = osc.received, stage.clock.now(), 0
        lateness = frames(stage, round(seconds * RATE_HZ))
        received, taken = osc.received - before, stage.clock.now() - began
        if flooded:
            sender.kill()
            sender.join()
        print(f"{'flooded' if flooded else 'alone':9} {describe(lateness)}")
        if flooded:
            print(f"messages  {received / taken:.0f} a second heard, {osc.dropped} dropped")
            print(f"newest    missing in {watched.stale} of {2 * len(lateness)} looks")


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("osc", __doc__)
    own.add_argument("--seconds", type=float, default=60.0, help="how long each (60)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        for flooded in (False, True):
            play(show, options.seconds, flooded)

    return measured("osc", measure)


if __name__ == "__main__":
    sys.exit(main())
