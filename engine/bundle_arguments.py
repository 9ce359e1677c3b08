"""The grammar of the commands about a bundle itself, beside those that play it: what each takes, and how it is told."""

import argparse
from pathlib import Path

from engine.arguments import DEVICES, PRECISIONS
from engine.formats import IMAGES, STILL, VIDEOS

IMAGE_ENDINGS = (*VIDEOS, IMAGES)
PAGE = ".html"
SUFFIX = ".dancer"  # as engine/dancer_file.py has it, which would load onnxruntime for the help


def parse_decode(arguments: list[str]) -> argparse.Namespace:
    """The options of `dancenet decode`."""
    parser = argparse.ArgumentParser(
        prog="dancenet decode",
        description="Shows latents as a dancer's decoder does, one image a row, without effects: a video at the "
        "image's own size, or an .npy of (n, height, width) uint8. LATENTS is what `dancenet encode` writes, or the "
        "original DanceNet's lv.npy.",
    )
    parser.add_argument(
        "latents", type=Path, metavar="LATENTS", help="an .npy, (n, latent size) or (n, 1, latent size)"
    )
    parser.add_argument("out", type=images, metavar="OUT", help=f"a file ending in {', '.join(IMAGE_ENDINGS)}")
    add_model_options(parser)
    return parser.parse_args(arguments)


def parse_explore(arguments: list[str]) -> argparse.Namespace:
    """The options of `dancenet explore`."""
    parser = argparse.ArgumentParser(
        prog="dancenet explore",
        description="Shows what the axes do that a dancer's latents vary along most, dance/axis1 to axis8: a row an "
        "axis, from -1 to 1.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="the dancer's bundle")
    parser.add_argument(
        "--out", type=sheet, default=Path(f"axes{PAGE}"), metavar="OUT",
        help=f"a page, or the pictures alone as a {STILL} (axes{PAGE})",
    )  # fmt: skip
    add_device_options(parser)
    return parser.parse_args(arguments)


def parse_model(arguments: list[str]) -> argparse.Namespace:
    """The options of `dancenet model`."""
    parser = argparse.ArgumentParser(
        prog="dancenet model",
        description="Tells what a dancer is: sizes, data, licence, figures, controls, files. Or makes one file of its "
        f"bundle, which `dancenet --model NAME{SUFFIX}` plays, or a folder of one file.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help=f"a bundle's folder, or a {SUFFIX} file")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--pack", type=dancer_file, metavar=f"OUT{SUFFIX}", help="write the bundle as one file")
    how.add_argument("--unpack", type=Path, metavar="DIR", help="write the file's bundle as a folder")
    return parser.parse_args(arguments)


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Whose networks, and where they run."""
    parser.add_argument("--model", type=Path, metavar="DIR", help="the dancer's bundle (the one that ships)")
    add_device_options(parser)


def add_device_options(parser: argparse.ArgumentParser) -> None:
    """Where images are made, and how exactly."""
    parser.add_argument("--device", choices=DEVICES, default=DEVICES[0], help="where the model runs (auto)")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default=PRECISIONS[1], help="of the images: fp32 is exact (fp32)"
    )


def images(text: str) -> Path:
    """A file of images to write; its ending says what."""
    path = Path(text)
    if path.suffix not in IMAGE_ENDINGS:
        raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(IMAGE_ENDINGS)}")
    return path


def dancer_file(text: str) -> Path:
    """A file to pack a dancer into."""
    path = Path(text)
    if path.suffix != SUFFIX:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {SUFFIX}")
    return path


def sheet(text: str) -> Path:
    """A page or a picture to write."""
    path = Path(text)
    if path.suffix not in (PAGE, STILL):
        raise argparse.ArgumentTypeError(f"{text!r} ends in neither {PAGE} nor {STILL}")
    return path
