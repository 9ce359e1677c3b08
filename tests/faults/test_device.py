"""What becomes of a show whose GPU fails: the CPU dances on, to the same bits where the GPU was as exact, and says so.

The CPU stands in for CUDA: sessions that fail when they are told to, and memory that gives nothing back any more.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine import providers
from engine.binding import REMEMBERED, Binding, DeviceBinding
from engine.bundle import Bundle, BundleError, open_bundle
from engine.commands.live import describe
from engine.dancer import Dancer
from engine.decoding import AT_ONCE
from engine.parameters import PARAMETERS
from engine.providers import AUTO, CPU, CUDA, Device
from engine.squad import company
from engine.status import Status
from tests.display import Screen
from tests.test_live import Player, playing_live

STEP, DECODE, MEMORY = "step", "decode", "memory"
SAID = "tiny: cuda has failed (unspecified launch failure); it dances on on the CPU"
VALUES = {row.key: row.default for row in PARAMETERS}


class Gpu:
    """What of it fails."""

    def __init__(self) -> None:
        self.failing: set[str] = set()

    def used(self, what: str) -> None:
        if what in self.failing:
            raise providers.onnxruntime_errors.Fail("[ONNXRuntimeError] : 1 : FAIL : unspecified launch failure")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Gpu:
    """A CUDA that is the CPU."""
    gpu = Gpu()

    class Session(onnxruntime.InferenceSession):
        def run(self, *arguments: Any, **named: Any) -> Any:
            gpu.used(DECODE if "images" in {each.name for each in self.get_outputs()} else STEP)
            return super().run(*arguments, **named)

        def run_with_iobinding(self, *arguments: Any, **named: Any) -> None:
            gpu.used(STEP)
            super().run_with_iobinding(*arguments, **named)

    open_on, numpy = providers._open, onnxruntime.OrtValue.numpy

    def opened(path: Any, name: str, threads: int, **named: Any) -> Any:
        session = open_on(path, name, threads, **named)
        if name == CUDA:
            session.__class__ = Session
        return session

    def over(value: onnxruntime.OrtValue) -> Any:
        gpu.used(MEMORY)
        return numpy(value)

    monkeypatch.setattr(providers, "missing", lambda name: None)
    monkeypatch.setitem(providers.PROVIDERS, CUDA, providers.PROVIDERS[CPU])
    monkeypatch.setitem(providers.OPTIONS, CUDA, {})
    monkeypatch.setattr(providers, "CAPTURE", {})
    monkeypatch.setattr(providers, "_open", opened)
    monkeypatch.setattr(onnxruntime.OrtValue, "numpy", over)
    monkeypatch.setattr(Device, "memory", property(lambda device: CPU if device.name == CUDA else None))
    return gpu


def danced(player: Player, frames: int) -> Iterator[bytes]:
    """The steps of so many frames, none of which is black."""
    for _ in range(frames):
        player.frames(1)
        assert player.stage.picture.read().any()
        for latents in player.stage.cast.models.dancer.steps:
            yield latents.tobytes()


@pytest.mark.parametrize("fails", [(STEP,), (DECODE,), (STEP, DECODE, MEMORY)], ids="-".join)
def test_a_show_whose_gpu_fails_dances_on_on_the_cpu_without_a_black_frame(
    fails: tuple[str, ...], gpu: Gpu, tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    company = ("--quality", "1", "--set", "dance/dancers=20", "--set", "dance/unison=0.5")
    with playing_live(
        tmp_path, "--model", str(tiny_bundle), "--device", CUDA, "--audio", "off", "--scene", "off", *company
    ) as player:
        stage, undisturbed = player.stage, Dancer(open_bundle(tiny_bundle, CPU), [7] * 20)
        steps = list(danced(player, 20))
        assert stage.picture._layers._newest._decoding._budget() is None, "a GPU decodes all of them at once"
        gpu.failing = set(fails)
        steps += danced(player, 40)
        assert player.said.getvalue() == f"dancenet: {SAID}\n"
        facts = {fact.label: fact.value for fact in describe(stage, Status(io.StringIO()))}
        assert facts["device"] == CPU
        assert stage.picture._layers._newest._decoding._budget() is not None, "the CPU in turns"
        player.send("dance/dancers", 3)
        player.until(lambda: stage.cast.models.dancer.dancers == 3)
        assert stage.picture.images.shape[0] == 3
    values = {**VALUES, "dance/dancers": 20, "dance/unison": 0.5, "dance/seed": 7}
    expected: list[bytes] = []
    while len(expected) < len(steps):
        undisturbed.advance(1 / 30, values)
        expected += [latents.tobytes() for latents in undisturbed.steps]
    assert steps == expected[: len(steps)]


def test_a_state_that_the_gpu_took_with_it_is_danced_anew(gpu: Gpu, tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, CUDA, tell=lambda line: None)
    random = np.random.default_rng(0)

    def stepped(steps: int) -> tuple[DeviceBinding, list[Any]]:
        binding = bundle.bind(3)
        assert isinstance(binding, DeviceBinding)
        binding.state[1][...] = 0.5  # as if it had danced before
        for _ in range(steps):
            binding.inputs["uniform"][...] = random.random(3, np.float32)
            binding.inputs["normal"][...] = random.normal(size=binding.latent.shape)
            binding.step()
        whole = [tensor.copy() for tensor in binding.state]
        binding._is_here = False  # as if nobody had looked
        return binding, whole

    def rescued(binding: DeviceBinding) -> list[Any]:
        other = open_bundle(tiny_bundle, CPU).bind(3)
        assert isinstance(other, Binding)
        gpu.failing = {MEMORY}
        binding.rescue(other)
        gpu.failing = set()
        assert other.pi.tobytes() == binding.pi.tobytes()
        return other.state

    # The host's copy is that of the last look, which `stepped` has just had: forget it, as far as a device would.
    binding, whole = stepped(REMEMBERED)
    binding._here[1:] = [np.full_like(whole[1], 0.5), np.zeros_like(whole[2])]
    assert [tensor.tobytes() for tensor in rescued(binding)] == [tensor.tobytes() for tensor in whole]
    binding, whole = stepped(REMEMBERED + 40)
    binding._here[1:] = [np.full_like(tensor, np.nan) for tensor in whole[1:]]
    for found, expected in zip(rescued(binding), whole, strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_gpu_that_opens_a_model_but_cannot_run_it_is_left_to_the_cpu_or_told_where_it_was_asked_for(
    gpu: Gpu, tiny_bundle: Path
) -> None:
    said: list[str] = []
    gpu.failing = {STEP, DECODE}
    bundle = open_bundle(tiny_bundle, AUTO, tell=said.append)
    assert said == [], "`runs on` says it"
    assert (bundle.device.name, bundle.device.reason) == (CPU, "cuda has failed (unspecified launch failure)")
    assert bundle.decode(np.zeros((AT_ONCE, 8), np.float32)).shape[0] == AT_ONCE
    with pytest.raises(BundleError, match=r"decoder\.onnx: cannot be run \(unspecified launch failure\)$"):
        open_bundle(tiny_bundle, CUDA)


def test_a_squad_that_rested_when_the_device_failed_has_its_state_too(gpu: Gpu, tiny_bundle: Path) -> None:
    said: list[str] = []
    whole = company([], 9, open_bundle(tiny_bundle, CPU))
    failing = company([], 9, open_bundle(tiny_bundle, CUDA, tell=said.append))
    for leader, others in (whole, failing):
        for squad in (leader, others, others):
            squad.step({"uniform": 0.9})
    gpu.failing = {STEP, MEMORY}
    failing[0].step({})
    found, expected = failing[1].state, whole[1].state
    assert [tensor.tobytes() for tensor in found] == [tensor.tobytes() for tensor in expected]
    assert said == [SAID]


def test_a_device_without_memory_of_its_own_that_fails_hands_over_to_the_bit(
    gpu: Gpu, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Device, "memory", None)
    said: list[str] = []
    failing = Dancer(open_bundle(tiny_bundle, CUDA, tell=said.append), [7, 8, 9])
    undisturbed = Dancer(open_bundle(tiny_bundle, CPU), [7, 8, 9])
    values = {**VALUES, "dance/dancers": 3}
    for frame in range(40):
        gpu.failing = {STEP} if frame >= 20 else set()
        assert failing.advance(1 / 30, values).tobytes() == undisturbed.advance(1 / 30, values).tobytes()
    assert said == [SAID]


def test_a_bundle_that_is_another_by_then_is_told(gpu: Gpu, tiny_bundle: Path) -> None:
    bundle: Bundle = open_bundle(tiny_bundle, CUDA)
    bundle.state = bundle.state[:1]
    gpu.failing = {DECODE}
    with pytest.raises(BundleError, match=r"step\.onnx: has another state than the one that dances$"):
        bundle.decode(np.zeros((1, 8), np.float32))


def test_what_fails_on_the_cpu_is_raised(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, CPU)
    with pytest.raises(providers.SESSION_ERRORS):
        bundle.decode(np.zeros((1, 9), np.float32))
