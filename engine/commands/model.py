"""`dancenet model`: what a bundle says of itself and holds; and how one becomes one file, and a folder again."""

import argparse
from pathlib import Path

import numpy as np

from engine.bundle import BANK, FILES, ROUNDED, graph_file, open_bundle
from engine.commands.ending import FINE, Failure
from engine.dancer_file import pack, unpack, unpacked
from engine.metadata import FILE, INT8, BundleError, Metadata
from engine.providers import CPU


def model(options: argparse.Namespace) -> int:
    """Prints the card of `options.model`, or packs or unpacks it."""
    try:
        if options.unpack:
            unpack(options.model, options.unpack)
            open_bundle(options.unpack, CPU)
            print(f"{options.unpack}: unpacked; dancenet --model {options.unpack} plays it")
            return FINE
        folder = options.model if options.model.is_dir() else unpacked(options.model)
        if options.pack:
            open_bundle(folder, CPU)  # what cannot be played is not sent to anybody
            pack(folder, options.pack)
            print(f"{options.pack}: written, {size_of(options.pack)}; dancenet --model {options.pack} plays it")
            return FINE
        print(card(folder))
    except BundleError as error:
        raise Failure(str(error)) from None
    return FINE


def card(folder: Path) -> str:
    """What there is to tell of the bundle in a folder, on a page. Raises BundleError."""
    metadata = Metadata.read(folder)
    width, height = metadata.image_size
    rows = [
        ("name", metadata.name),
        ("images", f"{width}x{height}, {metadata.image_kind}, {metadata.steps_a_second} steps a second"),
        ("latents", f"{metadata.latent_size} numbers, {metadata.components} components in the mixture"),
        ("bank", bank(folder / BANK)),
        ("precision", metadata.precision),
        ("data", metadata.data),
        ("licence", metadata.licence),
    ]
    rows += [("starts at", f"dance/{name} {value:g}") for name, value in metadata.defaults.items()]
    rows += [("control", f"{c.key}, {c.low:g} to {c.high:g}, {c.default:g}: {c.doc}") for c in metadata.controls]
    rows += [("figure", f"{name}: {figure(value)}") for name, value in metadata.quality.items()]
    names = [FILE, *FILES, *(graph_file(name, INT8) for name in ROUNDED)]
    sizes = [(name, size_of(folder / name)) for name in names if (folder / name).is_file()]
    rows += [("file", f"{name}, {size}") for name, size in sizes]
    lines, before = [], ""
    for word, text in rows:
        lines.append(f"{word if word != before else '':<10} {printable(text)}".rstrip())
        before = word
    return "\n".join(lines)


def bank(path: Path) -> str:
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError, EOFError, AttributeError):
        return "not readable"
    return f"{shape[0]} passages of {shape[1]} steps" if len(shape) == 3 else f"of shape {shape}"


def figure(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def size_of(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def printable(text: str) -> str:
    """The text on one line, without what could move a terminal about: it may be a stranger's."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
