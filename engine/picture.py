"""The picture of a frame: latents -> decoder's images -> a silhouette of any size, in a framebuffer of its own.

Owns the GL resources between the decoder and the sinks. The decoder's small image is a soft field of coverage, not
pixels to enlarge: `shaders/dancer.frag` samples it with a cubic spline and cuts it into an edge as fine as the
picture's pixels. The dancer is kept whole at any shape of window; the ground goes on to its edges. The same latents
give the same picture, byte for byte, on the same machine.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine import resources

DARK_SILHOUETTE, LIGHT_SILHOUETTE, GREY = IMAGE_KINDS = ("dark silhouette", "light silhouette", "grey")

# Coverage up to this is ground whatever lies around it: the spline mixes its samples and never exceeds them, and
# the shader's cut begins at LEVEL - WIDEST = 0.06.
GROUND = 0.05

# The spline reaches two texels to each side of a place.
SPLINE_REACH = 2


class FrameClock(Protocol):
    """What a picture may know of time: effects move by it."""

    @property
    def time(self) -> float: ...

    @property
    def frame(self) -> int: ...


class Pass:
    """One fragment shader of `shaders/`, drawn over one framebuffer.

    A shader that the driver refuses raises `moderngl.Error` with the file's name and the driver's log.
    """

    def __init__(self, context: moderngl.Context, fragment: str) -> None:
        folder = resources.path("shaders")
        vertex_source = (folder / "screen.vert").read_text(encoding="utf-8")
        fragment_source = (folder / fragment).read_text(encoding="utf-8")
        try:
            self._program = context.program(vertex_source, fragment_source)
        except moderngl.Error as error:
            raise moderngl.Error(f"{folder / fragment}: {error}") from error
        self._triangle = context.vertex_array(self._program, [])

    def draw(self, target: moderngl.Framebuffer, texture: moderngl.Texture, **uniforms: Any) -> None:
        """Draw into `target` (within its viewport and scissor) from `texture`; the shader must use all `uniforms`."""
        for name, value in uniforms.items():
            self._program[name] = value
        texture.use(0)
        target.use()
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        self._triangle.release()
        self._program.release()


class Picture:
    """Draws the company of dancers into `.texture`; a sink shows it or reads it back.

    `decode` turns latents (dancers, latent_size) into images (dancers, height, width) uint8; `image_kind` is one of
    `IMAGE_KINDS`; `image_size` is that of the decoder's images and `size` that of the picture, both (width, height).
    """

    def __init__(
        self,
        context: moderngl.Context,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        image_kind: str,
        image_size: tuple[int, int],
        size: tuple[int, int],
    ) -> None:
        if image_kind not in IMAGE_KINDS:
            raise ValueError(f"image kind {image_kind!r}: not one of {', '.join(map(repr, IMAGE_KINDS))}")
        self._context = context
        self._decode = decode
        self._dark = image_kind == DARK_SILHOUETTE
        self._silhouette = image_kind != GREY
        # Floats, for samplers blend 8-bit texels in 8 bits. One texel more to each side: what lies beyond the image.
        self._field = context.texture((image_size[0] + 2, image_size[1] + 2), 1, dtype="f4")
        self._field.repeat_x = self._field.repeat_y = False
        self._dancer = Pass(context, "dancer.frag")
        self.images: NDArray[np.uint8] = np.zeros((0, image_size[1], image_size[0]), np.uint8)
        """The decoder's own images of the last frame, (dancers, height, width)."""
        self._allocate(size)
        # Drivers compile at the first use; the first frame is due at once.
        self._render(np.ones((image_size[1], image_size[0]), np.float32))

    def draw(self, latents: NDArray[np.float32], values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draw one frame of `latents` (dancers, latent_size); returns itself, ready for the sinks."""
        self.images = self._decode(latents)
        # Several dancers are the union of what they cover.
        union = self.images.min(axis=0) if self._dark else self.images.max(axis=0)
        field = union.astype(np.float32) / 255
        if self._dark:
            field = 1 - field
        self._render(field)
        return self

    def resize(self, size: tuple[int, int]) -> None:
        """Draw at `size` (width, height) from the next frame on; the frame drawn last is lost."""
        if size != self.size:
            self._release_target()
            self._allocate(size)

    def read(self) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, top row first."""
        pixels = np.frombuffer(self._target.read(components=3, alignment=1), np.uint8)
        return pixels.reshape(self.size[1], self.size[0], 3)[::-1]

    def release(self) -> None:
        """Give the GL resources back; the context belongs to whoever made it."""
        self._release_target()
        self._field.release()
        self._dancer.release()

    def _render(self, field: NDArray[np.float32]) -> None:
        """Draw `field` (height, width), 0..1, into the picture."""
        # Nothing is covered beyond a silhouette's image; a grey image goes on as its border is.
        field = np.pad(field, 1, mode="constant" if self._silhouette else "edge")
        self._field.write(np.ascontiguousarray(field))
        scale, origin = self._placing()
        ground = 1.0 if self._dark else 0.0
        self._target.clear(ground, ground, ground, 1.0)
        if self._silhouette:
            self._target.scissor = self._box(field > GROUND, scale, origin)
        self._dancer.draw(
            self._target,
            self._field,
            origin=origin,
            scale=scale,
            height=float(self.size[1]),
            silhouette=self._silhouette,
            dark=self._dark,
        )
        self._target.scissor = (0, 0, *self.size)

    def _allocate(self, size: tuple[int, int]) -> None:
        if min(size) < 1:
            raise ValueError(f"picture of {size[0]}x{size[1]}: width and height must be at least 1")
        self.size = size
        self.texture = self._context.texture(size, 4)
        self.texture.repeat_x = self.texture.repeat_y = False
        self._target = self._context.framebuffer([self.texture])

    def _release_target(self) -> None:
        self._target.release()
        self.texture.release()

    def _placing(self) -> tuple[float, tuple[float, float]]:
        """Pixels to one texel, and where the field's top left corner lies, so that the image is whole and centred."""
        columns, rows = self._field.size
        scale = min(self.size[0] / (columns - 2), self.size[1] / (rows - 2))
        return scale, ((self.size[0] - columns * scale) / 2, (self.size[1] - rows * scale) / 2)

    def _box(self, covered: NDArray[np.bool_], scale: float, origin: tuple[float, float]) -> tuple[int, int, int, int]:
        """The pixels that `covered` texels reach: left, lower edge, width, height.

        A dancer covers a fifth of the picture; drawing no more than that is what lets a machine without a GPU keep up.
        """
        columns = np.flatnonzero(covered.any(axis=0))
        rows = np.flatnonzero(covered.any(axis=1))
        if not len(columns):
            return 0, 0, 0, 0
        low = np.array([columns[0], rows[0]]) - SPLINE_REACH
        high = np.array([columns[-1], rows[-1]]) + 1 + SPLINE_REACH
        left, top = np.clip(np.floor(low * scale + origin), 0, self.size).astype(int)
        right, bottom = np.clip(np.ceil(high * scale + origin), 0, self.size).astype(int)
        return int(left), self.size[1] - int(bottom), int(right - left), int(bottom - top)
