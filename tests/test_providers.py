"""Devices for the model: only what works, the CPU otherwise, always the reason, and how to get what is missing."""

import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from engine import arguments, providers, webgpu
from engine.metadata import PRECISIONS
from engine.providers import (
    CAPTURE,
    COREML,
    CPU,
    CUDA,
    DEVICES,
    LIVE_THREADS,
    OFFLINE_THREADS,
    OPTIONS,
    PROVIDERS,
    WEBGPU,
    Device,
    DeviceError,
    Missing,
    choose,
    missing,
    open_session,
)

NOTHING = Missing("is not here", "buy it")


class Session:
    """A session that says where it runs."""

    def __init__(self, *names: str) -> None:
        self.names = [PROVIDERS[name] for name in names]

    def get_providers(self) -> list[str]:
        return self.names


@pytest.fixture
def only(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has nothing missing for the devices named, and something for all others."""

    def only(*names: str, hardware: bool = True) -> None:
        monkeypatch.setattr(providers, "missing", lambda name: None if name in names else NOTHING)
        monkeypatch.setattr(webgpu, "adapter", lambda: None)
        monkeypatch.setattr(webgpu, "is_hardware", lambda adapter: hardware)

    return only


def opens(monkeypatch: pytest.MonkeyPatch, **sessions: Session | Exception) -> None:
    """Has a model open as given for each device; `cuda_alone` is without the CPU's help."""

    def open_one(
        path: Any, name: str, threads: int, alone: bool = False, capture: bool = False, spins: bool = False
    ) -> Session:
        found = sessions.get(f"{name}_alone", sessions.get(name)) if alone else sessions[name]
        if isinstance(found, Exception):
            raise found
        return found or Session(name)

    monkeypatch.setattr(providers, "_open", open_one)


def chosen(wanted: str = "auto") -> Device:
    return choose("step.onnx", wanted)[0]


def refusal(wanted: str) -> str:
    with pytest.raises(DeviceError) as caught:
        choose("step.onnx", wanted)
    return str(caught.value)


REFUSED = providers.onnxruntime_errors.Fail("nodes are assigned to the default CPU EP")


def test_the_command_line_offers_the_devices_that_there_are() -> None:
    assert arguments.DEVICES == DEVICES
    assert arguments.PRECISIONS == (providers.AUTO, *PRECISIONS)  # noqa: SIM300


def test_the_cpu_is_had_when_asked_for(tiny_bundle: Path) -> None:
    device, session = choose(tiny_bundle / "step.onnx", "cpu")
    assert (device, session) == (Device("cpu", "as asked"), None)
    assert open_session(tiny_bundle / "step.onnx", device, 1).get_providers() == ["CPUExecutionProvider"]


def test_where_nothing_else_works_auto_takes_the_cpu_and_says_why(only: Any, tiny_bundle: Path) -> None:
    only()
    assert choose(tiny_bundle / "step.onnx") == (Device("cpu", "cuda: is not here; webgpu: is not here"), None)


@pytest.mark.parametrize(
    ("here", "taken"),
    [([CUDA, COREML, WEBGPU], CUDA), ([COREML, WEBGPU], WEBGPU), ([CUDA], CUDA), ([COREML], CPU), ([], CPU)],
)
def test_auto_takes_cuda_then_webgpu_and_coreml_never(
    only: Any, monkeypatch: pytest.MonkeyPatch, here: list[str], taken: str
) -> None:
    only(*here)
    opens(monkeypatch, cuda=Session(CUDA), coreml=Session(COREML), webgpu=Session(WEBGPU), cpu=Session(CPU))
    assert chosen().name == taken
    if taken != CPU:
        assert chosen().reason == "it works here"
    for name in here:
        assert chosen(name) == Device(name, "as asked")


def test_webgpu_on_a_software_adapter_is_taken_only_by_name(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only(WEBGPU, hardware=False)
    opens(monkeypatch, webgpu=Session(WEBGPU), cpu=Session(CPU))
    assert chosen() == Device(CPU, "cuda: is not here; webgpu: no GPU that it could use, only a software adapter")
    assert chosen(WEBGPU) == Device(WEBGPU, "as asked")


def test_a_device_that_runs_a_part_of_the_model_is_used_and_told(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only(CUDA)
    opens(monkeypatch, cuda_alone=REFUSED, cuda=Session(CUDA, CPU))
    assert chosen() == Device("cuda", "it works here; a part of the model runs on the CPU")


def test_a_device_that_falls_back_in_silence_is_not_used(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # What onnxruntime-gpu does on a machine without a GPU: it lists CUDA, opens, and runs on the CPU.
    only(CUDA)
    opens(monkeypatch, cuda_alone=REFUSED, cuda=Session(CPU), cpu=Session(CPU))
    assert chosen() == Device("cpu", "cuda: did not start; webgpu: is not here")
    assert refusal(CUDA) == (
        '--device cuda: did not start; pip install "dancenet-live[cuda]" brings NVIDIA\'s libraries'
    )
    with pytest.raises(DeviceError, match=r"^--device cuda: did not start for step\.onnx$"):
        open_session("step.onnx", Device("cuda", "as asked"), 1)


def test_what_onnxruntime_says_of_missing_libraries_is_told(only: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only(CUDA)
    opens(monkeypatch, cuda=RuntimeError("pybind_state.cc:729 Create : Please install CUDA.\n"), cpu=Session(CPU))
    assert chosen() == Device("cpu", "cuda: did not start (Please install CUDA); webgpu: is not here")
    assert refusal(CUDA).startswith("--device cuda: did not start (Please install CUDA); pip install ")


def test_what_is_missing_for_a_device_asked_for_is_told_with_how_to_get_it(only: Any) -> None:
    only()
    for name in (CUDA, COREML, WEBGPU):
        assert refusal(name) == f"--device {name}: is not here; buy it"


def test_an_unknown_device_is_refused_with_those_there_are() -> None:
    assert refusal("warp") == "--device warp: unknown; it is one of auto, cpu, cuda, coreml, webgpu"


def test_cuda_needs_an_onnxruntime_with_it_and_a_driver(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert missing(CUDA) == Missing(
        "this onnxruntime was built without it",
        'on x86-64 Linux and Windows: pip uninstall onnxruntime; pip install "dancenet-live[cuda]"',
    )
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[CUDA], PROVIDERS[CPU]])
    monkeypatch.setattr(providers.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    found = missing(CUDA)
    assert found is not None
    assert re.fullmatch(r"no NVIDIA driver here \((libcuda\.so\.1|nvcuda\.dll) is not found\)", found.what)
    assert found.remedy == 'NVIDIA\'s driver brings it, and pip install "dancenet-live[cuda]" the rest'
    # With a driver, NVIDIA's libraries are loaded from their wheels, without a word.
    monkeypatch.setattr(providers.ctypes, "CDLL", lambda name: None)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: sys.stdout.write("Failed to load libcudnn.so.9\n"))
    assert missing(CUDA) is None
    assert capsys.readouterr() == ("", "")


def test_coreml_needs_macos_and_an_onnxruntime_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers.platform, "system", lambda: "Linux")
    assert missing(COREML) == Missing("only macOS has it", "--device auto takes what is here")
    monkeypatch.setattr(providers.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[CPU]])
    assert missing(COREML) == Missing(
        "this onnxruntime was built without it", "pip install --force-reinstall onnxruntime"
    )
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [PROVIDERS[COREML], PROVIDERS[CPU]])
    assert missing(COREML) is None


def test_webgpu_needs_its_plugin_and_an_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    register = webgpu.register.__wrapped__  # without what is known from before
    monkeypatch.setattr(webgpu, "register", register)
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_webgpu", None)
    assert missing(WEBGPU) == Missing("its plugin is not installed", 'pip install "dancenet-live[webgpu]"')
    plugin = SimpleNamespace(get_library_path=lambda: "there.so")
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_webgpu", plugin)
    found = missing(WEBGPU)  # of a library that is not there, what onnxruntime says
    assert found is not None
    assert found.what.startswith("its plugin does not load (") and "\n" not in found.what
    assert found.remedy == 'pip install "dancenet-live[webgpu]" --upgrade'
    monkeypatch.setattr(webgpu, "register", lambda: None)
    monkeypatch.setattr(webgpu, "adapter", lambda: None)
    found = missing(WEBGPU)
    assert found is not None and found.what == "no GPU that it could use" and "Vulkan" in found.remedy
    monkeypatch.setattr(webgpu, "adapter", lambda: "a GPU")
    assert missing(WEBGPU) is None


def test_hardware_is_preferred_to_a_software_adapter(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = onnxruntime.OrtHardwareDeviceType
    software, gpu = (SimpleNamespace(ep_name=PROVIDERS[WEBGPU], device=SimpleNamespace(type=kind))
                     for kind in (kinds.CPU, kinds.GPU))  # fmt: skip
    cpu = SimpleNamespace(ep_name=PROVIDERS[CPU], device=SimpleNamespace(type=kinds.CPU))
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: [cpu, software, gpu])
    assert webgpu.adapter() is gpu
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: [cpu, software])
    assert webgpu.adapter() is software
    monkeypatch.setattr(onnxruntime, "get_ep_devices", lambda: [cpu])
    assert webgpu.adapter() is None


@pytest.mark.parametrize("capture", [False, True])
@pytest.mark.parametrize("name", [CUDA, COREML])
def test_a_session_is_opened_with_its_devices_options_alone(
    monkeypatch: pytest.MonkeyPatch, name: str, capture: bool
) -> None:
    asked: list[Any] = []

    def session(path: str, options: Any, **named: Any) -> Session:
        asked.append(named)
        return Session(name)

    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    open_session("step.onnx", Device(name, "as asked"), 1, capture=capture)
    expected = OPTIONS[name] | (CAPTURE if capture else {})
    assert asked == [{"providers": [(PROVIDERS[name], expected)], "enable_fallback": 0}]


def test_the_devices_options_keep_32_bits_and_the_graphs_layout() -> None:
    assert OPTIONS == {
        CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
        COREML: {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
        WEBGPU: {"preferredLayout": "NCHW"},
    }
    assert CAPTURE == {"enable_cuda_graph": "1"}


def test_tensors_stay_on_the_devices_with_memory_of_their_own() -> None:
    assert [Device(name, "").memory for name in (CPU, CUDA, COREML, WEBGPU)] == [None, "cuda", None, "webgpu"]


@pytest.mark.parametrize("threads", [1, 2])
def test_sessions_keep_to_their_threads_and_spin_only_if_asked_to(tiny_bundle: Path, threads: int) -> None:
    for spins, entry in ((False, "0"), (True, "1")):
        session = open_session(tiny_bundle / "step.onnx", Device("cpu", "as asked"), threads, spins=spins)
        options = session.get_session_options()
        assert options.intra_op_num_threads == threads
        assert options.get_session_config_entry("session.intra_op.allow_spinning") == entry


def test_a_live_show_takes_one_thread_and_a_render_all_cores() -> None:
    assert LIVE_THREADS == 1
    assert 1 <= OFFLINE_THREADS <= (os.cpu_count() or 1)
    if hasattr(os, "sched_getaffinity"):
        assert len(os.sched_getaffinity(0)) == OFFLINE_THREADS
