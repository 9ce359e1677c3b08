"""`dancenet import-keras`: the weights of the original DanceNet (2018) -> a bundle that plays live."""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.latents import open_latents
from export.bundle import FLOAT32, write_bundle
from export.lv import LEAST, bank_of, footage_of
from export.original import read_mdn_rnn, read_vae, scaling
from export.parity import open_session
from export.vae import write_decoder
from training.bank import PASSAGES
from training.clips import STEPS_A_SECOND
from training.dancer import TrainedDancer
from training.vae import VAE, VAEConfig

CARRIED, _ = STATES = "carried", "original"
TEMPERATURE = 0.05  # the notebook's
COLDEST, HOTTEST = 0.05, 4.0  # of pi_temperature's range in the show
DATA = "Weights of the original DanceNet (2018), imported from {vae}, {rnn} and {latents}: {seconds:.0f} s of latents."


def size(text: str) -> tuple[int, int]:
    """WIDTHxHEIGHT in pixels, as the VAE takes them."""
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not WIDTHxHEIGHT, such as 208x120")
    try:
        return VAEConfig((int(width), int(height))).image_size
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def temperature(text: str) -> float:
    """The original's `temp`, which is a pi_temperature of ours."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not COLDEST <= value <= HOTTEST:
        raise argparse.ArgumentTypeError(f"{text} is not in {COLDEST:g}..{HOTTEST:g}")
    return value


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dancenet import-keras",
        description="Writes a bundle from weights of the original DanceNet (2018), after holding its graphs against "
        "the same equations in PyTorch. Keras 2's HDF5 files, of weights alone or of whole models.",
    )
    parser.add_argument("--vae", type=Path, required=True, metavar="FILE", help="the VAE's weights: vae_cnn.h5")
    parser.add_argument("--rnn", type=Path, required=True, metavar="FILE", help="the LSTM-MDN's: gendance.h5")
    parser.add_argument(
        "--latents", type=Path, required=True, metavar="FILE", help="the footage's latents: lv.npy, by gen_lv.py"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the bundle's folder")
    parser.add_argument(
        "--state", choices=STATES, default=CARRIED,
        help="carried: the LSTM remembers, as in our own dancers. original: as in the original's notebook each step "
        "knows the last latent alone (carried)",
    )  # fmt: skip
    parser.add_argument(
        "--temperature", type=temperature, default=TEMPERATURE, metavar="X",
        help=f"the original's `temp`, at which the show starts ({TEMPERATURE:g}, the notebook's)",
    )  # fmt: skip
    parser.add_argument(
        "--image-size", type=size, default=VAEConfig().image_size, metavar="WxH",
        help="of the images that it was trained on, which the files do not tell (208x120)",
    )  # fmt: skip
    parser.add_argument("--name", help="what the dancer is called (the folder's name)")
    parser.add_argument("--data", help="what it was trained on, for the model card (the files' names)")
    parser.add_argument(
        "--licence", default="Not stated: ask whoever trained the weights.", help="of the weights, for the model card"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Reads, converts, measures and writes; yields what there is to tell. Raises ValueError or BundleError."""
    vae = read_vae(options.vae, options.image_size)
    latent_size = vae.config.latent_size
    mdn_rnn = read_mdn_rnn(options.rnn, latent_size, options.state == CARRIED)
    latents = open_latents(options.latents, latent_size, LEAST)
    bank, different = bank_of(latents)
    kind, health = decoded(vae, latents)
    files = {"vae": options.vae.name, "rnn": options.rnn.name, "latents": options.latents.name}
    data = options.data or DATA.format(**files, seconds=len(latents) / STEPS_A_SECOND)
    if different < PASSAGES:
        data += f" The bank repeats {different} passages; longer latents would give it {PASSAGES} different ones."
    dancer = TrainedDancer(
        vae, mdn_rnn, scaling(latents), bank, kind, health, options.name or options.out.name, data, options.licence,
        defaults=defaults(options.temperature),
    )  # fmt: skip
    parity = write_bundle(dancer, options.out, storage=FLOAT32)
    if different < PASSAGES:
        yield f"{options.latents}: is short; the bank's {PASSAGES} passages are {different}, repeated"
    yield f"{options.out}: written; {parity}"


def defaults(temp: float) -> dict[str, float]:
    """The dance parameters at which a step is the original's at `temp`: it divides the mixture's logits, and multiplies
    variances, so that it multiplies deviations by its root.
    """
    return {"temperature": 1.0, "pi_temperature": temp, "sigma_temperature": temp**0.5}


def decoded(vae: VAE, latents: np.ndarray) -> tuple[str, dict]:
    """The kind and the health figures of the footage, by decoding its latents."""
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside) / "decoder.onnx"
        write_decoder(vae.decoder, path)
        session = open_session(path)
    return footage_of(latents, lambda part: session.run(["images"], {"latents": part})[0])
