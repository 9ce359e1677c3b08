"""Opening hours by the wall's clock: which minutes are open, when it opens next, summer time, clocks that are set."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.hours import CLOSED, FADE, Hours, Opening

BERLIN = ZoneInfo("Europe/Berlin")
# 2026-11-23 is a Monday.
MONDAY = datetime(2026, 11, 23)


def hours(*openings: str) -> Hours:
    return Hours([Opening.of(text) for text in openings], lambda line: None)


def open_times(hours: Hours, days: int = 7, begin: datetime = MONDAY) -> list[str]:
    """When it opens and closes from `begin` on, minute by minute."""
    changes, before = [], False
    for minute in range(days * 24 * 60):
        when = begin + timedelta(minutes=minute)
        if hours.is_open(when) != before:
            before = not before
            changes.append(f"{'+' if before else '-'}{when:%a %H:%M}".lower())
    return changes


@pytest.mark.parametrize(
    ("openings", "changes"),
    [
        (("mon 09:00-22:00",), ["+mon 09:00", "-mon 22:00"]),
        (("mon,wed 9:00-10:30",), ["+mon 09:00", "-mon 10:30", "+wed 09:00", "-wed 10:30"]),
        (("fri-sat 22:00-02:00",), ["+fri 22:00", "-sat 02:00", "+sat 22:00", "-sun 02:00"]),
        (("sat-mon 10:00-11:00",),
         ["+mon 10:00", "-mon 11:00", "+sat 10:00", "-sat 11:00", "+sun 10:00", "-sun 11:00"]),
        (("sun 22:00-03:00",), ["+mon 00:00", "-mon 03:00", "+sun 22:00"]),
        (("tue 00:00-24:00",), ["+tue 00:00", "-wed 00:00"]),
        (("tue 18:00-00:00",), ["+tue 18:00", "-wed 00:00"]),
        (("tue 10:00-12:00", "TUE 11:00-13:00", "tue 14:00-15:00"),
         ["+tue 10:00", "-tue 13:00", "+tue 14:00", "-tue 15:00"]),
        (("thu 12:00-13:00,",), None),
        ((), ["+mon 00:00"]),
    ],
)  # fmt: skip
def test_openings_are_open_from_their_first_minute_up_to_their_last(
    openings: tuple[str, ...], changes: list[str] | None
) -> None:
    if changes is None:
        with pytest.raises(ValueError, match="is no opening"):
            hours(*openings)
    else:
        assert open_times(hours(*openings)) == changes


def test_without_days_it_is_every_day() -> None:
    assert open_times(hours("09:00-22:00")) == open_times(hours("mon-sun 09:00-22:00"))
    assert len(open_times(hours("09:00-22:00"))) == 14


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("9-22", "'9-22' is no opening, such as 09:00-22:00, mon-fri 09:00-22:00 or sat,sun 10:00-02:00"),
        ("25:00-26:00", "'25:00-26:00': 25:00 is no time of day, 00:00 to 24:00"),
        ("09:60-10:00", "'09:60-10:00': 09:60 is no time of day, 00:00 to 24:00"),
        ("09:00-09:00", "'09:00-09:00' is never open; a whole day is 00:00-24:00"),
        ("24:00-09:00", "'24:00-09:00' is never open; a whole day is 00:00-24:00"),
        ("mo 09:00-10:00", "'mo 09:00-10:00': 'mo' is no day; days are mon, tue, wed, thu, fri, sat, sun, and mon-fri "
                           "and the like"),
        ("mon-wed-fri 09:00-10:00", "'mon-wed-fri 09:00-10:00': 'mon-wed-fri' is no day; days are mon, tue, wed, thu, "
                                    "fri, sat, sun, and mon-fri and the like"),
    ],
)  # fmt: skip
def test_what_is_no_opening_is_told(text: str, line: str) -> None:
    with pytest.raises(ValueError) as caught:
        Opening.of(text)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        (MONDAY.replace(hour=8), MONDAY.replace(hour=9)),
        (MONDAY.replace(hour=9), MONDAY.replace(day=24, hour=9)),
        (MONDAY.replace(day=27, hour=23), MONDAY.replace(day=28, hour=20)),
        (MONDAY.replace(day=28, hour=23), MONDAY.replace(day=30, hour=9)),
    ],
)
def test_when_it_opens_next_is_known(now: datetime, opens: datetime) -> None:
    assert hours("mon-fri 09:00-22:00", "sat 20:00-21:00").opens(now) == opens


class Wall:
    """The wall's clock in a test's hands, by the seconds since 1970: as a zone's people read it."""

    def __init__(self, when: datetime) -> None:
        self.seconds = when.timestamp()

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, BERLIN).replace(tzinfo=None)


class Night:
    """A show with hours, at a frame a second."""

    def __init__(self, *openings: str, when: datetime) -> None:
        self.told: list[str] = []
        self.wall = Wall(when.replace(tzinfo=BERLIN))
        self.controls = Controls(PARAMETERS)
        self.hours = Hours([Opening.of(text) for text in openings], self.told.append, self.wall)

    def frame(self, dt: float = 1.0) -> float:
        self.hours.poll(self.controls)
        self.controls.advance(dt)
        self.wall.seconds += dt
        return self.controls.snapshot()[CLOSED]

    def until(self, holds: Callable[[float], bool]) -> datetime:
        """The wall's time at which a frame, one a minute, first shows what `holds`."""
        for _ in range(2 * 24 * 60):
            when = self.wall()
            if holds(self.frame(60.0)):
                return when
        raise AssertionError("never")


def test_the_picture_fades_out_and_in_evenly_at_the_minute() -> None:
    night = Night("09:00-22:00", when=MONDAY.replace(hour=21, minute=59, second=58))
    assert [night.frame() for _ in range(8)] == pytest.approx([0, 0, 0.2, 0.4, 0.6, 0.8, 1, 1])
    assert night.told == ["hours: closed until tue 09:00; the picture is black, and the dancer rests"]
    night.wall.seconds += 11 * 3600 - 8
    assert [night.frame() for _ in range(8)] == pytest.approx([1, 1, 0.8, 0.6, 0.4, 0.2, 0, 0])
    assert night.told[1:] == ["hours: open"]
    assert FADE == 5


def test_a_show_that_begins_closed_is_black_from_its_first_frame_on() -> None:
    assert Night("09:00-22:00", when=MONDAY.replace(hour=3)).frame() == 1


def test_a_show_that_begins_open_is_seen_whatever_was_saved_of_it() -> None:
    night = Night("09:00-22:00", when=MONDAY.replace(hour=10))
    night.controls.set(CLOSED, 1)
    assert night.frame() == 0
    assert night.told == []


def test_in_between_the_picture_is_anybody_s() -> None:
    night = Night("09:00-22:00", when=MONDAY.replace(hour=23))
    night.frame()
    night.controls.set(CLOSED, 0)
    assert [night.frame() for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(
    "day",
    [
        datetime(2026, 3, 29),  # 2 o'clock is 3 o'clock that night
        datetime(2026, 10, 25),  # 3 o'clock is 2 o'clock again
        datetime(2026, 7, 1),
    ],
)
def test_summer_time_moves_no_opening(day: datetime) -> None:
    night = Night("09:00-22:00", when=day)
    night.frame(60.0)
    assert night.until(lambda closed: closed < 1) == day.replace(hour=9)
    assert night.until(lambda closed: closed > 0) == day.replace(hour=22)


def test_an_opening_within_the_hour_that_is_left_out_begins_after_it() -> None:
    night = Night("02:30-04:00", when=datetime(2026, 3, 29, 1, 0))
    night.frame(60.0)
    assert night.until(lambda closed: closed < 1) == datetime(2026, 3, 29, 3, 0)


def test_a_clock_that_is_set_and_a_night_asleep_are_followed_within_a_frame() -> None:
    night = Night("09:00-22:00", when=datetime(1970, 1, 1, 0, 5))  # before the network told the time
    assert night.frame() == 1
    night.wall.seconds = datetime(2026, 11, 24, 10, tzinfo=BERLIN).timestamp()
    assert [night.frame(FADE), night.frame()] == [0, 0]
    night.wall.seconds += 13 * 3600  # asleep
    assert night.frame(FADE) == 1
    night.wall.seconds -= 3 * 3600  # set back
    assert night.frame(FADE) == 0
