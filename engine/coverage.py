"""Coverage: latents -> decoder's images -> a company on a stage of any size: white on nothing, for effects to paint.

Owns the GL resources between the decoder and the effects. The decoder's small image is a soft field of coverage, not
pixels to enlarge: `engine/glsl/dancer.frag` samples it with a cubic spline and cuts it into an edge as fine as the
picture's pixels. A grey bundle's dancers are lifted off their ground first (`engine.ground`), and keep their shades. A
company is drawn at once, the rows at the back first, and paler. Dancers are kept whole at any shape of window. The same
latents give the same pixels, byte for byte, on the same machine.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.decoding import Decoding
from engine.ground import Ground
from engine.parameters import MOST_DANCERS
from engine.passes import Target, compile_program
from engine.stage import FLOOR, PALE, SCALE, TURN, Stage, X

DARK_SILHOUETTE, LIGHT_SILHOUETTE, GREY = IMAGE_KINDS = ("dark silhouette", "light silhouette", "grey")

# Coverage up to this is ground whatever lies around it: the spline mixes its samples and never exceeds them, and
# the shader's cut begins at LEVEL - WIDEST = 0.06.
GROUND = 0.05

# The spline reaches two texels to each side of a place.
SPLINE_REACH = 2

# How often a silhouette is smoothed before it is cut: the decoder's edges are a texel wide, and their steps would be
# seen as waves along a leg ten metres wide. Twice leaves none of them, and takes under a texel off a hand.
EVENED = 2

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
    """What companies of one context are drawn with, compiled once: another model's costs a frame no compiling."""

    def __init__(self, context: moderngl.Context) -> None:
        self.near, self.far = Bodies(context, ""), Bodies(context, "FAR")

    def release(self) -> None:
        self.far.release()
        self.near.release()


class Coverage:
    """Draws the company of one model into `.texture`: premultiplied white bodies, their coverage in alpha.

    Grey dancers are as light as they were filmed, off their `ground`, which only grey images have and need.

    `decode` turns latents (dancers, latent_size) into images (dancers, height, width) uint8; `image_kind` is one of
    `IMAGE_KINDS`; `image_size` is that of the decoder's images and `size` that of the texture, both (width, height).
    Without a `brush` to share it has one of its own. `budget` gives the seconds a frame that decoding may take
    (`engine.decoding`). Of the values it reads `dance/dancers`, `dance/layout` and `dance/mirror`.
    """

    def __init__(
        self,
        context: moderngl.Context,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        image_kind: str,
        image_size: tuple[int, int],
        size: tuple[int, int],
        brush: Brush | None = None,
        budget: Callable[[], float | None] = lambda: None,
        ground: Ground | None = None,
    ) -> None:
        if image_kind not in IMAGE_KINDS:
            raise ValueError(f"image kind {image_kind!r}: not one of {', '.join(map(repr, IMAGE_KINDS))}")
        self._context = context
        self._dark = image_kind == DARK_SILHOUETTE
        if (image_kind == GREY) != (ground is not None):
            raise ValueError(f"image kind {image_kind!r}: grey images have a ground, and only they have one")
        self._ground = ground
        self._image_size = image_size
        blank: int | NDArray[np.uint8] = 255 if self._dark else 0
        if ground is not None:
            blank = np.round(ground.levels * 255).astype(np.uint8)
        self._decoding = Decoding(decode, image_size, blank, budget)
        self._stage = Stage(image_size)
        self._time: float | None = None
        # Floats, for samplers blend 8-bit texels in 8 bits. One texel more to each side: what lies beyond the image.
        width, height = image_size[0] + 2, image_size[1] + 2
        # Behind them lie, of grey dancers, the tones.
        self._fields = context.texture_array(
            (width, height, MOST_DANCERS * (1 if ground is None else 2)), 1, dtype="f4"
        )
        self._fields.repeat_x = self._fields.repeat_y = False
        self._reach = np.zeros((MOST_DANCERS, 4))  # what each field covers, texels: left, top, right, bottom
        self._far = np.zeros(MOST_DANCERS, np.bool_)
        self._known = 0  # how many dancers' fields are their own
        self._own_brush = brush is None
        self._brush = brush or Brush(context)
        self._target = Target(context, size)
        if self._own_brush:
            self.warm_up()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the texture."""
        return self._target.size

    @property
    def texture(self) -> moderngl.Texture:
        return self._target.texture

    @property
    def images(self) -> NDArray[np.uint8]:
        """The decoder's own images of the last frame, (dancers, height, width)."""
        return self._decoding.images

    @property
    def fresh(self) -> NDArray[np.bool_]:
        """Whose image is the last frame's own, (dancers): in a large company others still wait for their turn."""
        return self._decoding.fresh

    def prepare(self, latents: NDArray[np.float32], turns: NDArray[np.bool_] | None = None, share: float = 1.0) -> None:
        """Decode the images of a frame's `latents` (dancers, latent_size), or those of `turns` (dancers), in this
        `share` of the budget.
        """
        self._decoding.advance(latents, turns, share)

    def draw(self, values: Mapping[str, float], clock: FrameClock) -> Self:
        """Draw the frame that was prepared; returns itself."""
        dt = 0.0 if self._time is None else clock.time - self._time
        if self._time is None:
            self._stage = Stage(self._image_size)  # the first company is there at once
        self._time = clock.time
        dancers = len(self.images)
        wanted, layout = round(values["dance/dancers"]), round(values["dance/layout"])
        self._stage.advance(dt, dancers, wanted, values["dance/mirror"], self.size, layout)
        far = (self._stage.places[:, SCALE] < FAR) & (dancers > 1)
        changed = self._decoding.fresh | (far != self._far[: len(far)])
        changed[self._known :] = True  # or who waits for a first turn would be seen as one who left
        self._known = dancers
        self._far[: len(far)] = far
        for dancer in np.flatnonzero(changed):
            self._write(int(dancer), self._decoding.images[dancer])
        self._render(len(self._stage.places) == 1 and bool(self._stage.presence[0] == 1))
        return self

    def warm_up(self) -> None:
        """Draw once with everything there is: drivers compile at the first use, and the first frame is due at once.

        Those that share a brush need it once, before any of them has drawn a frame.
        """
        covered = np.full((self._image_size[1], self._image_size[0]), 0 if self._dark else 255, np.uint8)
        if self._ground is not None:
            covered[self._ground.levels > 0.5] = 0
        self._stage.advance(0, 1, 1, 0, self.size)
        for far in (True, False):
            self._far[0] = far
            self._write(0, covered)
            for alone in (False, True):
                self._render(alone)

    def resize(self, size: tuple[int, int]) -> None:
        """Draw at `size` (width, height) from the next frame on; the frame drawn last is lost."""
        self._target.resize(size)

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """The texture as (height, width, 3) uint8, top row first; with `alpha` (height, width, 4), premultiplied."""
        return self._target.read(alpha)

    def release(self) -> None:
        """Give the GL resources back; the context belongs to whoever made it, and so does a brush that was given."""
        self._target.release()
        self._fields.release()
        if self._own_brush:
            self._brush.release()

    def _write(self, dancer: int, image: NDArray[np.uint8]) -> None:
        """Takes the dancer's `image` (height, width) to the GPU, as a field 0..1, and the tones of a grey one."""
        field: NDArray[np.floating]
        if self._ground is None:
            field = image.astype(np.float32) / 255
            if self._dark:
                field = 1 - field
        else:
            field, tones = self._ground.lift(image)
            self._write_field(MOST_DANCERS + dancer, np.pad(tones, 1, mode="edge"), int(self._far[dancer]))
        field = self._write_field(dancer, np.pad(field, 1), EVENED + int(self._far[dancer]))  # nothing lies beyond
        self._reach[dancer] = _reach(field > GROUND)

    def _write_field(self, layer: int, field: NDArray[np.floating], smoothed: int) -> NDArray[np.floating]:
        """Takes a field (height, width) to the GPU, so often `smoothed`; returns it as it is there."""
        height, width = field.shape
        for _ in range(smoothed):
            field = _smooth(_smooth(field).T).T
        self._fields.write(np.ascontiguousarray(field), (0, 0, layer, width, height, 1))
        return field

    def _render(self, alone: bool) -> None:
        """Draw everybody where they stand; who is `alone` and wholly there is laid over nothing."""
        self._target.framebuffer.clear()
        grey = {"tones": 0, "fade": 0.0} if self._ground is None else {"tones": MOST_DANCERS, "fade": self._ground.fade}
        uniforms = {"size": self.size, **grey}
        instances, far = self._instances()
        self._fields.use(0)
        self._target.framebuffer.use()
        if not alone:
            self._context.enable(moderngl.BLEND)
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._brush.far.draw(instances[far], **uniforms)
        self._brush.near.draw(instances[~far], **uniforms)
        self._context.disable(moderngl.BLEND)

    def _instances(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
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
        look = np.stack([np.arange(len(places)), 1 - places[:, PALE], self._stage.presence], axis=1)
        nearer = np.argsort(places[:, SCALE], kind="stable")
        instances = np.concatenate([box, origin, scale, look], axis=1).astype(np.float32)
        return instances[nearer], self._far[nearer]


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
