"""Mattes: people on film become clean silhouettes, whatever they are filmed before."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.captures import write_capture
from tests.fixtures.films import Scene, green_screen, masks, room, shaken, white, write_film
from tests.fixtures.footage import blob, write_video
from training.footage import Footage, read_footage
from training.look import Look
from training.matte.shape import steady, whole
from training.shots import laid

FILM = (480, 270)
SIZE = (208, 120)
STEPS = 60


@pytest.fixture(scope="module")
def dancer(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """Masks of a dancer who steps from side to side."""
    path = write_capture(tmp_path_factory.mktemp("capture") / "dance.bvh", seconds=STEPS / 30)
    return masks(path, STEPS, FILM, travel=0.15)


def read(folder: Path, scene: Scene, dancer: list[np.ndarray], matte: str = "auto") -> Footage:
    film = write_film(folder / "film.mp4", (scene(mask, index) for index, mask in enumerate(dancer)), megabits=1.5)
    return read_footage([film], SIZE, "crop", folder / "cache", look=Look(matte, cuts=True))


def overlaps(footage: Footage, dancer: list[np.ndarray]) -> np.ndarray:
    """Intersection over union of each step's silhouette with the known one."""
    (clip,) = footage.clips
    assert len(clip) == len(dancer)
    found = []
    for image, mask in zip(clip.frames, dancer, strict=True):
        known, seen = laid(mask, SIZE, "crop") > 0.5, image < 128
        found.append((known & seen).sum() / (known | seen).sum())
    return np.array(found)


def method(footage: Footage) -> str:
    return footage.notes[0][1].split(":")[0]


@pytest.fixture(scope="module")
def green(tmp_path_factory: pytest.TempPathFactory, dancer: list[np.ndarray]) -> Footage:
    return read(tmp_path_factory.mktemp("green"), green_screen(FILM), dancer)


def test_before_a_green_screen_unevenly_lit_with_spill_and_shadow(green: Footage, dancer: list[np.ndarray]) -> None:
    assert method(green) == "matte chroma"
    found = overlaps(green, dancer)
    assert found.mean() >= 0.9
    assert found.min() >= 0.85


def test_in_a_furnished_room_with_shadows_and_light_that_changes(tmp_path: Path, dancer: list[np.ndarray]) -> None:
    footage = read(tmp_path, room(FILM), dancer)
    assert method(footage) == "matte background"
    found = overlaps(footage, dancer)
    assert found.mean() >= 0.85
    assert found.min() >= 0.75


def test_in_a_room_with_the_camera_in_the_hand(tmp_path: Path, dancer: list[np.ndarray]) -> None:
    shake = 8.0
    footage = read(tmp_path, room(FILM, shake=shake), dancer)
    assert method(footage) == "matte motion"
    assert overlaps(footage, shaken(dancer, shake)).mean() >= 0.85


def test_on_white_with_a_shadow_at_the_feet(tmp_path: Path, dancer: list[np.ndarray]) -> None:
    footage = read(tmp_path, white(FILM), dancer)
    assert method(footage) == "matte luma"
    assert overlaps(footage, dancer).mean() >= 0.9


def test_silhouettes_are_soft_at_the_edge_and_nowhere_else(green: Footage) -> None:
    frames = np.asarray(green.clips[0].frames)
    assert frames[0, 0, 0] == 255
    between = ((frames > 16) & (frames < 240)).mean(axis=(1, 2))
    assert 0.002 < np.median(between) < 0.04


def test_silhouettes_stay_as_they_are(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mkv", [blob(i / 30) for i in range(30)], [Fraction(i, 30) for i in range(30)])
    footage = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("auto", cuts=True))
    plain = read_footage([film], (104, 64), "crop", tmp_path / "cache")
    assert footage.notes == [("a", "matte none: silhouettes already")]
    assert np.array_equal(footage.clips[0].frames, plain.clips[0].frames)


def test_light_silhouettes_that_are_cut_out_come_dark_on_white(tmp_path: Path) -> None:
    images = [255 - blob(i / 30) for i in range(30)]
    film = write_video(tmp_path / "a.mkv", images, [Fraction(1000 * i // 30, 1000) for i in range(30)])
    (clip,) = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("luma")).clips
    assert np.mean((np.asarray(clip.frames) < 128) == (np.stack(images) > 127)) > 0.985


def test_a_matte_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    film = write_video(tmp_path / "a.mkv", [blob(i / 30) for i in range(30)], [Fraction(i, 30) for i in range(30)])
    with pytest.raises(ValueError, match="a: --matte chroma: no screen of one strong colour is in the image"):
        read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("chroma"))


def test_where_nobody_can_be_told_from_the_place_auto_leaves_it_as_it_is(tmp_path: Path) -> None:
    random = np.random.Generator(np.random.PCG64(0))
    noise = random.integers(0, 256, (64, 104)).astype(np.uint8)
    film = write_video(tmp_path / "a.mkv", [noise] * 30, [Fraction(i, 30) for i in range(30)])
    footage = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("auto"))
    assert footage.notes == [("a", "matte none: as it is: no dancer could be told from the place")]
    assert np.array_equal(footage.clips[0].frames[0], noise)


def test_a_piece_lost_in_one_frame_comes_back_and_a_fast_hand_stays() -> None:
    there, gone = np.ones((20, 20), np.float32), np.ones((20, 20), np.float32)
    gone[5:9, 5:9] = 0
    still = np.zeros((20, 20), np.uint8)
    assert all((field == 1).all() for field in steady([(there, still), (gone, still), (there, still)]))
    # A hand that is nowhere twice, and whose pixels change.
    fields, seen = [], []
    for column in (0, 6, 12):
        fields.append(np.zeros((20, 20), np.float32))
        seen.append(np.zeros((20, 20), np.uint8))
        fields[-1][8:12, column : column + 4] = 1
        seen[-1][8:12, column : column + 4] = 200
    for field, known in zip(steady(zip(fields, seen, strict=True)), fields, strict=True):
        assert np.array_equal(field, known)


def test_a_speck_of_noise_that_flickers_where_nothing_moves_goes() -> None:
    empty, speck = np.zeros((20, 20), np.float32), np.zeros((20, 20), np.float32)
    speck[4:7, 4:7] = 1
    still = np.full((20, 20), 90, np.uint8)
    fields = list(steady([(empty, still), (speck, still), (empty, still)]))
    assert len(fields) == 3
    assert not any(field.any() for field in fields)


def test_small_holes_close_gaps_between_limbs_stay_and_other_pieces_go() -> None:
    likely = np.zeros((180, 320), np.float32)
    likely[40:160, 120:200] = 1
    likely[60:64, 150:154] = 0  # noise
    likely[100:130, 140:170] = 0  # between the legs
    likely[10:14, 10:14] = 1  # a speck far away
    body = whole(likely)
    assert body[62, 152] == 1
    assert body[115, 155] == 0
    assert body[:20].max() == 0
