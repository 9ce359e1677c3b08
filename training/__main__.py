"""`dancenet train FOOTAGE... --out DIR`: footage -> VAE -> latents -> LSTM-MDN -> bundle, sample and report.

Wires the stages together; each keeps its own checkpoint in DIR/training, so that `--resume` goes on where a killed
run was. Of several processes all train, and the first one alone reads footage, writes and speaks.
"""

import argparse
import importlib
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.arguments import look_of, parse
from training.launch import LOST, launch, report_failure
from training.saying import say

# glibc gives large blocks back to the system at once and takes them anew, page by page: 1.4 times the time of a step.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=40000000000:glibc.malloc.trim_threshold=40000000000"

REPORT = "report.html"
SAMPLE_SECONDS, FIGURE_SECONDS = 16, 60
COMPARED = 108_000  # images that the sample is measured beside: an hour's
LAST_WORDS = 10  # seconds that a process which lost the others leaves these to say why

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from training.footage import Footage
    from training.place import Place
    from training.plan import Plan


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = parse(arguments)
    if sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
        environment = os.environ | {"GLIBC_TUNABLES": MALLOC}
        os.execve(sys.executable, [sys.executable, "-m", "training", *arguments], environment)
    try:
        if options.devices * options.nodes > 1 and not os.environ.get("WORLD_SIZE"):
            return launch(arguments, options.devices, options.nodes, options.meet)
        train(options)
    except ValueError as error:
        return failed(str(error))
    except OSError as error:
        return failed(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except KeyboardInterrupt:
        return failed(f"stopped; `--resume` goes on from the checkpoints in {options.out / 'training'}")
    return 0


def failed(line: str) -> int:
    """Say it here, or have the launcher say it once for all processes; the exit code."""
    if not report_failure(line):
        say(line)
    return 1


def train(options: argparse.Namespace) -> None:
    """Runs all stages. Raises ValueError with one line where the footage or an option cannot be used."""
    from training.place import choose_place
    from training.processes import LostError

    try:
        train_at(choose_place(options.device, options.precision), options)
    except LostError as error:
        time.sleep(LAST_WORDS)
        raise ValueError(f"{LOST} ({error}); --resume goes on") from None


def train_at(place: "Place", options: argparse.Namespace) -> None:
    from training.clips import image_kind, split
    from training.footage import Footage, cache_folder, read_footage
    from training.loop import track
    from training.mdn_rnn import MDNRNNConfig
    from training.prepare import prepare
    from training.runs import OPTIONS, begin
    from training.stages import Stages
    from training.start import read_start
    from training.styles import all_footage, label, names_of
    from training.vae import VAEConfig
    from training.watch import Watched, start_watching

    def progress(items: list, name: str) -> Iterator[Any]:
        return iter(track(items, name, len(items), processes.first))

    def look() -> tuple[Footage, int]:
        paths, cache = all_footage(options.footage, options.style), options.cache or cache_folder()
        size, told = vae_config.image_size, lambda takes: progress(takes, "footage")
        found = read_footage(paths, size, options.fit, cache, told, look_of(options))
        label(found, options.style)
        report_footage(found)
        return found, begin(runs, options, processes.count)

    processes, runs = place.processes, options.out / "training"
    folder = options.refine or (options.start if isinstance(options.start, Path) else None)
    start = read_start(folder) if folder else None
    styles = names_of(options.style, start.mdn_rnn.styles if start else ())
    if taken := [name for name in styles if importlib.import_module("engine.metadata").is_taken(name)]:
        raise ValueError(f"--style {taken[0]}: a parameter of every dance has that name; choose another one")
    if start and options.refine is None:
        start = start.with_styles(styles)
    elif start and styles != start.mdn_rnn.styles:
        raise ValueError(f"--refine {folder}: knows no style {styles[-1]}; --from teaches it new ones")
    vae_config = start.vae if start else VAEConfig(options.image_size, options.latent_size, options.channels)
    sizes = options.latent_size, options.layers, options.units, options.hidden, options.components
    mdn_rnn_config = start.mdn_rnn if start else MDNRNNConfig(*sizes, styles=styles)
    footage, batch = processes.of_first(look)
    if not (runs / OPTIONS).exists():
        raise ValueError(f"{runs}: process {processes.rank} does not see it; all machines must see --out")
    training, held_out = split(footage.clips)
    if (images := sum(map(len, training))) < processes.count:
        raise ValueError(f"{images} images to train on are too few for {processes.count} processes")

    stages = Stages(options, place, start, training, held_out, runs, progress, batch)
    shipped = importlib.import_module("engine.resources").path("models/default")
    stages, plan = prepare(stages, vae_config, mdn_rnn_config, footage.clips, shipped, say)
    watcher = None
    if options.watch and processes.first:
        budgets = {name: budget for name, (budget, _) in stages.budgets().items()}
        heats = options.temperature * options.pi_temperature, min(options.temperature, 1.0) * options.sigma_temperature
        title, kind = options.name or options.out.resolve().name, image_kind(footage.clips)
        watcher = start_watching(Watched(options.out / REPORT, runs, title, footage.clips, kind, plan, budgets, heats))
    vae, vae_run = stages.trained(stages.vae_stage(vae_config))
    latents = stages.latents(vae)
    mdn_rnn, mdn_rnn_history = stages.mdn_rnn(mdn_rnn_config, latents)
    strayed = stages.strayed(mdn_rnn, latents)
    dances = stages.dances(mdn_rnn, latents)
    vae, decoder_run = stages.trained(stages.decoder_stage(vae, latents, strayed, dances))
    if not processes.first:
        return
    quality = {name: value for name, value in decoder_run["history"][-1].items() if name.startswith("held_out")}
    losses = [row["held_out_loss"] for row in mdn_rnn_history]
    quality["held_out_loss"] = min(losses) if options.patience else losses[-1]  # of the weights that are kept
    dancer = stages.dancer(vae, mdn_rnn, latents, strayed, footage.clips, quality)
    dancer.save(runs / "dancer.pt")
    histories = {"vae": vae_run["history"], "mdn_rnn": mdn_rnn_history, "decoder": decoder_run["history"]}
    finish(options, footage, dancer, histories, plan, watcher)


def report_footage(footage: "Footage") -> None:
    for name, note in footage.notes:
        say(f"{name}: {note}")
    for path, reason in footage.left_out:
        say(f"{path}: left out: {reason}")
    say(footage.summary())


def finish(
    options: argparse.Namespace,
    footage: "Footage",
    dancer: Any,
    histories: dict[str, list[dict]],
    plan: "Plan",
    watcher: "BaseProcess | None",
) -> None:
    """Export, render the sample, write the report: the one place where training reaches for the rest of the house."""
    import numpy as np

    from training import pages
    from training.advice import advise
    from training.clips import excerpts
    from training.motion import figures
    from training.report import table, write_report

    out = options.out
    export, render = importlib.import_module("export.bundle"), importlib.import_module("engine.__main__").main
    parity = export.write_bundle(dancer, out)
    common = ["--model", str(out), "--seed", "1"]
    video, images = out / "sample.mp4", out / "training" / "sample.npy"
    for target, length in ((video, SAMPLE_SECONDS), (images, FIGURE_SECONDS)):
        if render(["render", str(target), "--seconds", str(length), *common]) != 0:
            raise ValueError(f"{target}: the sample could not be rendered; the bundle in {out} is whole")
    danced = np.load(images, mmap_mode="r")
    measured = figures(danced, excerpts(footage.clips, COMPARED), dancer.image_kind)
    left_out = table(("left out", "why"), footage.left_out) if footage.left_out else ""
    trained = {name: rows for name, rows in histories.items() if "step" in rows[0]}
    sample = pages.contact_sheet(danced[: SAMPLE_SECONDS * 30])
    sections = [
        ("Footage", f"<p>{footage.summary()}, seen as {dancer.image_kind}.</p>{left_out}"),
        *pages.listed("Advice", advise(trained, list(trained), measured)),
        pages.rebuilt(dancer.vae, footage.clips),
        *pages.learning(trained),
        ("The sample, a picture every second", sample + '<p><a href="sample.mp4">sample.mp4</a></p>'),
        pages.motion(measured, FIGURE_SECONDS),
        *pages.planned(plan),
        ("Export", f"<p>{parity}.</p>" + table(("figure", "value"), list(dancer.quality.items()))),
    ]
    if watcher is not None:  # which would write its own page over this one
        watcher.terminate()
        watcher.join()
    write_report(out / REPORT, f"{dancer.name}: a dancer's report", sections)
    images.unlink()
    say(f"{out}: done; play it with `dancenet --model {out}`, read {out / REPORT}")


if __name__ == "__main__":
    sys.exit(main())
