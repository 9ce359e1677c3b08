"""Packing: rows of floats, as bytes that compress well and come back bit for bit.

What a show logs goes on evenly for a while: most parameters stand still, and between two steps of the dance the latents
move in a line. So a row is foretold from the two before it, in the numbers' bits, where nothing is rounded.
"""

import math

import numpy as np
from numpy.typing import NDArray


def pack(numbers: NDArray) -> bytes:
    """The floats (ticks, ...) as bytes that compress well, bit for bit.

    What a tick holds is foretold from the two before it, as if it went on evenly: between two steps of the dance
    latents do, and most parameters stand still. What is left is small, of either sign; signs are folded into the lowest
    bit, and bytes of like weight are laid together.
    """
    bits = numbers.view(f"u{numbers.itemsize}").reshape(len(numbers), math.prod(numbers.shape[1:]))
    left = bits.copy()
    left[1:] -= bits[:-1]
    left[2:] -= left[1:-1].copy()
    signed = left.view(f"i{numbers.itemsize}")
    folded = (signed << 1) ^ (signed >> (8 * numbers.itemsize - 1))
    planes = folded.astype(f"<i{numbers.itemsize}", copy=False).reshape(-1).view(np.uint8)
    return planes.reshape(-1, numbers.itemsize).T.tobytes()


def unpack(data: memoryview, shape: tuple[int, ...], kind: type[np.floating]) -> tuple[NDArray, memoryview]:
    """The floats of this shape that `pack` made the first bytes of; and the bytes after them. Raises ValueError."""
    dtype = np.dtype(kind)
    size = math.prod(shape) * dtype.itemsize
    if len(data) < size:
        raise ValueError(f"{len(data)} bytes are too few for {shape}")
    planes = np.frombuffer(data[:size], np.uint8).reshape(dtype.itemsize, -1)
    folded = np.ascontiguousarray(planes.T).reshape(-1).view(f"<u{dtype.itemsize}").astype(f"u{dtype.itemsize}")
    one = folded.dtype.type(1)
    left = ((folded >> one) ^ (0 - (folded & one))).reshape(shape[0], math.prod(shape[1:]))
    left[1:] = np.cumsum(left[1:], axis=0, dtype=left.dtype)
    return np.cumsum(left, axis=0, dtype=left.dtype).view(dtype).reshape(shape), data[size:]
