"""`report.html`: one page, pictures within it, that tells an artist whether the dancer came out well."""

import base64
import html
import io
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8">{reload}<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #111; }}
img, svg {{ max-width: 100%; display: block; margin: .5rem 0 1.5rem; }}
table {{ border-collapse: collapse; }} td, th {{ padding: .2rem 1rem .2rem 0; text-align: left; }}
td:not(:first-child) {{ font-variant-numeric: tabular-nums; }} h2 {{ margin-top: 2.5rem; }}
</style>
<h1>{title}</h1>
{body}
</html>
"""
COLOURS = ("#06c", "#c40", "#283", "#82a", "#960")


def png(image: np.ndarray) -> bytes:
    """A grey image (height, width) uint8 as a PNG file's bytes."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="image2pipe") as container:
        stream = container.add_stream("png", rate=Fraction(1))
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "gray"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return buffer.getvalue()


def picture(image: np.ndarray, alternative: str) -> str:
    return embedded(png(image), alternative)


def embedded(data: bytes, alternative: str) -> str:
    """A PNG file's bytes as an element of the page."""
    return f'<img alt="{html.escape(alternative)}" src="data:image/png;base64,{base64.b64encode(data).decode()}">'


def animation(images: np.ndarray, rate: int, alternative: str) -> str:
    """Grey images (n, height, width) uint8 as one that moves, over and over: an animated PNG."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="apng", options={"plays": "0"}) as container:
        stream = container.add_stream("apng", rate=rate)
        stream.width, stream.height, stream.pix_fmt = images.shape[2], images.shape[1], "gray"
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="gray")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return embedded(buffer.getvalue(), alternative)


def sheet(images: np.ndarray, columns: int) -> np.ndarray:
    """Images (n, height, width) side by side, in rows of `columns`; what is missing in the last row is grey."""
    gap = 2
    rows = -(-len(images) // columns)
    height, width = images.shape[1] + gap, images.shape[2] + gap
    page = np.full((rows * height, columns * width), 200, np.uint8)
    for i, image in enumerate(images):
        top, left = i // columns * height, i % columns * width
        page[top : top + images.shape[1], left : left + images.shape[2]] = image
    return page


def pairs(originals: np.ndarray, rebuilt: np.ndarray) -> np.ndarray:
    """Originals above their reconstructions."""
    both = np.concatenate([originals, rebuilt], 1)
    return sheet(both, 6)


def curves(history: list[dict], width: int = 900, height: int = 260) -> str:
    """A line for each figure over the steps, as an SVG. Each is scaled to the picture; its range is in the legend."""
    parts = []
    names = [name for name in history[0] if name not in ("step", "seconds")] if history else []
    for i, name in enumerate(names):
        points = [(row["step"], row[name]) for row in history if name in row]
        if not points:
            continue
        steps, values = np.array(points, float).T
        low, high = values.min(), values.max()
        x = (steps - steps.min()) / max(np.ptp(steps), 1) * (width - 20) + 10
        y = height - 10 - (values - low) / max(high - low, 1e-12) * (height - 40)
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        colour = COLOURS[i % len(COLOURS)]
        label = html.escape(f"{name}: {values[0]:.4g} to {values[-1]:.4g} (lowest {low:.4g}, highest {high:.4g})")
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{path}"/>')
        parts.append(f'<text x="12" y="{18 + 18 * i}" fill="{colour}" font-size="14">{label}</text>')
    svg = f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    return f'{svg}<rect width="{width}" height="{height}" fill="#f6f6f6"/>{"".join(parts)}</svg>'


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    def line(cells: tuple, tag: str) -> str:
        texts = [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in cells]
        return "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts) + "</tr>"

    return "<table>" + line(head, "th") + "".join(line(row, "td") for row in rows) + "</table>"


def write_report(path: Path, title: str, sections: list[tuple[str, str]], reload: int | None = None) -> None:
    """Write the page atomically. sections: (heading, HTML); reload: seconds after which a browser reads it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    again = f'<meta http-equiv="refresh" content="{reload}">' if reload else ""
    body = "\n".join(f"<h2>{html.escape(heading)}</h2>\n{content}" for heading, content in sections)
    part = path.with_name(path.name + ".part")
    part.write_text(PAGE.format(title=html.escape(title), body=body, reload=again), encoding="utf-8")
    os.replace(part, path)
