"""The tempo of taps: a mean without strays, begun anew after a pause."""

import pytest

from engine.sources.taps import Taps


def test_taps_are_averaged_without_strays() -> None:
    taps = Taps()
    times = [0, 0.51, 0.99, 1.5, 2.5, 3.01, 3.0101, 3.49]  # the tap at 2 was missed, one bounced
    last = [taps.tap(time) for time in times][-1]
    assert last == pytest.approx(60 / ((0.51 + 0.48 + 0.51 + 0.51 + 0.48) / 5))


@pytest.mark.parametrize(("pause", "bpm"), [(2.0, 30), (2.01, None)])
def test_after_a_long_pause_taps_begin_anew(pause: float, bpm: float | None) -> None:
    taps = Taps()
    taps.tap(0)
    assert taps.tap(pause) == (bpm if bpm is None else pytest.approx(bpm))


def test_only_the_last_eight_taps_count() -> None:
    taps = Taps()
    time, bpm = 0.0, None
    for interval in [0.5] * 8 + [0.6] * 7:
        time += interval
        bpm = taps.tap(time)
    assert bpm == pytest.approx(100)
