"""Counts what a graph has to do: multiplications, and bytes of weights read, product by product.

Counted on the graph that onnxruntime really runs, with constants folded and operators fused: it is written out, run
once with every product's operands among its outputs, and the shapes that came are taken. Activations are not counted;
they stay in the caches.
"""

import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import numpy_helper

Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Product:
    """One operator that multiplies: multiply-adds, and its weights' bytes; `whole` are integers, not floats."""

    name: str
    kind: str
    macs: int
    weight_bytes: int
    whole: bool


@dataclass(frozen=True)
class Work:
    """All that one run of a graph does."""

    products: tuple[Product, ...]

    def macs(self, whole: bool) -> int:
        """Multiply-adds of floats, or of integers."""
        return sum(each.macs for each in self.products if each.whole == whole)

    @property
    def weight_bytes(self) -> int:
        return sum(each.weight_bytes for each in self.products)


def _matrix(node: onnx.NodeProto, a: Any, b: Any, out: Any) -> int:
    """out (..., m, n) of a (..., m, k): each number sums k products; transposed, a is (k, m)."""
    flags = {each.name: each.i for each in node.attribute}
    return math.prod(out.shape) * a.shape[0 if flags.get("transA") else -1]


def _convolution(node: onnx.NodeProto, x: Any, w: Any, out: Any) -> int:
    """Each number sums as many products as its channel's kernel w[0] has numbers."""
    return math.prod(out.shape) * math.prod(w.shape[1:])


# Operator -> where among its inputs the data and the weights are, and how its multiplications are counted.
PRODUCTS: dict[str, tuple[int, int, Callable[[onnx.NodeProto, Any, Any, Any], int]]] = {
    **dict.fromkeys(("Gemm", "MatMul", "FusedGemm", "FusedMatMul"), (0, 1, _matrix)),
    **dict.fromkeys(("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"), (0, 1, _matrix)),
    **dict.fromkeys(("QLinearMatMul", "QGemm"), (0, 3, _matrix)),
    **dict.fromkeys(("Conv", "FusedConv", "ConvInteger"), (0, 1, _convolution)),
    "QLinearConv": (0, 3, _convolution),
}
RECURRENT = ("LSTM", "DynamicQuantizeLSTM")


def count(path: Path, feeds: Tensors) -> Work:
    """The work of one run of the graph at `path` on these inputs."""
    model = optimised(path)
    stored = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    nodes = [node for node in model.graph.node if node.op_type in PRODUCTS or node.op_type in RECURRENT]
    wanted = {name for node in nodes for name in (*node.input, *node.output) if name}
    values = stored | dict(feeds) | run_for(model, wanted - stored.keys() - feeds.keys(), feeds)
    products = []
    for node in nodes:
        if node.op_type in RECURRENT:
            x, weights = values[node.input[0]], [values[name] for name in node.input[1:3]]
            macs = x.shape[0] * x.shape[1] * sum(each.size for each in weights)
        else:
            data, place, macs_of = PRODUCTS[node.op_type]
            weights = [values[node.input[place]]]
            macs = macs_of(node, values[node.input[data]], weights[0], values[node.output[0]])
            if macs_of is _matrix:
                # A lazy head multiplies the rows it has gathered by the vector: the matrix is the larger of the two.
                weights = [max(values[node.input[data]], weights[0], key=lambda each: each.nbytes)]
        whole = weights[0].dtype.kind in "iu"
        products.append(Product(node.name, node.op_type, macs, sum(each.nbytes for each in weights), whole))
    return Work(tuple(products))


def optimised(path: Path) -> onnx.ModelProto:
    """The graph as onnxruntime runs it, but for its own layout of channels in blocks."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimised.onnx")
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def run_for(model: onnx.ModelProto, names: set[str], feeds: Tensors) -> dict[str, NDArray[Any]]:
    """Runs the graph for values within it; onnxruntime infers their types."""
    there = {each.name for each in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(names - there))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    ordered = sorted(names)
    return dict(zip(ordered, session.run(ordered, dict(feeds)), strict=True))


def step_feeds(path: Path, dancers: int = 1) -> dict[str, NDArray[np.float32]]:
    """Inputs for a bundle's step: zeros, so many dancers, temperatures of 1."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    feeds = {}
    for each in session.get_inputs():
        shape = [size if isinstance(size, int) else dancers for size in each.shape]
        feeds[each.name] = np.full(shape, float("temperature" in each.name), np.float32)
    return feeds
