"""The buffers that passes draw into: they keep their content, may be read while they are written, change their size.

Owns each buffer's textures and framebuffers, and the shader that copies one into another of another size.
"""

import math
from collections.abc import Mapping, Sequence

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.isf.header import Input, Pass

# Bytes of all that an effect's copy draws into; an 8K picture kept in floats takes 1 GB.
MOST_BYTES = 2 << 30

COPY_VERTEX = """\
#version 330 core
out vec2 place;
void main() {
    place = vec2(gl_VertexID & 1, gl_VertexID >> 1);
    gl_Position = vec4(place * 2.0 - 1.0, 0.0, 1.0);
}
"""
COPY_FRAGMENT = """\
#version 330 core
uniform sampler2D image;
in vec2 place;
out vec4 colour;
void main() { colour = texture(image, place); }
"""


class Copier:
    """Draws a texture over a framebuffer, scaled. Compiles at its first use: few effects need it."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program: moderngl.Program | None = None

    def warm_up(self) -> None:
        """Compile, so that a frame need not."""
        if self._program is None:
            self._program = self._context.program(COPY_VERTEX, COPY_FRAGMENT)
            self._quad = self._context.vertex_array(self._program, [])

    def copy(self, texture: moderngl.Texture, target: moderngl.Framebuffer) -> None:
        self.warm_up()
        texture.use(0)
        target.use()
        self._quad.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def release(self) -> None:
        if self._program is not None:
            self._quad.release()
            self._program.release()
            self._program = None


class Buffer:
    """The buffer that some passes of an effect draw into.

    A persistent one, and one of several passes, has two textures: a pass reads the one while it draws the other.
    """

    def __init__(self, context: moderngl.Context, copier: Copier, passes: Sequence[Pass]) -> None:
        self._context, self._copier = context, copier
        self._persistent = any(each.persistent for each in passes)
        self._floating = any(each.floating for each in passes)
        self._double = self._persistent or len(passes) > 1
        self._sides: list[tuple[moderngl.Texture, moderngl.Framebuffer]] = []
        self._full = False
        if self._persistent:
            copier.warm_up()

    @property
    def pixel_bytes(self) -> int:
        """What a pixel takes of the GPU's memory."""
        return (16 if self._floating else 4) * (2 if self._double else 1)

    @property
    def readable(self) -> moderngl.Texture | None:
        """What was drawn last, or None: a buffer that does not persist is empty until its pass."""
        return self._sides[0][0] if self._full else None

    def begin(self, size: tuple[int, int]) -> None:
        """A new frame, of this size: what persists is scaled to it, what does not is gone."""
        self._full = self._full and self._persistent
        if not self._sides or self._sides[0][0].size != size:
            self._allocate(size)
        if self._persistent:
            self._full = True  # a new one is read as what it is, transparent black of its size

    def writable(self) -> moderngl.Framebuffer:
        """Where a pass draws."""
        if not self._double:
            self._full = False  # or the pass would read what it draws
        return self._sides[-1][1]

    def written(self) -> None:
        """The pass is drawn: from now on it is read."""
        self._sides.reverse()
        self._full = True

    def release(self) -> None:
        for texture, framebuffer in self._sides:
            framebuffer.release()
            texture.release()
        self._sides = []
        self._full = False

    def _allocate(self, size: tuple[int, int]) -> None:
        old, kept = self._sides, self.readable
        self._sides = []
        for _ in range(2 if self._double else 1):
            texture = self._context.texture(size, 4, dtype="f4" if self._floating else "f1")
            texture.repeat_x = texture.repeat_y = False
            framebuffer = self._context.framebuffer([texture])
            framebuffer.clear()
            self._sides.append((texture, framebuffer))
        self._sides[0][1].use()  # so that none of those that go is bound
        if kept is not None:
            self._copier.copy(kept, self._sides[0][1])
        for texture, framebuffer in old:
            framebuffer.release()
            texture.release()


def bounded(sizes: Mapping[str, tuple[int, int]], buffers: Mapping[str, Buffer]) -> Mapping[str, tuple[int, int]]:
    """The sizes of an effect's buffers by name, smaller where all together would take more than `MOST_BYTES`."""
    wanted = sum(width * height * buffers[name].pixel_bytes for name, (width, height) in sizes.items())
    if wanted <= MOST_BYTES:
        return sizes
    share = math.sqrt(MOST_BYTES / wanted)
    return {name: (max(1, int(width * share)), max(1, int(height * share))) for name, (width, height) in sizes.items()}


def fitted(samples: NDArray[np.float32], row: Input) -> NDArray[np.float32]:
    """Audio (channels, samples) in as many samples as the input's MAX asks for, if it has one and that is fewer.

    A spectrum is averaged in bands. A wave is taken at even steps; as a single sample it is its loudness, 0..1, for
    that is what ISF says such an input is for.
    """
    wanted = int(row.high) if isinstance(row.high, float) else 0
    given = samples.shape[1]
    if not 0 < wanted < given:
        return samples
    starts = np.arange(wanted) * given // wanted
    if row.kind == "audioFFT":
        return (np.add.reduceat(samples, starts, axis=1) / np.diff([*starts, given])).astype(np.float32)
    if wanted == 1:
        return np.minimum(2 * np.abs(samples - 0.5).max(axis=1, keepdims=True), 1)
    return samples[:, starts]
