"""The command line, `dancenet`: plays a dancer live, renders one, and hands training and export over.

What a command needs is imported when it runs, so that `--help` and `--version` answer at once. Exit codes: 0 fine, 1
failed, 2 usage.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from engine import resources
from engine.arguments import (
    parse_config,
    parse_controls,
    parse_devices,
    parse_isf_check,
    parse_live,
    parse_log,
    parse_render,
    parse_service,
    parse_still,
)
from engine.commands.ending import FAILED, FINE, Failure

# What the extras bring that other packages' commands need.
BROUGHT = {"training": ("torch", "onnx", "cv2"), "keras": ("h5py",)}

# Of numpy's products, which are small here: threads would wait awake for the next one, on cores that decode and draw.
ONE_THREAD = "OPENBLAS_NUM_THREADS", "1"


@dataclass(frozen=True)
class Elsewhere:
    """A command of another package, which the live show does without: a function of its `__main__`, the extras that it
    needs, and what of those it does without.
    """

    package: str
    function: str
    extras: tuple[str, ...]
    without: tuple[str, ...] = ()


HANDED_OVER = {
    "train": Elsewhere("training", "main", ("training",)),
    "footage": Elsewhere("training.preview", "main", ("training",), without=("torch", "onnx")),
    "export": Elsewhere("export", "main", ("training",), without=("cv2",)),
    "import-keras": Elsewhere("export", "import_keras", ("training", "keras"), without=("cv2",)),
    "encode": Elsewhere("export", "encode", ()),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return run(arguments[0] if arguments else "", arguments)
    except Failure as failure:
        print(f"dancenet: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        print("dancenet: stopped", file=sys.stderr)
        return FAILED


def run(command: str, arguments: list[str]) -> int:
    """Runs a command, given all arguments, its own name among them. Raises Failure."""
    rest = arguments[1:]
    if command in HANDED_OVER:
        return hand_over(command, HANDED_OVER[command], rest)
    os.environ.setdefault(*ONE_THREAD)
    if command == "render":
        options = parse_render(rest)
        if options.no_picture:
            from engine.commands.days import days

            return days(options)
        if options.replay:
            from engine.commands.replay import replay

            return replay(options)
        from engine.commands.render import render

        return render(options)
    if command == "still":
        options = parse_still(rest)
        from engine.commands.still import still

        return still(options)
    if command in ("decode", "model", "explore"):
        from engine import bundle_arguments

        options = getattr(bundle_arguments, f"parse_{command}")(rest)
        function = getattr(importlib.import_module(f"engine.commands.{command}"), command)
        code: int = function(options)
        return code
    if command == "log":
        options = parse_log(rest)
        from engine.commands.replay import log

        return log(options)
    if command == "isf-check":
        options = parse_isf_check(rest)
        from engine.commands.isf_check import isf_check

        return isf_check(options)
    if command == "config":
        print(parse_config(rest).toml(), end="")
        return FINE
    if command == "service":
        options = parse_service(rest)
        from engine.commands.service import service

        return service(options)
    if command == "devices":
        parse_devices(rest)
        from engine.devices import report

        print(report())
        return FINE
    if command == "controls":
        parse_controls(rest)
        from engine.effects import EffectFiles
        from engine.reference import markdown

        print(markdown(EffectFiles([resources.path("shaders")]).headers), end="")
        return FINE
    options = parse_live(arguments)
    if options.installation and not options.supervised:
        from engine.commands.installation import installation

        return installation(options, arguments)
    from engine.commands.live import live

    return live(options)


def hand_over(command: str, place: Elsewhere, arguments: list[str]) -> int:
    """Runs a command of another package."""
    top = place.package.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        raise Failure(f"{command}: this installation has no {top}")
    if not {"-h", "--help"} & set(arguments):
        for needed in [package for extra in place.extras for package in BROUGHT[extra] if package not in place.without]:
            if importlib.util.find_spec(needed) is None:
                raise Failure(f'{command} needs {needed}: pip install "dancenet-live[{",".join(place.extras)}]"')
    return getattr(importlib.import_module(f"{place.package}.__main__"), place.function)(arguments)


if __name__ == "__main__":
    sys.exit(main())
