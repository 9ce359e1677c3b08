"""The processes that train together, on one machine or many. Owns what they say to each other.

Each holds the whole model, computes its share of every batch, and steps along the sum of all gradients, so that all
hold the same weights. Only the first writes and speaks. Lightning Fabric brings them together; a single one needs none
of it.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor

# The first process may read footage for hours before it meets the others. What ends is noticed at once all the same.
PATIENCE = timedelta(days=30)


class LostError(Exception):
    """Another process has ended, or can no longer be reached."""


EXTRA = '"dancenet-live[cluster]"'
PARENT = os.getppid()  # the launcher, of a process that has one


@contextmanager
def talking() -> Iterator[None]:
    if os.getppid() != PARENT:
        raise LostError("what started this one has ended")
    try:
        yield
    except RuntimeError as error:  # gloo's and NCCL's faults have no class of their own
        raise LostError(str(error).splitlines()[0]) from None


@dataclass(frozen=True)
class Processes:
    """This process is number `rank` of `count`; `fabric` is how they talk. All call the same, in the same order."""

    rank: int = 0
    count: int = 1
    fabric: Any = None

    @property
    def device(self) -> torch.device:
        """This process's own."""
        return torch.device("cpu") if self.fabric is None else self.fabric.device

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, total: int) -> slice:
        """Which of `total` things are this process's: as many as the others', or one more."""
        return slice(self.rank * total // self.count, (self.rank + 1) * total // self.count)

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Every process's gradients become the sum of all, in one exchange; a missing one counts as zero."""
        if self.count == 1:
            return
        trained = [p for p in parameters if p.requires_grad]
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in trained])
        with talking():
            flat = self.fabric.all_reduce(flat, reduce_op="sum")
        for parameter, part in zip(trained, flat.split([p.numel() for p in trained]), strict=True):
            parameter.grad = part.view_as(parameter).clone(memory_format=torch.preserve_format)

    def totals(self, values: list[float]) -> list[float]:
        """The sum of each over all processes."""
        if self.count == 1:
            return values
        with talking():
            torch.distributed.all_reduce(totals := torch.tensor(values, dtype=torch.float64))
        return totals.tolist()

    def whole(self, own: Tensor, dim: int) -> Tensor:
        """All processes' shares of a tensor, put together along `dim`."""
        return own if self.count == 1 else torch.cat([part.to(own.device) for part in self._all(own.cpu())], dim)

    def of_first(self, work: Callable[[], Any]) -> Any:
        """What `work` returns in the first process, alone; the others wait for it."""
        if self.count == 1:
            return work()
        found = [work() if self.first else None]
        with talking():
            torch.distributed.broadcast_object_list(found)
        return found[0]

    def gathered(self, pieces: Iterator[Any]) -> Iterator[Any]:
        """The pieces of all, in the first process; the others iterate as well, and get none."""
        if self.count == 1:
            yield from pieces
            return
        while found := [piece for piece in self._all(next(pieces, None)) if piece is not None]:
            if self.first:
                yield from found

    def wait(self) -> None:
        """Until all have come here."""
        self.totals([0.0])  # of nothing there would be nothing to wait for

    def _all(self, thing: Any) -> list[Any]:
        found: list[Any] = [None] * self.count
        with talking():
            torch.distributed.all_gather_object(found, thing)
        return found


ALONE = Processes()


def is_one_of_many() -> bool:
    """Whether this process was started by `dancenet train --devices`, or torchrun, beside others."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def join(device: str) -> Processes:
    """Meet the others, by what torchrun says in the environment; `device` is cpu or cuda.

    Raises ValueError where Fabric is not installed.
    """
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.strategies import DDPStrategy
    except ImportError:
        raise ValueError(f"several processes need Lightning Fabric: pip install {EXTRA}") from None

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    # What is not a gradient is on the CPU, wherever models are.
    backend = "cpu:gloo,cuda:nccl" if device == "cuda" else "gloo"
    fabric = Fabric(
        accelerator=device,
        devices=here,
        num_nodes=int(os.environ["WORLD_SIZE"]) // here,
        strategy=DDPStrategy(process_group_backend=backend, timeout=PATIENCE),
    )
    with talking():
        fabric.launch()
    return Processes(fabric.global_rank, fabric.world_size, fabric)
