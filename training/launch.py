"""Starts `dancenet train` as several processes, by PyTorch's launcher, torchrun. Owns what is said when one fails."""

import json
import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

LOST = "lost the other processes"  # how one ends whose others have ended
ERROR_FILE = "TORCHELASTIC_ERROR_FILE"  # where torchrun asks its processes to say why they end


def launch(arguments: Sequence[str], devices: int, nodes: int, meet: str | None) -> int:
    """Run this command with `arguments` as `devices` processes here, beside as many on each of the other `nodes`; the
    exit code. Raises ValueError with the one line that the first to fail gave.

    `meet`: HOST:PORT of one of the machines, where all of them meet.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)
    config = LaunchConfig(
        min_nodes=nodes,
        max_nodes=nodes,
        nproc_per_node=devices,
        run_id="dancenet" if meet else uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint=meet or "localhost:0",
        max_restarts=0,
        monitor_interval=0.2,
    )
    try:
        elastic_launch(config, sys.executable)("-u", "-m", "training", *arguments)
    except SignalException:  # Ctrl+C as well
        raise KeyboardInterrupt from None
    except ChildFailedError as error:
        raise ValueError(cause(error.failures)) from None
    return 0


def cause(failures: Mapping[int, "ProcessFailure"]) -> str:
    """What to say of processes that failed, by rank: of the first that did not fail because others had.

    torchrun's own choice goes by whole seconds.
    """

    def order(item: tuple[int, "ProcessFailure"]) -> tuple[bool, int, int]:
        rank, failure = item
        followed = failure.exitcode == -signal.SIGTERM or str(failure.message).startswith(LOST)
        return followed, failure.timestamp, rank

    rank, failure = min(failures.items(), key=order)
    if failure.exitcode < 0:
        return f"process {rank} was ended by {failure.signal_name()}, and the others with it; --resume goes on"
    if "timestamp" in failure.error_file_data:  # of `report_failure`
        return str(failure.message)
    return f"process {rank} ended with exit code {failure.exitcode}, and the others with it; --resume goes on"


def report_failure(line: str) -> bool:
    """Tell the launcher why this process ends; False where no launcher asked."""
    path = os.environ.get(ERROR_FILE)
    if path:
        Path(path).write_text(json.dumps({"message": line, "timestamp": int(time.time())}), encoding="utf-8")
    return bool(path)
