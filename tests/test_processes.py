"""Several processes train as one does, go on where another number of them was, and end together."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

from tests.fixtures.footage import write_dance
from tests.test_train import SHORT, SIZES, STAGES
from training.launch import ERROR_FILE, LOST, cause, report_failure

SAME = ["--precision", "float32", "--batch", "8", "--checkpoint-seconds", "0.0001"]
TWO = ["--devices", "2"]
PATIENCE = 300  # seconds; of a machine that does much else


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dance(tmp_path_factory.mktemp("footage") / "dance")


def start(footage: Path, out: Path, *more: str, by: tuple[str, ...] = ("-m", "engine", "train")) -> subprocess.Popen:
    options = ["--out", str(out), "--cache", str(footage.parent / "cache"), *SIZES, *SHORT, *SAME, *more]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    words = [sys.executable, *by, str(footage), *options]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(process: subprocess.Popen, reached: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[1][-2000:]
        time.sleep(0.01)


def said(process: subprocess.Popen) -> list[str]:
    """The lines that it said of itself, and that are not those of its progress."""
    _, told = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in told, told
    return [line for line in told.splitlines() if line.startswith("dancenet: ")]


def stop_once_trained(process: subprocess.Popen, out: Path) -> None:
    """Before the dancer is exported and rendered, which takes as long again and is the same for all."""
    wait_for(process, (out / "training" / "dancer.pt").exists)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)


def checkpoint(out: Path, stage: str) -> dict:
    content: dict = torch.load(out / "training" / f"{stage}.pt", weights_only=True)
    return content


def same_figures(one: Path, other: Path) -> bool:
    """Whether two runs ended in the same losses, to 1e-5. A KL is a small part of a loss of thousands, and an IoU
    counts pixels, of which rounding may move one across the middle."""
    histories = [[row for stage in STAGES for row in checkpoint(out, stage)["history"]] for out in (one, other)]
    return len(histories[0]) == len(histories[1]) and all(
        row.keys() == expected.keys()
        and all(
            row[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-4 if name.endswith(("kl", "iou")) else 1e-5)
            for name in row.keys() - {"seconds"}
        )
        for row, expected in zip(*histories, strict=True)
    )


def children(process: subprocess.Popen) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


@pytest.fixture(scope="module")
def alone(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone") / "mine"
    stop_once_trained(start(footage, out), out)
    return out


def test_a_killed_process_ends_all_with_one_line_and_one_goes_on_where_two_were(
    footage: Path, alone: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    two = start(footage, out, *TWO)
    wait_for(two, (out / "training" / "mdn_rnn.pt").exists)
    os.kill(children(two)[1], signal.SIGKILL)
    assert said(two)[-1:] == [
        "dancenet: train: process 1 was ended by SIGKILL, and the others with it; --resume goes on"
    ]
    assert two.returncode == 1
    assert checkpoint(out, "vae")["done"] and not checkpoint(out, "mdn_rnn")["done"]
    stop_once_trained(start(footage, out, "--resume"), out)
    assert same_figures(out, alone)


def test_two_by_torchrun_go_on_where_one_was_killed(footage: Path, alone: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    one = start(footage, out)
    wait_for(one, (out / "training" / "vae.pt").exists)
    one.kill()
    one.communicate()
    assert not checkpoint(out, "vae")["done"]
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "training")
    stop_once_trained(start(footage, out, "--resume", by=torchrun), out)
    assert same_figures(out, alone)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([*TWO, "--batch", "1"], "--batch 1: too few for 2 processes; allowed are 2 or more"),
        (
            ["--devices", "2", "--image-size", "100x64"],
            "image size (100, 64): both sides must be multiples of 8, 8 or more",
        ),
    ],
)
def test_what_all_processes_refuse_is_said_once(footage: Path, tmp_path: Path, options: list[str], told: str) -> None:
    process = start(footage, tmp_path / "mine", *options)
    assert said(process)[-1] == f"dancenet: train: {told}"
    assert process.returncode == 1


def test_machines_need_a_place_to_meet(footage: Path, tmp_path: Path) -> None:
    process = start(footage, tmp_path / "mine", "--nodes", "2")
    _, told = process.communicate(timeout=PATIENCE)
    assert told.endswith("error: --nodes takes --meet HOST:PORT, of one of the machines, the same on all\n")
    assert process.returncode == 2


@pytest.mark.parametrize(
    ("failures", "told"),
    [
        ([(-15, ""), (1, "a file is missing")], "a file is missing"),
        (
            [(1, f"{LOST} (closed)"), (-9, "")],
            "process 1 was ended by SIGKILL, and the others with it; --resume goes on",
        ),
        ([(-15, ""), (3, "")], "process 1 ended with exit code 3, and the others with it; --resume goes on"),
    ],
)
def test_the_cause_is_told_and_not_what_followed_in_the_same_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failures: list[tuple[int, str]], told: str
) -> None:
    found = {}
    for rank, (code, message) in enumerate(failures):
        path = tmp_path / f"{rank}.json"
        monkeypatch.setenv(ERROR_FILE, str(path))
        assert not message or report_failure(message)
        found[rank] = ProcessFailure(rank, 1000 + rank, code, str(path))
        found[rank].timestamp = 7
    assert cause(found) == told
