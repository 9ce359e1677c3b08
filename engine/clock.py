"""Show time: how far each frame moves on, when it is due, and when its picture has to be begun.

A show asks its clock once a frame. A render has a fixed step; a live show follows the wall, in whole periods, so that
at 30 frames a second and speed 1 every step of the dance is shown as it is.
"""

import math
import time
from collections import deque
from collections.abc import Callable

# A hold-up longer than this (a window dragged, a laptop asleep) is let go of rather than danced in one leap.
LONGEST_CATCH_UP = 0.25

# Of the least that the REMEMBERED last frames had to spare, a frame begins by so much: what is played meanwhile is in
# its dance already. The rest is for a frame that takes longer.
PAUSE, REMEMBERED = 0.5, 10


class FixedClock:
    """Every frame takes the same time: `advance()` gives 1 / rate_hz."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.frame = -1
        """Index of the frame in hand; -1 before the first."""
        self.dt = 0.0
        """Seconds from the frame before to the one in hand."""

    @property
    def time(self) -> float:
        """Show time of the frame in hand, seconds; 0 at the first."""
        return max(self.frame, 0) / self.rate_hz

    def advance(self) -> float:
        """Begins a frame; returns the seconds since the one before it, a period for the first."""
        self.frame += 1
        self.dt = 1 / self.rate_hz
        return self.dt

    def wait(self, more: float = 0.0) -> bool:
        """Waits for nothing: a render is never ahead of time."""
        return False


class WallClock:
    """Follows the wall: on time a frame takes one period, and a lost period is made up for by the next frame.

    `due` is when the frame in hand is to be shown, on the time scale of `now`: the window waits for it. `lead` is how
    long before that its picture has to be begun, which the window knows too. Of the time that is left over, a part is
    spent before the frame's dance, the rest before its picture: both take up what was played last.
    """

    def __init__(
        self,
        rate_hz: float,
        now: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate_hz = rate_hz
        self.now = now
        self.frame = -1
        self.time = self.dt = 0.0
        self.due = -math.inf
        self.lead = 1 / rate_hz  # no waiting until somebody knows better
        self.begun = -math.inf
        """When the picture of the frame in hand was begun."""
        self._sleep = sleep
        self._paused = 0.0
        self._left = deque([0.0] * REMEMBERED, REMEMBERED)  # seconds that dances would have left, without the pause

    def advance(self) -> float:
        """Begins a frame, after a pause where there is time for one.

        Returns the seconds since the one before it: a whole number of periods, at least one.
        """
        dt = self._begin()
        began = self.now()
        self._rest(min(PAUSE * (min(self._left) - self.lead), self._spare_at(began)))
        self._paused = self.now() - began
        return dt

    def wait(self, more: float = 0.0) -> bool:
        """Waits until the frame's picture has to be begun, so many seconds sooner than those before.

        Tells whether there was any time to wait.
        """
        self.lead = min(self.lead + more, 1 / self.rate_hz)
        now = self.now()
        self._left.append(self._paused + self.due - now)
        remaining = self._spare_at(now)
        self._rest(remaining)
        self.begun = self.now()
        return remaining > 0

    def _begin(self) -> float:
        period = 1 / self.rate_hz
        now = self.now()
        self.frame += 1
        if self.frame == 0:
            self.due, self.dt = now + period, period
            return period
        # `behind` is how long ago the frame before was due. Ahead of time (a screen a little faster than the rate)
        # the due time starts anew, lest the lead grow.
        behind = now - self.due
        if behind < -period:
            self.due, behind = now, 0.0
        periods = 1 + max(0, math.floor(behind / period))
        longest = max(1, math.floor(LONGEST_CATCH_UP * self.rate_hz))
        if periods > longest:
            periods = longest
            self.due = now - (periods - 1) * period
        self.due += periods * period
        self.dt = periods / self.rate_hz
        self.time += self.dt
        return self.dt

    def _spare_at(self, now: float) -> float:
        """Seconds from `now` until the picture of the frame in hand has to be begun."""
        return self.due - self.lead - now

    def _rest(self, seconds: float) -> None:
        if seconds > 0:
            self._sleep(seconds)
