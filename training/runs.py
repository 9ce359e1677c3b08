"""A run's folder: the options that it began with, so that it is neither overwritten nor resumed as another."""

import argparse
import json
from pathlib import Path

from training.stages import BATCH

OPTIONS, PLAN = "options.json", "plan.json"
# What does not change the figures that a run ends in.
WORDS = {"name", "data", "licence", "temperature", "pi_temperature", "sigma_temperature"}
IGNORED = {"resume", "out", "cache", "checkpoint_seconds", "devices", "nodes", "meet", "watch", *WORDS}


def begin(runs: Path, options: argparse.Namespace, processes: int) -> int:
    """Note the run's options; a run to be resumed must have the same ones, and a new one must not overwrite a run.

    Returns the batch of a step: a run keeps the one that it began with, on however many processes it goes on.
    """
    path = runs / OPTIONS
    resumed = options.resume and path.exists()
    before = json.loads(path.read_text(encoding="utf-8")) if resumed else {}
    batch = options.batch or (int(before.get("batch", BATCH)) if resumed else BATCH * processes)
    settings = {name: str(value) for name, value in (vars(options) | {"batch": batch}).items() if name not in IGNORED}
    if batch < processes:
        raise ValueError(f"--batch {batch}: too few for {processes} processes; allowed are {processes} or more")
    if resumed:
        changed = [name for name, value in settings.items() if before.get(name, value) != value]
        if changed:
            told = ", ".join(f"{name} was {before.get(name)}, now {settings[name]}" for name in changed)
            raise ValueError(f"{runs}: this run cannot be resumed with other options: {told}")
        return batch
    if any(runs.glob("*.pt")):
        raise ValueError(f"{runs}: holds a run already; --resume goes on with it, another --out starts a new one")
    runs.mkdir(parents=True, exist_ok=True)
    for left in [*runs.glob("*.npy"), runs / PLAN]:  # of a run that was taken away
        left.unlink(missing_ok=True)
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return batch
