"""A squad: dancers that take the model's step together, and all that the step carries for them.

Owns the buffers and their binding to the session. A company is the leader, alone, and squads of at most `MOST` behind:
alone, for a matrix of one row is multiplied in another order than a matrix of many, and dancer 0 must dance in company,
to the last bit, what it dances alone; at most so many, so that the session's memory is as large as it gets before the
show begins, and a company that grows costs a frame no more than its own steps.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnxruntime import IOBinding

from engine.bundle import Bundle
from engine.providers import CPU

# The step gathers a block of weights for each dancer: a megabyte each, 16 of them at once.
MOST = 16


class Squad:
    """So many dancers' state, all zero to begin with. `pi` are the mixture weights of the last step."""

    def __init__(self, bundle: Bundle, dancers: int) -> None:
        size = bundle.metadata.latent_size
        self.dancers = dancers
        self.pi = np.full((dancers, bundle.metadata.components), 1 / bundle.metadata.components, np.float32)
        self._bundle = bundle
        # Two sets of buffers: a step reads one and writes the other. The latent is the first of each set.
        shapes = [each.shape_for(dancers) for each in bundle.state]
        self._buffers = [[np.zeros(shape, np.float32) for shape in shapes] for _ in range(2)]
        self._inputs = {
            "uniform": np.full(dancers, 0.5, np.float32),
            "normal": np.zeros((dancers, size), np.float32),
            "pi_temperature": np.ones(dancers, np.float32),
            "sigma_temperature": np.ones(dancers, np.float32),
            **{each.name: np.full(dancers, each.default, np.float32) for each in bundle.metadata.controls},
        }
        self._bindings = [self._bind(read, write) for read, write in ((0, 1), (1, 0))]
        self._current = 0

    @property
    def state(self) -> list[NDArray[np.float32]]:
        """The tensors of the state as `bundle.state` lists them, to be read and written."""
        return self._buffers[self._current]

    @property
    def latent(self) -> NDArray[np.float32]:
        """The latent that the step goes on from, (dancers, latent_size), to be read and written."""
        return self.state[0]

    def step(self, inputs: Mapping[str, NDArray[np.float32] | float]) -> None:
        """Takes a step: `inputs` are the step's by name, those of the state apart, (dancers, ...) or one for all."""
        for name, value in inputs.items():
            self._inputs[name][...] = value
        binding = self._bindings[self._current]
        if self._bundle.provider.name != CPU:
            # Away from the CPU, binding an input copies it over there: bound anew, the step sees what has changed.
            self._bind_inputs(binding, self._current)
        self._bundle.step.run_with_iobinding(binding)
        self._current = 1 - self._current

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

    def _bind(self, read: int, write: int) -> IOBinding:
        binding = self._bundle.step.io_binding()
        self._bind_inputs(binding, read)
        outputs = {each.name_out: buffer for each, buffer in zip(self._bundle.state, self._buffers[write], strict=True)}
        for name, buffer in (outputs | {"pi": self.pi}).items():
            binding.bind_output(name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
        return binding

    def _bind_inputs(self, binding: IOBinding, read: int) -> None:
        for each, buffer in zip(self._bundle.state, self._buffers[read], strict=True):
            binding.bind_cpu_input(each.name_in, buffer)
        for name, value in self._inputs.items():
            binding.bind_cpu_input(name, value)


def company(squads: list[Squad], dancers: int, bundle: Bundle) -> list[Squad]:
    """The squads of a company of `dancers`, in which those that were in `squads` go on."""
    sizes = [1] + [min(MOST, dancers - first) for first in range(1, dancers, MOST)]
    kept = [squad if squad.dancers == size else squad.resized(size) for squad, size in zip(squads, sizes, strict=False)]
    return kept + [Squad(bundle, size) for size in sizes[len(kept) :]]
