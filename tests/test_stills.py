"""PNGs are decoded again, alpha and all."""

from pathlib import Path

import av
import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.clock import FixedClock
from engine.controls import Controls
from engine.coverage import DARK_SILHOUETTE, Coverage
from engine.parameters import PARAMETERS
from engine.sinks.recorder import RecordingError
from engine.sinks.stills import SequenceRecorder, StillRecorder, png


class Shown:
    """A picture of 3x2 pixels, all of one level, more each time; half of it is seen through."""

    def __init__(self) -> None:
        self.level = 0

    def next(self) -> "Shown":
        self.level += 1
        return self

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        assert alpha
        pixels = np.full((2, 3, 4), self.level, np.uint8)
        pixels[0, :, 3], pixels[1, :, 3] = 255, 128
        return pixels


def decoded(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as image:
        (frame,) = image.decode(video=0)
        assert frame.format.name == "rgba"
        return frame.to_ndarray().astype(np.uint8)


def expected(level: int) -> NDArray[np.uint8]:
    upper, lower = [level] * 3 + [255], [round(level * 255 / 128)] * 3 + [128]
    return np.array([[upper] * 3, [lower] * 3], np.uint8)


def test_a_still_is_the_last_picture_and_there_once_it_is_whole(tmp_path: Path) -> None:
    recorder, shown = StillRecorder(tmp_path / "one.png"), Shown()
    for _ in range(5):
        recorder.present(shown.next(), {})
    assert not (tmp_path / "one.png").exists()
    recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["one.png"]
    assert (decoded(tmp_path / "one.png") == [5, 5, 5, 255]).all()  # opaque, as on the screen


def test_a_still_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    recorder = StillRecorder(tmp_path / "one.png")
    recorder.present(Shown().next(), {})
    recorder.discard()
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_a_sequence_is_there_frame_by_frame_and_stays(tmp_path: Path) -> None:
    recorder, shown = SequenceRecorder(tmp_path / "f_%03d.png"), Shown()
    assert recorder.remains == f"{tmp_path}/f_%03d.png is not written"
    for count in range(1, 12):
        recorder.present(shown.next(), {})
        assert len(list(tmp_path.iterdir())) == count == recorder.frames
    recorder.discard()
    assert recorder.remains == "f_001.png to f_011.png are written"
    for count in range(1, 12):
        assert (decoded(tmp_path / f"f_{count:03d}.png") == expected(count)).all()


def test_a_sequence_that_cannot_be_written_says_which_frame(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"no/f_01\.png: No such file or directory$"):
        SequenceRecorder(tmp_path / "no" / "f_##.png").present(Shown().next(), {})
    with pytest.raises(RecordingError, match=r"f\.png: a sequence's name has one place for a number, #### or %04d$"):
        SequenceRecorder(tmp_path / "f.png")
    with pytest.raises(RecordingError, match=r"no/f\.png: No such file or directory$"):
        StillRecorder(tmp_path / "no" / "f.png").present(Shown().next(), {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [(1, 1), (47, 33), (640, 360)])
def test_a_png_holds_every_pixel(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    pixels[..., 3] = 255
    (tmp_path / "a.png").write_bytes(png(pixels))
    assert (decoded(tmp_path / "a.png") == pixels).all()


def test_a_picture_read_with_alpha_has_the_colours_of_one_without(context: moderngl.Context) -> None:
    images = np.tile(np.array([[0, 255]], np.uint8), (1, 8, 6))
    picture = Coverage(context, lambda latents: images, DARK_SILHOUETTE, (12, 8), (61, 47))
    picture.prepare(np.zeros((1, 4), np.float32))
    picture.draw(Controls(PARAMETERS).snapshot(), FixedClock(30))
    pixels = picture.read(alpha=True)
    assert pixels.shape == (47, 61, 4)
    assert (pixels[..., :3] == picture.read()).all()
    picture.release()
