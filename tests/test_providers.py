"""Providers: CUDA only where it works, the CPU otherwise, and always the reason."""

from pathlib import Path

import onnxruntime
import pytest

from engine import providers
from engine.providers import Provider, ProviderError, choose, open_session

CUDA_NAME = "CUDAExecutionProvider"


class Session:
    """A session that says where it runs."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    def get_providers(self) -> list[str]:
        return self.names


@pytest.fixture
def with_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """An onnxruntime that was built with CUDA."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA_NAME, "CPUExecutionProvider"])
    monkeypatch.setattr(providers, "_missing_for_cuda", lambda: None)


def test_the_cpu_is_had_when_asked_for(tiny_bundle: Path) -> None:
    assert choose(tiny_bundle / "step.onnx", "cpu") == Provider("cpu", "as asked")


def test_without_cuda_in_onnxruntime_the_cpu_is_chosen_and_the_reason_said(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert choose(tiny_bundle / "step.onnx") == Provider("cpu", "this onnxruntime was built without CUDA")


def test_an_unknown_provider_is_refused_with_those_there_are(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ProviderError, match=r"^provider warp: this onnxruntime has cpu$"):
        choose(tiny_bundle / "step.onnx", "warp")


def test_cuda_that_only_onnxruntime_lists_is_found_out(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What onnxruntime-gpu does on a machine without a GPU: it lists CUDA, opens, and runs on the CPU.
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA_NAME, "CPUExecutionProvider"])
    monkeypatch.setattr(providers.ctypes, "CDLL", lambda name: (_ for _ in ()).throw(OSError(name)))
    chosen = choose(tiny_bundle / "step.onnx")
    assert (chosen.name, chosen.reason.startswith("cuda: no NVIDIA driver here (")) == ("cpu", True)
    with pytest.raises(ProviderError, match=r"^provider cuda: no NVIDIA driver here \("):
        choose(tiny_bundle / "step.onnx", "cuda")


@pytest.mark.usefixtures("with_cuda")
def test_cuda_is_preferred_where_the_whole_model_runs_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(providers, "_open", lambda path, name, threads, alone=False: Session(CUDA_NAME))
    assert choose("step.onnx") == Provider("cuda", "it works here")
    assert choose("step.onnx", "cuda") == Provider("cuda", "as asked")


@pytest.mark.usefixtures("with_cuda")
def test_cuda_that_runs_a_part_of_the_model_is_used_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(path: str, name: str, threads: int, alone: bool = False) -> Session:
        if alone:
            raise providers.onnxruntime_errors.Fail("nodes are assigned to the default CPU EP")
        return Session(CUDA_NAME, "CPUExecutionProvider")

    monkeypatch.setattr(providers, "_open", opens)
    assert choose("step.onnx") == Provider("cuda", "it works here; a part of the model runs on the CPU")


@pytest.mark.usefixtures("with_cuda")
def test_cuda_that_falls_back_in_silence_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(path: str, name: str, threads: int, alone: bool = False) -> Session:
        if alone:
            raise providers.onnxruntime_errors.Fail("nodes are assigned to the default CPU EP")
        return Session("CPUExecutionProvider")

    monkeypatch.setattr(providers, "_open", opens)
    assert choose("step.onnx") == Provider("cpu", "cuda: did not start")
    with pytest.raises(ProviderError, match=r"^provider cuda: did not start$"):
        choose("step.onnx", "cuda")
    with pytest.raises(ProviderError, match=r"^provider cuda: did not start for step\.onnx$"):
        open_session("step.onnx", Provider("cuda", "as asked"), 1)


@pytest.mark.parametrize("threads", [1, 2])
def test_sessions_keep_to_their_threads_and_do_not_spin(tiny_bundle: Path, threads: int) -> None:
    options = open_session(tiny_bundle / "step.onnx", Provider("cpu", "as asked"), threads).get_session_options()
    assert options.intra_op_num_threads == threads
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


@pytest.mark.usefixtures("with_cuda")
def test_cuda_whose_libraries_are_missing_is_told_with_what_onnxruntime_says(monkeypatch: pytest.MonkeyPatch) -> None:
    def opens(path: str, name: str, threads: int, alone: bool = False) -> Session:
        raise RuntimeError("pybind_state.cc:729 Create : Please install CUDA.\n")

    monkeypatch.setattr(providers, "_open", opens)
    assert choose("step.onnx") == Provider("cpu", "cuda: did not start (Please install CUDA)")
    with pytest.raises(ProviderError, match=r"^provider cuda: did not start \(Please install CUDA\)$"):
        choose("step.onnx", "cuda")
