"""A squad: dancers that take the model's step together, and all that the step carries for them.

A company is the leader, alone, and squads of at most `MOST` behind:
alone, for a matrix of one row is multiplied in another order than a matrix of many, and dancer 0 must dance in company,
to the last bit, what it dances alone; at most so many, so that the session's memory is as large as it gets before the
show begins, and a company that grows costs a frame no more than its own steps.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.bundle import Bundle
from engine.providers import SESSION_ERRORS

# The step gathers a block of weights for each dancer: a megabyte each, 16 of them at once.
MOST = 16


class Squad:
    """So many dancers' state, all zero to begin with."""

    def __init__(self, bundle: Bundle, dancers: int) -> None:
        self.dancers = dancers
        self._bundle = bundle
        self._binding = bundle.bind(dancers)

    @property
    def pi(self) -> NDArray[np.float32]:
        """The mixture weights of the last step, (dancers, components), to be read and written."""
        return self._binding.pi

    @property
    def state(self) -> list[NDArray[np.float32]]:
        """The tensors of the state as `bundle.state` lists them, to be read and written until the next step."""
        try:
            return self._binding.state
        except SESSION_ERRORS as error:
            self._rescue(error)
            return self._binding.state

    @property
    def latent(self) -> NDArray[np.float32]:
        """The latent that the step goes on from, (dancers, latent_size), to be read and written."""
        return self._binding.latent

    def step(self, inputs: Mapping[str, NDArray[np.float32] | float]) -> None:
        """Takes a step: `inputs` are the step's by name, those of the state apart, (dancers, ...) or one for all."""
        for name, value in inputs.items():
            self._binding.inputs[name][...] = value
        if self._binding.session is not self._bundle.step:  # others found that the device has failed
            self._binding = self._bundle.rescued(self._binding)
        try:
            self._binding.step()
        except SESSION_ERRORS as error:
            self._rescue(error)
            self._binding.step()

    def close(self) -> None:
        """Gives its tensors back; nobody may look at it any more."""
        self._bundle.unbind(self._binding)

    def rows(self, dancer: int) -> list[NDArray[np.float32]]:
        """The dancer's share of each tensor of the state, to be read and written."""
        return [
            tensor[(slice(None),) * each.axis + (dancer,)]
            for each, tensor in zip(self._bundle.state, self.state, strict=True)
        ]

    def resized(self, dancers: int) -> "Squad":
        """A squad of so many, the first of them as they are here."""
        other = Squad(self._bundle, dancers)
        for dancer in range(min(dancers, self.dancers)):
            for old, new in zip(self.rows(dancer), other.rows(dancer), strict=True):
                new[...] = old
            other.pi[dancer] = self.pi[dancer]
        return other

    def _rescue(self, error: Exception) -> None:
        """Goes on on the CPU, where the device has failed; raises the error where that was the CPU."""
        if self._binding.session is self._bundle.step:  # else others have found out already
            self._bundle.fall_back(error)
        self._binding = self._bundle.rescued(self._binding)


def company(squads: list[Squad], dancers: int, bundle: Bundle) -> list[Squad]:
    """The squads of a company of `dancers`, in which those that were in `squads` go on."""
    sizes = [1] + [min(MOST, dancers - first) for first in range(1, dancers, MOST)]
    kept = [squad if squad.dancers == size else squad.resized(size) for squad, size in zip(squads, sizes, strict=False)]
    for squad in squads:
        if squad not in kept:
            squad.close()
    return kept + [Squad(bundle, size) for size in sizes[len(kept) :]]
