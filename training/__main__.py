"""`dancenet train FOOTAGE... --out DIR`: footage -> VAE -> latents -> LSTM-MDN -> bundle, sample and report.

Wires the stages together; each keeps its own checkpoint in DIR/training, so that `--resume` goes on where a killed
run was.
"""

import argparse
import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from training.arguments import parse

# glibc gives large blocks back to the system at once and takes them anew, page by page: 1.4 times the time of a step.
MALLOC = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=40000000000:glibc.malloc.trim_threshold=40000000000"

# Shares of --minutes.
VAE_SHARE, MDN_RNN_SHARE, DECODER_SHARE = 0.4, 0.3, 0.3
SAMPLE_SECONDS, FIGURE_SECONDS = 16, 60
SHARPENED = 256  # images by which silhouettes are made as sharp as the footage's
PICTURES = 12  # originals beside reconstructions

if TYPE_CHECKING:
    from training.footage import Footage


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = parse(arguments)
    if sys.platform == "linux" and "GLIBC_TUNABLES" not in os.environ:
        environment = os.environ | {"GLIBC_TUNABLES": MALLOC}
        os.execve(sys.executable, [sys.executable, "-m", "training", *arguments], environment)
    try:
        train(options)
    except ValueError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        return 1
    except KeyboardInterrupt:
        say(f"stopped; `--resume` goes on from the checkpoints in {options.out / 'training'}")
        return 1
    return 0


def say(line: str) -> None:
    print(f"dancenet: train: {line}", file=sys.stderr)


def cache_folder() -> Path:
    """Where decoded footage is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "dancenet"


def train(options: argparse.Namespace) -> None:
    """Runs all stages. Raises ValueError with one line where the footage or an option cannot be used."""
    import numpy as np

    from training.clips import even_background, split
    from training.dancer import assemble
    from training.footage import read_footage
    from training.latents import encode, load_sequences, save_sequences, statistics
    from training.loop import Budget, track
    from training.mdn_rnn import MDNRNNConfig
    from training.place import choose_place
    from training.start import read_start
    from training.train_decoder import DecoderTraining, danced, train_decoder
    from training.train_mdn_rnn import GENTLE as GENTLE_MDN_RNN
    from training.train_mdn_rnn import MDNRNNTraining, train_mdn_rnn
    from training.train_vae import GENTLE as GENTLE_VAE
    from training.train_vae import VAETraining, held_out_rows, train_vae
    from training.vae import VAEConfig

    place = choose_place(options.device, options.precision)
    start = read_start(options.start) if options.start else None
    vae_config = start.vae if start else VAEConfig(options.image_size, options.latent_size, options.channels)
    sizes = options.latent_size, options.layers, options.units, options.hidden, options.components
    mdn_rnn_config = start.mdn_rnn if start else MDNRNNConfig(*sizes)

    def progress(name: str) -> Callable[[list], Iterator[Any]]:
        return lambda items: iter(track(items, name, len(items)))

    cache = options.cache or cache_folder()
    footage = read_footage(options.footage, vae_config.image_size, options.fit, cache, progress("footage"))
    report_footage(footage)
    runs = options.out / "training"
    begin(runs, options)
    seconds = options.minutes * 60 if options.minutes else None
    training, held_out = split(footage.clips)
    frames = sum(len(clip) for clip in training)

    def budget(epochs: float, batch: int, share: float) -> Budget:
        steps = max(round(epochs * frames / batch), 1)
        return Budget(steps, seconds and seconds * share, options.checkpoint_seconds)

    how = replace(GENTLE_VAE if start else VAETraining(), kl_weight=options.kl_weight, seed=options.seed)
    data = training, held_out, vae_config, even_background(training)
    weights = start.vae_weights if start else None
    spend = budget(options.vae_epochs, how.batch, VAE_SHARE)
    vae, vae_run = train_vae(*data, how, spend, runs / "vae.pt", options.resume, place, weights)
    path = runs / "latents.pt"
    if options.resume and path.exists():
        both = load_sequences(path)
    else:
        both = encode(vae, [*training, *held_out], progress("latents"), place)
        save_sequences(path, both)
    sequences, held_out_sequences = both[: 2 * len(training)], both[2 * len(training) :]
    normal = start.statistics if start else statistics(sequences)

    rnn_how = replace(
        GENTLE_MDN_RNN if start else MDNRNNTraining(),
        steps=options.steps,
        input_noise=options.input_noise,
        target_noise=options.target_noise,
        patience=options.patience,
        seed=options.seed,
    )
    # Each image is danced twice an epoch, as it is and mirrored.
    spend = budget(2 * options.mdn_rnn_epochs, rnn_how.batch * rnn_how.steps, MDN_RNN_SHARE)
    weights = start.mdn_rnn_weights if start else None
    latents = sequences, held_out_sequences, normal, mdn_rnn_config
    mdn_rnn, rnn_run = train_mdn_rnn(*latents, rnn_how, spend, runs / "mdn_rnn.pt", options.resume, place, weights)

    decoder_how = DecoderTraining(seed=options.seed)
    mdn_rnn.cpu()
    strayed = [
        danced(mdn_rnn, sequence, normal, options.temperature, options.seed + i) for i, sequence in enumerate(sequences)
    ]
    spend = budget(options.decoder_epochs, decoder_how.batch, DECODER_SHARE)
    images = training, held_out, sequences, strayed, vae_config, even_background(training)
    vae, decoder_run = train_decoder(
        *images, decoder_how, spend, runs / "decoder.pt", options.resume, vae.state_dict(), place
    )
    rows = held_out_rows(training, SHARPENED)
    believed = (
        np.stack([training[clip].frames[frame] for clip, frame in rows]),
        np.stack([strayed[2 * clip][frame] for clip, frame in rows]),
    )
    quality = {name: value for name, value in decoder_run["history"][-1].items() if name.startswith("held_out")}
    losses = [row["held_out_loss"] for row in rnn_run["history"]]
    quality["held_out_loss"] = min(losses) if options.patience else losses[-1]  # of the weights that are kept
    dancer = assemble(
        vae,
        mdn_rnn,
        normal,
        footage.clips,
        sequences,
        believed,
        name=options.name or options.out.resolve().name,
        data=options.data or ", ".join(clip.name for clip in footage.clips),
        licence=options.licence,
        defaults={
            "temperature": options.temperature,
            "pi_temperature": options.pi_temperature,
            "sigma_temperature": options.sigma_temperature,
        },
        quality=quality,
    )
    dancer.save(runs / "dancer.pt")
    finish(options, footage, dancer, [vae_run, rnn_run, decoder_run])


def report_footage(footage: "Footage") -> None:
    for path, reason in footage.left_out:
        say(f"{path}: left out: {reason}")
    say(footage.summary())


def begin(runs: Path, options: argparse.Namespace) -> None:
    """Note the run's options; a run to be resumed must have the same ones, and a new one must not overwrite a run."""
    # What does not change the figures that the run ends in.
    words = {"name", "data", "licence", "temperature", "pi_temperature", "sigma_temperature"}
    ignored = {"resume", "out", "cache", "checkpoint_seconds", *words}
    settings = {name: str(value) for name, value in vars(options).items() if name not in ignored}
    path = runs / "options.json"
    if options.resume and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in settings.items() if before.get(name) != value]
        if changed:
            told = ", ".join(f"{name} was {before.get(name)}, now {settings[name]}" for name in changed)
            raise ValueError(f"{runs}: this run cannot be resumed with other options: {told}")
        return
    if any(runs.glob("*.pt")):
        raise ValueError(f"{runs}: holds a run already; --resume goes on with it, another --out starts a new one")
    runs.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def finish(options: argparse.Namespace, footage: "Footage", dancer: Any, stages: list[dict]) -> None:
    """Export, render the sample, write the report: the one place where training reaches for the rest of the house."""
    import numpy as np

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
    measured = figures(danced, [clip.frames for clip in footage.clips], dancer.image_kind)
    rows = [(name, dance, real) for name, (dance, real) in measured.items()]
    left_out = table(("left out", "why"), footage.left_out) if footage.left_out else ""
    sections = [
        ("Footage", f"<p>{footage.summary()}, seen as {dancer.image_kind}.</p>{left_out}"),
        ("Originals above, rebuilt below", picture(pairs(originals, rebuilt), "originals above reconstructions")),
        *((f"Training: {run['stage']}", curves(run["history"])) for run in stages),
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
