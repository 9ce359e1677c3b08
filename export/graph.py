"""Builds an ONNX graph node by node. Owns naming, constants and how weights are stored."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 17, 8  # read by onnxruntime 1.14 and newer

KINDS = "FLOAT", "DOUBLE", "UINT8", "INT8", "INT32", "INT64"
FLOAT, DOUBLE, UINT8, INT8, INT32, INT64 = (getattr(TensorProto, name) for name in KINDS)


class Graph:
    """A graph under construction. `op` adds a node; arrays among its inputs become constants."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def weight(self, name: str, array: np.ndarray) -> str:
        """A trained parameter under its name, cast to float32 if it is stored as less: the runtime folds that.

        Stored as float16 where that loses nothing, as of weights that were rounded to it, else as float32. Whatever is
        made of it (folded kernels) is made by nodes, so that a bundle can be read back.
        """
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name}: weight {name} holds values not finite, or beyond float16's 65504")
        with np.errstate(over="ignore"):
            half = array.astype(np.float16)
        kept = half if np.array_equal(half.astype(np.float32), array) else array
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(kept), name))
        return self.op("Cast", name, to=FLOAT)

    def constant(self, name: str, array: np.ndarray) -> str:
        """A named float32 constant that must not be rounded, such as the latents' statistics."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def op(self, kind: str, *inputs: str | np.ndarray, output: str | None = None, **attributes: Any) -> str:
        """Add a node with one output; the output's name."""
        return self._node(kind, inputs, [output or f"{kind}_{len(self.nodes)}"], attributes)[0]

    def split(self, value: str, *sizes: int, axis: int) -> list[str]:
        """Cut `value` along `axis` into parts of these sizes; the parts' names."""
        outputs = [f"Split_{len(self.nodes)}_{i}" for i in range(len(sizes))]
        return self._node("Split", (value, axes(*sizes)), outputs, {"axis": axis})

    def _node(self, kind: str, inputs: tuple, outputs: list[str], attributes: dict[str, Any]) -> list[str]:
        index = len(self.nodes)
        names = [self._constant(value, f"{kind}_{index}_in{i}") for i, value in enumerate(inputs)]
        self.nodes.append(helper.make_node(kind, names, outputs, f"{kind}_{index}", **attributes))
        return outputs

    def _constant(self, value: str | np.ndarray, name: str) -> str:
        if isinstance(value, str):
            return value
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def save(self, path: Path, inputs: list[tuple], outputs: list[tuple]) -> None:
        """Check and write the model. inputs, outputs: (name, shape with names for free axes, element type)."""
        graph = helper.make_graph(
            self.nodes,
            self.name,
            [helper.make_tensor_value_info(name, kind, shape) for name, shape, kind in inputs],
            [helper.make_tensor_value_info(name, kind, shape) for name, shape, kind in outputs],
            self.initializers,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="dancenet")
        onnx.checker.check_model(model)
        path.write_bytes(model.SerializeToString())


def fold_constants(path: Path) -> None:
    """Store what the graph at `path` makes of its constants in their place, as onnxruntime would when it opens it."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC  # operators of ONNX alone
    folded = path.with_suffix(".part")
    options.optimized_model_filepath = str(folded)
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    os.replace(folded, path)


def axes(*values: int) -> np.ndarray:
    """Axes, sizes or splits as the operators take them."""
    return np.array(values, np.int64)


def scalar(value: float) -> np.ndarray:
    return np.array(value, np.float32)
