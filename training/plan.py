"""What a run will take, said before it begins: time, memory, disk, and whether they are enough for this footage.

Owns the choice between a new dancer and fine-tuning the one that ships, and what is told of a run that is too short.
"""

import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from training.clips import STEPS_A_SECOND, Clip
from training.frames import Frames
from training.stages import BATCH, Stages
from training.start import Start
from training.trial import Pace

# The default dancer's VAE, from nothing, was good after some 90,000 images (half an hour on two cores); an LSTM-MDN's
# held-out loss was still falling after forty epochs (13 minutes). That a third does from another's weights is a guess.
NEW_IMAGES, NEW_EPOCHS, OF_WHICH_FINE = 90_000, 40, 3
# Minutes: a new dancer of less footage knows few bodies and repeats them, one that was begun with another's does not.
LITTLE_FOOTAGE, SCARCE_FOOTAGE = 10.0, 2.0
# Bytes kept for each weight while a stage trains: itself and the optimiser's; Adam's, and the best ones so far.
MUON_BYTES, ADAM_BYTES = 8, 16
DANCER_BYTES, BUNDLE_BYTES = 4, 3.5  # dancer.pt; a bundle's graphs hold 16 bits exactly, and 8 bits, some of it twice
FINISHING = 120.0  # seconds on two cores: export and its parity, the sample, the report
NAMES = {"vae": "VAE", "mdn_rnn": "LSTM-MDN", "decoder": "decoder"}


@dataclass(frozen=True)
class Part:
    """One stage of the plan. passes: how often each image is seen; an LSTM-MDN's dances each and its mirror image."""

    name: str
    seconds: float
    images: int
    passes: float

    def __str__(self) -> str:
        passes = f"{self.passes:.2g}" if self.passes < 10 else f"{self.passes:.0f}"
        return f"{NAMES[self.name]} {span(self.seconds)} ({passes} passes)"


@dataclass(frozen=True)
class Plan:
    """What is said of a run: `lines` of what it takes, `warnings` with what to do. `start`: the bundle that it begins
    with, "auto" for the default dancer's, wherever that is on a machine, "" for none."""

    lines: list[str]
    warnings: list[str]
    start: str = ""

    def save(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def load_plan(path: Path) -> Plan | None:
    """The plan that a run to be resumed began with, None where it has none."""
    return Plan(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def choose_start(default: Start, kind: str, same_sizes: bool, minutes: float, images: float) -> tuple[bool, str]:
    """Whether a run begins with the default dancer's weights, and why.

    kind: of the footage's images; minutes: of footage; images: that the VAE's share of the run goes through.
    """
    if not same_sizes:
        return False, "a new dancer, as its sizes are not the default dancer's"
    if kind != default.image_kind:
        return False, f"a new dancer, as the footage is {kind} and the default dancer's is {default.image_kind}"
    reasons = []
    if minutes < LITTLE_FOOTAGE:
        reasons.append(f"{minutes:.1f} minutes of footage are few (under {LITTLE_FOOTAGE:g})")
    if images < NEW_IMAGES:
        reasons.append(f"the VAE would see {images:,.0f} images (a new one needs some {NEW_IMAGES:,})")
    if not reasons:
        return False, "a new dancer, as there are footage and time enough; --from models/default fine-tunes instead"
    return True, f"fine-tunes the default dancer, as {' and '.join(reasons)}; --from none begins with nothing"


def parts(stages: Stages, pace: Pace) -> list[Part]:
    """What each of the stages will do in its budget."""
    found, frames = [], sum(map(len, stages.training))
    for name, (budget, images) in stages.budgets().items():
        steps = budget.steps if budget.seconds is None else budget.seconds / pace.steps[name]
        seen = round(steps * images)
        found.append(Part(name, steps * pace.steps[name], seen, seen / (2 * frames if name == "mdn_rnn" else frames)))
    return found


def make_plan(stages: Stages, pace: Pace, clips: list[Clip], start: str, why: str) -> Plan:
    """The plan of a run of these stages. Raises ValueError where the disk at --out has too little room.

    clips: the whole footage; start: the bundle that it begins with, or ""; why: it begins so.
    """
    found, out, frames = parts(stages, pace), stages.options.out, sum(map(len, clips))
    training = sum(part.seconds for part in found)
    # The latents of each image and of its mirror image, and a dance through all of them by the LSTM-MDN.
    finishing = FINISHING + 2 * frames * (pace.encoding + pace.steps.get("mdn_rnn", 0.0) / (BATCH * 64))
    disk = disk_space(pace, frames, stages.options.latent_size)
    place = next(folder for folder in (out.resolve(), *out.resolve().parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < disk:
        raise ValueError(f"{place}: {size(free)} free, and a run takes {size(disk)}; --out takes another folder")
    cached = sum(clip.frames.stored for clip in clips if isinstance(clip.frames, Frames))
    end = time.strftime("%H:%M", time.localtime(time.time() + training + finishing))
    lines = [
        why,
        f"{span(training)} of training: {', '.join(map(str, found))}; with latents, export and sample "
        f"{span(training + finishing)}, until about {end}",
        (f"memory {size(pace.memory)}; " if pace.memory else "")
        + f"disk {size(disk)} of {size(free)} free at {out}; {size(cached)} of footage in the cache",
    ]
    return Plan(lines, warnings(found, frames / STEPS_A_SECOND / 60, bool(start)), start)


def disk_space(pace: Pace, frames: int, latent_size: int) -> float:
    """Bytes of a run and its bundle: checkpoints and one that is being replaced, both kinds of latents, the dancer."""
    vae, mdn_rnn = pace.weights["vae"], pace.weights.get("mdn_rnn", 0)
    checkpoints = 2 * vae * MUON_BYTES + 2 * mdn_rnn * ADAM_BYTES
    return checkpoints + (vae + mdn_rnn) * (DANCER_BYTES + BUNDLE_BYTES) + 2 * frames * latent_size * 3 * 4


def warnings(found: list[Part], minutes: float, started: bool) -> list[str]:
    """What this run is too little for, and what to do; `started`: with another dancer's weights."""
    said = []
    if minutes < SCARCE_FOOTAGE:
        said.append(f"{minutes:.1f} minutes of footage are too few: it will repeat itself; ten are a start, film more")
    share = 1 / OF_WHICH_FINE if started else 1.0
    needed = 1.0
    for part in found:
        if part.name == "vae":
            needed = max(needed, share * NEW_IMAGES / max(part.images, 1))
        if part.name == "mdn_rnn":
            needed = max(needed, share * NEW_EPOCHS / max(part.passes, 1e-9))
    if needed > 1.25:  # less is within what a trial of some seconds can tell
        whole = sum(part.seconds for part in found)
        lacking = "pictures stay blurred and the dance simple"
        said.append(f"{span(whole)} are short for this: {lacking}; about {span(needed * whole)} would do (--minutes)")
    return said


def span(seconds: float) -> str:
    """A time, for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Bytes, for people."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
