"""Writes a bundle: graphs, bank, metadata and model card, held against PyTorch and the engine's contract first."""

import copy
import os
import shutil
from pathlib import Path

import numpy as np

from engine.bundle import ROUNDED, Metadata, graph_file, open_bundle
from engine.metadata import FP32, INT8, Health, control
from export.calibration import decoder_ranges, hidden_range
from export.graph import fold_constants
from export.int8 import Int8Step, quantise
from export.parity import Closeness, Parity, ParityError, compare, measure
from export.rewrites import DECODER_INT8
from export.step import write_step
from export.vae import write_decoder, write_encoder
from training.clips import STEPS_A_SECOND
from training.dancer import TrainedDancer

AUTO = "auto"  # of the precisions: int8 if it comes near enough
FLOAT16, FLOAT32 = "float16", "float32"

STYLE = "how much the dance is {name}; several mix, and with none it is any of them"

CARD = """# {name}

A dancer for DanceNet live: a VAE and an LSTM with a mixture density network, trained on footage of dance.

| | |
| --- | --- |
| images | {width}x{height}, {kind}, {steps} steps a second |
| latents | {latent_size} dimensions |
| mixture | {components} components |
| LSTM | {layers} layers of {units} units |

## Data
{data}

## Licence
{licence}

## Figures
{figures}

Weights are stored as {storage}, in int8 graphs as bytes. The format of these files is described in
DanceNet live's docs/bundle.md.
"""


def rounded(dancer: TrainedDancer) -> TrainedDancer:
    """The dancer with its weights rounded to what the bundle stores, float16."""
    half = copy.deepcopy(dancer)
    for model in (half.vae, half.mdn_rnn):
        model.load_state_dict({name: tensor.half().float() for name, tensor in model.state_dict().items()})
    return half


def model_card(dancer: TrainedDancer, storage: str) -> str:
    width, height = dancer.vae.config.image_size
    rows = [f"| {name} | {value:.4g} |" for name, value in dancer.quality.items()]
    figures = "\n".join(["| figure | value |", "| --- | --- |", *rows]) if rows else "None measured."
    config = dancer.mdn_rnn.config
    return CARD.format(
        name=dancer.name,
        width=width,
        height=height,
        kind=dancer.image_kind,
        steps=STEPS_A_SECOND,
        latent_size=config.latent_size,
        components=config.components,
        layers=config.layers,
        units=config.units,
        data=dancer.data,
        licence=dancer.licence,
        figures=figures,
        storage=storage,
    )


def write_int8(dancer: TrainedDancer, folder: Path) -> Closeness:
    """Write int8 graphs of the step and the decoder beside the exact ones in `folder`; how near they come.

    Raises ParityError, and leaves none, where that is not near enough.
    """
    step, decoder = (folder / graph_file(name, INT8) for name in ROUNDED)
    hidden = hidden_range(dancer)
    write_step(dancer.mdn_rnn, dancer.statistics, step, lambda graph, model: Int8Step(graph, model, hidden))
    write_decoder(dancer.vae.decoder, decoder, (*DECODER_INT8, quantise(decoder_ranges(dancer))))
    for path in (step, decoder):
        fold_constants(path)
    closeness = compare(dancer, [folder / name for name in ROUNDED], [step, decoder])
    try:
        closeness.check()
    except ParityError:
        step.unlink()
        decoder.unlink()
        raise
    return closeness


def write_bundle(dancer: TrainedDancer, folder: Path, precision: str = AUTO, storage: str = FLOAT16) -> Parity:
    """Write the bundle to `folder`, replacing one that is there; what parity measured.

    `precision` is `fp32` for exact graphs alone, `int8` for int8 ones beside them, `auto` for these where they come
    near enough. `storage` is what the exact graphs' weights are stored as: `float16`, or `float32` for weights that
    must stay what they were. Raises ParityError, or the engine's BundleError, and leaves `folder` as it was. Other
    files in it are kept.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        if storage == FLOAT16:
            dancer = rounded(dancer)
        write_step(dancer.mdn_rnn, dancer.statistics, part / "step.onnx")
        write_decoder(dancer.vae.decoder, part / "decoder.onnx")
        write_encoder(dancer.vae.encoder, part / "encoder.onnx")
        parity = measure(dancer, part)
        parity.check()
        if precision != FP32:
            try:
                parity.int8 = write_int8(dancer, part)
            except ParityError as error:
                if precision == INT8:
                    raise
                parity.left_out = str(error)
        np.save(part / "bank.npy", dancer.bank)
        (part / "README.md").write_text(model_card(dancer, storage), encoding="utf-8")
        metadata(dancer, INT8 if parity.int8 else FP32).write(part)
        open_bundle(part)  # the engine itself must accept it
        folder.mkdir(parents=True, exist_ok=True)
        for name in ROUNDED:
            (folder / graph_file(name, INT8)).unlink(missing_ok=True)
        for file in sorted(part.iterdir()):
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return parity


def metadata(dancer: TrainedDancer, precision: str) -> Metadata:
    return Metadata(
        name=dancer.name,
        image_size=dancer.vae.config.image_size,
        image_kind=dancer.image_kind,
        latent_size=dancer.vae.config.latent_size,
        components=dancer.mdn_rnn.config.components,
        steps_a_second=STEPS_A_SECOND,
        health=Health(tuple(dancer.health["area"]), dancer.health["slow_motion"]),
        data=dancer.data,
        licence=dancer.licence,
        defaults=dancer.defaults,
        controls=tuple(control(name, 0, 0, 1, STYLE.format(name=name)) for name in dancer.mdn_rnn.config.styles),
        quality=dancer.quality,
        precision=precision,
    )
