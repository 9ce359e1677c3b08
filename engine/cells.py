"""The cells that flashes are counted in: a picture's linear light on a small grid, in whatever light it is shown.

Owns the GL resources to measure it. The GPU measures a picture once, in no light but its own: sums of powers of its
values. From these the grid follows in any light, on the processor, at the last moment and the same each time.
"""

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.passes import Pass

# Small enough that no strobe hides between two of them, large enough that noise, which WCAG leaves out, evens out
# within each. At 1280x720 they are 40 pixels wide and high.
CELLS = 32, 18

# sRGB to linear light, as factors of a value, its square and its cube: nowhere off by more than 0.0014.
CURVE = 0.018144, 0.667441, 0.314415


class Cells:
    """The grid of one picture at a time, measured with `context`."""

    def __init__(self, context: moderngl.Context) -> None:
        self._measure = Pass(context, "flash_measure.frag")
        self._between = context.sampler(repeat_x=False, repeat_y=False, filter=(moderngl.LINEAR, moderngl.LINEAR))
        self._powers = [context.texture(CELLS, 4, dtype="f2") for _ in CURVE]
        self._target = context.framebuffer(self._powers)

    def measure(self, picture: moderngl.Texture) -> None:
        """Measure a picture of sRGB in 8 bits."""
        self._between.use(0)
        self._measure.draw(self._target, picture=picture, cells=CELLS)
        self._between.clear(0)

    def read(self) -> "Measured":
        """What was measured last."""
        columns, rows = CELLS
        read = [self._target.read(components=4, attachment=power, dtype="f2") for power in range(len(CURVE))]
        return Measured(np.frombuffer(b"".join(read), np.float16).reshape(len(CURVE), rows, columns, 4))

    def release(self) -> None:
        self._target.release()
        for each in self._powers:
            each.release()
        self._between.release()
        self._measure.release()


class Measured:
    """A picture's cells, as the means of its values, of their squares and of their cubes, (3, rows, columns, 4)."""

    def __init__(self, powers: NDArray[np.float16]) -> None:
        self._powers = powers.astype(np.float64)

    def in_light(self, light: float = 1.0) -> NDArray[np.float64]:
        """The linear light of its cells, (rows, columns, 4), where every value of the picture is times `light`, 0..1:
        red, green, blue, and how far red is above the two others.
        """
        factors = [factor * light**power for power, factor in enumerate(CURVE, 1)]
        return np.maximum(np.tensordot(factors, self._powers, 1), 0.0)
