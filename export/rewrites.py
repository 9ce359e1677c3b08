"""The rewrites that make a decoder's plain layers fast. Owns their list.

Each is exact but for rounding: tests hold every one against the plain export. onnxruntime's convolutions run at a
core's peak where channels come by the sixteen, so that multiplications are what is saved: the figures are millions of
them for an image of the article's sizes, channels filled up to sixteen: 1000 for the plain layers, 210 for the fast.
"""

from collections.abc import Callable, Sequence

import numpy as np

from export.graph import DOUBLE, FLOAT, Graph, axes
from export.layers import (
    BorderedConvolution,
    Convolution,
    Double,
    GatheredLogits,
    Interleave,
    Layer,
    Logits,
    Phases,
    Pointwise,
    RowDifferences,
)

Rewrite = Callable[[Graph, Sequence[Layer]], list[Layer]]


def replace(layers: Sequence[Layer], kinds: tuple[type, ...], make: Callable[..., list[Layer]]) -> list[Layer]:
    """The layers with every run of these kinds replaced by what `make` gives for it."""
    done: list[Layer] = []
    at = 0
    while at < len(layers):
        run = layers[at : at + len(kinds)]
        if len(run) == len(kinds) and all(map(isinstance, run, kinds)):
            done += make(*run)
            at += len(kinds)
        else:
            done.append(layers[at])
            at += 1
    return done


def fold_pointwise(graph: Graph, layers: Sequence[Layer]) -> list[Layer]:
    """A Dense over channels and the convolution after it, nothing between them, are one convolution.

    What the Dense's bias adds depends on how many taps fall on the zeros around the map: it becomes a bias a pixel.
    Both are sums of many products, made in float64 and rounded once.
    """

    def fold(dense: Pointwise, convolution: Convolution) -> list[Layer]:
        matrix = graph.op("Reshape", dense.kernel, axes(dense.outputs, dense.inputs))
        names = matrix, dense.bias, convolution.kernel, convolution.bias
        matrix, even, kernel, bias = (graph.op("Cast", each, to=DOUBLE) for each in names)
        folded = graph.op("Einsum", kernel, matrix, equation="omuv,mi->oiuv")
        taps = graph.op("Einsum", kernel, even, equation="omuv,m->ouv")
        border = graph.op("Einsum", taps, *map(taps_inside, dense.size), equation="ouv,yu,xv->oyx")
        border = graph.op("Add", border, graph.op("Reshape", bias, axes(-1, 1, 1)))
        border = graph.op("Unsqueeze", border, axes(0))
        return [BorderedConvolution(*(graph.op("Cast", each, to=FLOAT) for each in (folded, border)))]

    return replace(layers, (Pointwise, Convolution), fold)


def taps_inside(size: int) -> np.ndarray:
    """(size, 3): 1 where a tap of a 3-tap kernel falls on the axis, 0 where on the zeros around it."""
    inside = np.ones((size, 3))
    inside[0, 0] = inside[-1, 2] = 0
    return inside


def split_phases(graph: Graph, layers: Sequence[Layer]) -> list[Layer]:
    """The last doubled map but one is computed phase by phase from the map that was doubled: 204 for 460.

    Only where another doubling follows, which needs no whole map (`gather_logits`): interleaving the phases of the
    smaller map before it would cost what its fewer taps save.
    """

    def split(_: Double, convolution: Convolution, second: Double, logits: Logits) -> list[Layer]:
        return [Phases(convolution), Interleave(), second, logits]

    return replace(layers, (Double, Convolution, Double, Logits), split)


def gather_logits(graph: Graph, layers: Sequence[Layer]) -> list[Layer]:
    """The last convolution projects each phase's channels before anything is doubled: 20 for 460."""
    return replace(layers, (Interleave, Double, Logits), lambda *run: [GatheredLogits(run[-1])])


def share_rows(graph: Graph, layers: Sequence[Layer]) -> list[Layer]:
    """What two phases of a row have in common is computed once: 153 for 204.

    The same along columns too would leave 9 taps of 12, but adds to them more sums over whole maps than it saves.
    """
    return replace(layers, (Phases,), lambda phases: [RowDifferences(phases.convolution)])


DECODER: tuple[Rewrite, ...] = (fold_pointwise, split_phases, gather_logits, share_rows)
# int8 goes on from here: differences of rows would be rounded once more (`export.int8`).
DECODER_INT8: tuple[Rewrite, ...] = (fold_pointwise, split_phases, gather_logits)
