"""The ground: learnt from images whose ground is known, and dancers lifted off it, by exact levels."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.ground import CUT, DIMMEST, OVAL, Ground, _filled_from_around, _from_border

HEIGHT, WIDTH = 30, 52
WALL = np.round(90 + 2 * np.arange(WIDTH) - np.arange(HEIGHT)[:, None]).astype(np.uint8)  # lit from the right


SWAY = np.round(3 * np.sin(2 * np.pi * np.arange(36) / 36)).astype(int)
BOB = np.round(2 * np.sin(2 * np.pi * np.arange(36) / 9)).astype(int)


def film(ground: NDArray[np.uint8] = WALL, body: int = 20) -> NDArray[np.uint8]:
    """A body of 14 by 14 texels that sways by 3 and bobs by 2, about a middle that it never leaves, (36, ...)."""
    images = np.repeat(ground[None], 36, axis=0)
    for image, across, up in zip(images, SWAY, BOB, strict=True):
        image[8 + up : 22 + up, 19 + across : 33 + across] = body
    return images


def test_the_ground_is_found_behind_a_body_and_goes_on_where_it_was_never_seen() -> None:
    ground = Ground(film())
    assert ground.stays and ground.fade == CUT
    off = np.abs(ground.levels * 255 - WALL)
    seen = (film() == WALL).mean(axis=0) > 0.75
    assert off[seen].max() < 1e-3
    assert off.max() < 13  # half of NEAR; the body is 110 to 170 away, and the wall 28 from side to side of it


def test_a_body_is_covered_and_its_ground_is_not() -> None:
    images = film()
    coverage, tones = Ground(images).lift(images[3])
    assert (coverage[images[3] == 20] == 1).all() and (coverage[images[3] == WALL] == 0).all()
    assert (tones == 1).all()  # a body without shades is white, as silhouettes are


def test_a_dark_body_and_a_bright_one_are_lifted_alike() -> None:
    dark, bright = film(), 255 - film()
    for number in (0, 7, 30):
        assert np.allclose(Ground(dark).lift(dark[number]).coverage, Ground(bright).lift(bright[number]).coverage)


def test_half_a_body_s_usual_contrast_is_half_covered() -> None:
    ground = Ground(film(np.full((HEIGHT, WIDTH), 200, np.uint8), 0))  # a contrast of 200
    row = np.arange(200, -1, -1).astype(np.uint8)[None]
    ground.levels = np.full(row.shape, 200 / 255, np.float32)
    away = np.arange(201) / 255
    assert np.allclose(
        ground.lift(row).coverage[0], np.clip((away - 0.05) / (0.55 * 200 / 255 - 0.05), 0, 1), atol=1e-6
    )


def test_tones_run_from_the_darkest_to_the_lightest_and_edges_have_their_body_s() -> None:
    ground = np.full((HEIGHT, WIDTH), 200, np.uint8)
    images = film(ground, 20)
    images[:, 16:20, :][images[:, 16:20, :] == 20] = 60  # a light band across it
    edge = images[0].copy()
    edge[8:22, 18] = 110  # half of the body's level, half of the ground's
    tones = Ground(images).lift(edge).tones
    assert tones[9, 25] == pytest.approx(DIMMEST) and tones[17:19, 25] == pytest.approx(1)
    assert tones[9:12, 18] == pytest.approx(DIMMEST, abs=0.03)  # not the 1 that 110 would be


def test_images_of_a_ground_alone_cover_nothing() -> None:
    still = np.repeat(WALL[None], 10, axis=0)
    assert (Ground(still).lift(WALL).coverage == 0).all()


def test_a_ground_that_moves_is_kept_whole_in_an_oval() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (40, HEIGHT, WIDTH)).astype(np.uint8)
    ground = Ground(noise)
    coverage, tones = ground.lift(noise[0])
    assert not ground.stays and ground.fade == OVAL
    assert (coverage == 1).all() and (np.round(tones * 255) == noise[0]).all()


def test_what_a_wall_keeps_from_the_border_is_not_reached() -> None:
    places = np.ones((7, 7), np.bool_)
    places[2:5, 2:5] = False
    places[3, 3] = True
    reached = _from_border(places)
    assert not reached[3, 3] and reached.sum() == 7 * 7 - 9


@pytest.mark.parametrize("shape", [(30, 52), (7, 5), (1, 9), (2, 2)])
def test_a_hole_is_filled_between_what_lies_around_it(shape: tuple[int, int]) -> None:
    known = np.ones(shape, np.bool_)
    known[shape[0] // 3 : shape[0] - shape[0] // 3, shape[1] // 3 : shape[1] - shape[1] // 3] = False
    known.flat[0] = True
    levels = np.linspace(0.2, 0.8, shape[1], dtype=np.float32)[None].repeat(shape[0], axis=0)
    filled = _filled_from_around(np.where(known, levels, 0).astype(np.float32), known)
    assert (filled[known] == levels[known]).all()
    assert filled.min() >= 0.2 - 1e-6 and filled.max() <= 0.8 + 1e-6
    assert (_filled_from_around(np.full(shape, 0.3, np.float32), known) == np.float32(0.3)).all()
