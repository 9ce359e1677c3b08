"""Opens ONNX sessions on the device that really works, and says which and why, or what is missing and how to get it.

Owns what onnxruntime is told: providers, their options, threads. onnxruntime lists CUDA wherever it was built with it,
and falls back to the CPU in silence: what counts is what `session.get_providers()` says of an open session. CUDA and
CoreML are written from onnxruntime's documentation and have not been measured; WebGPU has run on a software adapter.
"""

import contextlib
import ctypes
import io
import os
import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from engine import webgpu
from engine.arena import use_arena
from engine.onnx_file import check_graph_file

AUTO, CPU, CUDA, COREML, WEBGPU = DEVICES = "auto", "cpu", "cuda", "coreml", "webgpu"
PROVIDERS = {
    CPU: "CPUExecutionProvider",
    CUDA: "CUDAExecutionProvider",
    COREML: "CoreMLExecutionProvider",
    WEBGPU: webgpu.PROVIDER,
}
# What `auto` tries before the CPU. NVIDIA's own kernels before portable ones. Not CoreML: the graphs have a free axis,
# with which it has crashed (onnxruntime #21227) and is slow, says its documentation, as every node is that it leaves to
# the CPU. On the CPU alone a frame takes 3 ms.
TRIED = CUDA, WEBGPU
# Exact and repeatable before fast.
OPTIONS = {
    # No TF32, and convolution algorithms by rule, not by a race between them.
    CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
    # Not the neural engine, which computes in 16 bits, and the format that keeps float32 as it is.
    COREML: {"ModelFormat": "MLProgram", "MLComputeUnits": "CPUAndGPU"},
    # The layout of the graphs. With its own, transposes come in, and one of bytes that it leaves to the CPU.
    WEBGPU: {"preferredLayout": "NCHW"},
}
# CUDA only: the kernels of a step are recorded once for each set of buffers and launched together after that.
CAPTURE = {"enable_cuda_graph": "1"}
# A live show: two threads reach a 99th percentile of 41-48 ms on a busy machine of two cores, one reaches 3.5.
LIVE_THREADS = 1
# A render has the machine to itself: all cores that this process may use.
OFFLINE_THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
# The step, always: a dance is not to change with the number of cores, and with 3 threads it did, for sums then go in
# another order. A second thread takes it as long as one.
STEP_THREADS = 1
LOG_FATAL = 4
SESSION_ERRORS = (
    onnxruntime_errors.EPFail,
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.InvalidProtobuf,
    onnxruntime_errors.NoModel,
    onnxruntime_errors.NoSuchFile,
    onnxruntime_errors.NotImplemented,
    onnxruntime_errors.RuntimeException,
    RuntimeError,  # of a provider whose libraries are missing
    UnicodeDecodeError,  # of a damaged model, whose names onnxruntime's own message cannot hold
)


class DeviceError(Exception):
    """A device that was asked for by name and cannot be had; the message is one line that says how to get it."""


@dataclass(frozen=True)
class Device:
    """Where the sessions run, and why there."""

    name: str
    reason: str

    @property
    def memory(self) -> str | None:
        """Where onnxruntime is to keep tensors that stay on the device; None where that is the CPU's own memory."""
        return self.name if self.name in (CUDA, WEBGPU) else None

    @property
    def turn(self) -> AbstractContextManager[Any]:
        """To be held by whoever uses the device's tensors, for as long as that takes."""
        return webgpu.turn if self.name == WEBGPU else contextlib.nullcontext()


@dataclass(frozen=True)
class Missing:
    """What keeps a device from being used here, and how to get it, each a part of a line."""

    what: str
    remedy: str


def missing(name: str) -> Missing | None:
    """What is missing for a device, as far as can be told without a model; None if nothing is."""
    looks = {CUDA: _missing_for_cuda, COREML: _missing_for_coreml, WEBGPU: _missing_for_webgpu}
    return looks[name]() if name in looks else None


def choose(
    path: str | os.PathLike[str], wanted: str = AUTO, threads: int = LIVE_THREADS
) -> tuple[Device, onnxruntime.InferenceSession | None]:
    """The device `wanted`, or with `auto` the first that works, and the model at `path` open there.

    On the CPU, which needs no trial, nothing is opened: None. Raises DeviceError where a device asked for by name
    cannot be had.
    """
    if wanted not in DEVICES:
        raise DeviceError(f"--device {wanted}: unknown; it is one of {', '.join(DEVICES)}")
    troubles = []
    for name in TRIED if wanted == AUTO else (wanted,):
        if name == CPU:
            continue
        reason = "it works here" if wanted == AUTO else "as asked"
        found = missing(name)
        if found is None and name == WEBGPU and wanted == AUTO and not webgpu.is_hardware(webgpu.adapter()):
            found = Missing("no GPU that it could use, only a software adapter", "--device webgpu takes that too")
        opened = found or _try(path, name, threads, reason)
        if not isinstance(opened, Missing):
            return opened
        if wanted != AUTO:
            raise DeviceError(f"--device {name}: {opened.what}; {opened.remedy}")
        troubles.append(f"{name}: {opened.what}")
    return Device(CPU, "; ".join(troubles) or "as asked"), None


def open_session(
    path: str | os.PathLike[str], device: Device, threads: int, capture: bool = False, spins: bool = False
) -> onnxruntime.InferenceSession:
    """Opens the model at `path` on the device. Raises one of SESSION_ERRORS, or DeviceError if it fell back.

    With `spins` its threads wait for each other wide awake. With `capture`, a run with a `gpu_graph_id` records a CUDA
    graph, and the next ones play it.
    """
    session = _open(path, device.name, threads, capture=capture, spins=spins)
    if session.get_providers()[0] != PROVIDERS[device.name]:
        raise DeviceError(f"--device {device.name}: did not start for {path}")
    return session


def one_line(error: Exception) -> str:
    """onnxruntime's message on one line, without its prefix and without the path of the model."""
    text = " ".join(str(error).split())
    for mark in ("failed:", " : "):
        text = text.rpartition(mark)[2]
    return text.strip().rstrip(".")


def install(extra: str) -> str:
    """The command that brings one of the optional extras."""
    return f'pip install "dancenet-live[{extra}]"'


def _try(
    path: str | os.PathLike[str], name: str, threads: int, reason: str
) -> tuple[Device, onnxruntime.InferenceSession] | Missing:
    """The model open on a device for which nothing is missing, or what went wrong."""
    remedies = {CUDA: f"{install(CUDA)} brings NVIDIA's libraries", WEBGPU: f"{install(WEBGPU)} --upgrade"}
    remedy = remedies.get(name, "--device cpu works everywhere")
    try:
        return Device(name, reason), _open(path, name, threads, alone=True)
    except SESSION_ERRORS:
        pass  # a part of the model may need the CPU
    try:
        session = _open(path, name, threads)
    except SESSION_ERRORS as error:
        return Missing(f"did not start ({one_line(error)})", remedy)
    if session.get_providers()[0] != PROVIDERS[name]:
        return Missing("did not start", remedy)
    return Device(name, f"{reason}; a part of the model runs on the CPU"), session


def _open(
    path: str | os.PathLike[str],
    name: str,
    threads: int,
    alone: bool = False,
    capture: bool = False,
    spins: bool = False,
) -> onnxruntime.InferenceSession:
    check_graph_file(Path(path))
    options = onnxruntime.SessionOptions()
    use_arena(options)
    options.log_severity_level = LOG_FATAL  # what goes wrong is said by us, on one line
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # Spinning threads burn a core each: on two busy cores a decode took 20 ms with them and 6 without. Where nothing
    # else is to be computed it takes them 1.0 ms, not 1.4: thirteen times a decode one need not be woken up.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spins else "0")
    if alone:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if name != CPU:
        onnxruntime.set_default_logger_severity(LOG_FATAL)  # a provider that cannot load complains there
    provider_options = OPTIONS.get(name, {}) | (CAPTURE if capture else {})
    if name == WEBGPU:
        options.add_provider_for_devices([webgpu.adapter()], provider_options)
        return webgpu.Session(os.fspath(path), options, enable_fallback=0)
    return onnxruntime.InferenceSession(
        os.fspath(path), options, providers=[(PROVIDERS[name], provider_options)], enable_fallback=0
    )


def _missing_for_cuda() -> Missing | None:
    """Loads NVIDIA's libraries from their wheels (the extra `cuda`) where they are."""
    if PROVIDERS[CUDA] not in onnxruntime.get_available_providers():
        remedy = f"on x86-64 Linux and Windows: pip uninstall onnxruntime; {install(CUDA)}"
        return Missing("this onnxruntime was built without it", remedy)
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        remedy = f"NVIDIA's driver brings it, and {install(CUDA)} the rest"
        return Missing(f"no NVIDIA driver here ({driver} is not found)", remedy)
    # Only here, for it loads a gigabyte. It prints what it does not find; what is missed then shows on opening.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    return None


def _missing_for_coreml() -> Missing | None:
    if platform.system() != "Darwin":
        return Missing("only macOS has it", "--device auto takes what is here")
    if PROVIDERS[COREML] not in onnxruntime.get_available_providers():
        return Missing("this onnxruntime was built without it", "pip install --force-reinstall onnxruntime")
    return None


def _missing_for_webgpu() -> Missing | None:
    onnxruntime.set_default_logger_severity(LOG_FATAL)
    try:
        webgpu.register()
    except ImportError:
        return Missing("its plugin is not installed", install(WEBGPU))
    except SESSION_ERRORS as error:
        return Missing(f"its plugin does not load ({one_line(error)})", f"{install(WEBGPU)} --upgrade")
    if webgpu.adapter() is None:
        remedy = "a driver of the GPU brings one; on Linux that is Vulkan's, with the system's libvulkan1"
        return Missing("no GPU that it could use", remedy)
    return None
