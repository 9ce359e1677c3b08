"""What this machine can do at best, measured on the spot, and the least time that a frame could take on it.

A step reads its weights once and multiplies each once: its limit is the speed of reading as many bytes, from wherever
they stay between frames. A decoder multiplies each weight thousands of times: its limit is the multiplications that a
well-made product of matrices does, of sizes that stay in the caches. Of several ways and sizes the best counts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

from benchmarks.work import Work, count, step_feeds
from engine.bundle import DECODER, STEP, Metadata, graph_file

SIZES = (192, 256, 384, 512, 768)  # of square matrices: 0.4 to 7 MB for three of floats
SECONDS, READING_SECONDS = 0.15, 0.4  # for each way and size
ROWS = 512  # of the matrix that is read: an LSTM's units


@dataclass(frozen=True)
class Limits:
    """Bytes read, and multiply-adds of floats and of integers, in a second."""

    read: float
    float_macs: float
    whole_macs: float

    def reading(self, work: Work) -> float:
        """Seconds that the work's weights take to read."""
        return work.weight_bytes / self.read

    def multiplying(self, work: Work) -> float:
        """Seconds that the work's multiplications take."""
        return work.macs(whole=False) / self.float_macs + work.macs(whole=True) / self.whole_macs


def fastest(run: Callable[[], object], seconds: float = SECONDS) -> float:
    """The least time that a run took, of as many as fit into `seconds`; the first does not count."""
    run()
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begun = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - begun)
    return best


def product_session(
    a: int, b: int, kind: str, size: tuple[int, int, int], threads: int
) -> onnxruntime.InferenceSession:
    """onnxruntime's product of matrices (m, k) and (k, n) of these types, the second a constant, as weights are."""
    m, k, n = size
    ones = np.ones((k, n), helper.tensor_dtype_to_np_dtype(b)).tobytes()
    out = TensorProto.FLOAT if kind == "MatMul" else TensorProto.INT32
    given, made = helper.make_tensor_value_info("a", a, (m, k)), helper.make_tensor_value_info("y", out, (m, n))
    node, weights = helper.make_node(kind, ["a", "b"], ["y"]), helper.make_tensor("b", b, (k, n), ones, raw=True)
    graph = helper.make_graph([node], "product", [given], [made], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Machine:
    """What `benchmarks.worker` serves: a round measures everything once."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self._threads = threads
        self._runs: dict[str, list[tuple[int, Callable[[], object]]]] = {"float": [], "whole": []}
        for size in SIZES:
            floats = torch.ones(size, size)
            self._runs["float"].append((size**3, partial(torch.mm, floats, floats)))
            self._add("float", TensorProto.FLOAT, TensorProto.FLOAT, size)
            for b in (TensorProto.INT8, TensorProto.UINT8):
                self._add("whole", TensorProto.UINT8, b, size)

    def multiplying(self) -> dict[str, float]:
        """Multiply-adds a second, of floats and of integers, by the best way and size."""
        return {kind: max(macs / fastest(run) for macs, run in runs) for kind, runs in self._runs.items()}

    def reading(self, sizes: list[int]) -> list[float]:
        """Bytes a second read of a working set of each of these sizes, by the best way: a sum, or a matrix times a
        vector. Again and again, so that they come from where the caches keep them.
        """
        return [max(size / fastest(way, READING_SECONDS) for way in self._readers(size)) for size in sizes]

    def _readers(self, size: int) -> list[Callable[[], object]]:
        """Ways to read so many bytes of floats."""
        columns = size // 4 // ROWS
        numbers, vector = torch.ones(columns, ROWS), torch.ones(ROWS)
        session = product_session(TensorProto.FLOAT, TensorProto.FLOAT, "MatMul", (1, ROWS, columns), self._threads)
        feeds = {"a": np.ones((1, ROWS), np.float32)}
        return [numbers.sum, lambda: numbers @ vector, lambda: session.run(None, feeds)]

    def _add(self, name: str, a: int, b: int, size: int) -> None:
        kind = "MatMul" if a == TensorProto.FLOAT else "MatMulInteger"
        session = product_session(a, b, kind, (size, size, size), self._threads)
        feeds = {"a": np.ones((size, size), helper.tensor_dtype_to_np_dtype(a))}
        self._runs[name].append((size**3, lambda: session.run(None, feeds)))


def bundle_work(folder: Path, precision: str) -> dict[str, Work]:
    """What a frame of the bundle's dancer alone does: `step` and `decode`."""
    latents = np.zeros((1, Metadata.read(folder).latent_size), np.float32)
    step, decoder = (folder / graph_file(name, precision) for name in (STEP, DECODER))
    return {"step": count(step, step_feeds(step)), "decode": count(decoder, {"latents": latents})}
