"""The live show that benchmarks measure: the very one that `dancenet` opens, in a real window on the display at hand.

30 frames a second; 1280x720, a seed of its own and no audio unless the arguments handed on to `dancenet` say otherwise.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from engine.arguments import parse_live
from engine.commands.ending import Failure
from engine.commands.live import Live, NoDisplay, opened
from engine.sinks.window import WindowError
from engine.status import Status

RATE_HZ = 30.0
LOOPBACK = "127.0.0.1"
ARGUMENTS = ("--seed", "7", "--size", "1280x720", "--audio", "off")


def parser(name: str, document: str) -> argparse.ArgumentParser:
    """A benchmark's own options; what it does not know goes to `dancenet`."""
    about = f"{document.partition(chr(10))[0]} Further options are the show's own, as of `dancenet`."
    return argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)


@contextmanager
def live_show(arguments: Sequence[str]) -> Iterator[Live]:
    """The show, opened with these further arguments, at an OSC port of its own."""
    options = parse_live([*ARGUMENTS, *arguments])
    options.osc, options.fps = (LOOPBACK, 0), RATE_HZ
    with closing(Status()) as status, opened(options, status) as stage:
        yield stage


def measured(name: str, measure: Callable[[], None]) -> int:
    """Says on what machine, and measures; returns the exit code."""
    print(f"machine   {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    try:
        measure()
    except (Failure, NoDisplay, WindowError) as error:
        print(f"benchmarks.{name}: {error}", file=sys.stderr)
        return 1
    return 0


def introduce(stage: Live) -> None:
    """Says what the show runs on."""
    bundle = stage.cast.models.bundle
    print(f"screen    {stage.window.context.info['GL_RENDERER']}; paced by {stage.window.pacing}")
    print(f"dancer    {bundle.metadata.name} on {bundle.device.name}")


def frames(stage: Live, count: int) -> list[float]:
    """Runs so many frames; returns what each was late by, in seconds."""
    lateness = []
    for _ in range(count):
        stage.show.tick()
        lateness.append(stage.window.lateness)
    return lateness


def describe(lateness: Sequence[float]) -> str:
    """Late by the show's definition, and how lateness is spread."""
    late = sum(value > 0.5 / RATE_HZ for value in lateness)
    median, most, worst = np.percentile(np.array(lateness) * 1e3, [50, 99, 100])
    return f"{late} late of {len(lateness)}; behind by {median:.2f} ms (median), {most:.2f} (99%), {worst:.2f} (worst)"
