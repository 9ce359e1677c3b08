"""`encoder.onnx` and `decoder.onnx`. The decoder's plain layers are made fast by the list in `export.rewrites`."""

from collections.abc import Sequence
from pathlib import Path

from export.graph import FLOAT, UINT8, Graph, axes, scalar
from export.layers import SAME, Bytes, Convolution, Dense, Double, Layer, Logits, Pointwise, Sigmoid
from export.rewrites import DECODER, Rewrite
from training.vae import Decoder, Encoder


def parameters(graph: Graph, module: Encoder | Decoder, prefix: str) -> dict[str, str]:
    """All of the module's parameters as weights of the graph, by their names."""
    return {n: graph.weight(f"{prefix}.{n}", t.numpy()) for n, t in module.state_dict().items()}


def write_encoder(encoder: Encoder, path: Path) -> None:
    """Write `encoder.onnx`: images (n, height, width) uint8 -> latents (n, latent_size), the posterior's mean."""
    config = encoder.config
    width, height = config.image_size
    graph = Graph("encoder")
    weights = parameters(graph, encoder, "encoder")
    x = graph.op("Div", graph.op("Cast", "images", to=FLOAT), scalar(255))
    x = graph.op("Unsqueeze", x, axes(1))
    for name in ("conv1", "conv2", "conv3"):
        x = graph.op("Relu", graph.op("Conv", x, weights[f"{name}.weight"], weights[f"{name}.bias"], **SAME))
        x = graph.op("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = graph.op("Gemm", graph.op("Flatten", x), weights["dense.weight"], weights["dense.bias"], transB=1)
    graph.op("Gemm", x, weights["mean.weight"], weights["mean.bias"], output="latents", transB=1)
    latents = [("latents", ["n", config.latent_size], FLOAT)]
    graph.save(path, [("images", ["n", height, width], UINT8)], latents)


def decoder_layers(graph: Graph, decoder: Decoder) -> list[Layer]:
    """The decoder as `training.vae.Decoder` has it, layer by layer; adds its weights to the graph."""
    config = decoder.config
    width, height = config.image_size
    first, second, third = config.channels
    weights = parameters(graph, decoder, "decoder")

    def of(name: str) -> tuple[str, str]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    return [
        Dense(*of("dense"), third, config.grid),
        Pointwise(*of("dense_channels"), third, first, config.grid),
        Convolution(*of("conv1"), first),
        Double(),
        Convolution(*of("conv2"), third),
        Double(),
        Convolution(*of("conv3"), second),
        Double(),
        Logits(*of("conv4"), first, (height, width)),
        Sigmoid(),
        Bytes(),
    ]


def write_decoder(decoder: Decoder, path: Path, rewrites: Sequence[Rewrite] = DECODER) -> None:
    """Write `decoder.onnx`: latents (n, latent_size) -> images (n, height, width) uint8, rounded.

    Without `rewrites` it is the plain form, which tests and benchmarks hold the fast one against.
    """
    graph = Graph("decoder")
    layers = decoder_layers(graph, decoder)
    for rewrite in rewrites:
        layers = rewrite(graph, layers)
    maps: tuple[str, ...] = ("latents",)
    for layer in layers:
        maps = layer.put(graph, *maps)
    width, height = decoder.config.image_size
    latents = [("latents", ["n", decoder.config.latent_size], FLOAT)]
    graph.save(path, latents, [("images", ["n", height, width], UINT8)])
