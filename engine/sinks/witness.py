"""The witness: sees a company dance for hours or days, and tells whether it dances at the end as at the beginning.

A sink like any other. Owns the figures of a long dance: how far poses are from those of reference and how much moves,
in its first minutes and in its last, each dancer for itself. Its memory does not grow with the dance.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.dancer import Dancer
from engine.glances import Glances
from engine.metadata import Metadata
from engine.poses import Moments, Reference, distance, poses

# The first and the last so many seconds are compared; of a shorter dance, its halves.
WINDOW = 600.0
# The last minutes are known at any moment, to a part of these.
PARTS = 10
# How far a pose moves is measured over so many seconds, so that a limb that trembles counts little.
STRIDE = 0.5


@dataclass(frozen=True)
class Compared:
    """A figure of every dancer, (dancers), early and late; numbers that are none where too little was seen."""

    early: NDArray[np.float64]
    late: NDArray[np.float64]

    def told(self) -> dict[str, Any]:
        """For a report: the means, and how the dancers' own ratios of late to early are spread."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = self.late / self.early
        if not np.isfinite(ratios).all():
            return {"early": None, "late": None, "late_to_early": None}
        return {
            "early": float(self.early.mean()),
            "late": float(self.late.mean()),
            "late_to_early": {
                "of_means": float(self.late.mean() / self.early.mean()),
                "mean": float(ratios.mean()),
                "deviation": float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0,
                "least": float(ratios.min()),
                "greatest": float(ratios.max()),
            },
        }


class Witness:
    """Sees `dancer`'s company in a dance of `frames`, `rate_hz` a second."""

    def __init__(self, dancer: Dancer, metadata: Metadata, reference: Reference, frames: int, rate_hz: float) -> None:
        self.frames = 0
        """How many have been danced."""
        self._dancer = dancer
        self._kind = metadata.image_kind
        self._reference = reference
        self._rate = metadata.steps_a_second
        self._part = max(1, min(round(WINDOW * rate_hz), frames // 2) // PARTS)
        count = dancer.dancers
        self._size = count, reference.directions.shape[1]
        self._early, self._late = Moments(*self._size), [Moments(*self._size) for _ in range(PARTS)]
        # Sums of how far poses moved a second, and how many they are of: (1 + parts, dancers, 2), the early ones first.
        self._moved = np.zeros((1 + PARTS, count, 2))
        self._poses = np.zeros((count, len(reference.origin)), np.float32)
        self._places = np.full(count, np.nan)  # where in dance time those poses were

    def present(self, picture: Glances, values: Mapping[str, float]) -> None:
        """Looks at those whose turn it is: all as often."""
        del values
        part = self.frames // self._part
        if self.frames % self._part == 0:
            self._late[part % PARTS].sums[:] = 0
            self._moved[1 + part % PARTS] = 0
        self.frames += 1
        who = np.flatnonzero(picture.turn)
        if not len(who):
            return
        seen = poses(picture.images[who], self._kind)
        along = self._reference.along(seen)
        positions = self._dancer.positions
        self._late[part % PARTS].add(who, along)
        if part < PARTS:
            self._early.add(who, along)
        self._see_moving(who, seen, positions, part)

    def close(self) -> None:
        """Holds nothing that needs closing."""

    @property
    def window(self) -> int:
        """How many frames, of the first and of the last, are compared."""
        return self._part * PARTS

    def distances(self) -> Compared:
        """How far each dancer's poses are from the reference's (`fd_pose`)."""
        return Compared(self._apart(self._early.sums), self._apart(self._lately))

    def together(self) -> Compared:
        """The same of all dancers' poses as if one had danced them, (1): it hardly goes by chance."""
        early, late = (sums.sum(0, keepdims=True) for sums in (self._early.sums, self._lately))
        return Compared(self._apart(early), self._apart(late))

    def energies(self) -> Compared:
        """How far each dancer's poses move, a second of dance time."""
        with np.errstate(invalid="ignore"):
            early, late = self._moved[0], self._moved[1:].sum(0) * self._has_both
            return Compared(early[:, 0] / early[:, 1], late[:, 0] / late[:, 1])

    def state(self) -> dict[str, NDArray]:
        """All that it carries on from: arrays by name."""
        late = np.stack([part.sums for part in self._late])
        arrays: dict[str, NDArray] = {"early": self._early.sums, "late": late, "moved": self._moved}
        arrays |= {"poses": self._poses, "places": self._places, "frames": np.array(self.frames, np.int64)}
        return {f"witness_{name}": np.array(array) for name, array in arrays.items()}

    def restore(self, arrays: Mapping[str, NDArray]) -> None:
        """Takes up what `state` gave of such a company. Raises KeyError and ValueError for anything else."""
        owns: list[NDArray] = [
            self._early.sums,
            *(part.sums for part in self._late),
            self._moved,
            self._poses,
            self._places,
        ]
        names = ("witness_moved", "witness_poses", "witness_places")
        givens = [arrays["witness_early"], *arrays["witness_late"], *(arrays[name] for name in names)]
        for own, given in zip(owns, givens, strict=True):
            if own.shape != given.shape:
                raise ValueError(f"figures of a dance are {given.shape}; they must be {own.shape}")
            own[...] = given
        self.frames = int(arrays["witness_frames"])

    @property
    def _has_both(self) -> bool:
        """Whether the last minutes are no longer the first."""
        return self.frames >= 2 * self.window

    def _see_moving(
        self, who: NDArray[np.int64], seen: NDArray[np.float32], positions: NDArray[np.float64], part: int
    ) -> None:
        """Measures how far those poses moved whose last measure is half a second ago."""
        at, steps = positions[who], positions[who] - self._places[who]
        due = ~(steps < STRIDE * self._rate)  # the first one too, whose distance is no number
        moved = np.linalg.norm(seen - self._poses[who], axis=1) / (steps / self._rate)
        for index in np.flatnonzero(due & np.isfinite(steps)):
            self._moved[1 + part % PARTS, who[index]] += moved[index], 1
            if part < PARTS:
                self._moved[0, who[index]] += moved[index], 1
        self._poses[who[due]], self._places[who[due]] = seen[due], at[due]

    @property
    def _lately(self) -> NDArray[np.float64]:
        """The sums of the last minutes."""
        return np.sum([part.sums for part in self._late], axis=0) * self._has_both

    def _apart(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        moments = Moments(len(sums), self._size[1])
        moments.sums[:] = sums
        enough = sums[:, 0] > self._size[1]  # else their covariance says nothing
        spreads = [moments.spread(dancer) for dancer in range(len(enough))]
        found = [
            distance(spread, self._reference.spread) if each else np.nan
            for spread, each in zip(spreads, enough, strict=True)
        ]
        return np.array(found)
