"""The picture of a show whose models change: a picture for each model on show, laid over each other as they fade.

Owns the pictures. To a show and its sinks it is a picture like any other: what it hands over is the newest model's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.models import Layer
from engine.picture import FrameClock, Picture


class Layers:
    """Draws layers; `new_picture` makes the picture of a bundle's dancer at a size, (width, height).

    The first bundle's picture is made here, so that the first frame is not late.
    """

    def __init__(
        self, first: Bundle, size: tuple[int, int], new_picture: Callable[[Bundle, tuple[int, int]], Picture]
    ) -> None:
        self.size = size
        self._new_picture = new_picture
        self._newest = new_picture(first, size)
        self._newest.warm_up()
        self._pictures = {first: self._newest}
        self._layers: Sequence[Layer] = ()

    @property
    def texture(self) -> Any:
        """The picture as it is shown, a `moderngl.Texture`."""
        return self._newest.texture

    @property
    def images(self) -> NDArray[np.uint8]:
        """The newest model's own images of the last frame, (dancers, height, width)."""
        return self._newest.images

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whose image is the last frame's own, (dancers)."""
        return self._newest.fresh

    def prepare(self, layers: Sequence[Layer]) -> None:
        """Decodes a frame's layers, the newest last, each with the turns it names."""
        for bundle in [bundle for bundle in self._pictures if all(layer.bundle is not bundle for layer in layers)]:
            self._pictures.pop(bundle).release()
        for layer in layers:
            picture = self._pictures.get(layer.bundle)
            if picture is None:
                picture = self._pictures[layer.bundle] = self._new_picture(layer.bundle, self.size)
            picture.prepare(layer.latents, layer.turns)
        self._layers = layers
        self._newest = self._pictures[layers[-1].bundle]

    def turns(self, bundle: Bundle) -> NDArray[np.bool_]:
        """Whose images of this bundle are up to date in the frame that was prepared, (dancers)."""
        return self._pictures[bundle].fresh

    def draw(self, values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draws the frame that was prepared; returns itself, ready for the sinks."""
        for picture in self._pictures.values():
            picture.resize(self.size)
            picture.draw(values, clock)
        for layer in self._layers[:-1]:
            self._newest.lay_over(self._pictures[layer.bundle].texture, layer.weight)
        return self

    def resize(self, size: tuple[int, int]) -> None:
        """Draws at `size` (width, height) from the next frame on; the frame drawn last is lost."""
        self.size = size
        self._newest.resize(size)

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, top row first; with `alpha` (height, width, 4), premultiplied."""
        return self._newest.read(alpha)

    def release(self) -> None:
        """Gives the GL resources of its pictures back."""
        for picture in self._pictures.values():
            picture.release()
        self._pictures.clear()
