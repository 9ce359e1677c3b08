"""A trial before a run: some seconds of each stage, by which its plan tells how long it will take and how much memory.

The steps are the stages' own, on images of the footage and on latents made up. Nothing of them is kept: a run with a
trial ends in the same figures as one without.
"""

import sys
import time
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import torch
from torch import nn

from training.clips import Clip, sample
from training.latents import Sequence, encoded, statistics
from training.loop import Stage
from training.mdn_rnn import MDNRNNConfig
from training.stages import Latents, Stages
from training.train_mdn_rnn import epoch_chunks
from training.vae import VAEConfig

WARM, MEASURED = 2, 4  # steps; the first ones choose their kernels
IMAGES = 96  # spread over the footage: how wide its dancer is decides how long a step takes


@dataclass(frozen=True)
class Pace:
    """What a trial found. steps: seconds of one step of each stage, by its name, as long as --steps says. encoding:
    seconds an image. memory: bytes, at most, of this process; on a GPU, of that; None where it cannot be told."""

    steps: dict[str, float]
    weights: dict[str, int]  # numbers in each stage's model
    encoding: float
    memory: int | None


def measure(stages: Stages, vae_config: VAEConfig, mdn_rnn_config: MDNRNNConfig) -> Pace:
    """Try the stages that `stages` would run; every process does, so that they share the machine as they will."""
    random = np.random.Generator(np.random.PCG64(0))
    images = sample(stages.training, max(IMAGES, stages.batch))
    clip = Clip("trial", images)
    tried = replace(stages, training=[clip], held_out=[clip])

    def made_up(count: int) -> Sequence:
        mean, log_variance = random.normal(size=(2, count, vae_config.latent_size)).astype(np.float32)
        return Sequence("trial", mean, log_variance)

    vae = tried.vae_stage(vae_config)
    steps, weights = {vae.name: seconds_a_step(vae)}, {vae.name: count_weights(vae)}
    started = time.perf_counter()
    few = images[: stages.batch]  # as many as a step takes, so that the memory is the training's
    encoded(vae.model.eval(), few, stages.place)
    encoding = (time.perf_counter() - started) / len(few)

    how = tried.mdn_rnn_how()
    lanes = [made_up((WARM + MEASURED + 2) * 2 * how.steps) for _ in range(how.batch)]
    if not stages.refines:
        passage = epoch_chunks([len(lane) for lane in lanes], how.batch, how.steps, how.seed, 0)[0].steps
        stage = tried.mdn_rnn_stage(mdn_rnn_config, Latents(lanes, lanes, statistics(lanes)))
        steps[stage.name], weights[stage.name] = seconds_a_step(stage) * how.steps / passage, count_weights(stage)

    believed = [made_up(len(clip)) for _ in range(2)]
    latents = Latents(believed, believed, statistics(believed))
    dances = believed[0].mean if stages.refines else None
    decoder = tried.decoder_stage(vae.model, latents, [b.mean for b in believed], dances)
    steps[decoder.name] = seconds_a_step(decoder)
    return Pace(steps, weights, encoding, memory(stages.place.device))


def count_weights(stage: Stage) -> int:
    return sum(weight.numel() for weight in stage.model.parameters())


def seconds_a_step(stage: Stage) -> float:
    """The median of some steps, as `fit` does them, on a model that is not kept."""
    stage.model.train()
    found = []
    for step in range(WARM + MEASURED):
        started = time.perf_counter()
        stage.optimizer.zero_grad(set_to_none=True)
        losses = stage.train_step(step, 0.5)
        for loss in losses.values():
            float(loss)  # waits for a GPU
        nn.utils.clip_grad_norm_(stage.model.parameters(), stage.clip)
        stage.optimizer.step()
        found.append(time.perf_counter() - started)
    return median(found[WARM:])


def memory(device: torch.device) -> int | None:
    """The most that this process has held so far, in bytes."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
