"""Keeps the picture from flashing, in the light that it is shown in (engine/limiter.py says how far it may go).

Owns the GL resources for that. A picture that may be shown as it is goes through bit for bit, and costs a small grid
read back; its light may still change, for that is taken from it last. One that may not be shown is mixed, in linear
light, into what was shown before.
"""

from typing import NamedTuple

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.cells import CELLS, Cells, Measured
from engine.limiter import Limiter
from engine.passes import Pass, Target


class Flash:
    """Draws pictures that are kept from flashing, with `context`."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._copy = Pass(context, "dim.frag")
        self._hold, self._show = Pass(context, "flash_hold.frag"), Pass(context, "flash_show.frag")
        self._cells, self._coarse = Cells(context), Held(context, CELLS)
        self._limiter: Limiter | None = None
        self._shown: Shown | None = None
        self._grid: NDArray[np.float64] = np.zeros((CELLS[1], CELLS[0], 4))  # of what was shown last
        self._held: list[Held] = []  # what is shown, while it is another picture than the one asked for; and a spare
        self._warm_up()

    @property
    def limiting(self) -> bool:
        """Whether the frame drawn last is another picture than the one that was asked for."""
        return bool(self._held)

    def draw(
        self,
        target: moderngl.Framebuffer,
        texture: moderngl.Texture,
        light: float,
        time: float,
        on: bool = True,
        stays: bool = False,
    ) -> tuple[moderngl.Texture, float]:
        """Draw what is shown of a picture into `target`, which is of its size; returns the texture to show, and the
        light to show it in.

        A picture that `stays` as it is for a frame more is handed on itself where nothing of it is to be changed, which
        saves a copy.

        `texture` is RGBA in 8 bits of sRGB, `light` a factor of its red, green and blue, 0..1, `time` in seconds. The
        `target` must still hold what was drawn into it last, or be another. Unless `on`, nothing is changed.
        """
        if not on:
            self._limiter, self._shown = None, None
            self._let_go()
            return self._whole(target, texture, stays), light
        if self._limiter is None:
            self._limiter = Limiter()
        else:
            if self._held:
                self._grid = self._cells.read().in_light()
            self._limiter.showed(self._grid)
        self._cells.measure(texture)
        cells = self._cells.read()
        asked = cells.in_light(light)
        share = self._limiter.share(asked, time)
        if share < 1:
            self._mix(target, texture, light, share)
            self._cells.measure(_texture(target))
            return _texture(target), 1.0
        self._let_go()
        whole = self._whole(target, texture, stays)
        self._grid, self._shown = asked, Shown(whole, None if stays else target, light, cells)
        return whole, light

    def relight(self, light: float) -> bool:
        """Whether the picture drawn last may be shown in this light instead; if so, it counts as shown so."""
        if self._limiter is None:
            return True
        if self._held or self._shown is None:
            return False
        asked = self._shown.cells.in_light(light)
        if not self._limiter.allows(asked):
            return False
        self._grid, self._shown = asked, self._shown._replace(light=light)
        return True

    def release(self) -> None:
        """Give the GL resources back."""
        self._let_go()
        for each in (self._copy, self._hold, self._show, self._cells, self._coarse):
            each.release()

    def _whole(self, target: moderngl.Framebuffer, texture: moderngl.Texture, stays: bool) -> moderngl.Texture:
        """The picture as it is: itself, where it stays, or its copy."""
        if stays:
            return texture
        self._copy.draw(target, picture=texture, light=1.0)
        return _texture(target)

    def _mix(self, target: moderngl.Framebuffer, texture: moderngl.Texture, light: float, share: float) -> None:
        """Draw a share of the picture, the rest of which is what was shown last."""
        size = texture.size
        if not self._held:
            self._held = [Held(self._context, size), Held(self._context, size)]
            last = self._shown
            if last is not None and last.target in (None, target) and last.texture.size == size:
                self._mix_held(self._coarse, last.texture, last.light, 1.0, self._held[0])
            else:
                # The picture's size has changed in this very frame, and took with it what was shown. The grid is that
                # picture out of focus, and a moment later is eased away.
                self._coarse.texture.write(self._grid.astype(np.float16).tobytes())
                self._mix_held(self._coarse, texture, light, 0.0, self._held[0])
        elif self._held[1].texture.size != size:
            self._held[1].release()
            self._held[1] = Held(self._context, size)
        self._mix_held(self._held[0], texture, light, share, self._held[1])
        self._held.reverse()
        self._show.draw(target, held=self._held[0].texture)

    def _mix_held(self, held: "Held", texture: moderngl.Texture, light: float, share: float, into: "Held") -> None:
        uniforms = {"target_size": into.texture.size, "light": light, "share": share}
        self._hold.draw(into.framebuffer, held=held.texture, picture=texture, **uniforms)

    def _let_go(self) -> None:
        for held in self._held:
            held.release()
        self._held = []

    def _warm_up(self) -> None:
        """Draw once with everything there is: drivers compile at the first use, anew if a side is a power of two."""
        picture, target = Target(self._context, (3, 3)), Target(self._context, (3, 3))
        self._mix(target.framebuffer, picture.texture, 1.0, 0.5)
        self._copy.draw(target.framebuffer, picture=picture.texture, light=1.0)
        self._cells.measure(picture.texture)  # last: what is released must not be in use
        self._let_go()
        picture.release()
        target.release()


class Shown(NamedTuple):
    """A picture that was shown as it is, the target it was copied into, if any, its light, and its cells."""

    texture: moderngl.Texture
    target: moderngl.Framebuffer | None
    light: float
    cells: Measured


def _texture(target: moderngl.Framebuffer) -> moderngl.Texture:
    texture = target.color_attachments[0]
    assert isinstance(texture, moderngl.Texture)
    return texture


class Held:
    """A texture of linear light, (width, height), in half floats, and the framebuffer to draw into it."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int]) -> None:
        self.texture = context.texture(size, 4, dtype="f2")
        self.texture.repeat_x = self.texture.repeat_y = False
        self.framebuffer = context.framebuffer([self.texture])

    def release(self) -> None:
        self.framebuffer.release()
        self.texture.release()
