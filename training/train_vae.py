"""Trains the VAE on the footage's frames. Owns the KL weight's schedule and the held-out figures."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.batches import Batches
from training.clips import Clip
from training.draws import Draws
from training.loop import Budget, Stage
from training.muon import Muon
from training.place import CPU, Place
from training.vae import STANDARD_NORMAL, VAE, VAEConfig, kl_divergence, reconstruction_loss, soft_iou
from training.vae_fast import FastVAE

HELD_OUT_FRAMES = 240  # spread evenly over the held-out clips; enough for an IoU to +-0.002


@dataclass(frozen=True)
class VAETraining:
    """How a VAE is trained. `kl_weight` below 1 gives sharper images and less noise in the latents (beta-VAE)."""

    batch: int = 8  # few images keep the working set near the caches, and give more steps for the same time
    matrix_rate: float = 0.01  # Muon's learning rates; half and double learn more slowly
    rate: float = 7e-4
    kl_weight: float = 0.5
    kl_rise: float = (
        0.15  # share of the run over which the KL weight rises from zero: keeps latents from collapsing; or 0
    )
    clip: float = 5000.0  # of the gradient's norm; the summed loss has norms of some thousands when healthy
    seed: int = 0
    fast: bool = True


# Of a VAE that has been trained already. So the default dancer's IoU went from 0.919 to 0.940 in 40 minutes, and its
# latents still moved evenly from step to step, which is what an LSTM-MDN can follow.
GENTLE = VAETraining(matrix_rate=0.003, rate=2e-4, kl_rise=0.0)


def new_vae(config: VAEConfig, background: float | None, fast: bool, place: Place, weights: dict | None) -> VAE:
    """A VAE to train, in its fast form or the plain one, where it is to be; from `weights` or fresh ones."""
    model: VAE = FastVAE(config, background) if fast else VAE(config)
    if weights is not None:
        model.load_state_dict(weights)
    model = model.to(place.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def held_out_rows(clips: list[Clip], count: int = HELD_OUT_FRAMES) -> np.ndarray:
    """`count` images spread evenly over the clips (all, if they have fewer), as rows (clip, frame)."""
    ends = np.cumsum([len(clip) for clip in clips])
    chosen = np.linspace(0, ends[-1] - 1, min(count, ends[-1])).astype(int)
    clip = np.searchsorted(ends, chosen, "right")
    return np.stack([clip, chosen - np.concatenate([[0], ends])[clip]], 1)


def spread(clips: list[Clip], count: int = HELD_OUT_FRAMES) -> Tensor:
    """Those images, (count, 1, height, width) uint8."""
    return torch.from_numpy(np.stack([clips[clip].frames[frame] for clip, frame in held_out_rows(clips, count)]))[
        :, None
    ]


def evaluate(model: VAE, held_out: Tensor, dark: bool, place: Place) -> dict[str, float]:
    """Held-out figures: reconstruction and KL in nats an image, and the IoU of silhouettes rebuilt from the mean.

    `held_out`: images as `spread` gives them.
    """
    sums = np.zeros(3)
    own = held_out[place.processes.share(len(held_out))]
    for start in range(0, len(own), 8):
        part = own[start : start + 8]
        images = part.to(place.device).float() / 255
        with place.precision():
            mean, log_variance = model.encode(images)
            logits = model.decode(mean)
        mean, log_variance, logits = mean.float(), log_variance.float(), logits.float()
        rebuilt = torch.sigmoid(logits)
        pair = (1 - rebuilt, 1 - images) if dark else (rebuilt, images)
        values = (reconstruction_loss(logits, images), kl_divergence(mean, log_variance).mean(), soft_iou(*pair).mean())
        sums += len(part) * np.array([float(v) for v in values])
    reconstruction, kl, iou = (total / len(held_out) for total in place.processes.totals(sums.tolist()))
    return {"held_out_reconstruction": reconstruction, "held_out_kl": kl, "held_out_iou": iou}


@torch.no_grad()
def rebuild(model: VAE, clips: list[Clip], count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images spread over the clips (all, if they have fewer), and their reconstructions, (count, height, width)
    uint8 each."""
    originals = spread(clips, count)
    rebuilt = torch.sigmoid(model.decode(model.encode(originals.float() / 255)[0]))
    return originals[:, 0].numpy(), (255 * rebuilt[:, 0]).round().byte().numpy()


@torch.no_grad()
def kept_posterior(kept: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance that `kept` gives these images."""
    mean, log_variance = kept.encode(images)
    return mean.float(), log_variance.float()


def vae_stage(
    training: list[Clip],
    held_out: list[Clip],
    config: VAEConfig,
    background: float | None,
    how: VAETraining,
    budget: Budget,
    place: Place = CPU,
    start: dict | None = None,
    kept: VAE | None = None,
) -> Stage[VAE]:
    """The training of the VAE.

    `start`: weights to begin with (fine-tuning). `kept`: a VAE whose posteriors are the prior of these, so that latents
    stay where they are and a dancer that knows them need not learn them anew; on the same device.
    """
    torch.manual_seed(how.seed)
    model = new_vae(config, background, how.fast, place, start)
    optimizer = Muon(model.parameters(), how.matrix_rate, how.rate)
    batches, draws = Batches(training, background, how.batch, how.seed), Draws(how.seed, "vae", place.device)
    images_held_out, dark = spread(held_out), background is not None and background > 0.5

    def train_step(step: int, fraction: float) -> dict[str, Tensor]:
        share = place.processes.share(batches.size)
        images = batches.of_step(step, share).images.to(place.device)
        weight = how.kl_weight * (min(fraction / how.kl_rise, 1.0) if how.kl_rise else 1.0)
        noise = draws.normal(step, share, config.latent_size)
        with place.precision():
            prior = kept_posterior(kept, images) if kept else STANDARD_NORMAL
            reconstruction, kl = model.losses(images, noise, prior)
        part = len(images) / batches.size  # of the means over the batch
        reconstruction, kl = part * reconstruction, part * kl
        (reconstruction + weight * kl).backward()
        return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}

    return Stage(
        name="vae",
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        evaluate=lambda: evaluate(model, images_held_out, dark, place),
        budget=budget,
        evaluate_every=800,
        clip=how.clip,
        seed=how.seed,
        place=place,
        extra={"vae": config.to_dict(), "background": background, "kl_weight": how.kl_weight},
    )
