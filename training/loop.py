"""A training run that can be killed at any moment: steps, learning rate, checkpoints, budget, progress.

Every step draws its randomness from (seed, stage, step, sample) alone, so a run that goes on from its last checkpoint
ends in the same figures as one never killed, on as many processes as there are then. A checkpoint is one file, replaced
atomically, by the first process alone.
"""

import math
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import nn

from training.place import CPU, Place
from training.processes import Processes

Model = TypeVar("Model", bound=nn.Module)

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
class Stage(Generic[Model]):
    """What one stage of training is made of; `fit` runs it.

    train_step(step, fraction) -> losses by name, after it has called backward(): of this process's share, as parts of
    the whole batch's, which is their sum; evaluate() -> figures by name, the same in all processes;
    `better`: name of the figure to keep the best weights by (lower is better), with `patience` evaluations without a
    better one, once the learning rate falls, ending the stage. Without it the last weights are kept.
    """

    name: str
    model: Model
    optimizer: torch.optim.Optimizer
    train_step: Callable[[int, float], dict[str, torch.Tensor]]
    evaluate: Callable[[], dict[str, float]]
    budget: Budget
    evaluate_every: int
    clip: float
    seed: int
    better: str | None = None
    patience: int | None = None
    place: Place = CPU
    # What train_step carries from step to step, kept in checkpoints; those of a share are along the second dimension.
    carry: dict = field(default_factory=dict)
    extra: dict = field(default_factory=dict)  # sizes, statistics: travels in every checkpoint


def schedule(fraction: float) -> float:
    """The learning rate as a share of its peak: linear warm-up, constant, cosine to zero."""
    if fraction < WARM_UP:
        return fraction / WARM_UP
    left = (1 - fraction) / DECAY
    return 1.0 if left >= 1 else 0.5 * (1 - math.cos(math.pi * left))


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


def progress_bar(shown: bool = True) -> Progress:
    """A bar with count, time spent and time left, on stderr."""
    from rich.console import Console

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
        console=Console(stderr=True, quiet=not shown),
        refresh_per_second=2,
    )


def track(items: Iterable, description: str, total: int, shown: bool = True) -> Iterable:
    """Iterate with a progress bar."""
    with progress_bar(shown) as bar:
        task = bar.add_task(description, total=total, figures="")
        for item in items:
            yield item
            bar.advance(task)


def gathered(carry: dict, processes: Processes) -> dict:
    """What all processes carry, put together."""
    return {
        name: processes.whole(value, 1) if isinstance(value, torch.Tensor) else value for name, value in carry.items()
    }


def shared(carry: dict, processes: Processes) -> dict:
    """This process's share of what all carried."""
    return {
        name: value[:, processes.share(value.shape[1])] if isinstance(value, torch.Tensor) else value
        for name, value in carry.items()
    }


def fit(stage: Stage, path: Path, resume: bool) -> dict:
    """Train `stage` to the end of its budget; the final checkpoint, also at `path`.

    With `resume`, goes on from `path` if it is there; a finished one is only loaded. On return the model holds the
    weights to use (the best ones, where `better` is set).
    """
    processes = stage.place.processes
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
        stage.carry.update(shared(saved["carry"], processes))

    def checkpoint(done: bool) -> dict:
        carry = gathered(stage.carry, processes)
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
            content |= {"optimizer": stage.optimizer.state_dict(), "carry": carry}
            content |= {"best": best, "waited": waited, "running": running}
        if processes.first:
            save_checkpoint(path, content)
        return content

    # With a budget of time the bar counts thousandths of it.
    total = stage.budget.steps if stage.budget.seconds is None else 1000
    with progress_bar(processes.first) as bar:
        task = bar.add_task(stage.name, total=total, figures="")
        started = saved_at = time.perf_counter()
        before = seconds
        while (fraction := stage.budget.fraction(step, seconds)) < 1:
            stage.model.train()
            for group in stage.optimizer.param_groups:
                group["lr"] = group["initial_lr"] * schedule(fraction)
            stage.optimizer.zero_grad(set_to_none=True)
            parts = stage.train_step(step, fraction)
            processes.sum_gradients(stage.model.parameters())
            # The first process's clock is everyone's.
            now = time.perf_counter()
            clock = [now - started, float(now - saved_at > stage.budget.checkpoint_seconds)]
            clock = clock if processes.first else [0.0, 0.0]
            elapsed, due, *values = processes.totals([*clock, *(float(part) for part in parts.values())])
            losses = dict(zip(parts, values, strict=True))
            if not all(math.isfinite(value) for value in values):
                raise ValueError(f"{stage.name}: step {step}: the loss is not finite; lower the learning rate")
            nn.utils.clip_grad_norm_(stage.model.parameters(), stage.clip)
            stage.optimizer.step()
            step += 1
            seconds = before + elapsed
            for name, value in losses.items():
                running[name] = 0.98 * running.get(name, value) + 0.02 * value
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
            if due:
                checkpoint(done=False)
                saved_at = time.perf_counter()
    content = checkpoint(done=True)
    processes.wait()  # until it is written
    stage.model.load_state_dict(content["model"])
    return content
