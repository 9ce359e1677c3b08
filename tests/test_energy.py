"""The dance's own signals, held against closed forms."""

import numpy as np
import pytest

from engine.energy import QUICK, SLOW, Energy, entropy


def turning(steps: int, angle: float) -> np.ndarray:
    """(steps, 2): a latent that turns by `angle` a step."""
    angles = angle * np.arange(steps)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1).astype(np.float32)


def bank() -> np.ndarray:
    return np.stack([turning(60, 0.1), turning(60, 0.1)])


def after(energy: Energy, latents: np.ndarray, dt: float) -> float:
    """The motion at the end of latents (frames, dancers, size)."""
    return [energy.advance(dt, each) for each in latents][-1]


def test_the_footages_own_motion_is_a_half() -> None:
    assert after(Energy(bank(), 30), turning(300, 0.1)[:, None], 1 / 30) == pytest.approx(0.5, abs=0.03)


def test_motion_is_that_of_show_time_whatever_the_frame_rate() -> None:
    at_30 = after(Energy(bank(), 30), turning(300, 0.05)[:, None], 1 / 30)
    at_120 = after(Energy(bank(), 30), turning(1200, 0.0125)[:, None], 1 / 120)
    assert at_120 == pytest.approx(at_30, rel=0.1)
    # Two means of time constants a and b that follow a circle of angular speed w: their distance, over the radius.
    w = 0.05 * 30
    apart = abs(1 / (1 + 1j * w * QUICK) - 1 / (1 + 1j * w * SLOW))
    fast = abs(1 / (1 + 1j * 3 * QUICK) - 1 / (1 + 1j * 3 * SLOW))
    assert at_30 == pytest.approx(0.5 * apart / fast, rel=0.1)


def test_a_dance_held_still_calms_down_to_nothing() -> None:
    energy = Energy(bank(), 30)
    after(energy, turning(100, 0.1)[:, None], 1 / 30)
    assert after(energy, np.repeat(turning(1, 0)[:, None], 60, axis=0), 1 / 30) < 0.01


def test_motion_never_exceeds_one_and_is_the_mean_of_the_company() -> None:
    wild = after(Energy(bank(), 30), 100 * turning(100, 0.1)[:, None], 1 / 30)
    assert wild == 1
    half = np.stack([turning(100, 0.1), np.ones((100, 2), np.float32)], axis=1)
    assert after(Energy(bank(), 30), half, 1 / 30) == pytest.approx(0.25, abs=0.02)


def test_who_joins_brings_no_motion_along() -> None:
    energy = Energy(bank(), 30)
    after(energy, np.ones((10, 1, 2), np.float32), 1 / 30)
    assert energy.advance(1 / 30, np.array([[1, 1], [50, 50]], np.float32)) == 0
    assert energy.advance(1 / 30, np.array([[1, 1]], np.float32)) == 0


def test_a_bank_that_stands_still_moves_nothing() -> None:
    assert Energy(np.ones((2, 30, 2), np.float32), 30).advance(1 / 30, np.ones((1, 2), np.float32)) == 0


@pytest.mark.parametrize("components", [2, 3, 24])
def test_entropy_is_1_for_an_even_mixture_and_0_for_a_certain_one(components: int) -> None:
    even = np.full((4, components), 1 / components, np.float32)
    certain = np.eye(components, dtype=np.float32)
    assert entropy(even) == pytest.approx(1)
    assert entropy(certain) == 0
    assert entropy(np.concatenate([even, even, certain[:1].repeat(8, axis=0)])) == pytest.approx(0.5)


def test_entropy_by_the_closed_form() -> None:
    pi = np.array([[0.5, 0.25, 0.25]], np.float32)
    assert entropy(pi) == pytest.approx(1.5 * np.log(2) / np.log(3))


def test_a_mixture_of_one_component_is_certain() -> None:
    assert entropy(np.ones((3, 1), np.float32)) == 0
