"""The stage: everybody is seen whole, nobody leaps, and who comes or goes fades."""

from collections.abc import Callable

import numpy as np
import pytest

from engine.stage import (
    BODY,
    FADE,
    FLOOR,
    LAYOUTS,
    SCALE,
    SHOULDERS,
    TURN,
    WALK,
    Layout,
    Stage,
    X,
    lay_out,
    ring,
    trail,
)

IMAGE = (208, 120)
SIZES = [(1920, 1080), (1280, 720), (1080, 1920), (2400, 400), (300, 300)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dancers", [*range(1, 17), 31, 32, 63, 64])
def test_a_company_is_within_the_picture_and_makes_use_of_it(dancers: int, size: tuple[int, int]) -> None:
    layout = lay_out(dancers, IMAGE, size)
    assert len(layout.x) == len(layout.floor) == len(layout.scale) == len(layout.haze) == dancers
    reach = BODY / 2 * IMAGE[0] * layout.scale if dancers > 1 else IMAGE[0] / 2 * layout.scale
    assert (layout.x - reach).min() >= -1e-6
    assert (layout.x + reach).max() <= size[0] + 1e-6
    tops = layout.floor - IMAGE[1] * layout.scale
    assert tops.min() >= -1e-6
    assert layout.floor.max() <= size[1] + 1e-6
    assert tops.min() == pytest.approx(size[1] - layout.floor.max())  # in the middle
    # It is as wide or as high as there is room, or two or three are spread as far as they stay together.
    assert (layout.x + reach).max() - (layout.x - reach).min() > 0.6 * size[0] or size[1] - tops.min() > 0.9 * size[1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dancers", [2, 3, 8, 64])
def test_rows_are_smaller_higher_up_and_paler_the_further_back_and_neighbours_have_room(
    dancers: int, size: tuple[int, int]
) -> None:
    layout = lay_out(dancers, IMAGE, size)
    assert (np.diff(layout.scale) <= 1e-9).all()
    assert (np.diff(layout.floor) <= 1e-9).all()
    assert (np.diff(layout.haze) >= -1e-9).all()
    assert layout.haze[0] == 0
    assert layout.haze[-1] < 0.8
    for scale in np.unique(layout.scale):
        row = np.sort(layout.x[layout.scale == scale])
        # One more than there is room for may have come from the row in front.
        assert (np.diff(row) > 0.7 * SHOULDERS * IMAGE[0] * scale).all()
        assert row.mean() == pytest.approx(size[0] / 2)


def test_the_leader_is_in_front_and_in_the_middle_or_beside_it() -> None:
    for dancers in range(1, 65):
        layout = lay_out(dancers, IMAGE, (1280, 720))
        front = layout.scale == layout.scale[0]
        assert layout.scale[0] == layout.scale.max()
        if front.sum() % 2:
            assert layout.x[0] == pytest.approx(640)
        else:
            assert layout.x[0] - 640 == pytest.approx(640 - layout.x[1])


def test_one_dancer_fills_the_picture() -> None:
    layout = lay_out(1, IMAGE, (1280, 720))
    assert (layout.x[0], layout.floor[0], layout.scale[0], layout.haze[0]) == (640, 720, 6, 0)
    tall = lay_out(1, IMAGE, (416, 1000))
    assert (tall.x[0], tall.floor[0], tall.scale[0]) == (208, 620, 2)


def run(stage: Stage, seconds: float, dancers: int, wanted: int, mirror: float = 0, rate: float = 30) -> np.ndarray:
    """The places (frames, dancers, 5) of so many seconds."""
    places = []
    for _ in range(round(seconds * rate)):
        stage.advance(1 / rate, dancers, wanted, mirror, (1280, 720))
        places.append(stage.places.copy())
    return np.stack(places)


def test_the_first_company_is_in_place_and_there_at_once() -> None:
    stage = Stage(IMAGE)
    stage.advance(0, 5, 5, 0, (1280, 720))
    layout = lay_out(5, IMAGE, (1280, 720))
    assert stage.places[:, X].tolist() == layout.x.tolist()
    assert stage.presence.tolist() == [1] * 5


@pytest.mark.parametrize("rate", [25, 30, 144])
def test_a_walk_follows_its_time_constant_at_any_frame_rate_and_arrives(rate: float) -> None:
    stage = Stage(IMAGE)
    run(stage, 1, 1, 1)
    start, end = stage.places[0], lay_out(2, IMAGE, (1280, 720)).x[0]
    walked = run(stage, 1, 2, 2, rate=rate)[-1, 0, X]
    assert walked == pytest.approx(end + (start[X] - end) * np.exp(-1 / WALK), abs=0.02)
    assert run(stage, 5, 2, 2)[-1, 0, X] == end


def test_who_joins_stands_in_place_and_fades_in_and_who_leaves_stays_and_fades_out() -> None:
    stage = Stage(IMAGE)
    run(stage, 1, 2, 2)
    run(stage, FADE / 2, 3, 3)
    assert stage.presence == pytest.approx([1, 1, 0.5])
    assert stage.places[2, X] == lay_out(3, IMAGE, (1280, 720)).x[2]
    run(stage, 2, 3, 3)
    there = stage.places[2].copy()
    run(stage, FADE / 5, 3, 2)
    assert stage.presence == pytest.approx([1, 1, 0.8])
    assert (stage.places[2] == there).all()
    run(stage, FADE, 3, 2)
    assert stage.presence.tolist() == [1, 1, 0]
    run(stage, 0.1, 2, 2)
    assert len(stage.places) == 2


def test_in_a_window_of_another_size_everybody_is_in_place_at_once() -> None:
    stage = Stage(IMAGE)
    run(stage, 1, 4, 4)
    stage.advance(1 / 30, 4, 4, 0, (800, 800))
    layout = lay_out(4, IMAGE, (800, 800))
    assert (stage.places[:, X] == layout.x).all()
    assert (stage.places[:, FLOOR] == layout.floor).all()
    assert (stage.places[:, SCALE] == layout.scale).all()


def test_mirrored_are_a_dancer_alone_and_of_a_company_the_left_half() -> None:
    alone, company = Stage(IMAGE), Stage(IMAGE)
    run(alone, 1, 1, 1)
    turns = run(alone, 3, 1, 1, mirror=1)[:, 0, TURN]
    assert (np.diff(turns) <= 0).all()
    assert turns[-1] == -1
    places = run(company, 1, 8, 8, mirror=1)[-1]
    assert ((places[:, TURN] == -1) == (places[:, X] < 640)).all()
    assert 0 < (places[:, TURN] == -1).sum() < 8


def test_more_may_come_than_are_wanted_and_they_fade_out_again() -> None:
    """A fader may go up and down again within a frame, and a model that took a while to open brings its company."""
    stage = Stage((208, 120))
    stage.advance(0, 1, 1, 0, (1280, 720))
    stage.advance(1 / 30, 5, 2, 0, (1280, 720))
    assert len(stage.places) == len(stage.presence) == 5
    for _ in range(60):
        stage.advance(1 / 30, 5, 2, 0, (1280, 720))
    assert stage.presence.tolist() == [1, 1, 0, 0, 0]
    Stage((208, 120)).advance(0, 9, 3, 0, (1280, 720))


@pytest.mark.parametrize("size", [(1280, 720), (360, 640), (1200, 200), (200, 200)])
@pytest.mark.parametrize("dancers", [1, 2, 3, 5, 16, 64])
@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_every_layout_is_whole_and_as_large_as_fits(
    layout: Callable[..., Layout], dancers: int, size: tuple[int, int]
) -> None:
    places = layout(dancers, IMAGE, size)
    assert all(len(each) == dancers for each in (places.x, places.floor, places.scale, places.haze))
    half = BODY / 2 * IMAGE[0] * places.scale
    left, right = (places.x - half).min(), (places.x + half).max()
    top, bottom = (places.floor - IMAGE[1] * places.scale).min(), places.floor.max()
    assert min(left, top) >= -0.01 and right <= size[0] + 0.01 and bottom <= size[1] + 0.01
    assert places.scale[0] == places.scale.max() and (places.haze >= 0).all() and (places.haze < 1).all()


def test_a_ring_stands_round_its_leader_in_front_and_a_trail_leads_away_behind() -> None:
    round_ = ring(8, IMAGE, (1280, 720))
    assert round_.x[0] == pytest.approx(640) and round_.scale.argmin() == 4 and round_.floor.argmin() == 4
    assert round_.x[1:4] == pytest.approx(1280 - round_.x[:4:-1])
    behind = trail(6, IMAGE, (1280, 720))
    assert (np.diff(behind.x) < 0).all() and (np.diff(behind.floor) < 0).all() and (np.diff(behind.scale) < 0).all()


def test_another_layout_is_walked_to() -> None:
    stage = Stage(IMAGE)
    stage.advance(0, 5, 5, 0, (1280, 720))
    before = stage.places.copy()
    stage.advance(1 / 30, 5, 5, 0, (1280, 720), 2)
    aim = ring(5, IMAGE, (1280, 720))
    assert 0 < np.abs(stage.places[:, 0] - before[:, 0]).max() < np.abs(aim.x - before[:, 0]).max()
    for _ in range(300):
        stage.advance(1 / 30, 5, 5, 0, (1280, 720), 2)
    assert stage.places[:, 0] == pytest.approx(aim.x)
