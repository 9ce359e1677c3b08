"""The dance's own signals: how much it moves, and how undecided it is about what comes next.

Nothing here keeps time: `advance` is told how much of it has gone by.
"""

import math

import numpy as np
from numpy.typing import NDArray

# Time constants, in seconds, of the two means whose distance is the motion. The shorter one takes out the noise of a
# single step, which nobody sees as movement; the longer one is a gesture's.
QUICK, SLOW = 0.1, 0.3


class Energy:
    """Motion of latents against that of real dance: `bank` (passages, steps, latent_size) at `rate` steps a second."""

    def __init__(self, bank: NDArray[np.float32], rate: int) -> None:
        self._quick = self._slow = bank[:, 0]
        distances = [self._follow(1 / rate, bank[:, step]) for step in range(bank.shape[1])]
        # From their beginning the two means need the time of the longer one to part.
        self._mean = float(np.mean(distances[min(round(SLOW * rate), len(distances) - 1) :]))
        self._quick = self._slow = np.zeros((0, bank.shape[2]), np.float32)

    def advance(self, dt: float, latents: NDArray[np.float32]) -> float:
        """Takes in the latents (dancers, latent_size) shown after `dt` seconds: 0 is no motion, 0.5 the footage's mean.

        Another number of dancers than before begins without motion for those who are new.
        """
        known = min(len(self._quick), len(latents))
        self._quick = np.concatenate([self._quick[:known], latents[known:]])
        self._slow = np.concatenate([self._slow[:known], latents[known:]])
        distance = float(self._follow(dt, latents).mean())
        return min(1.0, 0.5 * distance / self._mean) if self._mean > 0 else 0.0

    def _follow(self, dt: float, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        self._quick = self._quick + np.float32(-math.expm1(-dt / QUICK)) * (latents - self._quick)
        self._slow = self._slow + np.float32(-math.expm1(-dt / SLOW)) * (latents - self._slow)
        return np.linalg.norm(self._quick - self._slow, axis=-1)


def entropy(pi: NDArray[np.float32]) -> float:
    """Mean entropy of mixtures (dancers, components): 0 where one component is certain, 1 where all are alike."""
    if pi.shape[1] == 1:
        return 0.0
    logarithms = np.log(pi, out=np.zeros_like(pi), where=pi > 0)
    return float(-(pi * logarithms).sum(axis=1).mean() / math.log(pi.shape[1]))
