"""A logged show: shown again, into a file, and told of."""

import argparse
import math
import sys
from pathlib import Path

from engine.bundle import Bundle
from engine.commands.ending import FINE, Failure, complain
from engine.commands.opening import DEFAULT_MODEL, Painting, Say, effect_files, model_folders, open_folder, shipped
from engine.commands.render import FIRST_DATE, AnyRecorder, check_folder, new_recording, record
from engine.formats import IMAGES
from engine.parameters import PARAMETERS
from engine.providers import OFFLINE_THREADS
from engine.replay import (
    END_MISSING,
    Paced,
    ReplayClock,
    ReplayControls,
    ReplayDancer,
    ReplayQuality,
    check_latents,
    describe,
    find_bundle,
    show_of,
)
from engine.show import Show
from engine.show_log import LogError, Model, ShowLog


def log(options: argparse.Namespace) -> int:
    """Prints what a log holds."""
    try:
        print(describe(ShowLog(options.file)))
    except LogError as error:
        raise Failure(str(error)) from None
    return FINE


def replay(options: argparse.Namespace) -> int:
    """Shows a logged show again, into a file."""
    try:
        return replay_to(options.out, ShowLog(options.replay), options)
    except LogError as error:
        raise Failure(str(error)) from None


def replay_to(out: Path, log: ShowLog, options: argparse.Namespace) -> int:
    """Shows the log's dance into the file `out`. Raises LogError."""
    if not log.ticks:
        raise Failure(f"{log.path}: holds no frame")
    check_folder(out)
    if len(log.models) > 1 and out.suffix == IMAGES:
        raise Failure(f"{log.path}: {len(log.models)} models danced; a file of images holds those of one")
    bundles = {model: open_logged(log, model, options) for model in log.models}
    if not log.whole:
        print(f"dancenet: {log.path}: {END_MISSING}; {log.ticks} frames of it are shown", file=sys.stderr)
    shown_at, window, shown_from = show_of(log)
    rate = options.fps or shown_at
    size = options.size or (options.codec.fitted(window) if options.codec else window)
    recorders: list[AnyRecorder] = []

    def build(say: Say) -> tuple[Show, AnyRecorder]:
        clock = ReplayClock(log, shown_at)
        first = bundles[log.models[0]]
        dancer = ReplayDancer(clock, bundles, options.smooth)
        quality = ReplayQuality(clock, options.smooth)
        effects = effect_files(options)
        painting = Painting(effects, shown_from or FIRST_DATE, lambda: clock.sound, say)
        shown, picture, recorder = new_recording(
            *(out, size, rate, first, dancer, painting),
            budget=lambda: math.inf,
            quality=quality,
            codec=options.codec,
        )
        recorders.append(recorder)
        controls = ReplayControls(clock, (*PARAMETERS, *effects.rows))
        return Show(clock, [], controls, shown, picture, [Paced(recorder, clock, rate)]), recorder

    taken = record(out, log.ticks, build)
    frames = recorders[0].frames
    print(f"{out}: {frames} frames of {log.path}, made at {frames / taken:.0f} a second")
    return FINE


def open_logged(log: ShowLog, model: Model, options: argparse.Namespace) -> Bundle:
    """The bundle that shows the latents of a model of the log. Raises LogError or Failure."""
    given = model_folders(options.model) if options.model else []
    folder, warning = find_bundle(log, model, given, [] if given else [shipped(DEFAULT_MODEL)])
    bundle = open_folder(folder, options, OFFLINE_THREADS, complain)
    check_latents(log, model, bundle.metadata.latent_size, folder)
    if warning:
        complain(warning)
    return bundle
