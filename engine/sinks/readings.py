"""What the HUD says, as lines of text and bars: facts, parameters, meters, messages, and the page of keys.

Functions of what they are given; nothing here draws or keeps anything.
"""

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.controls import Controls
from engine.parameters import Parameter, Signal
from engine.sinks.panel import ACCENT, ALARM, FAINT, LABEL, VALUE, Grid
from engine.sources.keys import Key
from engine.status import Fact

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
HELD = {"picture/black": "black", "picture/closed": "closed", "dance/frozen": "frozen"}
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
    return lambda values: row.to_unit(values[row.key]) if row.key in values else None


def of_signal(controls: Controls, signal: Signal) -> Share:
    """How high the signal is."""
    return lambda values: controls.signals.get(signal.key)


Line = Sequence[Text | Bar]
RULE: Line = ()


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
    """The parameters of `ALWAYS` and the selected one, and the range of the latter and where it began."""
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
    low, high, start = (written(row, value) for value in (row.low, row.high, controls.start[row.key]))
    lines.append([Text(MARGIN, f"{low} to {high}, began at {start}", LABEL)])
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
