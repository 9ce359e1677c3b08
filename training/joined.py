"""How an LSTM-MDN's parameters lie in `step.onnx`: side by side where they are multiplied at once.

Joined by nodes of the graph instead, they would be copied twice whenever a show opens it: of the article's sizes 48 MB,
a quarter of the time that the step takes to open. NumPy alone, for benchmarks read weights without PyTorch.
"""

from collections.abc import Mapping
from itertools import count, takewhile

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray]

INTO_GATES = ("ih", "hh")  # PyTorch's names for what multiplies a layer's input and its hidden state
HEADS = ("mu", "sigma")
KINDS = ("weight", "bias")


def join(weights: Weights) -> dict[str, NDArray]:
    """PyTorch's parameters by name -> the same, these joined:

    `lstm.weight_l0`, (4 units, inputs + units), of `lstm.weight_ih_l0` and `lstm.weight_hh_l0`, and so each layer's;
    `head.weight`, (components, 2 latent_size, hidden), and `head.bias`, of those of `mu` and of `sigma`.
    """
    joined = dict(weights)
    for layer in takewhile(lambda layer: f"lstm.weight_hh_l{layer}" in weights, count()):
        parts = [joined.pop(f"lstm.weight_{each}_l{layer}") for each in INTO_GATES]
        joined[f"lstm.weight_l{layer}"] = np.concatenate(parts, axis=1)
    components = len(weights["pi.bias"])
    for kind in KINDS:
        rows = [joined.pop(f"{head}.{kind}") for head in HEADS]
        blocks = [each.reshape(components, -1, *each.shape[1:]) for each in rows]
        joined[f"head.{kind}"] = np.concatenate(blocks, axis=1)
    return joined


def separate(joined: Weights) -> dict[str, NDArray]:
    """What `join` joined, under PyTorch's names again. Raises KeyError, with its name, where a part is missing."""
    weights = dict(joined)
    for layer in takewhile(lambda layer: f"lstm.weight_l{layer}" in joined, count()):
        kernel = weights.pop(f"lstm.weight_l{layer}")
        units = len(kernel) // 4
        parts = np.split(kernel, [kernel.shape[1] - units], axis=1)
        weights |= {f"lstm.weight_{each}_l{layer}": part for each, part in zip(INTO_GATES, parts, strict=True)}
    for kind in KINDS:
        blocks = weights.pop(f"head.{kind}")
        rows = [half.reshape(-1, *half.shape[2:]) for half in np.split(blocks, 2, axis=1)]
        weights |= {f"{head}.{kind}": each for head, each in zip(HEADS, rows, strict=True)}
    return weights
