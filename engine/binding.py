"""The step's tensors, bound to its session: in numpy's memory for the CPU, on the device elsewhere.

Owns the buffers. There are two sets of the state: a step reads one and writes the other, so that nothing is copied
between steps. On the CPU that takes 0.97 of the time of handing arrays in and out for one dancer and as long for 16
(medians of 350 steps, interleaved), and allocates nothing.
"""

import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, IOBinding, OrtValue, RunOptions

from engine.contract import StateTensor
from engine.providers import SESSION_ERRORS

# Of CUDA graphs; 0 is onnxruntime's own.
_graphs = itertools.count(1)
# Uniform numbers of the steps by which two are compared. Each way of a step is recorded once, then played twice.
TRIAL = (0.1, 0.9, 0.5, 0.3, 0.7, 0.2)
# Steps, at the most, by which a state that a device took with it is danced anew: two seconds, over which a show's state
# is looked at once. Of more, only the last ones count, as in the passage that leads a dancer in, which is half as long.
REMEMBERED = 60


class Binding:
    """So many dancers' step in the CPU's memory. The state is zero to begin with.

    `inputs` are the step's by name, those of the state apart, (dancers, ...), and `pi` (dancers, components) the
    mixture weights of the last step.
    """

    def __init__(
        self,
        session: InferenceSession,
        state: Sequence[StateTensor],
        dancers: int,
        inputs: Mapping[str, NDArray[np.float32]],
        pi: NDArray[np.float32],
    ) -> None:
        self.inputs = inputs
        self.pi = pi
        self.session = session
        self._buffers = [[np.zeros(each.shape_for(dancers), np.float32) for each in state] for _ in range(2)]
        self._bindings = [self._bind(state, read, write) for read, write in ((0, 1), (1, 0))]
        self._current = 0

    @property
    def state(self) -> list[NDArray[np.float32]]:
        """The tensors of the state, the latent first, to be read and written until the next step."""
        return self._buffers[self._current]

    @property
    def latent(self) -> NDArray[np.float32]:
        """The latent that the step goes on from, (dancers, latent_size), to be read and written."""
        return self.state[0]

    def step(self) -> None:
        """Takes a step from the state and the inputs as they are."""
        self.session.run_with_iobinding(self._bindings[self._current])
        self._current = 1 - self._current

    def rescue(self, other: "Binding") -> None:
        """Has `other` go on from here."""
        _hand_over(self, other)
        for mine, others in zip(self.state, other.state, strict=True):
            others[...] = mine

    def _bind(self, state: Sequence[StateTensor], read: int, write: int) -> IOBinding:
        binding = self.session.io_binding()
        for each, buffer in zip(state, self._buffers[read], strict=True):
            binding.bind_cpu_input(each.name_in, buffer)
        for name, value in self.inputs.items():
            binding.bind_cpu_input(name, value)
        outputs = {each.name_out: buffer for each, buffer in zip(state, self._buffers[write], strict=True)}
        for name, buffer in (outputs | {"pi": self.pi}).items():
            binding.bind_output(name, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
        return binding


class DeviceBinding:
    """The same with the tensors in a device's memory, where hidden and cell stay from step to step.

    The latent and the mixture's weights come over after each step, 0.6 kB a dancer, and the latent goes back to be
    decoded: in every step the show looks at it, for numbers that are none, for the motion that it hears of, for canon,
    crossings and the log; and the image, 25 kB, has to come over after it anyway. The rest of the state comes over
    when it is looked at and goes back before the next step: when dancers join, are led back, follow the leader, or are
    saved.

    `memory` is the device's by onnxruntime's name for it. `turn` is held while its tensors are used. If the session
    `captures`, each of the two ways of a step is recorded as a CUDA graph, which it keeps for as long as it is open.
    """

    def __init__(
        self,
        session: InferenceSession,
        state: Sequence[StateTensor],
        dancers: int,
        inputs: Mapping[str, NDArray[np.float32]],
        pi: NDArray[np.float32],
        memory: str,
        turn: AbstractContextManager[Any],
        captures: bool,
    ) -> None:
        self._turn = turn
        self.inputs = inputs
        self.pi = pi
        self.session = session
        self._memory = memory
        self._here = [np.zeros(each.shape_for(dancers), np.float32) for each in state]
        self._is_here, self._is_newer = True, False  # the rest of the state; whether it may have been written
        self._fed: deque[NDArray[np.float32]] = deque(maxlen=REMEMBERED)  # latents of the steps since it was here
        self._fed_all = True  # whether those are all of these steps
        with turn:
            self._there = [[self._put(tensor) for tensor in self._here] for _ in range(2)]
            self._inputs_there = {name: self._put(value) for name, value in inputs.items()}
            self._pi_there = self._put(pi)
            self._bindings = [self._bind(state, read, write) for read, write in ((0, 1), (1, 0))]
        self._options = [RunOptions() for _ in range(2)]
        for options in self._options if captures else ():
            # A graph holds the addresses that it was recorded with: one for each binding.
            options.add_run_config_entry("gpu_graph_id", str(next(_graphs)))
        self._current = 0

    @property
    def state(self) -> list[NDArray[np.float32]]:
        """The tensors of the state, the latent first, to be read and written until the next step."""
        if not self._is_here:
            with self._turn:
                for here, there in zip(self._here[1:], self._there[self._current][1:], strict=True):
                    here[...] = there.numpy()
            self._is_here = True
        self._is_newer = True
        return self._here

    @property
    def latent(self) -> NDArray[np.float32]:
        """The latent that the step goes on from, (dancers, latent_size), to be read and written."""
        return self._here[0]

    def step(self) -> None:
        """Takes a step from the state and the inputs as they are."""
        with self._turn:
            for name, there in self._inputs_there.items():
                there.update_inplace(self.inputs[name])
            changed = len(self._here) if self._is_newer else 1
            for here, there in zip(self._here[:changed], self._there[self._current][:changed], strict=True):
                there.update_inplace(here)
            # It returns when the device is done, as it must be before the latent is read.
            self.session.run_with_iobinding(self._bindings[self._current], self._options[self._current])
            latent, pi = self._there[1 - self._current][0].numpy(), self._pi_there.numpy()
        # Only now, when nothing can fail any more: a step is taken or not.
        self._current = 1 - self._current
        if self._is_here:
            self._fed.clear()
        self._fed_all = self._is_here or (self._fed_all and len(self._fed) < REMEMBERED)
        self._fed.append(self._here[0].copy())
        self._here[0][...], self.pi[...] = latent, pi
        self._is_here = self._is_newer = False

    def rescue(self, other: Binding) -> None:
        """Has `other`, in the CPU's memory, go on from here, also where the device gives nothing back any more.

        The state is then danced anew from where it was last here, by the latents since: exactly, but for a bundle's own
        inputs, which may have been others. Where that is too long ago, the last latents lead it in, as a passage does.
        """
        _hand_over(self, other)
        try:
            state = self.state
        except SESSION_ERRORS:
            state = self._here if self._fed_all else [np.zeros_like(tensor) for tensor in self._here]
            for others, mine in zip(other.state[1:], state[1:], strict=True):
                others[...] = mine
            for latent in self._fed:
                other.latent[...] = latent
                other.step()
            other.latent[...], other.pi[...] = self.latent, self.pi
            return
        for others, mine in zip(other.state, state, strict=True):
            others[...] = mine

    def begin(self, inputs: Mapping[str, NDArray[np.float32]], pi: NDArray[np.float32]) -> None:
        """Starts anew for others, with the state at zero: what a session has recorded holds for these buffers alone."""
        self.inputs, self.pi = inputs, pi
        for tensor in self.state:
            tensor[...] = 0

    def _put(self, value: NDArray[np.float32]) -> OrtValue:
        return OrtValue.ortvalue_from_numpy(value.copy(), self._memory, 0)

    def _bind(self, state: Sequence[StateTensor], read: int, write: int) -> IOBinding:
        binding = self.session.io_binding()
        inputs = {each.name_in: there for each, there in zip(state, self._there[read], strict=True)}
        outputs = {each.name_out: there for each, there in zip(state, self._there[write], strict=True)}
        for name, there in (inputs | self._inputs_there).items():
            binding.bind_ortvalue_input(name, there)
        for name, there in (outputs | {"pi": self._pi_there}).items():
            binding.bind_ortvalue_output(name, there)
        return binding

    def __del__(self) -> None:
        with self._turn:
            self.__dict__.clear()


def _hand_over(one: Binding | DeviceBinding, other: Binding) -> None:
    for name, value in one.inputs.items():
        other.inputs[name][...] = value
    other.pi[...] = one.pi


def step_alike(one: Binding | DeviceBinding, other: Binding | DeviceBinding) -> bool:
    """Whether two take the same steps, to the last bit."""
    for uniform in TRIAL:
        for binding in (one, other):
            binding.inputs["uniform"][...] = uniform
            binding.step()
        if not np.array_equal(one.latent, other.latent):
            return False
    pairs = zip((*one.state, one.pi), (*other.state, other.pi), strict=True)
    return all(np.array_equal(mine, others) for mine, others in pairs)
