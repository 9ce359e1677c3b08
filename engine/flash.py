"""The picture's last stage: dimmed, and kept from flashing (engine/limiter.py says how far it may go).

Owns the GL resources for that. A picture that may be shown as it is goes through bit for bit, and costs a small grid
read back; one that may not is mixed, in linear light, into what was shown before.
"""

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.limiter import Limiter
from engine.passes import Pass

# The grid that flashes are counted in: cells small enough that no strobe hides between two of them, large enough that
# noise, which WCAG leaves out, evens out within each. At 1280x720 they are 40 pixels wide and high.
CELLS = 32, 18


class Flash:
    """Draws pictures, dimmed and kept from flashing, with `context`."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._measure, self._dim = Pass(context, "flash_measure.frag"), Pass(context, "dim.frag")
        self._hold, self._show = Pass(context, "flash_hold.frag"), Pass(context, "flash_show.frag")
        self._asked, self._shown = Held(context, CELLS), Held(context, CELLS)
        self._between = context.sampler(repeat_x=False, repeat_y=False, filter=(moderngl.LINEAR, moderngl.LINEAR))
        self._limiter: Limiter | None = None
        self._target: moderngl.Framebuffer | None = None  # that was drawn into last
        self._handed_on: moderngl.Texture | None = None  # the last picture, where it was not drawn but handed on
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
    ) -> moderngl.Texture:
        """Draw what is shown of a picture into `target`, which is of its size; returns the texture to show.

        A picture that `stays` as it is for a frame more is handed on itself where nothing of it is to be changed, which
        saves a copy.

        `texture` is RGBA in 8 bits of sRGB, `light` a factor of its red, green and blue, 0..1, `time` in seconds. The
        `target` must still hold what was drawn into it last, or be another. Unless `on`, the picture is only dimmed.
        """
        handed_on = stays and light == 1
        if not on:
            self._limiter, self._target, self._handed_on = None, None, None
            self._let_go()
            if not handed_on:
                self._dim.draw(target, picture=texture, light=light)
            return texture if handed_on else _texture(target)
        if self._limiter is None:
            self._limiter = Limiter()
        elif self._held:
            self._limiter.showed(self._shown.read())
        self._measure_into(self._asked, texture, light)
        asked = self._asked.read()
        share = self._limiter.share(asked, time)
        if share >= 1:
            self._let_go()
            if not handed_on:
                self._dim.draw(target, picture=texture, light=light)
            self._limiter.showed(asked)
            self._asked, self._shown = self._shown, self._asked
        else:
            handed_on = False
            self._mix(target, texture, light, share)
            self._measure_into(self._shown, _texture(target), 1.0)
        self._target, self._handed_on = target, texture if handed_on else None
        return texture if handed_on else _texture(target)

    def release(self) -> None:
        """Give the GL resources back."""
        self._let_go()
        for each in (self._measure, self._dim, self._hold, self._show, self._asked, self._shown, self._between):
            each.release()

    def _mix(self, target: moderngl.Framebuffer, texture: moderngl.Texture, light: float, share: float) -> None:
        """Draw a share of the picture, the rest of which is what was shown last."""
        size = texture.size
        if not self._held:
            self._held = [Held(self._context, size), Held(self._context, size)]
            last = self._handed_on or (_texture(target) if self._target is target else None)
            if last is not None and last.size == size:
                self._mix_held(self._shown, last, 1.0, 1.0, self._held[0])
            else:
                # The picture's size has changed in this very frame, and took with it what was shown. The grid is that
                # picture out of focus, and a moment later is eased away.
                self._mix_held(self._shown, texture, light, 0.0, self._held[0])
        elif self._held[1].texture.size != size:
            self._held[1].release()
            self._held[1] = Held(self._context, size)
        self._mix_held(self._held[0], texture, light, share, self._held[1])
        self._held.reverse()
        self._show.draw(target, held=self._held[0].texture)

    def _mix_held(self, held: "Held", texture: moderngl.Texture, light: float, share: float, into: "Held") -> None:
        uniforms = {"target_size": into.texture.size, "light": light, "share": share}
        self._hold.draw(into.framebuffer, held=held.texture, picture=texture, **uniforms)

    def _measure_into(self, grid: "Held", texture: moderngl.Texture, light: float) -> None:
        self._between.use(0)
        self._measure.draw(grid.framebuffer, picture=texture, cells=CELLS, light=light)
        self._between.clear(0)

    def _let_go(self) -> None:
        for held in self._held:
            held.release()
        self._held = []

    def _warm_up(self) -> None:
        """Draw once with everything there is: drivers compile at the first use."""
        texture = self._context.texture((1, 1), 4, bytes(4))
        target = self._context.framebuffer([self._context.texture((1, 1), 4)])
        self._mix(target, texture, 1.0, 0.5)
        self._dim.draw(target, picture=texture, light=1.0)
        self._measure_into(self._shown, texture, 1.0)  # last: what is released must not be in use
        self._let_go()
        for each in (texture, *target.color_attachments, target):
            each.release()


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

    def read(self) -> NDArray[np.float16]:
        """What it holds, (height, width, 4)."""
        width, height = self.texture.size
        pixels = self.framebuffer.read(components=4, dtype="f2", alignment=1)
        return np.frombuffer(pixels, np.float16).reshape(height, width, 4)

    def release(self) -> None:
        self.framebuffer.release()
        self.texture.release()
