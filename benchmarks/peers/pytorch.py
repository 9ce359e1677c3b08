"""Our own training models run as they are: PyTorch eager, and by torch.compile."""

import numpy as np
import torch

from benchmarks.peers import Images, Latents, draw
from benchmarks.weights import Weights
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.vae import Decoder, VAEConfig


def decoder_of(weights: Weights) -> Decoder:
    """`training.vae.Decoder` with these weights, to be run."""
    decoder = Decoder(VAEConfig(weights.image_size, weights.latent_size, weights.channels))
    decoder.load_state_dict({name: torch.from_numpy(array) for name, array in weights.decoder.items()})
    return decoder.eval()


def mdn_rnn_of(weights: Weights) -> MDNRNN:
    """`training.mdn_rnn.MDNRNN` with these weights, to be run."""
    sizes = weights.latent_size, weights.layers, weights.units, weights.hidden, weights.components
    model = MDNRNN(MDNRNNConfig(*sizes))
    model.load_state_dict({name: torch.from_numpy(array) for name, array in weights.mdn_rnn.items()})
    return model.eval()


class Eager:
    """The whole head is computed, and drawn from in numpy."""

    def __init__(self, weights: Weights, threads: int) -> None:
        torch.set_num_threads(threads)
        self._weights = weights
        self._mdn_rnn, decoder = mdn_rnn_of(weights), decoder_of(weights)
        self._forward = self._mdn_rnn.forward
        self._images = lambda latents: (torch.sigmoid(decoder(latents))[:, 0] * 255).round().byte()
        self._state = self._mdn_rnn.zero_state(1)

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    @torch.inference_mode()
    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        weights = self._weights
        normalised = torch.from_numpy((latent - weights.mean) / weights.deviation)
        logits, mu, sigma, self._state = self._forward(normalised[:, None], self._state)
        drawn = draw(logits[0, 0].numpy(), mu[0, 0].numpy(), sigma[0, 0].numpy(), uniform, normal)
        return np.asarray(drawn * weights.deviation + weights.mean, np.float32)

    @torch.inference_mode()
    def decode(self, latents: Latents) -> Images:
        images: Images = self._images(torch.from_numpy(latents)).numpy()
        return images


class Compiled(Eager):
    """The same by torch.compile, which needs a C++ compiler."""

    def __init__(self, weights: Weights, threads: int) -> None:
        super().__init__(weights, threads)
        self._forward, self._images = torch.compile(self._forward), torch.compile(self._images)
