"""Latents as the dancer dances them, which are not those of real images: what the decoder has to show in the end."""

from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.clips import STEPS_A_SECOND
from training.latents import Sequence, Statistics, open_rows, write_rows
from training.mdn_rnn import MDNRNN
from training.processes import ALONE, Processes
from training.styles import told

PASSAGE = 512  # steps danced at once: bounds the memory
# Lanes that dance on side by side, for so many steps; every other latent is kept, as neighbours are much alike.
LANES, STEPS, STRIDE = 32, 700, 2
COOLEST, WARMEST = 0.75, 1.1  # of the temperature that is asked for: a show moves it


@torch.no_grad()
def danced(
    model: MDNRNN, sequence: Sequence, statistics: Statistics, temperature: float, seed: int
) -> Iterator[np.ndarray]:
    """Where the dancer believes each image of a clip to be, having danced the clip up to it, (n, latent_size) in parts.

    Drawn from the mixture over the next latent; the first image's is its own.
    """
    model.eval()
    random = torch.Generator().manual_seed(seed)
    mean, deviation = torch.from_numpy(statistics.mean), torch.from_numpy(statistics.deviation)
    state, styles = model.zero_state(1), asked([sequence], model)
    yield np.array(sequence.mean[:1])
    for start in range(0, len(sequence) - 1, PASSAGE):
        means = np.array(sequence.mean[start : min(start + PASSAGE, len(sequence) - 1)])
        part = (torch.from_numpy(means) - mean) / deviation
        logits, mu, sigma, state = model(part[None], state, styles=styles)
        chosen = torch.multinomial(torch.softmax(logits[0] / temperature, -1), 1, generator=random)
        rows = torch.arange(len(part))
        normal = torch.randn(part.shape, generator=random)
        found = mu[0, rows, chosen[:, 0]] + temperature * sigma[0, rows, chosen[:, 0]] * normal
        yield (found * deviation + mean).numpy()


def asked(sequences: list[Sequence], model: MDNRNN) -> Tensor:
    """The styles of sequences as the model is told them, (sequences, styles)."""
    return torch.from_numpy(np.stack([told(sequence.style, model.config.styles) for sequence in sequences]))


def dance_all(
    model: MDNRNN,
    sequences: list[Sequence],
    statistics: Statistics,
    temperature: float,
    seed: int,
    path: Path,
    processes: Processes = ALONE,
) -> list[np.ndarray]:
    """What `danced` gives of every sequence, as memory maps of a file at `path`; each process dances a share of them.

    A file that is there already is of this run, which is resumed: the same dances.
    """
    first = np.cumsum([0, *map(len, sequences)])

    def pieces() -> Iterator[tuple[int, np.ndarray]]:
        for i in range(processes.rank, len(sequences), processes.count):
            row = int(first[i])
            for rows in danced(model, sequences[i], statistics, temperature, seed + i):
                yield row, rows
                row += len(rows)

    if not processes.of_first(path.exists):
        write_rows(path, (int(first[-1]), len(statistics.mean)), pieces(), processes)
    array = open_rows(path)
    return [array[start:stop] for start, stop in pairwise(first)]


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
    begun, whose = [], []
    for lane in torch.randint(len(long), (LANES,), generator=random).tolist():
        first = int(torch.randint(len(long[lane]) - STEPS_A_SECOND + 1, (1,), generator=random))
        whose.append(long[lane])
        begun.append(torch.from_numpy(np.array(long[lane].mean[first : first + STEPS_A_SECOND])))
    heat = (temperature * torch.linspace(COOLEST, WARMEST, LANES))[:, None]
    spread = heat.clamp(max=1.0)  # as in a show
    steps = dance_on(model, (torch.stack(begun) - mean) / deviation, heat, spread, STEPS, random, asked(whose, model))
    return (torch.cat(list(islice(steps, 0, None, STRIDE))) * deviation + mean).numpy()


@torch.no_grad()
def dance_on(
    model: MDNRNN,
    begun: Tensor,
    heat: Tensor,
    spread: Tensor,
    steps: int,
    random: torch.Generator,
    styles: Tensor | None = None,
) -> Iterator[Tensor]:
    """Go on dancing after `begun`, normalised latents (lanes, some, latent_size); each step's, (lanes, latent_size).

    heat divides the mixture's logits, spread multiplies sigma, each (lanes, 1); styles (lanes, styles).
    """
    lanes = torch.arange(len(begun))
    inputs, state = begun, model.zero_state(len(begun))
    for _ in range(steps):
        logits, mu, sigma, state = model(inputs, state, styles=styles)
        chosen = torch.multinomial(torch.softmax(logits[:, -1] / heat, -1), 1, generator=random)[:, 0]
        normal = torch.randn(len(begun), begun.shape[-1], generator=random)
        latents = mu[lanes, -1, chosen] + spread * sigma[lanes, -1, chosen] * normal
        inputs = latents[:, None]
        yield latents
