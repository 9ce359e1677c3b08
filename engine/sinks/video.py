"""Videos: pictures encoded by FFmpeg into a file, a song beside them.

Owns how a picture's colours become a video's, so that a player shows those that the window showed.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from av.codec.codec import UnknownCodecError
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from av.video.stream import VideoStream
from numpy.typing import NDArray

from engine.audio.decode import SONG_RATE
from engine.formats import Codec, codec_for
from engine.sinks.recorder import ReadPicture, Recorder, RecordingError
from engine.sinks.song_writer import SongWriter

# Rates such as 29.97 are 30000/1001.
RATE_DENOMINATOR = 1001

# Without rounding that is exact, swscale is up to 4 of 255 off, and gradients show it.
EXACT = Interpolation.BICUBIC | Interpolation.ACCURATE_RND

# These put their index at the front, so that a browser need not fetch the end before it plays.
INDEXED = (".mp4", ".mov")


class VideoRecorder(Recorder):
    """Records pictures of `size` (width, height) at `rate_hz` by a `codec`; without one, the first of the ending.

    The file `song` is heard with it from its beginning, as long as the video is: cut, or followed by silence. Asks of a
    picture `read()`: (height, width, 3) uint8, top row first; of one with alpha `read(alpha=True)`.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        rate_hz: float,
        song: Path | None = None,
        codec: Codec | None = None,
    ) -> None:
        super().__init__(path)
        try:
            self._codec = codec_for(self.path.suffix, codec.name if codec else None)
        except ValueError as error:
            raise RecordingError(f"{self.path}: {error}") from None
        if refusal := self._codec.refusal(size):
            raise RecordingError(f"{self.path}: {refusal}")
        self._size = size
        self._rate = video_rate(rate_hz)
        self._container: OutputContainer | None = None
        self._song = None if song is None else SongWriter(song, webm=self.path.suffix == ".webm")

    def _begin(self) -> None:
        # Flushed, so that a full disk is told at the frame that fills it rather than at the end.
        options = {"flush_packets": "1"}
        if self.path.suffix in INDEXED:
            options["movflags"] = "+faststart"
        self._container = av.open(str(self._partial), "w", options=options)
        self._stream = add_video(self._container, self._codec, self._size, self._rate)
        if self._codec.tag and self.path.suffix in INDEXED:
            self._stream.codec_tag = self._codec.tag
        if self._song is not None:
            self._song.begin(self._container)
        self._container.start_encoding()  # opens the file now, where PyAV would wait for the first packet

    def _write(self, picture: ReadPicture) -> None:
        pixels = picture.read(alpha=True) if self._codec.alpha else picture.read()
        if pixels.shape[1::-1] != self._size:
            raise ValueError(
                f"a picture of {pixels.shape[1]}x{pixels.shape[0]} in a video of {self._size[0]}x{self._size[1]}"
            )
        if self._codec.alpha:
            pixels = straight(pixels)
        frame = coloured(pixels, self._codec.pixel_format)
        frame.pts = self.frames
        frame.time_base = 1 / self._rate
        assert self._container is not None
        self._container.mux(self._stream.encode(frame))
        if self._song is not None:
            self._song.write(round((self.frames + 1) / self._rate * SONG_RATE))

    def _end(self) -> None:
        assert self._container is not None
        self._container.mux(self._stream.encode(None))
        if self._song is not None:
            self._song.end()
        self._container.close()
        self._container = None

    def _abandon(self) -> None:
        if self._container is not None:
            with suppress(av.error.FFmpegError, OSError):
                self._container.close()
            self._container = None


def video_rate(rate_hz: float) -> Fraction:
    """Frames a second as a video has them."""
    return Fraction(rate_hz).limit_denominator(RATE_DENOMINATOR)


def add_video(
    container: OutputContainer,
    codec: Codec,
    size: tuple[int, int],
    rate: Fraction,
    options: Mapping[str, str] | None = None,
) -> VideoStream:
    """Adds a stream of pictures of `size` (width, height); `options` of the encoder go before the codec's own.

    Raises ValueError where this FFmpeg has no such encoder.
    """
    os.environ.setdefault("SVT_LOG", "1")  # or AV1's encoder tells its settings on the terminal
    try:
        stream = container.add_stream(codec.encoder, rate=rate, options={**codec.options, **(options or {})})
    except UnknownCodecError:
        raise ValueError(f"this FFmpeg has no {codec.encoder}, which {codec.name} needs") from None
    assert isinstance(stream, VideoStream)
    stream.width, stream.height = size
    stream.pix_fmt = codec.pixel_format
    # Said, so that no player has to guess how RGB became YUV.
    stream.colorspace = Colorspace.ITU709
    stream.color_primaries = ColorPrimaries.BT709
    stream.color_trc = ColorTrc.BT709
    stream.color_range = ColorRange.MPEG
    return stream


def coloured(pixels: NDArray[np.uint8], pixel_format: str, size: tuple[int, int] | None = None) -> VideoFrame:
    """A frame of `pixels` (height, width, 3 or 4), in the colours of a video; a fourth channel may be lost.

    Scaled to `size` (width, height), if it is given.
    """
    kind = "rgba" if pixels.shape[2] == 4 else "rgb24"
    frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format=kind)
    width, height = size or (None, None)
    return frame.reformat(
        width,
        height,
        format=pixel_format,
        dst_colorspace=Colorspace.ITU709,
        dst_color_range=ColorRange.MPEG,
        interpolation=EXACT,
    )


def straight(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (height, width, 4) whose colour was premultiplied by their alpha, with the colour itself.

    Where nothing is seen the colour is black.
    """
    alpha = pixels[..., 3:]
    if (alpha == 255).all():
        return pixels
    colour = pixels[..., :3].astype(np.uint16)
    whole = (colour * 255 + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(whole, 255).astype(np.uint8), alpha], axis=2)
