"""`dancenet footage FOOTAGE... --out DIR`: what footage becomes, seen and judged before a dancer is trained on it.

What it reads is kept where `dancenet train` looks for it. Exit codes: 0 usable, with warnings or without; 1 nothing
usable; 2 usage.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from training.arguments import SIZE, add_footage_options, look_of, size
from training.clips import STEPS_A_SECOND, image_kind
from training.footage import Footage, cache_folder, read_footage
from training.preview.judging import Warning, judge, judge_all
from training.preview.pictures import write_pictures


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dancenet footage",
        description="Shows what `dancenet train` would learn from, as a contact sheet and a video in DIR; tells each "
        "clip's matte and what is wrong with the footage. Nothing is trained; what is read is kept for the training.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add_footage_options(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the pictures")
    parser.add_argument("--image-size", type=size, default=SIZE, metavar="WxH", help="of the images that are learnt")
    return parser.parse_args(arguments)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        preview(options)
    except ValueError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; what was read whole is kept")
        return 1
    return 0


def say(line: str) -> None:
    print(f"dancenet: footage: {line}", file=sys.stderr)


def preview(options: argparse.Namespace) -> None:
    """Reads, judges, and writes the pictures. Raises ValueError where nothing is usable."""
    options.out.mkdir(parents=True, exist_ok=True)

    def told(takes: list[list[Path]]) -> Iterator[list[Path]]:
        for number, take in enumerate(takes, 1):
            source = take[0] if len(take) == 1 else take[0].parent
            say(f"reading {source} ({number} of {len(takes)})")
            yield take

    footage = read_footage(
        options.footage, options.image_size, options.fit, options.cache or cache_folder(), told, look_of(options)
    )
    for line in report(footage):
        print(line)
    for path in write_pictures(footage, options.out):
        print(f"wrote {path}")


def report(footage: Footage) -> Iterator[str]:
    """The lines of the summary: each clip's matte, what was left out, the warnings and what to do."""
    kind = image_kind(footage.clips)
    notes = dict(footage.notes)
    for clip in footage.clips:
        yield f"{clip.name}: {len(clip) / STEPS_A_SECOND:.1f} s: {notes[clip.name]}"
    for path, reason in footage.left_out:
        yield f"{path}: left out: {reason}"
    warnings: list[Warning] = [warning for clip in footage.clips for warning in judge(clip, kind)]
    warnings += judge_all(footage.clips, sum("#" in clip.name for clip in footage.clips))
    for warning in warnings:
        yield f"warning: {warning}"
    yield f"{footage.summary()}, seen as {kind}; {len(warnings)} warnings"


if __name__ == "__main__":
    sys.exit(main())
