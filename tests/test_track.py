"""The window that follows a dancer: as large for a whole clip, smoothly after them, and jumps stay jumps."""

import numpy as np

from training.track import box_of, followed, looked_at, window_size

SIZE = (208, 120)


def standing(middle: float, feet: float, tall: int = 60, wide: int = 20) -> np.ndarray:
    """A dancer as a block, in a field of 640x360."""
    field = np.zeros((360, 640), np.float32)
    left = round(middle - wide / 2)
    field[round(feet) - tall : round(feet), left : left + wide] = 1
    return field


def seen(fields: list[np.ndarray]) -> list:
    window = window_size([box for box in map(box_of, fields) if box], SIZE)
    return [box_of(image) for image in followed(fields, window, SIZE)]


def test_a_small_dancer_fills_the_image() -> None:
    boxes = seen([standing(500, 300)] * 10)
    assert len(boxes) == 10
    for box in boxes:
        assert abs((box.bottom - box.top) / SIZE[1] - 0.86) < 0.02
        assert abs(box.middle - SIZE[0] / 2) < 1
        assert abs(box.bottom / SIZE[1] - 0.95) < 0.02


def test_a_dancer_who_travels_stays_in_the_image() -> None:
    boxes = seen([standing(100 + 3 * step, 300) for step in range(150)])
    assert len(boxes) == 150
    assert all(abs(box.middle - SIZE[0] / 2) < 30 for box in boxes)
    assert np.ptp([box.middle for box in boxes[40:110]]) < 2  # at an even speed the window is with them


def test_bent_knees_do_not_zoom_and_a_jump_is_seen() -> None:
    tall = [standing(320, 300, 60 if step % 20 < 10 else 40) for step in range(60)]
    widths = [round(box.right - box.left) for box in seen(tall)]
    assert max(widths) - min(widths) <= 1
    jumps = [standing(320, 300 - (20 if 40 <= step < 48 else 0)) for step in range(90)]
    feet = [box.bottom for box in seen(jumps)]
    scale = 0.86 * SIZE[1] / 60
    assert feet[35] - feet[44] > 0.6 * 20 * scale


def test_while_nobody_is_there_the_camera_waits() -> None:
    fields = [standing(200, 300)] * 20 + [np.zeros((360, 640), np.float32)] * 20 + [standing(200, 300)] * 20
    boxes = seen(fields)
    assert [box is None for box in boxes] == [False] * 20 + [True] * 20 + [False] * 20
    assert abs(boxes[45].middle - SIZE[0] / 2) < 1


def test_beyond_the_film_nobody_is() -> None:
    image = looked_at(np.ones((100, 100), np.float32), (0.0, 50.0), (100 * SIZE[0] / SIZE[1], 100.0), SIZE)
    assert image[:, : SIZE[0] // 2 - 4].max() == 0
    assert image[70:100, SIZE[0] // 2 + 10 : SIZE[0] // 2 + 40].min() == 1
