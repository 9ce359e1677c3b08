"""Starts `dancenet train` as several processes, by PyTorch's launcher, torchrun. Owns what is said when one fails."""

import json
import logging
import os
import sys
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

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
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            raise ValueError(
                f"process {rank} was ended by {failure.signal_name()}, and the others with it; --resume goes on"
            ) from None
        raise ValueError(failure.message) from None
    return 0


def report_failure(line: str) -> bool:
    """Tell the launcher why this process ends; False where no launcher asked."""
    path = os.environ.get(ERROR_FILE)
    if path:
        Path(path).write_text(json.dumps({"message": line, "timestamp": int(time.time())}), encoding="utf-8")
    return bool(path)
