"""The watchdog: a dance that dies is noticed by its images and eased back, the same live and in a render."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.bundle import Bundle, open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.health import Motion, Watchdog
from engine.parameters import PARAMETERS
from engine.render import DecodedPicture
from engine.show import Show
from tests.fixtures.tiny_bundle import write_tiny_bundle


class Shown:
    """A sink that keeps the images of every frame."""

    def __init__(self) -> None:
        self.images: list[NDArray[np.uint8]] = []

    def present(self, picture: DecodedPicture, values: Mapping[str, float]) -> None:
        self.images.append(picture.images)

    def close(self) -> None:
        pass


def play(
    bundle: Bundle, seconds: float, rate: float = 30, seeds: tuple[int, ...] = (7,), **dance: float
) -> tuple[NDArray[np.uint8], list[str], Watchdog]:
    """The images shown (frames, dancers, height, width), the lines said, and the watchdog."""
    lines: list[str] = []
    dancer, shown = Dancer(bundle, seeds), Shown()
    start = {"seed": 7, "dancers": len(seeds), **dance}
    controls = Controls(PARAMETERS, {f"dance/{name}": value for name, value in start.items()})
    watchdog = Watchdog(dancer, bundle.metadata, lines.append)
    show = Show(FixedClock(rate), [], controls, dancer, DecodedPicture(bundle.decode), [watchdog, shown])
    for _ in range(round(seconds * rate)):
        show.tick()
    return np.stack(shown.images), lines, watchdog


def open_tiny(folder: Path, movement: str) -> Bundle:
    return open_bundle(write_tiny_bundle(folder / movement, movement), "cpu")


def longest_still(images: NDArray[np.uint8]) -> int:
    """The longest run of frames (frames, height, width) without any motion."""
    longest = run = 0
    for motion in np.abs(np.diff(images.astype(int), axis=0)).max(axis=(1, 2)):
        run = run + 1 if motion == 0 else 0
        longest = max(longest, run)
    return longest


def test_a_dance_that_lives_is_left_alone(tiny_bundle: Path) -> None:
    _, lines, watchdog = play(open_bundle(tiny_bundle, "cpu"), 60)
    assert (lines, watchdog.resets) == ([], 0)


def test_a_frozen_pose_is_eased_back_after_two_seconds_and_said(tmp_path: Path) -> None:
    images, lines, watchdog = play(open_tiny(tmp_path, "freeze"), 12)
    # Frozen from the first frame: 60 steps without motion are seen with the 61st; passages last a second.
    assert lines[0].startswith("step 61: dancer 0: frozen pose (motion below 0.001 for 2 s); eased back to passage ")
    assert watchdog.resets == len(lines) == 4
    assert longest_still(images[:, 0]) <= 2 * 30


@pytest.mark.parametrize(("rate", "speed"), [(60, 1.0), (144, 1.0), (30, 0.5), (25, 2.0)])
def test_no_dance_stays_frozen_for_three_seconds_of_dance_time(tmp_path: Path, rate: float, speed: float) -> None:
    images, lines, _ = play(open_tiny(tmp_path, "freeze"), 8 / speed, rate, speed=speed)
    assert len(lines) >= 2
    assert longest_still(images[:, 0]) < 3 * rate / speed


def test_a_dance_held_at_speed_0_is_no_frozen_pose(tiny_bundle: Path) -> None:
    images, lines, _ = play(open_bundle(tiny_bundle, "cpu"), 10, speed=0)
    assert longest_still(images[:, 0]) == len(images) - 1
    assert lines == []


def test_a_body_that_vanishes_is_eased_back_at_once_without_a_flash(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "vanish")
    images, lines, watchdog = play(bundle, 20)
    assert watchdog.resets == len(lines) > 2
    assert lines[0].startswith("step ")
    assert "degenerate image (coverage 0.0" in lines[0]
    assert ", healthy is 0.03..0.2); eased back to passage " in lines[0]
    # From fall to fall the body is back within the half second of the crossing.
    coverage = 1 - images[:, 0].mean(axis=(1, 2)) / 255
    lost = np.flatnonzero(coverage < 0.03)
    runs = np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1)
    assert max(len(run) for run in runs) < 15
    assert np.abs(np.diff(coverage)).max() < 0.05


def test_every_dancer_of_a_company_is_watched_for_itself(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "vanish")
    _, lines, watchdog = play(bundle, 10, seeds=(7, 8, 9))
    assert watchdog.resets == len(lines)
    assert {line.split(": ")[1] for line in lines} == {"dancer 0", "dancer 1", "dancer 2"}


class Held:
    """A picture whose images are the last frame's own for some only."""

    def __init__(self, images: NDArray[np.uint8], fresh: list[bool]) -> None:
        self.images = images
        self.fresh = np.array(fresh)


def test_an_image_held_over_tells_nothing(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "freeze")
    lines: list[str] = []
    dancer = Dancer(bundle, (7, 8))
    watchdog = Watchdog(dancer, bundle.metadata, lines.append)
    now = Controls(PARAMETERS, {"dance/seed": 7, "dance/dancers": 2}).snapshot()
    for _ in range(80):
        images = bundle.decode(dancer.advance(1 / 30, now))
        watchdog.present(Held(images, [True, False]), now)
    assert [line.split(": ")[1] for line in lines] == ["dancer 0"]


def test_a_company_may_grow_and_shrink_under_its_eyes(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "vanish")
    lines: list[str] = []
    dancer = Dancer(bundle, (7,))
    watchdog = Watchdog(dancer, bundle.metadata, lines.append)
    for dancers in (1, 3, 2, 1):
        now = Controls(PARAMETERS, {"dance/seed": 7, "dance/dancers": dancers}).snapshot()
        for _ in range(150):
            images = bundle.decode(dancer.advance(1 / 30, now))
            watchdog.present(Held(images, [True] * len(images)), now)
    assert {line.split(": ")[1] for line in lines} == {"dancer 0", "dancer 1", "dancer 2"}


def test_in_a_canon_a_fall_is_told_once_and_not_again_when_it_is_shown_later(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "vanish")
    _, alone, _ = play(bundle, 20)
    _, lines, _ = play(bundle, 20, seeds=(7, 7, 7), unison=1, canon=2)
    steps = [line.split(":")[0] for line in lines if ": dancer 0:" in line]
    assert steps == [line.split(":")[0] for line in alone]
    assert len(lines) <= len(alone) + 2  # one may be seen on its own way into the unison


def test_it_watches_another_dancer_from_when_it_is_told_to(tmp_path: Path) -> None:
    healthy, frozen = open_tiny(tmp_path, "dance"), open_tiny(tmp_path, "freeze")
    lines: list[str] = []
    first, second = Dancer(healthy, (7,)), Dancer(frozen, (7,))
    watchdog = Watchdog(first, healthy.metadata, lines.append)
    now = Controls(PARAMETERS, {"dance/seed": 7}).snapshot()
    for bundle, dancer in ((healthy, first), (frozen, second)):
        watchdog.watch(dancer, bundle.metadata)
        for _ in range(80):
            watchdog.present(Held(bundle.decode(dancer.advance(1 / 30, now)), [True]), now)
    assert [line.split(";")[0] for line in lines] == ["step 61: dancer 0: frozen pose (motion below 0.001 for 2 s)"]


def test_latents_that_are_not_numbers_are_counted_and_said(tmp_path: Path) -> None:
    _, lines, watchdog = play(open_tiny(tmp_path, "break"), 10)
    assert watchdog.resets == len(lines) > 0
    assert lines[0].startswith("step 1: dancer 0: latents that are not numbers; eased back to passage ")


@pytest.mark.parametrize("movement", ["freeze", "vanish", "break"])
def test_the_same_dance_falls_at_the_same_steps_and_is_led_the_same_way(tmp_path: Path, movement: str) -> None:
    bundle = open_tiny(tmp_path, movement)
    images, lines, _ = play(bundle, 8)
    again, lines_again, _ = play(bundle, 8)
    assert (images.tobytes(), lines) == (again.tobytes(), lines_again)
    assert lines


def test_a_fall_comes_at_the_same_step_at_60_frames_a_second(tmp_path: Path) -> None:
    bundle = open_tiny(tmp_path, "freeze")
    assert play(bundle, 3, rate=60)[1] == play(bundle, 3, rate=30)[1] != []


def test_motion_just_above_what_is_slow_is_life_and_just_below_is_not() -> None:
    def still_after(levels: list[int], slow: float) -> float:
        motion = Motion(30, slow)
        for step, level in enumerate(levels):
            motion.see(np.full((2, 2), level, np.uint8), step)
        return motion.still

    # Two grey levels to and fro move by 1/255 a step.
    levels = [step % 2 for step in range(100)]
    assert still_after(levels, 0.99 / 255) == 0
    assert still_after(levels, 1.01 / 255) == pytest.approx((99 - 30) / 30 + 1)


def test_stillness_begins_when_the_last_second_is_slow_all_through() -> None:
    motion = Motion(30, 0.5 / 255)
    for step in range(200):
        motion.see(np.full((2, 2), step % 2 if step < 100 else 0, np.uint8), step)
        if motion.still >= 2:
            break
    # The last motion leads to step 100. A second's mean is slow with 14 motions of 30, and must be so for a second.
    assert step == 100 + (30 - 14) + 30
