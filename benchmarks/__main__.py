"""Measures DanceNet beside its peers and the machine's limits: `python -m benchmarks`, or `make bench`.

In one run, on one machine, in turns; medians. Results go to benchmarks/results: JSON with everything, an SVG a part.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks.parts import PARTS, Options
from benchmarks.results import machine, save, show
from engine.metadata import FP32, BundleError, Metadata

ROOT = Path(__file__).parent.parent
QUICK_ROUNDS, QUICK_SECONDS = 3, 3.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measures, prints and writes; returns the exit code: 0 whether or not targets are reached."""
    about = __doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=about)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="which parts (all)")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "default", help="bundle (models/default)")
    parser.add_argument("--threads", type=int, default=2, help="of everyone, but live (2)")
    parser.add_argument("--rounds", type=int, default=15, help="turns that each competitor takes (15)")
    parser.add_argument("--seconds", type=float, default=60.0, help="of what is paced (60)")
    parser.add_argument("--batch", type=int, default=16, help="pictures or passages that training takes at once (16)")
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that everything runs")
    parser.add_argument("--to", type=Path, default=ROOT / "benchmarks" / "results", help="folder of the results")
    options = parser.parse_args(argv)
    try:
        precisions = dict.fromkeys((FP32, Metadata.read(options.model).precision))
    except BundleError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    rounds, seconds = (QUICK_ROUNDS, QUICK_SECONDS) if options.quick else (options.rounds, options.seconds)
    chosen = Options(options.model, tuple(precisions), options.threads, rounds, seconds, options.batch)
    if options.quick:
        chosen = replace(chosen, learned=0)
    console, found, on = Console(), [], machine()
    versions = ", ".join(f"{package} {number}" for package, number in on["versions"].items())
    console.print(f"{on['processor']}, {on['cores']} cores, {on['system']}; Python {on['python']}, {versions}")
    for name in options.part:
        found.append(PARTS[name](chosen))
        show(found[-1], console)
        files = save(found, on, options.to)  # after each part, so that what was measured outlives what fails
    console.print(f"written: {', '.join(str(file) for file in files)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
