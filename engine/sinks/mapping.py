"""The mapping: draws the picture onto the screen as `engine.output` says it lies there, or the test card.

Owns the GL resources for that, the mask, and the last corners between which a picture could lie.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.output import CORNER, PLAIN, TEST_CARD, Placing, can_be_seen, drawn_size
from engine.passes import Pass, Target
from engine.sinks.card import draw_card
from engine.sinks.pinned import Pinned

WHITE = np.full((1, 1), 255, np.uint8)
Card = tuple[tuple[int, int], str, int]  # size, monitor, corner


class ScreenMapping:
    """Draws pictures onto a screen with `context`; `tell` takes a line on corners that no picture can lie between."""

    def __init__(self, context: moderngl.Context, tell: Callable[[str], None]) -> None:
        self._context = context
        self._tell = tell
        self._blit, self._stretch = Pass(context, "blit.frag"), Pass(context, "stretch.frag")
        self._dim = Pass(context, "light.frag")
        self.pinned = Pinned(context)
        """What draws pictures that do not lie as they are."""
        self.beside = 0.0
        """Seconds that the last picture took, about, beside what it would have taken as it is."""
        self._between = context.sampler(repeat_x=False, repeat_y=False, filter=(moderngl.LINEAR, moderngl.LINEAR))
        self._mask: moderngl.Texture | None = None
        self._open = self._texture(WHITE)
        self._card: tuple[Card, moderngl.Texture] | None = None
        self._corners = PLAIN.corners
        self._told = False

    def lay_mask(self, mask: NDArray[np.uint8] | None) -> None:
        """Lay a mask over the whole screen from now on, (height, width), top row first; 0 hides. None takes it off."""
        if self._mask is not None:
            self._mask.release()
        self._mask = None if mask is None else self._texture(mask)

    def draw(
        self,
        screen: moderngl.Framebuffer,
        texture: moderngl.Texture,
        size: tuple[int, int],
        values: Mapping[str, float],
        monitor: str = "",
    ) -> None:
        """Draw a picture over all of `screen`, which is of `size` (width, height), by a frame's values.

        The test card names the `monitor`.
        """
        placing = Placing.of(values)
        if values[TEST_CARD] > 0.5:
            texture = self._card_of((drawn_size(size, values), monitor, round(values[CORNER])))
        elif self._card is not None:
            self._card[1].release()
            self._card = None
        mask = self._mask if values["output/mask"] > 0.5 else None
        self.beside = 0.0
        if placing.plain and mask is None:
            self._corners, self._told = placing.corners, False
            self.show(screen, texture, size)
            return
        placing = replace(placing, corners=self._good(placing.corners))
        straight = placing.corners == PLAIN.corners and texture.size == drawn_size(size, values)
        self.beside = self.pinned.beside(size, placing, straight, mask is not None)
        self.pinned.draw(screen, texture, size, placing, straight, mask or self._open, mask is not None)

    def dim(self, screen: moderngl.Framebuffer, light: float, values: Mapping[str, float]) -> None:
        """Have a picture that was drawn over `screen` in a `light`, a factor of its values, 0..1; a test card stays.

        What the gamma makes of a value times the light is what it makes of the value, times what it makes of the light.
        """
        if light == 1 or values[TEST_CARD] > 0.5:
            return
        self._context.enable(moderngl.BLEND)
        self._context.blend_func = moderngl.ZERO, moderngl.SRC_COLOR
        self._dim.draw(screen, light=light ** (1 / values["output/gamma"]))
        self._context.disable(moderngl.BLEND)

    def show(self, screen: moderngl.Framebuffer, texture: moderngl.Texture, size: tuple[int, int]) -> None:
        """Draw a picture over all of `screen`, as it is."""
        if texture.size == size:
            self._blit.draw(screen, picture=texture, target_size=size)
            return
        self._between.use(0)
        self._stretch.draw(screen, picture=texture)
        self._between.clear(0)

    def warm_up(self, screen: moderngl.Framebuffer) -> None:
        """Draw once with everything there is, into a corner: drivers compile at the first use, and anew for a picture
        whose sides are powers of two.
        """
        picture = Target(self._context, (3, 3))
        screen.scissor = 0, 0, *picture.size
        for size in (picture.size, (2, 2)):
            self.show(screen, picture.texture, size)
        self.pinned.warm_up(screen, picture.texture, self._open)
        self.dim(screen, 0.5, {TEST_CARD: 0.0, "output/gamma": 1.0})
        screen.scissor = None  # type: ignore[assignment]  # which their types leave out: none
        picture.release()

    def release(self) -> None:
        """Give the GL resources back."""
        self.lay_mask(None)
        if self._card is not None:
            self._card[1].release()
        for each in (self._blit, self._stretch, self._dim, self.pinned, self._between, self._open):
            each.release()

    def _good(self, corners: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        """These corners, or the last ones between which a picture could lie; tells when it comes to that."""
        bad = not can_be_seen(corners)
        if bad and not self._told:
            self._tell("output: the corners are crossed, or three in line; the picture stays where it was")
        self._told = bad
        if not bad:
            self._corners = corners
        return self._corners

    def _card_of(self, card: Card) -> moderngl.Texture:
        """The texture of a test card, drawn when it changes."""
        if self._card is None or self._card[0] != card:
            if self._card is not None:
                self._card[1].release()
            self._card = card, self._texture(draw_card(*card))
        return self._card[1]

    def _texture(self, pixels: NDArray[np.uint8]) -> moderngl.Texture:
        """A texture of pixels whose top row comes first, (height, width) or (height, width, 3); of every other one, or
        fewer, where they are more than a texture holds.
        """
        every = math.ceil(max(pixels.shape[:2]) / self._context.info["GL_MAX_TEXTURE_SIZE"])
        pixels = pixels[::every, ::every]
        components = pixels.shape[2] if pixels.ndim == 3 else 1
        size = pixels.shape[1], pixels.shape[0]
        return self._context.texture(size, components, np.ascontiguousarray(pixels[::-1]), alignment=1)
