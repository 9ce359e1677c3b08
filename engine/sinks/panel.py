"""A panel: a grid of coloured letters, drawn over whatever the window shows.

Owns the GL resources of the HUD. The letters lie on the GPU; a frame sends it four bytes for each that is seen.
"""

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.passes import Pass, compile_program
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
    """What a panel says: `cells` (rows, columns, 2) uint8 holds each place's letter and colour, 255 places at most."""

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

    def letters(self) -> NDArray[np.uint8]:
        """All that is not blank: column, row, letter, colour; (letters, 4)."""
        rows, columns = np.nonzero(self.cells[..., 0] != BLANK)
        return np.column_stack([columns, rows, self.cells[rows, columns]]).astype(np.uint8)


class Panel:
    """Draws grids into a window with `context`: a shade, and on it the letters.

    Each letter is a box of its own: a panel drawn whole, which looks up a letter for every pixel, takes a third longer
    where there is no GPU.
    """

    INSTANCE = "4u1/i", "letter"

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._shade = Pass(context, "shade.frag")
        self._program = compile_program(context, "panel.vert", "panel.frag")
        self._program["colours"] = COLOURS
        self._cell = (0, 0)
        self._letters = context.texture((1, 1), 1)
        self._instances = context.buffer(reserve=4, dynamic=True)
        self._boxes = context.vertex_array(self._program, [(self._instances, *self.INSTANCE)])

    def draw(self, target: moderngl.Framebuffer, size: tuple[int, int], grid: Grid, right: bool = False) -> None:
        """Draws `grid` into the upper left (or right) corner of `target`, which is of `size` (width, height) pixels."""
        cell = cell_size(size)
        if cell != self._cell:
            self._cell = cell
            self._letters.release()
            self._letters = self._texture(atlas(cell))
        rows, columns = grid.cells.shape[:2]
        width, height = columns * cell[0], rows * cell[1]
        left, top = size[0] - width - cell[0] if right else cell[0], size[1] - cell[0]
        letters = grid.letters()
        self._instances.orphan(letters.nbytes)
        self._instances.write(letters)
        target.viewport = (left, top - height, width, height)
        self._context.enable(moderngl.BLEND)
        self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._shade.draw(target)
        self._letters.use(0)
        self._program["cell"] = cell
        self._program["grid"] = columns, rows
        self._boxes.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=len(letters))
        self._context.disable(moderngl.BLEND)
        target.viewport = (0, 0, *size)

    def release(self) -> None:
        self._boxes.release()
        self._instances.release()
        self._letters.release()
        self._program.release()
        self._shade.release()

    def _texture(self, coverage: NDArray[np.uint8]) -> moderngl.Texture:
        texture = self._context.texture(coverage.shape[::-1], 1, coverage, alignment=1)
        texture.filter = moderngl.NEAREST, moderngl.NEAREST
        return texture
