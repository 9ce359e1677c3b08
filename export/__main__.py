"""`dancenet export CHECKPOINT --out DIR`: a trained dancer's file -> a bundle. And `dancenet import-keras`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.metadata import PRECISIONS, BundleError
from export.bundle import AUTO, write_bundle
from export.parity import ParityError
from training.bank import PASSAGES
from training.dancer import TrainedDancer


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
        choices=(AUTO, *PRECISIONS),
        default=AUTO,
        help="fp32: exact graphs alone. int8: beside them those that a CPU plays in a third of the time, images at "
        "40 dB or more. auto: int8 if it comes near enough (auto)",
    )
    return parser.parse_args(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        dancer = TrainedDancer.load(options.checkpoint)
        if options.name:
            dancer.name = options.name
        parity = write_bundle(dancer, options.out, options.precision)
    except (ValueError, ParityError, BundleError) as error:
        print(f"dancenet: export: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dancenet: export: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{options.out}: written; {parity}")
    return 0


def import_keras(argv: Sequence[str]) -> int:
    """Runs the command `import-keras`; returns the exit code."""
    from export.import_keras import parse, run  # needs h5py, which nothing else does

    options = parse(list(argv))
    try:
        parity, different = run(options)
    except (ValueError, ParityError, BundleError) as error:
        print(f"dancenet: import-keras: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"dancenet: import-keras: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    if different < PASSAGES:
        print(f"{options.latents}: is short; the bank's {PASSAGES} passages are {different}, repeated")
    print(f"{options.out}: written; {parity}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
