"""What a render needs besides the show: a picture without GL, and a progress bar.

Owns the terminal while a render runs.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from engine.show import Clock


class DecodedPicture:
    """The decoder's own images and nothing else: a picture for recorders that want no effects.

    `decode` turns latents (dancers, latent_size) into images (dancers, height, width) uint8.
    """

    def __init__(self, decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]]) -> None:
        self._decode = decode
        self.images: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)
        """Of the last frame, (dancers, height, width)."""
        self.fresh: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Whose image is the last frame's own: everybody's."""

    def prepare(self, latents: NDArray[np.float32]) -> None:
        """Decodes the frame's latents."""
        self.images = self._decode(latents)
        self.fresh = np.ones(len(latents), np.bool_)

    def draw(self, values: Mapping[str, float], clock: Clock) -> Self:
        """Returns itself, ready for the sinks."""
        return self


class Newest:
    """A dancer that dances in layers, shown by the newest of them alone: for a picture that knows no layers."""

    def __init__(self, dancer: Any) -> None:
        self._dancer = dancer

    def advance(self, dt: float, values: Mapping[str, float]) -> NDArray[np.float32]:
        """Has the dancer dance on; returns the newest layer's latents, (dancers, latent_size)."""
        latents: NDArray[np.float32] = self._dancer.advance(dt, values)[-1].latents
        return latents


class Bar:
    """How far a render is. In a terminal a bar; elsewhere only what is said."""

    def __init__(self, progress: Progress, name: str, frames: int, done: int) -> None:
        self._progress = progress
        self._task = progress.add_task(name, total=frames, completed=done)

    def advance(self) -> None:
        """One frame more is done."""
        self._progress.advance(self._task)

    def say(self, line: str) -> None:
        """Writes a line that stays, above the bar."""
        self._progress.console.print(f"dancenet: {line}", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(name: str, frames: int, done: int = 0) -> Iterator[Bar]:
    """A bar on the standard error stream for as long as the context lasts; of `frames`, so many are `done` before."""
    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield Bar(progress, name, frames, done)
