"""The HUD: what the performer wants to know, and the page of keys, over the window's picture and nowhere else.

Owns which of the two is open, and how they are laid out. Both are closed until a key opens them. Figures change ten
times a second, since faster ones cannot be read; bars with every frame.
"""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.controls import Controls
from engine.parameters import SIGNALS, Parameter, Signal
from engine.sinks.panel import ACCENT, ALARM, FAINT, LABEL, VALUE, Grid, Panel
from engine.sources.keys import KEYS, Key, Keys
from engine.status import Fact

READ_EVERY = 0.1

# Columns: a margin, then two halves with a gap between. A half holds a fact, or a signal's meter and figure.
MARGIN, HALF, GAP = 3, 25, 3
WIDE = 2 * HALF + GAP
HALVES = MARGIN, MARGIN + HALF + GAP
FACT_LABEL = 10
METER_LABEL, METER, METER_FIGURE = 9, 11, 5
# A parameter's line: name, figure and unit, by how much routes move it, bar.
NAME, FIGURE, UNIT, BAR = 20, 7, 7, 12
# The parameters that are always seen; the selected one comes with them.
ALWAYS = ("dance/temperature", "dance/speed")
HELD = {"picture/black": "black", "dance/frozen": "frozen"}
MESSAGE_LINES = 2
MARK = "→"
NOTHING = "-"


Share = Callable[[Mapping[str, float]], float | None]


@dataclass(frozen=True)
class Text:
    """Text in a line, from `column` on, in `width` columns at most."""

    column: int
    text: str
    colour: int = VALUE
    width: int = WIDE


@dataclass(frozen=True)
class Bar:
    """A bar in a line; `share` gives how full it is from a frame's values, None where there is nothing to show."""

    column: int
    width: int
    share: Share


def of_parameter(row: Parameter) -> Share:
    """Where the parameter is, on a controller."""
    return lambda values: row.to_unit(values[row.key])


def of_signal(controls: Controls, signal: Signal) -> Share:
    """How high the signal is."""
    return lambda values: controls.signals.get(signal.key)


Line = Sequence[Text | Bar]
RULE: Line = ()


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


def lay_out(lines: Sequence[Line], wide: int = WIDE) -> Grid:
    """A grid of these lines, `wide` within its margins, empty ones around them; bars are left to be filled in."""
    grid = Grid(len(lines) + 2, wide + 2 * MARGIN)
    for row, line in enumerate(lines, 1):
        if line is RULE:
            grid.rule(row, MARGIN, wide)
        for piece in line:
            if isinstance(piece, Text):
                grid.write(row, piece.column, piece.text, piece.colour, piece.width)
    return grid


def fact_lines(facts: Sequence[Fact]) -> list[Line]:
    """Facts in two columns; one that is too long for a half has a line of its own."""
    lines: list[list[Text]] = []
    half_free = False
    for fact in facts:
        long = len(fact.value) > HALF - FACT_LABEL
        column = HALVES[1] if half_free and not long else HALVES[0]
        width = (WIDE if long else HALF) - FACT_LABEL
        colour = ALARM if fact.wrong else VALUE
        pieces = [Text(column, fact.label, LABEL, FACT_LABEL), Text(column + FACT_LABEL, fact.value, colour, width)]
        if column == HALVES[0]:
            lines.append(pieces)
        else:
            lines[-1] += pieces
        half_free = not long and column == HALVES[0]
    return list(lines)


def parameter_lines(controls: Controls, selected: str) -> list[Line]:
    """The parameters of `ALWAYS` and the selected one, and the range and default of the latter."""
    lines: list[Line] = []
    for key in dict.fromkeys((*ALWAYS, selected)):
        row = controls.parameters[key]
        moved = controls.modulation(key)
        figure = f"{written(row, controls.target(key)):>{FIGURE}}"
        lines.append(
            [
                *([Text(MARGIN - 2, MARK, ACCENT)] if key == selected else []),
                Text(MARGIN, name(row), VALUE if key == selected else LABEL, NAME),
                Text(MARGIN + NAME, f"{figure} {row.unit}"),
                Text(MARGIN + NAME + FIGURE + UNIT, f"{moved:+.2f}" if round(moved, 2) else "", ACCENT),
                Bar(MARGIN + WIDE - BAR, BAR, of_parameter(row)),
            ]
        )
    row = controls.parameters[selected]
    low, high, default = (written(row, value) for value in (row.low, row.high, row.default))
    lines.append([Text(MARGIN, f"{low} to {high}, default {default}", LABEL)])
    return lines


def name(row: Parameter | Signal) -> str:
    """A row's name for people: those of the dance need no group."""
    return row.name.replace("_", " ") if row.group == "dance" else row.key.replace("/", " ").replace("_", " ")


def written(row: Parameter, value: float) -> str:
    """A parameter's value as it is written: its choice's name, a whole number, or two digits after the point."""
    if row.choices:
        return row.choices[int(value)]
    return f"{value:.0f}" if row.integer else f"{value:.2f}"


def meter_lines(controls: Controls, signals: Sequence[Signal]) -> list[Line]:
    """A meter of each signal, in two columns; those that are not live are faint."""
    count = (len(signals) + 1) // 2
    lines: list[list[Text | Bar]] = [[] for _ in range(count)]
    for index, signal in enumerate(signals):
        column = HALVES[index // count]
        value = controls.signals.get(signal.key)
        figure = NOTHING if value is None else f"{value:.2f}"
        label = f"lfo {signal.name}" if signal.group == "lfo" else signal.name
        lines[index % count] += [
            Text(column, label, LABEL, METER_LABEL),
            Bar(column + METER_LABEL, METER, of_signal(controls, signal)),
            Text(column + METER_LABEL + METER, f"{figure:>{METER_FIGURE}}", FAINT if value is None else VALUE),
        ]
    return list(lines)


def held(controls: Controls) -> list[str]:
    """What may look like a fault and is meant: a blackout, a frozen dance."""
    return [name for key, name in HELD.items() if controls.target(key) > 0.5]


def last_lines(held: Sequence[str], waiting: Sequence[str], message: str) -> list[Line]:
    """What is held, what waits for the beat, and the last message; always as many lines, so that nothing jumps."""
    waits = f"waits for the beat: {', '.join(waiting)}" if waiting else ""
    said = textwrap.wrap(message, WIDE, max_lines=MESSAGE_LINES, placeholder="…")
    said += [""] * (MESSAGE_LINES - len(said))
    column = MARGIN + sum(len(name) + GAP for name in held)
    return [
        [Text(MARGIN, (GAP * " ").join(held), ALARM), Text(column, waits, ACCENT, MARGIN + WIDE - column)],
        *([Text(MARGIN, line, LABEL)] for line in said),
    ]


def keys_page(keys: Sequence[Key]) -> Grid:
    """The table of keys, in two columns."""
    count = (len(keys) + 1) // 2
    label_width = max(len(key.label) for key in keys) + GAP
    doc_width = max(len(key.doc) for key in keys)
    lines: list[list[Text]] = [[] for _ in range(count)]
    for index, key in enumerate(keys):
        column = MARGIN + index // count * (label_width + doc_width + GAP)
        lines[index % count] += [Text(column, key.label), Text(column + label_width, key.doc, LABEL)]
    return lay_out(lines, 2 * (label_width + doc_width) + GAP)
