"""A training run that can be killed at any moment: steps, learning rate, checkpoints, budget, progress.

Every step draws its randomness from (seed, stage, step) alone, so a run that goes on from its last checkpoint ends in
the same figures as one never killed. A checkpoint is one file, replaced atomically.
"""

import math
import os
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import nn

WARM_UP = 0.02  # share of the run over which the learning rate rises
DECAY = 0.5  # share of the run over which it falls to zero, along a cosine


@dataclass(frozen=True)
class Budget:
    """How long a stage trains: `steps` optimiser steps, or `seconds` of training time if that is given."""

    steps: int
    seconds: float | None = None
    checkpoint_seconds: float = 60.0  # at most a minute's work is lost

    def fraction(self, step: int, seconds: float) -> float:
        """How far the run is, 0..1."""
        done = step / self.steps if self.seconds is None else seconds / self.seconds
        return min(done, 1.0)


@dataclass
class Stage:
    """What one stage of training is made of; `fit` runs it.

    train_step(step, fraction) -> losses by name, after it has called backward(); evaluate() -> figures by name;
    `better`: name of the figure to keep the best weights by (lower is better), with `patience` evaluations without a
    better one, once the learning rate falls, ending the stage. Without it the last weights are kept.
    """

    name: str
    model: nn.Module
    optimizer: torch.optim.Optimizer
    train_step: Callable[[int, float], dict[str, torch.Tensor]]
    evaluate: Callable[[], dict[str, float]]
    budget: Budget
    evaluate_every: int
    clip: float
    seed: int
    better: str | None = None
    patience: int | None = None
    carry: dict = field(default_factory=dict)  # what train_step carries from step to step; kept in checkpoints
    extra: dict = field(default_factory=dict)  # sizes, statistics: travels in every checkpoint


def schedule(fraction: float) -> float:
    """The learning rate as a share of its peak: linear warm-up, constant, cosine to zero."""
    if fraction < WARM_UP:
        return fraction / WARM_UP
    left = (1 - fraction) / DECAY
    return 1.0 if left >= 1 else 0.5 * (1 - math.cos(math.pi * left))


def seed_step(seed: int, stage: str, step: int) -> None:
    """Seed torch for one step: all its noise and dropout follow from these three."""
    torch.manual_seed((seed * 1_000_003 + step) ^ (zlib.crc32(stage.encode()) << 31))


def save_checkpoint(path: Path, content: dict) -> None:
    """Write `content` so that `path` is always either the old or the new file, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "wb") as file:
        torch.save(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load_checkpoint(path: Path) -> dict:
    """A checkpoint's content. Raises ValueError with one line if it is missing or damaged."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"{path}: no such checkpoint") from None
    except Exception as error:  # torch raises pickle, zip, key and runtime errors alike for a damaged file
        raise ValueError(f"{path}: not a readable checkpoint ({str(error).splitlines()[0]})") from None


def progress_bar() -> Progress:
    """A bar with count, time spent and time left, on stderr."""
    from rich.console import Console

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True),
        refresh_per_second=2,
    )


def track(items: Iterable, description: str, total: int) -> Iterable:
    """Iterate with a progress bar."""
    with progress_bar() as bar:
        task = bar.add_task(description, total=total, figures="")
        for item in items:
            yield item
            bar.advance(task)


def fit(stage: Stage, path: Path, resume: bool) -> dict:
    """Train `stage` to the end of its budget; the final checkpoint, also at `path`.

    With `resume`, goes on from `path` if it is there; a finished one is only loaded. On return the model holds the
    weights to use (the best ones, where `better` is set).
    """
    step, seconds, history, best, waited = 0, 0.0, [], None, 0
    for group in stage.optimizer.param_groups:
        group["initial_lr"] = group["lr"]  # torch's own name for the peak of a schedule
    running: dict[str, float] = {}  # losses, averaged over some fifty steps
    if resume and path.exists():
        saved = load_checkpoint(path)
        stage.model.load_state_dict(saved["model"])
        if saved["done"]:
            return saved
        stage.optimizer.load_state_dict(saved["optimizer"])
        step, seconds, history = saved["step"], saved["seconds"], saved["history"]
        best, waited, running = saved["best"], saved["waited"], saved["running"]
        stage.carry.update(saved["carry"])

    def checkpoint(done: bool) -> dict:
        content = {
            "stage": stage.name,
            "model": best["model"] if done and best else stage.model.state_dict(),
            "step": step,
            "seconds": seconds,
            "history": history,
            "done": done,
            "seed": stage.seed,
            **stage.extra,
        }
        if not done:
            content |= {"optimizer": stage.optimizer.state_dict(), "carry": stage.carry}
            content |= {"best": best, "waited": waited, "running": running}
        save_checkpoint(path, content)
        return content

    # With a budget of time the bar counts thousandths of it.
    total = stage.budget.steps if stage.budget.seconds is None else 1000
    with progress_bar() as bar:
        task = bar.add_task(stage.name, total=total, figures="")
        started = saved_at = time.perf_counter()
        before = seconds
        while (fraction := stage.budget.fraction(step, seconds)) < 1:
            seed_step(stage.seed, stage.name, step)
            stage.model.train()
            for group in stage.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * schedule(fraction)
            stage.optimizer.zero_grad(set_to_none=True)
            losses = stage.train_step(step, fraction)
            if not all(math.isfinite(float(value)) for value in losses.values()):
                raise ValueError(f"{stage.name}: step {step}: the loss is not finite; lower the learning rate")
            nn.utils.clip_grad_norm_(stage.model.parameters(), stage.clip)
            stage.optimizer.step()
            step += 1
            seconds = before + time.perf_counter() - started
            for name, value in losses.items():
                running[name] = 0.98 * running.get(name, float(value)) + 0.02 * float(value)
            done = stage.budget.fraction(step, seconds)
            figures = "  ".join(f"{name} {value:.4g}" for name, value in running.items())
            bar.update(task, completed=done * total, figures=figures)
            if step % stage.evaluate_every == 0 or done >= 1:
                stage.model.eval()
                with torch.no_grad():
                    found = stage.evaluate()
                row = {"step": step, "seconds": seconds, **running, **found}
                history.append(row)
                bar.console.print(
                    f"{stage.name} {step}: " + ", ".join(f"{name} {value:.4f}" for name, value in row.items())
                )
                if stage.better:
                    if best is None or found[stage.better] < best["value"]:
                        weights = {name: tensor.clone() for name, tensor in stage.model.state_dict().items()}
                        best, waited = {"value": found[stage.better], "step": step, "model": weights}, 0
                    elif fraction > 1 - DECAY:  # at its full rate the figure goes up and down too much to tell
                        waited += 1
                    if stage.patience is not None and waited >= stage.patience:
                        break
            if time.perf_counter() - saved_at > stage.budget.checkpoint_seconds:
                checkpoint(done=False)
                saved_at = time.perf_counter()
    content = checkpoint(done=True)
    stage.model.load_state_dict(content["model"])
    return content
