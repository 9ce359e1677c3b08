"""A camera that follows a dancer who travels: one window a step, large as the dancer, over the silhouette.

The window's size is the clip's: were it each step's, every bent knee would zoom. It moves as a camera on a tripod
would: smoothly, across with the dancer, up and down so slowly that a jump is still a jump.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from training.clips import STEPS_A_SECOND
from training.matte.shape import Field

TALL, WIDE = 0.86, 0.94  # of the window: the dancer's height and width, at most, in nearly all steps
USUAL = 0.95  # quantile of the heights and widths that is nearly all
FLOOR = 0.95  # of the window's height: where the feet are
ACROSS, DOWN = 0.4, 1.2  # seconds over which the window follows
STEPS_AROUND = 36  # steps before and after that a window is smoothed over


@dataclass(frozen=True)
class Box:
    """A silhouette's extent in pixels, and the middle of its mass across."""

    left: float
    top: float
    right: float
    bottom: float
    middle: float


def box_of(field: Field) -> Box | None:
    """Of (h, w) coverage; None where nobody is."""
    body = field > 0.5
    rows, columns = np.flatnonzero(body.any(1)), np.flatnonzero(body.any(0))
    if not len(rows):
        return None
    middle = float((body.sum(0) * np.arange(body.shape[1])).sum() / body.sum())
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1), middle)


def window_size(boxes: list[Box], size: tuple[int, int]) -> tuple[float, float]:
    """Width and height of a clip's window in its pixels, of the shape of `size`. boxes: of moments of the clip."""
    tall = float(np.quantile([b.bottom - b.top for b in boxes], USUAL)) / TALL
    # What reaches out from the middle, at either side, for the window keeps the middle of the mass in its own.
    wide = 2 * float(np.quantile([max(b.right - b.middle, b.middle - b.left) for b in boxes], USUAL)) / WIDE
    height = max(tall, wide * size[1] / size[0], 8)
    return height * size[0] / size[1], height


def followed(fields: Iterable[Field], window: tuple[float, float], size: tuple[int, int]) -> Iterator[Field]:
    """Coverage as seen through the window, (height, width) of `size`, of each of (h, w) fields."""
    around: deque[tuple[Field, tuple[float, float] | None]] = deque()
    source = iter(fields)
    last: tuple[float, float] | None = None

    def more() -> bool:
        nonlocal last
        field = next(source, None)
        if field is None:
            return False
        box = box_of(field)
        last = (box.middle, box.bottom) if box else last  # nobody there: the camera waits
        around.append((field, last))
        return True

    while len(around) <= STEPS_AROUND and more():
        pass
    now = 0
    while now < len(around):
        centre = _smoothed([place for _, place in around], now)
        yield looked_at(around[now][0], centre, window, size)
        if more() and now == STEPS_AROUND:
            around.popleft()
        elif len(around) - now <= STEPS_AROUND + 1 or now < STEPS_AROUND:
            now += 1


def _smoothed(places: list[tuple[float, float] | None], now: int) -> tuple[float, float] | None:
    """Middle and feet at step `now`, of those around it."""
    known = [(index - now, place) for index, place in enumerate(places) if place is not None]
    if not known:
        return None
    away = np.array([steps for steps, _ in known]) / STEPS_A_SECOND
    values = np.array([place for _, place in known])
    return _line(away, values[:, 0], ACROSS), _line(away, values[:, 1], DOWN)


def _line(away: np.ndarray, values: np.ndarray, width: float) -> float:
    """At 0 s, the line through values `away` seconds, the nearer the more: at its ends a clip does not lag behind."""
    weight = np.exp(-0.5 * (away / width) ** 2) + 1e-9
    weight /= weight.sum()
    mean, middle = float(weight @ values), float(weight @ away)
    spread = float(weight @ (away - middle) ** 2)
    slope = float(weight @ ((away - middle) * (values - mean))) / spread if spread > 1e-6 else 0.0
    return mean - slope * middle


def looked_at(
    field: Field, centre: tuple[float, float] | None, window: tuple[float, float], size: tuple[int, int]
) -> Field:
    """The field through a window whose feet are at `centre`; beyond the field's own edges nobody is."""
    middle, feet = centre or (field.shape[1] / 2, field.shape[0] * FLOOR)
    left, top = middle - window[0] / 2, feet - FLOOR * window[1]
    scale = size[0] / window[0]
    if scale < 1:  # averaged first, as far as bilinear sampling would leave pixels out
        field = cv2.GaussianBlur(field, (0, 0), 0.45 / scale)
    turn = np.array([[scale, 0, -left * scale + (scale - 1) / 2], [0, scale, -top * scale + (scale - 1) / 2]])
    return np.clip(cv2.warpAffine(field, turn, size, flags=cv2.INTER_LINEAR, borderValue=0), 0, 1)
