"""Days of dance, at the default temperature and at both ends of the range that suits it: no drift, no freeze, no reset?

`python -m benchmarks.days FOOTAGE --to DIR` has `dancenet render --no-picture` dance at each, and holds the poses of
the first and the last ten minutes against the footage's. A run that was stopped goes on where it was. Exit code: 0
where every bound holds, 1 where one is broken.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine import resources
from engine.arguments import parse_render
from engine.commands.days import days
from engine.commands.ending import Failure
from engine.metadata import Metadata
from engine.poses import Reference, poses
from training.clips import STEPS_A_SECOND
from training.footage import cache_folder, read_footage

DAY = 86400.0
ENDS = (0.3, 1.5)
# The bounds: of a pose that stands, seconds; of how far the late poses are from the footage's, of the early ones'.
LONGEST_STILL, MOST_DRIFT = 3.0, 1.2


def of_footage(paths: Sequence[Path], metadata: Metadata) -> Reference:
    """The poses of the footage. Raises ValueError where nothing of it is usable."""
    footage = read_footage(list(paths), metadata.image_size, "crop", cache_folder())
    return Reference.of(np.concatenate([poses(np.asarray(clip.frames), metadata.image_kind) for clip in footage.clips]))


def broken(report: Mapping[str, Any], default: bool) -> list[str]:
    """Which bounds a report breaks, a line each; resets count at the default temperature alone."""
    lines = []
    if default and report["resets"]:
        lines.append(f"{sum(report['resets'].values())} resets; none are allowed at the default temperature")
    if report["longest_still"] > LONGEST_STILL:
        lines.append(f"stood still for {report['longest_still']:.2f} s; {LONGEST_STILL:g} is allowed")
    ratio = report["fd_pose"]["late_to_early"]
    if ratio and not ratio["of_means"] < MOST_DRIFT:
        lines.append(f"fd_pose is {ratio['of_means']:.2f} times the early one; below {MOST_DRIFT:g} is allowed")
    return lines


def main(argv: Sequence[str] | None = None) -> int:
    """Dances, and prints what came of it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.days", description=__doc__.partition("\n")[0])
    parser.add_argument("footage", type=Path, nargs="+", help="what the dancer was trained on")
    parser.add_argument("--to", type=Path, default=Path("days"), help="folder of the reports (days)")
    parser.add_argument("--seconds", type=float, default=DAY, help=f"of dance each ({DAY:g})")
    parser.add_argument("--dancers", type=int, default=32, help="how many (32)")
    parser.add_argument("--every", type=int, default=10, help="look at one image in so many (10)")
    parser.add_argument("--model", type=Path, help="a bundle (the dancer that ships)")
    parser.add_argument("--temperatures", type=float, nargs="*", default=ENDS, help="beside the default (0.3 1.5)")
    options = parser.parse_args(argv)
    model = options.model or resources.path("models/default")
    metadata = Metadata.read(model)
    default = metadata.defaults.get("temperature", 1.0)
    options.to.mkdir(parents=True, exist_ok=True)
    code = 0
    try:
        reference = of_footage(options.footage, metadata)
        for temperature in (default, *options.temperatures):
            out = options.to / f"{temperature:g}.json"
            words = ["--no-picture", "--resume", "--model", model, "--temperature", temperature, "--seed", 1]
            words += ["--seconds", options.seconds, "--dancers", options.dancers, "--every", options.every]
            days(parse_render([str(out), *map(str, words), "--fps", str(STEPS_A_SECOND)]), reference, "the footage")
            for line in broken(json.loads(out.read_text()), temperature == default):
                code = 1
                print(f"  broken: {line}")
    except (Failure, ValueError) as error:
        print(f"benchmarks.days: {error}", file=sys.stderr)
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
