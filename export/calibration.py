"""What ranges a dancer's activations keep to, measured on its bank of latents: what int8 rounds them within.

Owns how ranges are chosen. A range is cut below its extreme: values seldom seen saturate, so that all others are
rounded more finely.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from training.dancer import TrainedDancer
from training.vae import Decoder

LATENTS = 64  # decoded, drawn evenly from the bank
BATCH = 8
# One value in 30000 saturates: 45.5 dB for the default dancer, 42.5 for one with more contrast; one in 2000: 41.2.
SATURATED = 3e-5
REACH = 1.25  # a dance goes further than its footage: latents and hidden units, by their greatest


@dataclass(frozen=True)
class DecoderRanges:
    """latents: greatest magnitude. maps: greatest value after each convolution."""

    latents: float
    maps: tuple[float, float, float]


@torch.no_grad()
def decoder_ranges(dancer: TrainedDancer) -> DecoderRanges:
    bank = dancer.bank.astype(np.float32).reshape(-1, dancer.bank.shape[-1])
    chosen = torch.from_numpy(bank[np.linspace(0, len(bank) - 1, min(LATENTS, len(bank))).astype(int)])
    parts = [batch_ranges(dancer.vae.decoder, part) for part in chosen.split(BATCH)]
    first, second, third = np.mean(parts, 0).tolist()
    return DecoderRanges(REACH * float(np.abs(bank).max()), (first, second, third))


def batch_ranges(decoder: Decoder, latents: torch.Tensor) -> list[float]:
    """What the share SATURATED of values lies beyond, of the map after each convolution but the last."""
    x = decoder.dense_channels(decoder.grid(latents))
    tops = []
    for conv in (decoder.conv1, decoder.conv2, decoder.conv3):
        x = F.relu(conv(x))
        tops.append(float(np.quantile(x.numpy(), 1 - SATURATED)))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
    return tops


@torch.no_grad()
def hidden_range(dancer: TrainedDancer) -> float:
    """The greatest value of the head's hidden units."""
    statistics, model = dancer.statistics, dancer.mdn_rnn
    passages = torch.from_numpy((dancer.bank.astype(np.float32) - statistics.mean) / statistics.deviation)
    hidden = 0.0
    styles = len(model.config.styles)
    each_alone_and_none = torch.cat([torch.zeros(1, styles), torch.eye(styles)])
    for part in passages.split(BATCH):
        for style in each_alone_and_none:
            told = model.conditioned(part, style.expand(len(part), -1))
            outputs, _ = model.recur(told, model.zero_state(len(part)))
            hidden = max(hidden, float(F.relu(model.dense(outputs)).max()))
    return REACH * max(hidden, 1e-6)
