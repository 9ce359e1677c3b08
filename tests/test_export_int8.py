"""An int8 bundle comes near to the exact one, says what it is, and is refused where it does not come near."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from engine.bundle import open_bundle
from engine.metadata import BundleError, Metadata
from export.__main__ import main
from export.bundle import rounded, write_bundle
from export.calibration import decoder_ranges, hidden_range
from export.graph import FLOAT, UINT8, Graph
from export.int8 import Scale, multiply, quantised_rows
from export.parity import Closeness, ParityError, compare, open_session
from tests.fixtures.tiny_dancer import LATENTS, tiny_dancer
from training.dancer import TrainedDancer
from training.start import read_start


def contrasting_dancer() -> TrainedDancer:
    """The tiny dancer with a decoder whose images are not all grey."""
    dancer = tiny_dancer()
    torch.manual_seed(5)
    for name, parameter in dancer.vae.decoder.named_parameters():
        torch.nn.init.normal_(parameter, std=0.5 if name.endswith("bias") else 1.3 * parameter[0].numel() ** -0.5)
    return dancer


EXACT, INT8 = ("step.onnx", "decoder.onnx"), ("step.int8.onnx", "decoder.int8.onnx")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("int8") / "bundle"
    write_bundle(contrasting_dancer(), folder, "int8")
    return folder


def test_int8_comes_near_the_exact_graphs(bundle: Path) -> None:
    exact, int8 = ([bundle / name for name in names] for names in (EXACT, INT8))
    closeness = compare(rounded(contrasting_dancer()), exact, int8)
    assert 40 <= closeness.decibels < 60  # rounding there is
    assert 0 < closeness.variation <= 0.01


def test_the_engine_plays_both_and_the_metadata_says_what_there_is(bundle: Path) -> None:
    exact, int8 = (open_bundle(bundle, "cpu", precision=precision) for precision in ("fp32", "int8"))
    latents = exact.bank[:5, 0].astype(np.float32)
    assert exact.decode(latents).std() > 15  # there is something to see
    assert np.abs(exact.decode(latents).astype(int) - int8.decode(latents)).mean() < 2
    assert Metadata.read(bundle).precision == "int8"


def test_products_are_of_bytes(bundle: Path) -> None:
    kinds = [{node.op_type for node in onnx.load(str(bundle / name)).graph.node} for name in INT8]
    assert [kind & {"QLinearConv", "MatMulInteger", "MatMul"} for kind in kinds] == [
        {"MatMulInteger"},
        {"QLinearConv", "MatMulInteger"},
    ]


def test_weights_are_stored_as_bytes_that_every_processor_sums_exactly(bundle: Path) -> None:
    for name in INT8:
        graph = onnx.load(str(bundle / name)).graph
        assert not {node.domain for node in graph.node} - {""}  # ONNX's own operators
        kernels = [each for each in map(onnx.numpy_helper.to_array, graph.initializer) if each.ndim > 1]
        kernels = [each for each in kernels if each.dtype == np.int8]
        assert len(kernels) >= 3
        assert {int(np.abs(kernel.astype(int)).max()) for kernel in kernels} == {64}
        assert not any(each.data_type == onnx.TensorProto.FLOAT16 for each in graph.initializer if len(each.dims) > 1)


def test_a_dancer_among_many_dances_exactly_as_it_would_alone(bundle: Path) -> None:
    session = open_session(bundle / "step.int8.onnx")
    random = np.random.default_rng(4)
    dancers = 7
    feeds = {
        "latent_in": 2 * random.standard_normal((dancers, LATENTS), np.float32),
        "hidden_in": random.uniform(-1, 1, (2, dancers, 12)).astype(np.float32),
        "cell_in": random.uniform(-1, 1, (2, dancers, 12)).astype(np.float32),
        "uniform": random.random(dancers, np.float32),
        "normal": random.standard_normal((dancers, LATENTS), np.float32),
        "pi_temperature": np.ones(dancers, np.float32),
        "sigma_temperature": np.ones(dancers, np.float32),
    }
    alone = {name: value[:, :1] if name in ("hidden_in", "cell_in") else value[:1] for name, value in feeds.items()}
    (many,), (one,) = (session.run(["latent_out"], each) for each in (feeds, alone))
    np.testing.assert_allclose(many[:1], one, rtol=0, atol=1e-6)


def test_training_can_start_from_it(bundle: Path) -> None:
    found, dancer = read_start(bundle), rounded(contrasting_dancer())
    weights = dancer.vae.state_dict()
    assert all(torch.equal(found.vae_weights[name], weights[name]) for name in weights)
    assert found.mdn_rnn_weights.keys() == dancer.mdn_rnn.state_dict().keys()


def test_ranges_cover_what_the_bank_does() -> None:
    dancer = contrasting_dancer()
    ranges = decoder_ranges(dancer)
    bank = dancer.bank.astype(np.float32)
    assert ranges.latents == pytest.approx(1.25 * np.abs(bank).max())
    assert min(ranges.maps) > 0
    assert hidden_range(dancer) > 0


def test_a_byte_stands_for_a_value() -> None:
    assert Scale.signed(2.54) == Scale(0.02, 128)
    assert Scale.positive(51) == Scale(0.2, 0)


def test_weights_are_rounded_to_a_64th_of_their_row_s_greatest(tmp_path: Path) -> None:
    kernel = np.array([[0.64, -0.324, 0.004], [0, 0, 0], [-64, 31, 0.6]], np.float32)
    graph = Graph("rows")
    quantised_rows(graph, "kernel", 2)
    rows, scale = graph.nodes[-1].output[0], graph.nodes[3].output[0]
    graph.op("Cast", rows, output="rows", to=FLOAT)
    graph.op("Identity", scale, output="scale")
    path = tmp_path / "rows.onnx"
    graph.save(path, [("kernel", [3, 3], FLOAT)], [("rows", [3, 3], FLOAT), ("scale", [3], FLOAT)])
    found, scales = open_session(path).run(["rows", "scale"], {"kernel": kernel})
    np.testing.assert_array_equal(found, [[64, -32, 0], [0, 0, 0], [-64, 31, 1]])
    np.testing.assert_allclose(scales, [0.01, 1e-12, 1], rtol=1e-6)


def test_a_product_of_bytes_is_the_product_of_what_they_stand_for(tmp_path: Path) -> None:
    kernel = np.array([[0.64, -0.5, 0.25], [-0.064, 0.05, 0]], np.float32)  # whole 64ths of their rows' greatest
    graph = Graph("product")
    value = multiply(graph, "bytes", Scale(0.5, 128), graph.constant("kernel", kernel))
    graph.op("Identity", value, output="value")
    path = tmp_path / "product.onnx"
    graph.save(path, [("bytes", ["n", 3], UINT8)], [("value", ["n", 2], FLOAT)])
    (found,) = open_session(path).run(None, {"bytes": np.array([[130, 128, 124], [0, 255, 128]], np.uint8)})
    np.testing.assert_allclose(found, np.array([[1, 0, -2], [-64, 63.5, 0]]) @ kernel.T, rtol=1e-6)


@pytest.mark.parametrize(
    ("closeness", "message"),
    [
        (Closeness(39.96, 0.0), "int8: images are at 40.0 dB; at least 40 are needed"),
        (Closeness(50.0, 0.02), "int8: pi's total variation is 0.02; at most 0.01 is allowed"),
        (Closeness(float("nan"), 0.0), "int8: images are at nan dB; at least 40 are needed"),
    ],
)
def test_what_does_not_come_near_is_refused(closeness: Closeness, message: str) -> None:
    with pytest.raises(ParityError) as refused:
        closeness.check()
    assert str(refused.value) == message


def test_an_int8_export_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.parity.DECIBELS_BOUND", 99.0)
    with pytest.raises(ParityError):
        write_bundle(contrasting_dancer(), tmp_path / "out", "int8")
    assert list(tmp_path.iterdir()) == []


def test_int8_is_left_out_where_it_does_not_come_near_unless_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bundle(contrasting_dancer(), tmp_path / "out")
    assert Metadata.read(tmp_path / "out").precision == "int8"
    monkeypatch.setattr("export.parity.DECIBELS_BOUND", 99.0)
    parity = write_bundle(contrasting_dancer(), tmp_path / "out")
    assert "; int8 graphs left out (int8: images are at " in str(parity)
    assert Metadata.read(tmp_path / "out").precision == "fp32"
    assert not [name for name in INT8 if (tmp_path / "out" / name).exists()]  # the first bundle's are gone too


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contrasting_dancer().save(tmp_path / "dancer.pt")
    assert main([str(tmp_path / "dancer.pt"), "--out", str(tmp_path / "out"), "--precision", "int8"]) == 0
    assert "; int8 beside fp32: images at " in capsys.readouterr().out
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == [
        *("README.md", "bank.npy", "bundle.json", "decoder.int8.onnx", "decoder.onnx"),
        *("encoder.onnx", "step.int8.onnx", "step.onnx"),
    ]


def test_an_older_bundle_is_exact_and_another_precision_is_refused(bundle: Path, tmp_path: Path) -> None:
    entries = json.loads((bundle / "bundle.json").read_text())
    del entries["precision"]
    (tmp_path / "bundle.json").write_text(json.dumps(entries))
    assert Metadata.read(tmp_path).precision == "fp32"
    (tmp_path / "bundle.json").write_text(json.dumps(entries | {"precision": "int4"}))
    with pytest.raises(BundleError, match=r'bundle\.json: precision is "int4"; it must be one of "fp32", "int8"$'):
        Metadata.read(tmp_path)
