"""The axes that a dancer's latents vary along most, and the push that a performer gives the dance along them.

Owns what an axis is: a principal axis of the bank's latents, the first the one that they vary along most. The push is
of what is shown, not of what the dance goes on from: let go, the dance is where it would be anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from engine.parameters import AXES

# Deviations of the bank's latents along an axis that a push of 1 moves by: nearly all of the footage lies within.
REACH = 2.0
KEYS = tuple(f"dance/axis{number}" for number in AXES)


@dataclass(frozen=True)
class Principal:
    """The principal axes of latents, the widest first.

    `directions` (axes, latent_size) have length 1; along each, `deviations` (axes) is how far the latents are spread,
    `least` and `greatest` (axes) how far from their mean they go, and `shares` (axes) how much of their variance it is.
    """

    directions: NDArray[np.float32]
    deviations: NDArray[np.float32]
    least: NDArray[np.float32]
    greatest: NDArray[np.float32]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, centred: NDArray[np.float32]) -> "Principal":
        """Of latents (n, latent_size) about their mean: as many axes as can be pushed, or as they have numbers."""
        covariance = (centred.T @ centred).astype(np.float64) / len(centred)
        variances, vectors = np.linalg.eigh(covariance)  # rising
        variances, directions = variances[::-1][: len(AXES)].clip(min=0), vectors.T[::-1][: len(AXES)]
        # An axis has two directions: up is where its greatest number is above zero.
        greatest = directions[np.arange(len(directions)), np.abs(directions).argmax(1)]
        directions = (directions * np.where(greatest < 0, -1, 1)[:, None]).astype(np.float32)
        places = centred @ directions.T
        deviations = np.sqrt(variances).astype(np.float32)
        shares = variances / max(float(np.trace(covariance)), np.finfo(np.float32).tiny)
        return cls(directions, deviations, places.min(0), places.max(0), shares)


class Axes:
    """Of a bank (passages, steps, latent_size). Found when they are first asked for: most shows never need them.

    Latents of fewer numbers than there are axes have as many axes as numbers; the others do nothing.
    """

    def __init__(self, bank: NDArray[np.float32]) -> None:
        self._bank = bank.reshape(-1, bank.shape[-1])

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """The mean of the bank's latents, (latent_size)."""
        mean: NDArray[np.float32] = self._bank.mean(0)
        return mean

    @cached_property
    def principal(self) -> Principal:
        """The axes themselves."""
        return Principal.of(self._bank - self.mean)

    def push(self, latents: NDArray[np.float32], values: Mapping[str, float]) -> NDArray[np.float32]:
        """The latents (dancers, latent_size) with the push of these values, which are -1..1; the very same with none.

        A body stays one that the decoder knows: a push goes no further along an axis than the bank does.
        """
        asked = np.array([values[key] for key in KEYS], np.float32)
        if not asked.any():
            return latents
        axes = self.principal
        places = (latents - self.mean) @ axes.directions.T  # (dancers, axes)
        moved = places + np.float32(REACH) * asked[: len(axes.directions)] * axes.deviations
        moved = np.clip(moved, np.minimum(places, axes.least), np.maximum(places, axes.greatest))
        return latents + ((moved - places) @ axes.directions).astype(np.float32)
