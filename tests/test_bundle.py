"""Bundles: a whole one opens and runs; a broken one is refused with the file, what was found and what is expected."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.bundle import BundleError, Metadata, open_bundle
from engine.metadata import Health
from engine.parameters import Parameter
from engine.providers import DeviceError
from tests.fixtures.tiny_bundle import HEIGHT, LATENT, LAYERS, UNITS, WIDTH, write_step, write_tiny_bundle


@pytest.fixture
def folder(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle, to break."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "broken"))


def refusal(folder: Path, precision: str = "auto") -> str:
    """The message of opening the bundle, without the folder."""
    with pytest.raises(BundleError) as caught:
        open_bundle(folder, "cpu", precision=precision)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(folder))
    return message.removeprefix(str(folder)).removeprefix("/")


def edit_metadata(folder: Path, **entries: Any) -> None:
    path = folder / "bundle.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def edit_graph(path: Path, edit: Callable[[onnx.GraphProto], None]) -> None:
    model = onnx.load(path)
    edit(model.graph)
    path.write_bytes(model.SerializeToString())


def test_a_bundle_opens_with_its_sessions_its_bank_and_its_state(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, "cpu")
    assert bundle.metadata.name == "tiny"
    assert (bundle.bank.shape, bundle.bank.dtype) == ((100, 30, LATENT), np.float32)
    assert [(each.name_in, each.name_out, each.shape, each.axis) for each in bundle.state] == [
        ("latent_in", "latent_out", (1, LATENT), 0),
        ("hidden_in", "hidden_out", (LAYERS, 1, UNITS), 1),
        ("cell_in", "cell_out", (LAYERS, 1, UNITS), 1),
    ]
    assert bundle.state[1].shape_for(5) == (LAYERS, 5, UNITS)
    assert (bundle.device.name, bundle.device.reason) == ("cpu", "as asked")


def test_latents_decode_to_images_and_images_encode_to_latents(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, "cpu")
    images = bundle.decode(bundle.bank[0])
    assert (images.shape, images.dtype) == ((30, HEIGHT, WIDTH), np.uint8)
    assert bundle.encoder().run(None, {"images": images})[0].shape == (30, LATENT)
    assert bundle.encoder() is bundle.encoder()


def test_metadata_is_read_as_it_was_written(tmp_path: Path) -> None:
    metadata = Metadata(
        name="mine",
        image_size=(208, 120),
        image_kind="grey",
        latent_size=128,
        components=24,
        steps_a_second=30,
        health=Health((0.01, 0.2), 1e-4),
        defaults={"temperature": 0.8, "speed": 0.5},
        controls=(Parameter("dance", "style", 0.5, 0.0, 1.0, 0.1, 0.1, "from slow to wild"),),
        data="footage of mine",
        licence="CC BY 4.0",
        quality={"iou": 0.93},
    )
    metadata.write(tmp_path)
    assert Metadata.read(tmp_path) == metadata
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.json"]


def test_metadata_that_would_be_refused_is_not_written(tiny_bundle: Path, tmp_path: Path) -> None:
    wrong = replace(Metadata.read(tiny_bundle), image_kind="purple")
    with pytest.raises(BundleError, match=r'bundle\.json: image_kind is "purple"; it must be one of "dark'):
        wrong.write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_documents_example_is_good_metadata(tmp_path: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "bundle.md").read_text()
    (tmp_path / "bundle.json").write_text(page.split("```json\n")[1].split("```")[0])
    assert Metadata.read(tmp_path).image_size == (208, 120)


def test_where_there_is_no_folder_it_says_so(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere") == ": no bundle there; a bundle is a folder with bundle.json"


@pytest.mark.parametrize("name", ["encoder.onnx", "step.onnx", "decoder.onnx", "bank.npy", "README.md"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    expected = "missing; a bundle holds encoder.onnx, step.onnx, decoder.onnx, bank.npy, README.md"
    assert refusal(folder) == f"{name}: {expected}"


def test_missing_metadata_is_named(folder: Path) -> None:
    (folder / "bundle.json").unlink()
    assert refusal(folder) == "bundle.json: missing; a bundle holds its metadata there"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"format": 1,\n"name" 2}', "bundle.json:2: not JSON (Expecting ':' delimiter)"),
        (b'"\xff"', "bundle.json: not JSON in UTF-8"),
        (b"[" * 100_000, "bundle.json: not JSON in UTF-8"),
        (b"[1, 2]", "bundle.json: holds [1, 2]; it must hold an object of entries"),
        (b"{}", 'bundle.json: "format" is missing; it must be a whole number'),
    ],
)
def test_metadata_that_is_no_object_is_refused(folder: Path, content: bytes, message: str) -> None:
    (folder / "bundle.json").write_bytes(content)
    assert refusal(folder) == message


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"format": 2, "more": 1}, "format is 2; this DanceNet reads up to 1: update it"),
        ({"format": "1"}, 'format is "1"; it must be a whole number'),
        ({"licens": "MIT"}, 'unknown entry "licens"; did you mean "licence"?'),
        ({"name": " "}, 'name is " "; it must be a text that is not empty, on one line'),
        ({"image_size": [208]}, "image_size is [208]; it must be [width, height] in pixels, up to 4096 each"),
        ({"image_size": [208, 0]}, "image_size is [208, 0]; it must be [width, height] in pixels, up to 4096 each"),
        (
            {"image_kind": "purple"},
            'image_kind is "purple"; it must be one of "dark silhouette", "light silhouette", "grey"',
        ),
        ({"latent_size": 8.5}, "latent_size is 8.5; it must be a whole number in 1..2048"),
        ({"components": True}, "components is true; it must be a whole number in 1..4096"),
        ({"steps_a_second": 0}, "steps_a_second is 0; it must be a whole number in 1..240"),
        ({"defaults": {"temperature": 9}}, "defaults.temperature is 9; it must be a number in 0.05..3"),
        (
            {"defaults": {"temprature": 1}},
            'defaults is "temprature"; it must be about temperature, pi_temperature, sigma_temperature, speed, seed, '
            "dancers, unison, canon, layout, mirror, frozen, axis1, axis2, axis3, axis4, axis5, axis6, axis7, axis8",
        ),
        ({"health": []}, 'health is []; it must be an object with "area" and "slow_motion"'),
        (
            {"health": {"area": [0.2, 0.1], "slow_motion": 0.1}},
            "health.area is [0.2, 0.1]; it must be [least, greatest] coverage in 0..1, the lesser first",
        ),
        ({"health": {"area": [0.1, 0.2]}}, "health.slow_motion is null; it must be a number in 0..1"),
        (
            {"controls": [{"name": "style"}]},
            'controls is [{"name": "style"}]; it must be a list of up to 64 '
            '{"name", "doc", "default", "range": [low, high]}',
        ),
        (
            {"controls": [{"name": "speed", "doc": "d", "default": 0, "range": [0, 1]}]},
            'controls.name is "speed"; it must be a name that nothing else has',
        ),
        (
            {"controls": [{"name": "Style!", "doc": "d", "default": 0, "range": [0, 1]}]},
            'controls.name is "Style!"; it must be lower case letters, digits and _',
        ),
        (
            {"controls": [{"name": "style", "doc": "d", "default": 2, "range": [0, 1]}]},
            "controls.style.default is 2; it must be a number in 0..1",
        ),
        (
            {"controls": [{"name": "style", "doc": "d", "default": 0, "range": [1, 0]}]},
            "controls.style.range is [1, 0]; it must be [low, high], two numbers, the lower first",
        ),
        (
            {"controls": [{"name": "style", "doc": "", "default": 0, "range": [0, 1]}]},
            'controls.style.doc is ""; it must be a text that is not empty',
        ),
        ({"quality": "good"}, 'quality is "good"; it must be an object of figures'),
    ],
)
def test_a_wrong_entry_is_named_with_what_is_allowed(folder: Path, entries: dict[str, Any], message: str) -> None:
    edit_metadata(folder, **entries)
    assert refusal(folder) == f"bundle.json: {message}"


def test_an_entry_that_is_not_a_number_is_refused(folder: Path) -> None:
    edit_metadata(folder, health={"area": [0.1, 0.2], "slow_motion": float("nan")})
    assert refusal(folder) == "bundle.json: health.slow_motion is NaN; it must be a number in 0..1"


@pytest.mark.parametrize("name", ["step.onnx", "decoder.onnx"])
@pytest.mark.parametrize("content", [b"", b"\x00" * 100, b"not a model"])
def test_a_corrupt_graph_is_refused_when_the_bundle_opens(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    assert refusal(folder).startswith(f"{name}: not a readable ONNX model (")


@pytest.mark.parametrize("name", ["step.onnx", "decoder.onnx"])
def test_a_graph_cut_short_is_refused(folder: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    assert refusal(folder) == f"{name}: not a readable ONNX model (Protobuf parsing failed)"


@pytest.fixture
def rounded(folder: Path) -> Path:
    """The tiny bundle with int8 graphs; this dancer stands still in them, which tells them from the exact ones."""
    edit_metadata(folder, precision="int8")
    shutil.copy(folder / "decoder.onnx", folder / "decoder.int8.onnx")
    write_step(folder / "step.int8.onnx", "freeze", ())
    return folder


def test_the_cpu_takes_int8_images_of_a_bundle_that_has_them_and_int8_steps_if_asked(rounded: Path) -> None:
    found = []
    for precision in ("auto", "fp32", "int8"):
        bundle = open_bundle(rounded, "cpu", precision=precision)
        binding = bundle.bind(1)
        binding.latent[...] = bundle.bank[0, 0]
        binding.step()
        found.append((bundle.precision, np.array_equal(binding.latent[0], bundle.bank[0, 0])))
    assert found == [("fp32, images in int8", False), ("fp32", False), ("int8", True)]


def test_a_bundle_without_int8_graphs_is_exact_and_cannot_be_asked_for_them(tiny_bundle: Path) -> None:
    assert open_bundle(tiny_bundle, "cpu").precision == "fp32"
    with pytest.raises(BundleError) as caught:
        open_bundle(tiny_bundle, "cpu", precision="int8")
    assert str(caught.value) == f"{tiny_bundle}: no int8 graphs; `dancenet export --precision int8` writes them"


def test_int8_is_for_the_cpu(rounded: Path) -> None:
    assert open_bundle(rounded, "auto", precision="int8").device.name == "cpu"
    with pytest.raises(DeviceError) as caught:
        open_bundle(rounded, "cuda", precision="int8")
    assert str(caught.value) == "--device cuda: takes no int8 graphs; --precision int8 is for the CPU"


@pytest.mark.parametrize("name", ["step.int8.onnx", "decoder.int8.onnx"])
def test_int8_graphs_that_the_metadata_tells_of_must_be_there_and_whole(rounded: Path, name: str) -> None:
    (rounded / name).write_bytes(b"not a model")
    assert refusal(rounded, "int8") == f"{name}: not a readable ONNX model (Protobuf parsing failed)"
    open_bundle(rounded, "cpu", precision="fp32")
    (rounded / name).unlink()
    names = "encoder.onnx, step.onnx, decoder.onnx, bank.npy, README.md, step.int8.onnx, decoder.int8.onnx"
    assert refusal(rounded) == f"{name}: missing; a bundle holds {names}"


def test_a_corrupt_encoder_is_refused_when_it_is_asked_for(folder: Path) -> None:
    (folder / "encoder.onnx").write_bytes(b"not a model")
    bundle = open_bundle(folder, "cpu")
    with pytest.raises(BundleError, match=r"encoder.onnx: not a readable ONNX model \(Protobuf parsing failed\)$"):
        bundle.encoder()


def test_graphs_of_other_sizes_than_the_metadata_says_are_refused(folder: Path) -> None:
    edit_metadata(folder, latent_size=16)
    assert refusal(folder) == "bank.npy: holds (100, 30, 8) float16; it must be (100 or more, 30 or more, 16) float16"
    np.save(folder / "bank.npy", np.zeros((100, 30, 16), np.float16))
    assert refusal(folder) == "decoder.onnx: input latents is (n, 8) float32; it must be (n, 16) float32"


def test_images_of_another_size_are_refused(folder: Path) -> None:
    edit_metadata(folder, image_size=[WIDTH, HEIGHT + 1])
    assert refusal(folder) == "decoder.onnx: output images is (n, 16, 26) uint8; it must be (n, 17, 26) uint8"


def test_other_components_than_the_metadata_says_are_refused(folder: Path) -> None:
    edit_metadata(folder, components=24)
    assert refusal(folder) == "step.onnx: output pi is (dancers, 3) float32; it must be (dancers, 24) float32"


def test_a_control_that_the_step_does_not_take_is_refused(folder: Path) -> None:
    edit_metadata(folder, controls=[{"name": "style", "doc": "d", "default": 0, "range": [0, 1]}])
    assert refusal(folder) == (
        "step.onnx: input style (dancers) float32 is missing; "
        "found latent_in, uniform, normal, pi_temperature, sigma_temperature"
    )


def test_an_input_that_the_metadata_does_not_declare_is_refused(tmp_path: Path) -> None:
    style = Parameter("dance", "style", 0.0, 0.0, 1.0, 0.0, 0.0, "from slow to wild")
    folder = write_tiny_bundle(tmp_path / "styled", controls=(style,))
    assert open_bundle(folder, "cpu").metadata.controls[0].key == "dance/style"
    edit_metadata(folder, controls=[])
    assert refusal(folder) == (
        "step.onnx: unknown input style; known are latent_in, uniform, normal, pi_temperature, sigma_temperature"
    )


def test_state_that_does_not_come_out_again_is_refused(folder: Path) -> None:
    def drop(graph: onnx.GraphProto) -> None:
        graph.output.remove(next(each for each in graph.output if each.name == "cell_out"))

    edit_graph(folder / "step.onnx", drop)
    assert refusal(folder) == (
        "step.onnx: output cell_out (2, dancers, 6) float32 is missing; "
        "found latent_out, hidden_out, pi, component, mu, sigma"
    )


def test_state_without_an_axis_of_dancers_is_refused(folder: Path) -> None:
    def rename(graph: onnx.GraphProto) -> None:
        hidden = next(each for each in graph.input if each.name == "hidden_in")
        hidden.type.tensor_type.shape.dim[1].dim_param = "batch"

    edit_graph(folder / "step.onnx", rename)
    assert refusal(folder) == (
        "step.onnx: input hidden_in is (2, batch, 6) float32; it must be float32 with one free axis, named dancers"
    )


def test_a_decoder_for_one_latent_only_is_refused(folder: Path) -> None:
    def fix(graph: onnx.GraphProto) -> None:
        graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1

    edit_graph(folder / "decoder.onnx", fix)
    assert refusal(folder) == "decoder.onnx: input latents is (1, 8) float32; it must be (n, 8) float32"


def test_images_that_are_not_bytes_are_refused(folder: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["latents", "w"], ["flat"]),
        helper.make_node("Reshape", ["flat", "s"], ["images"]),
    ]
    weights = [
        onnx.numpy_helper.from_array(np.zeros((LATENT, HEIGHT * WIDTH), np.float32), "w"),
        onnx.numpy_helper.from_array(np.array([-1, HEIGHT, WIDTH]), "s"),
    ]
    graph = helper.make_graph(
        nodes,
        "decoder",
        [helper.make_tensor_value_info("latents", TensorProto.FLOAT, ["n", LATENT])],
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", HEIGHT, WIDTH])],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "decoder.onnx").write_bytes(model.SerializeToString())
    assert refusal(folder) == "decoder.onnx: output images is (n, 16, 26) float32; it must be (n, 16, 26) uint8"


def test_a_step_that_gives_no_numbers_is_refused(folder: Path) -> None:
    def poison(graph: onnx.GraphProto) -> None:
        weights = next(each for each in graph.initializer if list(each.dims) == [LATENT, 4 * UNITS])
        weights.raw_data = np.full((LATENT, 4 * UNITS), np.nan, np.float32).tobytes()

    edit_graph(folder / "step.onnx", poison)
    assert refusal(folder).startswith("step.onnx: gave ")
    assert refusal(folder).endswith(" that is not finite; expected numbers")


@pytest.mark.parametrize(
    ("bank", "found"),
    [
        (np.zeros((99, 30, LATENT), np.float16), "(99, 30, 8) float16"),
        (np.zeros((100, 29, LATENT), np.float16), "(100, 29, 8) float16"),
        (np.zeros((100, 30, LATENT), np.float32), "(100, 30, 8) float32"),
        (np.zeros((100, LATENT), np.float16), "(100, 8) float16"),
    ],
)
def test_a_bank_of_the_wrong_shape_is_refused(folder: Path, bank: np.ndarray, found: str) -> None:
    np.save(folder / "bank.npy", bank)
    assert refusal(folder) == f"bank.npy: holds {found}; it must be (100 or more, 30 or more, 8) float16"


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"something else"])
def test_a_corrupt_bank_is_refused(folder: Path, content: bytes) -> None:
    (folder / "bank.npy").write_bytes(content)
    assert refusal(folder) == "bank.npy: not a readable .npy file of numbers"


def test_a_bank_cut_short_is_refused(folder: Path) -> None:
    content = (folder / "bank.npy").read_bytes()
    (folder / "bank.npy").write_bytes(content[:-100])
    assert refusal(folder) == "bank.npy: not a readable .npy file of numbers"


def test_a_bank_of_objects_is_refused(folder: Path) -> None:
    np.save(folder / "bank.npy", np.array([{}], object), allow_pickle=True)
    assert refusal(folder) == "bank.npy: not a readable .npy file of numbers"


def test_a_bank_that_is_not_finite_is_refused(folder: Path) -> None:
    bank = np.load(folder / "bank.npy")
    bank[3, 4, 5] = np.inf
    np.save(folder / "bank.npy", bank)
    assert refusal(folder) == "bank.npy: holds latents that are not finite; expected numbers"


@pytest.mark.parametrize("threads", [1, 3])
def test_images_have_the_threads_asked_for_and_the_step_has_one(tiny_bundle: Path, threads: int) -> None:
    bundle = open_bundle(tiny_bundle, "cpu", threads)
    sessions = bundle.decoder, bundle.encoder(), bundle.step
    assert [session.get_session_options().intra_op_num_threads for session in sessions] == [threads, threads, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_tasks_done_together_are_all_done_and_what_fails_is_raised(tiny_bundle: Path, threads: int) -> None:
    bundle, done = open_bundle(tiny_bundle, "cpu", threads), []
    bundle.together([lambda number=number: done.append(number) for number in range(5)])  # type: ignore[misc]
    assert sorted(done) == [0, 1, 2, 3, 4]

    def fail() -> None:
        raise ValueError("for the test")

    for tasks in ([fail, lambda: None], [lambda: None, fail]):
        with pytest.raises(ValueError, match="for the test"):
            bundle.together(tasks)


@pytest.mark.parametrize("threads", [1, 2])
def test_images_decoded_on_a_second_core_are_those_decoded_alone(tiny_bundle: Path, threads: int) -> None:
    bundle = open_bundle(tiny_bundle, "cpu", threads)
    latents = bundle.bank[:7, 0]
    alone = np.concatenate([bundle.decode(latent[None]) for latent in latents])
    assert bundle.decode(latents).tobytes() == alone.tobytes()


def test_a_bank_whose_header_claims_more_than_the_file_holds_is_refused_before_room_is_made(folder: Path) -> None:
    content = (folder / "bank.npy").read_bytes()
    claimed = content.replace(b"(100, 30, 8), }" + b" " * 12, b"(100000000000000, 30, 8), }")
    assert len(claimed) == len(content)
    (folder / "bank.npy").write_bytes(claimed)
    assert refusal(folder) == "bank.npy: not a readable .npy file of numbers"


def test_a_graph_that_asks_for_100_gb_is_refused(folder: Path) -> None:
    def swell(graph: onnx.GraphProto) -> None:
        wide = numpy_helper.from_array(np.array([1, 25_000_000_000], np.int64), "wide")
        graph.initializer.append(wide)
        graph.node.extend(
            [
                helper.make_node("ConstantOfShape", ["wide"], ["vast"]),
                helper.make_node("ReduceMax", ["vast"], ["none"], keepdims=0),
            ]
        )
        for node in graph.node:
            if node.output[0] == "images":
                node.output[0] = "before"
        graph.node.extend(
            [
                helper.make_node("Cast", ["none"], ["zero"], to=TensorProto.UINT8),
                helper.make_node("Add", ["before", "zero"], ["images"]),
            ]
        )

    edit_graph(folder / "decoder.onnx", swell)
    assert refusal(folder).startswith("decoder.onnx: cannot be run (")


def test_a_state_too_large_to_be_kept_is_refused(folder: Path) -> None:
    def swell(graph: onnx.GraphProto) -> None:
        graph.input.append(helper.make_tensor_value_info("more_in", TensorProto.FLOAT, ["dancers", 40_000]))
        graph.output.append(helper.make_tensor_value_info("more_out", TensorProto.FLOAT, ["dancers", 40_000]))
        graph.node.append(helper.make_node("Identity", ["more_in"], ["more_out"]))

    edit_graph(folder / "step.onnx", swell)
    assert refusal(folder) == "step.onnx: a state of 40032 numbers a dancer; it may have up to 32768"
