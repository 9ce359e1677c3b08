"""Days of dance: a render that draws nothing and sees everything, as fast as the machine can, to prove a dancer.

Owns the report, and the file beside it that a dance which was stopped goes on from. The show's own tick runs with a
fixed clock, the decoder's images and the watchdog; a company dances, each by a seed of its own.
"""

import argparse
import json
import math
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engine import __version__
from engine.bundle import Bundle
from engine.clock import FixedClock
from engine.commands.days_told import in_words, listed, spell
from engine.commands.ending import FINE, USAGE, Failure, complain, stop_signals
from engine.commands.opening import Say, model_folders, open_folder, start_controls
from engine.commands.render import check_folder
from engine.controls import Controls
from engine.dancer import Dancer, Fall
from engine.effects import EffectFiles
from engine.glances import Glances, GlancingWatchdog, look_back
from engine.health import SECOND
from engine.poses import Reference, poses
from engine.providers import OFFLINE_THREADS, SESSION_ERRORS, one_line
from engine.render import progress_bar
from engine.scene_files import put
from engine.show import Show, Sink
from engine.sinks.witness import Witness
from engine.sparing import sparing
from engine.state_file import State, StateError, encode, read

# Seconds between two reports; what a crash costs is this, and a report costs milliseconds.
REPORT_EVERY = 60.0
# Images of the bank that poses are held against: as good as all of them, in seconds.
LOOKED_AT, AT_ONCE = 1024, 16
# Frames that can be looked back at, however slow the dance: of 64 dancers they take 8 MB.
MOST_KEPT = 240
STATE = ".state"
THE_BANK = "the bank"


class Tallied(Dancer):
    """A company whose falls are counted by their reasons."""

    def __init__(self, bundle: Bundle, seeds: list[int]) -> None:
        super().__init__(bundle, seeds)
        self.tally: Counter[str] = Counter()

    def take_falls(self) -> list[Fall]:
        """The falls since this was last called, which are counted."""
        falls = super().take_falls()
        self.tally.update(fall.reason.partition(" (")[0] for fall in falls)
        return falls


def days(options: argparse.Namespace, reference: Reference | None = None, against: str = THE_BANK) -> int:
    """Dances as long as the options ask for, and tells how it went; with `out`, in a report that is kept up to date.

    Poses are held against `reference`, which is told as `against`; None: the poses of the bundle's bank.
    """
    if options.out:
        check_folder(options.out)
    folder = model_folders(options.model)[0]
    bundle = open_folder(folder, options, OFFLINE_THREADS, complain, spins=True)
    try:
        dance = LongDance(bundle, folder, options, reference or of_the_bank(bundle), against)
        if options.resume:
            dance.take_up()
        dance.run()
    except SESSION_ERRORS as error:
        raise Failure(f"{folder}: {one_line(error)}") from None
    print(in_words(dance.report()))
    return FINE


class LongDance:
    """A dance of as many frames as the options ask for; `out` is its report, None for none."""

    def __init__(
        self, bundle: Bundle, folder: Path, options: argparse.Namespace, reference: Reference, against: str
    ) -> None:
        self.frames = max(1, round(options.seconds * options.fps))
        self._out: Path | None = options.out
        self._bundle = bundle
        self._clock = FixedClock(options.fps)
        self._taken = 0.0  # seconds, those before a stop among them
        self._say: Say = lambda line: None  # until there is a bar to say it above
        self._controls = company_controls(bundle, folder, options)
        first = int(self._controls.target("dance/seed"))
        self._dancer = Tallied(bundle, [(first + dancer) % 2**32 for dancer in range(options.dancers)])
        metadata = bundle.metadata
        # From one image of a dancer to its next, and in a frame, in steps of dance time.
        step = self._controls.target("dance/speed") * metadata.steps_a_second / options.fps
        apart = options.every * step
        most = max(1, int(SECOND * metadata.steps_a_second / 2 / step)) if step else MOST_KEPT
        if options.every > most:
            raise Failure(f"--every: {options.every} is too seldom at this speed; it may be 1..{most}", USAGE)
        keep = min(MOST_KEPT, math.ceil(look_back(metadata.steps_a_second, apart) / step) + 1) if step else 1
        self._glances = Glances(bundle.decode, self._dancer, options.every, keep)
        self._witness = Witness(self._dancer, metadata, reference, self.frames, options.fps)
        say = sparing(lambda line: self._say(line), alike=lambda line: "")
        self._watchdog = GlancingWatchdog(self._dancer, metadata, apart, say)
        self._plan: dict[str, Any] = {
            "model": bundle.metadata.name,
            "precision": bundle.precision,
            "seconds": self.frames / options.fps,
            "fps": options.fps,
            "dancers": options.dancers,
            "first_seed": first,
            "every": options.every,
            "against": against,
            "values": {
                key: self._controls.target(key) for key in self._controls.parameters if key.startswith("dance/")
            },
        }

    def take_up(self) -> None:
        """Goes on from where a dance with the same report was stopped, if one was."""
        if self._out is None:
            return
        try:
            state = read(state_of(self._out))
            if state is None:
                return
            plan = dict(state.facts["plan"])
            if plan != self._plan:
                told = next(key for key in self._plan if plan.get(key) != self._plan[key])
                raise Failure(
                    f"{state_of(self._out)}: of another dance, whose {told} differs; without --resume it is begun anew"
                )
            self._dancer.restore(state.arrays)
            self._witness.restore(state.arrays)
            self._clock.frame, self._glances.frame = self._witness.frames - 1, self._witness.frames
            self._taken, self._glances.decoded = float(state.facts["taken"]), int(state.facts["decoded"])
            self._watchdog.longest_still = float(state.facts["longest_still"])
            self._dancer.tally.update({str(why): int(count) for why, count in state.facts["tally"].items()})
        except StateError as error:
            raise Failure(f"{error}; without --resume it is begun anew") from None
        except (LookupError, TypeError, ValueError, AttributeError):
            raise Failure(f"{state_of(self._out)}: of no such dance; without --resume it is begun anew") from None

    def run(self) -> None:
        """Dances on to the end. Raises Failure where it is stopped; what was danced is then kept beside the report."""
        done = self._witness.frames
        sinks: list[Sink] = [self._witness, self._watchdog]
        show = Show(self._clock, [], self._controls, self._dancer, self._glances, sinks)
        with stop_signals() as stopped, progress_bar(f"{self._out or 'dance'}", self.frames, done) as progress:
            self._say = progress.say
            before, began = self._taken, time.perf_counter()
            kept = began
            while self._witness.frames < self.frames:
                if stopped():
                    self._keep()
                    raise Failure(f"stopped after {spell(self._danced)} of dance; {self._goes_on}")
                show.tick()
                progress.advance()
                now = time.perf_counter()
                self._taken = before + now - began
                if now - kept > REPORT_EVERY:
                    kept = now
                    self._keep()
        self._keep()

    def report(self) -> dict[str, Any]:
        """All there is to tell."""
        witness = self._witness
        distances, energies = witness.distances(), witness.energies()
        return {
            "version": __version__,
            **{name: value for name, value in self._plan.items() if name != "values"},
            "device": self._bundle.device.name,
            "temperature": self._controls.target("dance/temperature"),
            "danced_seconds": self._danced,
            "whole": witness.frames >= self.frames,
            "images_seen": self._glances.decoded,
            "wall_seconds": round(self._taken, 1),
            "dancer_frames_a_second": round(witness.frames * self._dancer.dancers / max(self._taken, 1e-9), 1),
            "resets": dict(self._dancer.tally),
            "longest_still": round(self._watchdog.longest_still, 3),
            "window_seconds": witness.window / self._clock.rate_hz,
            "fd_pose": {**distances.told(), "together": witness.together().told()},
            "motion_energy": energies.told(),
            "each": {"fd_pose": listed(distances), "motion_energy": listed(energies)},
        }

    @property
    def _danced(self) -> float:
        return self._witness.frames / self._clock.rate_hz

    @property
    def _goes_on(self) -> str:
        return "--resume goes on from there" if self._out else "nothing is left of it, for it was given no OUT.json"

    def _keep(self) -> None:
        """Writes the report, and what the dance goes on from until it is whole."""
        if self._out is None:
            return
        state = state_of(self._out)
        try:
            put(self._out, json.dumps(self.report(), indent=1) + "\n")
            if self._witness.frames >= self.frames:
                with suppress(FileNotFoundError):
                    state.unlink()
                return
            facts = {
                "plan": self._plan,
                "taken": self._taken,
                "decoded": self._glances.decoded,
                "longest_still": self._watchdog.longest_still,
                "tally": dict(self._dancer.tally),
            }
            put(state, encode(State(facts, self._dancer.state() | self._witness.state())))
        except OSError as error:
            raise Failure(f"{error.filename or self._out}: {error.strerror}") from None


def company_controls(bundle: Bundle, folder: Path, options: argparse.Namespace) -> Controls:
    """The parameters as they are from beginning to end: nobody plays, no scene is on, and silence calms nobody."""
    options.set = [*options.set, ("dance/dancers", float(options.dancers))]
    controls = start_controls(bundle, [folder], EffectFiles([]), options, lambda line: None)
    controls.routes.replace([])
    return controls


def of_the_bank(bundle: Bundle) -> Reference:
    """The poses of real dance as the bundle itself has them: those of its bank."""
    latents = bundle.bank.reshape(-1, bundle.bank.shape[-1])
    latents = latents[np.linspace(0, len(latents) - 1, min(LOOKED_AT, len(latents))).astype(np.int64)]
    images = [bundle.decode(latents[at : at + AT_ONCE]) for at in range(0, len(latents), AT_ONCE)]
    return Reference.of(np.concatenate([poses(each, bundle.metadata.image_kind) for each in images]))


def state_of(out: Path) -> Path:
    """The file beside a report that the dance goes on from."""
    return out.with_suffix(STATE)
