"""Clocks: whole periods on time, made up for when late, let go of when far behind."""

import pytest

from engine.clock import REMEMBERED, FixedClock, WallClock


class Wall:
    """A wall clock in a test's hands."""

    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_a_fixed_clock_takes_a_period_a_frame() -> None:
    clock = FixedClock(30)
    assert clock.frame == -1
    assert [(clock.advance(), clock.frame, clock.time) for _ in range(3)] == [
        (1 / 30, 0, 0),
        (1 / 30, 1, 1 / 30),
        (1 / 30, 2, 2 / 30),
    ]


def test_a_fixed_clock_waits_for_nothing() -> None:
    assert FixedClock(30).wait(0.1) is False


def test_the_picture_is_waited_for_until_it_has_to_be_begun() -> None:
    wall = Wall()

    def sleep(seconds: float) -> None:
        wall.time += seconds

    clock = WallClock(10, wall, sleep)
    clock.advance()
    assert clock.wait() is False, "nobody knows yet how long it takes"
    clock.lead = 0.03
    assert clock.wait() is True
    assert (clock.begun, wall.time) == (pytest.approx(clock.due - 0.03), clock.begun)
    assert clock.wait() is False
    assert wall.time == clock.begun


def test_a_picture_that_takes_longer_is_begun_so_much_sooner_and_at_once_at_most() -> None:
    wall = Wall()

    def sleep(seconds: float) -> None:
        wall.time += seconds

    clock = WallClock(10, wall, sleep)
    clock.advance()
    clock.lead = 0.03
    clock.wait(0.02)
    assert (clock.lead, clock.begun) == (pytest.approx(0.05), pytest.approx(clock.due - 0.05))
    wall.time = clock.due
    clock.advance()
    assert clock.wait(0.2) is False
    assert (clock.lead, clock.begun) == (1 / 10, wall.time)


def test_a_frame_begins_by_half_of_the_time_that_the_last_ones_had_to_spare() -> None:
    wall, slept, behind = Wall(), list[float](), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        wall.time += seconds

    clock = WallClock(10, wall, sleep)

    def frame(dance: float) -> list[float]:
        """Seconds slept before the dance and before the picture."""
        slept.clear()
        clock.advance()
        wall.time += dance
        clock.wait()
        wall.time += 0.03
        behind.append(wall.time - clock.due)
        return list(slept)

    clock.lead = 0.03
    for _ in range(REMEMBERED):
        assert frame(0.02) == [pytest.approx(0.05)], "not before it is known how long a dance takes"
    assert frame(0.02) == [pytest.approx(0.025), pytest.approx(0.025)]
    assert frame(0.04) == [pytest.approx(0.025), pytest.approx(0.005)], "what is left is for a frame that takes longer"
    for _ in range(REMEMBERED):
        assert frame(0.02) == [pytest.approx(0.015), pytest.approx(0.035)], "the least of the last ones counts"
    assert frame(0.02) == [pytest.approx(0.025), pytest.approx(0.025)]
    assert behind == pytest.approx([0] * len(behind))
    assert frame(0.08) == [pytest.approx(0.025)], "behind by all that it took too long and had paused"
    assert behind[-1] == pytest.approx(0.035)
    for _ in range(REMEMBERED):
        assert len(frame(0.02)) == 1, "no pause while a frame without time to spare is remembered"
    frame(0.02)
    assert frame(0.02) == [pytest.approx(0.025), pytest.approx(0.025)]


def test_on_time_a_frame_takes_one_period_however_the_wall_jitters() -> None:
    wall = Wall()
    clock = WallClock(30, wall)
    clock.advance()
    for jitter in (0.0, 0.004, 0.0, 0.015, 0.001, 0.03):
        wall.time = clock.due + jitter
        assert clock.advance() == 1 / 30


def test_the_next_frame_is_due_a_period_after_the_last_was() -> None:
    wall = Wall()
    clock = WallClock(10, wall)
    clock.advance()
    assert clock.due == pytest.approx(100.1)
    wall.time = 100.13
    clock.advance()
    assert clock.due == pytest.approx(100.2)


def test_show_time_keeps_up_with_a_wall_that_frames_cannot() -> None:
    wall = Wall()
    clock = WallClock(30, wall)
    clock.advance()
    for _ in range(100):
        wall.time += 1.5 / 30
        clock.advance()
    assert clock.time == pytest.approx(150 / 30, abs=2 / 30)


def test_lost_periods_are_made_up_for_by_the_next_frame() -> None:
    wall = Wall()
    clock = WallClock(10, wall)
    clock.advance()
    wall.time = clock.due + 0.11
    assert clock.advance() == pytest.approx(0.2)


def test_a_long_hold_up_is_let_go_of() -> None:
    wall = Wall()
    clock = WallClock(30, wall)
    clock.advance()
    wall.time += 60
    assert clock.advance() == pytest.approx(7 / 30)
    assert clock.due == pytest.approx(wall.time + 1 / 30)
    wall.time = clock.due
    assert clock.advance() == 1 / 30


def test_at_a_low_rate_a_frame_still_takes_its_period() -> None:
    wall = Wall()
    clock = WallClock(1, wall)
    clock.advance()
    wall.time += 60
    assert clock.advance() == 1


def test_a_screen_faster_than_the_rate_builds_up_no_lead() -> None:
    wall = Wall()
    clock = WallClock(30, wall)
    for _ in range(1000):
        clock.advance()
        wall.time += 0.9 / 30
    assert clock.due - wall.time < 2.1 / 30
