"""Videos are decoded again: their colours are those of the pictures, and a browser finds its index where it looks."""

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from engine.formats import CODECS, Codec, codec_for
from engine.sinks.recorder import RecordingError
from engine.sinks.video import VideoRecorder, straight

SIZE = (64, 48)
# Grey, primaries, and what lies between.
COLOURS = [*itertools.product((0, 64, 128, 200, 255), repeat=3), (17, 200, 90), (250, 3, 128)]


class Flat:
    """A picture of one colour, red, green, blue, and alpha, by which the colour is multiplied."""

    def __init__(self, colour: tuple[int, ...], alpha: int = 255) -> None:
        self._colour = (*colour, alpha)

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        return np.tile(np.array(self._colour[: 4 if alpha else 3], np.uint8), (SIZE[1], SIZE[0], 1))


def boxes(path: Path) -> list[str]:
    """The names of the boxes of an MP4, in their order."""
    data, found, place = path.read_bytes(), [], 0
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        found.append(data[place + 4 : place + 8].decode("ascii"))
        place += int.from_bytes(data[place + 8 : place + 16], "big") if size == 1 else size
    return found


def plane(frame: VideoFrame, index: int) -> NDArray[np.float64]:
    """Luma or chroma of a frame, (height, width), of 256 levels whatever its depth."""
    found, bits = frame.planes[index], frame.format.components[index].bits
    levels = np.frombuffer(bytes(found), np.uint8 if bits == 8 else np.uint16).reshape(found.height, -1)[
        :, : found.width
    ]
    across, down = SIZE[0] // found.width, SIZE[1] // found.height
    return levels.repeat(down, axis=0).repeat(across, axis=1) / 2 ** (bits - 8)


def seen(frame: VideoFrame) -> NDArray[np.float64]:
    """The red, green and blue, (height, width, 3), that BT.709 makes of a frame's luma and chroma."""
    y, cb, cr = (plane(frame, index) for index in range(3))
    y, cb, cr = (y - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    red, blue = y + 2 * (1 - 0.2126) * cr, y + 2 * (1 - 0.0722) * cb
    green = (y - 0.2126 * red - 0.0722 * blue) / 0.7152
    return np.clip(255 * np.stack([red, green, blue], axis=2), 0, 255).round()


def record(path: Path, pictures: list[Flat], codec: Codec | None = None) -> None:
    recorder = VideoRecorder(path, SIZE, 30, codec=codec)
    for picture in pictures:
        recorder.present(picture, {})
    recorder.close()


@pytest.mark.parametrize(
    ("codec", "ending"),
    [(codec, codec.endings[0]) for codec in CODECS],
    ids=lambda value: value.name if isinstance(value, Codec) else value,
)
def test_colours_are_those_of_the_picture(tmp_path: Path, codec: Codec, ending: str) -> None:
    path = tmp_path / f"dance{ending}"
    record(path, [Flat(colour) for colour in COLOURS], codec)
    with av.open(str(path)) as video:
        stream = video.streams.video[0]
        assert stream.average_rate == 30
        # What a player goes by: BT.709 in all of them, from 16 to 235.
        context = stream.codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        frames = list(video.decode(stream))
    assert len(frames) == len(COLOURS)
    for colour, frame in zip(COLOURS, frames, strict=True):
        assert np.abs(seen(frame) - colour).max() <= 2, colour


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
def test_a_browser_finds_the_index_before_the_pictures(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"dance{ending}"
    record(path, [Flat((0, 0, 0))] * 30)
    found = boxes(path)
    assert found[0] == "ftyp" and found.index("moov") < found.index("mdat")


def test_h265_bears_the_name_that_apples_players_take(tmp_path: Path) -> None:
    record(tmp_path / "dance.mp4", [Flat((0, 0, 0))], codec_for(".mp4", "h265"))
    with av.open(str(tmp_path / "dance.mp4")) as video:
        assert video.streams.video[0].codec_context.codec_tag == "hvc1"


def test_alpha_is_kept_and_the_colour_is_no_longer_multiplied_by_it(tmp_path: Path) -> None:
    path = tmp_path / "dance.mov"
    record(path, [Flat((100, 50, 0), 128), Flat((0, 0, 0), 0)], codec_for(".mov", "prores4444"))
    with av.open(str(path)) as video:
        half, nothing = (frame.reformat(format="rgba").to_ndarray() for frame in video.decode(video=0))
    assert np.abs(half.astype(int) - (199, 100, 0, 128)).max() <= 2
    assert (nothing[..., 3] == 0).all()


def test_straight_colour_is_the_closed_form() -> None:
    alpha, colour = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    pixels = np.stack([np.minimum(colour, alpha)] * 3 + [alpha], axis=2).astype(np.uint8)
    shown = straight(pixels)
    assert (shown[..., 3] == alpha).all()
    assert (shown[0, :, :3] == 0).all()
    exact = pixels[1:, :, 0] * 255.0 / alpha[1:]
    assert np.abs(shown[1:, :, 0] - exact).max() <= 0.5
    assert (shown[255] == pixels[255]).all()


def test_an_encoder_that_this_ffmpeg_lacks_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lacking = Codec("h264", "libnone", (".mp4",), "yuv420p")
    monkeypatch.setattr("engine.formats.CODECS", (lacking,))
    with pytest.raises(RecordingError, match=r"dance\.mp4: this FFmpeg has no libnone, which h264 needs$"):
        record(tmp_path / "dance.mp4", [Flat((0, 0, 0))])
    assert list(tmp_path.iterdir()) == []


def test_a_codec_must_fit_its_file(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"dance\.webm: \.webm takes vp9, av1; not h264$"):
        VideoRecorder(tmp_path / "dance.webm", SIZE, 30, codec=codec_for(".mp4", "h264"))
