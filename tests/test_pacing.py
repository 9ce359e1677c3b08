"""When frames are shown, on simulated screens whose time is handed in."""

import itertools
import math

import pytest

from engine.clock import WallClock
from engine.sinks.pacing import LONGEST_MARGIN, MARGIN, Pacer, measure_refresh

WORK = 0.008  # seconds that each frame's dance and picture take
PICTURE = 0.003  # of it the picture, which is begun as late as it can be


class Desk:
    """A machine with a screen of `refresh_hz` whose driver queues `depth` swaps before one waits; 0: none ever do."""

    def __init__(self, refresh_hz: float = 60.0, depth: int = 0) -> None:
        self.time = 100.0
        self.refresh = 1 / refresh_hz
        self.depth = depth
        self.finishing = 0.0
        self.drawn = 0.0
        self.looked: list[float] = []
        self.swapped: list[float] = []
        """When each swap was seen: at a refresh where swaps wait, at once elsewhere."""

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.time += seconds

    def draw(self) -> None:
        self.time += 0.0005
        self.drawn = self.time

    def finish(self) -> None:
        self.looked.append(self.time)
        self.time += self.finishing

    def flip(self) -> None:
        if not self.depth:
            self.swapped.append(self.time)
            return
        seen = math.floor(self.time / self.refresh + 1e-6) + 1
        if self.swapped:
            seen = max(seen, round(self.swapped[-1] / self.refresh) + 1)
        self.swapped.append(seen * self.refresh)
        self.time = max(self.time, (seen - self.depth + 1) * self.refresh)


def play(
    desk: Desk, pacer: Pacer, clock: WallClock, frames: int, work: float = WORK, picture: float = PICTURE
) -> list[float]:
    """Plays `frames` frames; returns what each advanced the show by."""
    steps = []
    for _ in range(frames):
        steps.append(clock.advance())
        desk.time += max(work - picture, 0)
        clock.wait()
        desk.time += min(picture, work)
        pacer.ready(desk.draw)
        pacer.show(desk.finish, desk.flip)
    return steps


def pace(desk: Desk, rate_hz: float = 30, refresh_hz: float | None = None) -> tuple[WallClock, Pacer]:
    clock = WallClock(rate_hz, desk.now, desk.sleep)
    return clock, Pacer(clock, refresh_hz, desk.sleep)


def test_the_timer_shows_each_frame_when_it_is_due() -> None:
    desk = Desk()
    clock, pacer = pace(desk)
    steps = play(desk, pacer, clock, 300)
    assert steps == [1 / 30] * 300
    first = desk.swapped[0]
    assert desk.swapped == pytest.approx([first + frame / 30 for frame in range(300)], abs=1e-9)
    assert pacer.late_frames == 0


@pytest.mark.parametrize(("depth", "refresh_hz", "margin"), [(0, None, MARGIN), (2, 60.0, 1 / 240)])
def test_a_picture_is_begun_as_late_as_it_can_be(depth: int, refresh_hz: float | None, margin: float) -> None:
    desk = Desk(depth=depth)
    clock, pacer = pace(desk, refresh_hz=refresh_hz)
    play(desk, pacer, clock, 300)
    assert clock.lead == pytest.approx(PICTURE + 0.0005 + margin, abs=1e-4)
    assert clock.due - clock.begun == pytest.approx(clock.lead, abs=1e-3)
    assert pacer.late_frames == 0
    clock.advance()
    clock.wait()
    desk.time += PICTURE + 0.004  # one slow picture: the next ones are begun earlier, then later again
    pacer.ready(desk.draw)
    pacer.show(desk.finish, desk.flip)
    slow = clock.lead
    play(desk, pacer, clock, 300)
    assert clock.lead == pytest.approx(PICTURE + 0.0005 + margin, abs=1e-4)
    assert slow - clock.lead > (0.003 if refresh_hz else 0), "a screen's refresh would be missed, a timer's time is not"


@pytest.mark.parametrize(("depth", "refresh_hz", "margin"), [(0, None, 0.0), (2, 60.0, 1 / 240)])
def test_what_comes_last_is_looked_at_as_late_as_it_can_be(depth: int, refresh_hz: float | None, margin: float) -> None:
    desk = Desk(depth=depth)
    desk.finishing = 0.002
    clock, pacer = pace(desk, refresh_hz=refresh_hz)
    play(desk, pacer, clock, 300)
    clock.advance()
    clock.wait()
    desk.time += PICTURE
    due = clock.due
    pacer.ready(desk.draw)
    waited = desk.time - desk.drawn
    desk.looked.clear()
    pacer.show(desk.finish, desk.flip)
    assert due - desk.looked[0] == pytest.approx(0.002 + margin, abs=1e-4)
    assert waited == pytest.approx(0 if refresh_hz else MARGIN, abs=1e-4)
    assert clock.lead == pytest.approx(PICTURE + 0.0005 + 0.002 + (margin or MARGIN), abs=1e-4)
    assert pacer.late_frames == 0


def test_a_frame_is_late_when_shown_over_half_a_period_after_it_was_due() -> None:
    desk = Desk()
    clock, pacer = pace(desk)
    play(desk, pacer, clock, 5)  # it does not pause before the dance yet
    play(desk, pacer, clock, 1, work=1 / 30 + 0.016)
    assert pacer.late_frames == 0
    assert pacer.lateness == pytest.approx(0.016 + 0.0005)  # the drawing into the back buffer too
    play(desk, pacer, clock, 10)
    play(desk, pacer, clock, 1, work=1 / 30 + 0.017)
    assert pacer.late_frames == 1
    play(desk, pacer, clock, 10)
    assert pacer.late_frames == 1


def test_after_a_hold_up_frames_do_not_rush() -> None:
    desk = Desk()
    clock, pacer = pace(desk)
    play(desk, pacer, clock, 10)
    desk.time += 5.0
    before = len(desk.swapped)
    play(desk, pacer, clock, 30)
    shown = desk.swapped[before:]
    assert min(b - a for a, b in itertools.pairwise(shown)) > 0.9 / 30
    assert pacer.late_frames <= 1


@pytest.mark.parametrize(
    ("refresh_hz", "depth"), [(59.94, 1), (59.94, 2), (60.0, 1), (60.0, 3), (60.1, 2), (119.88, 2), (119.88, 3)]
)
def test_on_a_screen_each_frame_is_seen_for_as_many_refreshes(refresh_hz: float, depth: int) -> None:
    desk = Desk(refresh_hz, depth)
    clock, pacer = pace(desk, 30, refresh_hz)
    repeats = round(refresh_hz / 30)
    assert pacer.refreshes == repeats
    steps = play(desk, pacer, clock, 2000)
    assert steps == [1 / 30] * 2000  # no step of the dance is left out, though the screen is no clock of 30 Hz
    assert len(desk.swapped) == 2000 * repeats
    gaps = [round((b - a) / desk.refresh) for a, b in itertools.pairwise(desk.swapped)]
    assert set(gaps[repeats * 3 :]) == {1}  # every refresh has its swap: no frame is seen for longer than another
    assert pacer.late_frames == 0


def test_a_hold_up_on_a_screen_is_one_late_frame() -> None:
    desk = Desk(60, 2)
    clock, pacer = pace(desk, 30, 60)
    play(desk, pacer, clock, 50)
    play(desk, pacer, clock, 1, work=0.2)
    play(desk, pacer, clock, 50)
    assert pacer.late_frames == 1


def test_when_swaps_cease_to_wait_the_timer_takes_over() -> None:
    desk = Desk(60, 2)
    clock, pacer = pace(desk, 30, 60)
    play(desk, pacer, clock, 50)
    desk.depth = 0
    began = desk.time
    play(desk, pacer, clock, 120)
    assert pacer.refreshes == 0
    assert desk.time - began == pytest.approx(4.0, abs=0.1)


def test_frames_longer_than_a_refresh_keep_their_rate_where_the_driver_queues_nothing() -> None:
    desk = Desk(60, 1)
    clock, pacer = pace(desk, 30, 60)
    play(desk, pacer, clock, 30, work=0.020)
    began = desk.time
    play(desk, pacer, clock, 120, work=0.020)
    assert desk.time - began == pytest.approx(4.0, abs=0.05)


@pytest.mark.parametrize(
    ("rate_hz", "refresh_hz", "refreshes"),
    [(30, 60, 2), (30, 59.94, 2), (60, 59.94, 1), (30, 120, 4), (30, None, 0), (30, 75, 0), (30, 144, 0), (30, 240, 0)],
)
def test_a_screen_paces_only_frames_that_fit_its_refresh(
    rate_hz: float, refresh_hz: float | None, refreshes: int
) -> None:
    assert pace(Desk(), rate_hz, refresh_hz)[1].refreshes == refreshes


def test_the_refresh_is_measured_where_swaps_wait_for_it() -> None:
    waiting = Desk(59.94, 2)
    assert measure_refresh(waiting.flip, 60.0, waiting.now) == pytest.approx(59.94)
    assert measure_refresh(waiting.flip, 75.0, waiting.now) is None
    assert measure_refresh(waiting.flip, None, waiting.now) is None
    free = Desk()
    assert measure_refresh(free.flip, 60.0, free.now) is None


def test_a_show_that_rests_is_paced_by_a_timer_and_then_by_the_screen_again() -> None:
    desk = Desk(60, depth=2)
    clock, pacer = pace(desk, 30, 60)
    play(desk, pacer, clock, 30)
    assert pacer.refreshes == 2
    clock.rate_hz = 2
    swaps, begun = len(desk.swapped), desk.time
    play(desk, pacer, clock, 20)
    assert (pacer.refreshes, len(desk.swapped) - swaps) == (0, 20)
    assert desk.time - begun == pytest.approx(10, abs=0.1)
    clock.rate_hz = 30
    begun = desk.time
    play(desk, pacer, clock, 60)
    assert pacer.refreshes == 2
    assert desk.time - begun == pytest.approx(2, abs=0.6), "a frame may still be that of the slow rate"
    assert pacer.late_frames <= 1


@pytest.mark.parametrize(("longer", "behind"), [(0.016, 0.0), (0.007, 0.9 * (0.007 - MARGIN))])
def test_where_pictures_take_much_longer_from_one_on_they_are_soon_in_time(longer: float, behind: float) -> None:
    desk = Desk()
    clock, pacer = pace(desk)
    play(desk, pacer, clock, 100)
    play(desk, pacer, clock, 1, WORK + longer, PICTURE + longer)
    assert pacer.lateness == pytest.approx(longer - MARGIN, abs=2e-4)
    play(desk, pacer, clock, 2, WORK + longer, PICTURE + longer)
    # One that is a little behind is seen by nobody: the mean learns of it.
    assert pacer.lateness == pytest.approx(behind, abs=4e-4)
    assert pacer.late_frames == 0


@pytest.mark.parametrize(
    ("share", "margin"), [(0.29, MARGIN), (0.5, LONGEST_MARGIN), (0.4, 0.1 / 30 + MARGIN), (2.5, MARGIN)]
)
def test_a_frame_that_was_nearly_late_has_those_after_it_begun_earlier(share: float, margin: float) -> None:
    desk = Desk()
    clock, pacer = pace(desk)
    play(desk, pacer, clock, 100)
    desk.finishing = share / 30  # this frame alone is held up by so much
    play(desk, pacer, clock, 1)
    assert pacer.lateness == pytest.approx(share / 30, abs=2e-4)
    desk.finishing = 0.0
    play(desk, pacer, clock, 300)
    assert clock.lead == pytest.approx(PICTURE + 0.0005 + margin, abs=1e-4)
    pacer.follow(None)  # another screen
    play(desk, pacer, clock, 300)
    assert clock.lead == pytest.approx(PICTURE + 0.0005 + MARGIN, abs=1e-4)
