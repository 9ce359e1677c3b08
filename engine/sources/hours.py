"""Opening hours: when the picture is to be seen, by the clock on the wall, and the fade to black and back.

Owns `picture/closed` at the moments when the hours begin and end; in between it is anybody's, so that a picture can be
had at night by OSC. Only the wall's time counts, asked for anew each frame: a clock that is set, a night spent asleep
and summer time need no other care. The hour that comes twice in autumn is kept both times.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.controls import Controls

CLOSED = "picture/closed"
# Seconds of the fade.
FADE = 5.0
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60
EXAMPLE = "such as 09:00-22:00, mon-fri 09:00-22:00 or sat,sun 10:00-02:00"
FORM = re.compile(r"(?:([a-z,-]+) +)?(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True)
class Opening:
    """Open on `days` (0 is Monday) from `begin`, minutes of the day, for `minutes`: perhaps over midnight."""

    days: tuple[int, ...]
    begin: int
    minutes: int

    @classmethod
    def of(cls, text: str) -> "Opening":
        """From `[DAYS ]HH:MM-HH:MM`; days are those on which it opens. Raises ValueError with what is allowed."""
        match = FORM.fullmatch(text.strip().lower())
        if not match:
            raise ValueError(f"{text!r} is no opening, {EXAMPLE}")
        begin, end = _minutes(text, match[2], match[3]), _minutes(text, match[4], match[5])
        if begin in (end, DAY):
            raise ValueError(f"{text!r} is never open; a whole day is 00:00-24:00")
        return cls(_days(text, match[1]), begin, (end - begin) % DAY or DAY)

    def covers(self, minute: int) -> bool:
        """Whether it is open in a minute of the week, counted from Monday's midnight."""
        return any((minute - day * DAY - self.begin) % WEEK < self.minutes for day in self.days)


def _minutes(text: str, hour: str, minute: str) -> int:
    minutes = int(hour) * 60 + int(minute)
    if int(minute) > 59 or minutes > DAY:
        raise ValueError(f"{text!r}: {hour}:{minute} is no time of day, 00:00 to 24:00")
    return minutes


def _days(text: str, named: str | None) -> tuple[int, ...]:
    """The days in `mon-fri`, `sat,sun` and the like; all of them where none is named."""
    days: list[int] = []
    for part in (named or "mon-sun").split(","):
        ends = part.split("-")
        if len(ends) > 2 or not set(ends) <= set(DAYS):
            raise ValueError(f"{text!r}: {part!r} is no day; days are {', '.join(DAYS)}, and mon-fri and the like")
        first, last = DAYS.index(ends[0]), DAYS.index(ends[-1])
        days.extend((first + day) % 7 for day in range((last - first) % 7 + 1))
    return tuple(dict.fromkeys(days))


class Hours:
    """A source that closes the picture outside the `openings`; without any it is always open.

    `now` gives the wall's time where the show is; `tell` takes a line when it closes or opens.
    """

    def __init__(
        self, openings: Iterable[Opening], tell: Callable[[str], None], now: Callable[[], datetime] = datetime.now
    ) -> None:
        self._openings = tuple(openings)
        self._tell = tell
        self._now = now
        self._open: bool | None = None

    def poll(self, controls: Controls) -> None:
        """Opens or closes, where the time has come. As the show begins it is so at once."""
        now = self._now()
        is_open = self.is_open(now)
        if is_open == self._open:
            return
        controls.fade({CLOSED: 0.0 if is_open else 1.0}, 0.0 if self._open is None else FADE)
        if not is_open:
            self._tell(f"hours: closed{self._until(now)}; the picture is black, and the dancer rests")
        elif self._open is not None:
            self._tell("hours: open")
        self._open = is_open

    def close(self) -> None:
        """Nothing to give back."""

    def is_open(self, when: datetime) -> bool:
        """Whether the picture is to be seen at that time of the wall's clock."""
        minute = when.weekday() * DAY + when.hour * 60 + when.minute
        return not self._openings or any(opening.covers(minute) for opening in self._openings)

    def opens(self, after: datetime) -> datetime | None:
        """When it opens next, by the wall; None if it never closes."""
        midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
        found = [
            midnight + timedelta(days=ahead, minutes=opening.begin)
            for opening in self._openings
            for ahead in range(8)
            if (midnight.weekday() + ahead) % 7 in opening.days
        ]
        return min((moment for moment in found if moment > after), default=None)

    def _until(self, now: datetime) -> str:
        opens = self.opens(now)
        return f" until {DAYS[opens.weekday()]} {opens:%H:%M}" if opens else ""
