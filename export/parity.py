"""Holds exported graphs against PyTorch: the same weights, latents and noise, over many carried steps; the fast decoder
against float64, beside the plain one; and int8 graphs against the exact ones.

Owns the bounds. An export that fails them is not written.
"""

import copy
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

from export.vae import write_decoder
from training.dancer import TrainedDancer

STEPS = 100
DANCERS = 3
STATE = ("hidden_in", "cell_in")
STEP_BOUND = 1e-4  # state, mixture and sample
IMAGE_BOUND = 1.0  # grey levels
# Of float images, 0..1: how far from float64. The plain graph's own rounding comes to more the sharper the decoder:
# 2.8e-6 for the default dancer. It is then the measure: of the root mean square, which is the same within two
# hundredths for any images, and of the greatest, which is chance (of three passages of one dancer 1.9e-6 to 3.1e-6).
EXACT_BOUND = 2e-6
PLAIN_MEAN, PLAIN_GREATEST = 1.1, 3.0
LEVELS_BOUND = 1e-4  # the share of pixels that round to the next grey level
EXACT_EVERY = 10  # steps of the passages whose images are made in float64
DECIBELS_BOUND = 40.0  # of int8 images beside exact ones: 42 or more is aimed at
VARIATION_BOUND = 0.01  # of int8 mixture weights after one step: the share of draws that another component gets
EDGE = 1e-5  # a uniform draw this close to a component's edge may fall on either side
TEMPERATURES = np.array([0.5, 1.0, 1.5], np.float32)  # one a dancer


class ParityError(ValueError):
    """An exported graph that does not compute what PyTorch does; the message says which output, by how much."""


@dataclass
class Closeness:
    """How near int8 graphs come to the exact ones: images' PSNR in decibels; mean total variation of pi in one step."""

    decibels: float
    variation: float

    def __str__(self) -> str:
        return f"int8 beside fp32: images at {self.decibels:.1f} dB, total variation of pi {self.variation:.4f} a step"

    def check(self) -> None:
        """Raises ParityError if anything is out of bounds."""
        if not self.decibels >= DECIBELS_BOUND:
            raise ParityError(f"int8: images are at {self.decibels:.1f} dB; at least {DECIBELS_BOUND:g} are needed")
        if not self.variation <= VARIATION_BOUND:
            raise ParityError(
                f"int8: pi's total variation is {self.variation:.3g}; at most {VARIATION_BOUND:g} is allowed"
            )


@dataclass
class Exactness:
    """How far the float images of the fast decoder and of the plain one are from float64, at most and as root mean
    squares, and from each other at most; the greatest difference of their uint8 images in grey levels, and the share
    of pixels that differ.
    """

    fast: float
    plain: float
    fast_mean: float
    plain_mean: float
    apart: float
    levels: int
    differing: float

    def __str__(self) -> str:
        return f"float images are {self.fast:.2g} from float64 at most (the plain graph's {self.plain:.2g})"

    def check(self) -> None:
        """Raises ParityError if anything is out of bounds."""
        as_plain = self.fast_mean <= PLAIN_MEAN * self.plain_mean and self.fast <= PLAIN_GREATEST * self.plain
        if not (self.apart <= EXACT_BOUND or self.fast <= EXACT_BOUND or as_plain):
            raise ParityError(
                f"parity: float images are {self.fast_mean:.3g} from float64, {self.fast:.3g} at most; allowed is"
                f" {EXACT_BOUND:.3g}, or {PLAIN_MEAN:g} and {PLAIN_GREATEST:g} times the plain graph's"
                f" {self.plain_mean:.3g} and {self.plain:.3g}"
            )
        if self.levels > 1 or self.differing > LEVELS_BOUND:
            raise ParityError(
                f"parity: {self.differing:.2%} of pixels are up to {self.levels} levels from the plain graph's;"
                f" allowed is 1 level in {LEVELS_BOUND:.2%}"
            )


@dataclass
class Parity:
    """Greatest differences seen: of each output of the step, of images in grey levels, of encoded latents; and how
    exact the decoder is.

    Of the exact graphs; `int8`, where a bundle has such graphs, is how near they come to these, and `left_out` why it
    has none where it was to have them if they came near enough.
    """

    step: dict[str, float]
    images: float
    latents: float
    exactness: Exactness
    int8: Closeness | None = None
    left_out: str = ""

    def __str__(self) -> str:
        worst = max(self.step.values())
        exact = f"beside PyTorch, over {STEPS} steps: the step differs by {worst:.1e}, images by {self.images:.2f} grey"
        exact += f"; {self.exactness}"
        if self.left_out:
            return f"{exact}; int8 graphs left out ({self.left_out})"
        return f"{exact}; {self.int8}" if self.int8 else exact

    def check(self) -> None:
        """Raises ParityError if anything is out of bounds."""
        bounds = [(name, value, STEP_BOUND) for name, value in self.step.items()]
        bounds += [("images", self.images, IMAGE_BOUND), ("latents", self.latents, STEP_BOUND)]
        for name, value, bound in bounds:
            if not value <= bound:
                raise ParityError(f"parity: {name} differs by {value:.3g} from PyTorch; at most {bound:g} is allowed")
        self.exactness.check()


def open_session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@torch.no_grad()
def measure(dancer: TrainedDancer, folder: Path) -> Parity:
    """Run the graphs in `folder` beside `dancer`, whose weights must be rounded as the graphs' are."""
    step, decoder, encoder = (open_session(folder / f"{name}.onnx") for name in ("step", "decoder", "encoder"))
    random = np.random.Generator(np.random.PCG64(0))
    latents = passage(dancer, random)
    state = first_state(dancer)
    worst = dict.fromkeys(("latent_out", *map(outgoing, state), "pi", "mu", "sigma"), 0.0)
    images = 0.0
    hidden, cell = dancer.mdn_rnn.zero_state(DANCERS)
    for latent in latents:
        uniform = random.random(DANCERS, np.float32)
        normal = random.standard_normal(latent.shape, np.float32)
        feeds = {"latent_in": latent, **state, "uniform": uniform, "normal": normal}
        feeds |= {"pi_temperature": TEMPERATURES, "sigma_temperature": TEMPERATURES}
        styles = random.random((DANCERS, len(dancer.mdn_rnn.config.styles)), np.float32)
        feeds |= by_name(dancer, styles)
        names = [*worst, "component"]
        found = dict(zip(names, step.run(names, feeds), strict=True))
        expected, (hidden, cell) = reference_step(dancer, latent, (hidden, cell), uniform, normal, styles)
        state = {name: found[outgoing(name)] for name in state}
        cumulative = expected["pi"].cumsum(1)
        clear = (np.abs(cumulative - uniform[:, None]) > EDGE).all(1)
        for name in worst:
            axis = 1 if name in ("hidden_out", "cell_out") else 0
            drawn = clear if name in ("latent_out", "mu", "sigma") else np.ones(DANCERS, bool)
            difference = np.abs(found[name] - expected[name]).compress(drawn, axis)
            worst[name] = max(worst[name], float(difference.max(initial=0)))
        pictures = 255 * torch.sigmoid(dancer.vae.decode(torch.from_numpy(latent)))[:, 0].numpy()
        images = max(images, float(np.abs(decoder.run(None, {"latents": latent})[0] - pictures).max()))
    pictures_8 = np.rint(pictures).astype(np.uint8)
    mean, _ = dancer.vae.encode(torch.from_numpy(pictures_8)[:, None].float() / 255)
    encoded = encoder.run(None, {"images": pictures_8})[0]
    return Parity(worst, images, float(np.abs(encoded - mean.numpy()).max()), exactness(dancer, folder))


def first_state(dancer: TrainedDancer) -> dict[str, np.ndarray]:
    """The state that the step carries, by its inputs' names: zeros, or none where it carries no state."""
    if not dancer.mdn_rnn.equations.carried:
        return {}
    return dict(zip(STATE, (part.numpy() for part in dancer.mdn_rnn.zero_state(DANCERS)), strict=True))


def outgoing(name: str) -> str:
    """The output's name of a state that comes in by this one."""
    return f"{name.removesuffix('_in')}_out"


@torch.no_grad()
def exactness(dancer: TrainedDancer, folder: Path) -> Exactness:
    """Run the decoder in `folder` and the plain one beside PyTorch in float64, on the same weights."""
    latents = passage(dancer, np.random.Generator(np.random.PCG64(0)))[::EXACT_EVERY].reshape(-1, dancer.bank.shape[2])
    decoder = copy.deepcopy(dancer.vae.decoder).double()
    truth = torch.cat([torch.sigmoid(decoder(part)) for part in torch.from_numpy(latents).double().split(DANCERS)])[
        :, 0
    ].numpy()
    with tempfile.TemporaryDirectory() as beside:
        path = Path(beside) / "decoder.onnx"
        write_decoder(dancer.vae.decoder, path, ())
        plain_images, plain_floats = float_images(path, latents)
    images, floats = float_images(folder / "decoder.onnx", latents)
    errors = floats - truth, plain_floats - truth
    fast, plain, apart = (float(np.abs(error).max()) for error in (*errors, floats - plain_floats))
    fast_mean, plain_mean = (float(np.sqrt((error**2).mean())) for error in errors)
    levels = np.abs(images.astype(int) - plain_images)
    return Exactness(fast, plain, fast_mean, plain_mean, apart, int(levels.max()), float((levels > 0).mean()))


def float_images(path: Path, latents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A decoder's images (n, height, width) uint8, and those 0..1 that they are rounded from."""
    model = onnx.load(str(path))
    (sigmoid,) = (node for node in model.graph.node if node.op_type == "Sigmoid")
    model.graph.output.append(onnx.ValueInfoProto(name=sigmoid.output[0]))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    images, floats = session.run(["images", sigmoid.output[0]], {"latents": latents})
    return images, floats


def passage(dancer: TrainedDancer, random: np.random.Generator) -> np.ndarray:
    """(STEPS, DANCERS, latent_size) float32 latents to feed: the bank's passages, one after another."""
    bank = dancer.bank.astype(np.float32)
    count = -(-STEPS // bank.shape[1])
    chosen = bank[random.integers(0, len(bank), (DANCERS, count))]
    return chosen.reshape(DANCERS, -1, bank.shape[2])[:, :STEPS].swapaxes(0, 1).copy()


def by_name(dancer: TrainedDancer, styles: np.ndarray) -> dict[str, np.ndarray]:
    """Styles (dancers, styles), as the step takes them."""
    return dict(zip(dancer.mdn_rnn.config.styles, np.ascontiguousarray(styles.T), strict=True))


def reference_step(
    dancer: TrainedDancer,
    latent: np.ndarray,
    state: tuple,
    uniform: np.ndarray,
    normal: np.ndarray,
    styles: np.ndarray,
) -> tuple[dict[str, np.ndarray], tuple]:
    """What `step.onnx` must give, by PyTorch and numpy, sampling from the whole head."""
    mean, deviation = dancer.statistics.mean, dancer.statistics.deviation
    normalised = torch.from_numpy((latent - mean) / deviation)[:, None]
    logits, mu, sigma, state = dancer.mdn_rnn(normalised, state, styles=torch.from_numpy(styles))
    pi = torch.softmax(logits[:, 0] / torch.from_numpy(TEMPERATURES)[:, None], -1).numpy()
    component = np.minimum((pi.cumsum(1) <= uniform[:, None]).sum(1), pi.shape[1] - 1)
    rows = np.arange(len(latent))
    chosen_mu = mu[:, 0].numpy()[rows, component] * deviation + mean
    chosen_sigma = sigma[:, 0].numpy()[rows, component] * deviation
    drawn = chosen_mu + TEMPERATURES[:, None] * chosen_sigma * normal
    arrays = {"latent_out": drawn, "pi": pi, "mu": chosen_mu, "sigma": chosen_sigma}
    return arrays | {"hidden_out": state[0].numpy(), "cell_out": state[1].numpy()}, state


def compare(dancer: TrainedDancer, exact: Sequence[Path], rounded: Sequence[Path]) -> Closeness:
    """Run a step and a decoder of both kinds, each step from the state that the exact one has come to."""
    steps, decoders = ([open_session(path) for path in paths] for paths in zip(exact, rounded, strict=True))
    random = np.random.Generator(np.random.PCG64(0))
    state = first_state(dancer)
    errors, variations = [], []
    for latent in passage(dancer, random):
        feeds = {"latent_in": latent, **state, "uniform": random.random(DANCERS, np.float32)}
        feeds |= {"normal": np.zeros_like(latent), "pi_temperature": TEMPERATURES, "sigma_temperature": TEMPERATURES}
        feeds |= by_name(dancer, random.random((DANCERS, len(dancer.mdn_rnn.config.styles)), np.float32))
        names = ["pi", *map(outgoing, state)]
        (pi, *after), (near, *_) = (step.run(names, feeds) for step in steps)
        state = dict(zip(state, after, strict=True))
        variations.append(np.abs(pi - near).sum(1).mean() / 2)
        images, near = (decoder.run(None, {"latents": latent})[0].astype(np.float64) for decoder in decoders)
        errors.append(((images - near) ** 2).mean())
    error = max(float(np.mean(errors)), 1e-6)  # equal images would be at infinity
    return Closeness(10 * float(np.log10(255**2 / error)), float(np.mean(variations)))
