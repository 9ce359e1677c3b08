"""The command line, `dancenet`: plays a dancer live, renders one, and hands training and export over.

The only place that wires parts together. What a command needs is imported when it runs, so that `--help` and
`--version` answer at once. Exit codes: 0 fine, 1 failed, 2 usage.
"""

import argparse
import difflib
import importlib
import importlib.util
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from engine import resources
from engine.arguments import (
    FPS,
    RENDER_SECONDS,
    SIZE,
    parse_controls,
    parse_devices,
    parse_live,
    parse_log,
    parse_render,
)
from engine.controls import Controls
from engine.parameters import PARAMETERS

if TYPE_CHECKING:
    import moderngl

    from engine.bundle import Bundle
    from engine.picture import Picture
    from engine.show import Show
    from engine.sinks.log import Log
    from engine.sinks.recorder import ImageRecorder, VideoRecorder

FINE, FAILED, USAGE = 0, 1, 2
DEFAULT_MODEL = "models/default"
LIVE_THREADS, OFFLINE_THREADS = 1, 2
# What the extra `training` brings.
TRAINING_PACKAGES = ("torch", "onnx")
# Where a live show without a seed takes one from: short enough to type again.
SEEDS = 10000
WITHOUT_DISPLAY = Path("dance.mp4")


class Failure(Exception):
    """What ends a command; the message is one line, the code 1, or 2 where the usage was wrong."""

    def __init__(self, line: str, code: int = FAILED) -> None:
        super().__init__(line)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments[0] if arguments else ""
    try:
        if command == "train":
            return hand_over(command, "training", arguments[1:])
        if command == "export":
            return hand_over(command, "export", arguments[1:])
        if command == "render":
            return render(parse_render(arguments[1:]))
        if command == "devices":
            parse_devices(arguments[1:])
            return devices()
        if command == "controls":
            parse_controls(arguments[1:])
            return controls_page()
        if command == "log":
            return log(parse_log(arguments[1:]))
        return live(parse_live(arguments))
    except Failure as failure:
        print(f"dancenet: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        print("dancenet: stopped", file=sys.stderr)
        return FAILED


def hand_over(command: str, package: str, arguments: list[str]) -> int:
    """Runs the command of another package, which the live show does without."""
    if importlib.util.find_spec(package) is None:
        raise Failure(f"{command}: this installation has no {package}")
    if not {"-h", "--help"} & set(arguments):
        for needed in TRAINING_PACKAGES:
            if importlib.util.find_spec(needed) is None:
                raise Failure(f'{command} needs {needed}: pip install "dancenet-live[training]"')
    return importlib.import_module(f"{package}.__main__").main(arguments)


def controls_page() -> int:
    """Prints everything that can be played."""
    from engine.reference import markdown

    print(markdown(), end="")
    return FINE


def devices() -> int:
    """Prints what there is to play with."""
    from engine.devices import report

    print(report())
    return FINE


def live(options: argparse.Namespace) -> int:
    """Plays the dancer in a window until it is closed; where there is no display, renders instead."""
    from engine.clock import WallClock
    from engine.dancer import Dancer
    from engine.health import Watchdog, sparing
    from engine.show import Show
    from engine.sources.keys import Keys
    from engine.sources.osc import Osc
    from engine.status import Fact, Status

    options.fps = options.fps or FPS
    bundle = open_model(options, LIVE_THREADS)
    if options.seed is None and "dance/seed" not in dict(options.set):
        options.seed = secrets.randbelow(SEEDS)
    controls = start_controls(bundle, options)
    dancer = Dancer(bundle, [int(controls.target("dance/seed"))])
    clock, keys, status = WallClock(options.fps), Keys(), Status()
    try:
        from engine.sinks.hud import Hud
        from engine.sinks.window import Window, WindowError
    except ImportError as error:
        return without_display(options, str(error))
    try:
        window = Window(clock, keys, options.size, options.monitor, tell=status.say)
    except WindowError as error:
        if options.monitor is not None:
            raise Failure(str(error)) from None
        return without_display(options, str(error))
    if options.fullscreen:
        window.toggle_fullscreen()
    picture = new_picture(window.context, bundle, window.size)
    watchdog = Watchdog(dancer, bundle.metadata, sparing(status.say))
    host, port = options.osc
    osc = Osc(host, port, controls, status.say)
    danced: Any = dancer
    show_log: Log | None = None
    if options.log:
        from engine.show_log import Layer
        from engine.sinks.log import Logged, model_of

        model, show_log = model_of(bundle), open_log(options, status.say)
        danced = Logged(dancer, lambda latents: (Layer(model, 1.0, latents),), show_log)
    show = Show(clock, [osc, keys], controls, danced, picture, [watchdog, window])

    def describe() -> list[Fact]:
        return [
            Fact("rate", f"{status.rate:.1f} fps", essential=False),
            Fact("late", f"{window.late_frames}"),
            Fact("seed", f"{controls.target('dance/seed'):.0f}"),
            Fact("provider", bundle.provider.name),
            Fact("model", bundle.metadata.name),
            Fact("resets", f"{watchdog.resets}"),
        ]

    def line() -> list[Fact]:
        values = controls.snapshot()
        return [*(Fact(name, f"{values[f'dance/{name}']:.2f}") for name in ("temperature", "speed")), *describe()]

    window.lay_over(Hud(window.context, controls, keys, describe, lambda: status.message, clock.now))

    with stop_signals() as stopped, closing(status), closing(show_log) if show_log else nullcontext(), closing(show):
        status.say(f"runs on {bundle.provider.name}: {bundle.provider.reason}; frames by {window.pacing}")
        while not (window.closed or stopped()) and (options.seconds is None or clock.time < options.seconds):
            try:
                show.tick()
            except WindowError as error:
                raise Failure(str(error)) from None
            status.frame(line)
    return FINE


def open_log(options: argparse.Namespace, say: Callable[[str], None]) -> "Log":
    """The log asked for with --log."""
    from engine.show_log import LogError
    from engine.sinks.log import Log

    try:
        return Log(options.log, {"fps": options.fps, "size": options.size, "seed": options.seed}, say)
    except LogError as error:
        raise Failure(str(error)) from None


def without_display(options: argparse.Namespace, reason: str) -> int:
    """Renders what the live show would have danced."""
    seconds = options.seconds or RENDER_SECONDS
    print(f"dancenet: no display here ({reason}); rendering {seconds:g} s to {WITHOUT_DISPLAY}", file=sys.stderr)
    width, height = options.size
    return render_to(WITHOUT_DISPLAY, (width - width % 2, height - height % 2), seconds, options)


def render(options: argparse.Namespace) -> int:
    """Renders a dance, or one that was logged, to a video, or the decoder's images to an array."""
    if options.replay:
        return replay(options)
    options.fps = options.fps or FPS
    return render_to(options.out, options.size or SIZE, options.seconds or RENDER_SECONDS, options)


def render_to(out: Path, size: tuple[int, int], seconds: float, options: argparse.Namespace) -> int:
    """Runs a show with a fixed clock into the file `out`, which is there only once it is whole."""
    from engine.clock import FixedClock
    from engine.dancer import Dancer
    from engine.health import Watchdog, sparing
    from engine.show import Show

    if not out.parent.is_dir():
        raise Failure(f"{out}: there is no folder {out.parent}")
    bundle = open_model(options, OFFLINE_THREADS)
    controls = start_controls(bundle, options)
    dancer = Dancer(bundle, [int(controls.target("dance/seed"))])
    frames = max(1, round(seconds * options.fps))
    draw, recorder = new_recording(out, size, options.fps)
    picture = draw(bundle)
    watchdogs: list[Watchdog] = []

    def build(say: Callable[[str], None]) -> Show:
        watchdogs.append(Watchdog(dancer, bundle.metadata, sparing(say)))
        return Show(FixedClock(options.fps), [], controls, dancer, picture, [*watchdogs, recorder])

    taken = record(out, frames, recorder, build)
    width, height = bundle.metadata.image_size if out.suffix == ".npy" else size
    print(
        f"{out}: {frames} frames of {width}x{height}, {frames / options.fps:g} s of dance, "
        f"made at {frames / taken:.0f} a second on {bundle.provider.name}; {watchdogs[0].resets} resets"
    )
    return FINE


def new_recording(
    out: Path, size: tuple[int, int], fps: float
) -> "tuple[Callable[[Bundle], Any], ImageRecorder | VideoRecorder]":
    """What makes pictures for a file, and its recorder: a video of `size`, or the decoder's own images."""
    from engine.render import DecodedPicture
    from engine.sinks.recorder import ImageRecorder, VideoRecorder

    if out.suffix == ".npy":
        return lambda bundle: DecodedPicture(bundle.decode), ImageRecorder(out)
    context = headless_context()
    return lambda bundle: new_picture(context, bundle, size), VideoRecorder(out, size, fps)


def record(
    out: Path, ticks: int, recorder: "ImageRecorder | VideoRecorder", build: "Callable[[Callable[[str], None]], Show]"
) -> float:
    """Runs the show that `build` puts together, given what tells a line, into a file; returns the seconds it took."""
    from engine.render import progress_bar
    from engine.sinks.recorder import RecordingError

    with stop_signals() as stopped, progress_bar(f"{out}", ticks) as progress:
        show = build(progress.say)
        began = time.perf_counter()
        try:
            for tick in range(ticks):
                if stopped():
                    raise Failure(f"stopped at frame {tick} of {ticks}; {out} is not written")
                show.tick()
                progress.advance()
            show.close()
        except RecordingError as error:
            raise Failure(str(error)) from None
        finally:
            recorder.discard()
        return time.perf_counter() - began


def log(options: argparse.Namespace) -> int:
    """Prints what a log holds."""
    from engine.replay import describe
    from engine.show_log import LogError, ShowLog

    try:
        print(describe(ShowLog(options.file)))
    except LogError as error:
        raise Failure(str(error)) from None
    return FINE


def replay(options: argparse.Namespace) -> int:
    """Shows a logged show again, into a file."""
    from engine.replay import (
        END_MISSING,
        Paced,
        ReplayClock,
        ReplayControls,
        ReplayDancer,
        ReplayPicture,
        check_latents,
        find_bundle,
    )
    from engine.show import Show
    from engine.show_log import LogError, ShowLog

    out: Path = options.out
    try:
        log = ShowLog(options.replay)
        if not log.ticks:
            raise Failure(f"{log.path}: holds no frame")
        if len(log.models) > 1 and out.suffix == ".npy":
            raise Failure(f"{log.path}: {len(log.models)} models danced; a file of images holds those of one")
        given, bundles = [options.model] if options.model else [], {}
        for model in log.models:
            folder, warning = find_bundle(log, model, given, [resources.path(DEFAULT_MODEL)])
            bundle = bundles[model] = open_folder(folder, options.provider, OFFLINE_THREADS)
            check_latents(log, model, bundle.metadata.latent_size, folder)
            if warning:
                print(f"dancenet: {warning}", file=sys.stderr)
        if not log.whole:
            print(f"dancenet: {log.path}: {END_MISSING}; {log.ticks} frames of it are shown", file=sys.stderr)
        rate = options.fps or float(log.about["fps"])
        width, height = log.about["size"]
        draw, recorder = new_recording(out, options.size or (width - width % 2, height - height % 2), rate)
        clock = ReplayClock(log, float(log.about["fps"]))
        picture: Any = ReplayPicture(lambda model: draw(bundles[model]))
        dancer: Any = ReplayDancer(clock)
        show = Show(clock, [], ReplayControls(clock), dancer, picture, [Paced(recorder, clock, rate)])
        taken = record(out, log.ticks, recorder, lambda say: show)
    except LogError as error:
        raise Failure(str(error)) from None
    print(f"{out}: {recorder.frames} frames of {log.path}, made at {recorder.frames / taken:.0f} a second")
    return FINE


def open_model(options: argparse.Namespace, threads: int) -> "Bundle":
    """Opens the bundle asked for, or the one that ships."""
    try:
        folder = options.model or resources.path(DEFAULT_MODEL)
    except FileNotFoundError as error:
        raise Failure(f"{error}; give a dancer with --model DIR") from None
    return open_folder(folder, options.provider, threads)


def open_folder(folder: Path, provider: str, threads: int) -> "Bundle":
    """Opens the bundle in a folder."""
    from engine.bundle import BundleError, open_bundle
    from engine.providers import ProviderError

    try:
        return open_bundle(folder, provider, threads)
    except (BundleError, ProviderError) as error:
        raise Failure(str(error)) from None


def start_controls(bundle: "Bundle", options: argparse.Namespace) -> Controls:
    """The parameters as the show starts: the dancer's own defaults, and what the command line says over them."""
    rows = {row.key: row for row in (*PARAMETERS, *bundle.metadata.controls)}
    defaults = {f"dance/{name}": value for name, value in bundle.metadata.defaults.items()}
    for key, value in options.set:
        if key not in rows:
            near = difflib.get_close_matches(key, rows, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Failure(f"--set: unknown parameter {key!r}; {meant}`dancenet controls` lists them", USAGE)
        low, high = rows[key].low, rows[key].high
        if not low <= value <= high:
            raise Failure(f"--set: {key} is {value:g}; it must be in {low:g}..{high:g}", USAGE)
        defaults[key] = value
    for name in ("seed", "temperature", "speed"):
        if getattr(options, name) is not None:
            defaults[f"dance/{name}"] = getattr(options, name)
    return Controls(rows.values(), defaults)


def new_picture(context: "moderngl.Context", bundle: "Bundle", size: tuple[int, int]) -> "Picture":
    """A picture of this bundle's dancer, `size` (width, height) in pixels."""
    from engine.picture import Picture

    return Picture(context, bundle.decode, bundle.metadata.image_kind, bundle.metadata.image_size, size)


def headless_context() -> "moderngl.Context":
    """A GL context without a window."""
    import moderngl

    backend: dict[str, Any] = {"backend": "egl"} if sys.platform == "linux" else {}
    try:
        return moderngl.create_context(require=330, standalone=True, **backend)
    except Exception as error:  # glcontext raises no class of its own
        raise Failure(f"no OpenGL 3.3 without a screen ({error}); OUT.npy needs none") from None


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl+C and SIGTERM end a show between two frames: yields what tells whether one has come. A second one kills."""
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
