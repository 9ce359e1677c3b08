"""`encoder.onnx` and `decoder.onnx`. The decoder is `training.vae_fast`'s exact phase form, folded further.

The Dense over channels and the convolution after it become one 3x3 convolution; what the Dense's bias adds depends on
how many taps fall on the zero padding, so it is a constant map. All folding is done by nodes on constants, which the
runtime computes once, when the session opens.
"""

from pathlib import Path
from typing import Any

import numpy as np

from export.graph import FLOAT, UINT8, Graph, axes, scalar
from training.vae import Decoder, Encoder
from training.vae_fast import CELL, FOLDS, PHASES, gather_taps

SAME: dict[str, Any] = {"pads": [1, 1, 1, 1]}


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


def write_decoder(decoder: Decoder, path: Path) -> None:
    """Write `decoder.onnx`: latents (n, latent_size) -> images (n, height, width) uint8, rounded."""
    config = decoder.config
    width, height = config.image_size
    first, _, third = config.channels
    rows, columns = config.grid
    graph = Graph("decoder")
    weights = parameters(graph, decoder, "decoder")

    x = graph.op("Relu", graph.op("Gemm", "latents", weights["dense.weight"], weights["dense.bias"], transB=1))
    x = graph.op("Reshape", x, axes(-1, third, rows, columns))

    dense = graph.op("Reshape", weights["dense_channels.weight"], axes(first, third))
    kernel = graph.op("Einsum", weights["conv1.weight"], dense, equation="omuv,mi->oiuv")
    even = graph.op("Reshape", weights["dense_channels.bias"], axes(1, first, 1, 1))
    even = graph.op("Expand", even, axes(1, first, rows, columns))
    border = graph.op("Conv", even, weights["conv1.weight"], weights["conv1.bias"], **SAME)
    x = graph.op("Relu", graph.op("Add", graph.op("Conv", x, kernel, **SAME), border))
    nearest: dict[str, Any] = {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    }
    x = graph.op("Resize", x, "", np.array([1, 1, 2, 2], np.float32), **nearest)
    x = graph.op("Relu", graph.op("Conv", x, weights["conv2.weight"], weights["conv2.bias"], **SAME))

    folds = FOLDS.numpy()
    taps = graph.op("Reshape", weights["conv4.weight"], axes(first, 9))
    taps = graph.op("Reshape", graph.op("Transpose", taps, perm=[1, 0]), axes(9, first, 1, 1))
    projected = []
    for p, q in PHASES:
        kernel = graph.op("Einsum", folds[p], weights["conv3.weight"], folds[q], equation="au,oiuv,bv->oiab")
        phase = graph.op("Conv", x, kernel, weights["conv3.bias"], pads=[1 - p, 1 - q, p, q])
        projected.append(graph.op("Conv", graph.op("Relu", phase), taps))
    bias = graph.op("Expand", weights["conv4.bias"], axes(16))
    x = graph.op("Conv", graph.op("Concat", *projected, axis=1), gather_taps().numpy(), bias, **SAME)
    x = graph.op("Sigmoid", graph.op("DepthToSpace", x, blocksize=CELL // 2, mode="DCR"))
    x = graph.op("Add", graph.op("Mul", x, scalar(255)), scalar(0.5))  # Cast cuts: round to nearest
    graph.op("Reshape", graph.op("Cast", x, to=UINT8), axes(-1, height, width), output="images")
    latents = [("latents", ["n", config.latent_size], FLOAT)]
    graph.save(path, latents, [("images", ["n", height, width], UINT8)])
