"""Scene cuts: where one take ends and the next begins inside a film.

The method is the usual one of editors' programs: the whole image's colours jump (a histogram), and what changes is more
than around it. A dancer's quick move changes some of the image and keeps its colours; a cut changes most of both.
"""

from collections import deque

import cv2
import numpy as np

Image = np.ndarray  # uint8

BINS = 8  # of each channel
SMALL = 64, 36  # width, height at which images are compared: a limb is a pixel or two
COLOURS = 0.3  # of the image that has other colours than before: at least that much at a cut
CHANGED, DIFFERENT = 0.35, 18.0  # share of the image that is at least so many levels away
LAMP = 0.6, 1.7  # times as bright: what a lamp, or a camera's exposure, may do from one frame to the next
AROUND = 3.0  # times what changed on average in the frames before
SHORTEST = 15  # steps between two cuts: what flickers faster is no scene


class Cuts:
    """Told one image after the other, says which begins a new scene."""

    def __init__(self) -> None:
        self._before: Image | None = None
        self._usual: deque[float] = deque(maxlen=15)
        self._since = 0

    def begins(self, image: Image) -> bool:
        """Whether this image, (h, w) or (h, w, 3) uint8, begins a scene; the first has none before it."""
        if image.ndim == 2:
            image = np.repeat(image[:, :, None], 3, axis=2)
        small = cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA)
        before, self._before = self._before, small
        self._since += 1
        if before is None:
            return False
        # A lamp that is switched on changes every pixel alike, and is no cut.
        gain = float(np.clip((small.mean() + 1) / (before.mean() + 1), *LAMP))
        before = cv2.convertScaleAbs(before, alpha=gain)
        share = float((cv2.absdiff(small, before).max(axis=2) >= DIFFERENT).mean())
        other = 1 - float(np.minimum(colours(small), colours(before)).sum())
        usual = float(np.mean(self._usual)) if self._usual else 0.0
        cut = self._since > SHORTEST and other > COLOURS and share > max(CHANGED, AROUND * usual)
        if cut:
            self._usual.clear()
            self._since = 1
        else:
            self._usual.append(share)
        return cut


def colours(small: Image) -> np.ndarray:
    """The shares of colours, blurred: a neighbouring bin is nearly the same colour."""
    counts = np.asarray(cv2.calcHist([small], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3))
    counts = cv2.blur(counts.reshape(BINS * BINS, BINS), (3, 1))
    shares = cv2.blur(counts.reshape(BINS, BINS * BINS), (1, 3)).ravel()
    return shares / max(float(shares.sum()), 1e-6)
