"""The camera's own motion: each frame is laid onto one that a passage began with, by what stands still in the place.

A passage lasts as long as most of its first frame is in sight; the empty place is learnt for each.
"""

import cv2
import numpy as np

from training.matte.shape import Image

FEATURES, LEAST = 200, 24  # corners followed, and how many must agree on how the camera moved
AGREE = 0.25  # of the corners, some of which are on the dancer
LEFT = 0.3  # of the image's width: a passage ends where the camera has moved so far
ZOOMED = 1.2
STILL = 0.0025  # of the width: a camera that moves less stands still; a pixel and a half

Turn = np.ndarray  # float64, (2, 3), as OpenCV's: a frame's pixels -> its passage's first frame's
UNMOVED: Turn = np.array([[1.0, 0, 0], [0, 1, 0]])


def joined(first: Turn, then: Turn) -> Turn:
    return (np.vstack([then, [0, 0, 1]]) @ np.vstack([first, [0, 0, 1]]))[:2]


class Passage:
    """Follows the camera from one frame on."""

    def __init__(self, frame: Image) -> None:
        self.first = _small(frame)
        self.factor = frame.shape[1] / self.first.shape[1]
        found = cv2.goodFeaturesToTrack(self.first, FEATURES, 0.02, self.first.shape[1] / 40)
        self.corners = np.empty((0, 1, 2), np.float32) if found is None else found
        self.last = UNMOVED

    def turn(self, frame: Image) -> Turn | None:
        """How this frame, the next one, lies on the first; None where the passage has ended."""
        if len(self.corners) < LEAST:
            return UNMOVED  # a bare wall: there is nothing to see a camera's motion by
        height, width = self.first.shape
        laid = cv2.warpAffine(_small(frame), self.last, (width, height), borderMode=cv2.BORDER_REPLICATE)
        guess = self.corners.copy()
        seen, status, _ = cv2.calcOpticalFlowPyrLK(self.first, laid, self.corners, guess, winSize=(15, 15), maxLevel=3)
        good = status.ravel() == 1
        if good.sum() < LEAST:
            return None
        more, agree = cv2.estimateAffinePartial2D(seen[good], self.corners[good], ransacReprojThreshold=1.0)
        if more is None or agree.sum() < max(LEAST / 2, AGREE * good.sum()):
            return None
        now = joined(self.last, more)
        zoom = float(np.hypot(now[0, 0], now[1, 0]))
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
        away = np.abs(corners @ now.T - corners[:, :2]).max()
        if away > LEFT * width or not 1 / ZOOMED < zoom < ZOOMED:
            return None
        self.last = now
        whole = now.copy()
        whole[:, 2] *= self.factor
        return whole


def moved(turns: list[Turn], shape: tuple[int, int]) -> float:
    """How far the camera was from its first place, at the image's corners: 90th percentile, as a share of its width."""
    height, width = shape
    corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]])
    away = [np.abs(corners @ turn.T - corners[:, :2]).max() for turn in turns]
    return float(np.quantile(away, 0.9)) / width if away else 0.0


def _small(frame: Image) -> Image:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
