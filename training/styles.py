"""Styles: labels of footage. The LSTM-MDN is told them beside each latent, and a show asks for them by parameters.

Owns what a label is, and which clips it holds for. A style is a number from 0 to 1, so that several can be mixed; all
at 0, as of footage without a label, is any of them.
"""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from training.footage import Footage

Given = Sequence[tuple[str, Path]]  # a style, and footage of it
MOST = 64  # as many further inputs as a bundle may have


def style(text: str) -> tuple[str, Path]:
    """NAME=FOOTAGE, as `--style` takes it."""
    name, mark, path = text.partition("=")
    if not (mark and path and re.fullmatch("[a-z][a-z0-9_]*", name)):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOOTAGE; a name has lower case letters, digits and _")
    return name, Path(path)


def names_of(given: Given, known: Sequence[str] = ()) -> tuple[str, ...]:
    """Those known, then new ones, in the order given. Raises ValueError where they are too many."""
    names = tuple(dict.fromkeys([*known, *(name for name, _ in given)]))
    if len(names) > MOST:
        raise ValueError(f"--style: {len(names)} styles; at most {MOST} are allowed")
    return names


def all_footage(footage: Sequence[Path], given: Given) -> list[Path]:
    """What is to be read: footage with a style may lie in that without, and is read once."""
    found = list(footage)
    for _, path in given:
        if not any(within(path, each) for each in found):
            found.append(path)
    return found


def within(path: Path, folder: Path) -> bool:
    """Whether a path lies in a folder, by their names or by where links lead: a folder of links sorts footage, too."""
    named, named_folder = (Path(os.path.normpath(each.absolute())) for each in (path, folder))
    return named.is_relative_to(named_folder) or path.resolve().is_relative_to(folder.resolve())


def label(footage: Footage, given: Given) -> None:
    """Gives each clip the style of the footage that it comes from. Raises ValueError where a style has no clip."""
    labelled = set()
    for made in footage.made:
        for name, path in given:
            if made.clip is not None and within(made.take[0], path):
                made.clip.style = name
                labelled.add(name)
    for name, path in given:
        if name not in labelled:
            raise ValueError(f"--style {name}={path}: no usable footage there")


def told(style: str, styles: Sequence[str]) -> np.ndarray:
    """What the LSTM-MDN is told of a clip's style: 1 at its place, (styles,) float32."""
    return np.array([style == each for each in styles], np.float32)
