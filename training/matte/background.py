"""The empty place, learnt from the clip itself: what each pixel shows while nothing moves near it.

A plain median fails where a dancer stays for more than half of the time. People who dance are seldom still, and walls
always are: so the median is of each pixel's stillest moments alone.
"""

from collections import deque

import cv2
import numpy as np

from training.matte.difference import FLOOR_NOISE, ODD_LIGHT, Empty, colours, difference, light
from training.matte.ghost import find_ghost, painted_over
from training.matte.shape import Field, Image, whole

LAGS = 3, 12  # steps: still is what is the same a tenth and near half a second before and after
MOST = 64  # moments kept of a clip, spread evenly
STILLEST = 0.3  # of the moments: those that a pixel's place is learnt from
LIT = 0.8  # quantile of brightness that is out of the shadow
AROUND = 24  # moments that the silhouettes of are tried
ENCLOSED = 0.9  # of the moments in which the dancer is around a pixel that is taken for covered always
NOISIEST = 3.5  # levels: more than that is no noise, but a dancer who was there
UNSHARP = 0.15  # of an edge's slope a pixel: what compression and a camera's last trembling leave beside it
CALM = 20  # levels of change near a pixel that shows the place's light
BAND = 32  # rows worked on at a time, so that memory stays small


class Moments:
    """Moments of a clip, spread evenly over it however long it gets: frames and how much each pixel moved then."""

    def __init__(self) -> None:
        self.frames: list[Image] = []
        self.motion: list[Image] = []
        self.stride, self.count = 1, 0
        self._small: deque[Image] = deque(maxlen=2 * max(LAGS) + 1)
        # Frames of which what follows is not known yet; None for those that are not to be kept.
        self._waiting: deque[Image | None] = deque()

    def add(self, frame: Image) -> None:
        """The next step's frame, (h, w, 3) uint8 RGB."""
        self._small.append(cv2.resize(frame, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
        self._waiting.append(frame if self.count % self.stride == 0 else None)
        self.count += 1
        if len(self._waiting) > max(LAGS):
            self._keep(self._waiting.popleft(), len(self._small) - 1 - max(LAGS))

    def finish(self) -> None:
        """The clip has ended: nothing follows the last frames."""
        while self._waiting:
            self._keep(self._waiting.popleft(), len(self._small) - 1 - len(self._waiting))

    def _keep(self, frame: Image | None, at: int) -> None:
        if frame is None:
            return
        self.frames.append(frame)
        self.motion.append(self._moved(at))
        if len(self.frames) > MOST:
            self.frames, self.motion, self.stride = self.frames[::2], self.motion[::2], self.stride * 2

    def _moved(self, at: int) -> Image:
        """(h / 2, w / 2) uint8: the largest change from a moment before and to one after, near each pixel."""
        now = self._small[at].astype(np.float32)
        moved = np.zeros(now.shape[:2], np.float32)
        wide = now.shape[1] // 10 | 1
        for other in (at + way * lag for lag in LAGS for way in (-1, 1)):
            if 0 <= other < len(self._small):
                change = now - self._small[other]
                change -= cv2.blur(change, (wide, wide))  # light that comes and goes is smooth
                moved = np.maximum(moved, np.abs(change).max(axis=2))
        near = cv2.blur(cv2.dilate(np.minimum(moved, 255), np.ones((3, 3), np.uint8)), (9, 9))
        return (near + 0.5).astype(np.uint8)


def learn(moments: Moments) -> Empty:
    """The place behind the dancer of a clip's moments."""
    moments.finish()
    frames = np.stack([(colours(frame) + 0.5).astype(np.uint8) for frame in moments.frames])  # (n, h, w, 3)
    count, height, width = frames.shape[:3]
    stillest = max(round(STILLEST * count), min(count, 5))
    image, noise = np.empty((height, width, 3), np.float32), np.empty((height, width), np.float32)
    motion = np.stack([cv2.resize(field, (width, height)) for field in moments.motion])
    lights = even_lights(frames, motion)
    for top in range(0, height, BAND):
        rows = slice(top, top + BAND)
        order = np.argsort(motion[:, rows], axis=0, kind="stable")[:stillest]
        still = np.take_along_axis(frames[:, rows], order[..., None], 0).astype(np.float32)
        still[..., 0] /= np.take_along_axis(lights[:, rows], order, 0)
        image[rows] = np.median(still, axis=0)
        noise[rows] = 1.4826 * np.median(np.abs(still[..., 0] - image[rows, :, 0]), axis=0)
        image[rows, :, 0] = lit(still, image[rows])
    ghost = find_ghost(image, noise / FLOOR_NOISE, np.stack(moments.motion))
    edges = np.hypot(cv2.Sobel(image[:, :, 0], -1, 1, 0, scale=1 / 8), cv2.Sobel(image[:, :, 0], -1, 0, 1, scale=1 / 8))
    noise = np.maximum(np.clip(cv2.blur(noise, (9, 9)), FLOOR_NOISE, NOISIEST), UNSHARP * cv2.blur(edges, (3, 3)))
    if ghost.any():
        image = painted_over(image, ghost)
        noise[ghost] = 1.5 * FLOOR_NOISE
    empty = Empty(image, noise, ghost)
    return Empty(image, noise, ghost | covered(moments, empty))


def even_lights(frames: Image, motion: Image) -> np.ndarray:
    """(n, h, w): how much brighter each moment is than the clip's middle, by place."""
    middle = np.median(frames[:: max(len(frames) // 16, 1), ..., 0], axis=0).astype(np.float32)
    lights = np.empty(frames.shape[:3], np.float16)
    for index in range(len(frames)):
        frame = frames[index, ..., 0].astype(np.float32)
        ratio = (frame + 4) / (middle + 4)
        everywhere = float(np.median(ratio[::4, ::4]))
        known = (np.abs(ratio / everywhere - 1) < ODD_LIGHT) & (motion[index] < CALM)
        lights[index] = light(frame, middle, known.astype(np.float32), everywhere, frame.shape)
    return lights


def lit(still: Field, middle: Field) -> Field:
    """(rows, w): luminance of the place out of the dancer's shadow, which may be on it for most of the time: of the
    moments (n, rows, w, 3) that have the median's colour, the brighter ones'.
    """
    ratio = still[..., 0] / np.maximum(middle[..., 0], 1)
    same = (np.linalg.norm(still[..., 1:] - middle[..., 1:], axis=-1) < 6) & (ratio > 0.6) & (ratio < 1.6)
    values = np.sort(np.where(same, still[..., 0], -1), axis=0)
    chosen = len(still) - 1 - np.round((1 - LIT) * same.sum(axis=0)).astype(int)
    found = np.take_along_axis(values, np.minimum(chosen, len(still) - 1)[None], 0)[0]
    return np.maximum(found, middle[..., 0])


def covered(moments: Moments, empty: Empty) -> np.ndarray:
    """(h, w) bool: pixels that the dancer is around in nearly all moments."""
    around: Field = np.zeros(empty.noise.shape, np.float32)
    tried = moments.frames[:: max(len(moments.frames) // AROUND, 1)]
    for frame in tried:
        body = (whole(difference(frame, empty, None)) > 0.5).astype(np.uint8)
        outside = cv2.copyMakeBorder(body, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
        cv2.floodFill(outside, None, (0, 0), 2)
        around += outside[1:-1, 1:-1] != 2
    return around > ENCLOSED * len(tried)
