"""The weights of a bundle under PyTorch's names, so that every peer computes the very dancer that ships.

A bundle stores them as they were trained, float16, and makes folded and reordered kernels of them by nodes of its
graphs: `export.graph`. Needs `onnx`, and no PyTorch.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from engine.bundle import BANK, DECODER, STEP, Metadata
from training.joined import separate

Array = NDArray[np.float32]
DECODER_PREFIX = "decoder."


@dataclass(frozen=True)
class Weights:
    """decoder, mdn_rnn: parameters by their names in `training.vae.Decoder` and `training.mdn_rnn.MDNRNN`.

    image_size is (width, height); mean and deviation (latent_size) are the latents' statistics; latents (n,
    latent_size) are some of the footage's.
    """

    decoder: dict[str, Array]
    mdn_rnn: dict[str, Array]
    mean: Array
    deviation: Array
    image_size: tuple[int, int]
    latents: Array

    @property
    def layers(self) -> int:
        return sum(name.startswith("lstm.weight_hh") for name in self.mdn_rnn)

    @property
    def units(self) -> int:
        return self.mdn_rnn["lstm.weight_hh_l0"].shape[1]

    @property
    def hidden(self) -> int:
        return self.mdn_rnn["dense.weight"].shape[0]

    @property
    def components(self) -> int:
        return len(self.mdn_rnn["pi.bias"])

    @property
    def latent_size(self) -> int:
        return len(self.mean)

    @property
    def channels(self) -> tuple[int, int, int]:
        """Of the decoder's maps from the outermost in, as `VAEConfig` has them."""
        third, first = self.decoder["conv1.weight"].shape[:2]
        return first, len(self.decoder["conv2.weight"]), third


def read_weights(folder: Path) -> Weights:
    """The weights of the bundle in `folder`. Raises ValueError where it does not hold them as they were trained."""
    step, decoder = (stored(folder / name) for name in (STEP, DECODER))
    parts = {name.removeprefix(DECODER_PREFIX): array for name, array in decoder.items() if DECODER_PREFIX in name}
    mdn_rnn = {name: array for name, array in step.items() if name.startswith(("lstm.", "dense.", "pi.", "head."))}
    for name in ("dense.weight", "dense_channels.weight", "conv1.weight", "conv2.weight", "conv3.weight"):
        if name not in parts:
            raise ValueError(f"{folder / DECODER}: no weights {DECODER_PREFIX}{name}; peers need a bundle of fp32")
    for name in ("lstm.weight_l0", "dense.weight", "pi.weight", "head.weight", "head.bias"):
        if name not in mdn_rnn:
            raise ValueError(f"{folder / STEP}: no weights {name}; peers need a bundle of fp32")
    mdn_rnn = separate(mdn_rnn)
    mean, deviation = step["latent_mean"], step["latent_deviation"]
    mdn_rnn["gain"] = step.get("gain", np.zeros_like(mean))
    latents = np.load(folder / BANK, allow_pickle=False)[:8, 0].astype(np.float32)
    return Weights(parts, mdn_rnn, mean, deviation, Metadata.read(folder).image_size, latents)


def stored(path: Path) -> dict[str, Array]:
    """The tensors that the graph at `path` holds, by name, as float32."""
    tensors = onnx.load(path).graph.initializer
    return {each.name: np.asarray(numpy_helper.to_array(each), np.float32) for each in tensors}
