"""The HUD: what the performer wants to know, and the page of keys, over the window's picture and nowhere else.

Owns which of the two is open, and when they are read anew. Both are closed until a key opens them. Figures change ten
times a second, since faster ones cannot be read; bars with every frame.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from engine.controls import Controls
from engine.parameters import SIGNALS
from engine.sinks.panel import ACCENT, FAINT, Grid, Panel
from engine.sinks.readings import (
    RULE,
    Bar,
    fact_lines,
    held,
    keys_page,
    last_lines,
    lay_out,
    meter_lines,
    parameter_lines,
)
from engine.sources.keys import KEYS, Keys
from engine.status import Fact

READ_EVERY = 0.1


class Hud:
    """What lies over the window's picture, drawn with its GL `context`.

    `describe` gives the show's facts, `message` what it said last; the rest is read from the controls and the keys.
    `now` gives seconds.
    """

    def __init__(
        self,
        context: Any,
        controls: Controls,
        keys: Keys,
        describe: Callable[[], Sequence[Fact]],
        message: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self.open = False
        """Whether the HUD is seen."""
        self.keys_open = False
        """Whether the page of keys is seen."""
        self._controls = controls
        self._keys = keys
        self._describe = describe
        self._message = message
        self._now = now
        self._panel, self._keys_panel = Panel(context), Panel(context)
        self._keys_grid = keys_page(KEYS)
        self._grid = Grid(0, 0)
        self._bars: list[tuple[int, Bar]] = []
        self._read_at: float | None = None

    def prepare(self, screen: Any, sizes: Iterable[tuple[int, int]]) -> None:
        """Draw once into the framebuffer `screen` for windows of these sizes (width, height).

        Letters are cut and drivers compile now, rather than in the frame that opens the HUD.
        """
        for size in sizes:
            for panel in (self._panel, self._keys_panel):
                panel.draw(screen, size, self._keys_grid)

    def toggle(self) -> None:
        self.open = not self.open
        self._read_at = None

    def toggle_keys(self) -> None:
        self.keys_open = not self.keys_open

    def update(self, values: Mapping[str, float]) -> None:
        """Take in a frame's values, once a frame, before it is drawn."""
        if not self.open:
            return
        now = self._now()
        if self._read_at is None or now - self._read_at >= READ_EVERY:
            self._read_at = now
            self._read()
        for row, bar in self._bars:
            share = bar.share(values)
            self._grid.bar(row, bar.column, bar.width, share or 0.0, FAINT if share is None else ACCENT)

    def draw(self, screen: Any, size: tuple[int, int]) -> None:
        """Draw what is open over what the framebuffer `screen`, of `size` (width, height) pixels, holds."""
        if self.open:
            self._panel.draw(screen, size, self._grid)
        if self.keys_open:
            self._keys_panel.draw(screen, size, self._keys_grid, right=True)

    def release(self) -> None:
        """Give the GL resources back."""
        self._panel.release()
        self._keys_panel.release()

    def _read(self) -> None:
        lines = [
            *fact_lines(self._describe()),
            RULE,
            *parameter_lines(self._controls, self._keys.selected),
            RULE,
            *meter_lines(self._controls, SIGNALS),
            RULE,
            *last_lines(held(self._controls), self._controls.waiting, self._message()),
        ]
        self._grid = lay_out(lines)
        self._bars = [(row, piece) for row, line in enumerate(lines, 1) for piece in line if isinstance(piece, Bar)]
