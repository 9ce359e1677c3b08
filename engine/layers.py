"""The companies of a show whose models change: each model's coverage, the old one going over into the new.

Owns them, and the pass between them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.coverage import Coverage, FrameClock
from engine.models import Layer
from engine.passes import Pass, Target


class Layers:
    """Draws layers into `.texture`; `new_coverage` makes that of a bundle's company at a size, (width, height).

    The first bundle's is made here, so that the first frame is not late.
    """

    def __init__(
        self,
        context: moderngl.Context,
        first: Bundle,
        size: tuple[int, int],
        new_coverage: Callable[[Bundle, tuple[int, int]], Coverage],
    ) -> None:
        self.size = size
        self._new_coverage = new_coverage
        self._newest = new_coverage(first, size)
        self._newest.warm_up()
        self._coverages = {first: self._newest}
        self._layers: Sequence[Layer] = ()
        self._mix = Pass(context, "mix.frag")
        self._mixed = [Target(context, (1, 1)) for _ in range(2)]  # as large as the rest while models change
        self.texture = self._newest.texture
        """The company as it was drawn last."""
        # Drivers compile at the first use.
        self._mix.draw(self._mixed[0].framebuffer, picture=self.texture, other=self.texture, share=0.5)

    @property
    def companies(self) -> int:
        """How many are drawn: two while models change."""
        return max(1, len(self._layers))

    @property
    def images(self) -> NDArray[np.uint8]:
        """The newest model's own images of the last frame, (dancers, height, width)."""
        return self._newest.images

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whose image is the last frame's own, (dancers)."""
        return self._newest.fresh

    def prepare(self, layers: Sequence[Layer]) -> None:
        """Decodes a frame's layers, the newest last, each with the turns it names, in as much time as one has alone."""
        for bundle in [bundle for bundle in self._coverages if all(layer.bundle is not bundle for layer in layers)]:
            self._coverages.pop(bundle).release()
        for layer in layers:
            coverage = self._coverages.get(layer.bundle)
            if coverage is None:
                coverage = self._coverages[layer.bundle] = self._new_coverage(layer.bundle, self.size)
            coverage.prepare(layer.latents, layer.turns, 1 / len(layers))
        self._layers = layers
        self._newest = self._coverages[layers[-1].bundle]

    def turns(self, bundle: Bundle) -> NDArray[np.bool_]:
        """Whose images of this bundle are up to date in the frame that was prepared, (dancers)."""
        return self._coverages[bundle].fresh

    def draw(self, values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draws the frame that was prepared; returns itself."""
        for coverage in self._coverages.values():
            coverage.resize(self.size)
            coverage.draw(values, clock)
        self.texture = self._newest.texture
        for number, layer in enumerate(self._layers[:-1]):
            target = self._mixed[number % 2]
            target.resize(self.size)
            other = self._coverages[layer.bundle].texture
            self._mix.draw(target.framebuffer, picture=self.texture, other=other, share=layer.weight)
            self.texture = target.texture
        return self

    def resize(self, size: tuple[int, int]) -> None:
        """Draws at `size` (width, height) from the next frame on."""
        self.size = size

    def release(self) -> None:
        """Gives the GL resources back."""
        owned: list[Any] = [*self._coverages.values(), *self._mixed, self._mix]
        for each in owned:
            each.release()
        self._coverages.clear()
