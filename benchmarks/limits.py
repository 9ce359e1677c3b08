"""What this machine can do at best, measured on the spot, and the least time that a frame could take on it.

A step reads its weights once and multiplies each once: its limit is the speed of reading as many bytes, from wherever
they stay between frames. A decoder multiplies each weight thousands of times: its limit is the multiplications that a
well-made product of matrices does, of sizes that stay in the caches. Of several ways and sizes the best counts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnx import TensorProto, helper

from benchmarks.work import Work, count, step_feeds
from engine.bundle import DECODER, STEP, Metadata

SIZES = (192, 256, 384, 512, 768)  # of square matrices: 0.4 to 7 MB for three of floats
SECONDS = 0.15  # for each way and size


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


def product_session(a: int, b: int, out: int, kind: str, size: int, threads: int) -> onnxruntime.InferenceSession:
    """onnxruntime's product of two square matrices of these types, the second a constant, as weights are."""
    numpy_type = helper.tensor_dtype_to_np_dtype(b)
    weights = helper.make_tensor("b", b, (size, size), np.ones((size, size), numpy_type).tobytes(), raw=True)
    info = [helper.make_tensor_value_info(name, of, (size, size)) for name, of in (("a", a), ("y", out))]
    graph = helper.make_graph([helper.make_node(kind, ["a", "b"], ["y"])], "product", info[:1], info[1:], [weights])
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
            self._runs["float"].append((size**3, lambda floats=floats: floats @ floats))  # type: ignore[misc]
            self._add("float", TensorProto.FLOAT, TensorProto.FLOAT, TensorProto.FLOAT, "MatMul", size)
            for b in (TensorProto.INT8, TensorProto.UINT8):
                self._add("whole", TensorProto.UINT8, b, TensorProto.INT32, "MatMulInteger", size)

    def multiplying(self) -> dict[str, float]:
        """Multiply-adds a second, of floats and of integers, by the best way and size."""
        return {kind: max(macs / fastest(run) for macs, run in runs) for kind, runs in self._runs.items()}

    def reading(self, sizes: list[int]) -> list[float]:
        """Bytes a second read of a working set of each of these sizes, by the best way: a sum, or a matrix times a
        vector. Again and again, so that they come from where the caches keep them.
        """
        found = []
        for size in sizes:
            numbers = torch.ones(max(size // 4 // 512, 1), 512)
            vector = torch.ones(512)
            ways = [numbers.sum, lambda numbers=numbers, vector=vector: numbers @ vector]
            found.append(max(numbers.nbytes / fastest(way) for way in ways))
        return found

    def _add(self, name: str, a: int, b: int, out: int, kind: str, size: int) -> None:
        session = product_session(a, b, out, kind, size, self._threads)
        feeds = {"a": np.ones((size, size), helper.tensor_dtype_to_np_dtype(a))}
        self._runs[name].append((size**3, lambda: session.run(None, feeds)))


def bundle_work(folder: Path) -> dict[str, Work]:
    """What a frame of the bundle's dancer alone does: `step` and `decode`."""
    latents = np.zeros((1, Metadata.read(folder).latent_size), np.float32)
    return {
        "step": count(folder / STEP, step_feeds(folder / STEP)),
        "decode": count(folder / DECODER, {"latents": latents}),
    }
