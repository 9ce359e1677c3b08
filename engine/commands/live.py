"""The live show: the dancer in a window, played by keys, OSC, audio and tempo, until it is closed.

Owns what is wired to what, and what the show tells of itself. Where there is no display, a render is made instead.
"""

import argparse
import gc
import secrets
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.arguments import RENDER_SECONDS
from engine.audio.sound import SILENCE
from engine.bundle import BundleError
from engine.clock import WallClock
from engine.commands.ending import FINE, NO_DISPLAY, Failure, stop_signals
from engine.commands.facts import Live, describe, line, runs_on
from engine.commands.kept import as_installation, has_monitor
from engine.commands.opening import (
    Painting,
    Say,
    asked_for,
    effect_files,
    model_folders,
    new_cast,
    new_picture,
    new_timekeepers,
    open_folder,
    start_controls,
)
from engine.commands.render import render_to, song_length
from engine.commands.resuming import claimed, gather, resumed
from engine.commands.unattended import new_unattended, new_vitals, vital_facts
from engine.controls import Controls
from engine.decoding import HURRIED, SHARE
from engine.huge_pages import take_no_more
from engine.journal import Journal
from engine.leash import Leash
from engine.memory import give_back, kept_small
from engine.models import SEEDS
from engine.output import connect
from engine.output_files import OutputFiles, output_folder
from engine.providers import LIVE_THREADS
from engine.quality import Quality, is_the_processor, picture_share
from engine.show import Picture as Shown
from engine.show import Show, Sink, Source
from engine.show_log import LogError
from engine.sinks.live_recorder import LiveRecorder
from engine.sinks.log import Log, Logged
from engine.sinks.pacing import NEARLY_LATE
from engine.sinks.state_keeper import StateKeeper
from engine.sources.audio import Audio, AudioFile
from engine.sources.keys import Keys
from engine.sources.osc import Osc
from engine.status import Status

if TYPE_CHECKING:
    from engine.sinks.window import Window

WITHOUT_DISPLAY = Path("dance.mp4")
NO_AUDIO, LIST_AUDIO = "off", "list"
# A name that ends so is meant as a file, even if there is none.
SONGS = (
    *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a"),
    *(".aac", ".aif", ".aiff", ".wma", ".mp4", ".mov", ".mkv"),
)


class NoDisplay(Exception):
    """There is nowhere to open a window; the message says why."""


def live(options: argparse.Namespace) -> int:
    """Plays the dancer in a window until it is closed; where there is no display, renders instead."""
    if options.audio == LIST_AUDIO:
        from engine.devices import audio_inputs

        print("\n".join(audio_inputs()))
        return FINE
    try:
        from engine.sinks.window import WindowError
    except ImportError as error:  # libGL or libXrender is missing: then there is no display either
        if options.supervised:
            raise Failure(f"no window: {error}") from None
        return without_display(options, str(error))
    give_back()
    leash = Leash() if options.supervised else None
    if options.installation:
        options = as_installation(options)
    if leash and not has_monitor(options.monitor):
        return NO_DISPLAY
    journal = Journal(options.log_file) if options.log_file else None
    status = Status(journal=journal)
    try:
        with (
            journal or nullcontext(),
            stop_signals() as stopped,
            closing(status),
            claimed(options, status.say) as claims,
            opened(claims, status) as stage,
            kept_small(),
        ):
            status.say(runs_on(stage))
            take_no_more()
            gc.freeze()  # what is there now stays: looking through it for garbage again would hold a frame up by 20 ms
            while not (stage.window.closed or stopped() or (leash and leash.cut)):
                if options.seconds is not None and stage.clock.time >= options.seconds:
                    break
                stage.show.tick()
                status.frame(lambda: line(stage, status))
                if leash:
                    leash.beat()
    except NoDisplay as missing:
        if leash:
            return NO_DISPLAY
        return without_display(options, str(missing))
    except (WindowError, BundleError) as error:
        raise Failure(str(error)) from None
    return FINE


@contextmanager
def opened(options: argparse.Namespace, status: Status) -> Iterator[Live]:
    """Opens the live show that the options ask for, and closes it. Raises NoDisplay, Failure and WindowError."""
    from engine.sinks.hud import Hud

    fps, say = options.fps, status.say
    song = song_of(options.audio)
    folders = model_folders(options.model)
    before = resumed(options.state, folders, say)
    folder = before.folder if before else folders[0]
    # On a thread, as those after it: in that heap it leaves no holes in the show's own.
    with ThreadPoolExecutor(1) as opener:
        bundle = opener.submit(open_folder, folder, options, LIVE_THREADS, say).result()
    effects = effect_files(options, watch=True, own=not options.safe)
    controls = start_controls(bundle, folders, effects, options, say, seed=secrets.randbelow(SEEDS))
    clock, keys = WallClock(fps), Keys() if options.keys or not options.installation else Keys(())
    with ExitStack() as guard:
        guard.callback(effects.close)
        window = open_window(clock, keys, options, say)
        guard.callback(window.close)
        audio: Audio | AudioFile | None = None
        keepers = new_timekeepers(clock, controls, options, lambda: audio.beat if audio else None, say)
        guard.callback(keepers.scenes.close)
        if before:
            before.set(controls, keepers)
        seed = int(controls.target("dance/seed"))
        began = datetime.now().replace(microsecond=0)
        about = {"fps": fps, "size": window.size, "seed": seed, "began": began.isoformat()}
        log = open_log(options.log, about, say) if options.log else None
        if log:
            guard.callback(log.close)
        cast = new_cast(bundle, folders, controls, options, say, before.seeds if before else ())
        guard.callback(cast.models.close)
        if before:
            before.dance_on(cast, say)
        renderer = window.context.info["GL_RENDERER"]
        software = is_the_processor(renderer)

        def late() -> bool:
            return software and window.lateness * fps > NEARLY_LATE

        quality = Quality(
            picture_share(renderer) / fps,
            options.quality,
            beside=lambda: window.mapping.beside,
            largest=window.context.info["GL_MAX_TEXTURE_SIZE"],
            late=late,
        )
        painting = Painting(
            effects, began, lambda: audio.sound if audio else SILENCE, say, lambda: keepers.scenes.changes
        )
        picture = new_picture(
            *(window.context, bundle, window.size, painting, quality),
            budget=lambda: (HURRIED if late() else SHARE) / fps,
        )
        bundle.settle()
        del bundle  # the models have it, and let go of it once another one dances: 140 MB
        audio = open_audio(options.audio, song, clock, controls, say)
        if audio:
            guard.callback(audio.close)
        host, port = options.osc
        osc = Osc(host, port, controls, say, allow=options.osc_allow, signals_hz=options.osc_signals)
        guard.callback(osc.close)
        connect(controls)
        outputs = OutputFiles(
            output_folder(), controls, lambda: window.monitor, window.mapping.lay_mask, say, clock.now
        )
        guard.callback(outputs.close)
        for key, value in {} if before else asked_for(options).items():  # holds over a monitor's file, as over a scene
            controls.set(key, value)
        unattended = new_unattended(options, clock, [osc, keys], keepers.scenes, say)
        sources: list[Source] = [picture.chain, *unattended.sources, outputs, *([audio] if audio else [])]
        sources += [*keepers.sources, cast.dance]
        logged = [Logged(picture, log)] if log else []
        shown: Shown = logged[0] if logged else picture
        recorder = LiveRecorder(window.context, clock, options.record_to, say, lambda: picture.window, hearing=audio)
        controls.handle("picture/record", recorder.toggle)
        rest = unattended.rest
        # The window is first, so that nothing comes between the light and the swap.
        sinks: list[Sink] = [window, cast.watchdog, osc.clients, recorder, *logged, rest]
        if options.state:
            sinks.append(
                StateKeeper(options.state, lambda: gather(controls, keepers, cast, unattended.look), say, clock.now)
            )
        sinks += new_vitals(options, lambda: vital_facts(stage, options.audio), clock, osc, status)
        dancer, at_once = rest.dancer(cast.models), [unattended.idle or osc]
        show = Show(clock, sources, controls, dancer, rest.picture(shown), sinks, window, at_once, picture.longer)
        stage = Live(show, controls, clock, window, keepers, cast, picture, osc, audio, recorder, unattended)
        facts = partial(describe, stage, status)
        window.lay_over(Hud(window.context, controls, keys, facts, lambda: status.message, clock.now))
        guard.pop_all()  # from here on the show closes its parts
    # What is recorded ends before the window goes, whose context has its last frame.
    with closing(log) if log else nullcontext(), closing(cast.models), closing(show), closing(recorder):
        yield stage


def song_of(audio: str) -> Path | None:
    """The file that `--audio` names, None where it names an input."""
    path = Path(audio)
    if path.is_file():
        return path
    if len(path.parts) > 1 or path.suffix.lower() in SONGS:
        raise Failure(f"--audio: {path}: no such file")
    return None


def open_window(clock: WallClock, keys: Keys, options: argparse.Namespace, say: Say) -> "Window":
    """The window. Raises NoDisplay where there is no screen to open it on."""
    from engine.sinks.window import Window, WindowError

    try:
        window = Window(clock, keys, options.size, options.monitor, tell=say)
    except WindowError as error:
        if options.monitor is not None and not options.supervised:
            raise
        raise NoDisplay(str(error)) from None
    if options.fullscreen:
        window.toggle_fullscreen()
    return window


def open_log(path: Path, about: dict[str, Any], say: Say) -> Log:
    """The log asked for with --log."""
    try:
        return Log(path, about, say)
    except LogError as error:
        raise Failure(str(error)) from None


def open_audio(
    wanted: str, song: Path | None, clock: WallClock, controls: Controls, say: Say
) -> Audio | AudioFile | None:
    """The song that is played, or the input that is listened to."""

    def refuse(*_: object) -> None:
        raise ValueError("no input is listened to; start the show without --audio, or with an input's name")

    controls.handle("audio/next_input", refuse)
    if song:
        return AudioFile(song, clock, say)
    if wanted == NO_AUDIO:
        return None
    audio = Audio(wanted, clock, say)
    controls.handle("audio/next_input", audio.next_input)
    return audio


def without_display(options: argparse.Namespace, reason: str) -> int:
    """Renders what the live show would have danced."""
    song = song_of(options.audio)
    seconds = options.seconds or (song_length(song) if song else RENDER_SECONDS)
    print(f"dancenet: no display here ({reason}); rendering {seconds:g} s to {WITHOUT_DISPLAY}", file=sys.stderr)
    if options.log:
        print(f"dancenet: {options.log}: not written; only a live show is logged", file=sys.stderr)
    width, height = options.size
    return render_to(WITHOUT_DISPLAY, (width - width % 2, height - height % 2), seconds, options, song)
