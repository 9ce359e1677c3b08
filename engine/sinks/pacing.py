"""When a frame is swapped to the screen: at its due time, or in step with the screen's refresh.

Where swaps wait for the screen and its refresh is a multiple of the frame rate, the screen is the better clock: a
frame is swapped as many times as it is to be seen, so that each stays for the same number of refreshes, and the wall
clock's due time follows. A timer alone drifts against the refresh, and shows frames for one refresh and three in turn.
Elsewhere the frame waits for its due time asleep: on Linux `time.sleep` wakes within 0.1 ms, so spinning would pay
for nothing.
"""

import time
from collections.abc import Callable

from engine.clock import WallClock

# With more refreshes to a frame than this, one more or less is too short to be seen (7 ms at 144 Hz).
MOST_REFRESHES = 4

# A screen of 59.94 Hz is one of 60 for a show of 30 frames a second.
SAME_RATE = 0.01

# Swaps that a driver may queue before the first waits, and swaps then timed: 130 ms at 60 Hz, once.
QUEUED_SWAPS, TIMED_SWAPS = 2, 6

# A picture is begun as long before it is due as pictures of late took, and MARGIN seconds: later, what is played would
# be seen sooner, but frames would come late. By a timer a frame that is a little late is seen by nobody, and the mean
# counts; with a screen it misses a refresh, and the slowest does. With every frame, what was is forgotten by FORGET.
MARGIN = 1.5e-3
FORGET = 0.05

# Once a frame was nearly late, by this share of a period or more, those after it are begun so much earlier as it was
# above that, up to LONGEST_MARGIN: what held it up comes again, as a machine's own housekeeping every few seconds does.
# Above a whole period nothing would have helped. The very next are begun as early as that one should have been: where
# pictures take longer from one on, the mean would learn it over a dozen of them.
NEARLY_LATE = 0.3
LONGEST_MARGIN = 8e-3

# Frames in a row that the screen did not keep in step, until a timer takes over: their swaps did not wait (it is
# covered, or asleep), or came a refresh late (its driver queues nothing, and the frames take longer than that).
LOST_FRAMES = 10


def measure_refresh(swap: Callable[[], None], nominal_hz: float | None, now: Callable[[], float]) -> float | None:
    """The screen's refresh in Hz if swaps wait for it: within 3% of what the screen says it is; else None."""
    if not nominal_hz:
        return None
    for _ in range(QUEUED_SWAPS):
        swap()
    start = now()
    for _ in range(TIMED_SWAPS):
        swap()
    taken = now() - start
    if abs(taken * nominal_hz / TIMED_SWAPS - 1) > 0.03:
        return None
    return TIMED_SWAPS / taken


class Pacer:
    """Swaps frames in time by `clock`, and counts those it showed late.

    `refresh_hz` is that of a screen that swaps wait for, None where there is none to wait for.
    """

    def __init__(
        self, clock: WallClock, refresh_hz: float | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lost = 0
        self._draw: Callable[[], None] = lambda: None
        self._begun = self._ready = 0.0  # when the back buffer was begun to be filled, and when the rest was asked for
        self._drawing = 0.0  # seconds that the frame in hand took until then
        self._finishing = 0.0  # seconds that the rest takes, about
        self.late_frames = 0
        """Frames shown more than half a period after they were due."""
        self.lateness = 0.0
        """Seconds after it was due that the last frame was shown."""
        self.follow(refresh_hz)

    def follow(self, refresh_hz: float | None) -> None:
        """Keep to this refresh from now on (the window is on another screen); None for the timer."""
        self._refresh_hz, self._rate_hz = refresh_hz, self._clock.rate_hz
        self._refresh = 1 / refresh_hz if refresh_hz else 0.0
        self.refreshes = 0
        """Refreshes each frame is shown for; 0 where a timer paces."""
        self._margin = MARGIN
        if refresh_hz:
            whole = round(refresh_hz / self._clock.rate_hz)
            if 1 <= whole <= MOST_REFRESHES and abs(refresh_hz / self._clock.rate_hz / whole - 1) < SAME_RATE:
                self.refreshes = whole
        self._clock.lead = 1 / self._clock.rate_hz

    def wait(self) -> None:
        """Sleep until the frame in hand is due, without showing it (the window is hidden)."""
        self._keep_up()
        self._sleep_until(self._clock.due)

    def ready(self, draw: Callable[[], None]) -> None:
        """Have `draw` fill the back buffer with the frame in hand, but for what comes last; returns when that has to be
        known.
        """
        self._keep_up()
        due = self._clock.due
        picture = self._clock.now() - self._clock.begun
        if self.refreshes:
            self._sleep_until(due - self._refresh / 2)  # no frame may run ahead, should swaps cease to wait
        self._draw, self._begun = draw, self._clock.now()
        draw()
        self._drawing = picture + self._clock.now() - self._begun
        if not self.refreshes:
            self._sleep_until(due - self._finishing)
        self._ready = self._clock.now()

    def show(self, finish: Callable[[], None], flip: Callable[[], None]) -> None:
        """Show the frame that is ready: `finish` adds to it what comes last, `flip` swaps it to the screen."""
        due = self._clock.due
        finish()
        finishing = self._clock.now() - self._ready
        self._finishing += FORGET * (finishing - self._finishing)
        if self.refreshes:
            self._learn_lead(self._drawing + finishing + self._refresh / 4, at_once=True)
            shown = self._show_with_screen(finish, flip)
            self._clock.due = shown  # the next frame is due a period after this one was seen
        else:
            self._sleep_until(due)
            flip()
            shown = self._clock.now()
            late = (shown - due) * self._clock.rate_hz
            self._learn_lead(self._drawing + finishing + self._margin, at_once=late > NEARLY_LATE)
            self._learn_margin(late)
        self.lateness = shown - due
        if self.lateness > 0.5 / self._clock.rate_hz:
            self.late_frames += 1

    def _keep_up(self) -> None:
        """Where the show's rate has changed (it rests), what paces it is decided anew."""
        if self._clock.rate_hz != self._rate_hz:
            self.follow(self._refresh_hz)

    def _show_with_screen(self, finish: Callable[[], None], flip: Callable[[], None]) -> float:
        due = self._clock.due
        flip()
        shown = self._clock.now()
        for _ in range(self.refreshes - 1):
            self._draw()  # what a back buffer holds after a swap is undefined
            finish()
            flip()
        waited = self._clock.now() - self._begun > self._refresh / 8
        in_step = waited and shown - due < self._refresh / 2
        self._lost = 0 if in_step else self._lost + 1
        if self._lost == LOST_FRAMES:
            self.refreshes = 0
        return shown

    def _learn_lead(self, needed: float, at_once: bool) -> None:
        """The frame in hand should have been begun so many seconds before it was due: the next ones are, by and by."""
        lead = self._clock.lead
        nearer = lead + FORGET * (needed - lead)
        self._clock.lead = min(max(needed, nearer) if at_once else nearer, 1 / self._clock.rate_hz)

    def _learn_margin(self, late: float) -> None:
        """A frame came so late, in periods."""
        if NEARLY_LATE < late < 1:
            self._margin = min(self._margin + (late - NEARLY_LATE) / self._clock.rate_hz, LONGEST_MARGIN)

    def _sleep_until(self, due: float) -> None:
        remaining = due - self._clock.now()
        if remaining > 0:
            self._sleep(remaining)
