"""The commands of export: `dancenet export`, `import-keras` and `encode`, a function each.

What a command needs is imported when it runs: `encode` does without torch.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from engine.metadata import PRECISIONS, BundleError


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dancenet export",
        description="Writes a trained dancer as a bundle that `dancenet --model DIR` plays, after holding its graphs "
        "against PyTorch.",
    )
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="dancer.pt, as `dancenet train` writes it")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle's folder")
    parser.add_argument("--name", help="what the dancer is called (as it was trained)")
    parser.add_argument(
        "--precision",
        choices=("auto", *PRECISIONS),
        default="auto",
        help="fp32: exact graphs alone. int8: beside them those that a CPU plays in a third of the time, images at "
        "40 dB or more. auto: int8 if it comes near enough (auto)",
    )
    return parser.parse_args(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `dancenet export`; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)

    def write() -> Iterable[str]:
        from export.bundle import write_bundle
        from training.dancer import TrainedDancer

        dancer = TrainedDancer.load(options.checkpoint)
        if options.name:
            dancer.name = options.name
        yield f"{options.out}: written; {write_bundle(dancer, options.out, options.precision)}"

    return tell("export", write)


def import_keras(argv: Sequence[str]) -> int:
    """Runs `dancenet import-keras`; returns the exit code."""
    from export.import_keras import parse, run

    options = parse(argv)
    return tell("import-keras", lambda: run(options))


def encode(argv: Sequence[str]) -> int:
    """Runs `dancenet encode`; returns the exit code."""
    from export.encode import parse, run

    options = parse(argv)
    return tell("encode", lambda: run(options))


def tell(command: str, work: Callable[[], Iterable[str]]) -> int:
    """Prints the lines of a command's work as they come, or the one about what is wrong; returns the exit code."""
    try:
        for line in work():
            print(line, flush=True)
    except (ValueError, BundleError) as error:
        print(f"dancenet: {command}: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dancenet: {command}: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
