"""How well the live window keeps time: late frames in a minute, beside a bare timer's own lateness.

`python -m benchmarks.pacing` runs the show as `dancenet` does, in a real window on the display at hand, 1280x720 at
30 frames a second. Another process sleeps from one 30th of a second to the next all the while: what it is late by is
the machine's own doing.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from engine import resources
from engine.bundle import BundleError, open_bundle
from engine.clock import WallClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.health import Watchdog
from engine.parameters import PARAMETERS
from engine.picture import Picture
from engine.show import Show, Sink, Source
from engine.sinks.window import Window, WindowError
from engine.sources.keys import Keys
from engine.sources.osc import Osc

RATE_HZ = 30.0
SIZE = (1280, 720)
LIVE_THREADS = 1
SEED = 7


def bare_timer(seconds: float, results: Connection) -> None:
    """Sleeps from one due time to the next for `seconds`; sends what each was late by, in seconds."""
    start = time.perf_counter()
    lateness = []
    for frame in range(1, round(seconds * RATE_HZ) + 1):
        due = start + frame / RATE_HZ
        time.sleep(max(0.0, due - time.perf_counter()))
        lateness.append(time.perf_counter() - due)
    results.send(lateness)


def live(folder: Path, seconds: float) -> list[float]:
    """Runs the show for `seconds`; returns what each frame was late by, in seconds."""
    bundle = open_bundle(folder, "auto", LIVE_THREADS)
    metadata = bundle.metadata
    rows = (*PARAMETERS, *metadata.controls)
    controls = Controls(rows, {f"dance/{name}": value for name, value in metadata.defaults.items()})
    dancer = Dancer(bundle, [SEED])
    clock, keys = WallClock(RATE_HZ), Keys()
    window = Window(clock, keys, SIZE)
    picture = Picture(window.context, bundle.decode, metadata.image_kind, metadata.image_size, window.size)
    sources: list[Source] = [Osc("127.0.0.1", 0, controls, print), keys]
    sinks: list[Sink] = [Watchdog(dancer, metadata, print), window]
    lateness = []
    with closing(Show(clock, sources, controls, dancer, picture, sinks)) as show:
        print(f"screen    {window.context.info['GL_RENDERER']}; paced by {window.pacing}")
        print(f"dancer    {metadata.name} on {bundle.provider.name}, {LIVE_THREADS} thread")
        for _ in range(round(seconds * RATE_HZ)):
            show.tick()
            lateness.append(window.lateness)
    return lateness


def describe(lateness: Sequence[float]) -> str:
    """Late by the show's definition, and how lateness is spread."""
    late = sum(value > 0.5 / RATE_HZ for value in lateness)
    median, most, worst = np.percentile(np.array(lateness) * 1e3, [50, 99, 100])
    return f"{late} late of {len(lateness)}; behind by {median:.2f} ms (median), {most:.2f} (99%), {worst:.2f} (worst)"


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacing", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (60)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="the dancer's bundle (the one that ships)")
    options = parser.parse_args(argv)
    print(f"machine   {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    receiver, sender = multiprocessing.Pipe(duplex=False)
    timer = multiprocessing.get_context("spawn").Process(target=bare_timer, args=(options.seconds, sender))
    timer.start()
    try:
        lateness = live(options.model or resources.path("models/default"), options.seconds)
    except (FileNotFoundError, BundleError, WindowError) as error:
        timer.kill()
        print(f"benchmarks.pacing: {error}", file=sys.stderr)
        return 1
    print(f"show      {describe(lateness)}")
    print(f"timer     {describe(receiver.recv())}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
