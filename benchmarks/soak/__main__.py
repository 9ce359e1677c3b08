"""Soaks a show: plays it for a while in a real window, with music, OSC and harm by chance, and judges how it took it.

`make soak MINUTES=30`, or `python -m benchmarks.soak --minutes 30`; further options are those of `dancenet`. Exit code:
0 where every bound holds, 1 where one is broken.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.results import machine
from benchmarks.soak.faults import FAULTS, Fault, schedule
from benchmarks.soak.judging import Harm, Record, judge
from benchmarks.soak.probes import BareTimer, Sampler
from benchmarks.soak.telling import tell, write
from benchmarks.soak.venue import Venue, venue
from engine.commands.installation import ours

RESULTS = Path(__file__).parent.parent / "results" / "soak.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Soaks, prints and writes; returns the exit code."""
    about = __doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=about)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (30)")
    parser.add_argument("--seed", type=int, default=1, help="which harm, in which order (1)")
    parser.add_argument(
        "--only", action="append", default=[], choices=[fault.name for fault in FAULTS], help="do this harm alone"
    )
    parser.add_argument("--to", type=Path, default=RESULTS, help="file of the results, JSON")
    options, show = parser.parse_known_args(argv)
    if not 0 < options.minutes < 1e5:
        parser.error("argument --minutes: how many minutes, above 0")
    console = Console()
    try:
        with venue(options.seed, show) as place:
            record = soak(place, 60 * options.minutes, options.seed, console, options.only)
            said = place.installation.said
    except KeyboardInterrupt:
        console.print("soak: stopped")
        return 130
    figures, broken = judge(record)
    tell(figures, broken, console)
    write(options.to, {"machine": machine(), "seed": options.seed, "broken": broken, **figures}, record, said)
    console.print(f"written: {options.to}")
    return 1 if broken else 0


def soak(place: Venue, seconds: float, seed: int, console: Console, only: Sequence[str] = ()) -> Record:
    """Does all the harm of a soak, or `only` some, and watches the show meanwhile."""
    left_out = [f"{fault.name}: {why}" for fault in FAULTS if (why := fault.cannot(place))]
    plan = schedule(seconds, seed, [fault for fault in FAULTS if not fault.cannot(place)], only)
    installation = place.installation
    command, environment = ours("benchmarks.soak.playing", [str(installation.port), str(seed)])
    player = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert player.stdout is not None
    player.stdout.readline()  # it has begun
    began = time.monotonic()
    sampler = Sampler(place.health_port, lambda: installation.show, installation.process.pid, began)
    timer = BareTimer(began)
    harms: list[Harm] = []
    chance = random.Random(seed)
    columns = TextColumn("soak: {task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("all is well", total=seconds)

        def until(at: float) -> None:
            while (now := time.monotonic() - began) < at and installation.process.poll() is None:
                progress.update(task, completed=now)
                time.sleep(min(0.25, at - now))

        try:
            for at, fault in plan:
                until(at)
                if installation.process.poll() is not None or time.monotonic() - began > seconds:
                    break
                progress.update(task, description=fault.name)
                harms.append(harm(place, fault, chance, began))
                progress.update(task, description="all is well")
            until(seconds)
        finally:
            player.kill()
            player.wait()
            sampler.close()
            late = timer.end()
    ended = installation.process.poll() is not None
    return Record(time.monotonic() - began, sampler.samples, harms, late, left_out, ended)


def harm(place: Venue, fault: Fault, chance: random.Random, began: float) -> Harm:
    """Does one; after a deadly one waits until the show is seen again."""
    before, at = place.installation.show, time.monotonic() - began
    fault.do(place, chance)
    seen = place.seen_again(before) if fault.deadly else None
    return Harm(fault.name, at, time.monotonic() - began, fault.deadly, None if seen is None else seen - began)


if __name__ == "__main__":
    sys.exit(main())
