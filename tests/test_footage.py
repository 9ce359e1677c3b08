"""Footage of any kind, size and rate becomes clips of grey images at 30 steps a second."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.footage import SIZE, blob, write_dance, write_still, write_video
from training.clips import Clip, even_background, image_kind, split
from training.footage import read_footage


def even(level: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0]), level, np.uint8)


def levels(path: Path, cache: Path) -> list[int]:
    """The level of each step's image."""
    (clip,) = read_footage([path], SIZE, "crop", cache).clips
    return [int(image[0, 0]) for image in clip.frames]


def test_each_step_shows_the_frame_on_screen_at_its_time_at_25_frames_a_second(tmp_path: Path) -> None:
    times = [Fraction(i, 25) for i in range(50)]
    path = write_video(tmp_path / "a.mkv", [even(4 * i) for i in range(50)], times)
    # Step k is at k / 30 s, when frame floor(25 k / 30) is on screen.
    assert levels(path, tmp_path) == [4 * (25 * k // 30) for k in range(60)]


def test_variable_rates_follow_the_time_stamps(tmp_path: Path) -> None:
    times = [Fraction(0), Fraction(1, 10), Fraction(15, 100), Fraction(1, 2)]
    path = write_video(tmp_path / "a.mkv", [even(level) for level in (10, 20, 30, 40)], times)
    shown = levels(path, tmp_path)
    assert shown[:15] == [10] * 3 + [20] * 2 + [30] * 10
    assert set(shown[15:]) == {40}


def test_a_faster_video_leaves_frames_out(tmp_path: Path) -> None:
    times = [Fraction(i, 60) for i in range(60)]
    path = write_video(tmp_path / "a.mkv", [even(4 * i) for i in range(60)], times)
    # 1/60 s is 16.7 ms and the file counts milliseconds: a frame may come up to half a millisecond late.
    assert np.abs(np.array(levels(path, tmp_path)) - [8 * k for k in range(len(levels(path, tmp_path)))]).max() <= 4
    assert len(levels(path, tmp_path)) in (30, 31)


def test_numbered_images_are_one_clip_in_natural_order(tmp_path: Path) -> None:
    folder = tmp_path / "numbered"
    folder.mkdir()
    for i in range(1, 13):
        write_still(folder / f"{i}.png", even(10 * i))
    assert levels(folder, tmp_path / "cache") == [10 * i for i in range(1, 13)]


@pytest.mark.parametrize(("fit", "border", "inner"), [("crop", 60, 60), ("pad", 250, 60)])
def test_a_square_image_is_cropped_or_padded_with_its_border(tmp_path: Path, fit: str, border: int, inner: int) -> None:
    image = even(60, (64, 64))
    image[:, :8] = image[:, -8:] = 250
    if fit == "crop":
        image[:, :] = 60
    write_still(tmp_path / "1.png", image)
    (clip,) = read_footage([tmp_path], SIZE, fit, tmp_path / "cache").clips
    assert clip.frames.shape == (1, 64, 104)
    assert clip.frames[0][32, 0] == border
    assert clip.frames[0][32, 52] == inner


def test_a_wide_image_is_cropped_at_its_sides(tmp_path: Path) -> None:
    image = even(100, (208, 64))
    image[:, 52:156] = 200
    write_still(tmp_path / "1.png", image)
    (clip,) = read_footage([tmp_path], SIZE, "crop", tmp_path / "cache").clips
    assert (np.asarray(clip.frames) == 200).all()


def test_what_was_read_once_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mkv", [blob(0)] * 5, [Fraction(i, 30) for i in range(5)])
    first = read_footage([path], SIZE, "crop", tmp_path / "cache").clips[0].frames
    monkeypatch.setattr("training.footage.av.open", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(read_footage([path], SIZE, "crop", tmp_path / "cache").clips[0].frames, first)


def test_unreadable_and_empty_files_are_named_and_the_others_go_on(tmp_path: Path) -> None:
    write_dance(tmp_path)
    (tmp_path / "broken.mp4").write_bytes(b"nonsense")
    (tmp_path / "void.mp4").touch()
    (tmp_path / "empty").mkdir()
    footage = read_footage([tmp_path, tmp_path / "missing.mp4"], SIZE, "crop", tmp_path / "cache")
    assert [clip.name for clip in footage.clips] == ["a", "b", "numbered"]
    assert dict(footage.left_out) == {
        str(tmp_path / "broken.mp4"): "not readable as video or images (Invalid data found when processing input)",
        str(tmp_path / "void.mp4"): "not readable as video or images (Invalid data found when processing input)",
        str(tmp_path / "empty"): "no videos and no images in this folder",
        str(tmp_path / "missing.mp4"): "no such file or folder",
    }
    assert footage.summary() == "3 clips, 390 images, 0.2 minutes; 4 left out"
    assert not list((tmp_path / "cache").glob("*.part"))


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no usable footage \(.*nowhere: no such file or folder\)$"):
        read_footage([tmp_path / "nowhere"], SIZE, "crop", tmp_path / "cache")


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_memory_does_not_grow_with_the_footage(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from training.footage import read_footage
read_footage([Path(sys.argv[1])], (208, 120), "crop", Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()  # its own peak: that of getrusage counts in what began it had held
print(int(status.partition("VmHWM:")[2].split()[0]) // 1024)
"""
    peaks = []
    for seconds in (2, 120):
        times = [Fraction(i * seconds, 60) for i in range(60)]
        path = write_video(tmp_path / f"{seconds}.mkv", [blob(i / 60) for i in range(60)], times)
        run = [sys.executable, "-c", code, str(path), str(tmp_path / "cache")]
        peaks.append(int(subprocess.run(run, capture_output=True, text=True, check=True).stdout))
    # Two minutes are 3,600 images of 25 kB: 86 MB, were they kept.
    assert peaks[1] - peaks[0] < 20


def test_one_clip_in_ten_is_held_out_and_short_footage_gives_its_ends() -> None:
    many = [Clip(f"{i:02}", np.full((10, 8, 8), i, np.uint8)) for i in range(20)]
    training, held_out = split(many)
    assert [clip.name for clip in held_out] == ["00", "10"]
    assert len(training) == 18
    training, held_out = split([Clip("one", np.arange(30, dtype=np.uint8)[:, None, None])])
    assert np.ravel(training[0].frames).tolist() == list(range(27))
    assert np.ravel(held_out[0].frames).tolist() == [27, 28, 29]


def test_the_kind_of_images_is_seen() -> None:
    dark = np.stack([blob(i / 10) for i in range(10)])
    grey = np.random.default_rng(0).integers(0, 256, dark.shape).astype(np.uint8)
    kinds = [image_kind([Clip("a", images)]) for images in (dark, 255 - dark, grey)]
    assert kinds == ["dark silhouette", "light silhouette", "grey"]
    assert [even_background([Clip("a", images)]) for images in (dark, 255 - dark, grey)] == [1.0, 0.0, None]
