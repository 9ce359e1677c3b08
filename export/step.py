"""`step.onnx`: one step of the LSTM-MDN with its sampling, for any number of dancers. Owns its nodes.

The head is lazy: the mixture's weights come first, a component is drawn, and only that component's rows of the head
are read and multiplied (6.3 M of 12.2 M parameters). Exact: the others' means and sigmas would not be used.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from export.graph import FLOAT, INT64, Graph, axes, scalar
from training.joined import HEADS, INTO_GATES, join
from training.latents import Statistics
from training.mdn_rnn import MDNRNN, OURS
from training.mixture import SIGMA_FLOOR

STATISTICS = ("latent_mean", "latent_deviation")
# Of networks that compute otherwise: `dancenet train --from` looks for ours, and must not take these for them.
OTHER_STATISTICS = ("latent_offset", "latent_scale")


class Float32:
    """The model's products, in float32 on weights stored as float16: under PyTorch's names, or those of `join`."""

    def __init__(self, graph: Graph, model: MDNRNN) -> None:
        self.graph, self.config = graph, model.config
        weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
        self.weights = weights | join(weights)

    def weight(self, name: str) -> str:
        return self.graph.weight(name, self.weights[name])

    def gate_bias(self, layer: int) -> str:
        return self.graph.op("Add", *(self.weight(f"lstm.bias_{each}_l{layer}") for each in INTO_GATES))

    def gates(self, layer: int, x: str, hidden: str | None) -> str:
        """What a layer's input and hidden state, (dancers, inputs) and (dancers, units), sum to: (dancers, 4 units).

        Without a hidden state it is zero.
        """
        if hidden is None:
            kernel = self.weight(f"lstm.weight_ih_l{layer}")
        else:
            x = self.graph.op("Concat", x, hidden, axis=1)
            kernel = self.weight(f"lstm.weight_l{layer}")
        return self.graph.op("Gemm", x, kernel, self.gate_bias(layer), transB=1)

    def linear(self, name: str, value: str) -> str:
        return self.graph.op("Gemm", value, self.weight(f"{name}.weight"), self.weight(f"{name}.bias"), transB=1)

    def dense(self, x: str) -> str:
        """The head's hidden units, (dancers, hidden)."""
        return self.graph.op("Relu", self.linear("dense", x))

    def head(self, hidden: str, component: str) -> str:
        """mu and sigma of the components drawn, side by side: (dancers, 2 latent_size)."""
        graph = self.graph
        kernel = graph.op("Gather", self.weight("head.weight"), component, axis=0)
        bias = graph.op("Gather", self.weight("head.bias"), component, axis=0)
        drawn = graph.op("MatMul", kernel, graph.op("Unsqueeze", hidden, axes(2)))
        return graph.op("Add", graph.op("Squeeze", drawn, axes(2)), bias)


class WholeHead(Float32):
    """The plain form, which tests and benchmarks hold the lazy head against: all components, then the one drawn."""

    def head(self, hidden: str, component: str) -> str:
        graph, shape = self.graph, axes(-1, self.config.components, self.config.latent_size)
        both = [graph.op("Reshape", self.linear(name, hidden), shape) for name in HEADS]
        index = graph.op("Unsqueeze", component, axes(1))
        return graph.op("GatherND", graph.op("Concat", *both, axis=2), index, batch_dims=1)


Arithmetic = Callable[[Graph, MDNRNN], Float32]


def gate(graph: Graph, summed: str, hard: bool) -> str:
    """A gate's opening, 0..1. A hard one by operators that every provider has: HardSigmoid is not on all."""
    if not hard:
        return graph.op("Sigmoid", summed)
    line = graph.op("Add", graph.op("Mul", summed, scalar(0.2)), scalar(0.5))
    return graph.op("Clip", line, scalar(0.0), scalar(1.0))


def lstm_cell(graph: Graph, summed: str, units: int, cell: str | None, hard: bool) -> tuple[str, str]:
    """One LSTM layer's gates and cell (dancers, units), zero if None -> its new hidden and cell."""
    # PyTorch's order, i, f, g, o: reordered weights would save a Sigmoid, but a session would take time to copy them.
    first, candidate, o = graph.split(summed, 2 * units, units, units, axis=1)
    i, f = graph.split(gate(graph, first, hard), units, units, axis=1)
    new_cell = graph.op("Mul", i, graph.op("Tanh", candidate))
    if cell is not None:
        new_cell = graph.op("Add", graph.op("Mul", f, cell), new_cell)
    return graph.op("Mul", gate(graph, o, hard), graph.op("Tanh", new_cell)), new_cell


def write_step(model: MDNRNN, statistics: Statistics, path: Path, arithmetic: Arithmetic = Float32) -> None:
    """Write `step.onnx` as docs/bundle.md says."""
    config, equations = model.config, model.equations
    size, components = config.latent_size, config.components
    graph = Graph("step")
    products = arithmetic(graph, model)
    names = STATISTICS if equations == OURS else OTHER_STATISTICS
    mean = graph.constant(names[0], statistics.mean)
    deviation = graph.constant(names[1], statistics.deviation)

    x = latent = graph.op("Div", graph.op("Sub", "latent_in", mean), deviation)
    if config.styles:
        x = graph.op("Concat", latent, *(graph.op("Unsqueeze", style, axes(1)) for style in config.styles), axis=1)
    if equations.carried:
        ones = [1] * config.layers
        hiddens_in, cells_in = (graph.split(name, *ones, axis=0) for name in ("hidden_in", "cell_in"))
        hiddens, cells = [], []
        for layer in range(config.layers):
            hidden, cell = (graph.op("Squeeze", parts[layer], axes(0)) for parts in (hiddens_in, cells_in))
            summed = products.gates(layer, x, hidden)
            x, cell = lstm_cell(graph, summed, config.units, cell, equations.hard_gates)
            hiddens.append(graph.op("Unsqueeze", x, axes(0)))
            cells.append(graph.op("Unsqueeze", cell, axes(0)))
        graph.op("Concat", *hiddens, output="hidden_out", axis=0)
        graph.op("Concat", *cells, output="cell_out", axis=0)
    else:
        for layer in range(config.layers):
            x, _ = lstm_cell(graph, products.gates(layer, x, None), config.units, None, equations.hard_gates)

    hidden = products.dense(x)
    logits = graph.op("Div", products.linear("pi", hidden), graph.op("Unsqueeze", "pi_temperature", axes(1)))
    graph.op("Softmax", logits, output="pi", axis=1)
    cumulative = graph.op("CumSum", "pi", np.array(1, np.int64))
    passed = graph.op("LessOrEqual", cumulative, graph.op("Unsqueeze", "uniform", axes(1)))
    count = graph.op("ReduceSum", graph.op("Cast", passed, to=INT64), axes(1), keepdims=0)
    # Rounding may leave the last cumulative weight a little below 1.
    graph.op("Min", count, axes(components - 1), output="component")

    mu, sigma = graph.split(products.head(hidden, "component"), size, size, axis=1)
    mu = graph.op("Add", mu, graph.op("Mul", latent, products.weight("gain")))
    small = graph.op("Exp", graph.op("Min", sigma, scalar(0.0)))
    sigma = graph.op("Add", graph.op("Add", small, graph.op("Relu", sigma)), scalar(SIGMA_FLOOR))
    if equations.variances:
        sigma = graph.op("Sqrt", sigma)
    graph.op("Add", graph.op("Mul", mu, deviation), mean, output="mu")
    graph.op("Mul", sigma, deviation, output="sigma")
    spread = graph.op("Mul", "sigma", graph.op("Unsqueeze", "sigma_temperature", axes(1)))
    graph.op("Add", "mu", graph.op("Mul", spread, "normal"), output="latent_out")

    latents: list = ["dancers", size]
    state: list = [config.layers, "dancers", config.units]
    carried = ("hidden", "cell") if equations.carried else ()
    inputs: list[tuple[str, list]] = [("latent_in", latents), *((f"{name}_in", state) for name in carried)]
    inputs += [("uniform", ["dancers"]), ("normal", latents)]
    inputs += [(name, ["dancers"]) for name in ("pi_temperature", "sigma_temperature", *config.styles)]
    outputs: list[tuple[str, list]] = [("latent_out", latents), *((f"{name}_out", state) for name in carried)]
    outputs += [("pi", ["dancers", components]), ("mu", latents), ("sigma", latents)]
    graph.save(
        path,
        [(name, shape, FLOAT) for name, shape in inputs],
        [*((name, shape, FLOAT) for name, shape in outputs), ("component", ["dancers"], INT64)],
    )
