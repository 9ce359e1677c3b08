"""What an ONNX file may hold is known before onnxruntime opens it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine import onnx_file, resources
from engine.bundle import open_bundle
from engine.metadata import BundleError
from engine.onnx_file import check_graph_file

EXTERNAL = "keeps data in another file; a bundle's graphs hold all of it themselves"
UNREADABLE = "not a readable ONNX model (Protobuf parsing failed)"


def elsewhere(location: str = "weights.bin") -> onnx.TensorProto:
    """A tensor whose numbers lie in another file."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def graph(nodes: list[onnx.NodeProto], *weights: onnx.TensorProto) -> onnx.GraphProto:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    return helper.make_graph(nodes, "g", [x], [y], list(weights))


def model(of: onnx.GraphProto, **more: Any) -> onnx.ModelProto:
    return helper.make_model(of, opset_imports=[helper.make_opsetid("", 17)], ir_version=9, **more)


def node(operator: str = "Identity", domain: str = "", **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, ["x"], ["y"], domain=domain, **attributes)


def sparse(values: onnx.TensorProto) -> onnx.SparseTensorProto:
    return onnx.SparseTensorProto(values=values, indices=numpy_helper.from_array(np.arange(4)), dims=[4])


def only_the_place() -> onnx.TensorProto:
    """One that says that its data are elsewhere, and not where."""
    return TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)


def with_training() -> onnx.ModelProto:
    made = model(graph([node()]))
    made.training_info.add().algorithm.CopyFrom(graph([node()], elsewhere()))
    return made


def with_function(inside: onnx.NodeProto) -> onnx.ModelProto:
    made = helper.make_function("", "f", ["x"], ["y"], [inside], [helper.make_opsetid("", 17)])
    return model(graph([node()]), functions=[made])


REFUSED: dict[str, tuple[Callable[[], onnx.ModelProto], str]] = {
    "weights": (lambda: model(graph([node()], elsewhere())), EXTERNAL),
    "weights above the folder": (lambda: model(graph([node()], elsewhere("../../secret"))), EXTERNAL),
    "weights, it is not said where": (lambda: model(graph([node()], only_the_place())), EXTERNAL),
    "an attribute": (lambda: model(graph([node("Constant", value=elsewhere())])), EXTERNAL),
    "a list of attributes": (lambda: model(graph([node("Constant", value=[elsewhere(), elsewhere()])])), EXTERNAL),
    "a branch": (
        lambda: model(graph([node("If", then_branch=graph([node()]), else_branch=graph([node()], elsewhere()))])),
        EXTERNAL,
    ),
    "a branch of a branch": (
        lambda: model(graph([node("If", then_branch=graph([node("If", then_branch=graph([node()], elsewhere()))]))])),
        EXTERNAL,
    ),
    "a list of graphs": (lambda: model(graph([node("If", bodies=[graph([node()], elsewhere())])])), EXTERNAL),
    "a sparse attribute": (lambda: model(graph([node("Constant", sparse_value=sparse(elsewhere()))])), EXTERNAL),
    "a function": (lambda: with_function(node("Constant", value=elsewhere())), EXTERNAL),
    "training": (with_training, EXTERNAL),
    "an operator of others": (
        lambda: model(graph([node("EPContext", "com.microsoft")])),
        "an operator of com.microsoft; a bundle's graphs are of ONNX's own operators",
    ),
    "an operator of others in a function": (
        lambda: with_function(node("Run", "my\ncode")),
        "an operator of my\\ncode; a bundle's graphs are of ONNX's own operators",
    ),
    "a loop": (
        lambda: model(graph([node("Loop", body=graph([node()]))])),
        "the operator Loop, which may never end; a bundle's graphs do without",
    ),
}


def refusal(path: Path) -> str:
    with pytest.raises(BundleError) as raised:
        check_graph_file(path)
    return str(raised.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", REFUSED)
def test_what_reaches_out_of_a_file_or_may_never_end_is_refused(tmp_path: Path, name: str) -> None:
    make, told = REFUSED[name]
    path = tmp_path / "step.onnx"
    path.write_bytes(make().SerializeToString())
    assert refusal(path) == told


def test_a_sparse_weight_elsewhere_is_refused(tmp_path: Path) -> None:
    made = model(graph([node()]))
    made.graph.sparse_initializer.append(sparse(elsewhere()))
    path = tmp_path / "step.onnx"
    path.write_bytes(made.SerializeToString())
    assert refusal(path) == EXTERNAL


def test_a_bundle_that_reaches_out_is_refused_before_onnxruntime_opens_it(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for file in tiny_bundle.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    made = onnx.load(folder / "decoder.onnx")
    made.graph.initializer.append(elsewhere("/etc/hostname"))
    onnx.save(made, folder / "decoder.onnx")
    opened: list[object] = []
    monkeypatch.setattr("onnxruntime.InferenceSession", opened.append)
    with pytest.raises(BundleError, match=r"decoder\.onnx: keeps data in another file; "):
        open_bundle(folder, "cpu")
    assert not opened


@pytest.mark.parametrize("file", sorted(resources.path("models/default").glob("*.onnx")), ids=lambda file: file.name)
def test_the_graphs_that_ship_are_fine(file: Path) -> None:
    check_graph_file(file)


def test_branches_and_functions_of_onnx_s_own_operators_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "step.onnx"
    for made in (
        model(graph([node("If", then_branch=graph([node()]), else_branch=graph([node(domain="ai.onnx")]))])),
        with_function(node("Relu")),
        model(graph([node()], numpy_helper.from_array(np.zeros(100_000, np.float32), "w"))),
    ):
        path.write_bytes(made.SerializeToString())
        check_graph_file(path)


def test_a_file_cut_anywhere_is_refused_or_a_smaller_model(tmp_path: Path) -> None:
    whole = model(graph([node("Relu", alpha=0.5)], numpy_helper.from_array(np.ones(4, np.float32), "w")))
    data, path = whole.SerializeToString(), tmp_path / "step.onnx"
    outcomes = set()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        try:
            check_graph_file(path)
            onnx.ModelProto.FromString(data[:length])  # cut between two fields
            outcomes.add("smaller")
        except BundleError as error:
            assert str(error) == f"{path}: {UNREADABLE}"
            outcomes.add("refused")
    assert outcomes == {"smaller", "refused"}


@pytest.mark.parametrize(
    "data",
    [
        b"\xff" * 12,  # a number without its end
        b"\x00\x00",  # a field without a number
        b"\xba\x80\x80\x80\x10\x00",  # field 7, by a reader that cuts off what is beyond 32 bits
        b"\x3b\x3c",  # a group
        b"\x3a\xff\xff\xff\xff\x7f",  # a graph of 32 GB
        b"\x39\x00",  # 8 bytes, of which there is one
        b"\x3d\x00",
    ],
)
def test_what_protobuf_s_readers_would_read_otherwise_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "step.onnx"
    path.write_bytes(data)
    assert refusal(path) == UNREADABLE


def test_the_walk_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "step.onnx"
    path.write_bytes(b"\x08\x01" * 1001)
    monkeypatch.setattr(onnx_file, "MOST_FIELDS", 1000)
    assert refusal(path) == "more than 1000 entries; no dancer's graph has so many"
    inner = graph([node()])
    for _ in range(15):
        inner = graph([node("If", then_branch=inner)])
    path.write_bytes(model(inner).SerializeToString())
    assert refusal(path) == "graphs within graphs, more than 40 messages deep"
    with path.open("wb") as file:
        file.truncate(onnx_file.LARGEST + 1)
    assert refusal(path) == "1024 MiB; a graph has at most 1024 MiB"
    assert refusal(tmp_path) == "cannot be read (Is a directory)"
    check_graph_file(tmp_path / "missing.onnx")  # that is for whoever opens it to tell
