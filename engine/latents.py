"""Latents in a file: numpy's .npy, one row an image, as `dancenet encode` writes and the original's `lv.npy` has them.

Owns what such a file may hold. It comes from anywhere: it is data, and is read as it lies on the disk.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROWS_AT_ONCE = 1 << 16


class LatentsError(ValueError):
    """A file of latents that cannot be used; the message is one line: the file, what was found, what was expected."""


def open_latents(path: Path, latent_size: int, least: int = 1) -> NDArray[np.floating]:
    """The latents in a file, `least` rows or more: a map of it, (n, latent_size).

    The original's are (n, 1, latent_size). Raises LatentsError.
    """
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise LatentsError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError):
        raise LatentsError(f"{path}: not a readable .npy file of numbers") from None
    if not isinstance(stored, np.ndarray) or stored.dtype.kind != "f":
        found = stored.dtype if isinstance(stored, np.ndarray) else "an archive"
        raise LatentsError(f"{path}: holds {found}; expected an array of floating-point numbers")
    if stored.shape[1:] not in ((latent_size,), (1, latent_size)) or len(stored) < least:
        raise LatentsError(
            f"{path}: its shape is {stored.shape}; expected ({least} or more, {latent_size}), as the VAE's latents are"
        )
    latents = stored.reshape(len(stored), latent_size)
    for start in range(0, len(latents), ROWS_AT_ONCE):
        with np.errstate(over="ignore"):
            finite = np.isfinite(latents[start : start + ROWS_AT_ONCE].astype(np.float32)).all()
        if not finite:
            raise LatentsError(f"{path}: holds latents that are not finite in float32; expected numbers")
    return latents
