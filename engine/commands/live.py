"""The live show: the dancer in a window, played by keys, OSC, audio and tempo, until it is closed.

Owns what is wired to what, and what the show tells of itself. Where there is no display, a render is made instead.
"""

import argparse
import secrets
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.arguments import RENDER_SECONDS
from engine.audio.sound import SILENCE
from engine.clock import WallClock
from engine.commands.ending import FINE, Failure, stop_signals
from engine.commands.opening import (
    Cast,
    Painting,
    Say,
    Timekeepers,
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
from engine.commands.unattended import Unattended, new_unattended, new_vitals, vital_facts
from engine.controls import Controls
from engine.decoding import SHARE
from engine.journal import Journal
from engine.models import SEEDS
from engine.output import connect
from engine.output_files import OutputFiles, output_folder
from engine.providers import LIVE_THREADS
from engine.quality import PICTURE_SHARE, Quality
from engine.show import Picture as Shown
from engine.show import Show, Sink, Source
from engine.show_log import LogError
from engine.sinks.live_recorder import LiveRecorder
from engine.sinks.log import Log, Logged
from engine.sources.audio import Audio, AudioFile
from engine.sources.keys import Keys
from engine.sources.osc import Osc
from engine.status import Fact, Status

if TYPE_CHECKING:
    from engine.picture import Picture
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


@dataclass(frozen=True)
class Live:
    """A live show and those of its parts that others look at."""

    show: Show
    controls: Controls
    clock: WallClock
    window: "Window"
    keepers: Timekeepers
    cast: Cast
    picture: "Picture"
    osc: Osc
    audio: Audio | AudioFile | None
    recorder: LiveRecorder
    unattended: Unattended


def live(options: argparse.Namespace) -> int:
    """Plays the dancer in a window until it is closed; where there is no display, renders instead."""
    if options.audio == LIST_AUDIO:
        from engine.devices import audio_inputs

        print("\n".join(audio_inputs()))
        return FINE
    try:
        from engine.sinks.window import WindowError
    except ImportError as error:  # libGL or libXrender is missing: then there is no display either
        return without_display(options, str(error))
    journal = Journal(options.log_file) if options.log_file else None
    status = Status(journal=journal)
    try:
        with journal or nullcontext(), stop_signals() as stopped, closing(status), opened(options, status) as stage:
            device = stage.cast.models.bundle.device
            status.say(f"runs on {device.name}: {device.reason}; frames by {stage.window.pacing}")
            while not (stage.window.closed or stopped()):
                if options.seconds is not None and stage.clock.time >= options.seconds:
                    break
                stage.show.tick()
                status.frame(lambda: line(stage, status))
    except NoDisplay as missing:
        return without_display(options, str(missing))
    except WindowError as error:
        raise Failure(str(error)) from None
    return FINE


@contextmanager
def opened(options: argparse.Namespace, status: Status) -> Iterator[Live]:
    """Opens the live show that the options ask for, and closes it. Raises NoDisplay, Failure and WindowError."""
    from engine.sinks.hud import Hud

    fps, say = options.fps, status.say
    song = song_of(options.audio)
    folders = model_folders(options.model)
    bundle = open_folder(folders[0], options.device, LIVE_THREADS)
    effects = effect_files(options, watch=True)
    controls = start_controls(bundle, folders, effects, options, say, seed=secrets.randbelow(SEEDS))
    clock, keys = WallClock(fps), Keys()
    with ExitStack() as guard:
        guard.callback(effects.close)
        window = open_window(clock, keys, options, say)
        guard.callback(window.close)
        audio: Audio | AudioFile | None = None
        keepers = new_timekeepers(clock, controls, options, lambda: audio.beat if audio else None, say)
        guard.callback(keepers.scenes.close)
        seed = int(controls.target("dance/seed"))
        began = datetime.now().replace(microsecond=0)
        about = {"fps": fps, "size": window.size, "seed": seed, "began": began.isoformat()}
        log = open_log(options.log, about, say) if options.log else None
        if log:
            guard.callback(log.close)
        cast = new_cast(bundle, folders, controls, options.device, LIVE_THREADS, say)
        guard.callback(cast.models.close)
        quality = Quality(PICTURE_SHARE / fps, options.quality, beside=lambda: window.mapping.beside)
        painting = Painting(
            effects, began, lambda: audio.sound if audio else SILENCE, say, lambda: keepers.scenes.changes
        )
        picture = new_picture(window.context, bundle, window.size, painting, quality, SHARE / fps)
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
        for key, value in asked_for(options).items():  # holds over what a monitor's file says, as over a scene
            controls.set(key, value)
        unattended = new_unattended(options, clock, [osc, keys], keepers.scenes, say)
        sources: list[Source] = [picture.chain, *unattended.sources, outputs, *([audio] if audio else [])]
        sources += [*keepers.sources, cast.dance]
        shown: Shown = Logged(picture, log) if log else picture
        recorder = LiveRecorder(window.context, clock, options.record_to, say, lambda: picture.window, hearing=audio)
        controls.handle("picture/record", recorder.toggle)
        rest = unattended.rest
        sinks: list[Sink] = [cast.watchdog, osc.clients, recorder, window, rest]
        sinks += new_vitals(options, lambda: vital_facts(stage, options.audio), clock, osc, status)
        show = Show(clock, sources, controls, rest.dancer(cast.models), rest.picture(shown), sinks)
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
        if options.monitor is not None:
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


def describe(stage: Live, status: Status) -> list[Fact]:
    """What there is to know of the show, the essential facts for the terminal, all of them for the HUD."""
    controls, models, osc, tempo = stage.controls, stage.cast.models, stage.osc, stage.keepers.tempo
    clients = len(osc.clients)
    heard = "off" if osc.port is None else f"{osc.port}, {osc.received} in, {clients} client{'s' * (clients != 1)}"
    lost = osc.malformed + osc.refused + osc.dropped
    recorder = stage.recorder
    return [
        *([Fact("recording", recorder.progress, wrong=recorder.dropped > 0)] if recorder.recording else []),
        Fact("rate", f"{status.rate:.1f} fps", essential=False),
        Fact("late", f"{stage.window.late_frames}"),
        *([Fact("state", stage.unattended.state)] if stage.unattended.state else []),
        Fact("seed", f"{controls.target('dance/seed'):.0f}"),
        Fact("tempo", f"{tempo.bpm:.1f} {tempo.leader}"),
        Fact("bar", f"{tempo.bars}", essential=False),
        Fact("scene", stage.keepers.scenes.on or "-"),
        Fact("effects", ", ".join(stage.picture.chain.order) or "-", essential=False),
        *(Fact("effect", short(line), essential=False, wrong=True) for line in stage.picture.chain.broken.values()),
        Fact("resets", f"{stage.cast.watchdog.resets}"),
        Fact("model", models.bundle.metadata.name),
        Fact("device", models.bundle.device.name),
        Fact("OSC", heard, essential=False, wrong=osc.port is None),
        *([Fact("OSC lost", f"{lost}", essential=False, wrong=True)] if lost else []),
        Fact("audio", stage.audio.name or "-" if stage.audio else "off", essential=False),
    ]


def short(error: str) -> str:
    """What is wrong with a file, without the folders it lies in: the HUD has little room."""
    place, colon, what = error.partition(": ")
    return f"{Path(place).name}{colon}{what}"


def line(stage: Live, status: Status) -> list[Fact]:
    """The terminal's line: what is played most, then the facts."""
    controls = stage.controls
    played = []
    for name in ("temperature", "speed"):
        moved = controls.modulation(f"dance/{name}")
        value = f"{controls.target(f'dance/{name}'):.2f}{f'{moved:+.2f}' if abs(moved) >= 0.005 else ''}"
        played.append(Fact(name, value))
    return [*played, *describe(stage, status)]


def without_display(options: argparse.Namespace, reason: str) -> int:
    """Renders what the live show would have danced."""
    song = song_of(options.audio)
    seconds = options.seconds or (song_length(song) if song else RENDER_SECONDS)
    print(f"dancenet: no display here ({reason}); rendering {seconds:g} s to {WITHOUT_DISPLAY}", file=sys.stderr)
    if options.log:
        print(f"dancenet: {options.log}: not written; only a live show is logged", file=sys.stderr)
    width, height = options.size
    return render_to(WITHOUT_DISPLAY, (width - width % 2, height - height % 2), seconds, options, song)
