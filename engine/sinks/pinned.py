"""A picture in perspective on a screen: inside by one sample a pixel where more take too long, its edges with care.

Owns the programs for that. With edges, sixteen samples and a homography of its own for each pixel, 1920x1080 took 170
ms without a GPU, where a copy takes 10. So the rasteriser does the perspective, and what edges need is done along them
alone.
"""

import time
from dataclasses import replace
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.output import PLACES, PLAIN, Placing, from_screen
from engine.passes import Target, compile_program

# Cells of `mapping.vert`: all nine, the one in the middle, those around it; each is two triangles.
ALL, MIDDLE, AROUND = (0, False, 9), (4, False, 1), (0, True, 8)
CORNERS_OF_A_CELL = 6
# From the picture's edge on both sides, in pixels, lies what its softness needs: half a pixel, and rounding.
EDGE = 1.0
# Where the picture is made smaller by more than that, one sample a pixel would leave texels out.
SMALLEST = 2.0
# Seconds that sixteen samples a pixel may take: a GPU takes under 1 ms for 1920x1080. The sizes they are tried at, and
# how often at each; the first time compiles.
SHARP_TIME = 0.004
TRIED_AT, TRIES = ((128, 72), (384, 216)), 2
VARIANTS = "", "BENT", "MASKED", "BENT\n#define MASKED"


class Pinned:
    """Draws pictures between four corners with `context`; `sharp` says whether by sixteen samples, None: if it can."""

    def __init__(self, context: moderngl.Context, sharp: bool | None = None) -> None:
        self.sharp = sharp
        self._careful = compile_program(context, "mapping.vert", "mapping.frag")
        self._inner = {
            variant: compile_program(context, "mapping.vert", "mapping_inner.frag", variant) for variant in VARIANTS
        }
        self._arrays = {
            program: context.vertex_array(program, []) for program in (self._careful, *self._inner.values())
        }
        self._between = context.sampler(repeat_x=False, repeat_y=False, filter=(moderngl.LINEAR, moderngl.LINEAR))
        self._nearest = context.sampler(repeat_x=False, repeat_y=False, filter=(moderngl.NEAREST, moderngl.NEAREST))
        self._context = context
        self._seconds = {"copied": 0.0, "one": 0.0, "bent": 0.0, "edge": 0.0, "sharp": 0.0}  # a pixel, by `warm_up`

    def draw(
        self,
        screen: moderngl.Framebuffer,
        texture: moderngl.Texture,
        size: tuple[int, int],
        placing: Placing,
        straight: bool,
        mask: moderngl.Texture,
        masked: bool,
    ) -> None:
        """Draws a picture over all of `screen`, which is of `size` (width, height), black around it.

        Where `straight`, pixels of the picture lie on pixels of the screen. The corners are such as a picture can lie
        between; where not `masked`, the mask is white.
        """
        matrix = from_screen(placing.corners)
        steps = _steps(matrix, size)
        columns, rows = _lines(placing.soft, EDGE * steps)
        texels = float((np.abs(placing.turn()[:2, :2]) @ steps * texture.size).max())
        sharp = self.sharp if self.sharp is not None else self._is_quick_at(size)
        quick = straight or (not sharp and texels <= SMALLEST)
        shared = {
            "to_screen": _columns(np.linalg.inv(matrix)),
            "turn": _columns(placing.turn()),
            "columns": columns,
            "rows": rows,
            "target_size": size,
            "gamma": placing.gamma,
        }
        screen.use()
        screen.clear(alpha=1.0)
        texture.use(0)
        mask.use(1)
        self._between.use(0)
        self._between.use(1)
        with_care = {"from_screen": _columns(matrix), "soft": placing.soft, "straight": straight, "quick": quick}
        self._draw(self._careful, AROUND if quick else ALL, **shared, **with_care)
        if quick:
            if straight:
                self._nearest.use(0)
            variant = "\n#define ".join(name for name, on in (("BENT", placing.gamma != 1), ("MASKED", masked)) if on)
            self._draw(self._inner[variant], MIDDLE, **shared)
        for unit in (0, 1):
            self._between.clear(unit)

    def beside(self, size: tuple[int, int], placing: Placing, straight: bool, masked: bool) -> float:
        """Seconds that such a picture on a screen of `size` is thought to take, beside what a copy of it takes."""
        if self.sharp or (self.sharp is None and self._is_quick_at(size)):
            rate = 0.0 if straight else self._seconds["sharp"]
        else:
            rate = self._seconds["bent" if placing.gamma != 1 or masked else "copied" if straight else "one"]
        left, right, top, bottom = placing.soft
        inside = max(0.0, 1 - left - right) * max(0.0, 1 - top - bottom)
        a_pixel = inside * rate + (1 - inside) * max(rate, self._seconds["edge"])
        return max(0.0, a_pixel - self._seconds["copied"]) * size[0] * size[1]

    def warm_up(self, screen: moderngl.Framebuffer, texture: moderngl.Texture, white: moderngl.Texture) -> None:
        """Draws once with everything there is, and finds out what a pixel takes; leaves `screen` in use.

        Where nothing is masked, the mask is `white`; else the `texture` is as good as any.
        """
        target, chosen = Target(self._context, TRIED_AT[0]), self.sharp
        soft = replace(PLAIN, soft=(1.0, 1.0, 1.0, 1.0))
        tries = {
            "copied": (False, PLAIN, True, False),
            "one": (False, PLAIN, False, False),
            "masked": (False, PLAIN, False, True),
            "bent": (False, replace(PLAIN, gamma=2.0), False, False),
            "both": (False, replace(PLAIN, gamma=2.0), False, True),
            "edge": (False, soft, False, False),
            "sharp": (True, PLAIN, False, False),
        }
        taken: dict[str, list[float]] = {name: [] for name in tries}
        for size in TRIED_AT:
            target.resize(size)
            for name, (self.sharp, placing, straight, masked) in tries.items():
                given = placing, straight, texture if masked else white, masked
                if size == TRIED_AT[0]:
                    self.draw(screen, texture, size, *given)
                taken[name].append(min(self._take(target, texture, *given) for _ in range(TRIES)))
        self.sharp = chosen
        more = TRIED_AT[1][0] * TRIED_AT[1][1] - TRIED_AT[0][0] * TRIED_AT[0][1]
        self._seconds = {name: max(0.0, large - small) / more for name, (small, large) in taken.items()}
        screen.use()
        target.release()

    def _take(self, target: Target, texture: moderngl.Texture, *given: Any) -> float:
        """Draws into the target, as `draw` is `given` the rest; returns the seconds that it took."""
        began = time.perf_counter()
        self.draw(target.framebuffer, texture, target.size, *given)
        self._context.finish()
        return time.perf_counter() - began

    def _is_quick_at(self, size: tuple[int, int]) -> bool:
        """Whether sixteen samples a pixel are no matter on a screen of `size`."""
        return self._seconds["sharp"] * size[0] * size[1] <= SHARP_TIME

    def release(self) -> None:
        """Gives the GL resources back."""
        owned: list[Any] = [*self._arrays.values(), *self._arrays, self._between, self._nearest]
        for each in owned:
            each.release()

    def _draw(self, program: moderngl.Program, cells: tuple[int, bool, int], **uniforms: Any) -> None:
        first, hollow, count = cells
        for name, value in {**uniforms, "picture": 0, "mask": 1, "first": first, "hollow": hollow}.items():
            if name in program:  # the inner ones have no use for some
                program[name] = value
        self._arrays[program].render(moderngl.TRIANGLES, vertices=CORNERS_OF_A_CELL * count)


def _steps(matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """How far a place in the picture moves, at most, from one pixel of the screen to the next: across, up, in shares.

    A step is a vector that changes evenly over the picture, times the depth there, which does so too: the longest of
    one times the most of the other is more than any step.
    """
    depth = (np.linalg.inv(matrix) @ np.append(PLACES, np.ones((4, 1)), axis=1).T)[2]  # (4 corners)
    a_pixel = matrix[:, :2] / size
    vectors = a_pixel[None, :2] - PLACES[:, :, None] * a_pixel[2]  # (4, across and up, a pixel across and one up)
    longest: NDArray[np.float64] = np.linalg.norm(vectors, axis=2).max(axis=0) * depth.max()
    return longest


def _lines(soft: tuple[float, ...], edge: NDArray[np.float64]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The columns and the rows between which the cells lie, for edges that fade so far, left, right, top and bottom."""
    lines = []
    for low, high, width in ((soft[0], soft[1], edge[0]), (soft[3], soft[2], edge[1])):
        first, last = low + width, 1 - high - width
        if first > last:  # nothing is without an edge
            first = last = (first + last) / 2
        lines.append((-width, first, last, 1 + width))
    columns, rows = lines
    return columns, rows


def _columns(matrix: NDArray[np.floating]) -> tuple[float, ...]:
    """A matrix as OpenGL takes it, column by column."""
    return tuple(float(value) for value in matrix.T.ravel())
