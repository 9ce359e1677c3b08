"""`--watch`: a page that lives while a dancer is trained, written anew from its checkpoints by a process of its own.

That process has the lowest priority, one thread, and rests most of the time; training knows nothing of it, and goes on
whatever becomes of it. It ends with the training process.
"""

import multiprocessing
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import torch

from training import pages
from training.advice import advise
from training.clips import STEPS_A_SECOND, Clip, excerpts, sample
from training.latents import Statistics, encoded
from training.loop import Budget, load_checkpoint
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.motion import figures
from training.place import CPU
from training.plan import NAMES, Plan, span
from training.report import animation, picture, sheet, table, write_report
from training.rollouts import dance_on
from training.saying import say
from training.styles import told
from training.train_vae import new_vae
from training.vae import VAE, VAEConfig

LOOK_EVERY = 30  # seconds; checkpoints come every minute
REST = 19  # times the processor time that a page took: a page costs at most a twentieth of one core
RELOAD = 20  # seconds after which a browser looks again
SECONDS, SHOWN_EVERY = 16, 3  # of dance; steps between two pictures of the animation
COMPARED = 3000  # images of the footage that the dance is measured beside


@dataclass(frozen=True)
class Watched:
    """What the page is of. kind: of the images; budgets: of the stages that will be; heats: of the choice of component,
    and of sigma."""

    page: Path
    runs: Path
    name: str
    clips: list[Clip]
    kind: str
    plan: Plan
    budgets: dict[str, Budget]
    heats: tuple[float, float]


def start_watching(watched: Watched) -> BaseProcess:
    """Watch in a process of its own; to be terminated before the page is written for good."""
    process = multiprocessing.get_context("spawn").Process(target=watch, args=(watched,), daemon=True)
    process.start()
    return process


def watch(watched: Watched) -> None:
    """Write the page whenever there is something new, until the training process ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the training's, and this ends with it
    if hasattr(os, "nice"):
        os.nice(19)
    torch.set_num_threads(1)
    training = multiprocessing.parent_process()
    assert training is not None
    seen, opened, rest = None, False, 0.0
    while True:
        times = {name: path.stat().st_mtime_ns for name, path in checkpoints(watched).items()}
        if times != seen:
            before = time.process_time()
            try:
                write_page(watched)
                opened = opened or open_page(watched.page)
            except (OSError, ValueError) as error:  # a full disk, say: the next page may do
                say(f"{watched.page}: {error}")
            seen, rest = times, REST * (time.process_time() - before)
        if wait([training.sentinel], max(LOOK_EVERY, rest)):
            return


def open_page(page: Path) -> bool:
    """Show it in a browser, or say that there is none."""
    # Without a screen Python would take a browser of the terminal, over the progress bars.
    screen = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not (screen and webbrowser.open(page.resolve().as_uri())):
        say(f"no browser to be had here; --watch keeps {page.resolve()}")
    return True


def checkpoints(watched: Watched) -> dict[str, Path]:
    """Those that are there, by stage."""
    paths = {name: watched.runs / f"{name}.pt" for name in watched.budgets}
    return {name: path for name, path in paths.items() if path.exists()}


def write_page(watched: Watched) -> None:
    """Write the page as things are now."""
    found = {name: load_checkpoint(path) for name, path in checkpoints(watched).items()}
    vae, dance = read_vae(found), dance_of(watched, found)
    measured = figures(dance, excerpts(watched.clips, COMPARED), watched.kind) if dance is not None else {}
    histories = {name: content["history"] for name, content in found.items()}
    done = [name for name, content in found.items() if content["done"]]
    sections = [state(watched, found), *pages.listed("Advice", advise(histories, done, measured))]
    if dance is not None:
        moving = animation(dance[::SHOWN_EVERY], STEPS_A_SECOND // SHOWN_EVERY, "the sample, moving")
        sections.append((f"How it dances now, {SECONDS} seconds", moving + pages.contact_sheet(dance)))
        sections.append(pages.motion(measured, SECONDS))
    if vae is None:
        sections.append(("The footage", picture(sheet(sample(watched.clips, 24)[:24], 6), "the footage")))
    else:
        sections.append(pages.rebuilt(vae, watched.clips))
    sections += [*pages.learning(histories), *pages.planned(watched.plan)]
    write_report(watched.page, f"{watched.name}: a dancer that learns", sections, RELOAD)


def state(watched: Watched, found: Mapping[str, dict]) -> pages.Section:
    """How far each stage is."""
    rows = []
    for name, budget in watched.budgets.items():
        content = found.get(name)
        if content is None:
            rows.append((NAMES[name], "to come", ""))
            continue
        far = "done" if content["done"] else f"{budget.fraction(content['step'], content['seconds']):.0%}"
        rows.append((NAMES[name], far, span(content["seconds"])))
    note = "The page reloads by itself. If this time stands still, the training has stopped; --resume goes on."
    return f"As of {time.strftime('%H:%M:%S')}", table(("stage", "", "time"), rows) + f"<p>{note}</p>"


def read_vae(found: Mapping[str, dict]) -> VAE | None:
    """The VAE as it is shown now."""
    content = found.get("decoder") or found.get("vae")
    if content is None:
        return None
    config = VAEConfig.from_dict(content["vae"])
    return new_vae(config, content["background"], True, CPU, content["model"]).eval()


@torch.no_grad()
def dance_of(watched: Watched, found: Mapping[str, dict]) -> np.ndarray | None:
    """How it dances on from a second of the footage, (steps, height, width) uint8; None before it has begun to."""
    content, vae = found.get("mdn_rnn"), read_vae(found)
    if content is None or vae is None:
        return None
    model = MDNRNN(MDNRNNConfig(**content["mdn_rnn"]))
    best = content.get("best")
    model.load_state_dict(best["model"] if best else content["model"])
    statistics = Statistics(content["latent_mean"].numpy(), content["latent_deviation"].numpy())
    longest = max(watched.clips, key=len)
    means = encoded(vae, np.asarray(longest.frames[:STEPS_A_SECOND]), CPU)[:, 0]
    begun = torch.from_numpy((means - statistics.mean) / statistics.deviation)[None]
    heat, spread = (torch.full((1, 1), each) for each in watched.heats)
    random = torch.Generator().manual_seed(1)
    styles = torch.from_numpy(told(longest.style, model.config.styles))[None]
    steps = dance_on(model.eval(), begun, heat, spread, SECONDS * STEPS_A_SECOND, random, styles)
    latents = torch.cat(list(steps)) * torch.from_numpy(statistics.deviation) + torch.from_numpy(statistics.mean)
    shown = [torch.sigmoid(vae.decode(part))[:, 0].mul(255).round().byte() for part in latents.split(16)]
    return torch.cat(shown).numpy()
