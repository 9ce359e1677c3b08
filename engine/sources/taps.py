"""The tempo of a hand that taps. Owns the last taps."""

# Seconds. After a longer pause taps begin anew (30 bpm is the slowest tapped); a shorter one is a bouncing key.
LONGEST_TAP, SHORTEST_TAP = 2.0, 0.1
TAPS = 8
# Taps this far off the usual interval, as a share of it, were missed or doubled and do not count.
STRAY = 0.25


class Taps:
    """The tempo of a hand that taps: the mean interval of the last taps, without strays."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def tap(self, time: float) -> float | None:
        """A tap at `time`, seconds; the tempo in bpm, from the second tap on."""
        if self._times and not time - self._times[-1] <= LONGEST_TAP:
            self._times.clear()
        if not self._times or time - self._times[-1] >= SHORTEST_TAP:
            self._times = [*self._times[-(TAPS - 1) :], time]
        intervals = sorted(late - early for early, late in zip(self._times, self._times[1:], strict=False))
        if not intervals:
            return None
        usual = intervals[len(intervals) // 2]
        even = [interval for interval in intervals if abs(interval - usual) <= STRAY * usual]
        return 60 * len(even) / sum(even)
