"""Weights to fine-tune from: those of a bundle, read back out of its graphs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

from training.joined import separate
from training.latents import Statistics
from training.mdn_rnn import MDNRNNConfig
from training.place import Place
from training.train_vae import new_vae
from training.vae import VAE, VAEConfig

INPUTS = "lstm.weight_ih_l0"  # of the LSTM-MDN: a column for each latent, then for each style
LAST = ("decoder.conv4.weight", "decoder.conv4.bias")  # what sharpening scales
STATISTICS = ("latent_mean", "latent_deviation")


@dataclass
class Start:
    """A bundle's sizes and weights, as PyTorch names them, and the statistics its latents are normalised by.

    The decoder's are as they were trained: before its pixels were made `sharpening` times as sure of themselves.
    """

    vae: VAEConfig
    vae_weights: dict[str, torch.Tensor]
    sharpening: float
    mdn_rnn: MDNRNNConfig
    mdn_rnn_weights: dict[str, torch.Tensor]
    statistics: Statistics
    image_kind: str
    name: str
    data: str
    licence: str

    def with_styles(self, styles: tuple[str, ...]) -> "Start":
        """The same, to learn these styles, which begin with those that it knows. It dances as before until it has."""
        kernel = self.mdn_rnn_weights[INPUTS]
        more = kernel.new_zeros(len(kernel), len(styles) - len(self.mdn_rnn.styles))
        weights = {**self.mdn_rnn_weights, INPUTS: torch.cat([kernel, more], 1)}
        return replace(self, mdn_rnn=replace(self.mdn_rnn, styles=styles), mdn_rnn_weights=weights)

    def shown(self, background: float | None, place: Place) -> VAE:
        """Its VAE as a show has it, sharpened, in its fast form where the images have an even `background`."""
        weights = {name: w * self.sharpening if name in LAST else w for name, w in self.vae_weights.items()}
        return new_vae(self.vae, background, True, place, weights).eval()


def graph_weights(path: Path) -> dict[str, NDArray]:
    """The named constants of a graph that `dancenet export` wrote, as float32."""
    try:
        model = onnx.load(str(path))
    except Exception as error:  # protobuf and onnx raise classes of their own for a damaged file
        raise ValueError(f"{path}: not a readable ONNX model ({str(error).splitlines()[0]})") from None
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    # Parameters keep PyTorch's names; other constants are named after the node that takes them.
    named = {name: array for name, array in arrays.items() if name in STATISTICS or array.dtype == np.float16}
    return {name: array.astype(np.float32) for name, array in named.items()}


def tensors(weights: Mapping[str, NDArray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in weights.items()}


def read_start(folder: Path) -> Start:
    """Read a bundle's weights. Raises ValueError with one line if it is not one that this version exported."""
    try:
        metadata = json.loads((folder / "bundle.json").read_text(encoding="utf-8"))
        vae_weights = tensors(graph_weights(folder / "encoder.onnx") | graph_weights(folder / "decoder.onnx"))
        weights = separate(graph_weights(folder / "step.onnx"))
        first, second, third = (len(vae_weights[f"encoder.conv{i}.bias"]) for i in (1, 2, 3))
        vae = VAEConfig(tuple(metadata["image_size"]), metadata["latent_size"], (first, second, third))
        sharpening = float(metadata.get("quality", {}).get("sharpening", 1.0))
        vae_weights |= {name: vae_weights[name] / sharpening for name in LAST}
        mean, deviation = (weights.pop(name) for name in STATISTICS)
        mdn_rnn = MDNRNNConfig(
            latent_size=metadata["latent_size"],
            layers=sum(name.startswith("lstm.weight_hh") for name in weights),
            units=weights["lstm.weight_hh_l0"].shape[1],
            hidden=len(weights["dense.bias"]),
            components=len(weights["pi.bias"]),
            styles=tuple(control["name"] for control in metadata.get("controls", ())),
        )
    except OSError as error:
        raise ValueError(f"{error.filename}: {error.strerror}; --from takes the folder of a bundle") from None
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder}: not a bundle that can be trained further ({error} is missing)") from None
    words = (str(metadata.get(word, "not stated")) for word in ("image_kind", "name", "data", "licence"))
    return Start(vae, vae_weights, sharpening, mdn_rnn, tensors(weights), Statistics(mean, deviation), *words)
