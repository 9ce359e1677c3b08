"""The output: where corners go, pixel by pixel on the GPU, and the test card."""

from collections.abc import Iterator, Mapping

import moderngl
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.controls import Controls
from engine.output import CORNER, PLACES, PLAIN, TEST_CARD, Placing, can_be_seen, connect, drawn_size, from_screen
from engine.parameters import CORNERS, PARAMETERS
from engine.passes import Target
from engine.sinks.card import ACCENT, BRIGHT, draw_card
from engine.sinks.mapping import ScreenMapping

Image = NDArray[np.uint8]
SIZE = (64, 36)


def values(**output: float) -> Mapping[str, float]:
    return Controls(PARAMETERS, {f"output/{name}": value for name, value in output.items()}).snapshot()


# Geometry


def apply(matrix: NDArray[np.float64], x: float, y: float) -> NDArray[np.float64]:
    a, b, c = matrix @ [x, y, 1]
    assert c > 0
    return np.array([a / c, b / c])


def test_as_it_begins_the_picture_is_shown_as_it_is() -> None:
    assert Placing.of(values()).plain
    assert Placing.of(values()) == PLAIN
    for changed in ({"gamma": 1.1}, {"flip_x": 1}, {"rotate": 2}, {"soft_top": 0.1}, {"top_left_x": 0.01}):
        assert not Placing.of(values(**changed)).plain


OFFSETS = st.floats(-0.3, 0.3)


@settings(max_examples=200, deadline=None)
@given(st.lists(OFFSETS, min_size=8, max_size=8), st.booleans())
def test_each_moved_corner_of_the_screen_is_a_corner_of_the_picture(offsets: list[float], mirrored: bool) -> None:
    places = PLACES + np.reshape(offsets, (4, 2))
    if mirrored:
        places[:, 0] = 1 - places[:, 0]
    corners = tuple((float(x), float(y)) for x, y in places)
    if not can_be_seen(corners):
        with pytest.raises(ValueError, match="they are crossed, or three in line"):
            from_screen(corners)
        return
    matrix = from_screen(corners)
    for corner, place in zip(corners, PLACES, strict=True):
        assert apply(matrix, *corner) == pytest.approx(place, abs=1e-6)
    # Lines stay lines: where the diagonals cross is the middle of the picture.
    a, b, c, d = places
    cross = np.linalg.solve(np.array([c - a, b - d]).T, b - a)[0]
    assert apply(matrix, *(a + cross * (c - a))) == pytest.approx([0.5, 0.5], abs=1e-6)


@pytest.mark.parametrize(
    "corners",
    [
        [(0, 0), (1, 1), (1, 0), (0, 1)],  # crossed
        [(0, 1), (1, 1), (1, 1), (0, 0)],  # two on one place
        [(0, 1), (0.5, 0.5), (1, 0), (0, 0)],  # three in line
        [(0, 1), (1, 1), (0.2, 0.8), (0, 0)],  # one turned in
        [(0.5, 0.5)] * 4,
    ],
)
def test_no_picture_lies_between_corners_that_are_crossed_or_in_line(corners: list[tuple[float, float]]) -> None:
    assert not can_be_seen(tuple(corners))


@pytest.mark.parametrize(("rotate", "drawn"), [(0, (64, 36)), (1, (36, 64)), (2, (64, 36)), (3, (36, 64))])
def test_a_picture_that_lies_on_its_side_is_drawn_upright(rotate: int, drawn: tuple[int, int]) -> None:
    assert drawn_size((64, 36), values(rotate=rotate)) == drawn


def test_the_next_corner_goes_around_and_then_the_dance_is_back() -> None:
    controls = Controls(PARAMETERS)
    connect(controls)
    seen = []
    for _ in range(6):
        controls.command("output/next_corner")
        seen.append((controls.target(TEST_CARD), controls.target(CORNER)))
    assert seen == [(1, 1), (1, 2), (1, 3), (1, 4), (0, 0), (1, 1)]


def test_a_test_card_without_a_corner_gets_its_first() -> None:
    controls = Controls(PARAMETERS, {TEST_CARD: 1})
    connect(controls)
    controls.command("output/next_corner")
    assert (controls.target(TEST_CARD), controls.target(CORNER)) == (1, 1)


# Pixels


class Stage:
    """A mapping and a screen to draw on."""

    def __init__(self, context: moderngl.Context) -> None:
        self.context = context
        self.told: list[str] = []
        self.mapping = ScreenMapping(context, self.told.append)
        self.screen = Target(context, SIZE)

    def show(self, image: Image, light: float = 1.0, **output: float) -> Image:
        """What the screen shows of an image in a light, both (height, width, 3), top row first."""
        size = image.shape[1], image.shape[0]
        texture = self.context.texture(size, 3, np.ascontiguousarray(image[::-1]), alignment=1)
        self.mapping.draw(self.screen.framebuffer, texture, SIZE, values(**output), "screen")
        if light < 1:
            self.mapping.dim(self.screen.framebuffer, light, values(**output))
        texture.release()
        return self.screen.read()


@pytest.fixture
def stage(context: moderngl.Context) -> Iterator[Stage]:
    stage = Stage(context)
    stage.mapping.warm_up(stage.screen.framebuffer)
    yield stage
    stage.mapping.release()
    stage.screen.release()
    assert context.error == "GL_NO_ERROR"


def noise(size: tuple[int, int] = SIZE) -> Image:
    return np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)


@pytest.mark.parametrize(
    "output", [{}, {"gamma": 2.0}, {"gamma": 0.5, "soft_left": 0.3}, {"flip_x": 1, "top_left_x": 0.2}]
)
@pytest.mark.parametrize("light", [0.0, 51 / 255, 128 / 255, 204 / 255])
def test_a_light_that_is_taken_last_is_one_that_was_taken_first(
    stage: Stage, light: float, output: dict[str, float]
) -> None:
    # Of a middle range: what the sharpening would take beyond white, or the gamma out of a rounded dark, is not alike.
    image = noise() // 2 + 64
    first = stage.show(np.round(image * light).astype(np.uint8), **output).astype(int)
    last = stage.show(image, light, **output).astype(int)
    assert np.abs(first - last).max() <= (2 if output else 1)


def test_a_test_card_is_never_dark(stage: Stage) -> None:
    assert (stage.show(noise(), 0.0, test_card=1) == stage.show(noise(), test_card=1)).all()


def white(size: tuple[int, int] = SIZE) -> Image:
    return np.full((size[1], size[0], 3), 255, np.uint8)


def test_as_it_begins_every_pixel_is_the_pictures(stage: Stage) -> None:
    assert (stage.show(noise()) == noise()).all()


def test_turns_and_flips_move_pixels_and_leave_them_as_they_are(stage: Stage) -> None:
    image, upright = noise(), noise((36, 64))
    assert (stage.show(upright, rotate=1) == np.rot90(upright, -1)).all()
    assert (stage.show(image, rotate=2) == image[::-1, ::-1]).all()
    assert (stage.show(upright, rotate=3) == np.rot90(upright)).all()
    assert (stage.show(image, flip_x=1) == image[:, ::-1]).all()
    assert (stage.show(image, flip_y=1) == image[::-1]).all()
    assert (stage.show(upright, rotate=1, flip_x=1) == np.rot90(upright, -1)[:, ::-1]).all()


def test_a_picture_drawn_smaller_fills_the_screen(stage: Stage) -> None:
    image = np.repeat(np.repeat(noise((8, 6)), 4, axis=0), 4, axis=1)[:18, :32]
    shown = stage.show(image)
    inner = shown[2:-2, 2:-2].astype(int)
    assert np.abs(inner - np.repeat(np.repeat(image, 2, axis=0), 2, axis=1)[2:-2, 2:-2]).mean() < 30
    assert (stage.show(white((32, 18))) == 255).all()


def test_moved_corners_show_the_picture_between_them_on_black(stage: Stage) -> None:
    shown = stage.show(white(), top_left_x=0.25, top_right_x=-0.25, top_left_y=-0.5, top_right_y=-0.5)[..., 0]
    assert shown[:18].max() <= 5  # the upper half is free
    assert (shown[18:, 31:33] >= 250).all()
    for row in range(18, 36):  # a trapezium: each row as wide as the straight lines say
        share = (35.5 - row) / 18
        assert shown[row].sum() / 255 == pytest.approx(64 * (1 - share * 0.5), abs=0.6)
    edge = shown[20]
    assert ((edge > 0) & (edge < 255)).sum() == 2  # soft by a pixel at each side


def test_a_moved_corner_takes_the_pictures_corner_with_it_in_perspective(stage: Stage) -> None:
    image = np.zeros((36, 64, 3), np.uint8)
    image[:18, :32] = 255  # the upper left quarter
    offsets = {"top_left_x": 0.2, "top_left_y": -0.1, "bottom_right_x": -0.1, "bottom_right_y": 0.2}
    shown = stage.show(image, **offsets)[..., 0]
    matrix = from_screen(Placing.of(values(**offsets)).corners)
    y, x = np.mgrid[:36, :64]
    a, b, c = np.einsum("ij,jyx->iyx", matrix, np.stack([(x + 0.5) / 64, 1 - (y + 0.5) / 36, np.ones_like(x)]))
    across, up = a / c, b / c
    clear = (np.abs(across - 0.5) > 0.05) & (np.abs(up - 0.5) > 0.05)
    clear &= (np.abs(across - 0.5) < 0.45) & (np.abs(up - 0.5) < 0.45)
    assert clear.sum() > 800
    assert (shown[clear] == np.where((across < 0.5) & (up > 0.5), 255, 0)[clear]).all()


def test_a_picture_made_small_is_a_mean_and_does_not_flicker(stage: Stage) -> None:
    lines = np.zeros((36, 64, 3), np.uint8)
    lines[::2] = 255
    third = {"top_left_y": -2 / 3, "top_right_y": -2 / 3}
    inner = stage.show(lines, **third)[26:34, :, 0]
    assert np.abs(inner.astype(int) - 128).max() < 50  # and not lines of its own


@pytest.mark.parametrize("gamma", [0.5, 2.2, 5.0])
def test_gamma_bends_the_tones_and_leaves_black_and_white(stage: Stage, gamma: float) -> None:
    image = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 36, axis=0).repeat(3, axis=2)
    shown = stage.show(image, gamma=gamma)
    assert np.abs(shown - 255 * (image / 255) ** (1 / gamma)).max() <= 1
    assert (shown[:, 0] == 0).all() and (shown[:, -1] == 255).all()


@pytest.mark.parametrize(
    ("edge", "away"),
    [
        ("left", lambda x, y: x),
        ("right", lambda x, y: 1 - x),
        ("top", lambda x, y: y),
        ("bottom", lambda x, y: 1 - y),
    ],
)
def test_a_soft_edge_fades_from_black(stage: Stage, edge: str, away: object) -> None:
    shown = stage.show(white(), **{f"soft_{edge}": 0.25})[..., 0] / 255
    y, x = np.mgrid[:36, :64]
    share = np.clip(away((x + 0.5) / 64, (y + 0.5) / 36) / 0.25, 0, 1)  # type: ignore[operator]
    assert np.abs(shown - share**2 * (3 - 2 * share)).max() < 0.01


PIN = {"top_left_x": 0.1, "top_left_y": -0.05, "bottom_right_x": -0.2, "bottom_right_y": 0.12}


def both_ways(stage: Stage, image: Image, **output: float) -> tuple[Image, Image]:
    """What the screen shows, by sixteen samples a pixel and by one."""
    shown = []
    for stage.mapping.pinned.sharp in (True, False):
        shown.append(stage.show(image, **output).astype(int))
    stage.mapping.pinned.sharp = None
    return shown[0], shown[1]


@pytest.mark.parametrize(
    "more",
    [{}, {"gamma": 2.2}, {"soft_left": 0.2, "soft_bottom": 0.3}, {"soft_top": 0.8, "soft_bottom": 0.9}, {"mask": 1}],
)
@pytest.mark.parametrize("turn", [{}, {"rotate": 1}, {"flip_x": 1, "rotate": 2}])
def test_by_one_sample_a_pixel_a_picture_lies_as_by_sixteen(
    stage: Stage, more: Mapping[str, float], turn: Mapping[str, float]
) -> None:
    mask = np.full((36, 64), 255, np.uint8)
    mask[:, :30] = 100
    stage.mapping.lay_mask(mask)
    y, x = np.mgrid[:36, :64]
    even = np.stack([60 + 3 * x, 252 - 5 * y, 100 + 2 * x - y], axis=2).astype(np.uint8)  # both give slopes back
    sharp, quick = both_ways(stage, even, **PIN, **{"mask": 0, **more}, **turn)
    assert sharp.max() > 150
    off = np.abs(sharp - quick)
    assert off.max() <= 2 and (off > 1).mean() < 0.003  # by two where the slope ends, at the picture's edge


def test_by_one_sample_a_pixel_each_is_the_mean_of_the_nearest_four(stage: Stage) -> None:
    image = noise()
    _, shown = both_ways(stage, image, **PIN)
    matrix = from_screen(Placing.of(values(**PIN)).corners)
    y, x = np.mgrid[:36, :64]
    a, b, c = np.einsum("ij,jyx->iyx", matrix, np.stack([(x + 0.5) / 64, 1 - (y + 0.5) / 36, np.ones_like(x)]))
    across, down = a / c * 64 - 0.5, (1 - b / c) * 36 - 0.5
    inside = (across > 2) & (across < 61) & (down > 2) & (down < 33)
    left, above = np.clip(np.floor(across).astype(int), 0, 62), np.clip(np.floor(down).astype(int), 0, 34)
    right, below = (across - left)[..., None], (down - above)[..., None]
    upper = image[above, left] * (1 - right) + image[above, left + 1] * right
    lower = image[above + 1, left] * (1 - right) + image[above + 1, left + 1] * right
    expected = upper * (1 - below) + lower * below
    assert inside.sum() > 900
    assert np.abs(shown - expected)[inside].max() <= 2.1  # samplers without a GPU weigh in steps of 1/256


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OFFSETS, min_size=8, max_size=8))
def test_where_one_sample_is_taken_and_where_sixteen_there_is_no_gap_between(
    stage: Stage, offsets: list[float]
) -> None:
    names = [f"{corner}_{axis}" for corner in CORNERS for axis in "xy"]
    output = dict(zip(names, offsets, strict=True))
    if can_be_seen(Placing.of(values(**output)).corners):
        sharp, quick = both_ways(stage, white(), **output)
        assert (sharp == quick).all()


def test_sixteen_samples_are_taken_where_they_are_quick_and_one_where_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharp, quick = both_ways(stage, noise(), **PIN)
    assert (sharp != quick).any()
    for seconds, expected in ((1e9, sharp), (0.0, quick)):
        monkeypatch.setattr("engine.sinks.pinned.SHARP_TIME", seconds)
        assert (stage.show(noise(), **PIN) == expected).all()


def test_what_a_picture_takes_beside_a_copy_is_known(stage: Stage) -> None:
    mapping = stage.mapping
    mapping.pinned._seconds = {"copied": 1e-6, "one": 2e-6, "bent": 3e-6, "edge": 5e-6, "sharp": 9e-6}
    pixels, mapping.pinned.sharp = SIZE[0] * SIZE[1], False
    for output, expected in (
        ({}, 0),
        ({"flip_x": 1}, 0),
        (PIN, 1e-6),
        ({**PIN, "gamma": 2}, 2e-6),
        ({**PIN, "soft_left": 0.25}, 0.75 * 1e-6 + 0.25 * 4e-6),
        ({"soft_left": 0.7, "soft_right": 0.7}, 4e-6),
    ):
        stage.show(white(), **output)
        assert mapping.beside == pytest.approx(pixels * expected)
    mapping.pinned.sharp = True
    stage.show(white(), **PIN)
    assert mapping.beside == pytest.approx(pixels * 8e-6)


def test_a_mask_lies_over_the_screen_and_not_over_the_picture(stage: Stage) -> None:
    mask = np.full((36, 64), 255, np.uint8)
    mask[:9, :16], mask[9:18, :16] = 0, 51
    image = noise()
    stage.mapping.lay_mask(mask)
    for output in ({}, {"flip_x": 1}):
        lit = image[:, ::-1] if output else image
        shown = stage.show(image, **output)
        assert (shown[:9, :16] == 0).all()
        assert np.abs(shown[9:18, :16].astype(float) - lit[9:18, :16] / 5).max() <= 1
        assert (shown[:, 16:] == lit[:, 16:]).all() and (shown[18:] == lit[18:]).all()
    assert (stage.show(image, mask=0) == image).all()
    stage.mapping.lay_mask(None)
    assert (stage.show(image) == image).all()


def test_corners_without_a_picture_keep_the_last_good_ones_and_say_so_once(stage: Stage) -> None:
    good = stage.show(white(), top_left_x=0.3)
    for _ in range(3):
        assert (stage.show(white(), top_left_x=0.9, top_left_y=-0.95) == good).all()
    assert stage.told == ["output: the corners are crossed, or three in line; the picture stays where it was"]
    assert (stage.show(white()) == 255).all()
    stage.show(white(), top_left_x=1.0, top_left_y=-1.0)
    assert len(stage.told) == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=8, max_size=8))
def test_no_corners_leave_the_screen_without_a_picture_or_end_the_show(offsets: list[float]) -> None:
    names = [f"{corner}_{axis}" for corner in CORNERS for axis in "xy"]
    placing = Placing.of(values(**dict(zip(names, offsets, strict=True))))
    if can_be_seen(placing.corners):
        assert np.isfinite(from_screen(placing.corners)).all()


# The test card


def test_the_test_card_takes_the_pictures_place_and_lies_as_it_does(stage: Stage) -> None:
    card = draw_card(SIZE, "screen", 2)
    assert (stage.show(noise(), test_card=1, corner=2) == card).all()
    assert (stage.show(noise(), test_card=1, corner=2, flip_x=1) == card[:, ::-1]).all()
    assert (stage.show(noise(), test_card=1, rotate=1) == np.rot90(draw_card((36, 64), "screen", 0), -1)).all()
    assert (stage.show(noise()) == noise()).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (17, 400), (400, 17), (416, 240), (1280, 720), (540, 960)])
def test_the_test_card_is_there_at_any_size(size: tuple[int, int]) -> None:
    card = draw_card(size, "Ecran de projection n° 3", 0)
    assert card.shape == (size[1], size[0], 3)
    for edge in (card[0], card[-1], card[:, 0], card[:, -1]):
        assert (edge == BRIGHT).all()


def test_the_test_card_marks_the_corner_that_is_selected() -> None:
    middles = {"top_left": (1, 40), "top_right": (1, -40), "bottom_right": (-2, -40), "bottom_left": (-2, 40)}
    for number, name in enumerate(CORNERS, 1):
        card = draw_card((1280, 720), "", number)
        for other, place in middles.items():
            assert tuple(card[place]) == (ACCENT if other == name else BRIGHT)


def test_the_test_cards_circle_is_round_and_in_the_middle() -> None:
    card = draw_card((960, 540), "", 0)
    radius = 0.46 * 540
    for turn in np.linspace(0, 2 * np.pi, 64, endpoint=False) + 0.1:
        x, y = round(479.5 + radius * np.cos(turn)), round(269.5 + radius * np.sin(turn))
        assert card[y, x].min() > 100
