"""A silhouette's shape: one dancer, whole, with a soft edge, the same from one frame to the next."""

from collections import deque
from collections.abc import Iterable, Iterator

import cv2
import numpy as np

# OpenCV takes and gives arrays of any kind, so these say for people what they hold.
Field = np.ndarray  # float32: (h, w), or (h, w, channels)
Image = np.ndarray  # uint8: (h, w), or (h, w, 3) RGB

SURE, POSSIBLE = 0.6, 0.25  # hysteresis: what is possible stays where it hangs on what is sure
SPECK = 0.0004  # of the image: pieces and holes below it are noise
SECOND = 0.15  # of the largest piece: a piece that is someone, too
NEAR = 0.02  # of the image's width: a piece that near to the dancer is a hand or a foot of theirs
DOUBT = 0.2  # mean likelihood in a hole that is no gap between limbs
ALIKE = 10.0  # levels: a pixel that changed less from the frame before did not move


def smoothstep(x: Field, low: float, high: float) -> Field:
    t = np.clip((x - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def level(field: Field) -> Image:
    return np.rint(field * 255).astype(np.uint8)


def whole(likely: Field, covered: np.ndarray | None = None) -> Field:
    """The dancer of (h, w) likelihoods: pieces kept and holes closed as the constants above say; 0..1 at the edges.

    covered: (h, w) bool, where holes are closed however large they are.
    """
    width = likely.shape[1]
    hopeful = (likely > POSSIBLE).astype(np.uint8)
    possible = cv2.morphologyEx(hopeful, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(possible, connectivity=8)
    sure = np.bincount(labels[likely > SURE], minlength=count)
    sure[0] = 0
    areas = np.where(sure >= 0.2 * boxes[:, cv2.CC_STAT_AREA], boxes[:, cv2.CC_STAT_AREA], 0)
    areas[0] = 0
    if areas.max() < SPECK * likely.size:
        return np.zeros_like(likely)
    largest = int(areas.argmax())
    reach = 2 * max(round(NEAR * width), 1) + 1
    near = cv2.dilate((labels == largest).astype(np.uint8), np.ones((reach, reach), np.uint8))
    close_by = np.bincount(labels[near > 0], minlength=count) > 0
    kept = (areas >= SECOND * areas.max()) | (close_by & (areas >= SPECK * likely.size / 2))
    kept[0] = False
    body = kept[labels].astype(np.uint8)
    filled = close_holes(body, likely, covered)
    field = np.where(body > 0, likely, 0).astype(np.float32)
    # Inside, all of the dancer is there; the edge alone is soft.
    inner = cv2.erode(filled, np.ones((7, 7), np.uint8)) > 0
    field[inner | (filled > body)] = 1
    return smoothstep(cv2.GaussianBlur(field, (0, 0), 1.0), 0.2, 0.8)


def close_holes(body: Image, likely: Field, covered: np.ndarray | None) -> Image:
    """body, (h, w) of 0 and 1, with its holes closed: specks, what is not surely the place, what was never seen."""
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(1 - body, connectivity=4)
    sizes = boxes[:, cv2.CC_STAT_AREA]
    doubt = np.bincount(labels.ravel(), likely.ravel(), count) / np.maximum(sizes, 1)
    closed = (sizes < SPECK / 4 * body.size) | ((sizes < 8 * SPECK * body.size) & (doubt > DOUBT))
    if covered is not None:
        closed |= np.bincount(labels[covered], minlength=count) > 0.5 * sizes
    closed[np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))] = False
    return np.where(closed[labels], 1, body).astype(np.uint8)


def steady(fields: Iterable[tuple[Field, Image]]) -> Iterator[Field]:
    """Fields without what flickers, one frame late: a pixel that is lost in one frame alone comes back; one that comes
    in one frame alone, where nothing moved, goes. A fast hand, which is nowhere twice, stays.

    fields: of each frame, and its luminance, both (h, w).
    """
    window: deque[tuple[Field, Image]] = deque(maxlen=3)
    for item in fields:
        window.append(item)
        if len(window) == 3:
            yield _between(*window)
        elif len(window) == 2:
            yield window[0][0]
    if window:
        yield window[-1][0]


def _between(before: tuple[Field, Image], now: tuple[Field, Image], after: tuple[Field, Image]) -> Field:
    field = np.maximum(now[0], np.minimum(before[0], after[0]))
    still = cv2.blur(np.maximum(cv2.absdiff(now[1], before[1]), cv2.absdiff(now[1], after[1])), (5, 5)) < ALIKE
    return np.where(still, np.minimum(field, np.maximum(before[0], after[0])), field)
