"""A take's shots: what lies between two cuts, each with the matte that suits it.

A take is read twice, side by side: the scan goes ahead to a shot's end and learns its place and its matte, then the
shot's frames are cut out. So memory holds some moments of one shot, however long the footage is.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np

from training.cuts import Cuts
from training.matte.choice import Matte, Passages, choose
from training.matte.motion import Passage
from training.matte.shape import Field, Image, level
from training.track import box_of, followed, window_size

LONG_SIDE = 640  # pixels at which mattes work: three times those of the image, for its edges' sake
ENLARGED = 2.0  # times, at most, that smaller footage is for that
FEWEST = 5  # steps: what is shorter between two cuts is left out


@dataclass(frozen=True)
class Shot:
    """Steps `start` to `stop` of a take. refused: why it has no clip, or None."""

    start: int
    stop: int
    matte: Matte | None
    refused: str | None = None


def working(frame: av.VideoFrame, aspect: Fraction) -> Image:
    """One frame as (h, w, 3) uint8 RGB, turned as its metadata says, its longer side `LONG_SIDE`."""
    width, height = float(frame.width * aspect), float(frame.height)
    scale = min(LONG_SIDE / max(width, height), ENLARGED)
    scaled = max(round(width * scale), 16), max(round(height * scale), 16)
    image: Image = frame.to_ndarray(format="rgb24")
    shrinks = scaled[0] < image.shape[1] or scaled[1] < image.shape[0]
    image = cv2.resize(image, scaled, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


class Scan:
    """One shot's moments and the camera's way, frame by frame."""

    def __init__(self) -> None:
        self.seen = Passages()
        self._passage: Passage | None = None
        self.count = 0

    def add(self, frame: Image) -> None:
        turn = self._passage.turn(frame) if self._passage else None
        if turn is None:
            self._passage = Passage(frame)
            self.seen.begin(self.count)
            turn = self._passage.turn(frame)
        assert turn is not None  # a frame lies on itself
        self.seen.add(frame, turn)
        self.count += 1


def shots(frames: Iterable[Image], matte: str, track: bool, split: bool) -> Iterator[Shot]:
    """The shots of a take's frames, (h, w, 3) uint8 RGB; each comes when the frame after its last was read."""
    cuts, scan, start, step = Cuts(), Scan(), 0, 0
    shape: tuple[int, ...] | None = None
    for frame in frames:
        # A folder's images may be of any shapes: another one is another shot.
        if (split and cuts.begins(frame)) or (shape is not None and frame.shape != shape):
            yield _shot(start, step, scan, matte, track)
            scan, start = Scan(), step
        shape = frame.shape
        if matte != "none":
            scan.add(frame)
        step += 1
    if step > start:
        yield _shot(start, step, scan, matte, track)


def _shot(start: int, stop: int, scan: Scan, matte: str, track: bool) -> Shot:
    if start and stop - start < FEWEST:
        return Shot(start, stop, None, f"only {stop - start} images between two cuts")
    try:
        return Shot(start, stop, choose(scan.seen, matte, track))
    except ValueError as reason:
        return Shot(start, stop, None, str(reason))


def images(matte: Matte, frames: Iterable[Image], size: tuple[int, int], fit: str, track: bool) -> Iterator[Image]:
    """(height, width) uint8 of `size`, a dark silhouette on white, of each of a shot's frames."""
    fields = matte.silhouettes(frames)
    boxes = [box for box in map(box_of, matte.tried) if box]
    if track and boxes:
        fields = followed(fields, window_size(boxes, size), size)
    else:
        fields = (laid(field, size, fit) for field in fields)
    for field in fields:
        yield level(1 - field)


def laid(field: Field, size: tuple[int, int], fit: str) -> Field:
    """Coverage scaled, cropped or padded to `size`, as `footage.fitted` does it."""
    width, height = size
    choose_scale = max if fit == "crop" else min
    scale = choose_scale(width / field.shape[1], height / field.shape[0])
    scaled = max(round(field.shape[1] * scale), 1), max(round(field.shape[0] * scale), 1)
    small = cv2.resize(field, scaled, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    top, left = max(small.shape[0] - height, 0) // 2, max(small.shape[1] - width, 0) // 2
    small = small[top : top + height, left : left + width]
    whole = np.zeros((height, width), np.float32)
    top, left = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    whole[top : top + small.shape[0], left : left + small.shape[1]] = small
    return whole
