"""Latents as the dancer dances them, which are not those of real images: what the decoder has to show in the end."""

import numpy as np
import torch

from training.clips import STEPS_A_SECOND
from training.latents import Sequence, Statistics
from training.mdn_rnn import MDNRNN

PASSAGE = 512  # steps danced at once: bounds the memory
# Lanes that dance on side by side, for so many steps; every other latent is kept, as neighbours are much alike.
LANES, STEPS, STRIDE = 32, 700, 2
COOLEST, WARMEST = 0.75, 1.1  # of the temperature that is asked for: a show moves it


@torch.no_grad()
def danced(model: MDNRNN, sequence: Sequence, statistics: Statistics, temperature: float, seed: int) -> np.ndarray:
    """Where the dancer believes each image of a clip to be, having danced the clip up to it, (n, latent_size).

    Drawn from the mixture over the next latent; the first image's is its own.
    """
    model.eval()
    random = torch.Generator().manual_seed(seed)
    mean, deviation = torch.from_numpy(statistics.mean), torch.from_numpy(statistics.deviation)
    latents = (torch.from_numpy(sequence.mean) - mean) / deviation
    found, state = [latents[:1]], model.zero_state(1)
    for part in latents[:-1].split(PASSAGE):
        logits, mu, sigma, state = model(part[None], state)
        chosen = torch.multinomial(torch.softmax(logits[0] / temperature, -1), 1, generator=random)
        rows = torch.arange(len(part))
        normal = torch.randn(part.shape, generator=random)
        found.append(mu[0, rows, chosen[:, 0]] + temperature * sigma[0, rows, chosen[:, 0]] * normal)
    return (torch.cat(found) * deviation + mean).numpy()


@torch.no_grad()
def rollouts(
    model: MDNRNN, sequences: list[Sequence], statistics: Statistics, temperature: float, seed: int
) -> np.ndarray:
    """Where the dancer goes when it dances on by itself, (LANES * STEPS / STRIDE, latent_size).

    Each lane is warmed up with a second of the footage, and has its own temperature around the one given.
    """
    model.eval()
    random = torch.Generator().manual_seed(seed)
    mean, deviation = torch.from_numpy(statistics.mean), torch.from_numpy(statistics.deviation)
    long = [sequence for sequence in sequences if len(sequence) >= STEPS_A_SECOND]
    begun = []
    for lane in torch.randint(len(long), (LANES,), generator=random).tolist():
        first = int(torch.randint(len(long[lane]) - STEPS_A_SECOND + 1, (1,), generator=random))
        begun.append(torch.from_numpy(long[lane].mean[first : first + STEPS_A_SECOND]))
    heat = (temperature * torch.linspace(COOLEST, WARMEST, LANES))[:, None]
    spread = heat.clamp(max=1.0)  # as in a show
    lanes, found = torch.arange(LANES), []
    inputs, state = (torch.stack(begun) - mean) / deviation, model.zero_state(LANES)
    for step in range(STEPS):
        logits, mu, sigma, state = model(inputs, state)
        chosen = torch.multinomial(torch.softmax(logits[:, -1] / heat, -1), 1, generator=random)[:, 0]
        normal = torch.randn(LANES, len(mean), generator=random)
        latents = mu[lanes, -1, chosen] + spread * sigma[lanes, -1, chosen] * normal
        inputs = latents[:, None]
        if step % STRIDE == 0:
            found.append(latents)
    return (torch.cat(found) * deviation + mean).numpy()
