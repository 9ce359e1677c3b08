"""The step's lazy head beside the whole one, by how many dancers take it at once: `python -m benchmarks.head [BUNDLE]`.

The lazy head gathers a component's block of weights for each dancer; the whole head multiplies all components at once
and throws most away. Which is cheaper hangs on how many share the product. A company steps in squads of 16
(engine/squad.py).
One process, one thread, in turns.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.rounds import interleave, median
from benchmarks.work import step_feeds
from engine.bundle import BANK
from export.graph import Graph, axes
from export.int8 import Int8Step, multiply
from export.step import Arithmetic, Float32, WholeHead, write_step
from training.mdn_rnn import MDNRNN
from training.start import Start, read_start

DANCERS = (1, 2, 4, 8, 16, 32, 64)
ROUNDS, STEPS = 8, 60  # of a round, shared out among the dancers
LEAST, WARM_UP = 4, 3
GREATEST = 8.0  # of hidden units: how bytes are scaled costs nothing


class WholeInt8(Int8Step):
    """int8 with the whole head."""

    def head(self, hidden: str, component: str) -> str:
        graph, config = self.graph, self.config
        blocks, rows = config.components, 2 * config.latent_size
        kernel = graph.op("Reshape", self.weight("head.weight"), axes(blocks * rows, config.hidden))
        value = multiply(graph, self.units.quantise(graph, hidden), self.units, kernel)
        value = graph.op("Add", value, graph.op("Reshape", self.weight("head.bias"), axes(blocks * rows)))
        value = graph.op("Reshape", value, axes(-1, blocks, rows))
        return graph.op("GatherND", value, graph.op("Unsqueeze", component, axes(1)), batch_dims=1)


def int8(kind: type[Int8Step]) -> Arithmetic:
    def new(graph: Graph, model: MDNRNN) -> Float32:
        return kind(graph, model, GREATEST)

    return new


HEADS: dict[str, Arithmetic] = {
    "fp32 lazy": Float32,
    "fp32 whole": WholeHead,
    "int8 lazy": int8(Int8Step),
    "int8 whole": int8(WholeInt8),
}


def open_step(start: Start, arithmetic: Arithmetic, path: Path) -> onnxruntime.InferenceSession:
    model = MDNRNN(start.mdn_rnn).eval().requires_grad_(False)
    model.load_state_dict(start.mdn_rnn_weights)
    write_step(model, start.statistics, path, arithmetic)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def steps(session: onnxruntime.InferenceSession, feeds: dict[str, np.ndarray], bank: np.ndarray) -> list[float]:
    """A round: the seconds that each step of so many dancers took, who draw components of their own."""
    random, dancers = np.random.default_rng(5), len(feeds["uniform"])
    feeds["latent_in"] = bank[random.integers(0, len(bank), dancers), 0].astype(np.float32)
    taken = []
    for _ in range(WARM_UP + max(LEAST, STEPS // dancers)):
        feeds["uniform"] = random.random(dancers, np.float32)
        begun = time.perf_counter()
        session.run(["latent_out"], feeds)
        taken.append(time.perf_counter() - begun)
    return taken[WARM_UP:]


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0] if arguments else "models/default")
    start, bank = read_start(folder), np.load(folder / BANK)
    with tempfile.TemporaryDirectory() as written:
        path = Path(written) / "step.onnx"
        sessions = {name: open_step(start, arithmetic, path) for name, arithmetic in HEADS.items()}
        feeds = {dancers: step_feeds(path, dancers) for dancers in DANCERS}
    print("dancers   " + "".join(f"{name:>12}" for name in HEADS) + "   whole / lazy, fp32 and int8   (ms a dancer)")
    for dancers in DANCERS:
        turns: dict[str, Callable[[], list[float]]] = {
            name: partial(steps, session, dict(feeds[dancers]), bank) for name, session in sessions.items()
        }
        ms = [1e3 * median(values) / dancers for values in interleave(turns, ROUNDS).values()]
        ratios = f"{ms[1] / ms[0]:12.2f}{ms[3] / ms[2]:12.2f}"
        print(f"{dancers:<10}" + "".join(f"{each:12.3f}" for each in ms) + ratios)


if __name__ == "__main__":
    main(sys.argv[1:])
