"""Pictures one by one, as PNG files: one at a moment, as it is seen, or all of a dance, numbered, with alpha.

Owns how a picture becomes a PNG. Alpha is straight, as PNG has it.
"""

import os
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.formats import FIRST, is_numbered, numbered
from engine.sinks.recorder import ReadPicture, Recorder, RecordingError, failures, partial_of
from engine.sinks.video import straight


class StillRecorder(Recorder):
    """Writes the last picture it is shown, once it is closed, into the file `path`, opaque."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._picture: ReadPicture | None = None

    def _begin(self) -> None:
        self._partial.touch()  # a folder that cannot be written to is told at once

    def _write(self, picture: ReadPicture) -> None:
        self._picture = picture  # which holds its last frame until the next is drawn

    def _end(self) -> None:
        assert self._picture is not None
        pixels = self._picture.read(alpha=True).copy()
        pixels[..., 3] = 255  # as on the screen, where nothing is black
        self._partial.write_bytes(png(pixels))

    def _abandon(self) -> None:
        self._picture = None


class SequenceRecorder:
    """Writes every picture into a file of its own, whole or not at all: `path` with its place for a number filled in.

    Whatever fails is a RecordingError; the files written before stay.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not is_numbered(self.path):
            raise RecordingError(f"{self.path}: a sequence's name has one place for a number, #### or %04d")
        self.frames = 0
        """Frames written so far."""
        self._partial: Path | None = None

    @property
    def remains(self) -> str:
        """What is there of a recording that is stopped."""
        if not self.frames:
            return f"{self.path} is not written"
        last = numbered(self.path, FIRST + self.frames - 1)
        return f"{numbered(self.path, FIRST).name} to {last.name} are written"

    def present(self, picture: ReadPicture, values: Mapping[str, float]) -> None:
        """Write one frame of what `picture` holds."""
        path = numbered(self.path, FIRST + self.frames)
        self._partial = partial_of(path)
        with failures(path, self.discard):
            self._partial.write_bytes(png(picture.read(alpha=True)))
            self._partial.replace(path)
        self.frames += 1

    def close(self) -> None:
        """Nothing is left to write."""

    def discard(self) -> None:
        """Leave no half of a frame on the disk."""
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """The PNG of `pixels` (height, width, 4) uint8, top row first, whose colour is premultiplied by its alpha."""
    context: Any = VideoCodecContext.create("png", "w")
    context.height, context.width = pixels.shape[:2]
    context.pix_fmt, context.time_base = "rgba", Fraction(1)
    frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(straight(pixels)), format="rgba")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])
