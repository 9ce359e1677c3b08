"""Reads an ISF file from disk: its header, its shaders in GLSL 3.30, its imported images. No GL: any thread may.

Owns nothing. What is wrong with a file is an IsfError that names its line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.image_file import MOST_PIXELS, read_image
from engine.isf.dialect import FRAGMENT, PLAIN_VERTEX, VERTEX
from engine.isf.errors import error_at
from engine.isf.glsl import Translated, translate
from engine.isf.header import Header, Imported, read_header
from engine.small_file import read_small

# How the files of effects end, and the vertex shaders beside them.
SUFFIXES = (".fs", ".isf")
VERTEX_SUFFIX = ".vs"
# A comment that does not end goes to the file's end: to look for an end after each of its beginnings would take hours.
HEADER = re.compile(r"//[^\n]*|/\*(.*?)(\*/|\Z)", re.S)
# The longest effects that people publish have 100 kB.
MOST_BYTES = 512 << 10


@dataclass(frozen=True)
class Source:
    """An ISF file, ready to be compiled. `images` are the imported ones, (height, width, 4) uint8, bottom row first.

    `files` are all that it was read from: a change of any of them is a change of the effect.
    """

    path: Path
    header: Header
    fragment: Translated
    vertex: Translated
    vertex_path: Path
    images: Mapping[str, NDArray[np.uint8]]
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        """By which the effect goes: the file's, lower case, what is no letter or digit as _."""
        return effect_name(self.path)


def effect_name(path: Path) -> str:
    """The name of a file's effect: its own, lower case, with _ for all that is neither a letter nor a digit.

    No effect ends in _2 and the like: so are the copies of one called.
    """
    name = re.sub(r"\W+", "_", path.stem.lower()).strip("_") or "effect"
    return re.sub(r"(_\d+)+$", lambda numbers: numbers[0].replace("_", ""), name)


def read(path: Path) -> Source:
    """The file at `path`, with the vertex shader and the images that belong to it.

    Raises IsfError, with the file's line, where something in it is wrong, and OSError where it cannot be read.
    """
    text = _text(path)
    json, start, end = _split(path, text)
    header = read_header(json, text.count("\n", 0, start) + 1, path)
    # What stands before the header is code too (a comment, a #version), and keeps its lines.
    body = text[:start] + "\n" * text.count("\n", start, end) + text[end:]
    vertex_path = path.with_suffix(VERTEX_SUFFIX)
    files = [path]
    if vertex_path.is_file():
        files.append(vertex_path)
        vertex = translate(_text(vertex_path), 1, header, VERTEX)
    else:
        vertex = translate(PLAIN_VERTEX, 1, header, VERTEX)
    images = _images(path, header.imported)
    files += [path.parent / each.path for each in header.imported]
    return Source(path, header, translate(body, 1, header, FRAGMENT), vertex, vertex_path, images, tuple(files))


def _text(path: Path) -> str:
    """A file's text: without its mark of byte order, with \\n at the ends of its lines, whatever it has."""
    data = read_small(path, MOST_BYTES)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # every byte is a letter there: names in comments, as a rule
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _split(path: Path, text: str) -> tuple[str, int, int]:
    """The JSON of the header, and where its comment begins and ends."""
    for comment in HEADER.finditer(text):
        if comment[2] and comment[1].lstrip().startswith("{"):
            return comment[1], comment.start(), comment.end()
    raise error_at(path, 1, "no ISF header; a file begins with a comment /* */ that holds a JSON object in { }")


def _images(path: Path, imported: Sequence[Imported]) -> dict[str, NDArray[np.uint8]]:
    """The pixels of the imported images by name, (height, width, 4), bottom row first; all of them within a limit."""
    images: dict[str, NDArray[np.uint8]] = {}
    left = MOST_PIXELS
    for each in imported:
        file = path.parent / each.path
        # A link is where it leads to.
        if not file.resolve().is_relative_to(path.parent.resolve()):
            raise error_at(path, each.line, f"imported image {each.path}: it must lie in the folder {path.parent}")
        if not file.is_file():
            raise error_at(path, each.line, f"imported image {each.path}: there is no file {file}")
        try:
            pixels = read_image(file, "rgba", left)
        except OSError as error:
            raise error_at(path, each.line, f"imported image {file} cannot be read: {error.strerror}") from None
        left -= pixels.shape[0] * pixels.shape[1]
        images[each.name] = np.ascontiguousarray(pixels[::-1])
    return images
