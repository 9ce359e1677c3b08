"""Trains the decoder on, last of all, to show bodies whole: from latents as the dancer dances them.

The LSTM-MDN's latents stray from those of real images: one step on, by about twice the posterior's noise. A decoder
that has only seen the encoder's shows them in pieces. So each image is also decoded from where the dancer, having
danced the clip up to it, believed it to be. The encoder and the latents stay what they are.

A dancer that is refined has a decoder that shows its dances well already: it keeps to that one's pictures of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.batches import Batches
from training.clips import Clip
from training.draws import Draws, numbers
from training.latents import Sequence
from training.loop import Budget, Stage
from training.muon import Muon
from training.place import CPU, Place
from training.train_vae import evaluate, new_vae, spread
from training.vae import VAE, VAEConfig, reconstruction_loss


@dataclass(frozen=True)
class DecoderTraining:
    """How the decoder is trained. An image's latent goes up to `stray` times the way to the danced one; on top comes up
    to `noise` times the posterior's noise. Each is drawn evenly. `batch` is of images, and as many kept pictures.
    """

    batch: int = 8
    matrix_rate: float = 0.005  # half the VAE's: it has been trained
    rate: float = 3.5e-4
    stray: float = 1.5
    noise: float = 1.0
    clip: float = 5000.0
    seed: int = 0
    fast: bool = True


# Of a dancer that is refined: what it dances is shown as before, by what is kept.
GENTLE = DecoderTraining(batch=6, matrix_rate=0.002, rate=1.5e-4, stray=0.0)


@dataclass(frozen=True)
class Kept:
    """Pictures that a refined dancer keeps to: how `vae` shows these `latents`, (n, latent_size)."""

    vae: VAE
    latents: np.ndarray

    @torch.no_grad()
    def draw(self, step: int, samples: slice, draws: Draws, place: Place) -> tuple[Tensor, Tensor]:
        """A latent for each sample, (samples, latent_size), and their pictures, (samples, 1, height, width)."""
        generators = [draws.of(step, i) for i in numbers(samples)]
        rows = [int(torch.randint(len(self.latents), (), generator=g, device=g.device)) for g in generators]
        latents = torch.from_numpy(self.latents[rows]).to(place.device)
        with place.precision():
            return latents, torch.sigmoid(self.vae.decode(latents).float())


def decoder_stage(
    training: list[Clip],
    held_out: list[Clip],
    sequences: list[Sequence],
    strayed: list[np.ndarray],
    config: VAEConfig,
    background: float | None,
    how: DecoderTraining,
    budget: Budget,
    start: dict,
    place: Place = CPU,
    kept: Kept | None = None,
) -> Stage[VAE]:
    """The training of the VAE's decoder; its encoder stays as in `start`.

    `sequences` holds each training clip's, followed by its mirror image's; `strayed` what
    `rollouts.danced` gives of each. `kept`: pictures to keep to, where it is refined; on the same device.
    """
    torch.manual_seed(how.seed)
    model = new_vae(config, background, how.fast, place, start)
    model.encoder.requires_grad_(False)
    optimizer = Muon(model.decoder.parameters(), how.matrix_rate, how.rate)
    batches = Batches(training, background, how.batch, how.seed)
    draws, kept_draws = (Draws(how.seed, stage, place.device) for stage in ("decoder", "kept"))
    images_held_out, dark = spread(held_out), background is not None and background > 0.5

    def draw(step: int, samples: slice, rows: np.ndarray, mirrored: np.ndarray) -> Tensor:
        places = [(2 * clip + int(flip), frame) for (clip, frame), flip in zip(rows, mirrored, strict=True)]
        own = torch.from_numpy(np.stack([sequences[i].mean[frame] for i, frame in places]))
        other = torch.from_numpy(np.stack([strayed[i][frame] for i, frame in places]))
        deviation = torch.from_numpy(np.stack([np.exp(0.5 * sequences[i].log_variance[frame]) for i, frame in places]))
        own, other, deviation = (part.to(place.device) for part in (own, other, deviation))
        generators = [draws.of(step, i) for i in numbers(samples)]
        even = torch.stack([torch.rand(2, generator=g, device=g.device) for g in generators])
        normal = torch.stack([torch.randn(own.shape[1], generator=g, device=g.device) for g in generators])
        away, noise = how.stray * even[:, :1], how.noise * even[:, 1:]
        return own + away * (other - own) + noise * deviation * normal

    def train_step(step: int, fraction: float) -> dict[str, Tensor]:
        share = place.processes.share(batches.size)
        batch = batches.of_step(step, share)
        count = len(batch.rows)
        latents = draw(step, share, batch.rows, batch.mirrored)
        shown = {"reconstruction": (latents, batch.images.to(place.device))}
        if kept is not None:
            shown["kept"] = kept.draw(step, share, kept_draws, place)
        latents, images = (torch.cat(parts) for parts in zip(*shown.values(), strict=True))
        with place.precision():
            logits = model.decode(latents)
        pairs = zip(logits.float().split(count), images.split(count), strict=True)
        part = count / batches.size  # of the means over the batch
        losses = dict(zip(shown, (part * reconstruction_loss(*pair) for pair in pairs), strict=True))
        torch.stack(list(losses.values())).sum().backward()
        return {name: loss.detach() for name, loss in losses.items()}

    return Stage(
        name="decoder",
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        evaluate=lambda: evaluate(model, images_held_out, dark, place),
        budget=budget,
        evaluate_every=800,
        clip=how.clip,
        seed=how.seed,
        place=place,
        extra={"vae": config.to_dict(), "background": background},
    )
