"""Draws the gallery: a picture of every scene that ships, from a seed, into docs/gallery.

`python -m benchmarks.gallery` draws them all, `python -m benchmarks.gallery solo storm` those. Without a screen.
"""

import argparse
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import av
from av.video.codeccontext import VideoCodecContext

from engine.scene import numbered

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "gallery"
# A tempo would be 120 and nothing is heard: at this moment every scene is on its way.
SEED, AT, SIZE = "11", "9", "640x360"
# JPEG's scale of 1 to 31: at 4 grain and gradients look as drawn, in 15 to 130 kB.
QUALITY = 4
COLUMNS = 2


def draw(scene: str) -> bytes:
    """The scene's picture as a JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scene.png"
        arguments = (
            "still",
            str(out),
            "--at",
            AT,
            "--seed",
            SEED,
            "--size",
            SIZE,
            "--scene",
            scene,
            "--scenes",
            folder,
        )
        subprocess.run([sys.executable, "-m", "engine", *arguments], cwd=ROOT, check=True)
        with av.open(str(out)) as container:
            frame = next(container.decode(video=0)).reformat(format="yuvj444p")
    context = VideoCodecContext.create("mjpeg", "w")
    context.height, context.width = frame.height, frame.width
    context.pix_fmt, context.time_base = "yuvj444p", Fraction(1)
    context.options = {"qmin": str(QUALITY), "qmax": str(QUALITY)}
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*context.encode(frame), *context.encode(None)])


def page(scenes: list[tuple[str, str, str]]) -> str:
    """The gallery's page: (file's name, name, what it is) of each scene."""
    lines = [
        "# The scenes that ship",
        "",
        f"Each at {AT} s of seed {SEED}, as `python -m benchmarks.gallery` draws them. In motion, and with music,",
        "they do more.",
        "",
    ]
    for file, name, about in scenes:
        lines += [f"## {name}", about, "", f"![{name}](gallery/{file}.jpg)", ""]
    return "\n".join(lines)


def main() -> None:
    """Draws what the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gallery", description=__doc__.partition("\n")[0])
    parser.add_argument("scenes", nargs="*", metavar="SCENE", help="only these (all that ship)")
    options = parser.parse_args()
    files = sorted((ROOT / "scenes").glob("*.toml"), key=lambda file: (numbered(file.stem)[0] or 0, file.stem))
    FOLDER.mkdir(exist_ok=True)
    for file in files:
        if not options.scenes or numbered(file.stem)[1] in options.scenes:
            (FOLDER / f"{file.stem}.jpg").write_bytes(draw(file.stem))
    rows = [(file.stem, numbered(file.stem)[1], file.read_text().splitlines()[0].lstrip("# ")) for file in files]
    (FOLDER.parent / "gallery.md").write_text(page(rows))


if __name__ == "__main__":
    main()
