"""The picture of a frame: latents -> decoder's images -> silhouettes on a stage of any size, in its own framebuffer.

Owns the GL resources between the decoder and the sinks. The decoder's small image is a soft field of coverage, not
pixels to enlarge: `shaders/dancer.frag` samples it with a cubic spline and cuts it into an edge as fine as the
picture's pixels. A company is drawn at once, the rows at the back first. Dancers are kept whole at any shape of window;
the ground goes on to its edges. The same latents give the same picture, byte for byte, on the same machine.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine import resources
from engine.decoding import Decoding
from engine.parameters import MOST_DANCERS
from engine.stage import FLOOR, PALE, SCALE, TURN, Stage, X

DARK_SILHOUETTE, LIGHT_SILHOUETTE, GREY = IMAGE_KINDS = ("dark silhouette", "light silhouette", "grey")

# Coverage up to this is ground whatever lies around it: the spline mixes its samples and never exceeds them, and
# the shader's cut begins at LEVEL - WIDEST = 0.06.
GROUND = 0.05

# The spline reaches two texels to each side of a place.
SPLINE_REACH = 2

# Bodies at less than so many pixels to a texel come smoothed by the spline's weights already, and are sampled once
# where the spline samples four times: a company takes half the time without a GPU, and looks the same.
FAR = 4.0

# Half way through a turn a body is this thin, of its width, and not nothing.
EDGE_ON = 0.03


class FrameClock(Protocol):
    """What a picture may know of time: effects move by it."""

    @property
    def time(self) -> float: ...

    @property
    def frame(self) -> int: ...


def compile_program(context: moderngl.Context, vertex: str, fragment: str, variant: str = "") -> moderngl.Program:
    """A program of two files of `shaders/`; the fragment shader may come in a variant, which it finds defined.

    Raises `moderngl.Error` with the file's name and the driver's log.
    """
    folder = resources.path("shaders")
    vertex_source = (folder / vertex).read_text(encoding="utf-8")
    fragment_source = (folder / fragment).read_text(encoding="utf-8")
    if variant:
        version, rest = fragment_source.split("\n", 1)
        fragment_source = f"{version}\n#define {variant}\n#line 2\n{rest}"
    try:
        return context.program(vertex_source, fragment_source)
    except moderngl.Error as error:
        raise moderngl.Error(f"{folder / fragment}: {error}") from error


class Pass:
    """One fragment shader of `shaders/`, drawn over one framebuffer.

    A shader that the driver refuses raises `moderngl.Error` with the file's name and the driver's log.
    """

    def __init__(self, context: moderngl.Context, fragment: str) -> None:
        self._program = compile_program(context, "screen.vert", fragment)
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


class Bodies:
    """Draws dancers, near or far ones: each a box of pixels, all at once."""

    INSTANCE = "4f 4f 3f/i", "box", "placing", "look"
    FLOATS = 11

    def __init__(self, context: moderngl.Context, variant: str) -> None:
        self._program = compile_program(context, "dancer.vert", "dancer.frag", variant)
        self._instances = context.buffer(reserve=MOST_DANCERS * self.FLOATS * 4, dynamic=True)
        self._boxes = context.vertex_array(self._program, [(self._instances, *self.INSTANCE)])

    def draw(self, instances: NDArray[np.float32], **uniforms: Any) -> None:
        """Draw `instances` (dancers, 11) into the framebuffer in use, the first one first."""
        if not len(instances):
            return
        for name, value in uniforms.items():
            self._program[name] = value
        self._instances.write(np.ascontiguousarray(instances))
        self._boxes.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(instances))

    def release(self) -> None:
        self._boxes.release()
        self._instances.release()
        self._program.release()


class Brush:
    """What pictures of one context draw with, compiled once: another dancer's picture costs a frame no compiling."""

    def __init__(self, context: moderngl.Context) -> None:
        self.near, self.far = Bodies(context, ""), Bodies(context, "FAR")
        self.over = Pass(context, "over.frag")

    def release(self) -> None:
        for each in (self.over, self.far, self.near):
            each.release()


class Picture:
    """Draws the company of dancers into `.texture`; a sink shows it or reads it back.

    `decode` turns latents (dancers, latent_size) into images (dancers, height, width) uint8; `image_kind` is one of
    `IMAGE_KINDS`; `image_size` is that of the decoder's images and `size` that of the picture, both (width, height).
    Without a `brush` to share it has one of its own. `budget` is the time, in seconds a frame, that decoding may take
    (`engine.decoding`). Of the values it reads `dance/dancers`, `dance/mirror` and `picture/black`.
    """

    def __init__(
        self,
        context: moderngl.Context,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        image_kind: str,
        image_size: tuple[int, int],
        size: tuple[int, int],
        brush: Brush | None = None,
        budget: float | None = None,
    ) -> None:
        if image_kind not in IMAGE_KINDS:
            raise ValueError(f"image kind {image_kind!r}: not one of {', '.join(map(repr, IMAGE_KINDS))}")
        self._context = context
        self._dark = image_kind == DARK_SILHOUETTE
        self._silhouette = image_kind != GREY
        self._image_size = image_size
        self._decoding = Decoding(decode, image_size, 255 if self._dark else 0, budget)
        self._stage = Stage(image_size, grey=not self._silhouette)
        self._time: float | None = None
        # Floats, for samplers blend 8-bit texels in 8 bits. One texel more to each side: what lies beyond the image.
        width, height = image_size[0] + 2, image_size[1] + 2
        self._fields = context.texture_array((width, height, MOST_DANCERS), 1, dtype="f4")
        self._fields.repeat_x = self._fields.repeat_y = False
        self._reach = np.zeros((MOST_DANCERS, 4))  # what each field covers, texels: left, top, right, bottom
        self._far = np.zeros(MOST_DANCERS, np.bool_)
        self._known = 0  # how many dancers' fields are their own
        self._own_brush = brush is None
        self._brush = brush or Brush(context)
        self._allocate(size)
        if self._own_brush:
            self.warm_up()

    @property
    def images(self) -> NDArray[np.uint8]:
        """The decoder's own images of the last frame, (dancers, height, width)."""
        return self._decoding.images

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whose image is the last frame's own, (dancers): in a large company others still wait for their turn."""
        return self._decoding.fresh

    def prepare(self, latents: NDArray[np.float32], turns: NDArray[np.bool_] | None = None) -> None:
        """Decode the images of a frame's `latents` (dancers, latent_size), or those of `turns` (dancers)."""
        self._decoding.advance(latents, turns)

    def draw(self, values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draw the frame that was prepared; returns itself, ready for the sinks."""
        dt = 0.0 if self._time is None else clock.time - self._time
        if self._time is None:
            self._stage = Stage(self._image_size, grey=not self._silhouette)  # the first company is there at once
        self._time = clock.time
        dancers = len(self.images)
        self._stage.advance(dt, dancers, round(values["dance/dancers"]), values["dance/mirror"], self.size)
        far = (self._stage.places[:, SCALE] < FAR) & self._silhouette & (dancers > 1)
        changed = self._decoding.fresh | (far != self._far[: len(far)])
        changed[self._known :] = True  # or who waits for a first turn would be seen as one who left
        self._known = dancers
        self._far[: len(far)] = far
        for dancer in np.flatnonzero(changed):
            self._write(int(dancer), self._decoding.images[dancer])
        self._render(1 - values["picture/black"])
        return self

    def lay_over(self, texture: moderngl.Texture, share: float) -> None:
        """Lay another picture over this one: at a `share` of 0 it is not seen, at 1 nothing else is."""
        if share <= 0:
            return
        with self._mixing():
            self._brush.over.draw(self._target, texture, target_size=self.size, share=min(share, 1.0))

    def warm_up(self) -> None:
        """Draw once with everything there is: drivers compile at the first use, and the first frame is due at once.

        Pictures that share a brush need it once, before any of them has drawn a frame.
        """
        covered = np.full((self._image_size[1], self._image_size[0]), 0 if self._dark else 255, np.uint8)
        self._stage.advance(0, 1, 1, 0, self.size)
        for far in (True, False):
            self._far[0] = far
            self._write(0, covered)
            self._render(1.0)
        blank = self._context.texture((1, 1), 4, bytes(4))
        self.lay_over(blank, 0.5)
        blank.release()

    def resize(self, size: tuple[int, int]) -> None:
        """Draw at `size` (width, height) from the next frame on; the frame drawn last is lost."""
        if size != self.size:
            self._release_target()
            self._allocate(size)

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """The picture as (height, width, 3) uint8, top row first; with `alpha` (height, width, 4), premultiplied."""
        channels = 4 if alpha else 3
        pixels = np.frombuffer(self._target.read(components=channels, alignment=1), np.uint8)
        return pixels.reshape(self.size[1], self.size[0], channels)[::-1]

    def release(self) -> None:
        """Give the GL resources back; the context belongs to whoever made it, and so does a brush that was given."""
        self._release_target()
        self._fields.release()
        if self._own_brush:
            self._brush.release()

    def _write(self, dancer: int, image: NDArray[np.uint8]) -> None:
        """Takes the dancer's `image` (height, width) to the GPU, as a field 0..1."""
        field: NDArray[np.floating] = image.astype(np.float32) / 255
        if self._dark:
            field = 1 - field
        # Nothing is covered beyond a silhouette's image; a grey image goes on as its border is.
        field = np.pad(field, 1, mode="constant" if self._silhouette else "edge")
        height, width = field.shape
        covered = field > GROUND
        if self._far[dancer]:
            field = _smooth(_smooth(field).T).T
        self._fields.write(np.ascontiguousarray(field), (0, 0, dancer, width, height, 1))
        self._reach[dancer] = _reach(covered) if self._silhouette else (1, 1, width - 1, height - 1)

    def _render(self, light: float) -> None:
        """Draw everybody where they stand; at a `light` of 0 all is black."""
        ground = light if self._dark else 0.0
        self._target.clear(ground, ground, ground, 1.0)
        alone = len(self._stage.places) == 1 and bool(self._stage.presence[0] == 1)
        uniforms = {"size": self.size, "silhouette": self._silhouette, "alone": alone, "ground": ground}
        instances, far = self._instances(alone, light)
        self._fields.use(0)
        self._target.use()
        with nullcontext() if alone else self._mixing():
            self._brush.far.draw(instances[far], **uniforms)
            self._brush.near.draw(instances[~far], **uniforms)

    @contextmanager
    def _mixing(self) -> Iterator[None]:
        """What is drawn is mixed with what is there, by its alpha; the picture stays opaque."""
        self._context.enable(moderngl.BLEND)
        opaque = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE
        self._context.blend_func = opaque  # type: ignore[assignment]
        yield
        self._context.disable(moderngl.BLEND)

    def _instances(self, alone: bool, light: float) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """What the shader is to know of each dancer, the rows at the back first, (dancers, 11), and who is far.

        The box of pixels to draw (left, top, right, bottom), the field's origin and its signed scale in pixels, and its
        layer, tone and presence. A body covers a fifth of its image; drawing no more than that is what lets a machine
        without a GPU keep up.
        """
        places = self._stage.places
        columns, rows = self._fields.size[:2]
        turn = places[:, TURN]
        width = np.where(turn < 0, -1, 1) * np.maximum(np.abs(turn), EDGE_ON)
        scale = np.stack([places[:, SCALE] * width, places[:, SCALE]], axis=1)
        origin = np.stack(
            [places[:, X] - columns * scale[:, 0] / 2, places[:, FLOOR] - (rows - 1) * scale[:, 1]], axis=1
        )
        reach = self._reach[: len(places)]
        corners = np.stack([reach[:, :2] * scale + origin, reach[:, 2:] * scale + origin])
        box = np.concatenate([np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))], axis=1)
        box = np.clip(box, 0, [*self.size, *self.size])
        if alone and not self._silhouette:
            box[:] = 0, 0, *self.size  # a grey image's ground goes on to the picture's edges
        pale = places[:, PALE] if self._silhouette else np.zeros(len(places))
        tone = light * (pale if self._dark else 1 - pale)
        look = np.stack([np.arange(len(places)), tone, self._stage.presence], axis=1)
        nearer = np.argsort(places[:, SCALE], kind="stable")
        instances = np.concatenate([box, origin, scale, look], axis=1).astype(np.float32)
        return instances[nearer], self._far[nearer]

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


def _reach(covered: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """The texels that `covered` ones are seen in: left, top, right, bottom; all 0 if there are none."""
    columns = np.flatnonzero(covered.any(axis=0))
    rows = np.flatnonzero(covered.any(axis=1))
    if not len(columns):
        return 0, 0, 0, 0
    return (
        int(columns[0]) - SPLINE_REACH,
        int(rows[0]) - SPLINE_REACH,
        int(columns[-1]) + 1 + SPLINE_REACH,
        int(rows[-1]) + 1 + SPLINE_REACH,
    )


def _smooth(field: NDArray[np.floating]) -> NDArray[np.floating]:
    """The cubic B-spline's values at the texels of `field`, along its columns."""
    padded = np.pad(field, ((1, 1), (0, 0)), mode="edge")
    return (padded[:-2] + 4 * padded[1:-1] + padded[2:]) / np.float32(6)
