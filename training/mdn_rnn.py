"""The LSTM with a mixture density head: latents so far -> a mixture over the next latent. Owns the model.

Bishop 1994 (mixture density networks), Ha & Schmidhuber 2018 (MDN-RNN). Latents are normalised here: `step.onnx` holds
the statistics.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.mixture import spread

BYTES = 256  # different ones

State = tuple[Tensor, Tensor]  # hidden, cell: (layers, batch, units)


@dataclass(frozen=True)
class Equations:
    """How a network with the same parameters may compute otherwise than ours; the defaults are ours.

    hard_gates: an LSTM's gates are clip(0.2 x + 0.5, 0, 1), Keras 2's `hard_sigmoid`, for a sigmoid. variances: what
    the head gives for sigma is its square. carried: the state goes on from step to step; if not, each step starts from
    a state of zeros.
    """

    hard_gates: bool = False
    variances: bool = False
    carried: bool = True


OURS = Equations()


@dataclass(frozen=True)
class MDNRNNConfig:
    """Sizes of an LSTM-MDN. The defaults are the article's (12.2 M parameters).

    styles: labels that it is told beside each latent (training/styles.py).
    """

    latent_size: int = 128
    layers: int = 3
    units: int = 512
    hidden: int = 1000
    components: int = 24
    dropout: float = 0.4
    styles: tuple[str, ...] = ()

    def to_dict(self) -> dict:
        return asdict(self)


class MDNRNN(nn.Module):
    """forward: normalised latents (batch, steps, latent_size) -> logits, mu, sigma of the mixture over the next, state.

    logits (batch, steps, components); mu, sigma (batch, steps, components, latent_size), sigma a standard deviation.

    `gain` (latent_size): how much of the last latent mu starts from, no parameter but a constant: what the head says is
    the change. The article's head says mu whole: gain 0. A latent that is all noise must not be carried on either, so
    the gain is the share of a latent's variance that is signal (a Wiener filter's).

    `kept`: what dropout leaves, by `draw_kept`; without it nothing is dropped. `styles` (batch, styles): how much of
    each style is asked for; without it none.
    """

    gain: Tensor
    equations = OURS

    def __init__(self, config: MDNRNNConfig) -> None:
        super().__init__()
        self.config = config
        self.lstm = nn.LSTM(config.latent_size + len(config.styles), config.units, config.layers, batch_first=True)
        self.dense = nn.Linear(config.units, config.hidden)
        self.pi = nn.Linear(config.hidden, config.components)
        self.mu = nn.Linear(config.hidden, config.components * config.latent_size)
        self.sigma = nn.Linear(config.hidden, config.components * config.latent_size)
        self.register_buffer("gain", torch.zeros(config.latent_size))

    def zero_state(self, batch: int) -> State:
        shape = (self.config.layers, batch, self.config.units)
        return torch.zeros(shape), torch.zeros(shape)

    def draw_kept(self, steps: int, lanes: Sequence[torch.Generator]) -> Tensor:
        """For each layer's output a mask, scaled so that means stay: (layers, lanes, steps, units).

        A generator for each lane: its masks are its own, whatever dances beside it, as nn.LSTM's dropout is not. By
        bytes, eight of each number drawn: in a tenth of the time, for a share that is dropped to a 256th.
        """
        config, device = self.config, lanes[0].device
        shape = config.layers, steps, config.units
        size, kept = math.prod(shape), max(round(BYTES * (1 - config.dropout)), 1)

        def drawn(lane: torch.Generator) -> Tensor:
            numbers = torch.empty(-(-size // 8), dtype=torch.int64, device=device)
            return numbers.random_(-(2**63), None, generator=lane).view(torch.uint8)[:size].view(shape)

        # Not `< kept`: a byte is not compared to 256.
        return (torch.stack([drawn(lane) for lane in lanes], 1) <= kept - 1) * (BYTES / kept)

    def layer_weights(self, layer: int) -> list[Tensor]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        return [getattr(self.lstm, f"{name}_l{layer}") for name in names]

    def dropped(self, latents: Tensor, state: State, kept: Tensor) -> tuple[Tensor, State]:
        """The LSTM with dropout after each layer: its last output, and its state."""
        y, states = latents, []
        for layer, mask in enumerate(kept):
            of_layer = [part[layer : layer + 1] for part in state]
            y, *after = torch.lstm(y, of_layer, self.layer_weights(layer), True, 1, 0.0, self.training, False, True)
            y = y * mask.to(y.dtype)
            states.append(after)
        hidden, cell = (torch.cat(parts) for parts in zip(*states, strict=True))
        return y, (hidden, cell)

    def conditioned(self, latents: Tensor, styles: Tensor | None) -> Tensor:
        """What the LSTM takes: latents (batch, steps, latent_size), beside each the styles (batch, styles)."""
        if not self.config.styles:
            return latents
        if styles is None:
            styles = latents.new_zeros(len(latents), len(self.config.styles))
        return torch.cat([latents, styles[:, None].expand(-1, latents.shape[1], -1)], -1)

    def recur(self, latents: Tensor, state: State) -> tuple[Tensor, State]:
        """What the LSTM gives, (batch, steps, units), and its state after."""
        y, state = self.lstm(latents, state)
        return y, state

    def spread(self, raw: Tensor) -> Tensor:
        """sigma, from what the head says of it."""
        return spread(raw)

    def forward(
        self, latents: Tensor, state: State, kept: Tensor | None = None, styles: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor, State]:
        x = self.conditioned(latents, styles)
        y, state = self.recur(x, state) if kept is None else self.dropped(x, state, kept)
        hidden = F.relu(self.dense(y))
        shape = (*latents.shape[:2], self.config.components, self.config.latent_size)
        mu = self.mu(hidden).view(shape) + (self.gain * latents)[:, :, None]
        sigma = self.spread(self.sigma(hidden).view(shape).to(latents.dtype))
        return self.pi(hidden), mu, sigma, state
