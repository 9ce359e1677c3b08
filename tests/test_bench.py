"""The benchmarks: they count right, take turns, and compare those who compute the same."""

import importlib.util
import json
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from benchmarks.company import RATE_HZ, late
from benchmarks.parts import most_held
from benchmarks.peers import PEERS, draw, new_peer
from benchmarks.peers.ours import new_ours
from benchmarks.peers.plain import write_plain
from benchmarks.results import Part, Target, bars, save, written
from benchmarks.rounds import interleave, median, spread
from benchmarks.starting import seconds_until_done
from benchmarks.weights import read_weights
from benchmarks.work import count
from benchmarks.worker import NotHere, Worker

DEFAULT = Path(__file__).parent.parent / "models" / "default"
FLOAT, UINT8, INT32 = TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT32


def graph(
    path: Path,
    nodes: list[onnx.NodeProto],
    given: tuple[str, int, list],
    made: tuple[str, int],
    **stored: np.ndarray,
) -> Path:
    """Writes a graph of one input and one output."""
    tensors = [numpy_helper.from_array(array, name) for name, array in stored.items()]
    inputs, outputs = [helper.make_tensor_value_info(*given)], [helper.make_tensor_value_info(*made, None)]
    content = helper.make_graph(nodes, "counted", inputs, outputs, tensors)
    onnx.save(helper.make_model(content, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def floats(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def test_competitors_take_turns() -> None:
    order: list[str] = []

    def one_round(name: str) -> list[int]:
        order.append(name)
        return [len(order), -len(order)]

    found = interleave({name: partial(one_round, name) for name in "ABC"}, 2)
    assert "".join(order) == "ABCABC"
    assert found == {"A": [1, -1, 4, -4], "B": [2, -2, 5, -5], "C": [3, -3, 6, -6]}


def test_the_middle_counts_and_the_tail_is_told() -> None:
    assert median([9.0, 1.0, 2.0]) == 2.0
    assert median([1.0, 2.0, 3.0, 100.0]) == 2.5
    assert spread([float(n) for n in range(101)]) == {"p50": 50.0, "p99": 99.0, "max": 100.0}


def test_a_convolution_s_multiplications_are_counted(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    path = graph(
        tmp_path / "g.onnx", nodes, ("x", FLOAT, [1, 3, 5, 7]), ("z", FLOAT), w=floats(4, 3, 3, 3), b=floats(4)
    )
    work = count(path, {"x": floats(1, 3, 5, 7)})
    assert [each.macs for each in work.products] == [5 * 7 * 4 * 3 * 9]
    assert work.weight_bytes == 4 * 3 * 9 * 4
    assert (work.macs(whole=False), work.macs(whole=True)) == (3780, 0)


def test_a_grouped_convolution_multiplies_its_group_alone(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"], group=4)]
    path = graph(tmp_path / "g.onnx", nodes, ("x", FLOAT, [2, 8, 6, 6]), ("y", FLOAT), w=floats(4, 2, 3, 3))
    assert count(path, {"x": floats(2, 8, 6, 6)}).macs(whole=False) == 2 * 4 * 4 * 4 * 2 * 9


def test_weights_folded_by_the_runtime_are_counted_once(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["half"], ["whole"], to=FLOAT),
        helper.make_node("Transpose", ["whole"], ["turned"], perm=[1, 0]),
        helper.make_node("Gemm", ["x", "turned", "b"], ["y"]),
    ]
    stored = {"half": np.ones((20, 10), np.float16), "b": floats(20)}
    path = graph(tmp_path / "g.onnx", nodes, ("x", FLOAT, ["n", 10]), ("y", FLOAT), **stored)
    for dancers in (1, 3):
        work = count(path, {"x": floats(dancers, 10)})
        assert (work.macs(whole=False), work.weight_bytes) == (dancers * 200, 800)


def test_of_a_lazy_head_only_the_gathered_rows_are_read(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("ArgMax", ["x"], ["component"], axis=1, keepdims=0),
        helper.make_node("Gather", ["blocks", "component"], ["block"]),
        helper.make_node("Unsqueeze", ["x", "axis"], ["column"]),
        helper.make_node("MatMul", ["block", "column"], ["y"]),
    ]
    stored = {"blocks": floats(24, 6, 100), "axis": np.array([2], np.int64)}
    path = graph(tmp_path / "g.onnx", nodes, ("x", FLOAT, [1, 100]), ("y", FLOAT), **stored)
    work = count(path, {"x": floats(1, 100)})
    assert (work.macs(whole=False), work.weight_bytes) == (600, 2400)


def test_integers_are_counted_apart(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMulInteger", ["x", "w"], ["y"])]
    stored = {"w": np.ones((30, 40), np.int8)}
    path = graph(tmp_path / "g.onnx", nodes, ("x", UINT8, [1, 30]), ("y", INT32), **stored)
    work = count(path, {"x": np.ones((1, 30), np.uint8)})
    assert (work.macs(whole=False), work.macs(whole=True), work.weight_bytes) == (0, 1200, 1200)


def test_the_plain_export_does_the_article_s_work(tmp_path: Path) -> None:
    weights = read_weights(DEFAULT)
    write_plain(weights, tmp_path)
    decoder = count(tmp_path / "decoder.onnx", {"latents": floats(1, 128)})
    cells = 15 * 26
    layers = [128 * cells * 32, cells * 32 * 128, cells * 128 * 32 * 9, 4 * cells * 32 * 64 * 9]
    layers += [16 * cells * 64 * 128 * 9, 64 * cells * 128 * 9]
    assert [each.macs for each in decoder.products] == layers
    state = floats(3, 1, 512)
    step = count(tmp_path / "step.onnx", {"latent": floats(1, 128), "hidden_in": state, "cell_in": state})
    parameters = 2048 * (128 + 512) + 2 * 2048 * 1024 + 512 * 1000 + 1000 * (24 + 2 * 24 * 128)
    assert (step.macs(whole=False), step.weight_bytes) == (parameters, 4 * parameters)


def test_a_draw_takes_the_component_that_the_number_falls_into() -> None:
    mu, sigma = np.arange(6, dtype=np.float32).reshape(3, 2), np.full((3, 2), 0.5, np.float32)
    logits = np.log(np.array([0.25, 0.5, 0.25], np.float32))
    for uniform, expected in ((0.0, [1.0, 2.0]), (0.3, [3.0, 4.0]), (0.999, [5.0, 6.0]), (1.0, [5.0, 6.0])):
        np.testing.assert_allclose(draw(logits, mu, sigma, uniform, np.array([2.0, 2.0], np.float32)), expected)


def test_peers_need_weights_as_they_were_trained(tmp_path: Path) -> None:
    for name in ("bundle.json", "bank.npy", "decoder.onnx"):
        (tmp_path / name).write_bytes((DEFAULT / name).read_bytes())
    path = graph(tmp_path / "step.onnx", [helper.make_node("Relu", ["x"], ["y"])], ("x", FLOAT, [1]), ("y", FLOAT))
    with pytest.raises(ValueError, match=f"{path}: no weights lstm.weight_l0; peers need a bundle of fp32"):
        read_weights(tmp_path)


def needs_keras(name: str) -> bool:
    return PEERS[name].module == "article" and importlib.util.find_spec("tensorflow") is None


@pytest.mark.parametrize("name", [name for name in PEERS if name != "compiled"])  # it compiles for a minute
def test_peers_compute_the_same_dancer(name: str, tmp_path: Path) -> None:
    if needs_keras(name):
        pytest.skip("Keras and TensorFlow are not installed here: `make bench` has them in .venv-bench")
    made = []
    for index, frames in enumerate((new_ours(str(DEFAULT), 1), new_peer(name, str(DEFAULT), 1))):
        frames.save(str(tmp_path / f"{index}.npz"))
        with np.load(tmp_path / f"{index}.npz") as content:
            made.append((content["steps"], content["images"].astype(int)))
    (steps, images), (their_steps, their_images) = made
    assert steps.shape == (8, 128) and images.shape == (8, 120, 208)
    assert np.ptp(images) == 255
    assert np.abs(steps - their_steps).max() < 1e-4
    assert np.abs(images - their_images).max() <= 1


def test_a_worker_answers_from_a_process_of_its_own() -> None:
    with Worker("benchmarks.company:Company", 1, None, folder=str(DEFAULT)) as worker:
        frames = np.array(worker.call("frames", dancers=2, count=3))
        paced = worker.call("paced", dancers=1, seconds=0.2)
    assert frames.shape == (3, 2) and (frames > 0).all()
    assert len(paced["lateness"]) == len(paced["taken"]) == 6
    assert paced["memory"] > 50e6


def test_who_is_not_installed_says_so() -> None:
    with pytest.raises(NotHere, match=r"No module named 'benchmarks\.nobody'"):
        Worker("benchmarks.nobody:Nobody", 1)


def test_a_worker_that_ends_tells_its_last_words() -> None:
    with (
        Worker("benchmarks.company:Company", 1, None, folder=str(DEFAULT)) as worker,
        pytest.raises(NotHere, match="ended with code 1: AttributeError: 'Company' object has no attribute 'sing'"),
    ):
        worker.call("sing")


def test_a_fresh_process_is_timed_until_it_is_done() -> None:
    assert seconds_until_done("import time; time.sleep(0.3)") > 0.3
    with pytest.raises(subprocess.CalledProcessError):
        seconds_until_done("raise SystemExit(3)")


@pytest.mark.parametrize("most", [0, 1, 37, 64])
def test_the_largest_company_held_is_found(most: int) -> None:
    asked: list[int] = []

    def held(dancers: int) -> bool:
        asked.append(dancers)
        return dancers <= most

    assert most_held(held) == most
    assert min(asked) >= 1 and max(asked) <= 64 and len(asked) <= 7


def test_a_frame_is_late_beyond_half_a_period() -> None:
    assert late([0.0, 0.49 / RATE_HZ, 0.51 / RATE_HZ, 1.0]) == 2


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("speed", 50.0, 50.0), True),
        (Target("speed", 49.9, 50.0, aim=60.0), False),
        (Target("share", 1.4, 1.4, least=False), True),
        (Target("share", 1.41, 1.4, least=False), False),
    ],
)
def test_a_target_is_a_least_or_a_most(target: Target, met: bool) -> None:
    assert target.met == met


def test_results_are_written_whole(tmp_path: Path) -> None:
    part = Part("frame", "about", ["ms"], {"A <b>": {"ms": 2.0}, "C": {"ms": 1.0}}, [Target("t", 2.0, 3.0)], ["note"])
    files = save([part], {"cores": 2}, tmp_path / "results")
    assert [file.name for file in files] == ["results.json", "frame.svg"]
    found = json.loads(files[0].read_text())
    assert found["machine"] == {"cores": 2}
    assert found["parts"][0]["rows"] == {"A <b>": {"ms": 2.0}, "C": {"ms": 1.0}}
    assert found["parts"][0]["reached"] == [False]
    plot = files[1].read_text()
    assert "A &lt;b&gt;" in plot and plot.startswith("<svg ") and plot.endswith("</svg>\n")


def test_bars_are_as_long_as_their_figures() -> None:
    plot = bars("title", {"A": 4.0, "B": 1.0})
    assert 'width="410.0"' in plot and 'width="102.5"' in plot


@pytest.mark.parametrize(("figure", "text"), [(0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1,234"), (0.0, "0")])
def test_figures_have_three_digits(figure: float, text: str) -> None:
    assert written(figure) == text
