"""A render: the show with a fixed clock, into a file that is there only once it is whole.

Owns how a file is made by a show: of a live one's kind, or of one that was logged.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.arguments import RENDER_SECONDS
from engine.audio.decode import AudioError, length
from engine.audio.sound import SILENCE
from engine.bundle import Bundle
from engine.clock import FixedClock
from engine.commands.ending import FINE, Failure, stop_signals
from engine.commands.opening import (
    Painting,
    Say,
    effect_files,
    model_folders,
    new_cast,
    new_picture,
    new_timekeepers,
    open_folder,
    start_controls,
)
from engine.health import Watchdog
from engine.quality import Quality
from engine.render import DecodedPicture, Newest, progress_bar
from engine.show import Dancer, Picture, Show, Source
from engine.sinks.recorder import ImageRecorder, RecordingError, VideoRecorder
from engine.sources.song import SongTrack

if TYPE_CHECKING:
    import moderngl

THREADS = 2
# The date that shaders see at the beginning of a render: the same in each, for the same picture.
FIRST_DATE = datetime(2000, 1, 1, 12)

AnyRecorder = ImageRecorder | VideoRecorder


def render(options: argparse.Namespace) -> int:
    """Renders a dance to a video, or the decoder's images to an array; as long as the song, if there is one."""
    seconds = options.seconds
    if seconds is None:
        seconds = RENDER_SECONDS if options.audio is None else song_length(options.audio)
    return render_to(options.out, options.size, seconds, options, options.audio)


def render_to(
    out: Path, size: tuple[int, int], seconds: float, options: argparse.Namespace, song: Path | None = None
) -> int:
    """Runs a show of so many seconds into the file `out`, danced to the song."""
    if not out.parent.is_dir():
        raise Failure(f"{out}: there is no folder {out.parent}")
    folders = model_folders(options.model)[:1]
    bundle = open_folder(folders[0], options.provider, THREADS)
    frames = max(1, round(seconds * options.fps))
    watchdogs: list[Watchdog] = []

    def build(say: Say) -> tuple[Show, AnyRecorder]:
        effects = effect_files(options)
        controls = start_controls(bundle, folders, effects, options, say)
        clock = FixedClock(options.fps)
        track = SongTrack(song, clock) if song else None
        keepers = new_timekeepers(clock, controls, options, lambda: track.beat if track else None, say)
        cast = new_cast(bundle, folders, controls, options.provider, THREADS, say)
        watchdogs.append(cast.watchdog)
        painting = Painting(effects, FIRST_DATE, lambda: track.sound if track else SILENCE, say)
        dancer, picture, recorder = new_recording(out, size, options.fps, bundle, cast.models, painting, song)
        sources: list[Source] = [*([track] if track else []), *keepers.sources, cast.dance]
        return Show(clock, sources, controls, dancer, picture, [cast.watchdog, recorder]), recorder

    taken = record(out, frames, build)
    width, height = bundle.metadata.image_size if out.suffix == ".npy" else size
    print(
        f"{out}: {frames} frames of {width}x{height}, {frames / options.fps:g} s of dance, "
        f"made at {frames / taken:.0f} a second on {bundle.provider.name}; {watchdogs[0].resets} resets"
    )
    return FINE


def new_recording(
    out: Path,
    size: tuple[int, int],
    fps: float,
    first: Bundle,
    dancer: Any,
    painting: Painting,
    song: Path | None = None,
    budget: float | None = None,
    quality: Quality | None = None,
) -> tuple[Dancer, Picture, AnyRecorder]:
    """The dancer, the picture and the recorder that make a file of a dance in layers: a video of `size`, with the song
    in it, or the decoder's own images. `first` is the bundle that it begins with, the rest is for `new_picture`.
    """
    if out.suffix == ".npy":
        return Newest(dancer), DecodedPicture(first.decode), ImageRecorder(out)
    picture = new_picture(headless_context(), first, size, painting, quality or Quality(math.inf), budget)
    return dancer, picture, VideoRecorder(out, size, fps, song)


def record(out: Path, ticks: int, build: Callable[[Say], tuple[Show, AnyRecorder]]) -> float:
    """Runs the show that `build` puts together, given what tells a line, into a file; returns the seconds it took."""
    with stop_signals() as stopped, progress_bar(f"{out}", ticks) as progress, ExitStack() as stack:
        try:
            show, recorder = build(progress.say)
            stack.callback(recorder.discard)
            began = time.perf_counter()
            for tick in range(ticks):
                if stopped():
                    raise Failure(f"stopped at frame {tick} of {ticks}; {out} is not written")
                show.tick()
                progress.advance()
            show.close()
        except (RecordingError, AudioError) as error:
            raise Failure(str(error)) from None
        return time.perf_counter() - began


def song_length(song: Path) -> float:
    """Seconds of a file's sound."""
    try:
        return length(song)
    except AudioError as error:
        raise Failure(str(error)) from None


def headless_context() -> "moderngl.Context":
    """A GL context without a window."""
    import moderngl

    backend: dict[str, Any] = {"backend": "egl"} if sys.platform == "linux" else {}
    try:
        return moderngl.create_context(require=330, standalone=True, **backend)
    except Exception as error:  # glcontext raises no class of its own
        raise Failure(f"no OpenGL 3.3 without a screen ({error}); OUT.npy needs none") from None
