"""Every rewrite computes what the plain layers do, at any sizes, and all of them are applied."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from export.graph import FLOAT, Graph
from export.layers import BorderedConvolution, gather_kernel
from export.parity import float_images, open_session
from export.rewrites import DECODER, Rewrite, fold_pointwise, replace
from export.step import WholeHead, write_step
from export.vae import decoder_layers, write_decoder
from tests.fixtures.tiny_dancer import LATENTS, tiny_dancer
from training.start import graph_weights
from training.vae import Decoder, VAEConfig
from training.vae_fast import PHASES

IMAGE_BOUND = 2e-6  # of the float image, 0..1: rounding
IMAGES = 40
CONFIGS = [
    VAEConfig((40, 24), 6, (8, 6, 4)),
    VAEConfig((8, 8), 3, (5, 3, 1)),  # one cell: every pixel is at the border
    VAEConfig((24, 64), 17, (32, 16, 48)),  # as onnxruntime blocks channels, and taller than wide
    VAEConfig((208, 120), 128, (128, 64, 32)),
]


def decoder_of(config: VAEConfig) -> Decoder:
    """With weights and biases as float16 has them, large enough that images have contrast and borders matter."""
    torch.manual_seed(5)
    decoder = Decoder(config).eval()
    for name, parameter in decoder.named_parameters():
        torch.nn.init.normal_(parameter, std=0.5 if name.endswith("bias") else 1.3 * parameter[0].numel() ** -0.5)
        parameter.data = parameter.data.half().float()
    return decoder.requires_grad_(False)


def latents_of(config: VAEConfig) -> np.ndarray:
    count = IMAGES if config.image_size[0] < 100 else 4
    return np.random.default_rng(0).standard_normal((count, config.latent_size), np.float32)


def written(decoder: Decoder, path: Path, rewrites: Sequence[Rewrite]) -> Path:
    write_decoder(decoder, path, rewrites)
    return path


def kinds(rewrites: Sequence[Rewrite]) -> list[str]:
    """The layers that are left when these rewrites are through."""
    graph = Graph("decoder")
    layers = decoder_layers(graph, Decoder(CONFIGS[0]).requires_grad_(False))
    for rewrite in rewrites:
        layers = rewrite(graph, layers)
    return [type(layer).__name__ for layer in layers]


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_the_plain_layers_are_the_decoder_s(config: VAEConfig, tmp_path: Path) -> None:
    decoder, latents = decoder_of(config), latents_of(config)
    _, floats = float_images(written(decoder, tmp_path / "plain.onnx", ()), latents)
    expected = torch.sigmoid(decoder.double()(torch.from_numpy(latents).double()))[:, 0].numpy()
    assert expected.std() > 0.03  # there is something to see
    np.testing.assert_allclose(floats, expected, rtol=0, atol=IMAGE_BOUND)


@pytest.mark.parametrize("count", range(1, len(DECODER) + 1), ids=[rewrite.__name__ for rewrite in DECODER])
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_a_rewrite_changes_nothing_but_rounding(config: VAEConfig, count: int, tmp_path: Path) -> None:
    decoder, latents = decoder_of(config), latents_of(config)
    plain_images, plain = float_images(written(decoder, tmp_path / "plain.onnx", ()), latents)
    images, floats = float_images(written(decoder, tmp_path / "fast.onnx", DECODER[:count]), latents)
    np.testing.assert_allclose(floats, plain, rtol=0, atol=IMAGE_BOUND)
    levels = np.abs(images.astype(int) - plain_images)
    assert levels.max() <= 1
    assert (levels > 0).mean() <= 1e-4


def test_what_is_folded_is_rounded_once(tmp_path: Path) -> None:
    config = CONFIGS[2]
    decoder, graph = decoder_of(config), Graph("folded")
    (folded,) = fold_pointwise(graph, decoder_layers(graph, decoder)[1:3])
    assert isinstance(folded, BorderedConvolution)
    graph.op("Identity", folded.kernel, output="kernel")
    graph.op("Identity", folded.border, output="border")
    names = ["kernel", "border"]
    graph.save(tmp_path / "folded.onnx", [], [(name, [None] * 4, FLOAT) for name in names])
    kernel, border = open_session(tmp_path / "folded.onnx").run(names, {})
    dense, convolution = decoder.dense_channels.double(), decoder.conv1.double()
    exact = torch.einsum("omuv,mi->oiuv", convolution.weight, dense.weight.flatten(1))
    np.testing.assert_array_equal(kernel, exact.float())
    assert dense.bias is not None
    even = dense.bias[None, :, None, None].expand(1, -1, *config.grid)
    np.testing.assert_array_equal(border, convolution(even).float())


def test_each_rewrite_does_its_part() -> None:
    before, end = ["Dense"], ["Sigmoid", "Bytes"]
    plain = ["Pointwise", "Convolution", "Double", "Convolution", "Double", "Convolution", "Double", "Logits"]
    folded = ["BorderedConvolution", "Double", "Convolution"]
    after = [
        plain,
        [*folded, "Double", "Convolution", "Double", "Logits"],
        [*folded, "Phases", "Interleave", "Double", "Logits"],
        [*folded, "Phases", "GatheredLogits"],
        [*folded, "RowDifferences", "GatheredLogits"],
    ]
    assert [kinds(DECODER[:count]) for count in range(len(DECODER) + 1)] == [[*before, *each, *end] for each in after]


def test_an_image_does_not_depend_on_those_beside_it(tmp_path: Path) -> None:
    config = CONFIGS[0]
    latents = latents_of(config)
    path = written(decoder_of(config), tmp_path / "fast.onnx", DECODER)
    _, together = float_images(path, latents)
    alone = np.concatenate([float_images(path, latent[None])[1] for latent in latents[:5]])
    np.testing.assert_allclose(together[:5], alone, rtol=0, atol=IMAGE_BOUND)


@pytest.mark.parametrize("rewrites", [(), DECODER], ids=["plain", "fast"])
def test_a_graph_holds_the_decoder_s_own_weights(rewrites: Sequence[Rewrite], tmp_path: Path) -> None:
    decoder = decoder_of(CONFIGS[0])
    found = graph_weights(written(decoder, tmp_path / "decoder.onnx", rewrites))
    expected = {f"decoder.{name}": tensor for name, tensor in decoder.state_dict().items()}
    assert found.keys() == expected.keys()
    assert all((found[name] == expected[name].numpy()).all() for name in expected)


def test_every_pixel_of_a_block_is_summed_from_four_numbers() -> None:
    kernels = np.stack([gather_kernel(p, q) for p, q in PHASES])
    assert set(kernels.ravel()) == {0, 1}
    np.testing.assert_array_equal(kernels.sum((0, 2, 3, 4)), np.full(16, 4))


def test_runs_are_replaced_and_all_else_is_kept() -> None:
    assert replace([1, "a", 2, "b", "c", 3], (int, str), lambda n, s: [s * n]) == ["a", "bb", "c", 3]  # type: ignore[list-item]


def test_the_lazy_head_computes_what_the_whole_head_does(tmp_path: Path) -> None:
    dancer, dancers = tiny_dancer(), 50
    random = np.random.default_rng(2)
    feeds = {
        "latent_in": random.standard_normal((dancers, LATENTS), np.float32),
        "hidden_in": random.uniform(-1, 1, (2, dancers, 12)).astype(np.float32),
        "cell_in": random.uniform(-1, 1, (2, dancers, 12)).astype(np.float32),
        "uniform": random.random(dancers, np.float32),
        "normal": random.standard_normal((dancers, LATENTS), np.float32),
        "pi_temperature": np.full(dancers, 1.5, np.float32),
        "sigma_temperature": np.full(dancers, 0.5, np.float32),
    }
    write_step(dancer.mdn_rnn, dancer.statistics, tmp_path / "lazy.onnx")
    write_step(dancer.mdn_rnn, dancer.statistics, tmp_path / "plain.onnx", WholeHead)
    lazy, plain = (
        onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"])
        for name in ("lazy", "plain")
    )
    assert len(set(lazy.run(["component"], feeds)[0])) > 1
    for found, expected in zip(lazy.run(None, feeds), plain.run(None, feeds), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
