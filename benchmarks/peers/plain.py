"""The plain ONNX export: the layers as PyTorch has them, by its own exporter, opened as a bundle is."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from benchmarks.peers import Images, Latents, draw
from benchmarks.peers.pytorch import decoder_of, mdn_rnn_of
from benchmarks.weights import Weights
from engine.providers import CPU, Device, open_session
from training.mdn_rnn import MDNRNN
from training.vae import Decoder

STEP_OUTPUTS = ["logits", "mu", "sigma", "hidden_out", "cell_out"]


class Step(nn.Module):
    """One step: normalised latent (1, latent_size), hidden, cell -> the whole head, and the state after it."""

    def __init__(self, model: MDNRNN) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, ...]:
        logits, mu, sigma, (hidden, cell) = self.model(latent[:, None], (hidden, cell))
        return logits[0, 0], mu[0, 0], sigma[0, 0], hidden, cell


class Picture(nn.Module):
    """Latents -> images as uint8, (n, height, width)."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, latents: Tensor) -> Tensor:
        return (torch.sigmoid(self.decoder(latents))[:, 0] * 255).round().to(torch.uint8)


def write_plain(weights: Weights, folder: Path) -> None:
    """Writes step.onnx and decoder.onnx as anyone would. All that is compared as the plain export comes from here."""
    mdn_rnn = mdn_rnn_of(weights)
    latent = torch.zeros(1, weights.latent_size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about batches that an LSTM's state fixes; ours is one
        torch.onnx.export(
            Step(mdn_rnn).eval(),
            (latent, *mdn_rnn.zero_state(1)),
            str(folder / "step.onnx"),
            input_names=["latent", "hidden_in", "cell_in"],
            output_names=STEP_OUTPUTS,
            opset_version=17,
            dynamo=False,
        )
        torch.onnx.export(
            Picture(decoder_of(weights)).eval(),
            (latent,),
            str(folder / "decoder.onnx"),
            input_names=["latents"],
            output_names=["images"],
            opset_version=17,
            dynamo=False,
        )


class Plain:
    """The plain graphs on onnxruntime, with its options as the engine sets them, so that only graphs differ."""

    def __init__(self, weights: Weights, threads: int) -> None:
        self._weights = weights
        with tempfile.TemporaryDirectory() as folder:
            write_plain(weights, Path(folder))
            device = Device(CPU, "as asked")
            self._step, self._decoder = (
                open_session(Path(folder) / f"{name}.onnx", device, threads) for name in ("step", "decoder")
            )
        self._state = [np.zeros((weights.layers, 1, weights.units), np.float32) for _ in range(2)]

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": onnxruntime.__version__, "torch": torch.__version__}

    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        weights, (hidden, cell) = self._weights, self._state
        feeds = {"latent": (latent - weights.mean) / weights.deviation, "hidden_in": hidden, "cell_in": cell}
        logits, mu, sigma, *self._state = self._step.run(STEP_OUTPUTS, feeds)
        drawn = draw(logits, mu, sigma, uniform, normal)
        return np.asarray(drawn * weights.deviation + weights.mean, np.float32)

    def decode(self, latents: Latents) -> Images:
        images: Images = self._decoder.run(["images"], {"latents": latents})[0]
        return images
