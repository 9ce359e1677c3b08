"""Trains the decoder on, last of all, to show bodies whole: from latents as the dancer dances them.

The LSTM-MDN's latents stray from those of real images: one step on, by about twice the posterior's noise. A decoder
that has only seen the encoder's shows them in pieces. So each image is also decoded from where the dancer, having
danced the clip up to it, believed it to be. The encoder and the latents stay what they are.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.clips import Clip
from training.latents import Sequence, Statistics
from training.loop import Budget, Stage, fit
from training.mdn_rnn import MDNRNN
from training.muon import Muon
from training.place import CPU, Place
from training.train_vae import batch_of_step, evaluate, load, new_vae
from training.vae import VAE, VAEConfig, reconstruction_loss

PASSAGE = 512  # steps danced at once: bounds the memory


@dataclass(frozen=True)
class DecoderTraining:
    """How the decoder is trained. An image's latent goes up to `stray` times the way to the danced one; on top comes up
    to `noise` times the posterior's noise. Each is drawn evenly.
    """

    batch: int = 8
    matrix_rate: float = 0.005  # half the VAE's: it has been trained
    rate: float = 3.5e-4
    stray: float = 1.5
    noise: float = 1.0
    clip: float = 5000.0
    seed: int = 0
    fast: bool = True


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


def train_decoder(
    training: list[Clip],
    held_out: list[Clip],
    sequences: list[Sequence],
    strayed: list[np.ndarray],
    config: VAEConfig,
    background: float | None,
    how: DecoderTraining,
    budget: Budget,
    path: Path,
    resume: bool,
    start: dict,
    place: Place = CPU,
) -> tuple[VAE, dict]:
    """Train and return the VAE, its encoder as in `start`, and its checkpoint (at `path`).

    `sequences` holds each training clip's, followed by its mirror image's; `strayed` what `danced` gives of each.
    """
    torch.manual_seed(how.seed)
    model = new_vae(config, background, how.fast, place, start)
    model.encoder.requires_grad_(False)
    optimizer = Muon(model.decoder.parameters(), how.matrix_rate, how.rate)
    batch = batch_of_step(training, background, how.batch, how.seed)

    def draw(rows: np.ndarray, mirrored: np.ndarray) -> Tensor:
        places = [(2 * clip + int(flip), frame) for (clip, frame), flip in zip(rows, mirrored, strict=True)]
        own = torch.from_numpy(np.stack([sequences[i].mean[frame] for i, frame in places]))
        other = torch.from_numpy(np.stack([strayed[i][frame] for i, frame in places]))
        deviation = torch.from_numpy(np.stack([np.exp(0.5 * sequences[i].log_variance[frame]) for i, frame in places]))
        away, noise = how.stray * torch.rand(len(own), 1), how.noise * torch.rand(len(own), 1)
        return own + away * (other - own) + noise * deviation * torch.randn(own.shape)

    def train_step(step: int, fraction: float) -> dict[str, Tensor]:
        rows, mirrored = batch(step)
        latents = draw(rows, mirrored).to(place.device)
        with place.precision():
            logits = model.decode(latents)
        images = load(training, rows, mirrored).to(place.device)
        reconstruction = reconstruction_loss(logits.float(), images)
        reconstruction.backward()
        return {"reconstruction": reconstruction.detach()}

    stage = Stage(
        name="decoder",
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        evaluate=lambda: evaluate(model, held_out, dark=background is not None and background > 0.5, place=place),
        budget=budget,
        evaluate_every=800,
        clip=how.clip,
        seed=how.seed,
        extra={"vae": config.to_dict(), "background": background},
    )
    return model, fit(stage, path, resume)
