"""What a live show and a render have in common: the bundle, the controls as they start, who keeps time, who dances.

Owns the order in which the command line, a bundle's defaults and a scene decide where the show begins.
"""

import argparse
import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from engine import resources
from engine.audio.sound import Sound
from engine.bundle import Bundle, BundleError, open_bundle
from engine.commands.ending import USAGE, Failure
from engine.controls import Controls
from engine.dancer import Dancer
from engine.effects import EffectFiles
from engine.folders import configuration_folder
from engine.health import Watchdog
from engine.models import Act, Models, connect, declared, find_models
from engine.parameters import PARAMETERS
from engine.providers import CPU, SESSION_ERRORS, DeviceError, one_line
from engine.quality import Quality
from engine.routes import DEFAULT_ROUTES
from engine.scene_files import SceneFiles
from engine.scenes import Scenes
from engine.show import Clock, Source
from engine.sources.autopilot import Autopilot
from engine.sources.dance import Dance
from engine.sources.lfo import Lfos
from engine.sources.tempo import BeatEstimate, Tempo
from engine.sparing import sparing

if TYPE_CHECKING:
    import moderngl

    from engine.picture import Picture

DEFAULT_MODEL = "models/default"
SCENES = "scenes"
SHADERS = "shaders"
NO_SCENE = "off"

Say = Callable[[str], None]


def model_folders(given: Sequence[Path]) -> list[Path]:
    """The folders of the bundles asked for, or that of the one that ships."""
    if given:
        try:
            return find_models(given)
        except BundleError as error:
            raise Failure(str(error)) from None
    try:
        return [shipped(DEFAULT_MODEL)]
    except Failure as failure:
        raise Failure(f"{failure}; give a dancer with --model DIR") from None


def shipped(name: str) -> Path:
    """A folder that travels with the program."""
    try:
        return resources.path(name)
    except FileNotFoundError as error:
        raise Failure(str(error)) from None


def open_folder(folder: Path, options: argparse.Namespace, threads: int, say: Say, spins: bool = False) -> Bundle:
    """Opens the bundle in a folder, on the device and in the precision that the options name; `spins` where nothing is
    computed beside."""
    try:
        return open_bundle(folder, options.device, threads, options.precision, say, spins)
    except (BundleError, DeviceError) as error:
        raise Failure(str(error)) from None


def start_controls(
    bundle: Bundle,
    folders: Sequence[Path],
    effects: EffectFiles,
    options: argparse.Namespace,
    say: Say,
    seed: float | None = None,
) -> Controls:
    """The parameters as the show starts: the first dancer's own defaults, and what the command line says over them.

    `seed` is taken where nobody names one.
    """
    rows = {row.key: row for row in (*PARAMETERS, *declared(folders), *effects.rows)}
    keys = [key for key, _ in options.set] + [route.parameter for route in options.route]
    for option, key in zip(told(options, "set") + told(options, "route"), keys, strict=True):
        if key not in rows:
            near = difflib.get_close_matches(key, rows, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise Failure(f"{option}: unknown parameter {key!r}; {meant}`dancenet controls` lists them", USAGE)
    for option, (key, value) in zip(told(options, "set"), options.set, strict=True):
        low, high = rows[key].low, rows[key].high
        if not low <= value <= high:
            raise Failure(f"{option}: {key} is {value:g}; it must be in {low:g}..{high:g}", USAGE)
    defaults = {f"dance/{name}": value for name, value in bundle.metadata.defaults.items()}
    if seed is not None:
        defaults["dance/seed"] = seed
    return Controls(rows.values(), {**defaults, **asked_for(options)}, (*DEFAULT_ROUTES, *options.route), say)


def told(options: argparse.Namespace, name: str) -> list[str]:
    """Where each value of an option comes from, for a line on what is wrong with it: the option, or a file's line."""
    given = getattr(options, name.replace("-", "_"))
    return getattr(options, "told", {}).get(name) or [f"--{name}"] * (len(given) if isinstance(given, list) else 1)


def asked_for(options: argparse.Namespace) -> dict[str, float]:
    """The values that the command line itself gives, key -> value."""
    named = {f"dance/{name}": getattr(options, name) for name in ("seed", "temperature", "speed")}
    return {**dict(options.set), **{key: value for key, value in named.items() if value is not None}}


@dataclass(frozen=True)
class Timekeepers:
    """The sources that move the show by its own time, in the order they are to be polled."""

    tempo: Tempo
    lfos: Lfos
    scenes: Scenes
    autopilot: Autopilot

    @property
    def sources(self) -> tuple[Source, ...]:
        return self.tempo, self.lfos, self.scenes, self.autopilot


def new_timekeepers(
    clock: Clock,
    controls: Controls,
    options: argparse.Namespace,
    heard: Callable[[], BeatEstimate | None],
    say: Say,
) -> Timekeepers:
    """The beat clock, the LFOs, the scenes and the autopilot.

    The scene asked for is on from the first frame on; if none is, the first of those there are. `heard` gives the beat
    of the audio. What the command line itself says holds in that scene too.
    """
    tempo = Tempo(controls, clock, heard)
    files = SceneFiles(shipped(SCENES), options.scenes or configuration_folder() / SCENES, controls.parameters)
    scenes = Scenes(controls, files, say)
    if options.scene != NO_SCENE and (options.scene or scenes.order):
        try:
            scenes.recall(options.scene or scenes.order[0].stem, 0.0)
        except ValueError as error:
            scenes.close()
            raise Failure(f"{told(options, 'scene')[0]}: {error}", USAGE) from None
        for key, value in asked_for(options).items():
            controls.set(key, value)
        for route in options.route:
            controls.route(route)
        controls.settle()
    return Timekeepers(tempo, Lfos(clock, tempo), scenes, Autopilot(clock, tempo, scenes.go_on))


@dataclass(frozen=True)
class Cast:
    """Who dances, who watches over them, and the source that tells of their dance."""

    models: Models
    watchdog: Watchdog
    dance: Dance


def new_cast(
    bundle: Bundle,
    folders: Sequence[Path],
    controls: Controls,
    options: argparse.Namespace,
    say: Say,
    seeds: Sequence[int] = (),
) -> Cast:
    """A company of these `seeds`, or the one that the controls ask for, of the first model in `folders`, which is open
    as `bundle`.
    """
    seeds = seeds or [int(controls.target("dance/seed"))] * round(controls.target("dance/dancers"))
    try:
        act = Act(bundle, Dancer(bundle, seeds))
    except SESSION_ERRORS as error:
        raise Failure(f"{bundle.folder}: {one_line(error)}") from None
    # A dance that falls on and on must not fill a log; the status line and a render's summary count all.
    watchdog = Watchdog(act.dancer, bundle.metadata, sparing(say, alike=lambda line: ""))

    def watch(act: Act) -> None:
        watchdog.watch(act.dancer, act.bundle.metadata)

    threads = bundle.threads  # not the bundle itself, which is to go once another one dances

    def open_one(folder: Path) -> Bundle:
        return open_bundle(folder, options.device, threads, options.precision, say)

    models = Models(folders, act, open_one, say, watch)
    connect(controls, models)
    return Cast(models, watchdog, Dance(models))


def effect_files(options: argparse.Namespace, watch: bool = False, own: bool = True) -> EffectFiles:
    """The effects that ship, the performer's `own`, and those of the folder that the options name."""
    folders = [shipped(SHADERS), *([configuration_folder() / SHADERS] if own else [])]
    if options.shaders:
        if not options.shaders.is_dir():
            raise Failure(f"--shaders: {options.shaders}: no such folder", USAGE)
        folders.append(options.shaders)
    return EffectFiles(folders, watch)


@dataclass(frozen=True)
class Painting:
    """What effects are drawn with: their files, the date they see at first, what they hear, what tells of mishaps,
    and how scenes change."""

    effects: EffectFiles
    began: datetime
    sound: Callable[[], Sound]
    say: Say
    changes: Callable[[], tuple[int, float]] = lambda: (0, 0.0)


def new_picture(
    context: "moderngl.Context",
    bundle: Bundle,
    size: tuple[int, int],
    painting: Painting,
    quality: Quality,
    budget: Callable[[], float | None] = lambda: None,
) -> "Picture":
    """The picture of a show that begins with this bundle, for a window of `size` (width, height) pixels.

    `budget` gives the seconds a frame that decoding may take without a GPU; None: what it takes. Failure where the
    driver refuses a shader of our own.
    """
    import moderngl

    from engine.chain import Chain
    from engine.coverage import Brush, Coverage
    from engine.layers import Layers
    from engine.picture import Picture

    def new_coverage(bundle: Bundle, size: tuple[int, int]) -> Coverage:
        kind, image_size = bundle.metadata.image_kind, bundle.metadata.image_size

        def limit() -> float | None:
            return budget() if bundle.device.name == CPU else None

        return Coverage(context, bundle.decode, kind, image_size, size, brush, limit, bundle.ground)

    try:
        brush = Brush(context)
        layers = Layers(context, bundle, quality.size(size), new_coverage)
        chain = Chain(context, painting.effects, painting.began, painting.say)
        return Picture(context, layers, chain, size, quality, painting.sound, painting.say, painting.changes)
    except moderngl.Error as error:  # a driver that refuses a shader says so on many lines
        raise Failure(" ".join(str(error).split())) from None
