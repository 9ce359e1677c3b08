"""The networks of the original DanceNet (2018), from their Keras weights: as ours, with the original's equations.

Owns what differs: Keras's order of numbers, hard gates, a sampler that takes the head's sigma for a variance, latents
scaled to 0..1 by their least and greatest, and a state that starts from zeros in every step.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.metadata import LARGEST_LATENT
from export.keras_file import KerasFileError, Weight, read_weights
from training.latents import Statistics
from training.mdn_rnn import MDNRNN, Equations, MDNRNNConfig, State
from training.vae import POOLINGS, VAE, VAEConfig

HEADS = ("mus", "sigmas", "pi")  # the mixture layer's Dense layers, as it names and orders them
PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
MOST_LAYERS = 16
KERNEL = (3, 3)

Pair = tuple[np.ndarray, np.ndarray]  # a kernel and its bias


class OriginalMDNRNN(MDNRNN):
    """The LSTM-MDN with the original's equations; `carried` says whether the state goes on from step to step."""

    def __init__(self, config: MDNRNNConfig, carried: bool) -> None:
        super().__init__(config)
        self.equations = Equations(hard_gates=True, variances=True, carried=carried)

    def recur(self, latents: Tensor, state: State) -> tuple[Tensor, State]:
        if self.equations.carried:
            return self.unrolled(latents, state)
        batch, steps, size = latents.shape
        apart = latents.reshape(batch * steps, 1, size)
        y, _ = self.unrolled(apart, self.zero_state(len(apart)))
        return y.reshape(batch, steps, -1), state

    def unrolled(self, latents: Tensor, state: State) -> tuple[Tensor, State]:
        """The LSTM step by step, for torch's has no hard gates."""
        hidden, cell = (list(part) for part in state)
        outputs = []
        for x in latents.unbind(1):
            for layer in range(self.config.layers):
                from_x, from_hidden, bias, other = (getattr(self.lstm, f"{part}_l{layer}") for part in PARTS)
                summed = F.linear(x, from_x, bias) + F.linear(hidden[layer], from_hidden, other)
                i, f, candidate, o = summed.chunk(4, -1)
                cell[layer] = hard_sigmoid(f) * cell[layer] + hard_sigmoid(i) * torch.tanh(candidate)
                x = hidden[layer] = hard_sigmoid(o) * torch.tanh(cell[layer])
            outputs.append(x)
        return torch.stack(outputs, 1), (torch.stack(hidden), torch.stack(cell))

    def spread(self, raw: Tensor) -> Tensor:
        # The original's loss has it for a deviation, its sampler for a variance: what was seen dancing is the sampler.
        return super().spread(raw).sqrt()


def hard_sigmoid(x: Tensor) -> Tensor:
    """Keras 2's. Keras 3 and torch have another under this name, clip(x / 6 + 0.5, 0, 1)."""
    return (0.2 * x + 0.5).clamp(0, 1)


class Reader:
    """A file's weights, taken one by one in Keras's order, each held against the shape that it must have."""

    def __init__(self, weights: list[Weight]) -> None:
        self._weights: Iterator[Weight] = iter(weights)

    def take(self, what: str, *shape: int | None) -> np.ndarray:
        """The next weight. None in `shape` is a size that the file decides."""
        weight = next(self._weights)
        found = weight.array.shape
        if len(found) != len(shape) or any(want not in (None, size) for size, want in zip(found, shape, strict=True)):
            raise KerasFileError(
                f"{weight.where}: its shape is {found}; expected {_sizes(shape)}, the {what} of the article's model"
            )
        return weight.array

    def pair(self, what: str, *shape: int | None) -> Pair:
        """A kernel and its bias, which is one number for each output."""
        kernel = self.take(f"kernel of {what}", *shape)
        return kernel, self.take(f"bias of {what}", kernel.shape[-1])


def read_vae(path: Path, image_size: tuple[int, int]) -> VAE:
    """The VAE in a file of `model.py`'s, for images of this width and height. Raises KerasFileError."""
    weights = read_weights(path)
    if len(weights) != 24:
        raise KerasFileError(
            f"{path}: holds {len(weights)} weights; expected the article's VAE, a kernel and a bias for 7 convolutions "
            "and 5 Dense layers"
        )
    encoder, decoder = _vae_pairs(Reader(weights), image_size)
    channels = tuple(encoder[name][0].shape[-1] for name in ("conv1", "conv2", "conv3"))
    (grid, hidden), latent_size = encoder["dense"][0].shape, encoder["mean"][0].shape[-1]
    if latent_size > LARGEST_LATENT:  # whose square a network of ours takes
        raise KerasFileError(f"{path}: {latent_size} latents; at most {LARGEST_LATENT} are allowed")
    vae = VAE(VAEConfig(image_size, latent_size, (channels[0], channels[1], channels[2])))
    vae.encoder.dense = nn.Linear(grid, hidden)
    vae.encoder.mean, vae.encoder.log_variance = (nn.Linear(hidden, latent_size) for _ in range(2))
    # Keras flattens rows, columns, channels; PyTorch channels, rows, columns.
    keras = (*vae.config.grid, channels[2])
    kernel, bias = encoder["dense"]
    encoder["dense"] = kernel.reshape(*keras, hidden).transpose(2, 0, 1, 3).reshape(grid, hidden), bias
    kernel, bias = decoder["dense"]
    kernel = kernel.reshape(latent_size, *keras).transpose(0, 3, 1, 2).reshape(latent_size, grid)
    decoder["dense"] = kernel, bias.reshape(keras).transpose(2, 0, 1).reshape(grid)
    for module, pairs in ((vae.encoder, encoder), (vae.decoder, decoder)):
        for name, (kernel, bias) in pairs.items():
            order = (3, 2, 0, 1) if kernel.ndim == 4 else (1, 0)
            _set(module, name, kernel.transpose(order), bias)
    return vae.eval()


def _vae_pairs(reader: Reader, image_size: tuple[int, int]) -> tuple[dict[str, Pair], dict[str, Pair]]:
    """The encoder's and the decoder's kernels and biases by our names, as Keras has them."""
    encoder: dict[str, Pair] = {}
    inputs = 1
    for name, order in (("conv1", "first"), ("conv2", "second"), ("conv3", "third")):
        encoder[name] = reader.pair(f"the encoder's {order} convolution", *KERNEL, inputs, None)
        inputs = encoder[name][0].shape[-1]
    first, second, third = (encoder[name][0].shape[-1] for name in ("conv1", "conv2", "conv3"))
    width, height = image_size
    grid = height // 2**POOLINGS * (width // 2**POOLINGS) * third
    encoder["dense"] = reader.pair(f"the encoder's Dense, by images of {width}x{height}", grid, None)
    hidden = encoder["dense"][0].shape[-1]
    encoder["mean"] = reader.pair("the latents' mean", hidden, None)
    latent_size = encoder["mean"][0].shape[-1]
    encoder["log_variance"] = reader.pair("the latents' log-variance", hidden, latent_size)
    decoder = {"dense": reader.pair("the decoder's Dense", latent_size, grid)}
    kernel, bias = reader.pair("the decoder's Dense over channels", third, first)
    decoder["dense_channels"] = kernel[None, None], bias
    sizes = [("first", first, third), ("second", third, second), ("third", second, first), ("last", first, 1)]
    for place, (order, inputs, outputs) in enumerate(sizes, 1):
        decoder[f"conv{place}"] = reader.pair(f"the decoder's {order} convolution", *KERNEL, inputs, outputs)
    return encoder, decoder


def read_mdn_rnn(path: Path, latent_size: int, carried: bool) -> OriginalMDNRNN:
    """The LSTM-MDN in a file of the notebook's, for latents of this size. Raises KerasFileError."""
    weights = read_weights(path)
    layers, left_over = divmod(len(weights) - 8, 3)
    if left_over or not 1 <= layers <= MOST_LAYERS:
        raise KerasFileError(
            f"{path}: holds {len(weights)} weights; expected the article's LSTM-MDN: 3 for each LSTM layer, of which "
            f"there are 1 to {MOST_LAYERS}, 2 for the Dense and 6 for the mixture"
        )
    reader = Reader([*weights[:-6], *_heads(path, weights[-6:])])
    lstm, inputs = [], latent_size
    for layer in range(1, layers + 1):
        # Four gates a unit; all layers have as many units as the first.
        kernel = reader.take(f"kernel of LSTM {layer}", inputs, None if layer == 1 else 4 * inputs)
        inputs = kernel.shape[1] // 4
        recurrent = reader.take(f"recurrent kernel of LSTM {layer}", inputs, kernel.shape[1])
        lstm.append((kernel, recurrent, reader.take(f"bias of LSTM {layer}", 4 * inputs)))
    dense = reader.pair("the Dense", inputs, None)
    hidden = dense[0].shape[1]
    mu = reader.pair("the mixture's means", hidden, None)
    components, left_over = divmod(mu[0].shape[1], latent_size)
    if left_over:
        raise KerasFileError(f"{path}: {mu[0].shape[1]} means; expected {latent_size} for each component")
    sigma = reader.pair("the mixture's sigmas", *mu[0].shape)
    pi = reader.pair("the mixture's weights", hidden, components)
    model = OriginalMDNRNN(MDNRNNConfig(latent_size, layers, inputs, hidden, components), carried)
    for layer, (kernel, recurrent, bias) in enumerate(lstm):
        for part, array in zip(PARTS, (kernel.T, recurrent.T, bias, np.zeros_like(bias)), strict=True):
            _copy(getattr(model.lstm, f"{part}_l{layer}"), array)
    for name, (kernel, bias) in (("dense", dense), ("mu", mu), ("sigma", sigma), ("pi", pi)):
        _set(model, name, kernel.T, bias)
    return model.eval()


def scaling(latents: np.ndarray) -> Statistics:
    """What turns latents (n, latent_size) into 0..1 of each one's range: scikit-learn's `MinMaxScaler`."""
    least, greatest = latents.min(0).astype(np.float32), latents.max(0).astype(np.float32)
    return Statistics(least, np.where(greatest > least, greatest - least, np.float32(1)))


def _heads(path: Path, weights: list[Weight]) -> list[Weight]:
    """The mixture layer's weights in its own order, by their names where these tell: means and sigmas are alike."""
    named = [[weight for weight in weights if f"mdn_{head}" in weight.name] for head in HEADS]
    if not any(named):
        return weights
    if any(len(pair) != 2 for pair in named):
        raise KerasFileError(f"{path}: the mixture's weights are {', '.join(weight.name for weight in weights)}")
    return [weight for pair in named for weight in sorted(pair, key=lambda weight: "bias" in weight.name)]


def _set(module: nn.Module, name: str, kernel: np.ndarray, bias: np.ndarray) -> None:
    layer = getattr(module, name)
    _copy(layer.weight, kernel)
    _copy(layer.bias, bias)


@torch.no_grad()
def _copy(parameter: Tensor, array: np.ndarray) -> None:
    assert parameter.shape == array.shape
    parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _sizes(shape: tuple[int | None, ...]) -> str:
    return f"({', '.join('any' if size is None else str(size) for size in shape)})"
