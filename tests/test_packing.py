"""Packing gives every float back, bit for bit, and makes little of what goes on evenly."""

import zlib

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.packing import pack, unpack

SHAPES = arrays.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=6).filter(lambda shape: shape[0] > 0)


def floats(bits: int) -> st.SearchStrategy[NDArray]:
    """Arrays of any bits there are: subnormals, infinities and numbers that are none too."""
    return arrays.arrays(f"u{bits // 8}", SHAPES).map(lambda array: array.view(f"f{bits // 8}"))


@settings(deadline=None)
@given(st.one_of(floats(32), floats(64)), st.binary(max_size=3))
def test_every_bit_comes_back(numbers: NDArray, after: bytes) -> None:
    found, rest = unpack(memoryview(pack(numbers) + after), numbers.shape, numbers.dtype.type)
    assert found.dtype == numbers.dtype and found.shape == numbers.shape
    assert found.tobytes() == numbers.tobytes()
    assert bytes(rest) == after


def test_what_stands_still_or_goes_on_evenly_packs_to_zeros() -> None:
    ramp = np.arange(1.0, 2.0, 1 / 64)  # one exponent, so that even steps are even in the bits too
    rows = np.stack([np.full(64, 0.3), ramp], axis=1)
    planes = np.frombuffer(pack(rows), np.uint8).reshape(8, 64, 2)
    assert not planes[:, 2:].any()


def test_latents_between_two_steps_pack_to_less_than_two_thirds() -> None:
    """At 120 frames a second three of four latents lie on a line; each is rounded in float32."""
    walk = np.random.default_rng(1).normal(0, 0.1, (31, 128)).cumsum(axis=0)
    steps = walk.astype(np.float32)
    share = np.tile(np.arange(4, dtype=np.float32) / 4, 30)[:, None]
    shown = np.repeat(steps[:-1], 4, axis=0) + share * np.repeat(np.diff(steps, axis=0), 4, axis=0)
    assert len(zlib.compress(pack(shown), 1)) < 0.66 * shown.nbytes
    assert len(zlib.compress(shown.tobytes(), 1)) > 0.9 * shown.nbytes


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^15 bytes are too few for \(2, 2\)$"):
        unpack(memoryview(bytes(15)), (2, 2), np.float32)
