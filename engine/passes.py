"""Passes: one shader of `engine/glsl`, drawn into one framebuffer; and the textures that are drawn into."""

from pathlib import Path
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "glsl"


def compile_program(context: moderngl.Context, vertex: str, fragment: str, variant: str = "") -> moderngl.Program:
    """A program of two files of `engine/glsl`; the fragment shader may come in a variant, which it finds defined.

    Raises `moderngl.Error` with the file's name and the driver's log.
    """
    vertex_source = (FOLDER / vertex).read_text(encoding="utf-8")
    fragment_source = (FOLDER / fragment).read_text(encoding="utf-8")
    if variant:
        version, rest = fragment_source.split("\n", 1)
        fragment_source = f"{version}\n#define {variant}\n#line 2\n{rest}"
    try:
        return context.program(vertex_source, fragment_source)
    except moderngl.Error as error:
        raise moderngl.Error(f"{FOLDER / fragment}: {error}") from error


class Pass:
    """One fragment shader of `engine/glsl`, drawn over one framebuffer.

    A shader that the driver refuses raises `moderngl.Error` with the file's name and the driver's log.
    """

    def __init__(self, context: moderngl.Context, fragment: str, variant: str = "") -> None:
        self._program = compile_program(context, "screen.vert", fragment, variant)
        self._triangle = context.vertex_array(self._program, [])

    def draw(self, target: moderngl.Framebuffer, **uniforms: Any) -> None:
        """Draw into `target` (within its viewport and scissor); the shader must use all `uniforms`, textures too."""
        unit = 0
        for name, value in uniforms.items():
            if isinstance(value, moderngl.Texture):
                value.use(unit)
                self._program[name] = unit
                unit += 1
            else:
                self._program[name] = value
        target.use()
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        self._triangle.release()
        self._program.release()


class Target:
    """A texture of `size` (width, height), RGBA in 8 bits, and the framebuffer to draw into it."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int]) -> None:
        self._context = context
        self._allocate(size)

    def resize(self, size: tuple[int, int]) -> None:
        """Be of another size; what it held is lost."""
        if size == self.size:
            return
        texture, framebuffer = self.texture, self.framebuffer
        self._allocate(size)
        self.framebuffer.use()  # one that is released in use leaves OpenGL in error
        framebuffer.release()
        texture.release()

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """What it holds, (height, width, 3) uint8, top row first; with `alpha` (height, width, 4)."""
        components = 4 if alpha else 3
        pixels = np.frombuffer(self.framebuffer.read(components=components, alignment=1), np.uint8)
        return pixels.reshape(self.size[1], self.size[0], components)[::-1]

    def release(self) -> None:
        self.framebuffer.release()
        self.texture.release()

    def _allocate(self, size: tuple[int, int]) -> None:
        if min(size) < 1:
            raise ValueError(f"picture of {size[0]}x{size[1]}: width and height must be at least 1")
        self.size = size
        self.texture = self._context.texture(size, 4)
        self.texture.repeat_x = self.texture.repeat_y = False
        self.framebuffer = self._context.framebuffer([self.texture])
