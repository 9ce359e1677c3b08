"""What a decoder's graph is made of: layers, each of which adds its nodes. Owns the nodes of each, plain and fast.

A layer takes maps and gives maps, names of (n, channels, rows, columns). All but those between `Phases` and
`Interleave` are one map. Kernels and biases are names of the graph's weights, or of nodes made of them: whatever is
folded is folded by nodes on constants, which the runtime computes once, when the session opens.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from export.graph import UINT8, Graph, axes, scalar
from training.vae_fast import FOLDS, PHASES

SAME: dict[str, Any] = {"pads": [1, 1, 1, 1]}
NEAREST: dict[str, Any] = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}
# By phase and tap of a 2-tap kernel: which of the 3 taps over the doubled map it sums.
FOLD = FOLDS.numpy()
BLOCK = 4  # pixels of the image on a side of one pixel of the map that `Phases` and `RowDifferences` read


class Layer(Protocol):
    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        """Add the layer's nodes to the graph; what it gives."""
        ...


@dataclass(frozen=True)
class Dense:
    """Latents (n, latent_size) -> Relu of a map of `channels`, (rows, columns) = `size`."""

    kernel: str
    bias: str
    channels: int
    size: tuple[int, int]

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return self.shaped(graph, graph.op("Gemm", *maps, self.kernel, self.bias, transB=1))

    def shaped(self, graph: Graph, value: str) -> tuple[str, ...]:
        """The map, from the sums (n, channels * rows * columns)."""
        # 0 hands n on by its name: onnxruntime fuses an Add into a Conv only where it can tell their shapes equal.
        return (graph.op("Reshape", graph.op("Relu", value), axes(0, self.channels, *self.size)),)


@dataclass(frozen=True)
class Pointwise:
    """A Dense over the channels of a map of `size`: a 1x1 convolution, kernel (outputs, inputs, 1, 1), no Relu."""

    kernel: str
    bias: str
    inputs: int
    outputs: int
    size: tuple[int, int]

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Conv", *maps, self.kernel, self.bias),)


@dataclass(frozen=True)
class Convolution:
    """3x3, zeros around the map, Relu. kernel (outputs, inputs, 3, 3)."""

    kernel: str
    bias: str
    inputs: int

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Relu", graph.op("Conv", *maps, self.kernel, self.bias, **SAME)),)


@dataclass(frozen=True)
class BorderedConvolution:
    """3x3, Relu, with a bias for each pixel: `border` (1, outputs, rows, columns)."""

    kernel: str
    border: str

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Relu", graph.op("Add", graph.op("Conv", *maps, self.kernel, **SAME), self.border)),)


@dataclass(frozen=True)
class Double:
    """A map of twice the rows and columns, by repetition."""

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Resize", *maps, "", np.array([1, 1, 2, 2], np.float32), **NEAREST),)


@dataclass(frozen=True)
class Phases:
    """`Double` and `Convolution` in one: the four phases of the doubled map, in the order of PHASES.

    A pixel of the doubled map has a source pixel behind it and reads at most the next one on either axis, so that each
    phase is a 2x2 convolution of the map itself: 16 taps for 36.
    """

    convolution: Convolution

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        bias = self.convolution.bias
        phases = zip(PHASES, self.kernels(graph), strict=True)
        return tuple(
            graph.op("Relu", graph.op("Conv", *maps, kernel, bias, pads=[1 - p, 1 - q, p, q]))
            for (p, q), kernel in phases
        )

    def kernels(self, graph: Graph) -> list[str]:
        """Of each phase, (outputs, inputs, 2, 2): its first row and column lie before the pixel where p and q are 0."""
        fold = "au,oiuv,bv->oiab"
        return [graph.op("Einsum", FOLD[p], self.convolution.kernel, FOLD[q], equation=fold) for p, q in PHASES]


@dataclass(frozen=True)
class RowDifferences:
    """`Phases` by 12 taps for 16: what the two phases of a row have in common is computed once.

    With taps a, b, c down the column, the upper phase is a x[i-1] + (b + c) x[i] = (a + b + c) x[i] - a (x[i] - x[i-1])
    and the lower one is (a + b) x[i] + c x[i+1] = (a + b + c) x[i] + c (x[i+1] - x[i]).
    """

    convolution: Convolution

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        inputs = self.convolution.inputs
        # By a convolution of each channel alone, which keeps the map in onnxruntime's blocked layout.
        difference = np.tile(np.array([[-1], [1]], np.float32), (inputs, 1, 1, 1))
        above, below = (graph.op("Conv", *maps, difference, pads=[1 - p, 0, p, 0], group=inputs) for p in (0, 1))
        found = {}
        for q in (0, 1):
            pads = [0, 1 - q, 0, q]
            taps = graph.op("Einsum", self.convolution.kernel, FOLD[q], equation="oiuv,bv->oiub")
            upper, _, lower = graph.split(taps, 1, 1, 1, axis=2)
            common = graph.op("ReduceSum", taps, axes(2), keepdims=1)
            common = graph.op("Conv", *maps, common, self.convolution.bias, pads=pads)
            for p, rows, kernel in ((0, above, graph.op("Neg", upper)), (1, below, lower)):
                own = graph.op("Conv", rows, kernel, pads=pads)
                found[p, q] = graph.op("Relu", graph.op("Add", own, common))
        return tuple(found[phase] for phase in PHASES)


@dataclass(frozen=True)
class Interleave:
    """Four phases -> the one map of twice the rows and columns."""

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("DepthToSpace", graph.op("Concat", *maps, axis=1), blocksize=2, mode="DCR"),)


@dataclass(frozen=True)
class Logits:
    """The last convolution, 3x3 to one channel: the image's logits (n, height, width), of `size` (height, width)."""

    kernel: str
    bias: str
    inputs: int
    size: tuple[int, int]

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Squeeze", graph.op("Conv", *maps, self.kernel, self.bias, **SAME), axes(1)),)


@dataclass(frozen=True)
class GatheredLogits:
    """`Interleave`, `Double` and `Logits` in one, from the phases.

    Each pixel is projected to all that it adds to the image: 2 x 2 phases of the last doubling, 2 x 2 taps each, 16
    numbers for its channels. The image is sums of four of these: a fixed 2x2 convolution of each phase to blocks of 4x4
    pixels, which begin one pixel outside the image, where every pixel of a block needs but two rows and columns.
    """

    logits: Logits

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        kernel = self.kernel(graph)
        return self.gathered(graph, [graph.op("Conv", phase, kernel) for phase in maps])

    def kernel(self, graph: Graph) -> str:
        """The projection, (16, inputs, 1, 1), in the order of `gather_kernel`'s channels."""
        kernel = graph.op("Reshape", self.logits.kernel, axes(self.logits.inputs, 3, 3))
        kernel = graph.op("Einsum", FOLD, kernel, FOLD, equation="rau,iuv,sbv->rasbi")
        return graph.op("Reshape", kernel, axes(BLOCK**2, self.logits.inputs, 1, 1))

    def gathered(self, graph: Graph, projected: list[str]) -> tuple[str, ...]:
        """The image's logits, from the four phases projected."""
        bias: tuple[str, ...] = (graph.op("Expand", self.logits.bias, axes(BLOCK**2)),)  # added once
        blocks = ""
        for (p, q), phase in zip(PHASES, projected, strict=True):
            added = graph.op("Conv", phase, gather_kernel(p, q), *bias, pads=[p, q, 2 - p, 2 - q])
            blocks, bias = graph.op("Add", added, blocks) if blocks else added, ()
        pixels = graph.op("DepthToSpace", blocks, blocksize=BLOCK, mode="DCR")
        pixels = graph.op("Squeeze", pixels, axes(1))
        height, width = self.logits.size
        return (graph.op("Slice", pixels, axes(1, 1), axes(1 + height, 1 + width), axes(1, 2)),)


def gather_kernel(p: int, q: int) -> np.ndarray:
    """The fixed convolution (16, 16, 2, 2) that sums what phase (p, q) adds to blocks of 4x4 pixels of the image.

    Channel 4 y + x out is pixel (y, x) of a block; channel 8 r + 4 a + 2 s + b in is tap (a, b) of phase (r, s) of the
    last doubling. The first row and column of the kernel are a pixel before the block's own where p and q are 1.
    """

    def axis(phase: int) -> np.ndarray:
        """(4, 2, 2, 2) by pixel of the block, phase of the last doubling, tap, tap of this kernel."""
        kernel = np.zeros((BLOCK, 2, 2, 2), np.float32)
        for pixel in range(BLOCK):
            middle, last = divmod(pixel - 1, 2)  # the block begins a pixel outside
            for tap in (0, 1):
                source, found = divmod(middle + last - 1 + tap, 2)
                if found == phase:
                    kernel[pixel, last, tap, source + phase] = 1
        return kernel

    kernel = np.einsum("yrai,xsbj->yxrasbij", axis(p), axis(q))
    return np.ascontiguousarray(kernel.reshape(BLOCK**2, BLOCK**2, 2, 2))


@dataclass(frozen=True)
class Sigmoid:
    """Logits -> the image, 0..1."""

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        return (graph.op("Sigmoid", *maps),)


@dataclass(frozen=True)
class Bytes:
    """The image 0..1 -> grey levels 0..255, rounded: the graph's output `images`."""

    def put(self, graph: Graph, *maps: str) -> tuple[str, ...]:
        levels = graph.op("Add", graph.op("Mul", *maps, scalar(255)), scalar(0.5))  # Cast cuts: round to nearest
        return (graph.op("Cast", levels, output="images", to=UINT8),)
