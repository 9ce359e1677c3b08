"""A show's state: gathered from its parts, and given back to them, so that it goes on as it was.

Owns what of a show is kept: where every parameter is going, the routes, the scene that is on, the beat, the LFOs, which
model dances, and all that its dance carries on from. How the picture lies on the screen is kept by the monitor's own
file; what has only begun, such as a fade, is kept as where it leads.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from engine.commands.opening import Cast, Say, Timekeepers
from engine.controls import Controls
from engine.only_one import OnlyOne, Taken
from engine.parameters import LFOS, MOST_DANCERS, SIGNALS
from engine.routes import NUMBERS, Route
from engine.scene import STEM, Scene
from engine.sources.tempo import ORIGIN
from engine.state_file import State, StateError, read

# The output's parameters have their own files, by the monitor; the hours are looked up anew.
LEFT_OUT = ("output/", "picture/closed")
BEAT = ("bpm", "music", "first", "bars")
# Larger than any count of beats and turns in a show of years; what is more is no state of a show.
GREATEST = 1e12
# The beat goes on by the computer's clock, if the state is not older than this, seconds: that clock stands still, or
# begins anew, where the computer slept or was started again.
MISSED = 60.0


def gather(
    controls: Controls,
    keepers: Timekeepers,
    cast: Cast,
    look: Scene | None = None,
    now: Callable[[], float] = time.monotonic,
) -> State:
    """The state of a show, as copies; in an idle time with the `look` that is gone back to from there."""
    aims = {**controls.aims(), **(look.parameters if look else {})}
    routes = tuple(controls.routes) if look is None else look.routes or ()
    kept = {key for key, row in controls.parameters.items() if not row.momentary and not key.startswith(LEFT_OUT)}
    facts = {
        "model": str(cast.models.bundle.folder.resolve()),
        "scene": keepers.scenes.on if look is None else look.stem,
        "targets": {key: value for key, value in aims.items() if key in kept},
        "routes": [astuple(route) for route in routes],
        "tempo": keepers.tempo.state(),
        "lfos": keepers.lfos.state(),
        "time": now(),
    }
    return State(facts, cast.models.dancer.state())


@contextmanager
def claimed(options: argparse.Namespace, say: Say) -> Iterator[argparse.Namespace]:
    """The options, with a state's file that is this show's alone: without one where another show keeps its own there,
    which is told.
    """
    lock: OnlyOne | None = None
    if options.state is not None:
        try:
            with suppress(OSError):  # a disk that takes nothing is told by the keeper
                lock = OnlyOne(options.state.with_name(f"{options.state.name}.lock"))
        except Taken:
            say(f"state: {options.state}: another show keeps its own there; this one begins afresh, and keeps none")
            options = argparse.Namespace(**{**vars(options), "state": None})
    if lock is None:
        yield options
        return
    with closing(lock):
        yield options


class Resumed:
    """A state that is taken up by a show of the models in `folders`; `path` is told of.

    Raises StateError for one that no show can have given, or another show.
    """

    def __init__(
        self, state: State, folders: Sequence[Path], path: Path, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self._arrays = state.arrays
        try:
            facts = state.facts
            model = facts["model"]
            self._scene = str(facts["scene"])
            self._targets = {str(key): number(value) for key, value in facts["targets"].items()}
            self._routes = [route(*each) for each in facts["routes"]]
            self._tempo = {name: number(facts["tempo"][name]) for name in BEAT}
            self._lfos = [number(facts["lfos"][index]) for index in range(len(LFOS))]
            gone = now() - number(facts["time"])
            self.seeds = [int(seed) for seed in state.arrays["seeds"]]
            """The seeds of the company that danced, one each."""
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError):
            raise StateError(f"{path}: holds no show's state") from None
        if not (self._scene == "" or STEM.fullmatch(self._scene)) or not 20 <= self._tempo["bpm"] <= 300:
            raise StateError(f"{path}: holds no show's state")
        if not 1 <= len(self.seeds) <= MOST_DANCERS or not all(0 <= seed < 2**32 for seed in self.seeds):
            raise StateError(f"{path}: a company of {len(self.seeds)}; there may be 1..{MOST_DANCERS}")
        self._gone = gone if 0 <= gone <= MISSED else 0.0
        found = [folder for folder in folders if str(folder.resolve()) == model]
        if not found:
            raise StateError(f"{path}: of a show that danced with {model}, which this one has not")
        self.folder = found[0]
        """The folder of the bundle that danced."""

    def set(self, controls: Controls, keepers: Timekeepers) -> None:
        """Sets everything but the dance. Parameters and routes that there are no more are passed over."""
        rows = controls.parameters
        for key, value in self._targets.items():
            if key in rows and not rows[key].momentary and not key.startswith(LEFT_OUT):
                controls.set(key, value, ORIGIN if key == "tempo/bpm" else "")
        controls.routes.replace(each for each in self._routes if each.parameter in rows)
        controls.settle()
        keepers.scenes.take_up(self._scene)
        keepers.tempo.restore(self._tempo, controls, self._gone)
        keepers.lfos.restore(self._lfos)

    def dance_on(self, cast: Cast, say: Say) -> None:
        """Takes up the dance, of a company of the `seeds`; where it cannot be, that is told, and it dances afresh."""
        try:
            if not all(np.isfinite(array).all() for array in self._arrays.values()):
                raise ValueError("state of the dance: it cannot have been danced")
            cast.models.dancer.restore(self._arrays)
        except ValueError as error:
            say(f"{self._path}: {error}; the dance begins afresh")


def resumed(path: Path | None, folders: Sequence[Path], say: Say) -> Resumed | None:
    """What the file at `path` has a show go on from; None where there is nothing, or nothing of use, which is told."""
    if path is None:
        return None
    try:
        state = read(path)
        return None if state is None else Resumed(state, folders, path)
    except StateError as error:
        say(f"{error}; the show begins afresh")
        return None


def number(value: Any) -> float:
    """A number of a sensible size. Raises TypeError and ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    if not math.isfinite(value) or abs(value) > GREATEST:
        raise ValueError(f"{value} is beyond all that a show counts")
    return float(value)


def route(signal: str, parameter: str, *numbers: Any) -> Route:
    """A route as it is kept. Raises TypeError and ValueError for what is none."""
    if signal not in {row.key for row in SIGNALS} or not isinstance(parameter, str):
        raise ValueError(f"{signal!r} is no signal")
    return Route.made(signal, parameter, **{name: float(value) for name, value in zip(NUMBERS, numbers, strict=True)})
