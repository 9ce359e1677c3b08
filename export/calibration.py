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
from training.vae_fast import FOLDS, PHASES

LATENTS = 64  # decoded, drawn evenly from the bank
BATCH = 8
# One value in 2000 saturates. The default dancer's images: 43.1 dB; 37.6 with the extremes, 42.2 with one in 10000.
SATURATED = 0.0005
REACH = 1.25  # a dance goes further than its footage: latents and hidden units, by their greatest


@dataclass(frozen=True)
class DecoderRanges:
    """latents: greatest magnitude. maps: greatest after each convolution. taps: least and greatest once projected."""

    latents: float
    maps: tuple[float, float, float]
    taps: tuple[float, float]


@dataclass(frozen=True)
class StepRanges:
    """latents: greatest magnitude once normalised. hidden: greatest value of the head's hidden units."""

    latents: float
    hidden: float


@torch.no_grad()
def decoder_ranges(dancer: TrainedDancer) -> DecoderRanges:
    bank = dancer.bank.astype(np.float32).reshape(-1, dancer.bank.shape[-1])
    chosen = torch.from_numpy(bank[np.linspace(0, len(bank) - 1, min(LATENTS, len(bank))).astype(int)])
    parts = [batch_ranges(dancer.vae.decoder, part) for part in chosen.split(BATCH)]
    first, second, third, low, high = np.mean(parts, 0).tolist()
    return DecoderRanges(REACH * float(np.abs(bank).max()), (first, second, third), (low, high))


def batch_ranges(decoder: Decoder, latents: torch.Tensor) -> tuple[float, ...]:
    """Where the share SATURATED of values lies beyond, of each map and, below and above, of the projected taps."""
    x = decoder.dense_channels(decoder.grid(latents))
    tops = []
    for conv in (decoder.conv1, decoder.conv2, decoder.conv3):
        x = F.relu(conv(x))
        tops.append(quantile(x, 1 - SATURATED))
        x = F.interpolate(x, scale_factor=2.0, mode="nearest") if conv is not decoder.conv3 else x
    taps = F.conv2d(x, tap_kernel(decoder))
    return *tops, quantile(taps, SATURATED), quantile(taps, 1 - SATURATED)


def quantile(values: torch.Tensor, share: float) -> float:
    return float(np.quantile(values.numpy(), share))


def tap_kernel(decoder: Decoder) -> torch.Tensor:
    """(16, channels, 1, 1): the last convolution's taps as `export.layers.GatheredLogits` projects to them."""
    kernel = torch.einsum("rau,iuv,sbv->rasbi", FOLDS, decoder.conv4.weight[0], FOLDS)
    return kernel.reshape(4 * len(PHASES), -1, 1, 1)


@torch.no_grad()
def step_ranges(dancer: TrainedDancer) -> StepRanges:
    statistics, model = dancer.statistics, dancer.mdn_rnn
    passages = torch.from_numpy((dancer.bank.astype(np.float32) - statistics.mean) / statistics.deviation)
    hidden = 0.0
    for part in passages.split(BATCH):
        outputs, _ = model.lstm(part, model.zero_state(len(part)))
        hidden = max(hidden, float(F.relu(model.dense(outputs)).max()))
    return StepRanges(REACH * float(passages.abs().max()), REACH * max(hidden, 1e-6))
