"""WebGPU by onnxruntime's plugin: GPUs of any maker, through Direct3D, Vulkan or Metal.

Owns the plugin's registration, and whose turn it is: all sessions on WebGPU record into one list of commands, so that
two that run at once, or one that ends while another runs, crash the process (onnxruntime #32561, #31627; seen here).
"""

import functools
import threading
from typing import Any

import onnxruntime

PROVIDER = "WebGpuExecutionProvider"
# Held by whoever uses the device. Re-entrant, for a session ends wherever Python collects it.
turn = threading.RLock()


class Session(onnxruntime.InferenceSession):
    """A session that opens, runs and ends while no other does."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        with turn:
            super().__init__(*arguments, **named)

    def run(self, *arguments: Any, **named: Any) -> Any:
        with turn:
            return super().run(*arguments, **named)

    def run_with_iobinding(self, *arguments: Any, **named: Any) -> None:
        with turn:
            super().run_with_iobinding(*arguments, **named)

    def __del__(self) -> None:
        with turn:
            self._sess = None


@functools.cache
def register() -> None:
    """Makes the plugin known to onnxruntime, once.

    Raises ImportError where it is not installed, and what onnxruntime raises where it does not load.
    """
    import onnxruntime_ep_webgpu

    onnxruntime.register_execution_provider_library("webgpu", onnxruntime_ep_webgpu.get_library_path())


def adapter() -> Any:
    """onnxruntime's record of what there is to run on, hardware first; None if there is nothing. A session takes one.

    A software adapter is there only if ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER is set to 1: it is for tests.
    """
    found = [each for each in onnxruntime.get_ep_devices() if each.ep_name == PROVIDER]
    return max(found, key=is_hardware, default=None)


def is_hardware(adapter: Any) -> bool:
    """Whether that is a GPU, not a software adapter."""
    return adapter.device.type == onnxruntime.OrtHardwareDeviceType.GPU
