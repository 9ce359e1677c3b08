"""The limiter, held against WCAG 2.3.1 as it is written: what it shows, cell by cell, at any frame rate."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.limiter import Limiter

Frames = NDArray[np.float64]  # (frames, rows, columns, 3): linear red, green and blue
RATES = (24, 30, 60, 144)
ROWS, COLUMNS = 9, 16


def grid(frame: Frames) -> Frames:
    """What is measured of cells of one colour each."""
    red = np.maximum(frame[..., 0] - frame[..., 1] - frame[..., 2], 0)
    return np.concatenate([frame, red[..., None]], axis=-1)


def show(frames: Frames, times: Sequence[float]) -> tuple[Frames, NDArray[np.float64]]:
    """What is shown where `frames` are asked for, and the share of each."""
    limiter = Limiter()
    shown, shares = [frames[0]], []
    for frame, time in zip(frames, times, strict=True):
        shares.append(limiter.share(grid(frame), time))
        assert 0 <= shares[-1] <= 1
        shown.append(frame if shares[-1] == 1 else shown[-1] + shares[-1] * (frame - shown[-1]))
        limiter.showed(grid(shown[-1]))
    return np.array(shown[1:]), np.array(shares)


def times_of(count: int, fps: float) -> list[float]:
    return [index / fps for index in range(count)]


def most_changes(rises: NDArray[np.bool_], falls: NDArray[np.bool_]) -> NDArray[np.int_]:
    """The most changes, each opposed to the one before, that can be picked from (earlier, later, cells) frames."""
    count, _, cells = rises.shape
    after_rise, after_fall = np.zeros((count, cells), int), np.zeros((count, cells), int)
    for later in range(count):
        after_rise[later] = np.where(rises[:later, later], after_fall[:later] + 1, 0).max(axis=0, initial=0)
        after_fall[later] = np.where(falls[:later, later], after_rise[:later] + 1, 0).max(axis=0, initial=0)
    return np.maximum(after_rise.max(axis=0), after_fall.max(axis=0))


def flashing(shown: Frames, times: Sequence[float]) -> float:
    """The greatest part of the picture that has over three general or over three red flashes in one second.

    General: opposing changes of relative luminance by 0.1 or more, the darker below 0.8. Red: opposing changes that
    involve a saturated red, R / (R + G + B) of 0.8 or more, in which (R - G - B) x 320, not below 0, changes by more
    than 20.
    """
    cells, alike = np.unique(shown.reshape(len(shown), -1, 3), axis=1, return_counts=True)
    luminance = cells @ np.array([0.2126, 0.7152, 0.0722])
    red = 320 * np.maximum(cells[..., 0] - cells[..., 1] - cells[..., 2], 0)
    saturated = cells[..., 0] >= 0.8 * np.maximum(cells.sum(axis=-1), 1e-9)
    worst = 0.0
    for first in range(0, len(times), 1 + len(times) // 200):  # a second begins at every frame, or nearly
        time = times[first]
        last = int(np.searchsorted(times, time + 1, side="right"))
        if first and times[first - 1] >= times[-1] - 1:
            break  # the rest of the film was in the second before
        window = slice(first, last)
        light, hue, involved = luminance[window], red[window], saturated[window]
        change = light[None] - light[:, None]
        dark = np.minimum(light[None], light[:, None]) < 0.8
        general = most_changes((change >= 0.1) & dark, (change <= -0.1) & dark) // 2
        change = hue[None] - hue[:, None]
        either = involved[None] | involved[:, None]
        reds = most_changes((change > 20) & either, (change < -20) & either) // 2
        worst = max(worst, float(alike[(general > 3) | (reds > 3)].sum() / alike.sum()))
    return worst


def film(fps: float, seconds: float, light: Callable[[float], object]) -> Frames:
    """Frames of what `light` gives for a time: anything that spreads to (rows, columns, 3)."""
    frames = [np.broadcast_to(np.asarray(light(time), float), (ROWS, COLUMNS, 3))
              for time in times_of(round(seconds * fps), fps)]  # fmt: skip
    return np.stack(frames)


def square(hz: float) -> Callable[[float], float]:
    """Dark and bright in turn, so often a second."""
    return lambda time: math.floor(2 * hz * time + 1e-6) % 2


RED = np.array([1.0, 0.0, 0.0])
LEFT = np.indices((ROWS, COLUMNS))[1][..., None] < COLUMNS // 2
QUARTER = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS, 1) * 5) % 4 == 0  # scattered
BOARD = np.indices((ROWS, COLUMNS)).sum(axis=0)[..., None] % 2

STROBES: dict[str, Callable[[float], object]] = {
    "10 Hz": square(10),
    "4 Hz": square(4),
    "30 Hz flicker": square(30),
    "red": lambda time: square(8)(time) * RED,
    "red to white": lambda time: RED + square(8)(time) * (1 - RED),
    "red to black in the dark": lambda time: 0.08 * square(8)(time) * RED,
    "a scattered quarter": lambda time: QUARTER * square(9)(time),
    "halves in antiphase": lambda time: np.where(LEFT, square(7)(time), 1 - square(7)(time)),
    "a board that turns over": lambda time: (BOARD + square(8)(time)) % 2,
    "saw teeth": lambda time: time * 5 % 1,
    "falling saw teeth": lambda time: 1 - time * 4.5 % 1,
    "a sine in mid grey": lambda time: 0.5 + 0.2 * math.sin(2 * math.pi * 6 * time),
    "a faint one": lambda time: 0.4 + 0.12 * square(10)(time),
    "faster and faster": lambda time: square(1)(time + time**2),
    "a wave over the picture": lambda time: np.sin(40 * time - np.indices((ROWS, COLUMNS))[1][..., None] / 2) > 0,
}


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("name", STROBES)
def test_a_strobe_shows_three_flashes_a_second_at_most(name: str, fps: int) -> None:
    frames, times = film(fps, 2.5, STROBES[name]), times_of(round(2.5 * fps), fps)
    shown, shares = show(frames, times)
    if name != "30 Hz flicker" or fps > 30:  # frames of 24 and 30 a second show another strobe, or none
        assert flashing(frames, times) >= 0.25
        assert shares.min() < 1
    assert flashing(shown, times) < 0.25


@pytest.mark.parametrize("fps", RATES)
def test_a_long_strobe_eases_to_its_mean_without_a_jump(fps: int) -> None:
    frames = film(fps, 6, square(10))
    shown, shares = show(frames, times_of(6 * fps, fps))
    light = shown[:, 0, 0, 0]
    limited = int(np.argmax(shares < 1))
    assert np.abs(np.diff(light[limited - 1 :])).max() < 0.1
    assert light[-1] == pytest.approx(frames.mean(), abs=0.06)
    assert np.abs(np.diff(light[-fps:])).max() > 0  # it lives, and is not frozen


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("seconds", [0.4, 0.7, 2.3])
@pytest.mark.parametrize("end", [0.0, 0.5, 1.0])
def test_a_second_after_the_strobe_the_picture_is_the_true_one(fps: int, seconds: float, end: float) -> None:
    frames = film(fps, seconds + 2, lambda time: square(10)(time) if time < seconds else end)
    shown, shares = show(frames, times_of(len(frames), fps))
    arrived = round((seconds + 1.1) * fps)
    assert (shares[arrived:] == 1).all()
    assert (shown[arrived:] == frames[arrived:]).all()


def cuts(time: float) -> object:
    """Three hard cuts a second."""
    return np.random.default_rng(math.floor(3 * time + 1e-6)).random((ROWS, COLUMNS, 3))


def walk(time: float) -> object:
    """A black body of a fifth of the picture, which goes to and fro before white."""
    place = np.arange(COLUMNS) - (7.5 + 5 * math.sin(4 * time))
    return np.broadcast_to(np.clip(np.abs(place) - 1, 0, 1)[None, :, None], (ROWS, COLUMNS, 3))


def flow(time: float) -> object:
    """Patterns all over the picture, at each place twice a second bright and dark."""
    row, column = np.indices((ROWS, COLUMNS))
    return (0.5 + 0.5 * np.sin(12 * time + 0.9 * column + 0.7 * np.sin(row)))[..., None]


UNTOUCHED: dict[str, Callable[[float], object]] = {
    "grey": lambda time: 0.4,
    "three cuts a second": cuts,
    "a strobe of 3 Hz": square(3),
    "a blackout": lambda time: float(time < 1),
    "a fade": lambda time: min(time, 1.0),
    "a breath": lambda time: 0.5 + 0.5 * math.sin(4 * time),
    "a body that walks": walk,
    "patterns that flow": flow,
    "a fast flicker of less than a tenth": lambda time: 0.4 + 0.08 * square(12)(time),
    "a flicker between bright greys": lambda time: 0.83 + 0.17 * square(12)(time),
    "a blue strobe, which is dark": lambda time: np.array([0, 0, square(10)(time)]),
    "a strobe in a tenth of the picture": lambda time: (
        (np.indices((ROWS, COLUMNS))[1][..., None] < 2) * square(9)(time)
    ),
}


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_does_not_flash_is_left_as_it_is(name: str, fps: int) -> None:
    frames, times = film(fps, 3, UNTOUCHED[name]), times_of(3 * fps, fps)
    shown, shares = show(frames, times)
    assert (shares == 1).all()
    assert (shown == frames).all()


def test_a_bright_quarter_that_jumps_about_counts_for_the_whole_picture() -> None:
    """In no place does it flash three times a second; on the whole it does."""
    columns = np.indices((ROWS, COLUMNS))[1][..., None] // 4
    frames = film(60, 3, lambda time: columns == math.floor(10 * time + 1e-6) % 4)
    _, shares = show(frames, times_of(180, 60))
    assert flashing(frames, times_of(180, 60)) == 0
    assert (shares < 1).mean() > 0.5


def test_a_late_frame_and_a_clock_that_stands_still_or_runs_back() -> None:
    limiter = Limiter()
    for time in (0.0, 0.5, 3.5, 3.5, 3.5, 1.0):
        assert limiter.share(grid(np.full((4, 4, 3), time)), time) == 1
        limiter.showed(grid(np.full((4, 4, 3), time)))
    shares = []
    for index in range(20):  # twenty pictures at the same time are as many flashes as there can be
        light = np.full((4, 4, 3), float(index % 2))
        shares.append(limiter.share(grid(light), 1.0))
        if shares[-1] < 1:
            break
        limiter.showed(grid(light))
    assert len(shares) <= 8 and shares[-1] < 0.1


def test_what_was_shown_counts_and_not_what_was_asked_for() -> None:
    """Where somebody else limits the picture already, there is nothing to limit."""
    limiter = Limiter()
    for index in range(60):
        share = limiter.share(grid(np.full((4, 4, 3), float(index // 3 % 2))), index / 60)
        limiter.showed(grid(np.full((4, 4, 3), 0.5)))
        assert share == 1


LEVELS = st.sampled_from([0.0, 0.05, 0.12, 0.5, 0.75, 0.85, 1.0])
COLOURS = st.tuples(LEVELS, LEVELS, LEVELS)


@st.composite
def wild_films(draw: st.DrawFn) -> tuple[Frames, list[float]]:
    """Two or three seconds of patches in colours of their own, each with a rhythm of its own, and late frames."""
    fps = draw(st.sampled_from([24, 30, 60]))
    count = 2 * fps
    steps = draw(st.lists(st.sampled_from([1.0, 1.0, 1.0, 1.0, 0.0, 2.5]), min_size=count, max_size=count))
    times = np.cumsum(steps) / fps
    frames = np.zeros((count, 4, 4, 3))
    for _ in range(draw(st.integers(1, 4))):
        patch = np.array(draw(st.lists(st.booleans(), min_size=16, max_size=16))).reshape(4, 4)
        a, b = np.array(draw(COLOURS)), np.array(draw(COLOURS))
        period, phase = draw(st.floats(0.03, 0.6)), draw(st.floats(0, 1))
        place = (times / period + phase) % 1
        bent = draw(st.sampled_from(["square", "saw", "sine"]))
        wave = {"square": place < 0.5, "saw": place, "sine": 0.5 + 0.5 * np.sin(2 * np.pi * place)}[bent]
        colours = a + np.asarray(wave, float)[:, None] * (b - a)
        frames[:, patch] = colours[:, None]
    return frames, times.tolist()


@settings(max_examples=40, deadline=None)
@given(wild_films())
def test_nothing_flashes_whatever_is_asked_for(wild: tuple[Frames, list[float]]) -> None:
    frames, times = wild
    shown, _ = show(frames, times)
    assert flashing(shown, times) < 0.25
