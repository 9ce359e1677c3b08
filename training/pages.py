"""Sections of a report, each a heading and HTML: the same of a finished dancer and of one that still learns."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

from training.clips import Clip
from training.plan import Plan
from training.report import curves, pairs, picture, sheet, table
from training.train_vae import rebuild
from training.vae import VAE

PICTURES = 12  # originals beside reconstructions
Section = tuple[str, str]


def listed(heading: str, lines: Sequence[str]) -> list[Section]:
    """One section with these lines; none without any."""
    points = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return [(heading, f"<ul>{points}</ul>")] if lines else []


def planned(plan: Plan) -> list[Section]:
    return listed("The plan", [*plan.lines, *(f"But {warning}." for warning in plan.warnings)])


def rebuilt(vae: VAE, clips: list[Clip]) -> Section:
    """Images of the footage, and what the VAE makes of them."""
    pictures = pairs(*rebuild(vae, clips, PICTURES))
    return "Originals above, rebuilt below", picture(pictures, "originals above reconstructions")


def learning(histories: Mapping[str, Sequence[dict]]) -> list[Section]:
    """Loss curves of each stage that has any."""
    return [(f"Training: {name}", curves(list(rows))) for name, rows in histories.items() if rows and "step" in rows[0]]


def contact_sheet(images: np.ndarray) -> str:
    """A dance (steps, height, width) uint8, a picture every second."""
    return picture(sheet(images[::30], 4), "contact sheet of the sample")


def motion(measured: Mapping[str, tuple[float, float]], seconds: float) -> Section:
    rows = [(name, dance, real) for name, (dance, real) in measured.items()]
    return f"Motion of {seconds:g} seconds", table(("figure", "dance", "footage"), rows)
