"""The supervisor: keeps a show going, whatever becomes of it. Starts it, hears its heartbeat, and starts it anew.

Owns the rules: what is a crash, what is a hang, what the next start is like, and how long it waits. Knows nothing of
processes and clocks, which are handed in, nor of what a show is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from engine.exit_codes import FINE, NO_DISPLAY, USAGE

MINUTE = 60.0
# Seconds between two looks at a show, and what the time between two of them counts for at most: where it was longer,
# the computer slept or the supervisor itself was stopped, and what a show said meanwhile is still to be heard.
LOOK, LONGEST_LOOK = 0.25, 1.0


class Start(Enum):
    """How a show is started: as it was when its state was kept; as it was asked for; without all that may be broken."""

    AS_IT_WAS = "as it was"
    FRESH = "afresh"
    SAFE = "in safe mode"


class Show(Protocol):
    """A show that runs. `beaten` is when it last said that it lives; None before its first frame."""

    @property
    def beaten(self) -> float | None: ...

    def wait(self, seconds: float, /) -> int | None: ...

    def end(self) -> None: ...

    def kill(self) -> None: ...


@dataclass(frozen=True)
class Patience:
    """How long what may take, in seconds, and how often what may happen."""

    first_frame: float = MINUTE
    """From the start to the first heartbeat: a large model on a slow disk, drivers that compile."""
    beat: float = 10.0
    """Between two heartbeats; longer is a hang."""
    goodbye: float = 15.0
    """From the wish to end to the end: a recording is finished meanwhile."""
    early: float = 10.0
    """A show that was started anew and crashes so soon after its first frame crashes by its state, most likely."""
    crashes: int = 3
    within: float = MINUTE
    """So many crashes within so long lead to safe mode."""
    first_wait: float = 1.0
    longest_wait: float = MINUTE
    """Between two starts in safe mode: each time twice as long, up to the second."""
    first_look: float = 0.5
    longest_look: float = 5.0
    """Between two looks for a display: the same."""
    safe: float = 5 * MINUTE
    longest_safe: float = 60 * MINUTE
    """Once safe mode has held for so long, the show is started as it was asked for again; where that leads back to safe
    mode, it has to hold for twice as long, up to the second."""


@dataclass(frozen=True)
class Over:
    """How a show ended: its exit code, None where it was ended here; why, for people; and how long it showed frames."""

    code: int | None
    why: str
    held: float


class Supervisor:
    """Keeps the show that `start` starts.

    `say` takes a line, `stopping` tells whether to end, `now` gives seconds, and `pause` waits for some.
    """

    def __init__(
        self,
        start: Callable[[Start], Show],
        say: Callable[[str], None],
        stopping: Callable[[], bool],
        now: Callable[[], float],
        pause: Callable[[float], None],
        patience: Patience | None = None,
    ) -> None:
        self.restarts = 0
        """How often the show was started anew."""
        self._start = start
        self._say = say
        self._stopping = stopping
        self._now = now
        self._pause = pause
        self._patience = patience or Patience()
        self._how = Start.AS_IT_WAS
        self._wait = 0.0  # before the next start
        self._crashes: list[float] = []  # when
        self._dark = False  # no display; it has been said
        self._hold = 0.0  # how long safe mode is to hold
        self._left_safe_mode = float("-inf")  # when

    def run(self) -> int:
        """Keeps the show until it ends by itself, or the supervisor is to end; returns the exit code."""
        ever_shown = False
        while True:
            self._sleep(self._wait)
            if self._stopping():
                return FINE
            show = self._start(self._how)
            try:
                over = self._stand_by(show)
            except BaseException:
                show.kill()
                raise
            ever_shown = ever_shown or show.beaten is not None
            if over.code == FINE or self._stopping():
                return FINE
            if over.code == USAGE and not ever_shown:
                return USAGE
            self.restarts += 1
            self._judge(over)

    def _stand_by(self, show: Show) -> Over:
        """Watches a show until it is over."""
        patience = self._patience
        looked, silent = self._now(), 0.0
        heard = lit = None  # when it was last heard of, and when its first frame was seen
        while (code := show.wait(LOOK)) is None:
            now = self._now()
            silent += min(now - looked, LONGEST_LOOK)
            looked = now
            if show.beaten != heard:
                heard, silent = show.beaten, 0.0
                lit = now if lit is None else lit
            held = 0.0 if lit is None else now - lit
            if self._stopping():
                return Over(self._end(show), "", held)
            if self._how is Start.SAFE and held >= self._hold:
                self._say(f"safe mode has held for {held / MINUTE:.0f} min")
                self._end(show)
                return Over(None, "", held)
            longest, what = (patience.first_frame, "showed nothing") if lit is None else (patience.beat, "hung")
            if silent > longest:
                show.kill()
                return Over(None, f"{what} for {longest:g} s", held)
        why = f"ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return Over(code, why, 0.0 if lit is None else self._now() - lit)

    def _end(self, show: Show) -> int | None:
        """Has a show end by itself, in good time; returns its exit code, None where it had to be killed."""
        show.end()
        deadline = self._now() + self._patience.goodbye
        while (code := show.wait(LOOK)) is None:
            if self._now() > deadline:
                show.kill()
                self._say(f"the show did not end within {self._patience.goodbye:g} s, and was killed")
                return None
        return code

    def _judge(self, over: Over) -> None:
        """Decides how the show is started next, and when."""
        patience, now = self._patience, self._now()
        if over.code == NO_DISPLAY:
            if not self._dark:
                # What crashed just before was the display.
                self._crashes = [at for at in self._crashes if now - at > patience.early]
                self._say("no display for the show; waiting for it")
            self._wait = _longer(self._wait if self._dark else 0.0, patience.first_look, patience.longest_look)
            self._dark = True
            return
        self._dark = False
        if not over.why:
            self._how, self._wait, self._crashes, self._left_safe_mode = Start.FRESH, 0.0, [], now
            return
        self._crashes = [*(at for at in self._crashes if now - at < patience.within), now]
        if self._how is Start.SAFE:
            before = 0.0 if over.held >= patience.longest_wait else self._wait
            self._wait = _longer(before, patience.first_wait, patience.longest_wait)
        else:
            self._wait = 0.0
            if len(self._crashes) >= patience.crashes:
                again = now - self._left_safe_mode < patience.longest_safe
                self._hold = _longer(self._hold if again else 0.0, patience.safe, patience.longest_safe)
                self._how = Start.SAFE
            else:
                again = len(self._crashes) > 1 and over.held < patience.early
                self._how = Start.FRESH if again else Start.AS_IT_WAS
        soon = f" in {self._wait:g} s" if self._wait else ""
        self._say(f"the show {over.why}; starting it {self._how.value}{soon}")

    def _sleep(self, seconds: float) -> None:
        until = self._now() + seconds
        while not self._stopping() and (left := until - self._now()) > 0:
            self._pause(min(left, LOOK))


def _longer(before: float, first: float, longest: float) -> float:
    """The next of a row of waits, each twice as long as the one before."""
    return min(2 * before, longest) if before else first
