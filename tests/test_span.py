"""The footage's span: what is noise is taken out of a dance, and nothing else."""

import numpy as np
import pytest

from engine import resources
from engine.bundle import Bundle, open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.span import Span

SIZE, WAYS = 16, 5


@pytest.fixture(scope="module")
def directions() -> np.ndarray:
    """(SIZE, SIZE), orthogonal."""
    return np.linalg.qr(np.random.default_rng(1).normal(size=(SIZE, SIZE)))[0].astype(np.float32)


@pytest.fixture(scope="module")
def bank(directions: np.ndarray) -> np.ndarray:
    """Footage that moves in `WAYS` directions around a pose of 3, and in the others by a thousandth."""
    deviations = np.where(np.arange(SIZE) < WAYS, 1, 1e-3)
    return (3 + np.random.default_rng(2).normal(size=(100, 30, SIZE)) * deviations @ directions.T).astype(np.float32)


def test_only_the_directions_that_the_footage_moves_in_are_kept(bank: np.ndarray, directions: np.ndarray) -> None:
    span = Span(bank)
    assert span.directions == WAYS
    mean = bank.reshape(-1, SIZE).mean(axis=0)
    inside = np.array([[2, -1, 0.5, 0, 3], [0, 0, 0, 1, -1]], np.float32) @ directions[:, :WAYS].T
    outside = np.array([[4] * (SIZE - WAYS), [-7] * (SIZE - WAYS)], np.float32) @ directions[:, WAYS:].T
    latents = mean + inside + outside
    span.hold(latents)
    np.testing.assert_allclose(latents, mean + inside, atol=0.02)


def test_footage_stays_what_it_is(bank: np.ndarray) -> None:
    latents = bank[0].copy()
    Span(bank).hold(latents)
    np.testing.assert_allclose(latents, bank[0], atol=0.01)


def test_where_the_footage_moves_in_every_direction_latents_are_left_alone_to_the_bit() -> None:
    random = np.random.default_rng(3)
    bank, latents = random.normal(size=(100, 30, SIZE)), random.normal(size=(4, SIZE)).astype(np.float32) * 9
    held = latents.copy()
    Span(bank).hold(held)
    assert held.tobytes() == latents.tobytes()


@pytest.mark.parametrize("size", [1, SIZE])
def test_footage_without_any_motion_has_no_span_to_hold_a_dance_to(size: int) -> None:
    span, latents = Span(np.full((100, 30, size), 2.0)), np.arange(size, dtype=np.float32)[None]
    span.hold(latents)
    assert span.directions == size
    assert latents[0].tolist() == list(range(size))


def test_the_dance_does_not_leave_the_span_of_its_footage() -> None:
    bundle: Bundle = open_bundle(resources.path("models/default"), "cpu", 1)
    values = {row.key: row.default for row in PARAMETERS} | {"dance/temperature": 1.5, "dance/dancers": 3}
    dancer = Dancer(bundle, [1, 2, 3])
    for _ in range(60):
        latents = dancer.advance(1 / 30, values)
    held = latents.copy()
    Span(bundle.bank).hold(held)
    np.testing.assert_allclose(held, latents, atol=1e-4)
