"""A bundle's bank of latents, `bank.npy`: read, once its header's sizes are held against the contract's and the file's.

Knows nothing of graphs.
"""

import io
import math
import struct
from pathlib import Path
from tokenize import TokenError

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from engine.metadata import BundleError, Metadata
from engine.small_file import read_small

LEAST_PASSAGES = 100
# The default dancer's bank has 1 MB.
MOST_BYTES = 256 << 20
# What numpy's archives of several arrays begin with.
ARCHIVE = b"PK\x03\x04"
READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
# What numpy raises for headers that are none: it parses them as Python's literals, of at most 10,000 letters.
MALFORMED = (
    *(ValueError, TypeError, SyntaxError, MemoryError, RecursionError, KeyError, OverflowError, struct.error),
    TokenError,
)


def read_bank(path: Path, metadata: Metadata) -> NDArray[np.float32]:
    """The latents, (passages, steps, latent_size). Raises BundleError."""
    try:
        data = read_small(path, MOST_BYTES)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from None
    least = (LEAST_PASSAGES, metadata.steps_a_second)
    expected = f"({least[0]} or more, {least[1]} or more, {metadata.latent_size}) float16"
    if data.startswith(ARCHIVE):
        raise BundleError(f"{path}: holds an archive; it must be {expected}")
    file = io.BytesIO(data)
    try:
        shape, columns_first, kind = READERS[npy.read_magic(file)](file)
        size = math.prod(shape) * kind.itemsize
        if min(shape, default=0) < 0 or size != len(data) - file.tell():
            raise ValueError("as many bytes as the header says")
    except MALFORMED:
        raise BundleError(f"{path}: not a readable .npy file of numbers") from None
    right = (
        kind == np.float16
        and len(shape) == 3
        and shape[0] >= least[0]
        and shape[1] >= least[1]
        and shape[2] == metadata.latent_size
    )
    if not right:
        raise BundleError(f"{path}: holds {shape} {kind}; it must be {expected}")
    stored = np.frombuffer(data, kind, offset=file.tell()).reshape(shape, order="F" if columns_first else "C")
    bank = stored.astype(np.float32)
    if not np.isfinite(bank).all():
        raise BundleError(f"{path}: holds latents that are not finite; expected numbers")
    return bank
