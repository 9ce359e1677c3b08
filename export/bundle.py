"""Writes a bundle: graphs, bank, metadata and model card, held against PyTorch and the engine's contract first."""

import copy
import os
import shutil
from pathlib import Path

import numpy as np

from engine.bundle import Metadata, open_bundle
from engine.metadata import Health
from export.calibration import decoder_ranges, step_ranges
from export.int8 import Int8Step, quantise
from export.parity import Closeness, Parity, compare, measure
from export.rewrites import DECODER_INT8
from export.step import write_step
from export.vae import write_decoder, write_encoder
from training.clips import STEPS_A_SECOND
from training.dancer import TrainedDancer

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

Weights are stored as float16. The format of these files is described in DanceNet live's docs/bundle.md.
"""


def rounded(dancer: TrainedDancer) -> TrainedDancer:
    """The dancer with its weights rounded to what the bundle stores, float16."""
    half = copy.deepcopy(dancer)
    for model in (half.vae, half.mdn_rnn):
        model.load_state_dict({name: tensor.half().float() for name, tensor in model.state_dict().items()})
    return half


def model_card(dancer: TrainedDancer) -> str:
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
    )


def write_int8(dancer: TrainedDancer, folder: Path) -> Closeness:
    """Replace the exact step and decoder in `folder` by int8 ones; how near they come. Raises ParityError."""
    part = folder / "int8"
    part.mkdir()
    ranges = step_ranges(dancer)
    write_step(
        dancer.mdn_rnn, dancer.statistics, part / "step.onnx", lambda graph, model: Int8Step(graph, model, ranges)
    )
    write_decoder(dancer.vae.decoder, part / "decoder.onnx", (*DECODER_INT8, quantise(decoder_ranges(dancer))))
    closeness = compare(dancer, folder, part)
    closeness.check()
    for file in sorted(part.iterdir()):
        os.replace(file, folder / file.name)
    part.rmdir()
    return closeness


def write_bundle(dancer: TrainedDancer, folder: Path, precision: str = "fp32") -> Parity:
    """Write the bundle to `folder`, replacing one that is there; what parity measured. `precision`: of PRECISIONS.

    Raises ParityError, or the engine's BundleError, and leaves `folder` as it was. Other files in it are kept.
    """
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        dancer = rounded(dancer)
        write_step(dancer.mdn_rnn, dancer.statistics, part / "step.onnx")
        write_decoder(dancer.vae.decoder, part / "decoder.onnx")
        write_encoder(dancer.vae.encoder, part / "encoder.onnx")
        parity = measure(dancer, part)
        parity.check()
        if precision == "int8":
            parity.int8 = write_int8(dancer, part)
        np.save(part / "bank.npy", dancer.bank)
        (part / "README.md").write_text(model_card(dancer), encoding="utf-8")
        metadata(dancer, precision).write(part)
        open_bundle(part)  # the engine itself must accept it
        folder.mkdir(parents=True, exist_ok=True)
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
        quality=dancer.quality,
        precision=precision,
    )
