"""Recordings are read back: by PyAV and by numpy, whole, or not there."""

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.sinks.recorder import ImageRecorder, RecordingError
from engine.sinks.video import VideoRecorder

ROOT = Path(__file__).parent.parent
SIZE = (64, 48)


class Frames:
    """Pictures whose left part, 2 pixels wider each time, is black; the rest white. And images counted up."""

    def __init__(self) -> None:
        self.count = 0
        self.images: NDArray[np.uint8] = np.zeros((1, 3, 5), np.uint8)

    def next(self) -> "Frames":
        self.count += 1
        self.images = np.full((1, 3, 5), self.count % 256, np.uint8)
        return self

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        pixels = np.full((SIZE[1], SIZE[0], 4 if alpha else 3), 255, np.uint8)
        pixels[:, : 2 * (self.count % 32), :3] = 0
        return pixels


def decoded(path: Path) -> Iterator[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24").astype(np.uint8)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_a_video_holds_every_frame_at_its_rate(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"dance{suffix}"
    recorder, frames = VideoRecorder(path, SIZE, 30), Frames()
    for _ in range(31):
        recorder.present(frames.next(), {})
    assert not path.exists()
    recorder.close()
    assert recorder.frames == 31
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 30
        times = [frame.time for frame in container.decode(stream)]
    assert times == pytest.approx([frame / 30 for frame in range(31)], abs=0.001)
    for count, pixels in enumerate(decoded(path), start=1):
        edge = 2 * count
        assert pixels.shape == (SIZE[1], SIZE[0], 3)
        assert pixels[:, : max(0, edge - 4)].max(initial=0) < 40 and pixels[:, edge + 4 :].min(initial=255) > 215


def test_black_and_white_stay_black_and_white(tmp_path: Path) -> None:
    path = tmp_path / "dance.mp4"
    recorder, frames = VideoRecorder(path, SIZE, 30), Frames()
    frames.count = 16
    recorder.present(frames, {})
    recorder.close()
    (pixels,) = decoded(path)
    assert pixels[:, :24].max() <= 2 and pixels[:, 40:].min() >= 253


def test_a_rate_may_be_a_fraction(tmp_path: Path) -> None:
    path = tmp_path / "dance.mp4"
    recorder, frames = VideoRecorder(path, SIZE, 30000 / 1001), Frames()
    for _ in range(10):
        recorder.present(frames.next(), {})
    recorder.close()
    with av.open(str(path)) as container:
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)
        assert container.streams.video[0].frames == 10


def test_images_are_an_array_of_all_frames(tmp_path: Path) -> None:
    path = tmp_path / "dance.npy"
    recorder, frames = ImageRecorder(path), Frames()
    for _ in range(300):
        recorder.present(frames.next(), {})
    assert not path.exists()
    recorder.close()
    images = np.load(path)
    assert images.shape == (300, 3, 5) and images.dtype == np.uint8
    assert (images[:, 0, 0] == np.arange(1, 301) % 256).all()
    assert (images == images[:, :1, :1]).all()


def test_an_earlier_recording_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "dance.npy"
    path.write_bytes(b"earlier")
    recorder = ImageRecorder(path)
    recorder.present(Frames().next(), {})
    assert path.read_bytes() == b"earlier"
    recorder.close()
    assert np.load(path).shape == (1, 3, 5)


@pytest.mark.parametrize("name", ["dance.mp4", "dance.npy"])
def test_what_is_discarded_or_never_began_leaves_nothing(tmp_path: Path, name: str) -> None:
    def new() -> VideoRecorder | ImageRecorder:
        return ImageRecorder(tmp_path / name) if name.endswith("npy") else VideoRecorder(tmp_path / name, SIZE, 30)

    new().close()
    begun = new()
    begun.present(Frames().next(), {})
    begun.discard()
    begun.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["dance.mp4", "dance.npy"])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    """A process that may write no more than 100 kB to a file plays the full disk."""
    code = """
import resource, sys
import numpy as np
from engine.sinks.recorder import ImageRecorder, RecordingError
from engine.sinks.video import VideoRecorder

class Noise:
    chance = np.random.default_rng(1)
    images = np.zeros((1, 120, 208), np.uint8)
    def read(self):
        return self.chance.integers(0, 256, (48, 64, 3), dtype=np.uint8)

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
path = sys.argv[1]
recorder = ImageRecorder(path) if path.endswith("npy") else VideoRecorder(path, (64, 48), 30)
try:
    for _ in range(300):
        recorder.present(Noise(), {})
    print("not noticed")
except RecordingError as error:
    print(error)
recorder.close()
"""
    path = tmp_path / name
    run = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == f"{path}: File too large\n"
    assert list(tmp_path.iterdir()) == []


def test_memory_stays_bounded_however_long_the_recording(tmp_path: Path) -> None:
    recorder, frames = ImageRecorder(tmp_path / "dance.npy"), Frames()
    tracemalloc.start()
    for level in range(200):  # 80 MB
        frames.images = np.full((1, 480, 832), level, np.uint8)
        recorder.present(frames, {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    recorder.discard()
    assert peak < 4e6


def test_what_cannot_be_recorded_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"dance\.avi: a video's name ends in \.mp4, \.mov, \.mkv, \.webm$"):
        VideoRecorder(tmp_path / "dance.avi", SIZE, 30)
    with pytest.raises(RecordingError, match=r"dance\.mp4: 63x48: h264 wants an even width and height$"):
        VideoRecorder(tmp_path / "dance.mp4", (63, 48), 30)
    for recorder in (VideoRecorder(tmp_path / "no" / "d.mp4", SIZE, 30), ImageRecorder(tmp_path / "no" / "d.npy")):
        with pytest.raises(RecordingError, match=r"no/d\.(mp4|npy): No such file or directory$"):
            recorder.present(Frames().next(), {})
    smaller = VideoRecorder(tmp_path / "dance.mp4", (32, 48), 30)
    with pytest.raises(RecordingError, match=r"dance\.mp4: a picture of 64x48 in a video of 32x48$"):
        smaller.present(Frames().next(), {})
    company = Frames()
    company.images = np.zeros((2, 3, 5), np.uint8)
    with pytest.raises(RecordingError, match=r"dance\.npy: images of 2 dancers; a file of images holds one dancer's$"):
        ImageRecorder(tmp_path / "dance.npy").present(company, {})
    assert list(tmp_path.iterdir()) == []
