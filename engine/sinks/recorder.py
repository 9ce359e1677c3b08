"""Recorders: write every frame shown into a file, and put it in place whole when the show closes.

`VideoRecorder` writes H.264, and a song beside it as AAC; `ImageRecorder` the decoder's own images as numpy's .npy.
Both stream into a file beside the target and move it there at the end, so that what bears the right name is whole.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av
import av.error
import numpy as np
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS, SONG_RATE, AudioError, Samples, blocks

# x264's constant quality: at 18 a silhouette's edge shows no difference from the original.
QUALITY = "18"

CONTAINERS = (".mp4", ".mov", ".mkv")

# AAC at this rate, bits a second, is not told from the original by most.
SONG_BIT_RATE = 192_000
# Samples of an AAC frame.
AAC_FRAME = 1024

# Rates such as 29.97 are 30000/1001.
RATE_DENOMINATOR = 1001


class RecordingError(RuntimeError):
    """The recording cannot be made: the message names the file and why, on one line."""


class ReadPicture(Protocol):
    """What a video recorder asks of a picture."""

    def read(self) -> NDArray[np.uint8]: ...


class DecodedPicture(Protocol):
    """What an image recorder asks of a picture."""

    images: NDArray[np.uint8]


class Recorder(ABC):
    """A sink that streams into a file beside `path`, moved to `path` at close.

    Whatever fails, in `present` and `close` too, is a RecordingError, after which nothing is left on the disk.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.frames = 0
        """Frames written so far."""
        # FFmpeg goes by the suffix, so it is kept.
        self._partial = self.path.with_name(f".{self.path.stem}.{os.getpid()}.partial{self.path.suffix}")
        self._recording = False

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Write one frame of what `picture` holds."""
        with self._failures():
            if not self._recording:
                self._begin()
                self._recording = True
            self._write(picture)
        self.frames += 1

    def close(self) -> None:
        """Complete the file and put it in place. Without a frame, or after a failure, there is nothing to do."""
        if not self._recording:
            return
        with self._failures():
            self._end()
            self._partial.replace(self.path)
        self._recording = False

    def discard(self) -> None:
        """Leave nothing of the recording on the disk; a later `close` does nothing."""
        self._recording = False
        self._abandon()
        self._partial.unlink(missing_ok=True)

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (OSError, av.error.FFmpegError, AudioError, ValueError) as error:
            self.discard()
            reason = getattr(error, "strerror", None) or str(error)
            raise RecordingError(f"{self.path}: {reason}") from error

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


class VideoRecorder(Recorder):
    """Records pictures of `size` (width, height, both even) at `rate_hz` as H.264, yuv420p.

    `path` ends in .mp4, .mov or .mkv. The file `song` is heard with it from its beginning, as long as the video is:
    cut, or followed by silence. Asks of a picture `read()`: (height, width, 3) uint8, top row first.
    """

    def __init__(
        self, path: str | os.PathLike[str], size: tuple[int, int], rate_hz: float, song: Path | None = None
    ) -> None:
        super().__init__(path)
        if self.path.suffix not in CONTAINERS:
            raise RecordingError(f"{self.path}: a video's name ends in {', '.join(CONTAINERS)}")
        if size[0] % 2 or size[1] % 2:
            raise RecordingError(f"{self.path}: {size[0]}x{size[1]}: H.264 wants an even width and height")
        self._size = size
        self._rate = Fraction(rate_hz).limit_denominator(RATE_DENOMINATOR)
        self._container: OutputContainer | None = None
        self._song = None if song is None else SongWriter(song)

    def _begin(self) -> None:
        # Flushed, so that a full disk is told at the frame that fills it rather than at the end.
        self._container = av.open(str(self._partial), "w", options={"flush_packets": "1"})
        stream = self._container.add_stream("libx264", rate=self._rate, options={"crf": QUALITY})
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        # Said, so that no player has to guess how RGB became YUV.
        stream.colorspace = Colorspace.ITU709
        stream.color_primaries = ColorPrimaries.BT709
        stream.color_trc = ColorTrc.BT709
        stream.color_range = ColorRange.MPEG
        if self._song is not None:
            self._song.begin(self._container)
        self._container.start_encoding()  # opens the file now, where PyAV would wait for the first packet
        self._stream = stream

    def _write(self, picture: ReadPicture) -> None:
        pixels = picture.read()
        if pixels.shape[1::-1] != self._size:
            raise ValueError(
                f"a picture of {pixels.shape[1]}x{pixels.shape[0]} in a video of {self._size[0]}x{self._size[1]}"
            )
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
        frame.pts = self.frames
        frame.time_base = 1 / self._rate
        assert self._container is not None
        self._container.mux(self._stream.encode(frame))
        if self._song is not None:
            self._song.write(self._container, round((self.frames + 1) / self._rate * SONG_RATE))

    def _end(self) -> None:
        assert self._container is not None
        self._container.mux(self._stream.encode(None))
        if self._song is not None:
            self._song.end(self._container)
        self._container.close()
        self._container = None

    def _abandon(self) -> None:
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
            self._container = None


class SongWriter:
    """Writes a file's sound into a container beside the video, sample by sample as far as the video has come."""

    def __init__(self, song: Path) -> None:
        self._samples = Samples(blocks(song, SONG_RATE))
        self._waiting = np.zeros((0, CHANNELS), np.float32)
        self._taken = self._written = 0

    def begin(self, container: OutputContainer) -> None:
        """Adds the stream."""
        stream = container.add_stream("aac", rate=SONG_RATE)
        stream.layout, stream.format, stream.bit_rate = "stereo", "fltp", SONG_BIT_RATE
        self._stream = stream

    def write(self, container: OutputContainer, end: int) -> None:
        """Writes up to the sample `end`, whole AAC frames of it."""
        wanted = end - self._taken
        samples = self._samples.take(wanted)
        silence = np.zeros((wanted - len(samples), CHANNELS), np.float32)
        self._waiting = np.concatenate([self._waiting, samples, silence])
        self._taken = end
        while len(self._waiting) >= AAC_FRAME:
            self._encode(container, self._waiting[:AAC_FRAME])
            self._waiting = self._waiting[AAC_FRAME:]

    def end(self, container: OutputContainer) -> None:
        """Writes what is left."""
        if len(self._waiting):
            self._encode(container, self._waiting)
        container.mux(self._stream.encode(None))

    def _encode(self, container: OutputContainer, samples: NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SONG_RATE, self._written, Fraction(1, SONG_RATE)
        container.mux(self._stream.encode(frame))
        self._written += len(samples)


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
