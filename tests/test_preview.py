"""`dancenet footage`: what footage becomes, seen and judged before anything is trained."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.fixtures.captures import write_capture
from tests.fixtures.footage import blob, write_video
from training.clips import Clip
from training.preview.judging import Warning, judge, judge_all


def run(*arguments: str | Path, expected: int = 0) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "engine", "footage", *map(str, arguments)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode == expected, result.stderr
    return result


def film(path: Path, seconds: float = 2.0) -> Path:
    times = [Fraction(1000 * index // 30, 1000) for index in range(round(30 * seconds))]
    return write_video(path, [blob(float(time)) for time in times], times)


def test_it_writes_a_sheet_and_a_video_and_tells_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "films"
    folder.mkdir()
    film(folder / "a.mkv")
    write_capture(folder / "b.bvh", seconds=2)
    (folder / "broken.mp4").write_bytes(b"nonsense")
    told = run(folder, "--out", tmp_path / "out", "--cache", tmp_path / "cache").stdout.splitlines()
    assert told[0] == "a: 2.0 s: matte none: silhouettes already"
    assert told[1] == "b: 2.0 s: motion capture, seen at 0 degrees"
    assert told[2].startswith(f"{folder / 'broken.mp4'}: left out: not readable as video or images")
    assert told[-4].startswith("warning: only 0.1 minutes: too little to learn from: train with --from models/default")
    assert told[-3] == "2 clips, 121 images, 0.1 minutes; 1 left out, seen as dark silhouette; 2 warnings"
    assert told[-2:] == [f"wrote {tmp_path / 'out' / name}" for name in ("preview.mp4", "contact-1.png")]
    sheet = cv2.imread(str(tmp_path / "out" / "contact-1.png"))
    assert sheet is not None
    assert sheet.shape == (2 * (240 + 26), 6 * 208, 3)
    with av.open(str(tmp_path / "out" / "preview.mp4")) as video:
        frames = [frame.to_ndarray(format="gray") for frame in video.decode(video=0)]
    assert len(frames) == 121
    # What was filmed is on the left of what is learnt, at the same moment: here they are the same picture.
    for frame in frames[:60:10]:
        filmed, learnt = (np.nonzero(side < 60)[1].mean() for side in (frame[26:, :416], frame[26:, 416:]))
        assert abs(filmed - learnt) < 8
    assert not list((tmp_path / "out").glob("*part*"))


def test_what_it_read_is_kept_for_the_training(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv")
    run(path, "--out", tmp_path / "out", "--cache", tmp_path / "cache")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()}
    assert len(before) == 2
    run(path, "--out", tmp_path / "out", "--cache", tmp_path / "cache")
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").iterdir()} == before
    run(path, "--out", tmp_path / "out", "--cache", tmp_path / "cache", "--matte", "luma")
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_nothing_usable_is_an_error_on_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nonsense")
    result = run(tmp_path / "a.mp4", "--out", tmp_path / "out", "--cache", tmp_path / "cache", expected=1)
    assert result.stderr.splitlines()[-1].startswith(f"dancenet: footage: no usable footage ({tmp_path / 'a.mp4'}: not")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--matte", "magic"], "argument --matte: invalid choice: 'magic'"),
        (
            ["--view", "above"],
            "argument --view: 'above' is neither degrees, -360 to 360, nor one of front, three-quarter",
        ),
    ],
)
def test_what_is_not_allowed_is_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    assert message in run("a.mp4", "--out", tmp_path, *arguments, expected=2).stderr


def test_to_track_takes_a_silhouette(tmp_path: Path) -> None:
    result = run(film(tmp_path / "a.mkv"), "--out", tmp_path, "--track", "--matte", "none", expected=1)
    assert result.stderr == (
        "dancenet: footage: --track follows a silhouette, and --matte none makes none: leave one of them out\n"
    )


def test_it_does_without_torch(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom training.preview.__main__ import main\n"
        "main(sys.argv[1:])\nprint(sorted({'torch', 'onnx', 'scipy', 'onnxruntime'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, film(tmp_path / "a.mkv", 0.5), "--out", tmp_path, "--cache", tmp_path]
    run = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


SIZE = (120, 208)


def dancer(left: int = 90, top: int = 20, wide: int = 24, tall: int = 90) -> np.ndarray:
    image = np.full(SIZE, 255, np.uint8)
    image[max(top, 0) : top + tall, max(left, 0) : left + wide] = 0
    return image


def warned(images: list[np.ndarray]) -> list[str]:
    return [warning.what for warning in judge(Clip("a", np.stack(images)), "dark silhouette")]


MOVING = [dancer(80 + index % 30) for index in range(120)]


def test_good_footage_has_no_warning() -> None:
    assert warned(MOVING) == []


@pytest.mark.parametrize(
    ("images", "warning"),
    [
        ([dancer(80 + i % 30, top=-10) for i in range(120)], "the dancer is cut off at a border in 100% of the steps"),
        ([dancer(80 + i % 30, 60, 12, 40) for i in range(120)], "the dancer is small, 33% of the image's height"),
        (
            [np.minimum(image, dancer(20)) for image in MOVING],
            "several people, or a body in pieces, in 100% of the steps",
        ),
        (
            [dancer(80 + i % 30, tall=90 if i % 10 else 60) for i in range(120)],
            "the silhouette flickers in 9% of the steps",
        ),
        (MOVING + [dancer()] * 120, "nothing moves in 50% of it"),
        (MOVING + [np.full(SIZE, 255, np.uint8)] * 40, "nobody is there in 25% of the steps"),
    ],
)
def test_what_is_wrong_is_warned_of(images: list[np.ndarray], warning: str) -> None:
    assert warned(images) == [warning]


def test_too_little_footage_many_cuts_and_short_takes_are_warned_of() -> None:
    clip = Clip("a", np.stack(MOVING))
    assert judge_all([clip] * 3, cuts=2) == [
        Warning("", "2 cuts inside of the videos", "each part is a clip of its own; a dance filmed in one is better"),
        Warning("", "3 of 3 clips are under 5 seconds", "a dance is learnt from longer takes"),
        Warning("", "only 0.2 minutes", "too little to learn from: train with --from models/default, and film more"),
    ]
    long = Clip("a", np.broadcast_to(MOVING[0], (30 * 60 * 5, *SIZE)))
    assert [warning.what for warning in judge_all([long], cuts=0)] == ["5.0 minutes"]
    assert judge_all([long] * 2, cuts=0) == []
