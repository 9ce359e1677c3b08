"""Days of dance: what is told of them, that a stop costs nothing, and what their figures are."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.days import broken
from engine.arguments import parse_render
from engine.commands import days as command
from engine.commands.ending import Failure
from engine.poses import Moments, Reference, Spread, distance, poses
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.test_command_line import NO_DISPLAY, refusal, run, start
from training import motion

FIGURES = ("danced_seconds", "whole", "images_seen", "resets", "longest_still", "fd_pose", "motion_energy", "each")


@pytest.fixture(scope="module")
def breaking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dancer whose latents are now and then no numbers."""
    return write_tiny_bundle(tmp_path_factory.mktemp("breaking"), "break")


def words(bundle: Path, seconds: float, *more: str) -> list[str]:
    return ["--no-picture", "--model", str(bundle), "--seconds", str(seconds), "--seed", "5", *more]


def danced(out: Path, *arguments: str) -> dict[str, Any]:
    assert command.days(parse_render([str(out), *arguments])) == 0
    report: dict[str, Any] = json.loads(out.read_text())
    return report


def test_a_report_tells_how_it_went(breaking: Path, tmp_path: Path) -> None:
    result = run("render", "days.json", *words(breaking, 40, "--dancers", "3", "--every", "5"), folder=tmp_path)
    assert result.returncode == 0 and "\n" in result.stdout
    report = json.loads((tmp_path / "days.json").read_text())
    assert (report["danced_seconds"], report["whole"], report["window_seconds"]) == (40, True, 20)
    assert (report["dancers"], report["first_seed"], report["every"]) == (3, 5, 5)
    assert list(report["resets"]) == ["latents that are not numbers"]
    falls = report["resets"]["latents that are not numbers"]
    assert falls > 3 and f"  {falls} by latents that are not numbers; nobody stood still" in result.stdout
    assert len(report["each"]["fd_pose"]["late"]) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["days.json"], "nothing is left to go on from"


def test_each_dancer_dances_what_it_dances_alone(breaking: Path, tmp_path: Path) -> None:
    company = danced(tmp_path / "company.json", *words(breaking, 30, "--dancers", "2"))
    alone = danced(tmp_path / "alone.json", *words(breaking, 30))
    assert company["each"]["fd_pose"]["early"][0] == pytest.approx(alone["each"]["fd_pose"]["early"][0], abs=2e-6)
    assert company["each"]["fd_pose"]["early"][0] != company["each"]["fd_pose"]["early"][1]


def test_a_dance_that_was_stopped_goes_on_to_the_very_end_it_would_have_had(
    breaking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = words(breaking, 30, "--dancers", "3", "--every", "7")
    whole = danced(tmp_path / "whole.json", *arguments)

    @contextmanager
    def stops_after(frames: int) -> Iterator[Callable[[], bool]]:
        left = iter(range(frames))
        yield lambda: next(left, None) is None

    out = tmp_path / "stopped.json"
    for frames in (331, 95):
        monkeypatch.setattr(command, "stop_signals", lambda frames=frames: stops_after(frames))
        with pytest.raises(Failure, match=r"^stopped after 1[14]\.. s of dance; --resume goes on from there$"):
            command.days(parse_render([str(out), *arguments, "--resume"]))
        assert json.loads(out.read_text())["whole"] is False
    monkeypatch.undo()
    resumed = danced(out, *arguments, "--resume")
    assert {name: resumed[name] for name in FIGURES} == {name: whole[name] for name in FIGURES}
    assert not out.with_suffix(".state").exists()


def test_sigterm_keeps_what_was_danced_and_another_dance_does_not_go_on_from_it(tmp_path: Path) -> None:
    freezing = write_tiny_bundle(tmp_path / "freezing", "freeze")
    process = start(["render", "days.json", *words(freezing, 86400)], tmp_path, NO_DISPLAY)
    assert process.stderr and "frozen pose" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.splitlines()[-1].endswith(" of dance; --resume goes on from there")
    report = json.loads((tmp_path / "days.json").read_text())
    assert report["whole"] is False and report["danced_seconds"] > 2 and report["resets"]["frozen pose"] >= 1
    other = ("render", "days.json", *words(freezing, 86400, "--every", "2"), "--resume")
    assert refusal(*other, folder=tmp_path) == (
        "dancenet: days.state: of another dance, whose every differs; without --resume it is begun anew"
    )
    (tmp_path / "days.state").write_bytes(b"dancenet state 1\nnothing")
    assert refusal("render", "days.json", *words(freezing, 9), "--resume", folder=tmp_path) == (
        "dancenet: days.state: damaged; without --resume it is begun anew"
    )


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("d.json",), "argument OUT: 'd.json' ends in none of .mp4, .mov, .mkv, .webm, .png, .npy"),
        ((), "argument OUT: a file is needed, ending in .mp4, .mov, .mkv, .webm, .png, .npy"),
        (("d.npy", "--dancers", "2"), "argument --dancers: only a dance with --no-picture takes it"),
        (("d.mp4", "--no-picture"), "argument OUT: 'd.mp4' does not end in .json, as the report of --no-picture does"),
        (("--no-picture", "--resume"), "argument --resume: OUT.json says which dance to go on with"),
        (("--no-picture", "--scene", "calm"), "argument --scene: nothing is drawn or heard with --no-picture"),
        (("--no-picture", "--dancers", "65"), "argument --dancers: '65' is not a whole number in 1..64"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: tuple[str, ...], line: str) -> None:
    assert refusal("render", *arguments, code=2) == f"dancenet render: error: {line}"


def test_looking_too_seldom_for_the_speed_is_refused(breaking: Path) -> None:
    assert refusal("render", *words(breaking, 1, "--every", "8", "--speed", "2"), code=2) == (
        "dancenet: --every: 8 is too seldom at this speed; it may be 1..7"
    )


def told(resets: int = 0, still: float = 1.0, ratio: float | None = 1.0) -> dict[str, Any]:
    of_means = None if ratio is None else {"of_means": ratio}
    return {
        "resets": {"frozen pose": resets} if resets else {},
        "longest_still": still,
        "fd_pose": {"late_to_early": of_means},
    }


def test_the_bounds_are_the_issue_s_and_resets_count_at_the_default_temperature_alone() -> None:
    assert broken(told(), default=True) == broken(told(resets=3, ratio=None), default=False) == []
    assert broken(told(still=3.0, ratio=1.199), default=True) == []
    assert broken(told(resets=3, still=3.1, ratio=1.2), default=True) == [
        "3 resets; none are allowed at the default temperature",
        "stood still for 3.10 s; 3 is allowed",
        "fd_pose is 1.20 times the early one; below 1.2 is allowed",
    ]


@pytest.mark.parametrize("kind", ["dark silhouette", "light silhouette"])
@pytest.mark.parametrize("size", [(120, 208), (61, 53)])
def test_poses_are_those_of_training_s_figures(kind: str, size: tuple[int, int]) -> None:
    images = np.random.Generator(np.random.PCG64(1)).integers(0, 256, (5, *size)).astype(np.uint8)
    found = poses(images, kind)
    assert found.shape == (5, 390) and found.dtype == np.float32
    if size == (120, 208):  # where cells are of several sizes, training's take the mean of them
        assert np.allclose(found, motion.poses(images, kind), atol=2e-7)
    whole = images.astype(float) / 255
    assert found[0, 0] == pytest.approx(
        (1 - whole if kind == "dark silhouette" else whole)[0, : size[0] // 15, : size[1] // 26].mean(), abs=1e-6
    )


def test_moments_give_the_spread_of_what_was_added_in_parts() -> None:
    random = np.random.Generator(np.random.PCG64(2))
    some = random.normal(size=(40, 3))
    moments = Moments(2, 3)
    for part in np.split(some, 4):
        moments.add(np.ones(len(part), np.int64), part)
    spread = moments.spread(1)
    assert np.allclose(spread.mean, some.mean(0)) and np.allclose(spread.covariance, np.cov(some.T))
    assert moments.sums[0].tolist() == [0.0] * 13


def test_the_distance_of_two_normal_distributions_is_the_closed_form() -> None:
    one = Spread(np.array([1.0, 2.0]), np.diag([4.0, 9.0]))
    other = Spread(np.array([4.0, 6.0]), np.diag([1.0, 16.0]))
    # 3 and 4 apart; deviations 2 and 1, 3 and 4.
    assert distance(one, other) == pytest.approx(25 + 1 + 1)
    assert distance(one, one) == pytest.approx(0, abs=1e-9)


def test_a_reference_is_at_no_distance_from_itself_and_at_its_shift_s_from_another() -> None:
    random = np.random.Generator(np.random.PCG64(3))
    given = random.uniform(0, 1, (200, 30)).astype(np.float32)
    reference = Reference.of(given)
    assert reference.directions.shape == (30, 24)
    for shift in (0.0, 0.5):
        moments = Moments(1, 24)
        moments.add(
            np.zeros(200, np.int64), reference.along((given + shift * reference.directions[:, 0]).astype(np.float32))
        )
        assert distance(moments.spread(0), reference.spread) == pytest.approx(shift**2, abs=1e-5)
