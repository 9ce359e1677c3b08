"""`step.onnx`: one step of the LSTM-MDN with its sampling, for any number of dancers.

The head is lazy: the mixture's weights come first, a component is drawn, and only that component's rows of the head
are read and multiplied (6.3 M of 12.2 M parameters). Exact: the others' means and sigmas would not be used.
"""

from pathlib import Path

import numpy as np

from export.graph import FLOAT, INT64, Graph, axes, scalar
from training.latents import Statistics
from training.mdn_rnn import MDNRNN, SIGMA_FLOOR

HEADS = ("mu", "sigma")


def lstm_cell(graph: Graph, layer: int, units: int, weights: dict, x: str, hidden: str, cell: str) -> tuple[str, str]:
    """One LSTM layer for one step: (dancers, inputs) -> its new hidden and cell, (dancers, units)."""

    def gates(kind: str) -> str:
        # PyTorch's order i, f, g, o becomes i, f, o, g: one sigmoid runs over the first three.
        name = f"{kind}_l{layer}"
        whole = graph.weight(f"lstm.{name}", weights[f"lstm.{name}"])
        i, f, g, o = graph.split(whole, units, units, units, units, axis=0)
        return graph.op("Concat", i, f, o, g, axis=0)

    kernel = graph.op("Concat", gates("weight_ih"), gates("weight_hh"), axis=1)
    bias = graph.op("Add", gates("bias_ih"), gates("bias_hh"))
    both = graph.op("Concat", x, hidden, axis=1)
    kernel = graph.op("Transpose", kernel, perm=[1, 0])
    summed = graph.op("Gemm", both, kernel, bias)
    squashed, candidate = graph.split(summed, 3 * units, units, axis=1)
    i, f, o = graph.split(graph.op("Sigmoid", squashed), units, units, units, axis=1)
    kept, added = graph.op("Mul", f, cell), graph.op("Mul", i, graph.op("Tanh", candidate))
    new_cell = graph.op("Add", kept, added)
    return graph.op("Mul", o, graph.op("Tanh", new_cell)), new_cell


def write_step(model: MDNRNN, statistics: Statistics, path: Path) -> None:
    """Write `step.onnx` as docs/bundle.md says."""
    config = model.config
    size, components = config.latent_size, config.components
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    graph = Graph("step")
    mean = graph.constant("latent_mean", statistics.mean)
    deviation = graph.constant("latent_deviation", statistics.deviation)

    x = latent = graph.op("Div", graph.op("Sub", "latent_in", mean), deviation)
    ones = [1] * config.layers
    hiddens_in, cells_in = (graph.split(name, *ones, axis=0) for name in ("hidden_in", "cell_in"))
    hiddens, cells = [], []
    for layer in range(config.layers):
        hidden, cell = (graph.op("Squeeze", parts[layer], axes(0)) for parts in (hiddens_in, cells_in))
        x, cell = lstm_cell(graph, layer, config.units, weights, x, hidden, cell)
        hiddens.append(graph.op("Unsqueeze", x, axes(0)))
        cells.append(graph.op("Unsqueeze", cell, axes(0)))
    graph.op("Concat", *hiddens, output="hidden_out", axis=0)
    graph.op("Concat", *cells, output="cell_out", axis=0)

    def linear(name: str, value: str) -> str:
        kernel, bias = (graph.weight(f"{name}.{kind}", weights[f"{name}.{kind}"]) for kind in ("weight", "bias"))
        return graph.op("Gemm", value, kernel, bias, transB=1)

    hidden = graph.op("Relu", linear("dense", x))
    logits = graph.op("Div", linear("pi", hidden), graph.op("Unsqueeze", "pi_temperature", axes(1)))
    graph.op("Softmax", logits, output="pi", axis=1)
    cumulative = graph.op("CumSum", "pi", np.array(1, np.int64))
    passed = graph.op("LessOrEqual", cumulative, graph.op("Unsqueeze", "uniform", axes(1)))
    count = graph.op("ReduceSum", graph.op("Cast", passed, to=INT64), axes(1), keepdims=0)
    # Rounding may leave the last cumulative weight a little below 1.
    graph.op("Min", count, axes(components - 1), output="component")

    def blocks(kind: str, shape: tuple[int, ...]) -> str:
        """The head's mu and sigma rows side by side, one block a component."""
        pair = [graph.op("Reshape", graph.weight(f"{n}.{kind}", weights[f"{n}.{kind}"]), axes(*shape)) for n in HEADS]
        return graph.op("Concat", *pair, axis=1)

    kernel = graph.op("Gather", blocks("weight", (components, size, config.hidden)), "component", axis=0)
    bias = graph.op("Gather", blocks("bias", (components, size)), "component", axis=0)
    drawn = graph.op("MatMul", kernel, graph.op("Unsqueeze", hidden, axes(2)))
    drawn = graph.op("Add", graph.op("Squeeze", drawn, axes(2)), bias)
    mu, sigma = graph.split(drawn, size, size, axis=1)
    mu = graph.op("Add", mu, graph.op("Mul", latent, graph.weight("gain", weights["gain"])))
    small = graph.op("Exp", graph.op("Min", sigma, scalar(0.0)))
    sigma = graph.op("Add", graph.op("Add", small, graph.op("Relu", sigma)), scalar(SIGMA_FLOOR))
    graph.op("Add", graph.op("Mul", mu, deviation), mean, output="mu")
    graph.op("Mul", sigma, deviation, output="sigma")
    spread = graph.op("Mul", "sigma", graph.op("Unsqueeze", "sigma_temperature", axes(1)))
    graph.op("Add", "mu", graph.op("Mul", spread, "normal"), output="latent_out")

    latents: list = ["dancers", size]
    state: list = [config.layers, "dancers", config.units]
    inputs: list[tuple[str, list]] = [
        ("latent_in", latents),
        ("hidden_in", state),
        ("cell_in", state),
        ("uniform", ["dancers"]),
    ]
    inputs += [("normal", latents), ("pi_temperature", ["dancers"]), ("sigma_temperature", ["dancers"])]
    outputs: list[tuple[str, list]] = [
        ("latent_out", latents),
        ("hidden_out", state),
        ("cell_out", state),
        ("pi", ["dancers", components]),
    ]
    outputs += [("mu", latents), ("sigma", latents)]
    graph.save(
        path,
        [(name, shape, FLOAT) for name, shape in inputs],
        [*((name, shape, FLOAT) for name, shape in outputs), ("component", ["dancers"], INT64)],
    )
