"""The dancer: steps the model, carries its state and its noise, and shows the latent between two steps.

Owns the dance: the company's state, its place in dance time, and the passages of real footage that it is led through,
to begin with and after a fall. The batch axis is the company of dancers; one is a company of one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnxruntime import IOBinding

from engine.bundle import Bundle
from engine.noise import Noise
from engine.providers import CPU

# Eased back, a dancer crosses from where it was into the passage in this many seconds of dance time.
EASE = 0.5
# Places closer to a step than this, in steps, are the step: sums of 1/144 s never meet it exactly.
AT_THE_STEP = 1e-6
FREE = -1


@dataclass(frozen=True)
class Fall:
    """A dancer that had to be eased back: which one, at what step, why, and to which passage of the bank."""

    step: int
    dancer: int
    reason: str
    passage: int


class Dancer:
    """A company of dancers, a seed for each. It has been led through a passage and dances from the first frame on.

    Parameters are read from the values handed to `advance`: `dance/temperature`, `dance/pi_temperature`,
    `dance/sigma_temperature`, `dance/speed`, `dance/seed` and the bundle's own controls.
    """

    def __init__(self, bundle: Bundle, seeds: Sequence[int]) -> None:
        dancers, size = len(seeds), bundle.metadata.latent_size
        self._bundle = bundle
        self._rate = bundle.metadata.steps_a_second
        self._ease_steps = max(1, round(EASE * self._rate))
        self._noise = Noise(seeds, size)
        self._seed = int(seeds[0])
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
        self._step = 0
        self._phase = 1.0
        self._before = np.zeros((dancers, size), np.float32)
        self._latest = np.zeros((dancers, size), np.float32)
        # Leading: the passage, how many of its latents have been given, and the latent to cross over from.
        self._passage = np.full(dancers, FREE, np.int64)
        self._given = np.zeros(dancers, np.int64)
        self._origin = np.zeros((dancers, size), np.float32)
        self._falls: list[Fall] = []
        self._warm_up()

    @property
    def position(self) -> float:
        """Where the dance shown is, in steps of dance time since the show began."""
        return self._step - 1 + self._phase

    @property
    def easing(self) -> NDArray[np.bool_]:
        """Which dancers are crossing over into a passage just now, (dancers)."""
        return (self._passage != FREE) & (self._given < self._ease_steps)

    def advance(self, dt: float, values: Mapping[str, float]) -> NDArray[np.float32]:
        """Dances on for `dt` seconds of show time; returns the latents to show, (dancers, latent_size), to keep."""
        self._read(values)
        self._phase += dt * values["dance/speed"] * self._rate
        nearest = round(self._phase)
        if abs(self._phase - nearest) < AT_THE_STEP:
            self._phase = float(nearest)
        while self._phase > 1:
            self._take_step()
            self._phase -= 1
        if self._phase == 1:
            return self._latest.copy()
        return self._before + np.float32(self._phase) * (self._latest - self._before)

    def ease_back(self, dancer: int, reason: str) -> None:
        """Leads the dancer back into real dance: from where it is, over `EASE` seconds, into a passage of the bank.

        The model's state starts anew and is fed the passage as it is shown, so that the dancer goes on by itself where
        the passage ends.
        """
        passage = self._noise.choice(dancer, self._step, len(self._bundle.bank))
        for each, buffer in zip(self._bundle.state, self._buffers[self._current], strict=True):
            buffer[(slice(None),) * each.axis + (dancer,)] = 0
        self._latent[dancer] = self._bundle.bank[passage, 0]
        self._passage[dancer], self._given[dancer] = passage, 1
        self._origin[dancer] = self._latest[dancer]
        self._falls.append(Fall(self._step, dancer, reason, passage))

    def take_falls(self) -> list[Fall]:
        """The falls since this was last called."""
        falls, self._falls = self._falls, []
        return falls

    def state(self) -> dict[str, NDArray]:
        """All that the dance carries on from, as copies: name -> array, fit for `numpy.savez`."""
        names = [each.name_in.removesuffix("_in") for each in self._bundle.state]
        carried = dict(zip(names, self._buffers[self._current], strict=True))
        place = {"step": np.int64(self._step), "phase": np.float64(self._phase), "seed": np.int64(self._seed)}
        shown = {"before": self._before, "latest": self._latest, "seeds": np.array(self._noise.seeds, np.int64)}
        led = {"passage": self._passage, "given": self._given, "origin": self._origin}
        return {name: np.array(value) for name, value in (carried | place | shown | led).items()}

    def restore(self, state: Mapping[str, NDArray]) -> None:
        """Takes the dance up where `state()` was called, bit for bit. Raises ValueError for another company's state."""
        own = self.state()
        for name, value in own.items():
            found = state[name].shape if name in state else "missing"
            if found != value.shape:
                raise ValueError(f"state of the dance: {name} is {found}; it must be {value.shape}")
        for each, buffer in zip(self._bundle.state, self._buffers[self._current], strict=True):
            buffer[...] = state[each.name_in.removesuffix("_in")]
        self._step, self._phase, self._seed = int(state["step"]), float(state["phase"]), int(state["seed"])
        for name in ("before", "latest", "passage", "given", "origin"):
            getattr(self, f"_{name}")[...] = state[name]
        self._noise = Noise([int(seed) for seed in state["seeds"]], self._bundle.metadata.latent_size)
        self._falls = []

    @property
    def _latent(self) -> NDArray[np.float32]:
        return self._buffers[self._current][0]

    def _read(self, values: Mapping[str, float]) -> None:
        temperature = values["dance/temperature"]
        self._inputs["pi_temperature"][:] = temperature * values["dance/pi_temperature"]
        self._inputs["sigma_temperature"][:] = temperature * values["dance/sigma_temperature"]
        for each in self._bundle.metadata.controls:
            self._inputs[each.name][:] = values[each.key]
        seed = int(values["dance/seed"])
        if seed != self._seed:
            self._seed = seed
            self._noise = Noise([seed] * len(self._noise.seeds), self._bundle.metadata.latent_size)

    def _take_step(self) -> None:
        self._inputs["uniform"][:], self._inputs["normal"][:] = self._noise.draw(self._step)
        self._run()
        self._step += 1
        self._before, self._latest = self._latest, self._before
        self._latest[:] = self._latent
        for dancer in np.flatnonzero(self._passage != FREE):
            self._lead(int(dancer))
        for dancer in np.flatnonzero(~np.isfinite(self._latent).all(axis=1)):
            self._latest[dancer] = self._before[dancer]
            self.ease_back(int(dancer), "latents that are not numbers")

    def _lead(self, dancer: int) -> None:
        """Puts the passage's next latent in the place of the one the model drew; sets the dancer free at its end."""
        passage, given = self._bundle.bank[self._passage[dancer]], int(self._given[dancer])
        if given == len(passage):
            self._passage[dancer] = FREE
            return
        self._latent[dancer] = passage[given]
        self._given[dancer] = given + 1
        if given >= self._ease_steps:
            self._latest[dancer] = passage[given]
            return
        share = given / self._ease_steps
        share = share * share * (3 - 2 * share)
        origin = self._origin[dancer]
        self._latest[dancer] = origin + np.float32(share) * (passage[given] - origin)

    def _warm_up(self) -> None:
        """Leads every dancer through a passage of its seed's choice, so that the state is that of a dance."""
        dancers = range(len(self._noise.seeds))
        bank = self._bundle.bank
        passages = bank[[self._noise.choice(dancer, 0, len(bank)) for dancer in dancers]]
        for given in range(passages.shape[1]):
            if given:
                self._run()
            self._latent[:] = passages[:, given]
        self._before[:] = self._latest[:] = self._latent

    def _run(self) -> None:
        binding = self._bindings[self._current]
        if self._bundle.provider.name != CPU:
            # Away from the CPU, binding an input copies it over there: bound anew, the step sees what has changed.
            self._bind_inputs(binding, self._current)
        self._bundle.step.run_with_iobinding(binding)
        self._current = 1 - self._current

    def _bind(self, read: int, write: int) -> IOBinding:
        binding = self._bundle.step.io_binding()
        self._bind_inputs(binding, read)
        for each, buffer in zip(self._bundle.state, self._buffers[write], strict=True):
            binding.bind_output(each.name_out, "cpu", 0, np.float32, buffer.shape, buffer.ctypes.data)
        return binding

    def _bind_inputs(self, binding: IOBinding, read: int) -> None:
        for each, buffer in zip(self._bundle.state, self._buffers[read], strict=True):
            binding.bind_cpu_input(each.name_in, buffer)
        for name, value in self._inputs.items():
            binding.bind_cpu_input(name, value)
