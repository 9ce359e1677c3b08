"""`dancenet explore`: a picture of what each axis of a dancer's latents does to a body, a row an axis."""

import argparse
import base64
import html

import numpy as np
from numpy.typing import NDArray

from engine.axes import KEYS, Axes
from engine.bundle import Bundle
from engine.commands.ending import FINE, Failure, complain
from engine.commands.opening import model_folders, open_folder
from engine.commands.render import check_folder
from engine.formats import STILL
from engine.providers import OFFLINE_THREADS
from engine.scene_files import put
from engine.sinks.stills import png

PUSHES = (-1.0, -0.5, 0.0, 0.5, 1.0)
GAP = 2  # pixels between images

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>The axes of {name}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2em; background: #222; color: #ddd; }}
table {{ border-collapse: collapse; }}
td, th {{ padding: 1px 4px; font-weight: normal; text-align: left; white-space: nowrap; }}
img {{ display: block; width: 100%; }}
</style>
<h1>The axes of {name}</h1>
<p>What a push of each axis makes of two bodies of the footage, from -1 to 1 ({pushes}). Play them live:
<code>/dancenet/dance/axis1</code> and on, by OSC, keys, routes and scenes.</p>
<table>
{rows}
</table>
"""
ROW = """\
<tr><th>{key}<br>{share:.1%} of the variance</th>
<td><img alt="{key}" src="data:image/png;base64,{picture}"></td></tr>
"""


def explore(options: argparse.Namespace) -> int:
    """Writes the axes of `options.model` to `options.out`: a page, or the pictures alone."""
    check_folder(options.out)
    bundle = open_folder(model_folders([options.model])[0], options, OFFLINE_THREADS, complain, spins=True)
    axes = Axes(bundle.bank)
    strips = [strip(bundle, axes, key) for key in KEYS[: len(axes.shares)]]
    if options.out.suffix == STILL:
        gap = np.full((GAP, strips[0].shape[1]), 128, np.uint8)
        content = picture(np.concatenate([part for each in strips for part in (each, gap)][:-1]))
    else:
        content = page(bundle, axes, strips).encode("utf-8")
    try:
        put(options.out, content)
    except OSError as error:
        raise Failure(f"{options.out}: {error.strerror}") from None
    told = ", ".join(f"{key.rpartition('/')[2]} {share:.1%}" for key, share in zip(KEYS, axes.shares, strict=False))
    print(f"{options.out}: the axes of {bundle.metadata.name}; of the latents' variance: {told}")
    return FINE


def strip(bundle: Bundle, axes: Axes, key: str) -> NDArray[np.uint8]:
    """The images of an axis from -1 to 1, side by side, of each body: (height, width)."""
    values = dict.fromkeys(KEYS, 0.0)
    latents = bodies(bundle.bank, axes)
    pushed = [axes.push(latents, values | {key: push}) for push in PUSHES]
    images = bundle.decode(np.stack(pushed, 1).reshape(-1, latents.shape[1]))
    gap = np.full((images.shape[1], GAP), 128, np.uint8)
    return np.concatenate([part for image in images for part in (image, gap)][:-1], axis=1)


def bodies(bank: NDArray[np.float32], axes: Axes) -> NDArray[np.float32]:
    """Two of the footage's own latents, (2, latent_size): the one nearest their mean, and one as far as most are."""
    middles = bank[:, bank.shape[1] // 2]
    order = np.argsort(np.linalg.norm(middles - axes.mean, axis=1), kind="stable")
    return middles[[order[0], order[len(order) // 2]]]


def page(bundle: Bundle, axes: Axes, strips: list[NDArray[np.uint8]]) -> str:
    """The page, whole in itself."""
    rows = [
        ROW.format(key=key, share=share, picture=base64.b64encode(picture(each)).decode())
        for key, share, each in zip(KEYS, axes.shares, strips, strict=False)
    ]
    pushes = ", ".join(f"{push:g}" for push in PUSHES)
    return PAGE.format(name=html.escape(bundle.metadata.name), pushes=pushes, rows="".join(rows))


def picture(grey: NDArray[np.uint8]) -> bytes:
    """A grey image (height, width) as a PNG."""
    pixels = np.repeat(grey[..., None], 4, axis=2)
    pixels[..., 3] = 255
    return png(pixels)
