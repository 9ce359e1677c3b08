"""Trains the VAE on the footage's frames. Owns the batches, the KL weight's schedule and the held-out figures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.clips import Clip
from training.loop import Budget, Stage, fit
from training.muon import Muon
from training.place import CPU, Place
from training.vae import STANDARD_NORMAL, VAE, VAEConfig, kl_divergence, reconstruction_loss, soft_iou
from training.vae_fast import FastVAE, active_columns

HELD_OUT_FRAMES = 240  # spread evenly over the held-out clips; enough for an IoU to +-0.002
SCAN = 256  # images read at once where only their widths are asked for
BUCKETS = 16  # batches that are sorted by width together


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


def frame_index(clips: list[Clip]) -> np.ndarray:
    """All frames as rows (clip, frame), int64."""
    return np.concatenate([np.stack([np.full(len(c), i), np.arange(len(c))], 1) for i, c in enumerate(clips)])


def load(clips: list[Clip], rows: np.ndarray, mirrored: np.ndarray) -> Tensor:
    """Images (n, 1, h, w) float32 in 0..1 of rows (clip, frame); the `mirrored` ones are flipped left to right."""
    images = np.stack(
        [
            clips[c].frames[f][:, ::-1] if flip else clips[c].frames[f]
            for (c, f), flip in zip(rows, mirrored, strict=True)
        ]
    )
    return torch.from_numpy(images)[:, None].float() / 255


def dancer_widths(clips: list[Clip], background: float | None) -> np.ndarray:
    """Columns of cells the dancer covers in each image, (frames,); zeros where there is no even background."""
    if background is None:
        return np.zeros(sum(len(clip) for clip in clips), int)
    widths = []
    for clip in clips:
        for start in range(0, len(clip), SCAN):
            images = torch.from_numpy(np.array(clip.frames[start : start + SCAN]))[:, None]
            first, last = active_columns(images, round(background * 255))
            widths.append((last - first).numpy())
    return np.concatenate(widths)


def epoch_batches(widths: np.ndarray, batch: int, seed: int, epoch: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which images make each batch of an epoch, and which of them are mirrored: a new order, every image once.

    Images of like width go together, so that `vae_fast` can crop narrowly: as sentences are bucketed by length.
    """
    random = np.random.Generator(np.random.PCG64([seed, epoch]))
    order, flips = random.permutation(len(widths)), random.random(len(widths)) < 0.5
    size = batch * BUCKETS
    order = np.concatenate(
        [part[widths[part].argsort(kind="stable")] for part in np.split(order, range(size, len(order), size))]
    )
    batches = [order[place * batch :][:batch] for place in random.permutation(max(len(widths) // batch, 1))]
    return [(chosen, flips[chosen]) for chosen in batches]


def batch_of_step(
    clips: list[Clip], background: float | None, batch: int, seed: int
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    """What gives each step its batch: rows (clip, frame), and which are mirrored. Keeps one epoch's order at a time."""
    index, widths = frame_index(clips), dancer_widths(clips, background)
    of_epoch = lru_cache(maxsize=1)(partial(epoch_batches, widths, batch, seed))

    def of_step(step: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, place = divmod(step, max(len(widths) // batch, 1))
        chosen, mirrored = of_epoch(epoch)[place]
        return index[chosen], mirrored

    return of_step


def new_vae(config: VAEConfig, background: float | None, fast: bool, place: Place, weights: dict | None) -> VAE:
    """A VAE to train, in its fast form or the plain one, where it is to be; from `weights` or fresh ones."""
    model: VAE = FastVAE(config, background) if fast else VAE(config)
    if weights is not None:
        model.load_state_dict(weights)
    model = model.to(place.device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def held_out_rows(clips: list[Clip], count: int = HELD_OUT_FRAMES) -> np.ndarray:
    index = frame_index(clips)
    return index[np.linspace(0, len(index) - 1, min(count, len(index))).astype(int)]


def evaluate(model: VAE, clips: list[Clip], dark: bool, place: Place) -> dict[str, float]:
    """Held-out figures: reconstruction and KL in nats an image, and the IoU of silhouettes rebuilt from the mean."""
    rows = held_out_rows(clips)
    sums = np.zeros(3)
    for part in np.array_split(rows, -(-len(rows) // 8)):
        images = load(clips, part, np.zeros(len(part), bool)).to(place.device)
        with place.precision():
            mean, log_variance = model.encode(images)
            logits = model.decode(mean)
        mean, log_variance, logits = mean.float(), log_variance.float(), logits.float()
        rebuilt = torch.sigmoid(logits)
        pair = (1 - rebuilt, 1 - images) if dark else (rebuilt, images)
        values = (reconstruction_loss(logits, images), kl_divergence(mean, log_variance).mean(), soft_iou(*pair).mean())
        sums += len(part) * np.array([float(v) for v in values])
    reconstruction, kl, iou = (sums / len(rows)).tolist()
    return {"held_out_reconstruction": reconstruction, "held_out_kl": kl, "held_out_iou": iou}


@torch.no_grad()
def rebuild(model: VAE, clips: list[Clip], count: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` images spread over the clips (all, if they have fewer), and their reconstructions, (count, height, width)
    uint8 each."""
    rows = held_out_rows(clips, count)
    images = load(clips, rows, np.zeros(len(rows), bool))
    rebuilt = torch.sigmoid(model.decode(model.encode(images)[0]))
    return tuple((255 * x[:, 0]).round().byte().numpy() for x in (images, rebuilt))  # type: ignore[return-value]


@torch.no_grad()
def kept_posterior(kept: VAE, images: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and log-variance that `kept` gives these images."""
    mean, log_variance = kept.encode(images)
    return mean.float(), log_variance.float()


def train_vae(
    training: list[Clip],
    held_out: list[Clip],
    config: VAEConfig,
    background: float | None,
    how: VAETraining,
    budget: Budget,
    path: Path,
    resume: bool,
    place: Place = CPU,
    start: dict | None = None,
    kept: VAE | None = None,
) -> tuple[VAE, dict]:
    """Train and return the VAE and its checkpoint (at `path`).

    `start`: weights to begin with (fine-tuning). `kept`: a VAE whose posteriors are the prior of these, so that latents
    stay where they are and a dancer that knows them need not learn them anew; on the same device.
    """
    torch.manual_seed(how.seed)
    model = new_vae(config, background, how.fast, place, start)
    optimizer = Muon(model.parameters(), how.matrix_rate, how.rate)
    batch = batch_of_step(training, background, how.batch, how.seed)

    def train_step(step: int, fraction: float) -> dict[str, Tensor]:
        images = load(training, *batch(step)).to(place.device)
        weight = how.kl_weight * (min(fraction / how.kl_rise, 1.0) if how.kl_rise else 1.0)
        noise = torch.randn(len(images), config.latent_size, device=place.device)
        with place.precision():
            prior = kept_posterior(kept, images) if kept else STANDARD_NORMAL
            reconstruction, kl = model.losses(images, noise, prior)
        (reconstruction + weight * kl).backward()
        return {"reconstruction": reconstruction.detach(), "kl": kl.detach()}

    stage = Stage(
        name="vae",
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        evaluate=lambda: evaluate(model, held_out, dark=background is not None and background > 0.5, place=place),
        budget=budget,
        evaluate_every=800,
        clip=how.clip,
        seed=how.seed,
        extra={"vae": config.to_dict(), "background": background, "kl_weight": how.kl_weight},
    )
    checkpoint = fit(stage, path, resume)
    return model, checkpoint
