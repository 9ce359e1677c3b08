"""Recorders: write every frame shown into a file, and put it in place whole when the show closes.

Owns what they have in common, and `ImageRecorder`, which writes the decoder's own images as numpy's .npy. They stream
into a file beside the target and move it there at the end, so that what bears the right name is whole.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av.error
import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import AudioError


class RecordingError(RuntimeError):
    """The recording cannot be made: the message names the file and why, on one line."""


class ReadPicture(Protocol):
    """What recorders of the picture as it is shown ask of it."""

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """(height, width, 3) uint8, top row first; with `alpha` (height, width, 4), its colour premultiplied by it."""
        ...


class DecodedPicture(Protocol):
    """What an image recorder asks of a picture."""

    images: NDArray[np.uint8]


def partial_of(path: Path) -> Path:
    """The file beside `path` that is written until it is whole. FFmpeg goes by the ending, so that it is kept."""
    return path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")


@contextmanager
def failures(path: Path, discard: Callable[[], None]) -> Iterator[None]:
    """Whatever fails to write `path` is a RecordingError of one line, after `discard`."""
    try:
        yield
    except (OSError, av.error.FFmpegError, AudioError, ValueError) as error:
        discard()
        raise RecordingError(f"{path}: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Why writing failed, in words."""
    return getattr(error, "strerror", None) or str(error)


class Recorder(ABC):
    """A sink that streams into a file beside `path`, moved to `path` at close.

    Whatever fails, in `present` and `close` too, is a RecordingError, after which nothing is left on the disk.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.frames = 0
        """Frames written so far."""
        self._partial = partial_of(self.path)
        self._recording = False

    @property
    def remains(self) -> str:
        """What is there of a recording that is stopped."""
        return f"{self.path} is not written"

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Write one frame of what `picture` holds."""
        with failures(self.path, self.discard):
            if not self._recording:
                self._begin()
                self._recording = True
            self._write(picture)
        self.frames += 1

    def close(self) -> None:
        """Complete the file and put it in place. Without a frame, or after a failure, there is nothing to do."""
        if not self._recording:
            return
        with failures(self.path, self.discard):
            self._end()
            self._partial.replace(self.path)
        self._recording = False

    def discard(self) -> None:
        """Leave nothing of the recording on the disk; a later `close` does nothing."""
        self._recording = False
        self._abandon()
        self._partial.unlink(missing_ok=True)

    @abstractmethod
    def _begin(self) -> None:
        """Open the partial file."""

    @abstractmethod
    def _write(self, picture: Any) -> None:
        """Append one frame."""

    @abstractmethod
    def _end(self) -> None:
        """Write what is left and close the partial file."""

    @abstractmethod
    def _abandon(self) -> None:
        """Close the partial file as it is; it may never have been opened. Raises nothing."""


class ImageRecorder(Recorder):
    """Records the decoder's own images as .npy, (frames, height, width) uint8, of a company of one.

    Asks of a picture `images`: (1, height, width) uint8.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._file: BinaryIO | None = None
        self._shape = (0, 0)

    def _begin(self) -> None:
        self._file = self._partial.open("wb")

    def _write(self, picture: DecodedPicture) -> None:
        assert self._file is not None
        images = picture.images
        if len(images) != 1:
            raise ValueError(f"images of {len(images)} dancers; a file of images holds one dancer's")
        if self.frames == 0:
            self._shape = images.shape[1:]
            self._write_header(self._file)
        self._file.write(np.ascontiguousarray(images, dtype=np.uint8).data)

    def _end(self) -> None:
        assert self._file is not None
        self._file.seek(0)
        self._write_header(self._file)
        self._file.close()

    def _abandon(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def _write_header(self, file: BinaryIO) -> None:
        """numpy pads the header for any count of frames, so that the last fits where the first was."""
        header = {"descr": "|u1", "fortran_order": False, "shape": (self.frames, *self._shape)}
        np.lib.format.write_array_header_1_0(file, header)
