"""Opens ONNX sessions on the provider that really works, and says which and why.

onnxruntime lists CUDA wherever it was built with it, and falls back to the CPU in silence: what counts is what
`session.get_providers()` says of an open session.
"""

import ctypes
import os
import sys
from dataclasses import dataclass

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

CPU = "cpu"
CUDA = "cuda"
# Exact and repeatable before fast: no TF32, and convolution algorithms by rule, not by a race between them.
OPTIONS = {CUDA: {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}}
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
)


class ProviderError(Exception):
    """A provider that was asked for by name and cannot be had; the message is one line."""


@dataclass(frozen=True)
class Provider:
    """Where the sessions run, and why there."""

    name: str
    reason: str


def available() -> tuple[str, ...]:
    """The short names of the providers that this onnxruntime was built with, best first: `cuda`, `cpu`..."""
    return tuple(_short(name) for name in onnxruntime.get_available_providers())


def choose(path: str | os.PathLike[str], wanted: str = "auto") -> Provider:
    """The provider for the model at `path`: `wanted` by its short name, or with `auto` CUDA if it works, else the CPU.

    Opens the model once, or twice, to find out; whether it is a model at all shows when it is opened to run. Raises
    ProviderError.
    """
    names = available()
    if wanted == CPU:
        return Provider(CPU, "as asked")
    if wanted == "auto" and CUDA not in names:
        return Provider(CPU, "this onnxruntime was built without CUDA")
    if wanted != "auto" and wanted not in names:
        raise ProviderError(f"provider {wanted}: this onnxruntime has {', '.join(names)}")
    name = CUDA if wanted == "auto" else wanted
    asked = "as asked" if wanted != "auto" else "it works here"
    trouble = _missing_for_cuda() if name == CUDA else None
    if trouble is None:
        try:
            _open(path, name, threads=1, alone=True)
            return Provider(name, asked)
        except SESSION_ERRORS:
            trouble = "did not start"
        try:
            session = _open(path, name, threads=1)
        except SESSION_ERRORS as error:
            trouble = f"did not start ({one_line(error)})"
        else:
            if _short(session.get_providers()[0]) == name:
                return Provider(name, f"{asked}; a part of the model runs on the CPU")
    if wanted == "auto":
        return Provider(CPU, f"{name}: {trouble}")
    raise ProviderError(f"provider {wanted}: {trouble}")


def open_session(path: str | os.PathLike[str], provider: Provider, threads: int) -> onnxruntime.InferenceSession:
    """Opens the model at `path` on the provider. Raises one of SESSION_ERRORS, or ProviderError if it fell back."""
    session = _open(path, provider.name, threads)
    if _short(session.get_providers()[0]) != provider.name:
        raise ProviderError(f"provider {provider.name}: did not start for {path}")
    return session


def one_line(error: Exception) -> str:
    """onnxruntime's message on one line, without its prefix and without the path of the model."""
    text = " ".join(str(error).split())
    for mark in ("failed:", " : "):
        text = text.rpartition(mark)[2]
    return text.strip().rstrip(".")


def _open(path: str | os.PathLike[str], name: str, threads: int, alone: bool = False) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = LOG_FATAL  # what goes wrong is said by us, on one line
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    # Spinning threads burn a core each: on two busy cores a decode took 20 ms with them and 6 without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if alone:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    if name != CPU:
        onnxruntime.set_default_logger_severity(LOG_FATAL)  # a provider that cannot load complains there
    full = {_short(each): each for each in onnxruntime.get_available_providers()}[name]
    return onnxruntime.InferenceSession(
        os.fspath(path), options, providers=[(full, OPTIONS.get(name, {}))], enable_fallback=0
    )


def _missing_for_cuda() -> str | None:
    """What CUDA lacks here, or None. Loads NVIDIA's libraries from their wheels (the extra `cuda`) where they are."""
    driver = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(driver)
    except OSError:
        return f"no NVIDIA driver here ({driver} is not found)"
    onnxruntime.preload_dlls()
    return None


def _short(provider: str) -> str:
    return provider.removesuffix("ExecutionProvider").lower()
