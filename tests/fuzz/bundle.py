"""What a bundle holds: its metadata, its graphs, its bank."""

import io
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError, Message
from onnx import TensorProto, helper, numpy_helper

from engine.bank_file import read_bank
from engine.metadata import FILE, BundleError, Health, Metadata
from engine.onnx_file import check_graph_file
from tests.fuzz.loop import Parser, in_a_file, mutated

ENTRIES: dict[str, Any] = {
    **{"format": 1, "name": "x", "image_size": [26, 16], "image_kind": "grey", "latent_size": 8, "components": 3},
    **{"steps_a_second": 30, "defaults": {"temperature": 1.0}, "health": {"area": [0.1, 0.2], "slow_motion": 0.1}},
    **{"data": "none", "licence": "MIT", "quality": {"iou": 0.9}, "precision": "fp32"},
    "controls": [{"name": "style", "doc": "Style.", "default": 0.5, "range": [0, 1]}],
}
METADATA = [json.dumps(ENTRIES, indent=indent).encode() for indent in (None, 2)]
WORDS = [
    *(b"{", b"[", b'"', b",", b":", b"NaN", b"Infinity", b"-", b"null", b'{"a":', b"[[", b'"\\ud800"', b"\xff", b" "),
    *(b'"name": "\\u0000"', b'"range": [1, 0]', b'"controls": [{}]', b'"format": 2', b'"x": 1,', b"\\"),
]
SMALL = Metadata("x", (26, 16), "grey", 8, 3, 30, Health((0.1, 0.2), 0.1), "none", "MIT")


def take_metadata(path: Path) -> None:
    """Reads it, and writes and reads it again."""
    found = Metadata.read(path.parent)
    found.write(path.parent)
    assert Metadata.read(path.parent) == found


def graphs() -> list[bytes]:
    """Models with all that a graph may hold, and some of what it may not."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    weight = numpy_helper.from_array(np.arange(4, dtype=np.float32), "w")
    loose = TensorProto(name="v", data_type=TensorProto.INT64, dims=[3], int64_data=[1, 2, 3])
    away = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    away.external_data.add(key="location", value="../x")

    def graph(*nodes: onnx.NodeProto, weights: tuple[onnx.TensorProto, ...] = (weight, loose)) -> onnx.GraphProto:
        return helper.make_graph(nodes, "g", [x], [y], weights)

    def node(operator: str, **more: Any) -> onnx.NodeProto:
        return helper.make_node(operator, ["x"], ["y"], **more)

    inner = graph(node("Relu"), node("Constant", value=weight))
    function = helper.make_function("own", "f", ["x"], ["y"], [node("Relu")], [helper.make_opsetid("", 17)])
    made = (
        graph(node("Add"), node("If", then_branch=inner, else_branch=graph(node("Abs", domain="ai.onnx")))),
        graph(node("Cast", to=1, floats=[0.5, 1.5], strings=["a", "b"], ints=[1, 2])),
        graph(node("Add"), weights=(away,)),
        graph(node("Run", domain="com.microsoft"), node("Loop", body=inner)),
    )
    return [helper.make_model(each, functions=[function]).SerializeToString() for each in made]


def take_graph(path: Path) -> None:
    """What the walk lets through holds, to protobuf's own reader, nothing that it should have refused."""
    check_graph_file(path)
    try:
        model = onnx.ModelProto.FromString(path.read_bytes())
    except DecodeError:
        return  # onnxruntime refuses it
    check(model)


def check(message: Message) -> None:
    """Fails for what a graph may not hold, wherever in it."""
    if isinstance(message, onnx.TensorProto):
        assert not message.external_data and message.data_location == TensorProto.DEFAULT
    if isinstance(message, onnx.NodeProto):
        assert message.domain in ("", "ai.onnx") and message.op_type != "Loop"
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                check(each)


def banks() -> list[bytes]:
    draw = np.random.default_rng(0)
    bank = draw.normal(size=(100, 30, 8)).astype(np.float16)
    return [saved(array) for array in (bank, np.asfortranarray(bank), bank.astype(np.float32)[:2])]


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def a_bank(chance: random.Random) -> bytes:
    """A bank, changed in its header mostly."""
    data = chance.choice(BANKS)
    header = mutated(chance, [data[:128]], HEADERS)
    return header + data[128:] if chance.random() < 0.9 else mutated(chance, BANKS)


GRAPHS, BANKS = graphs(), banks()
HEADERS = [
    b"(",
    b"-",
    b"{",
    b"'",
    b"1,",
    b"(1,)*9,",
    b"9" * 30,
    b"1j",
    b"'<f2'",
    b"'O'",
    b"[('a','<f2')]",
    b"[",
    b"lambda",
]
PIECES = [
    b"\x3a\x02",
    b"\x6a\x00",
    b"\x70\x01",
    b"\x22\x04Loop",
    b"\x3a\x01x",
    b"\xff\xff\xff\xff\x0f",
    b"\x80",
    b"\x2a",
]
PARSERS = (
    Parser(
        "metadata", lambda chance: mutated(chance, METADATA, WORDS), in_a_file(take_metadata, FILE), (BundleError,),
        escapes=(
            METADATA[0].replace(b'"default": 0.5, "range": [0, 1]', b'"default": 1, "range": [0, 1%s]' % (b"0" * 400)),
            METADATA[0].replace(b'"format": 1', b'"format": ' + b"1" * 5000),
            b"[" * 100_000,
        ),
    ),
    Parser("onnx", lambda chance: mutated(chance, GRAPHS, PIECES), in_a_file(take_graph, "step.onnx"), (BundleError,)),
    Parser(
        "bank", a_bank, in_a_file(lambda path: read_bank(path, SMALL), "bank.npy"), (BundleError,),
        escapes=(BANKS[0].replace(b"'shape': (", b"'shape': (("), BANKS[0].replace(b"100,", b"9" * 18 + b",")),
    ),
)  # fmt: skip
