"""How soon what is played is seen: from an OSC message, and from a click of sound, to the swap of the changed frame.

`python -m benchmarks.latency` plays the show and sends it OSC from another process, at random moments: to a parameter
that counts at once, and to the temperature, which the next step of the dance has to take up. With `--clicks N` and a
PulseAudio or PipeWire server that has a null sink (`pactl load-module module-null-sink`) as its default output, clicks
are played to it, heard from its monitor, and routed to the picture's light.
"""

import multiprocessing
import random
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from benchmarks.show import LOOPBACK, RATE_HZ, describe, frames, introduce, live_show, measured, parser
from engine.commands.live import Live
from engine.routes import Route
from engine.sources.osc_packets import build

# Seconds from one message, or click, to the next: at random between these, so that they come at any place in a frame.
OFTEN, SELDOM = 0.2, 0.4
CLICK_OFTEN, CLICK_SELDOM = 0.6, 1.0
IMMEDIATE, TEMPERATURE, ONSET = "picture/black", "dance/temperature", "audio/onset"
RATE, BLOCK = 48000, 256
# Of full scale; 5 ms of noise.
CLICK, LOUD = 240, 0.5
LIT = 0.5


def send(port: int, key: str, count: int, results: Connection) -> None:
    """Sends `count` values, each greater than the last; hands over [(value, time)]."""
    chance = random.Random(count)
    sent = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(count):
            time.sleep(chance.uniform(OFTEN, SELDOM))
            value = float(np.float32(0.1 + 0.8 * (number + 1) / count))
            message = build(f"/dancenet/{key}", value)
            sent.append((value, time.perf_counter()))
            sender.sendto(message, (LOOPBACK, port))
    results.send(sent)


def click(count: int, results: Connection) -> None:
    """Plays `count` clicks to the default output; hands over the times at which each was written, and the delay until
    it was due to sound, by the sound system's own account."""
    import sounddevice

    chance = random.Random(count)
    noise = np.random.default_rng(1).uniform(-LOUD, LOUD, CLICK).astype(np.float32)
    written: list[tuple[float, float]] = []
    due = [time.perf_counter() + 2.0]

    def fill(out: Any, samples: int, moment: Any, status: Any) -> None:
        out[:] = 0
        now = time.perf_counter()
        if now >= due[0] and len(written) < count:
            out[:CLICK] = noise[:, None]
            written.append((now, moment.outputBufferDacTime - moment.currentTime))
            due[0] = now + chance.uniform(CLICK_OFTEN, CLICK_SELDOM)

    with sounddevice.OutputStream(RATE, BLOCK, "pulse", 2, "float32", 0.05, callback=fill):
        while len(written) < count:
            time.sleep(0.1)
        time.sleep(0.5)
    results.send(written)


class Seen:
    """A sink after the window: when each frame was swapped, and by which values."""

    def __init__(self) -> None:
        self.frames: list[tuple[float, Mapping[str, float]]] = []

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        self.frames.append((time.perf_counter(), values))

    def close(self) -> None:
        """Holds nothing that needs closing."""


class Stepped:
    """A dancer that notes the temperature it is sent on with in each frame."""

    def __init__(self, stage: Live) -> None:
        self.targets: list[float] = []
        self._stage = stage

    def advance(self, dt: float, values: Mapping[str, float]) -> Any:
        self.targets.append(self._stage.controls.target(TEMPERATURE))
        return self._stage.cast.models.advance(dt, values)


def watch(stage: Live, work: Any, *arguments: Any) -> tuple[list[tuple[float, float]], Seen, Stepped]:
    """Runs the show until another process has done its work; what that hands over, and what was seen."""
    seen, stepped = Seen(), Stepped(stage)
    own = [sink for sink in stage.show.sinks if not isinstance(sink, Seen)]
    stage.show.sinks, stage.show.dancer = [*own, seen], stepped
    receiver, sender = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(*arguments, sender), daemon=True)
    worker.start()
    lateness = []
    while not receiver.poll():
        lateness += frames(stage, 1)
    lateness += frames(stage, 5)
    print(f"          {describe(lateness)}")
    return receiver.recv(), seen, stepped


def tell(name: str, seconds: Sequence[float]) -> None:
    """Prints how latencies are spread, in ms and in frames."""
    median, most, worst = np.percentile(np.array(seconds) * 1e3, [50, 99, 100])
    frame = 1e3 / RATE_HZ
    print(
        f"{name:24} {median:5.1f} ms (median), {most:5.1f} (99%: {most // frame:.0f} frame + {most % frame:.1f} ms), "
        f"{worst:5.1f} (worst), of {len(seconds)}"
    )


def first_light(seen: Seen, click: float) -> float | None:
    """When the first frame after the click was lit, None if none was before the next click could be."""
    return next(
        (at for at, values in seen.frames if click < at < click + CLICK_OFTEN and values[IMMEDIATE] > LIT), None
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("latency", __doc__)
    own.add_argument("--messages", type=int, default=200, help="to each of the two parameters (200)")
    own.add_argument("--clicks", type=int, default=0, help="of sound (0)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        with live_show([*show, *(["--audio", "loopback"] if options.clicks else [])]) as stage:
            introduce(stage)
            frames(stage, round(2 * RATE_HZ))
            print(f"picture   begun {stage.clock.lead * 1e3:.1f} ms before it is due")
            sent, seen, _ = watch(stage, send, stage.osc.port, IMMEDIATE, options.messages)
            # Values rise: one that a later one overtook, in a frame that came very late, was seen with it.
            tell(IMMEDIATE, [next(at for at, values in seen.frames if values[IMMEDIATE] >= v) - t for v, t in sent])
            stage.controls.set(IMMEDIATE, 0)
            sent, seen, stepped = watch(stage, send, stage.osc.port, TEMPERATURE, options.messages)
            tell(TEMPERATURE, [seen.frames[stepped.targets.index(value)][0] - at for value, at in sent])
            if options.clicks:
                stage.controls.route(Route(ONSET, IMMEDIATE, 1.0))
                clicks, seen, _ = watch(stage, click, options.clicks)
                lit = [first_light(seen, at) for at, _ in clicks]
                tell("click to light", [light - at for light, (at, _) in zip(lit, clicks, strict=True) if light])
                tell("  of it, output buffer", [delay for _, delay in clicks])
                print(f"          {lit.count(None)} of {len(clicks)} clicks unseen")

    return measured("latency", measure)


if __name__ == "__main__":
    sys.exit(main())
