"""Random numbers of training, keyed by what they are for. Owns the key.

A sample's noise follows from the run's seed, the stage, the step and the sample's place in the batch alone: so a run
that goes on from a checkpoint draws what it would have drawn, and many processes draw what one would.
"""

from dataclasses import dataclass
from hashlib import blake2b

import torch


@dataclass(frozen=True)
class Draws:
    """Of one stage of a run. `device`: where the numbers are drawn; another device draws others."""

    seed: int
    stage: str
    device: torch.device

    def of(self, step: int, sample: int) -> torch.Generator:
        """What draws for this sample of this step."""
        key = blake2b(f"{self.seed} {self.stage} {step} {sample}".encode(), digest_size=8).digest()
        return torch.Generator(self.device).manual_seed(int.from_bytes(key) >> 1)

    def normal(self, step: int, samples: slice, size: int) -> torch.Tensor:
        """Standard normal, (samples, size) float32: a row for each."""
        rows = [torch.randn(size, generator=self.of(step, i), device=self.device) for i in numbers(samples)]
        return torch.stack(rows)


def numbers(samples: slice) -> range:
    return range(samples.start, samples.stop)
