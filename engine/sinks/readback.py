"""Reads a texture back without waiting for the GPU: asked for in one frame, taken in the next.

Owns the buffer on the GPU's side in between. A texture read at once would hold the frame up until all that was drawn
into it is drawn.
"""

import moderngl
import numpy as np
from numpy.typing import NDArray


class Readback:
    """One texture of four 8-bit channels on its way from `context`."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._buffer: moderngl.Buffer | None = None
        self.size = (0, 0)
        """Width and height of what is on its way; (0, 0) where nothing is."""

    @property
    def nbytes(self) -> int:
        """Bytes of what is on its way."""
        return self.size[0] * self.size[1] * 4

    def ask(self, texture: moderngl.Texture) -> None:
        """Has the texture as it is now brought over, in place of what was on its way."""
        width, height = texture.size
        nbytes = width * height * 4
        if self._buffer is None or self._buffer.size != nbytes:
            self.release()
            self._buffer = self._context.buffer(reserve=nbytes, dynamic=True)
        texture.read_into(self._buffer)
        self.size = (width, height)

    def take(self, pixels: NDArray[np.uint8]) -> None:
        """Puts what is on its way into `pixels`, of `nbytes` bytes: rows of RGBA, the bottom row first."""
        assert self._buffer is not None
        self._buffer.read_into(pixels)
        self.size = (0, 0)

    def forget(self) -> None:
        """What is on its way is not wanted."""
        self.size = (0, 0)

    def release(self) -> None:
        """Gives the buffer back."""
        if self._buffer is not None:
            self._buffer.release()
        self._buffer, self.size = None, (0, 0)
