"""The canon: each dancer shows what it danced some beats before the one in front of it, and no delay ever leaps."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.canon import CATCH_UP, FALL_BEHIND, HISTORY, Canon


def counting(canon: Canon, dancers: int, steps: int, apart: float, first: int = 1) -> NDArray[np.float32]:
    """What is shown (steps, dancers) of dancers whose latent is the number of the step."""
    shown = []
    for step in range(first, first + steps):
        canon.push(np.full((dancers, 1), step, np.float32))
        canon.advance(1, apart)
        shown.append(canon.show(dancers, 0)[:, 0])
    return np.stack(shown)


def started(dancers: int) -> Canon:
    canon = Canon(1, 30)
    for dancer in range(dancers):
        canon.begin(dancer, np.zeros(1, np.float32))
    return canon


def test_without_delay_the_newest_is_shown_as_it_is() -> None:
    assert (counting(started(3), 3, 50, 0) == np.arange(1, 51)[:, None]).all()


def test_each_dancer_ends_up_so_many_steps_behind_the_one_before() -> None:
    shown = counting(started(4), 4, 600, 12)
    assert shown[-1] == pytest.approx(600 - 12 * np.arange(4), abs=0.01)


def test_a_dancer_falls_behind_at_half_speed_and_catches_up_at_double() -> None:
    canon = started(4)
    away = counting(canon, 4, 600, 30)
    back = counting(canon, 4, 600, 0, 601)
    for shown, slowest, fastest in ((away, 1 - FALL_BEHIND, 1.0), (back, 1.0, 1 + CATCH_UP)):
        pace = np.diff(shown, axis=0)
        assert pace.min() >= slowest - 1e-3
        assert pace.max() <= fastest + 1e-3
    assert np.diff(away[:, 3])[30] == pytest.approx(1 - FALL_BEHIND, abs=1e-3)
    assert np.diff(back[:, 3])[30] == pytest.approx(1 + CATCH_UP, abs=1e-3)
    assert (back[-1] == 1200).all() or back[-1] == pytest.approx(1200, abs=0.01)


def test_longer_delays_than_the_history_are_as_long_as_it() -> None:
    canon, steps = started(64), round(4 * HISTORY * 30)
    shown = counting(canon, 64, steps, 100)
    assert shown[-1, 9] == pytest.approx(steps - 900, abs=0.1)
    assert shown[-1, 10:] == pytest.approx(steps - HISTORY * 30, abs=0.1)
    assert canon.longest == HISTORY * 30


def test_between_two_steps_every_dancer_is_between_two_of_its_own() -> None:
    canon = started(2)
    counting(canon, 2, 600, 7)
    assert canon.show(2, 0.25)[:, 0] == pytest.approx([599.75, 592.75], abs=0.01)


def test_a_delay_goes_on_evenly_through_parts_of_steps() -> None:
    whole, parts = started(3), started(3)
    counting(whole, 3, 60, 20)
    for step in range(1, 61):
        parts.push(np.full((3, 1), step, np.float32))
        for _ in range(4):
            parts.advance(0.25, 20)
    assert parts.delays == pytest.approx(whole.delays, abs=0.5)


def test_who_begins_lags_behind_nobody_and_stands_where_it_begins() -> None:
    canon = started(2)
    counting(canon, 2, 300, 10)
    canon.begin(1, np.full(1, 77, np.float32))
    assert canon.show(2, 0.5)[1, 0] == 77
    assert canon.delays[1] == 0


def test_a_canon_is_taken_up_where_its_state_was_saved() -> None:
    canon, other = started(3), Canon(1, 30)
    counting(canon, 3, 100, 9)
    other.restore(**{name: np.array(value) for name, value in canon.state(3).items()})
    assert (counting(canon, 3, 100, 9, 101) == counting(other, 3, 100, 9, 101)).all()
