"""Scene cuts split takes; a dancer's quick moves and changing light do not."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from tests.fixtures.films import room
from tests.fixtures.footage import blob, write_video
from training.cuts import Cuts
from training.footage import read_footage
from training.look import Look

SIZE = (160, 96)


def scene(seed: int) -> np.ndarray:
    """An image of its own colours, (h, w, 3)."""
    random = np.random.Generator(np.random.PCG64(seed))
    coarse = random.integers(0, 256, (6, 10, 3))
    return np.kron(coarse, np.ones((16, 16, 1))).astype(np.uint8)


def times(count: int) -> list[Fraction]:
    """30 a second, in whole milliseconds as the files count, none after its step's time."""
    return [Fraction(1000 * index // 30, 1000) for index in range(count)]


def begun(images: list[np.ndarray]) -> list[int]:
    cuts = Cuts()
    return [index for index, image in enumerate(images) if cuts.begins(image)]


def test_a_cut_is_where_the_images_change() -> None:
    images = [scene(1)] * 40 + [scene(2)] * 40 + [scene(3)] * 40
    assert begun(images) == [40, 80]


def test_a_dancer_who_is_on_the_other_side_in_the_next_frame_is_no_cut() -> None:
    draw = room(SIZE)
    images = []
    for index in range(60):
        mask = np.zeros(SIZE[::-1], np.float32)
        left = 20 if index % 3 else 100  # faster than anybody moves
        mask[10:90, left : left + 40] = 1
        images.append(np.rint(draw(mask, index)).astype(np.uint8))
    assert begun(images) == []


def test_light_that_is_switched_is_no_cut() -> None:
    image = scene(1).astype(np.float32)
    images = [(image * (1.0 if index % 20 < 10 else 0.9)).astype(np.uint8) for index in range(80)]
    assert begun(images) == []


def test_a_film_that_flickers_is_not_cut_to_shreds() -> None:
    images = [scene(1 + index % 2) for index in range(60)]
    assert len(begun(images)) <= 60 // 15


def test_each_part_of_a_film_is_a_clip_of_its_own(tmp_path: Path) -> None:
    dark = [blob(i / 30) for i in range(30)]
    light = [255 - image for image in dark]
    film = write_video(tmp_path / "a.mkv", dark + light, times(60))
    footage = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("none", cuts=True))
    assert [(clip.name, len(clip)) for clip in footage.clips] == [("a", 30), ("a#002", 30)]
    assert np.array_equal(footage.clips[0].frames, np.stack(dark))
    assert np.array_equal(footage.clips[1].frames, np.stack(light))
    again = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("none", cuts=True))
    assert [made.start for made in again.made] == [0, 30]


def test_a_flash_of_a_few_frames_between_two_cuts_is_left_out(tmp_path: Path) -> None:
    images = [blob(0)] * 20 + [255 - blob(0)] * 20 + [np.tile(np.arange(104, dtype=np.uint8) * 2, (64, 1))] * 3
    film = write_video(tmp_path / "a.mkv", images, times(43))
    footage = read_footage([film], (104, 64), "crop", tmp_path / "cache", look=Look("none", cuts=True))
    assert [len(clip) for clip in footage.clips] == [20, 20]
    assert footage.left_out == [(f"{film}: a#003", "only 3 images between two cuts")]
