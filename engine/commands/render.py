"""A render: the show with a fixed clock, into a file that is there only once it is whole, or into a file a frame.

Owns how files are made by a show: of a live one's kind, or of one that was logged.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.arguments import RENDER_SECONDS
from engine.audio.decode import AudioError, length
from engine.audio.sound import SILENCE
from engine.bundle import Bundle
from engine.clock import FixedClock
from engine.commands.ending import FINE, Failure, complain, stop_signals
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
from engine.formats import H264, IMAGES, STILL, Codec, is_numbered
from engine.health import Watchdog
from engine.providers import OFFLINE_THREADS
from engine.quality import Quality
from engine.render import DecodedPicture, Newest, progress_bar
from engine.show import Dancer, Picture, Show, Source
from engine.sinks.recorder import ImageRecorder, RecordingError
from engine.sinks.stills import SequenceRecorder, StillRecorder
from engine.sinks.video import VideoRecorder
from engine.sources.song import SongTrack

if TYPE_CHECKING:
    import moderngl

# The date that shaders see at the beginning of a render: the same in each, for the same picture.
FIRST_DATE = datetime(2000, 1, 1, 12)

AnyRecorder = ImageRecorder | VideoRecorder | StillRecorder | SequenceRecorder


def render(options: argparse.Namespace) -> int:
    """Renders a dance to a video, or the decoder's images to an array; as long as the song, if there is one."""
    seconds = options.seconds
    if seconds is None:
        seconds = RENDER_SECONDS if options.audio is None else song_length(options.audio)
    return render_to(options.out, options.size, seconds, options, options.audio, options.codec)


def render_to(
    out: Path,
    size: tuple[int, int],
    seconds: float,
    options: argparse.Namespace,
    song: Path | None = None,
    codec: Codec | None = H264,
) -> int:
    """Runs a show of so many seconds into `out`, danced to the song; a video is encoded by `codec`."""
    frames = max(1, round(seconds * options.fps))
    made = run_render(out, size, frames, options, song, codec)
    width, height = made.bundle.metadata.image_size if out.suffix == IMAGES else size
    print(
        f"{out}: {frames} frames of {width}x{height}, {frames / options.fps:g} s of dance, "
        f"made at {frames / made.seconds:.0f} a second on {made.bundle.device.name}; {made.resets} resets"
    )
    return FINE


@dataclass(frozen=True)
class Made:
    """What there is to tell of a render: by whom it was danced, the seconds it took, how often the dancer was reset."""

    bundle: Bundle
    seconds: float
    resets: int


def run_render(
    out: Path,
    size: tuple[int, int],
    frames: int,
    options: argparse.Namespace,
    song: Path | None = None,
    codec: Codec | None = None,
) -> Made:
    """Runs a show of so many frames into `out`."""
    check_folder(out)
    folders = model_folders(options.model)[:1]
    bundle = open_folder(folders[0], options, OFFLINE_THREADS, complain, spins=out.suffix == IMAGES)
    watchdogs: list[Watchdog] = []

    def build(say: Say) -> tuple[Show, AnyRecorder]:
        effects = effect_files(options)
        controls = start_controls(bundle, folders, effects, options, say)
        clock = FixedClock(options.fps)
        track = SongTrack(song, clock) if song else None
        keepers = new_timekeepers(clock, controls, options, lambda: track.beat if track else None, say)
        cast = new_cast(bundle, folders, controls, options, say)
        watchdogs.append(cast.watchdog)
        painting = Painting(effects, FIRST_DATE, lambda: track.sound if track else SILENCE, say)
        dancer, picture, recorder = new_recording(
            out, size, options.fps, bundle, cast.models, painting, song, codec=codec
        )
        sources: list[Source] = [*([track] if track else []), *keepers.sources, cast.dance]
        return Show(clock, sources, controls, dancer, picture, [cast.watchdog, recorder]), recorder

    taken = record(out, frames, build)
    return Made(bundle, taken, watchdogs[0].resets)


def check_folder(out: Path) -> None:
    """Raises Failure where the folder to write to is not there; that of a sequence is made, in one that is."""
    folder = out.parent
    if folder.is_dir():
        return
    if not (is_numbered(out) and folder.parent.is_dir()):
        raise Failure(f"{out}: there is no folder {folder}")
    try:
        folder.mkdir()
    except OSError as error:
        raise Failure(f"{folder}: {error.strerror}") from None


def new_recording(
    out: Path,
    size: tuple[int, int],
    fps: float,
    first: Bundle,
    dancer: Any,
    painting: Painting,
    song: Path | None = None,
    budget: Callable[[], float | None] = lambda: None,
    quality: Quality | None = None,
    codec: Codec | None = None,
) -> tuple[Dancer, Picture, AnyRecorder]:
    """The dancer, the picture and the recorder that make files of a dance in layers, of `size`: a video, with the song
    in it, pictures, or the decoder's own images. `first` is the bundle that it begins with; `painting`, `budget` and
    `quality` are for `new_picture`.
    """
    if out.suffix == IMAGES:
        return Newest(dancer), DecodedPicture(first.decode), ImageRecorder(out)
    recorder: AnyRecorder
    if out.suffix == STILL:
        recorder = SequenceRecorder(out) if is_numbered(out) else StillRecorder(out)
    else:
        recorder = VideoRecorder(out, size, fps, song, codec)
    picture = new_picture(headless_context(), first, size, painting, quality or Quality(math.inf), budget)
    return dancer, picture, recorder


def record(out: Path, ticks: int, build: Callable[[Say], tuple[Show, AnyRecorder]]) -> float:
    """Runs the show that `build` puts together, given what tells a line, into a file; returns the seconds it took."""
    with stop_signals() as stopped, progress_bar(f"{out}", ticks) as progress, ExitStack() as stack:
        try:
            show, recorder = build(progress.say)
            stack.callback(recorder.discard)
            began = time.perf_counter()
            for tick in range(ticks):
                if stopped():
                    raise Failure(f"stopped at frame {tick} of {ticks}; {recorder.remains}")
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
