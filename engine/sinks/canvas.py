"""The canvas: what is seen in the window, from the picture up: placed as the output says, dimmed, the HUD over it.

Owns the GL resources for that, and what was shown last. A frame is drawn in two parts, for its light may change until
it is seen.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import moderngl

from engine.sinks.mapping import ScreenMapping


class ShownPicture(Protocol):
    """What the window asks of a picture."""

    @property
    def unlit(self) -> moderngl.Texture: ...

    @property
    def light(self) -> float: ...

    def resize(self, size: tuple[int, int]) -> None: ...


class Overlay(Protocol):
    """What the window asks of what lies over its picture."""

    def update(self, values: Mapping[str, float]) -> None: ...

    def draw(self, screen: moderngl.Framebuffer, size: tuple[int, int]) -> None: ...

    def prepare(self, screen: moderngl.Framebuffer, sizes: Iterable[tuple[int, int]]) -> None: ...

    def toggle(self) -> None: ...

    def toggle_keys(self) -> None: ...

    def release(self) -> None: ...


class Canvas:
    """What is seen on the screen of `context`; black until it is given a picture. `tell` is for the mapping."""

    def __init__(self, context: moderngl.Context, tell: Callable[[str], None]) -> None:
        self._context = context
        self.mapping = ScreenMapping(context, tell)
        """How pictures are placed."""
        self.overlay: Overlay | None = None
        self.light = 1.0
        """The light that the picture is shown in, a factor of its values, 0..1."""
        self._blank = context.texture((1, 1), 4, bytes(4))
        self._shown: tuple[moderngl.Texture, Mapping[str, float] | None] = self._blank, None
        self.mapping.warm_up(context.screen)  # drivers compile at the first use; the first frame is due at once

    def lay_over(self, overlay: Overlay, sizes: Iterable[tuple[int, int]]) -> None:
        """Have this drawn over the picture, at these sizes before long. It goes when the canvas does."""
        overlay.prepare(self._context.screen, sizes)
        self.overlay = overlay

    def take(self, picture: moderngl.Texture, values: Mapping[str, float]) -> None:
        """Show this picture, by a frame's values, from now on."""
        if self.overlay is not None:
            self.overlay.update(values)
        self._shown = picture, values

    def draw(self, size: tuple[int, int], monitor: str) -> None:
        """Draw the picture into the back buffer, which is of `size` (width, height), in all its light."""
        screen, (texture, values) = self._context.screen, self._shown
        screen.viewport = (0, 0, *size)
        if values is None:
            self.mapping.show(screen, texture, size)
        else:
            self.mapping.draw(screen, texture, size, values, monitor)
        self._context.finish()  # or what comes last would have to wait for it

    def finish(self, size: tuple[int, int]) -> None:
        """Dim what is drawn, and lay over it what lies over it."""
        screen, (_, values) = self._context.screen, self._shown
        if values is not None:
            self.mapping.dim(screen, self.light, values)
        if self.overlay is not None:
            self.overlay.draw(screen, size)
        self._context.finish()  # or the swap would have to wait for it

    def release(self) -> None:
        """Give the GL resources back, the overlay's too."""
        if self.overlay is not None:
            self.overlay.release()
        self._blank.release()
        self.mapping.release()
