"""The models of a show: which dancer dances, and how the next one takes over.

Owns the open bundles and their dancers. Another bundle is opened, and its dancer led through its passages, on a thread
of its own: onnxruntime lets go of Python's lock meanwhile. For `FADE` seconds both dance, one fading out and the other
in; then the old one is closed, on that thread too. To a show it is a dancer like any other, that dances in layers.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle, BundleError
from engine.controls import Controls
from engine.dancer import Dancer
from engine.dancer_file import unpacked
from engine.huge_pages import taken_again
from engine.metadata import FILE, Metadata
from engine.parameters import Parameter
from engine.providers import SESSION_ERRORS, DeviceError, one_line

# Seconds in which the picture goes over from one dancer to the next.
FADE = 1.0
# Where a new seed is taken from: short enough to type again.
SEEDS = 10000


@dataclass(frozen=True)
class Layer:
    """One model's share of a frame: its latents (dancers, latent_size), and how much of them is seen, 0..1.

    `turns` (dancers) says whose images are brought up to date, as they were in a show that is replayed; None leaves it
    to the picture, which may have too little time for a large company.
    """

    bundle: Bundle
    weight: float
    latents: NDArray[np.float32]
    turns: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Act:
    """An open bundle and its dancer."""

    bundle: Bundle
    dancer: Dancer


class Models:
    """The dancers that a show can change between, one after the other in `folders`; `first` is one of them, open.

    `open_one` opens a folder's bundle, `say` takes one line where it could not, and `changed` is called when another
    act begins.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        first: Act,
        open_one: Callable[[Path], Bundle],
        say: Callable[[str], None],
        changed: Callable[[Act], None] = lambda act: None,
    ) -> None:
        self._folders = list(folders)
        self._open_one = open_one
        self._say = say
        self._changed = changed
        self._now = first
        self._before: Act | None = None
        self._share = 1.0  # of the act on now, as the time goes
        # Places in `folders`; the aim is where `move` has led to.
        self._here = self._aim = self._folders.index(first.bundle.folder)
        self._opening: tuple[int, Future[Act]] | None = None
        self._gone: list[Act] = []
        self._thread = ThreadPoolExecutor(1, "models")
        self._thread.submit(list)  # it begins now: a show that has grown to its limits may have no room for a thread

    @property
    def bundle(self) -> Bundle:
        """The bundle of the dancer on now; while it fades in, the new one's."""
        return self._now.bundle

    @property
    def dancer(self) -> Dancer:
        """The dancer on now."""
        return self._now.dancer

    @property
    def motion(self) -> float:
        """How much the dance shown moves, 0..1."""
        return self._now.dancer.motion

    @property
    def entropy(self) -> float:
        """How undecided the dancer is, 0..1."""
        return self._now.dancer.entropy

    def move(self, places: int) -> None:
        """Goes on to another model, so many places further in `folders`, which go round. ValueError: there is none."""
        if len(self._folders) < 2:
            raise ValueError("there is no other dancer; give several with --model")
        self._aim = (self._aim + places) % len(self._folders)

    def reset(self) -> None:
        """Leads every dancer into a passage."""
        self._now.dancer.reset()

    def advance(self, dt: float, values: Mapping[str, float]) -> tuple[Layer, ...]:
        """Dances on for `dt` seconds; returns what is to be shown: one layer, or two during a change."""
        if self._gone:
            # A frame after they were last shown, nobody else holds them, so that they end on the thread.
            self._thread.submit(let_go, self._gone, self._now.bundle)
            self._gone = []
        self._share = min(1.0, self._share + dt / FADE)
        if self._before is not None and self._share == 1:
            self._gone, self._before = [self._before], None
        if self._before is None:
            self._follow_aim(values)
        latents = self._now.dancer.advance(dt, values)
        if self._before is None:
            return (Layer(self._now.bundle, 1.0, latents),)
        weight = self._share * self._share * (3 - 2 * self._share)
        leaving = Layer(self._before.bundle, 1 - weight, self._before.dancer.advance(dt, values))
        return leaving, Layer(self._now.bundle, weight, latents)

    def close(self) -> None:
        """Waits for a bundle that is just being opened, and gives it up."""
        self._thread.shutdown(cancel_futures=True)

    def _follow_aim(self, values: Mapping[str, float]) -> None:
        """Takes up a bundle that has been opened, or begins to open the one that is aimed at."""
        if self._opening is None:
            if self._aim != self._here:
                seeds = [int(values["dance/seed"])] * round(values["dance/dancers"])
                self._opening = self._aim, self._thread.submit(self._open, self._folders[self._aim], seeds)
            return
        place, future = self._opening
        if not future.done():
            return
        self._opening = None
        try:
            act = future.result()
        except (BundleError, DeviceError, OSError, MemoryError, *SESSION_ERRORS) as error:
            what = f"{self._folders[place]}: not enough memory" if isinstance(error, MemoryError) else one_line(error)
            self._say(f"{what}; {self._now.bundle.metadata.name} dances on")
            # Passed over: the next move goes on from it.
            self._folders.pop(place)
            self._here -= place < self._here
            self._aim = self._here if self._aim == place else self._aim - (place < self._aim)
            return
        if place != self._aim:
            self._gone = [act]
            return
        self._before, self._now, self._here, self._share = self._now, act, place, 0.0
        self._changed(act)

    def _open(self, folder: Path, seeds: Sequence[int]) -> Act:
        with taken_again():
            bundle = self._open_one(folder)
            return Act(bundle, Dancer(bundle, seeds))


def let_go(gone: list[Act], stays: Bundle) -> None:
    """Closes what is gone, and gives its memory back."""
    gone.clear()
    with taken_again():
        stays.settle()


def find_models(given: Sequence[Path]) -> list[Path]:
    """The folders of the bundles in `given`: each a bundle, one in a file, or a folder of bundles, by their names.

    A folder that is neither stays as it is: opening it tells what is missing. Raises BundleError for a file that is no
    dancer.
    """
    found: list[Path] = []
    for folder in given:
        if folder.is_file():
            found.append(unpacked(folder))
            continue
        inside = [] if (folder / FILE).exists() else sorted(file.parent for file in folder.glob(f"*/{FILE}"))
        found += inside or [folder]
    return found


def declared(folders: Sequence[Path]) -> tuple[Parameter, ...]:
    """The controls that the bundles in `folders` bring; where two bring one of the same name, the first one's."""
    controls: dict[str, Parameter] = {}
    for folder in folders:
        try:
            rows = Metadata.read(folder).controls
        except BundleError:
            continue  # told when it is opened
        for row in rows:
            controls.setdefault(row.key, row)
    return tuple(controls.values())


def connect(controls: Controls, models: Models, choose: Callable[[int], int] = secrets.randbelow) -> None:
    """Has the commands about the dance and its models done; `choose` draws a new seed below the number given."""

    def reseed(*arguments: Any) -> None:
        controls.set("dance/seed", choose(SEEDS))

    controls.handle("dance/reseed", reseed)
    controls.handle("dance/reset", lambda *arguments: models.reset())
    controls.handle("model/next", lambda *arguments: models.move(1))
    controls.handle("model/previous", lambda *arguments: models.move(-1))
