"""The axes that the footage's latents vary along: a dance is held to them, and pushed along the widest by a performer.

Owns what an axis is: a principal axis of the bank's latents, the first the one that they vary along most. A VAE lays
the few dozen ways in which a body moves somewhere across its latents; along all other axes the footage stays where it
is. The LSTM-MDN draws a little noise there too, where nothing calls it back: it adds up, until the decoder is asked for
what it never saw and a body falls apart. The push is of what is shown, not of what the dance goes on from: let go, the
dance is where it would be anyway.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.parameters import AXES

# Deviations of the bank's latents along an axis that a push of 1 moves by: nearly all of the footage lies within.
REACH = 2.0
KEYS = tuple(f"dance/axis{number}" for number in AXES)
# Of the footage's variance; the rest is noise. The default dancer's 128 dimensions have 71 such axes: left alone, its
# dance strays by 5 along the other 57, where the footage keeps within 0.3. At temperature 1.2 two of 32 dancers lost
# their bodies in ten minutes.
KEPT = 0.9985


class Axes:
    """Of a bank (passages, steps, latent_size).

    Latents of fewer numbers than can be pushed have as many axes as numbers; the other pushes do nothing.
    """

    def __init__(self, bank: NDArray[np.floating]) -> None:
        size = bank.shape[-1]
        latents = bank.reshape(-1, size).astype(np.float64)
        mean = latents.mean(axis=0)
        variances, vectors = np.linalg.eigh(np.cov(latents, rowvar=False, bias=True).reshape(size, size))  # rising
        noise = np.cumsum(variances) < (1 - KEPT) * variances.sum()
        kept = vectors[:, ~noise]
        self.mean = mean.astype(np.float32)
        """The mean of the bank's latents, (latent_size)."""
        self.kept = kept.shape[1]
        """How many axes a dance is held to; `latent_size` if the footage moves along all of them."""
        self._onto = (kept @ kept.T).astype(np.float32)
        # An axis has two directions: up is where its greatest number is above zero.
        widest = vectors.T[::-1][: len(AXES)]
        greatest = widest[np.arange(len(widest)), np.abs(widest).argmax(1)]
        self.directions = (widest * np.where(greatest < 0, -1, 1)[:, None]).astype(np.float32)
        """Of the widest axes, (axes, latent_size), of length 1."""
        variances = variances[::-1].clip(min=0)
        self.shares = variances[: len(AXES)] / max(variances.sum(), np.finfo(np.float32).tiny)
        """How much of the bank's variance lies along each of them, (axes)."""
        self._deviations = np.sqrt(variances[: len(AXES)]).astype(np.float32)
        places = (latents - mean).astype(np.float32) @ self.directions.T
        self._least, self._greatest = places.min(0), places.max(0)

    def hold(self, latents: NDArray[np.float32]) -> None:
        """Puts each of `latents` (dancers, latent_size) where what the footage's axes span is nearest to it."""
        if self.kept < len(self.mean):
            latents[...] = self.mean + (latents - self.mean) @ self._onto

    def push(self, latents: NDArray[np.float32], values: Mapping[str, float]) -> NDArray[np.float32]:
        """The latents (dancers, latent_size) with the push of these values, which are -1..1; the very same with none.

        A body stays one that the decoder knows: a push goes no further along an axis than the bank does.
        """
        asked = np.array([values[key] for key in KEYS], np.float32)
        if not asked.any():
            return latents
        places = (latents - self.mean) @ self.directions.T  # (dancers, axes)
        moved = places + np.float32(REACH) * asked[: len(self.directions)] * self._deviations
        moved = np.clip(moved, np.minimum(places, self._least), np.maximum(places, self._greatest))
        return latents + ((moved - places) @ self.directions).astype(np.float32)
