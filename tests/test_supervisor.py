"""The supervisor's rules, by a clock that is handed in and shows that do what a script says."""

from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from engine.exit_codes import FAILED, FINE, NO_DISPLAY, USAGE
from engine.supervisor import LOOK, Patience, Start, Supervisor

FOREVER = 1e9


@dataclass
class Played:
    """What a show does: its first frame comes after `dark` seconds; it shows frames until `hangs`; ends with `code`
    after `runs`. Asked to end, it takes `goodbye` seconds."""

    runs: float = FOREVER
    code: int = FAILED
    dark: float = 1.0
    hangs: float = FOREVER
    goodbye: float = 0.5


@dataclass
class Theatre:
    """The clock, the shows one after the other, and what became of them. The last one plays again and again."""

    script: list[Played]
    until: float = FOREVER
    now: float = 0.0
    starts: list[tuple[float, Start]] = field(default_factory=list)
    ends: list[tuple[float, str]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    asleep: tuple[float, float] = (FOREVER, 0.0)

    def run(self, patience: Patience | None = None) -> int:
        supervisor = Supervisor(
            self.start, self.said.append, lambda: self.now >= self.until, lambda: self.now, self.pause, patience
        )
        return supervisor.run()

    def start(self, how: Start) -> "OnStage":
        self.starts.append((self.now, how))
        return OnStage(self, self.script[min(len(self.starts), len(self.script)) - 1])

    def pause(self, seconds: float) -> None:
        self.now += seconds
        if self.now >= self.asleep[0]:
            self.now, self.asleep = self.now + self.asleep[1], (FOREVER, 0.0)

    @property
    def modes(self) -> list[Start]:
        return [how for _, how in self.starts]


class OnStage:
    def __init__(self, theatre: Theatre, played: Played) -> None:
        self._theatre, self._played = theatre, played
        self._began = self._last = theatre.now
        self._asked = FOREVER
        self.beaten: float | None = None

    def wait(self, seconds: float) -> int | None:
        self._theatre.pause(seconds)
        now, played = self._theatre.now, self._played
        if now - self._asked >= played.goodbye:
            return FINE
        if now - self._began >= played.runs:
            return played.code
        if now - self._began >= played.dark:
            self.beaten = min(now, self._began + played.hangs)
        return None

    def end(self) -> None:
        self._asked = min(self._asked, self._theatre.now)
        self._theatre.ends.append((self._theatre.now, "asked"))

    def kill(self) -> None:
        self._theatre.ends.append((self._theatre.now, "killed"))


AS_IT_WAS, FRESH, SAFE = Start.AS_IT_WAS, Start.FRESH, Start.SAFE


def test_a_clean_exit_ends_the_supervisor() -> None:
    theatre = Theatre([Played(20, FINE)])
    assert theatre.run() == FINE
    assert (theatre.modes, theatre.said) == ([AS_IT_WAS], [])


def test_wrong_usage_ends_it_with_the_same_code_but_not_once_there_was_a_picture() -> None:
    assert Theatre([Played(1, USAGE, dark=2)]).run() == USAGE
    theatre = Theatre([Played(100), Played(1, USAGE, dark=2), Played(20, FINE)])
    assert theatre.run() == FINE
    assert len(theatre.starts) == 3


@pytest.mark.parametrize("code", [FAILED, USAGE + 100, -9])
def test_a_crash_has_the_show_go_on_at_once_as_it_was(code: int) -> None:
    theatre = Theatre([Played(4, code), Played(20, FINE)])
    assert theatre.run() == FINE
    assert theatre.starts == [(0, AS_IT_WAS), (4, AS_IT_WAS)]
    why = "by signal 9" if code < 0 else f"with code {code}"
    assert theatre.said == [f"the show ended {why}; starting it as it was"]


def test_a_hang_is_killed_after_10_s_and_a_start_without_a_picture_after_60() -> None:
    theatre = Theatre([Played(hangs=30), Played(dark=61), Played(20, FINE)])
    assert theatre.run() == FINE
    assert theatre.ends == [(40.25, "killed"), (40.25 + 60.25, "killed")]
    assert theatre.said == [
        "the show hung for 10 s; starting it as it was",
        "the show showed nothing for 60 s; starting it as it was",
    ]


def test_the_time_that_a_supervisor_slept_is_not_the_show_s() -> None:
    theatre = Theatre([Played(dark=1, hangs=50.0)], asleep=(50.0, 3600.0))
    theatre.until = 50 + 3600 + 9
    theatre.run()
    assert theatre.ends == [(theatre.until, "asked")], "the laptop's night is no hang"
    theatre = Theatre([Played(dark=1, hangs=50.0), Played(20, FINE)], asleep=(52.0, 3600.0))
    theatre.run()
    assert theatre.ends == [(50 + 3600 + 9.5, "killed")], "what does not wake up is"


def test_a_second_crash_soon_after_the_restart_is_answered_afresh_and_a_later_one_as_it_was() -> None:
    theatre = Theatre([Played(100), Played(8), Played(100), Played(100), Played(20, FINE)])
    theatre.run()
    assert theatre.modes == [AS_IT_WAS, AS_IT_WAS, FRESH, AS_IT_WAS, AS_IT_WAS]
    theatre = Theatre([Played(100), Played(30), Played(20, FINE)])
    theatre.run()
    assert theatre.modes == [AS_IT_WAS] * 3, "half a minute after its first frame it was not the state"


def test_three_crashes_in_a_minute_lead_to_safe_mode_which_is_tried_for_ever_ever_more_slowly() -> None:
    theatre = Theatre([Played(1, dark=2)], until=1000)
    assert theatre.run() == FINE
    assert theatre.modes[:4] == [AS_IT_WAS, AS_IT_WAS, FRESH, SAFE] and set(theatre.modes[3:]) == {SAFE}
    times = [time for time, _ in theatre.starts]
    waits = [b - a - 1 for a, b in pairwise(times)]
    assert waits == [0, 0, 0, 1, 2, 4, 8, 16, 32, *[60] * (len(waits) - 9)] and len(waits) > 20
    assert theatre.said[2:4] == [
        "the show ended with code 1; starting it in safe mode",
        "the show ended with code 1; starting it in safe mode in 1 s",
    ]


def test_crashes_further_apart_than_a_minute_never_lead_there() -> None:
    theatre = Theatre([Played(31)], until=2000)
    theatre.run()
    assert SAFE not in theatre.modes and len(theatre.modes) > 60


def test_safe_mode_that_held_gives_way_and_holds_longer_each_time_it_is_needed() -> None:
    broken, safe = [Played(1, dark=2)] * 3, [Played()]
    theatre = Theatre([*broken, *safe, *broken, *safe, *broken, *safe], until=2000)
    theatre.run()
    assert theatre.modes == [AS_IT_WAS, AS_IT_WAS, FRESH, SAFE, *[FRESH, AS_IT_WAS, FRESH, SAFE] * 2]
    held = [at for at, what in theatre.ends if what == "asked"]
    assert [round((b - a) / 60) for a, b in zip([0, *held], held, strict=False)][:2] == [5, 10]
    assert "safe mode has held for 5 min" in theatre.said and "safe mode has held for 10 min" in theatre.said


def test_without_a_display_it_waits_says_so_once_and_forgives_the_crash_before() -> None:
    gone = [Played(0.25, NO_DISPLAY, dark=9)] * 6
    theatre = Theatre([Played(100), *gone, Played(5), Played(5), Played(20, FINE)])
    assert theatre.run() == FINE
    times = [time for time, _ in theatre.starts]
    assert [b - a - 0.25 for a, b in pairwise(times[1:8])] == [0.5, 1, 2, 4, 5, 5]
    assert theatre.modes[7:] == [AS_IT_WAS, AS_IT_WAS, FRESH]
    assert theatre.said.count("no display for the show; waiting for it") == 1


def test_asked_to_end_it_ends_the_show_first_and_kills_one_that_will_not() -> None:
    theatre = Theatre([Played()], until=30)
    assert theatre.run() == FINE
    assert theatre.ends == [(30, "asked")] and theatre.now == 30.5
    theatre = Theatre([Played(goodbye=FOREVER)], until=30)
    assert theatre.run() == FINE
    assert theatre.ends == [(30, "asked"), (45.25, "killed")]
    assert theatre.said == ["the show did not end within 15 s, and was killed"]


def test_asked_to_end_while_it_waits_it_starts_nothing_more() -> None:
    theatre = Theatre([Played(1, dark=2)], until=4.5)
    assert theatre.run() == FINE
    assert len(theatre.starts) == 4 and theatre.now <= 4.5 + LOOK
