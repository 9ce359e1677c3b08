"""A panel: a grid of coloured letters, drawn over whatever the window shows.

Owns the GL resources of the HUD. Only the grid's few bytes go to the GPU when something changes; the letters lie there.
"""

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.picture import Pass
from engine.sinks.lettering import BAR, BLANK, EIGHTHS, RULE, atlas, encode

# Places in COLOURS, what they are for, and the colours themselves.
LABEL, VALUE, ACCENT, ALARM, FAINT = range(5)
COLOURS = ((0.66, 0.70, 0.73), (0.96, 0.97, 0.97), (0.42, 0.83, 0.76), (1.0, 0.50, 0.36), (0.36, 0.40, 0.43))

# Cells are as wide as a 90th of the window's height, and twice as high: 45 lines of text to a window. A tall window has
# at least 110 of them to a line. Under 6 pixels letters cannot be told apart.
LINES, COLUMNS, LEAST = 90, 110, 6


def cell_size(size: tuple[int, int]) -> tuple[int, int]:
    """Pixels of a letter's cell, (width, height), in a window of `size`."""
    width = max(LEAST, min(size[1] // LINES, size[0] // COLUMNS))
    return width, 2 * width


class Grid:
    """What a panel says: `cells` (rows, columns, 2) uint8 holds each place's letter and colour."""

    def __init__(self, rows: int, columns: int) -> None:
        self.cells = np.zeros((rows, columns, 2), np.uint8)
        self.cells[..., 0] = BLANK

    def write(self, row: int, column: int, text: str, colour: int = VALUE, width: int | None = None) -> None:
        """Writes `text` from `column` on; what is wider than `width` ends in an ellipsis."""
        width = self.cells.shape[1] - column if width is None else width
        if len(text) > width:
            text = text[: max(width - 1, 0)] + "…"[:width]
        self.cells[row, column : column + len(text), 0] = encode(text)
        self.cells[row, column : column + len(text), 1] = colour

    def bar(self, row: int, column: int, width: int, share: float, colour: int = ACCENT) -> None:
        """A bar `width` cells long, filled from the left by `share`, 0..1."""
        eighths = round(min(max(share, 0.0), 1.0) * width * EIGHTHS)
        self.cells[row, column : column + width, 0] = BAR + np.clip(eighths - EIGHTHS * np.arange(width), 0, EIGHTHS)
        self.cells[row, column : column + width, 1] = colour

    def rule(self, row: int, column: int, width: int) -> None:
        """A hairline."""
        self.cells[row, column : column + width] = RULE, LABEL


class Panel:
    """Draws grids into a window with `context`."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._pass = Pass(context, "panel.frag")
        self._cell = (0, 0)
        self._letters = context.texture((1, 1), 1)
        self._cells = context.texture((1, 1), 2, dtype="u1")

    def draw(self, target: moderngl.Framebuffer, size: tuple[int, int], grid: Grid, right: bool = False) -> None:
        """Draws `grid` into the upper left (or right) corner of `target`, which is of `size` (width, height) pixels."""
        cell = cell_size(size)
        if cell != self._cell:
            self._cell = cell
            self._letters = self._texture(self._letters, atlas(cell), "f1")
        if grid.cells.shape[1::-1] != self._cells.size:
            self._cells = self._texture(self._cells, grid.cells, "u1")
        else:
            self._cells.write(grid.cells)
        rows, columns = grid.cells.shape[:2]
        width, height = columns * cell[0], rows * cell[1]
        left, top = size[0] - width - cell[0] if right else cell[0], size[1] - cell[0]
        self._cells.use(1)
        target.viewport = (left, top - height, width, height)
        self._context.enable(moderngl.BLEND)
        self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._pass.draw(target, self._letters, cells=1, cell=cell, corner=(left, top), colours=COLOURS)
        self._context.disable(moderngl.BLEND)
        target.viewport = (0, 0, *size)

    def release(self) -> None:
        self._letters.release()
        self._cells.release()
        self._pass.release()

    def _texture(self, old: moderngl.Texture, texels: NDArray[np.uint8], dtype: str) -> moderngl.Texture:
        old.release()
        components = texels.shape[2] if texels.ndim == 3 else 1
        texture = self._context.texture(texels.shape[1::-1], components, texels, alignment=1, dtype=dtype)
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        return texture
