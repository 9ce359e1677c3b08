"""`dancenet encode`: footage -> latents, by the encoder of a bundle. Needs no torch."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from engine.bundle import Bundle, open_bundle
from engine.dancer_file import unpacked
from training.arguments import add_footage_options, look_of
from training.clips import STEPS_A_SECOND, Clip
from training.footage import cache_folder, read_footage

AT_ONCE = 32  # images
ARRAY = ".npy"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dancenet encode",
        description="Turns footage into a dancer's latents, float32, one row a step: the mean of each image's "
        "posterior. `dancenet decode` shows them.",
    )
    add_footage_options(parser)
    add = parser.add_argument
    add("--model", type=Path, required=True, metavar="DIR", help="the dancer's bundle")
    add(
        "--out", type=Path, required=True, metavar="OUT",
        help="LATENTS.npy: all clips one after the other, (n, latent size); or a folder: one such file a clip",
    )  # fmt: skip
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> Iterator[str]:
    """Encodes; yields a line about each clip, and what was left out. Raises ValueError, BundleError or OSError."""
    folder = unpacked(options.model) if options.model.is_file() else options.model
    bundle = open_bundle(folder, threads=os.cpu_count() or 1)
    size = bundle.metadata.image_size
    cache = options.cache or cache_folder()
    footage = read_footage(options.footage, size, options.fit, cache, look=look_of(options))
    for left_out, reason in footage.left_out:
        yield f"{left_out}: left out ({reason})"
    if options.out.suffix == ARRAY:
        write(options.out, bundle, footage.clips)
        first = 0
        for clip in footage.clips:
            yield f"{options.out}: rows {first} to {first + len(clip) - 1} are {clip.name}, {seconds(clip)}"
            first += len(clip)
        return
    options.out.mkdir(parents=True, exist_ok=True)
    for path, clip in zip(names(options.out, footage.clips), footage.clips, strict=True):
        write(path, bundle, [clip])
        yield f"{path}: {len(clip)} rows, {seconds(clip)}"


def names(folder: Path, clips: Sequence[Clip]) -> list[Path]:
    """A file for each clip; clips of one name are numbered from the second on."""
    found: list[Path] = []
    for clip in clips:
        same = sum(other.name == clip.name for other in clips[: len(found)])
        found.append(folder / f"{clip.name}{f'-{same + 1}' if same else ''}{ARRAY}")
    return found


def seconds(clip: Clip) -> str:
    return f"{len(clip) / STEPS_A_SECOND:.1f} s"


def write(path: Path, bundle: Bundle, clips: Sequence[Clip]) -> None:
    """The clips' latents into one file, which is there only once it is whole."""
    encoder = bundle.encoder()
    part = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    shape = sum(map(len, clips)), bundle.metadata.latent_size
    try:
        latents = np.lib.format.open_memmap(part, "w+", np.float32, shape)
        row = 0
        for clip in clips:
            for start in range(0, len(clip), AT_ONCE):
                images = np.ascontiguousarray(clip.frames[start : start + AT_ONCE])
                latents[row : row + len(images)] = encoder.run(["latents"], {"images": images})[0]
                row += len(images)
        latents.flush()
        del latents  # which holds the file open
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
