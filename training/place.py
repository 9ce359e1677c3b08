"""Where and how precisely training computes: the device, the processes beside, and bfloat16 where it is fast."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from training.processes import ALONE, Processes, is_one_of_many, join


@dataclass(frozen=True)
class Place:
    """device: of models and batches. half: whether matrix products run in bfloat16 (losses never do). processes: that
    train together, each in a place like this one."""

    device: torch.device
    half: bool = False
    processes: Processes = ALONE

    def precision(self) -> AbstractContextManager:
        """A context in which models are run forward."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.half)


CPU = Place(torch.device("cpu"))


def choose_place(device: str = "auto", precision: str = "auto") -> Place:
    """The device asked for, or CUDA where there is one, and the other processes of the run. Raises ValueError if it
    cannot be had."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ValueError(f"--device {device}: not available here; allowed are auto, cpu and, with an NVIDIA GPU, cuda")
    if precision == "auto":
        # Without AVX-512, bfloat16 convolutions are some ten times slower than float32 ones.
        half = device == "cuda" or torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    else:
        half = precision == "bfloat16"
        if half and device == "cpu" and not multiplies_bfloat16():
            raise ValueError("--precision bfloat16: not on this processor; allowed are auto and float32")
    if not is_one_of_many():
        return Place(torch.device(device), half)
    processes = join(device)
    return Place(processes.device, half, processes)


def multiplies_bfloat16() -> bool:
    """Whether this processor runs all of a model in bfloat16: PyTorch's LSTM asks for AVX-512 there."""
    try:
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            torch.nn.LSTM(1, 1)(torch.zeros(1, 1, 1))
    except RuntimeError:
        return False
    return True
