"""Motion capture as footage: joints where they belong, silhouettes as elsewhere, bad files named with their line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.captures import hierarchy, write_capture
from training.bvh import positions, read_bvh
from training.footage import read_footage
from training.look import Look
from training.silhouette import camera, silhouettes

SIZE = (208, 120)

ARM = """HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition %s
  JOINT Arm
  {
    OFFSET 0 10 0
    CHANNELS 3 %s
    End Site
    {
      OFFSET 5 0 0
    }
  }
}
MOTION
Frames: %d
Frame Time: %s
%s"""
ZXY = "Zrotation Xrotation Yrotation"


def arm(path: Path, frames: list[str], time: str = "0.0333333", hips: str = ZXY, own: str = ZXY) -> Path:
    path.write_text(ARM % (hips, own, len(frames), time, "\n".join(frames) + "\n"))
    return path


def placed(path: Path) -> np.ndarray:
    """(steps, joints, 3)."""
    return np.stack(list(positions(read_bvh(path))))


def test_rotations_turn_what_hangs_on_them_in_the_order_of_the_channels(tmp_path: Path) -> None:
    # Z by 90, then X by 90 about the turned axes: up goes to -x, and the end, along the arm's x, to where y was.
    (step,) = placed(arm(tmp_path / "a.bvh", ["1 2 3 90 0 0 0 90 0"]))
    assert np.allclose(step, [[1, 2, 3], [-9, 2, 3], [-9, 7, 3]], atol=1e-5)
    (step,) = placed(arm(tmp_path / "a.bvh", ["0 0 0 90 0 0 90 0 0"], own="Yrotation Xrotation Zrotation"))
    assert np.allclose(step, [[0, 0, 0], [-10, 0, 0], [-10, 0, -5]], atol=1e-5)


@pytest.mark.parametrize("order", ["XYZ", "YZX", "ZYX", "YXZ"])
def test_single_turns_are_the_same_in_any_order(tmp_path: Path, order: str) -> None:
    channels = " ".join(f"{axis}rotation" for axis in order)
    angles = {"X": "0", "Y": "0", "Z": "30"}
    values = " ".join(angles[axis] for axis in order)
    (step,) = placed(arm(tmp_path / "a.bvh", [f"0 0 0 {values} 0 0 0"], hips=channels))
    turned = np.array(
        [np.cos(np.pi / 6) * 5 - np.sin(np.pi / 6) * 10, np.sin(np.pi / 6) * 5 + np.cos(np.pi / 6) * 10, 0]
    )
    assert np.allclose(step[2], turned, atol=1e-5)


def test_between_frames_rotations_take_the_shorter_way_at_an_even_speed(tmp_path: Path) -> None:
    # From 170 to -170 degrees are 20 degrees, by 180: halfway the arm points down, where angles would have it up.
    steps = placed(arm(tmp_path / "a.bvh", ["0 0 0 170 0 0 0 0 0", "0 0 0 -170 0 0 0 0 0"], time="0.0666667"))
    assert len(steps) == 3
    assert np.allclose(steps[1][1], [0, -10, 0], atol=1e-4)


def test_frames_of_any_rate_become_steps(tmp_path: Path) -> None:
    frames = [f"{index} 0 0 0 0 0 0 0 0" for index in range(121)]
    steps = placed(arm(tmp_path / "a.bvh", frames, time="0.00833333"))
    assert np.allclose(steps[:, 0, 0], np.arange(31) * 4, atol=1e-3)
    steps = placed(arm(tmp_path / "b.bvh", frames[:11], time="0.1"))
    assert np.allclose(steps[:, 0, 0], np.arange(31) / 3, atol=1e-3)


GOOD = ["0 0 0 0 0 0 0 0 0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("HIERARCHY", "SKELETON"), "line 1: 'SKELETON' where HIERARCHY is expected"),
        (("OFFSET 0 10 0", "OFFSET 0 ten 0"), "line 8: 'ten' is not a number"),
        (("OFFSET 0 10 0", "OFFSET 0 nan 0"), "line 8: nan is not within -1000000 to 1000000"),
        (("CHANNELS 3 Zrotation", "CHANNELS 3 Zscale"), "line 9: unknown channel 'Zscale'"),
        (("CHANNELS 3", "CHANNELS 9"), "line 9: 9 is not within 0 to 6"),
        (("End Site", "Tail Site"), "line 10: 'Tail' where JOINT, End Site or } is expected"),
        (("Frames: 1", "Frames: 5"), "line 19: 1 frames, where 5 are announced"),
        (("Frames: 1", "Frames: 99999999999"), "line 17: 99999999999 is not within 1 to 7111111"),
        (("Frame Time: 0.0333333", "Frame Time: 0"), "line 18: 0 is not within 0.0001 to 10"),
        (("0 0 0 0 0 0 0 0 0", "0 0 0"), "line 19: 3 values, where the skeleton has 9 channels"),
        (("0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 x"), "line 19: not all of it is numbers"),
        (("0 0 0 0 0 0 0 0 0", "0 0 0 0 0 0 0 0 inf"), "line 19: a number beyond 1e+06"),
        (("MOTION", ""), "line 17: 'Frames:' where MOTION is expected"),
        (("  }\n}", ""), "line 15: 'MOTION' where JOINT, End Site or } is expected"),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = arm(tmp_path / "a.bvh", GOOD)
    path.write_text(path.read_text().replace(*change))
    with pytest.raises(ValueError) as raised:
        read_bvh(path)
    assert str(raised.value).startswith(message)


def test_a_skeleton_without_end_is_refused(tmp_path: Path) -> None:
    joint = "JOINT a\n{\nOFFSET 0 1 0\nCHANNELS 0\n"
    (tmp_path / "a.bvh").write_text("HIERARCHY\nROOT r\n{\nOFFSET 0 0 0\nCHANNELS 0\n" + joint * 5000)
    with pytest.raises(ValueError, match="more than 1000 joints"):
        read_bvh(tmp_path / "a.bvh")


def test_a_broken_capture_is_left_out_and_the_others_go_on(tmp_path: Path) -> None:
    write_capture(tmp_path / "good.bvh", seconds=1)
    (tmp_path / "bad.bvh").write_text(hierarchy() + "MOTION\nFrames: 2\nFrame Time: oops\n")
    footage = read_footage([tmp_path], SIZE, "crop", tmp_path / "cache")
    assert [clip.name for clip in footage.clips] == ["good"]
    line = len((tmp_path / "bad.bvh").read_text().splitlines())
    assert footage.left_out == [(str(tmp_path / "bad.bvh"), f"line {line}: 'oops' is not a number")]


def test_each_view_is_a_clip_of_a_dancer_as_large_as_in_other_footage(tmp_path: Path) -> None:
    path = write_capture(tmp_path / "dance.bvh", seconds=2)
    footage = read_footage([path], SIZE, "crop", tmp_path / "cache", look=Look(views=(0.0, 90.0)))
    assert [clip.name for clip in footage.clips] == ["dance@0", "dance@90"]
    front, side = (np.asarray(clip.frames) < 128 for clip in footage.clips)
    assert len(front) == len(side) == 61
    assert not np.array_equal(front, side)
    for body in (front, side):
        feet = [np.flatnonzero(image.any(1))[-1] for image in body]
        heads = [np.flatnonzero(image.any(1))[0] for image in body]
        assert 108 <= np.median(feet) <= 118  # of 120
        assert 80 <= np.median(np.subtract(feet, heads)) <= 112


def test_silhouettes_are_one_piece_with_soft_edges(tmp_path: Path) -> None:
    import cv2

    capture = read_bvh(write_capture(tmp_path / "dance.bvh", seconds=3))
    for image in silhouettes(capture, 0, SIZE):
        pieces, _ = cv2.connectedComponents((image < 128).astype(np.uint8))
        assert pieces == 2  # the background and the dancer
        assert image[0, 0] == 255
        assert image.min() == 0
        assert 0.003 < ((image > 16) & (image < 240)).mean() < 0.03


def test_the_camera_follows_across_and_leaves_jumps_alone(tmp_path: Path) -> None:
    capture = read_bvh(write_capture(tmp_path / "dance.bvh", seconds=4, travel=600))
    seen = camera(capture, 0, SIZE)
    moved = np.ptp([places[0] @ seen.right for places in positions(capture)]) * seen.scale
    middles = [float(np.mean(np.nonzero(image < 128)[1])) for image in silhouettes(capture, 0, SIZE)]
    assert moved > SIZE[0]  # it leaves the image
    assert all(abs(middle - SIZE[0] / 2) < SIZE[0] / 4 for middle in middles)


def test_a_file_whose_z_is_up_stands_on_its_feet_too(tmp_path: Path) -> None:
    text = write_capture(tmp_path / "y.bvh", seconds=0.5).read_text().split("MOTION")[0]
    lines = []
    for line in text.splitlines():
        words = line.split()
        if words[0] == "OFFSET":
            line = f"OFFSET {words[1]} {-float(words[3])} {words[2]}"
        lines.append(line)
    zeros = " ".join(["0"] * (text.count("CHANNELS 3") * 3 + 6))
    (tmp_path / "z.bvh").write_text("\n".join(lines) + f"\nMOTION\nFrames: 1\nFrame Time: 0.03333\n{zeros}\n")
    (tmp_path / "y.bvh").write_text(text + f"MOTION\nFrames: 1\nFrame Time: 0.03333\n{zeros}\n")
    (upright,) = silhouettes(read_bvh(tmp_path / "y.bvh"), 0, SIZE)
    (turned,) = silhouettes(read_bvh(tmp_path / "z.bvh"), 0, SIZE)
    assert np.abs(upright.astype(int) - turned).max() <= 2


def test_nothing_of_it_needs_torch(tmp_path: Path) -> None:
    write_capture(tmp_path / "a.bvh", seconds=0.2)
    code = (
        "import sys\nfrom pathlib import Path\nfrom training.footage import read_footage\n"
        "read_footage([Path(sys.argv[1])], (208, 120), 'crop', Path(sys.argv[1]) / 'cache')\n"
        "print(sorted({'torch', 'onnx', 'scipy'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
