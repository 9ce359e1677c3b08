"""`python -m tests.fuzz [PARSER...] --seconds 60`: fuzzes parsers one after the other, and says what came of it.

Ends with 1 if anything escaped. Inputs that did are kept in .fuzz/; each belongs into its parser's `escapes`, once what
it did is mended. Linux only: it bounds the memory and the processor's time of this process.
"""

import argparse
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz import bundle, isf, osc, show, toml
from tests.fuzz.loop import run

PARSERS = {each.name: each for module in (osc, isf, toml, bundle, show) for each in module.PARSERS}
# Of address space, beyond what is taken when it begins: no input may make a parser take more.
MOST_MEMORY = 1 << 30
KEEP = Path(".fuzz")


def bound_memory() -> None:
    """Has what takes more than `MOST_MEMORY` from here on raise MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzzes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parsers", nargs="*", metavar="PARSER", help=f"of {', '.join(PARSERS)} (all)")
    parser.add_argument("--seconds", type=float, default=60.0, metavar="N", help="for each parser (60)")
    parser.add_argument("--rounds", type=int, metavar="N", help="so many inputs for each instead")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="which inputs (0)")
    options = parser.parse_args(argv)
    if unknown := set(options.parsers) - PARSERS.keys():
        parser.error(f"no parser {min(unknown)!r}; there are {', '.join(PARSERS)}")
    bound_memory()
    escapes = 0
    for name in options.parsers or PARSERS:
        how = {"seconds": options.seconds} if options.rounds is None else {"rounds": options.rounds}
        with tempfile.TemporaryDirectory(prefix="dancenet-fuzz-") as folder:
            found = run(PARSERS[name], Path(folder), options.seed, keep=KEEP, **how)
        escapes += found.escapes
        print(f"{name}: {found.taken} taken, {found.refused} refused, {found.escapes} escaped", flush=True)
    return int(escapes > 0)


if __name__ == "__main__":
    sys.exit(main())
