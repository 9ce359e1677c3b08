"""Styles: labels of footage. The LSTM-MDN is told them beside each latent, and a show asks for them by parameters.

Owns what a label is, which clips it holds for, and how a dancer that knew fewer of them learns new ones. A style is a
number from 0 to 1, so that several can be mixed; all at 0, as of footage without a label, is any of them.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.footage import Footage

Given = Sequence[tuple[str, Path]]  # a style, and footage of it
MOST = 64  # as many further inputs as a bundle may have
INPUTS = "lstm.weight_ih_l0"  # of the LSTM-MDN: a column for each latent, then for each style


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
        if not any(path.resolve().is_relative_to(each.resolve()) for each in found):
            found.append(path)
    return found


def label(footage: Footage, given: Given) -> None:
    """Gives each clip the style of the footage that it comes from. Raises ValueError where a style has no clip."""
    labelled = set()
    for made in footage.made:
        for name, path in given:
            if made.clip is not None and made.take[0].resolve().is_relative_to(path.resolve()):
                made.clip.style = name
                labelled.add(name)
    for name, path in given:
        if name not in labelled:
            raise ValueError(f"--style {name}={path}: no usable footage there")


def told(style: str, styles: Sequence[str]) -> np.ndarray:
    """What the LSTM-MDN is told of a clip's style: 1 at its place, (styles,) float32."""
    return np.array([style == each for each in styles], np.float32)


def each_style(styles: Sequence[str]) -> Tensor:
    """What it may be told, each style alone and none: (styles + 1, styles)."""
    return torch.cat([torch.zeros(1, len(styles)), torch.eye(len(styles))])


def widened(weights: Mapping[str, Tensor], more: int) -> dict[str, Tensor]:
    """An LSTM-MDN's weights, with so many styles more: it dances as before until it learns them."""
    kernel = weights[INPUTS]
    return {**weights, INPUTS: torch.cat([kernel, kernel.new_zeros(len(kernel), more)], 1)}
