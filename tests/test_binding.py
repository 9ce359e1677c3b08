"""Bindings: the same steps wherever the tensors are kept, and what is written between two steps is gone on from.

The CPU's own memory stands in for a device's: `OrtValue` keeps copies there, which only come over when they are read.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import providers
from engine.binding import Binding, DeviceBinding, step_alike
from engine.bundle import Bundle, open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.providers import CPU, CUDA, Device
from engine.squad import company

VALUES = {row.key: row.default for row in PARAMETERS}


class Turn:
    """Counts how often it was taken."""

    taken = 0

    def __enter__(self) -> None:
        self.taken += 1

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture(scope="module")
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle, "cpu")


@pytest.fixture
def recording(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    """A bundle on a CUDA that is the CPU, whose runs are told apart by the graph that they would record."""
    monkeypatch.setattr(providers, "missing", lambda name: None)
    monkeypatch.setitem(providers.PROVIDERS, CUDA, providers.PROVIDERS[CPU])
    monkeypatch.setitem(providers.OPTIONS, CUDA, {})
    monkeypatch.setattr(providers, "CAPTURE", {})
    monkeypatch.setattr(Device, "memory", "cpu")
    return open_bundle(tiny_bundle, CUDA)


def bind(bundle: Bundle, dancers: int, there: bool, turn: Any = None) -> Binding | DeviceBinding:
    ours = bundle.bind(dancers)
    if not there:
        return ours
    turn = turn or contextlib.nullcontext()
    inputs = {name: value.copy() for name, value in ours.inputs.items()}
    return DeviceBinding(bundle.step, bundle.state, dancers, inputs, ours.pi.copy(), "cpu", turn, False)


def steps(binding: Binding | DeviceBinding, count: int) -> Iterator[tuple[bytes, bytes]]:
    random = np.random.default_rng(0)
    for _ in range(count):
        binding.inputs["uniform"][...] = random.random(len(binding.pi), np.float32)
        binding.step()
        yield binding.latent.tobytes(), binding.pi.tobytes()


@pytest.mark.parametrize("dancers", [1, 3, 16])
def test_steps_are_the_same_wherever_the_state_is(bundle: Bundle, dancers: int) -> None:
    here, there = bind(bundle, dancers, False), bind(bundle, dancers, True)
    assert list(steps(here, 7)) == list(steps(there, 7))
    assert [tensor.tobytes() for tensor in here.state] == [tensor.tobytes() for tensor in there.state]


def test_what_is_written_between_two_steps_is_gone_on_from(bundle: Bundle) -> None:
    both = bind(bundle, 3, False), bind(bundle, 3, True)
    for binding in both:
        list(steps(binding, 4))
        binding.state[1][:, 1] = 0.25
        binding.latent[2] = 0.5
    here, there = (list(steps(binding, 3)) for binding in both)
    assert here == there
    assert here != list(steps(bind(bundle, 3, False), 3))


def test_what_is_only_read_stays_on_the_device(bundle: Bundle) -> None:
    binding = bind(bundle, 2, True)
    assert isinstance(binding, DeviceBinding)
    list(steps(binding, 3))
    hidden = binding._here[1]
    assert (hidden == 0).all()  # as it began: the steps since have not come over
    assert (binding.latent != 0).any()
    assert (binding.state[1] != 0).any()


def test_a_device_is_used_in_turn(bundle: Bundle) -> None:
    turn = Turn()
    binding = bind(bundle, 1, True, turn)
    began = turn.taken
    binding.step()
    assert turn.taken == began + 1
    assert binding.state and turn.taken == began + 2
    assert binding.state and turn.taken == began + 2  # it is here already
    del binding
    assert turn.taken == began + 3


def test_steps_that_differ_are_noticed(bundle: Bundle) -> None:
    assert step_alike(bind(bundle, 1, False), bind(bundle, 1, True))
    other = bind(bundle, 1, True)
    other.state[2][...] = 1e-3
    assert not step_alike(bind(bundle, 1, False), other)


def test_a_whole_dance_is_the_same_with_its_state_on_a_device(recording: Bundle, bundle: Bundle) -> None:
    def dance(bundle: Bundle) -> list[NDArray[np.float32]]:
        dancer, shown = Dancer(bundle, [7]), []
        for frame in range(140):
            dancers = 1 if frame < 10 else 20 if frame < 60 else 4
            values = VALUES | {"dance/dancers": dancers, "dance/unison": float(30 < frame < 50)}
            if frame == 70:
                dancer.ease_back(0, "for the test")
            if frame == 110:
                saved = dancer.state()
            shown.append(dancer.advance(1 / 30, values))
        dancer.restore(saved)
        return [*shown, *(dancer.advance(1 / 30, values) for _ in range(30))]

    plain, there = dance(bundle), dance(recording)
    assert [latents.tobytes() for latents in plain] == [latents.tobytes() for latents in there]
    assert [latents.tobytes() for latents in there[110:140]] == [latents.tobytes() for latents in there[140:]]


def test_every_way_of_a_step_is_a_graph_of_its_own(recording: Bundle) -> None:
    bindings = [recording.bind(1), recording.bind(16), recording.bind(16)]
    graphs = [
        int(options.get_run_config_entry("gpu_graph_id"))
        for binding in bindings
        if isinstance(binding, DeviceBinding)
        for options in binding._options
    ]
    assert len(set(graphs)) == 6
    assert min(graphs) > 0  # 0 is onnxruntime's own, -1 records nothing


def test_what_was_recorded_serves_the_next_company_of_that_size(recording: Bundle) -> None:
    squads = company([], 9, recording)
    squads[1].step({"uniform": 0.9})
    binding = squads[1]._binding
    smaller = company(squads, 1, recording)
    assert smaller == squads[:1]
    larger = company(smaller, 9, recording)
    assert larger[1]._binding is binding
    assert not any(tensor.any() for tensor in larger[1].state)
    assert (binding.inputs["uniform"] == 0.5).all()
    fresh = company([], 9, recording)[1]
    for squad in (larger[1], fresh):
        squad.step({})
    assert larger[1].latent.tobytes() == fresh.latent.tobytes()


def test_a_step_that_is_not_recorded_well_is_not_played(
    recording: Bundle, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recording._captures
    monkeypatch.setattr("engine.bundle.step_alike", lambda one, other: False)
    assert not open_bundle(tiny_bundle, CUDA)._captures

    def fails(one: Binding, other: Binding) -> bool:
        raise providers.onnxruntime_errors.Fail("operation not permitted when stream is capturing")

    monkeypatch.setattr("engine.bundle.step_alike", fails)
    assert not open_bundle(tiny_bundle, CUDA)._captures
