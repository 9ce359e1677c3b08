"""Where and how precisely training computes: the device, and bfloat16 where the hardware multiplies it fast."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Place:
    """device: of models and batches. half: whether matrix products run in bfloat16 (losses never do)."""

    device: torch.device
    half: bool = False

    def precision(self) -> AbstractContextManager:
        """A context in which models are run forward."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)


CPU = Place(torch.device("cpu"))


def choose_place(device: str = "auto", precision: str = "auto") -> Place:
    """The device asked for, or CUDA where there is one. Raises ValueError if it cannot be had."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"--device {device}: not available here; allowed are auto, cpu and, with an NVIDIA GPU, cuda")
    if precision == "auto":
        # Without AVX-512, bfloat16 convolutions are some ten times slower than float32 ones.
        half = device == "cuda" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    else:
        half = precision == "bfloat16"
    return Place(torch.device(device), half)
