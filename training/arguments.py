"""The grammar of `dancenet train`: what it takes, in what range, and how it is told."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.look import MATTES, VIEWS, Look
from training.styles import style

SIZE = (208, 120)
AUTO, NONE = "auto", "none"  # what --from takes beside a bundle
VAE_EPOCHS, DECODER_EPOCHS, MDN_RNN_EPOCHS = 4, 4, 150


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dancenet train",
        description="Trains a dancer on footage and writes it to DIR, ready for `dancenet --model DIR`, with a sample "
        "video and report.html.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add_footage_options(parser, "*")
    add(
        "--style", type=style, action="append", default=[], metavar="NAME=FOOTAGE",
        help="footage of a style, which becomes a parameter of the dance; repeated, one for each folder",
    )  # fmt: skip
    add("--out", type=Path, required=True, metavar="DIR", help="folder of the bundle; checkpoints go to DIR/training")
    add("--resume", action="store_true", help="go on where a stopped run in DIR was")
    add("--minutes", type=positive, metavar="N", help="train for N minutes in all, instead of by epochs")
    begun = parser.add_mutually_exclusive_group()
    begun.add_argument(
        "--from", dest="start", type=start, metavar="DIR", default=AUTO,
        help="begin with this bundle's weights; auto: with those of the dancer that ships, where they are of the "
        "footage's kind and footage or time are too little for a new one; none: with nothing",
    )  # fmt: skip
    begun.add_argument(
        "--refine", type=Path, metavar="DIR",
        help="train this bundle on, on its own footage: it dances as before, and is shown better",
    )  # fmt: skip
    add("--watch", action="store_true", help="show how it learns in a browser: report.html, while it is trained")
    add("--seed", type=int, default=0, help="a run with the same seed, footage and options ends in the same figures")
    add("--name", help="what the dancer is called (DIR's name)")
    add("--data", default="", help="what the footage is, for the model card (the files' names)")
    add("--licence", default="not stated", help="of the weights, for the model card")
    add("--temperature", type=positive, default=1.0, help="at which this dancer is at its best")
    add("--pi-temperature", type=positive, default=1.0, help="its trim of the mixture's choice")
    add("--sigma-temperature", type=positive, default=1.0, help="its trim of the noise")
    add("--checkpoint-seconds", type=positive, default=60.0, metavar="N", help="between two checkpoints")
    add("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="auto: bfloat16 where it is fast")
    add("--device", default="auto", help="auto, cpu or cuda")
    many = parser.add_argument_group("several GPUs and machines (docs/cluster.md)")
    many.add_argument("--devices", type=count, default=1, metavar="N", help="GPUs, or processes, of this machine")
    many.add_argument("--nodes", type=count, default=1, metavar="N", help="machines; the same command runs on each")
    many.add_argument("--meet", metavar="HOST:PORT", help="of one of the machines, a free port: where they meet")
    sizes = parser.add_argument_group("sizes (the article's, unless said otherwise)")
    sizes.add_argument("--image-size", type=size, default=SIZE, metavar="WxH", help="multiples of 8")
    sizes.add_argument("--latent-size", type=int, default=128)
    sizes.add_argument("--channels", type=channels, default=(128, 64, 32), metavar="A,B,C")
    sizes.add_argument("--layers", type=int, default=3)
    sizes.add_argument("--units", type=int, default=512)
    sizes.add_argument("--hidden", type=int, default=1000)
    sizes.add_argument("--components", type=int, default=24)
    how = parser.add_argument_group("training")
    how.add_argument(
        "--batch", type=count, metavar="N", help="images, or lanes, of a step, over all processes (8 for each)"
    )
    how.add_argument("--kl-weight", type=float, default=0.5, help="1 is the plain VAE; less is sharper")
    how.add_argument("--vae-epochs", type=positive, default=VAE_EPOCHS)
    how.add_argument("--decoder-epochs", type=positive, default=DECODER_EPOCHS)
    how.add_argument("--mdn-rnn-epochs", type=positive, default=MDN_RNN_EPOCHS)
    how.add_argument("--steps", type=int, default=64, help="of back-propagation through time")
    how.add_argument("--input-noise", type=float, default=1.0, help="of the latents danced from, 1 is the posterior's")
    how.add_argument(
        "--patience", type=int, default=8, metavar="N",
        help="end the LSTM-MDN after N epochs without a better held-out loss and keep its best weights; 0 trains to "
        "the end and keeps the last",
    )  # fmt: skip
    how.add_argument("--target-noise", type=float, default=0.2, help="of the latents danced to")
    options = parser.parse_args(arguments)
    if options.nodes > 1 and not options.meet:
        parser.error("--nodes takes --meet HOST:PORT, of one of the machines, the same on all")
    if not (options.footage or options.style):
        parser.error("the following arguments are required: FOOTAGE")
    return options


def add_footage_options(parser: argparse.ArgumentParser, count: str = "+") -> None:
    """What `train` and `footage` take alike: the footage, and how it becomes images."""
    add = parser.add_argument
    add(
        "footage", nargs=count, type=Path, metavar="FOOTAGE",
        help="videos, GIFs, BVH files, folders of them or of numbered images",
    )  # fmt: skip
    add("--fit", choices=("crop", "pad"), default="crop", help="how images of another shape are made to fit")
    add("--cache", type=Path, metavar="DIR", help="where decoded footage is kept (the user's cache folder)")
    add(
        "--matte", choices=MATTES, default="auto",
        help="how the dancer is cut out: from an even backdrop (luma), a green or other screen (chroma), a room "
        "filmed by a camera that stands still (background) or moves (motion), or not at all (none); auto chooses "
        "for each clip and says so",
    )  # fmt: skip
    add("--track", action="store_true", help="follow a dancer who travels, or is small, so that they fill the image")
    add(
        "--view", type=view, action="append", metavar="VIEW",
        help=f"of motion capture: {', '.join(VIEWS)}, or degrees to the dancer's left; each one is a clip (front)",
    )  # fmt: skip


def look_of(options: argparse.Namespace) -> Look:
    """The look that the options give. Raises ValueError where they contradict each other."""
    if options.track and options.matte == "none":
        raise ValueError("--track follows a silhouette, and --matte none makes none: leave one of them out")
    return Look(options.matte, options.track, True, tuple(options.view or [VIEWS["front"]]))


def view(text: str) -> float:
    if text in VIEWS:
        return VIEWS[text]
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -360 <= value <= 360:
        raise argparse.ArgumentTypeError(f"{text!r} is neither degrees, -360 to 360, nor one of {', '.join(VIEWS)}")
    return value


def start(text: str) -> Path | str:
    return text if text in (AUTO, NONE) else Path(text)


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def size(text: str) -> tuple[int, int]:
    parts = text.split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, such as 208x120")
    return int(parts[0]), int(parts[1])


def channels(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not three numbers, such as 128,64,32")
    return tuple(int(part) for part in parts)
