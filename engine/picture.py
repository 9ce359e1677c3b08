"""The picture of a frame: the dancers' coverage, the chain of effects, the dimmer, and what keeps it from flashing.

Owns the order of these, and the size they are drawn at. What it hands to the sinks is its `texture`; the window takes
the picture `unlit` and its `light`, which may be changed until it is seen.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.audio.sound import SILENCE, Sound
from engine.bundle import Bundle
from engine.chain import Chain
from engine.coverage import FrameClock
from engine.flash import Flash
from engine.layers import Layers
from engine.light import Lit, light_of
from engine.models import Layer
from engine.passes import Pass, Target
from engine.quality import Quality

# A scene has come so many seconds after its fade. A chain that stays for longer than LONG seconds may be drawn larger
# than the one before, whatever the scene: somebody plays it by hand.
SETTLING, LONG = 1.0, 30.0
# A frame of a show, after a pause and beside inference, takes this much longer than one of many in a row: 1.6 to 2.3
# times on two quiet cores without a GPU, more with neighbours. With 2.2 the size went down in the first half second of
# some shows, with 6 of 420 frames late; with 2.8 none were.
SHOWN = 2.8


class Picture:
    """Draws a show of these `layers` through this `chain` for a window of `size`, (width, height).

    `sound` gives what effects may hear; `quality` chooses the size that is drawn; `tell` takes a line when it goes
    down; `changes` counts changes of the scene, and says in how many seconds the last one comes. Of the values it reads
    those of the group `picture`, and hands on the others.
    """

    def __init__(
        self,
        context: moderngl.Context,
        layers: Layers,
        chain: Chain,
        size: tuple[int, int],
        quality: Quality,
        sound: Callable[[], Sound],
        tell: Callable[[str], None],
        changes: Callable[[], tuple[int, float]] = lambda: (0, 0.0),
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.window = size
        """The size that the picture is for; it may be drawn smaller."""
        self.heard: Sound | None = None
        """The sound that effects heard in the last frame; None where none of them listens."""
        self._context = context
        self._layers = layers
        self.chain = chain
        """The effects, a source."""
        self._quality = quality
        self._sound = sound
        self._tell = tell
        self._now = now
        self._flash = Flash(context)
        self._shown = Target(context, quality.size(size))
        self._lit = Lit(context, self._shown.texture)
        self._share = 1.0
        self._changes = changes
        self._scene = 0, SETTLING  # how often scenes have changed, and until when the last one comes
        self._chosen_for = (0, 0)
        self._anew_from = 0.0
        self._stretch = Pass(context, "stretch.frag", "ALPHA")
        self._stretched = Target(context, (1, 1))
        self._bare = self._try_out()
        self._takes = 0.0  # seconds that the frame in hand is thought to take

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what was drawn last."""
        return self._shown.size

    @property
    def texture(self) -> moderngl.Texture:
        """The picture as it is shown, in rows from the bottom."""
        return self._lit.texture()

    @property
    def unlit(self) -> moderngl.Texture:
        """The picture before it is dimmed."""
        return self._lit.unlit

    @property
    def light(self) -> float:
        """The factor of its red, green and blue that dims it, 0..1."""
        return self._lit.light

    @property
    def share(self) -> float:
        """Of the window's width and height, that of what was drawn last."""
        return self._share

    @property
    def images(self) -> NDArray[np.uint8]:
        """The newest model's own images of the last frame, (dancers, height, width)."""
        return self._layers.images

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whose image is the last frame's own, (dancers)."""
        return self._layers.fresh

    def turns(self, bundle: Bundle) -> NDArray[np.bool_]:
        """Whose images of this bundle are up to date in the frame that was prepared, (dancers)."""
        return self._layers.turns(bundle)

    def prepare(self, layers: Sequence[Layer]) -> None:
        """Decodes a frame's layers."""
        self._layers.prepare(layers)

    def longer(self, values: Mapping[str, float], clock: FrameClock) -> float:
        """How many seconds longer than the one before the frame that was prepared is thought to take to draw.

        With another scene come other effects, with another model a second company.
        """
        self._choose_size(values, clock.time)
        before, self._takes = self._takes, self._foretold(self._quality.share)
        return max(0.0, self._takes - before)

    def draw(self, values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draws the frame that was prepared; returns itself, ready for the sinks."""
        began = self._now()
        self._choose_size(values, clock.time)
        self._share = self._quality.share
        self._layers.resize(self._quality.size(self.window))
        coverage = self._layers.draw(values, clock).texture
        self.heard = self._sound() if self.chain.hears else None
        picture = self.chain.draw(coverage, values, clock, self.heard or SILENCE)
        self._shown.resize(coverage.size)
        limited = values["picture/flash_limiter"] > 0.5
        stays = picture is not coverage  # which the next frame is drawn into
        shown = self._flash.draw(self._shown.framebuffer, picture, light_of(values), clock.time, limited, stays)
        self._lit.show(*shown)
        self._context.finish()
        took = self._now() - began
        if not self._flash.limiting and self._quality.drawn(took):
            self._tell(self._too_slow(took))
        return self

    def relight(self, values: Mapping[str, float]) -> bool:
        """Shows what was drawn last in the light of these values, if that may be: not where it would flash."""
        light = light_of(values)
        if not self._flash.relight(light):
            return False
        self._lit.show(self.unlit, light)
        return True

    def resize(self, size: tuple[int, int]) -> None:
        """Draws for a window of `size` (width, height) from the next frame on."""
        self.window = size

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, top row first; with `alpha` (height, width, 4), premultiplied.

        It is of the window's size, stretched where it was drawn smaller.
        """
        texture = self.texture
        if texture.size != self.window:
            self._stretched.resize(self.window)
            self._stretch.draw(self._stretched.framebuffer, picture=texture)
            texture = self._stretched.texture
        width, height = self.window
        pixels = np.frombuffer(texture.read(alignment=1), np.uint8).reshape(height, width, 4)[::-1]
        return pixels if alpha else pixels[..., :3]

    def release(self) -> None:
        """Gives the GL resources back."""
        owned: list[Any] = [self._shown, self._lit, self._stretch, self._stretched, self._flash]
        owned += [self.chain, self._layers]
        for each in owned:
            each.release()

    def _try_out(self) -> float:
        """Seconds that a picture of the window's size takes without its effects, about: it is filled twice."""
        taken = []
        for _ in range(3):
            began = self._now()
            for _ in range(2):
                self._flash.draw(self._shown.framebuffer, self._layers.texture, 1.0, 0.0, False)
            self._context.finish()
            taken.append(self._now() - began)
        return min(taken)

    def _choose_size(self, values: Mapping[str, float], time: float) -> None:
        """Where the chain or the window has changed, chooses at what share of the window's size to draw."""
        changes, fade = self._changes()
        if changes != self._scene[0]:
            self._scene = changes, time + fade + SETTLING
        resized = self.window != self._chosen_for
        if self.chain.arrange(values) or resized:
            new = resized or time <= self._scene[1] or time >= self._anew_from
            self._quality.begin((self.chain.order, self.window), self._foretold, new)
            self._chosen_for, self._anew_from = self.window, time + LONG

    def _foretold(self, share: float) -> float:
        """Seconds that the chain is thought to take at this share of the window's width and height."""
        width, height = self.window
        at_size = self.chain.foretold((round(width * share), round(height * share)))
        return SHOWN * (sum(at_size.values()) + self._bare * share**2 * self._layers.companies)

    def _too_slow(self, took: float) -> str:
        """What is told when the size goes down."""
        width, height = self._quality.size(self.window)
        seconds = self.chain.foretold(self.size)
        slowest = max(seconds, key=lambda copy: seconds[copy], default="")
        named = f", most of it fx/{slowest} with {1000 * seconds[slowest]:.0f}" if slowest else ""
        return f"picture: a frame took {1000 * took:.0f} ms{named}; drawn at {width}x{height} from here on"
