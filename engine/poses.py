"""Poses of a dance, and how far one dance's are from another's: what a long dance is judged by.

Owns the figure: a pose is the dancer's coverage on a coarse grid, and two dances are as far apart as the normal
distributions of their poses (the Frechet distance), along the directions in which the poses of reference vary most.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GRID = (15, 26)  # rows, columns: coarse enough to see limbs and no edges
# So many directions hold nearly all that a dancer's poses do.
DIRECTIONS = 24


def poses(images: NDArray[np.uint8], kind: str) -> NDArray[np.float32]:
    """The dancer's coverage, 0..1, in each cell of the grid: images (n, height, width) -> (n, cells)."""
    rows, columns = (
        np.linspace(0, size, min(cells, size) + 1).astype(np.int64)[:-1]
        for size, cells in zip(images.shape[1:], GRID, strict=True)
    )
    sums = np.add.reduceat(np.add.reduceat(images, rows, 1, dtype=np.uint32), columns, 2)
    pixels = np.outer(np.diff(rows, append=images.shape[1]), np.diff(columns, append=images.shape[2]))
    light = (sums / (255 * pixels)).astype(np.float32).reshape(len(images), -1)
    return 1 - light if kind == "dark silhouette" else light


@dataclass(frozen=True)
class Spread:
    """How poses lie: their mean (directions) and their covariance (directions, directions)."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """The poses that others are held against: the directions in which they vary, (cells, directions), around
    `origin` (cells), and how they lie along those."""

    origin: NDArray[np.float64]
    directions: NDArray[np.float64]
    spread: Spread

    @classmethod
    def of(cls, given: NDArray[np.float32]) -> "Reference":
        """Of poses (n, cells), n of 2 or more."""
        origin = given.mean(0, dtype=np.float64)
        _, vectors = np.linalg.eigh(np.cov(given.T.astype(np.float64)))
        directions = vectors[:, ::-1][:, :DIRECTIONS]
        along = Moments(1, directions.shape[1])
        along.add(np.zeros(len(given), np.int64), (given - origin) @ directions)
        return cls(origin, directions, along.spread(0))

    def along(self, given: NDArray[np.float32]) -> NDArray[np.float64]:
        """Poses (n, cells) along the directions, (n, directions)."""
        return (given - self.origin) @ self.directions


class Moments:
    """Sums over poses of so many dancers, each its own, by which their spread is known without keeping them.

    `sums` are (dancers, 1 + directions + directions squared): how many, their sum, the sum of their products.
    """

    def __init__(self, dancers: int, directions: int) -> None:
        self.sums = np.zeros((dancers, 1 + directions + directions * directions), np.float64)
        self._directions = directions

    def add(self, who: NDArray[np.int64], along: NDArray[np.float64]) -> None:
        """Takes in poses (n, directions), of the dancers `who` (n)."""
        products = (along[:, :, None] * along[:, None, :]).reshape(len(along), -1)
        np.add.at(self.sums, who, np.concatenate([np.ones((len(along), 1)), along, products], axis=1))

    def spread(self, dancer: int) -> Spread:
        """How the dancer's poses lie; of fewer than two, numbers that are none."""
        count, total, products = np.split(self.sums[dancer], [1, 1 + self._directions])
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = total / count
            square = products.reshape(self._directions, self._directions) - count * np.outer(mean, mean)
            return Spread(mean, square / (count - 1))


def distance(one: Spread, other: Spread) -> float:
    """The Frechet distance of two normal distributions, squared as is the custom."""
    apart = float(((one.mean - other.mean) ** 2).sum())
    both = np.linalg.eigvals(one.covariance @ other.covariance).real
    traces = float(np.trace(one.covariance) + np.trace(other.covariance))
    return apart + traces - 2 * float(np.sqrt(np.maximum(both, 0)).sum())
