"""How far a picture may go towards the next one, so that what is shown never flashes as WCAG 2.3.1 forbids it.

A flash is a pair of opposing changes of luminance by a tenth of the most there is, the darker below 0.8; or one of
saturated red. Nowhere may there be more than three in a second over a quarter of the picture. Owns what was shown, as a
small grid, and the count of its changes. What is asked for goes through untouched until it would flash too often; then
the picture eases after it, slowly enough not to flash at all, until what is asked for has come to rest. Knows nothing
of OpenGL.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

FLASHES = 3
CHANGES = 2 * FLASHES  # opposing ones: two make a flash
SECOND = 1 - 1e-6  # three flashes a second are allowed, whatever the clock's rounding makes of them

# Of luminance and of red: changes that count, and how dark the darker picture is where they do. WCAG has 0.1 and 20/320
# (of R - G - B, linear, not under 0; those who are not saturated count here too) and 0.8. The rest is for what 8 bits
# round away, and for the edges of cells.
SWINGS = np.array([[0.09], [0.055]])
DARKER = np.array([[0.81], [math.inf]])
AREA = 0.2

# Once limited, the picture follows with this time constant, in which a strobe of 4 Hz swings by less than a tenth;
# until what is asked for changes less than three times in RESTLESS seconds; and comes back in RETURN seconds.
EASE, RESTLESS, RESTLESS_CHANGES, RETURN = 0.8, 0.5, 3, 0.5

# A cap is taken a little short, so that rounding does not take a cell over it.
SHORT = 0.99

Grid = NDArray[np.floating]  # (rows, columns, 4): linear red, green, blue, 0..1; and the mean of max(R - G - B, 0)
Cells = NDArray[np.float64]  # (2, cells): luminance and red


def measure(grid: Grid) -> tuple[Cells, NDArray[np.float64]]:
    """Luminance and red of the cells, (2, cells), and their mean of max(G + B - R, 0), (cells)."""
    red, green, blue, excess = grid.reshape(-1, 4).astype(np.float64).T
    return np.stack([0.2126 * red + 0.7152 * green + 0.0722 * blue, excess]), excess - (red - green - blue)


class Changes:
    """Counts opposing changes of cells, as they come: where each began, and when those of late were complete.

    Where `most` cells change in one frame in the same way, the picture changes in common: a bright quarter that jumps
    about is seen to flash, though no place in it does.
    """

    def __init__(self, values: Cells, most: int) -> None:
        self._most = most
        self._high, self._low = values.copy(), values.copy()  # since the last change
        self._way = np.zeros(values.shape, np.int8)  # of the last change: 1 up, -1 down, 0 none yet
        self._times = np.full((CHANGES + 1, *values.shape), -math.inf)  # the oldest first
        self._common: deque[float] = deque([-math.inf] * CHANGES, CHANGES)

    def copy(self) -> "Changes":
        """Another that counts on from here."""
        other = Changes(self._high, self._most)
        other._low, other._way, other._times = self._low.copy(), self._way.copy(), self._times.copy()
        other._common = self._common.copy()
        return other

    def advance(self, values: Cells, now: float) -> None:
        """Take in the cells of a frame."""
        self._high, self._low = np.maximum(self._high, values), np.minimum(self._low, values)
        up = (self._way <= 0) & (values - self._low >= SWINGS) & (self._low < DARKER)
        down = (self._way >= 0) & (self._high - values >= SWINGS) & (values < DARKER) & ~up
        changed = up | down
        if not changed.any():
            return
        self._way[up], self._way[down] = 1, -1
        self._high[changed] = self._low[changed] = values[changed]
        self._times[:-1, changed] = self._times[1:, changed]
        self._times[-1, changed] = now
        if max(up.any(axis=0).sum(), down.any(axis=0).sum()) >= self._most:
            self._common.append(now)

    def often(self, changes: int, since: float) -> NDArray[np.bool_]:
        """Which cells changed so many times after `since`, (2, cells)."""
        return self._times[-changes] > since

    def often_in_common(self, changes: int, since: float) -> bool:
        """Whether the picture changed in common so many times after `since`."""
        return self._common[-changes] > since

    def shares(self, shown: Cells, asked: Cells, opposite: NDArray[np.float64]) -> tuple[Cells, Cells]:
        """At what share of `asked`, mixed into `shown`, cells have changed, upwards and downwards; infinity is never.

        Luminance goes evenly from one to the other. Red goes up no faster; down, where some of a cell may lose it
        before the rest has any, it goes no faster than all of it and the `opposite` (cells) that is asked for.
        """
        rise = asked - shown
        fall = np.stack([-rise[0], shown[1] + opposite])
        with np.errstate(divide="ignore", invalid="ignore"):
            up = (self._low + SWINGS - shown) / rise
            down = (shown - np.minimum(self._high - SWINGS, DARKER)) / fall
        up = np.where((self._way <= 0) & (rise > 0) & (self._low < DARKER), up, math.inf)
        down = np.where((self._way >= 0) & (fall > 0) & (self._high >= SWINGS), down, math.inf)
        return np.maximum(up, 0), np.maximum(down, 0)


class Limiter:
    """Limits a show's picture. Each frame `share` says how much of it is shown, then `showed` what that came to."""

    def __init__(self) -> None:
        self._now = 0.0  # own time, which never runs back
        self._time: float | None = None
        self._dt = 0.0
        self._calm = 0.0  # 1: eases as slowly as it ever does, 0: does not
        self._shown: Cells | None = None
        self._changes: Changes  # of what was shown
        self._asked_changes: Changes
        self._asked: tuple[Changes, float]  # those and the calm to be, if what was asked for last in this frame stands
        self._most = 0

    def share(self, asked: Grid, time: float) -> float:
        """How much of the picture `asked` to mix, in linear light, into the one shown last: 1 shows it as it is.

        `time` is in seconds.
        """
        self._dt = 0.0 if self._time is None else max(time - self._time, 0.0)
        self._time = time
        self._now += self._dt
        return self._ask(asked)

    def allows(self, asked: Grid) -> bool:
        """Whether this may be shown as it is in the frame in hand, instead; if so, this is what was asked for."""
        before = self._asked
        if self._ask(asked) >= 1:
            return True
        self._asked = before
        return False

    def showed(self, shown: Grid) -> None:
        """The frame came to this."""
        self._asked_changes, self._calm = self._asked
        cells, _ = measure(shown)
        if self._shown is None:
            self._changes = Changes(cells, self._most)
        self._shown = cells
        self._changes.advance(cells, self._now)

    def _ask(self, asked: Grid) -> float:
        """The share of what is asked for, by all that was shown and asked for before this frame."""
        cells, opposite = measure(asked)
        if self._shown is None:
            self._most = max(1, math.ceil(AREA * cells.shape[1]))
            self._asked = Changes(cells, self._most), 0.0
            return 1.0
        changes = self._asked_changes.copy()
        changes.advance(cells, self._now)
        cap, calm = self._cap(*self._changes.shares(self._shown, cells, opposite)), self._calm
        restless = self._restless(changes)
        limits = (cap < 1 or calm) and (restless or not calm)
        calm = 1.0 if limits else max(0.0, calm - self._dt / RETURN)
        self._asked = changes, calm
        return min(1.0, cap, -math.expm1(-self._dt / (EASE * calm**2)) if calm else 1.0)

    def _cap(self, up: Cells, down: Cells) -> float:
        """The most that may be shown, 0 and up, by `Changes.shares`: from 1 on it is no limit."""
        since = self._now - SECOND
        flashing = self._changes.often(CHANGES + 1, since).any(axis=0)
        full = self._changes.often(CHANGES, since) & ~flashing
        cap = _share_for(np.where(full, np.minimum(up, down), math.inf), self._most - 1 - int(flashing.sum()))
        if self._changes.often_in_common(CHANGES, since):
            cap = min(cap, _share_for(up, self._most - 1), _share_for(down, self._most - 1))
        return cap

    def _restless(self, changes: Changes) -> bool:
        """Whether what is asked for changes as often as a picture may, or more often."""
        since = self._now - RESTLESS
        changing = changes.often(RESTLESS_CHANGES, since).any(axis=0)
        return bool(changing.sum() >= self._most) or changes.often_in_common(RESTLESS_CHANGES, since)


def _share_for(shares: Cells, changes: int) -> float:
    """The share at which so many of the cells have changed, by either measure, and no more."""
    place = max(changes, 0)
    return SHORT * float(np.partition(shares.min(axis=0), place)[place])
