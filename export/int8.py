"""int8 graphs: products of bytes. Weights have a scale a row; activations are rounded within calibrated ranges.

Owns what is computed in bytes and what is not: sums, biases, what decides most in a step, the first convolution (whose
bias is a map) and the sums of the last stay in float32. The weights are rounded by nodes on constants, which are folded
before the graph is stored (`export.graph.fold_constants`); the exact graphs lie beside, for GPUs and for training.

Ranges are fixed: a range found anew for each batch would let a dancer's dance depend on who dances beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from export.calibration import DecoderRanges
from export.graph import FLOAT, INT8, INT32, Graph, axes, scalar
from export.layers import (
    SAME,
    BorderedConvolution,
    Convolution,
    Dense,
    Double,
    GatheredLogits,
    Layer,
    Phases,
)
from export.rewrites import Rewrite
from export.step import Float32
from training.joined import INTO_GATES
from training.mdn_rnn import MDNRNN
from training.vae_fast import PHASES

LEVELS, MIDDLE = 255, 128  # of an unsigned byte: after a Relu from 0; of signed values about MIDDLE
# Of a weight: x86 processors without VNNI add two products of bytes in 16 bits, which hold 2 x 255 x 64 and no more. It
# costs 0.9 dB (44.2 for 45.1) and no speed; onnxruntime's own care for that (`session.x64quantprecision`) does.
GREATEST = 64
SMALLEST = 1e-12  # of a scale: a row may be all zeros


@dataclass(frozen=True)
class Scale:
    """A byte stands for (byte - zero) * step."""

    step: float
    zero: int = 0

    @classmethod
    def signed(cls, greatest: float) -> "Scale":
        return cls(greatest / (LEVELS - MIDDLE), MIDDLE)

    @classmethod
    def positive(cls, greatest: float) -> "Scale":
        return cls(max(greatest / LEVELS, SMALLEST))

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return scalar(self.step), np.array(self.zero, np.uint8)

    def quantise(self, graph: Graph, value: str) -> str:
        return graph.op("QuantizeLinear", value, *self.arrays)


def quantised_rows(graph: Graph, kernel: str, rank: int) -> tuple[str, str, str]:
    """A kernel (outputs, ...) of `rank` as int8, the scale of each output and its zero points, 0."""
    greatest = graph.op("ReduceMax", graph.op("Abs", kernel), axes=list(range(1, rank)), keepdims=0)
    scale = graph.op("Max", graph.op("Div", greatest, scalar(GREATEST)), scalar(SMALLEST))
    zero = graph.op("Cast", graph.op("Mul", scale, scalar(0)), to=INT8)
    return graph.op("QuantizeLinear", kernel, scale, zero, axis=0), scale, zero


def convolve(graph: Graph, x: str, scale: Scale, kernel: str, bias: str, made: Scale, pads: Sequence[int]) -> str:
    """Bytes -> bytes, with a Relu: where `made.zero` is 0 they saturate at it."""
    rows, steps, zeros = quantised_rows(graph, kernel, 4)
    unit = graph.op("Mul", steps, scalar(scale.step))
    sums = graph.op("Cast", graph.op("Round", graph.op("Div", bias, unit)), to=INT32)
    return graph.op("QLinearConv", x, *scale.arrays, rows, steps, zeros, *made.arrays, sums, pads=list(pads))


def multiply(graph: Graph, x: str, scale: Scale, kernel: str) -> str:
    """Bytes (..., inputs) by a kernel (outputs, inputs) -> float32 (..., outputs)."""
    rows, steps, _ = quantised_rows(graph, kernel, 2)
    product = graph.op("MatMulInteger", x, graph.op("Transpose", rows, perm=[1, 0]), scale.arrays[1])
    return graph.op("Mul", graph.op("Cast", product, to=FLOAT), graph.op("Mul", steps, scalar(scale.step)))


@dataclass(frozen=True)
class Int8Dense:
    dense: Dense
    latents: Scale

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        (latents,) = maps
        value = multiply(graph, self.latents.quantise(graph, latents), self.latents, self.dense.kernel)
        return self.dense.shaped(graph, graph.op("Add", value, self.dense.bias))


@dataclass(frozen=True)
class Quantise:
    made: Scale

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return tuple(self.made.quantise(graph, each) for each in maps)


@dataclass(frozen=True)
class Int8Convolution:
    convolution: Convolution
    read: Scale
    made: Scale

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        (x,) = maps
        kernel, bias = self.convolution.kernel, self.convolution.bias
        return (convolve(graph, x, self.read, kernel, bias, self.made, SAME["pads"]),)


@dataclass(frozen=True)
class Int8Phases:
    phases: Phases
    read: Scale
    made: Scale

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        (x,) = maps
        bias = self.phases.convolution.bias
        kernels = zip(PHASES, self.phases.kernels(graph), strict=True)
        return tuple(
            convolve(graph, x, self.read, kernel, bias, self.made, (1 - p, 1 - q, p, q)) for (p, q), kernel in kernels
        )


@dataclass(frozen=True)
class Int8GatheredLogits:
    """Projects bytes to float32: what a pixel adds to the image may be large numbers that cancel each other."""

    gathered: GatheredLogits
    read: Scale

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        kernel = graph.op("Reshape", self.gathered.kernel(graph), axes(-1, self.gathered.logits.inputs))
        projected = []
        for phase in maps:
            # Convolutions of bytes have channels last: onnxruntime takes this Transpose and its own away together.
            taps = multiply(graph, graph.op("Transpose", phase, perm=[0, 2, 3, 1]), self.read, kernel)
            projected.append(graph.op("Transpose", taps, perm=[0, 3, 1, 2]))
        return self.gathered.gathered(graph, projected)


def quantise(ranges: DecoderRanges) -> Rewrite:
    """The rewrite that follows DECODER_INT8: bytes from the latents to the last convolution."""
    latents = Scale.signed(ranges.latents)
    one, two, three = (Scale.positive(top) for top in ranges.maps)

    def rewrite(graph: Graph, layers: Sequence[Layer]) -> list[Layer]:
        dense, first, double, second, phases, logits, *end = layers
        assert isinstance(dense, Dense)
        assert isinstance(first, BorderedConvolution)
        assert isinstance(double, Double)
        assert isinstance(second, Convolution)
        assert isinstance(phases, Phases)
        assert isinstance(logits, GatheredLogits)
        return [
            Int8Dense(dense, latents),
            first,
            Quantise(one),
            double,
            Int8Convolution(second, one, two),
            Int8Phases(phases, two, three),
            Int8GatheredLogits(logits, three),
            *end,
        ]

    return rewrite


class Int8Step(Float32):
    """The step's products in bytes, but for the few that decide most: of the latent, of the head's hidden units, and of
    the mixture's weights. With the first two in bytes as well, poses were further from the footage's: a Frechet
    distance of 2.5 times the footage's own, for 2.1 in the exact dance, means of six of ten minutes; now it is 2.2.

    `hidden` is the greatest value of the head's hidden units.
    """

    state = Scale.signed(1.0)  # an LSTM's hidden state is a sigmoid times a tanh

    def __init__(self, graph: Graph, model: MDNRNN, hidden: float) -> None:
        super().__init__(graph, model)
        self.units = Scale.positive(hidden)

    def gates(self, layer: int, x: str, hidden: str | None) -> str:
        graph = self.graph
        if hidden is None:
            if layer == 0:
                return super().gates(layer, x, None)
            from_x = self.weight(f"lstm.weight_{INTO_GATES[0]}_l{layer}")
            summed = multiply(graph, self.state.quantise(graph, x), self.state, from_x)
            return graph.op("Add", summed, self.gate_bias(layer))
        read = self.state.quantise(graph, hidden)
        if layer == 0:
            from_x, from_hidden = (self.weight(f"lstm.weight_{each}_l{layer}") for each in INTO_GATES)
            exact = graph.op("Gemm", x, from_x, self.gate_bias(layer), transB=1)
            return graph.op("Add", exact, multiply(graph, read, self.state, from_hidden))
        both = graph.op("Concat", self.state.quantise(graph, x), read, axis=1)
        kernel = self.weight(f"lstm.weight_l{layer}")
        return graph.op("Add", multiply(graph, both, self.state, kernel), self.gate_bias(layer))

    def head(self, hidden: str, component: str) -> str:
        graph, config = self.graph, self.config
        blocks, rows = config.components, 2 * config.latent_size
        kernel = graph.op("Reshape", self.weight("head.weight"), axes(blocks * rows, config.hidden))
        kernel, steps, _ = quantised_rows(graph, kernel, 2)
        kernel = graph.op("Reshape", kernel, axes(blocks, rows, config.hidden))
        kernel = graph.op("Gather", graph.op("Transpose", kernel, perm=[0, 2, 1]), component, axis=0)
        value = graph.op("Unsqueeze", self.units.quantise(graph, hidden), axes(1))
        product = graph.op("Squeeze", graph.op("MatMulInteger", value, kernel, self.units.arrays[1]), axes(1))
        unit = graph.op("Reshape", graph.op("Mul", steps, scalar(self.units.step)), axes(blocks, rows))
        unit, bias = (graph.op("Gather", each, component, axis=0) for each in (unit, self.weight("head.bias")))
        return graph.op("Add", graph.op("Mul", graph.op("Cast", product, to=FLOAT), unit), bias)
