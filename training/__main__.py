"""`dancenet train FOOTAGE... --out DIR`: footage -> VAE -> latents -> LSTM-MDN -> bundle, sample and report.

Wires the stages together; each keeps its own checkpoint in DIR/training, so that `--resume` goes on where a killed
run was. Of several processes all train, and the first one alone reads footage, writes and speaks.
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.arguments import look_of, parse
from training.launch import LOST, launch, report_failure

# glibc gives large blocks back to the system at once and takes them anew, page by page: 1.4 times the time of a step.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=40000000000:glibc.malloc.trim_threshold=40000000000"

OPTIONS = "options.json"  # of a run, beside its checkpoints
SAMPLE_SECONDS, FIGURE_SECONDS = 16, 60
PICTURES = 12  # originals beside reconstructions
COMPARED = 108_000  # images that the sample is measured beside: an hour's
LAST_WORDS = 10  # seconds that a process which lost the others leaves these to say why

if TYPE_CHECKING:
    from training.footage import Footage
    from training.place import Place


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


def say(line: str) -> None:
    print(f"dancenet: train: {line}", file=sys.stderr)


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
    from training.clips import split
    from training.footage import Footage, cache_folder, read_footage
    from training.loop import track
    from training.mdn_rnn import MDNRNNConfig
    from training.stages import Stages
    from training.start import read_start
    from training.vae import VAEConfig

    def progress(items: list, name: str) -> Iterator[Any]:
        return iter(track(items, name, len(items), processes.first))

    def look() -> tuple[Footage, int]:
        paths, cache = options.footage, options.cache or cache_folder()
        size, told = vae_config.image_size, lambda takes: progress(takes, "footage")
        found = read_footage(paths, size, options.fit, cache, told, look_of(options))
        report_footage(found)
        return found, begin(runs, options, processes.count)

    processes, runs = place.processes, options.out / "training"
    folder = options.refine or options.start
    start = read_start(folder) if folder else None
    vae_config = start.vae if start else VAEConfig(options.image_size, options.latent_size, options.channels)
    sizes = options.latent_size, options.layers, options.units, options.hidden, options.components
    mdn_rnn_config = start.mdn_rnn if start else MDNRNNConfig(*sizes)
    footage, batch = processes.of_first(look)
    if not (runs / OPTIONS).exists():
        raise ValueError(f"{runs}: process {processes.rank} does not see it; all machines must see --out")
    training, held_out = split(footage.clips)
    if (images := sum(map(len, training))) < processes.count:
        raise ValueError(f"{images} images to train on are too few for {processes.count} processes")

    stages = Stages(options, place, start, training, held_out, runs, progress, batch)
    vae, vae_run = stages.vae(vae_config)
    latents = stages.latents(vae)
    mdn_rnn, mdn_rnn_history = stages.mdn_rnn(mdn_rnn_config, latents)
    strayed = stages.strayed(mdn_rnn, latents)
    vae, decoder_run = stages.decoder(vae, mdn_rnn, latents, strayed)
    if not processes.first:
        return
    quality = {name: value for name, value in decoder_run["history"][-1].items() if name.startswith("held_out")}
    losses = [row["held_out_loss"] for row in mdn_rnn_history]
    quality["held_out_loss"] = min(losses) if options.patience else losses[-1]  # of the weights that are kept
    dancer = stages.dancer(vae, mdn_rnn, latents, strayed, footage.clips, quality)
    dancer.save(runs / "dancer.pt")
    histories = {"vae": vae_run["history"], "mdn_rnn": mdn_rnn_history, "decoder": decoder_run["history"]}
    finish(options, footage, dancer, histories)


def report_footage(footage: "Footage") -> None:
    for name, note in footage.notes:
        say(f"{name}: {note}")
    for path, reason in footage.left_out:
        say(f"{path}: left out: {reason}")
    say(footage.summary())


def begin(runs: Path, options: argparse.Namespace, processes: int) -> int:
    """Note the run's options; a run to be resumed must have the same ones, and a new one must not overwrite a run.

    Returns the batch of a step: a run keeps the one that it began with, on however many processes it goes on.
    """
    from training.stages import BATCH

    # What does not change the figures that the run ends in.
    words = {"name", "data", "licence", "temperature", "pi_temperature", "sigma_temperature"}
    ignored = {"resume", "out", "cache", "checkpoint_seconds", "devices", "nodes", "meet", *words}
    path = runs / OPTIONS
    resumed = options.resume and path.exists()
    before = json.loads(path.read_text(encoding="utf-8")) if resumed else {}
    batch = options.batch or (int(before.get("batch", BATCH)) if resumed else BATCH * processes)
    settings = {name: str(value) for name, value in (vars(options) | {"batch": batch}).items() if name not in ignored}
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
    for left in runs.glob("*.npy"):  # of a run that was taken away
        left.unlink()
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return batch


def finish(options: argparse.Namespace, footage: "Footage", dancer: Any, histories: dict[str, list[dict]]) -> None:
    """Export, render the sample, write the report: the one place where training reaches for the rest of the house."""
    import numpy as np

    from training.clips import excerpts
    from training.motion import figures
    from training.report import curves, pairs, picture, sheet, table, write_report
    from training.train_vae import rebuild

    out = options.out
    export, render = importlib.import_module("export.bundle"), importlib.import_module("engine.__main__").main
    parity_error = importlib.import_module("export.parity").ParityError
    try:
        parity = export.write_bundle(dancer, out)
    except parity_error as error:
        raise ValueError(str(error)) from None
    common = ["--model", str(out), "--seed", "1"]
    video, images = out / "sample.mp4", out / "training" / "sample.npy"
    for target, length in ((video, SAMPLE_SECONDS), (images, FIGURE_SECONDS)):
        if render(["render", str(target), "--seconds", str(length), *common]) != 0:
            raise ValueError(f"{target}: the sample could not be rendered; the bundle in {out} is whole")
    danced = np.load(images, mmap_mode="r")
    originals, rebuilt = rebuild(dancer.vae, footage.clips, PICTURES)
    measured = figures(danced, excerpts(footage.clips, COMPARED), dancer.image_kind)
    rows = [(name, dance, real) for name, (dance, real) in measured.items()]
    left_out = table(("left out", "why"), footage.left_out) if footage.left_out else ""
    sections = [
        ("Footage", f"<p>{footage.summary()}, seen as {dancer.image_kind}.</p>{left_out}"),
        ("Originals above, rebuilt below", picture(pairs(originals, rebuilt), "originals above reconstructions")),
        *((f"Training: {name}", curves(rows)) for name, rows in histories.items() if "step" in rows[0]),
        (
            "The sample, a picture every second",
            picture(sheet(danced[: SAMPLE_SECONDS * 30 : 30], 4), "contact sheet of the sample")
            + '<p><a href="sample.mp4">sample.mp4</a></p>',
        ),
        (f"Motion of {FIGURE_SECONDS} seconds", table(("figure", "dance", "footage"), rows)),
        ("Export", f"<p>{parity}.</p>" + table(("figure", "value"), list(dancer.quality.items()))),
    ]
    write_report(out / "report.html", f"{dancer.name}: a dancer's report", sections)
    images.unlink()
    say(f"{out}: done; play it with `dancenet --model {out}`, read {out / 'report.html'}")


if __name__ == "__main__":
    sys.exit(main())
