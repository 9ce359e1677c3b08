"""The HUD: what it says and where, and that it can be read over any picture at any size."""

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.controls import Controls
from engine.parameters import PARAMETERS, SIGNALS
from engine.routes import Route
from engine.sinks.hud import READ_EVERY, Hud
from engine.sinks.lettering import BAR, CODES, RULE
from engine.sinks.panel import ALARM, COLOURS, FAINT, LABEL, VALUE, Grid, cell_size
from engine.sinks.readings import (
    HALF,
    Bar,
    Line,
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

SIZE = (1280, 720)
CELL = cell_size(SIZE)
LETTERS = {code: letter for letter, code in CODES.items()} | {RULE: "_"}


def said(grid: Grid) -> list[str]:
    """The grid's lines, without the empty ones around them and what bars are made of."""
    return ["".join(LETTERS.get(int(code), "#") for code in row).strip() for row in grid.cells[1:-1, :, 0]]


def lines_of(*lines: Line) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in said(lay_out(lines))]


class Stage:
    """A HUD over a framebuffer of its own."""

    def __init__(self, context: moderngl.Context) -> None:
        self.controls = Controls(PARAMETERS)
        self.keys = Keys()
        self.facts = [Fact("late", "0")]
        self.message = ""
        self.time = 0.0
        self.hud = Hud(context, self.controls, self.keys, lambda: self.facts, lambda: self.message, lambda: self.time)
        self.screen = context.simple_framebuffer(SIZE)
        self.screen.use()

    def seen(self, ground: float = 1.0) -> NDArray[np.uint8]:
        """What one frame shows over a ground of this brightness, (height, width, 3), top row first."""
        self.screen.clear(ground, ground, ground, 1.0)
        self.hud.update(self.controls.snapshot())
        self.hud.draw(self.screen, SIZE)
        assert self.screen.ctx.error == "GL_NO_ERROR"
        pixels = np.frombuffer(self.screen.read(components=3, alignment=1), np.uint8)
        return pixels.reshape(SIZE[1], SIZE[0], 3)[::-1]


@pytest.fixture
def stage(context: moderngl.Context) -> Stage:
    return Stage(context)


def luminance(colour: NDArray[np.float64]) -> float:
    """Relative luminance of an sRGB colour 0..1, as WCAG 2 has it."""
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_nothing_is_drawn_until_it_is_opened(stage: Stage) -> None:
    stage.hud.prepare(stage.screen, [SIZE, (1920, 1080)])
    assert (stage.seen() == 255).all()
    stage.hud.toggle()
    assert (stage.seen() != 255).any()
    stage.hud.toggle()
    stage.hud.toggle_keys()
    assert (stage.seen() != 255).any()
    stage.hud.toggle_keys()
    assert (stage.seen() == 255).all()


def test_the_hud_lies_at_the_left_the_keys_at_the_right_and_both_fit_at_16_to_9(stage: Stage) -> None:
    stage.hud.toggle()
    columns = np.flatnonzero((stage.seen() != 255).any(axis=(0, 2)))
    stage.hud.toggle()
    stage.hud.toggle_keys()
    keys_columns = np.flatnonzero((stage.seen() != 255).any(axis=(0, 2)))
    assert columns[0] == CELL[0]
    assert columns[-1] + CELL[0] <= keys_columns[0]
    assert keys_columns[-1] == SIZE[0] - CELL[0] - 1


@pytest.mark.parametrize("colour", range(len(COLOURS)))
@pytest.mark.parametrize("ground", [0.0, 1.0])
def test_it_is_legible_over_black_and_over_white(stage: Stage, ground: float, colour: int) -> None:
    """WCAG asks for 4.5 to 1 of text, 7 for the best of its grades, and 3 of what is inactive or decoration."""
    stage.hud.toggle()
    panel = stage.seen(ground)[CELL[0], CELL[0]] / 255
    contrast = (luminance(np.array(COLOURS[colour])) + 0.05) / (luminance(panel) + 0.05)
    assert contrast > (2 if colour == FAINT else 7 if colour in (VALUE, LABEL) else 4.5)


def test_letters_are_drawn_in_their_cells_pixel_for_pixel(stage: Stage) -> None:
    stage.facts = [Fact("I", "H", wrong=True)]
    stage.hud.toggle()
    seen = stage.seen(0.0)
    width, height = CELL
    at = CELL[0] * (1 + 3 + 10), CELL[0] + height  # a margin of one cell's width; label, value; the second line
    cell = seen[at[1] : at[1] + height, at[0] : at[0] + width]
    lit = (cell == np.rint(np.array(COLOURS[ALARM]) * 255)).all(axis=-1)
    assert lit.sum() == 2 * 9 + 3  # two stems and a bar
    assert (cell[~lit] == seen[CELL[0], CELL[0]]).all()


def test_bars_follow_every_frame_and_figures_ten_times_a_second(stage: Stage) -> None:
    stage.hud.toggle()
    frames = []
    for time, level in ((0.0, 0.0), (READ_EVERY / 2, 1.0), (READ_EVERY, 1.0)):
        stage.time = time
        stage.controls.signal("audio/level", level)
        stage.seen()
        line = next(row for row in stage.hud._grid.cells if "level" in "".join(LETTERS.get(c, "#") for c in row[:, 0]))
        text = "".join(LETTERS.get(int(code), "#") for code in line[:, 0]).split()
        frames.append((text[2], int(line[12, 0]) - BAR))
    assert frames == [("0.00", 0), ("0.00", 8), ("1.00", 8)]


def test_short_facts_stand_two_to_a_line_and_long_ones_alone() -> None:
    facts = [Fact("late", "3"), Fact("osc", "x" * HALF), Fact("model", "default"), Fact("resets", "0")]
    assert lines_of(*fact_lines(facts)) == [["late", "3"], ["osc", "x" * HALF], ["model", "default", "resets", "0"]]


def test_a_fact_too_long_for_the_panel_ends_in_an_ellipsis() -> None:
    (line,) = said(lay_out(fact_lines([Fact("audio", "n" * 100)])))
    assert line.endswith("nn…")
    assert len(line) == 53


def test_a_parameters_line_has_its_value_its_unit_and_what_routes_do_to_it() -> None:
    route = Route("audio/level", "dance/temperature", 0.2)
    controls = Controls(PARAMETERS, routes=[route])
    controls.signal("audio/level", 1.0)
    controls.advance(1.0)
    temperature, speed, canon, ends = lines_of(*parameter_lines(controls, "dance/canon"))
    assert temperature == ["temperature", "1.00", "+0.59"]
    assert speed == ["speed", "1.00", "x"]
    assert canon == ["→", "canon", "0.00", "beats"]
    assert ends == ["0.00", "to", "16.00,", "began", "at", "0.00"]


def test_choices_go_by_name_and_whole_values_without_a_point() -> None:
    controls = Controls(PARAMETERS, {"tempo/source": 2, "dance/dancers": 12})
    assert lines_of(*parameter_lines(controls, "tempo/source"))[2:] == [
        *(["→", "tempo", "source", "audio"], ["auto", "to", "audio,", "began", "at", "audio"])
    ]
    assert lines_of(*parameter_lines(controls, "dance/dancers"))[2] == ["→", "dancers", "12"]


def test_the_bar_of_a_parameter_is_its_live_value_on_a_controller() -> None:
    controls = Controls(PARAMETERS)
    bar = next(piece for piece in parameter_lines(controls, "dance/canon")[2] if isinstance(piece, Bar))
    assert bar.share({"dance/canon": 4.0}) == 0.5  # of 16 beats, at a curve of 2


def test_every_signal_has_a_meter_and_those_that_are_not_live_a_dash() -> None:
    controls = Controls(PARAMETERS)
    controls.signal("lfo/3", 0.25)
    words = [word for line in lines_of(*meter_lines(controls, SIGNALS)) for word in line]
    assert words.count("-") == len(SIGNALS) - 1
    assert words.count("0.25") == 1
    for signal in SIGNALS:
        assert signal.name in words
    shares = [piece.share({}) for line in meter_lines(controls, SIGNALS) for piece in line if isinstance(piece, Bar)]
    assert sorted(shares, key=str) == [0.25, *[None] * (len(SIGNALS) - 1)]


def test_a_blackout_a_frozen_dance_and_what_waits_for_the_beat_are_told() -> None:
    controls = Controls(PARAMETERS, {"tempo/quantise": 1})
    assert held(controls) == []
    controls.command("picture/blackout")
    controls.command("dance/freeze")
    controls.command("scene/next")
    lines = lines_of(*last_lines(held(controls), controls.waiting, "osc: unknown address"))
    assert lines[0] == ["black", "frozen", "waits", "for", "the", "beat:", "scene/next"]
    assert lines[1:] == [["osc:", "unknown", "address"], []]


def test_the_last_lines_are_as_many_whatever_they_say() -> None:
    counts = {len(last_lines(held, [], message)) for held in ([], ["black"]) for message in ("", "long " * 50)}
    assert counts == {3}


def test_the_page_of_keys_has_the_whole_table() -> None:
    page = "\n".join(said(keys_page(KEYS)))
    for key in KEYS:
        assert key.label in page
        assert key.doc in page
    assert "…" not in page


@pytest.mark.parametrize(
    ("size", "cell"),
    [
        *(((1280, 720), (8, 16)), ((1920, 1080), (12, 24)), ((3840, 2160), (24, 48))),
        *(((1080, 1920), (9, 18)), ((416, 240), (6, 12))),  # upright; too small to be followed
    ],
)
def test_letters_grow_with_the_window(size: tuple[int, int], cell: tuple[int, int]) -> None:
    assert cell_size(size) == cell
