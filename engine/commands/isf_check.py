"""`dancenet isf-check`: draws ISF files for a second, as the show would, and tells which cannot be, and where.

Owns what they are shown: a figure that moves, sound that beats, events that fire. Parameters stay at their defaults,
but for a transition's progress.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.commands.ending import FAILED, FINE, USAGE, Failure
from engine.commands.render import headless_context
from engine.isf.errors import IsfError
from engine.isf.header import TRANSITION, Header
from engine.isf.program import Effect, Program, Timing, Value
from engine.isf.rows import inputs, rows
from engine.isf.source import SUFFIXES, effect_name, read

FRAMES = 30
FPS = 30.0
# A press at the start would be lost on an effect that has nothing to work with yet.
EVENT_FRAMES = (4, 17)
SAMPLES = 512
# A channel of 8 bits at or below this is black: what is left of rounding.
BLACK = 1


def isf_check(options: argparse.Namespace) -> int:
    """Checks every file of `options.paths` at `options.size`; a row each. Returns the exit code."""
    files = list(find(options.paths))
    if not files:
        raise Failure(f"no {' or '.join(SUFFIXES)} file in {', '.join(map(str, options.paths))}", USAGE)
    context = headless_context()
    target = context.framebuffer([context.texture(options.size, 4)])
    failed = 0
    for path in files:
        try:
            warnings = check(context, path, target)
        except Exception as error:  # a row for every file, whatever one does
            failed += 1
            print(f"FAIL {effect_name(path)}: {' '.join(str(error).split())}", flush=True)
        else:
            print(f"ok {effect_name(path)}{''.join(f', warning: {each}' for each in warnings)}", flush=True)
    print(f"{len(files) - failed} of {len(files)} files are fine")
    return FAILED if failed else FINE


def find(paths: Sequence[Path]) -> Iterator[Path]:
    """The files themselves, and those of folders and all that lies in them, by their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.suffix.lower() in SUFFIXES and each.is_file())
        else:
            yield path


def check(context: moderngl.Context, path: Path, target: moderngl.Framebuffer) -> list[str]:
    """Draws a file for FRAMES frames into `target`; what is odd about them. Raises IsfError, OSError."""
    source = read(path)
    program = Program(context, source, alike=True)  # as a show compiles it
    effect = Effect(program)
    feed = Feed(context, source.header, target.size)
    values = {row.key: row.default for row in rows(source.name, source.header)}
    target.clear()
    pictures = []
    try:
        for frame in range(FRAMES):
            given = {**inputs(source.header, source.name, values), **feed.at(frame)}
            effect.draw(target, given, Timing(frame / FPS, 1 / FPS if frame else 0.0, frame, (2026, 11, 24, 43200.0)))
            pictures.append(np.frombuffer(target.read(components=4), np.uint8))
            if (error := context.error) != "GL_NO_ERROR":
                raise IsfError(f"{path}: {error} in frame {frame}")
    finally:
        feed.release()
        effect.release()
        program.release()
    warnings = []
    if all((picture.reshape(-1, 4)[:, :3] <= BLACK).all() for picture in pictures):
        warnings.append("black")
    if all((picture == pictures[0]).all() for picture in pictures):
        warnings.append("unchanging")
    return warnings


class Feed:
    """What moves in front of a file while it is checked: its images, its audio, its events, its progress."""

    def __init__(self, context: moderngl.Context, header: Header, size: tuple[int, int]) -> None:
        self._header, self._size = header, size
        self._textures = {row.name: context.texture(size, 4) for row in header.inputs if row.kind == "image"}
        for texture in self._textures.values():
            texture.repeat_x = texture.repeat_y = False

    def at(self, frame: int) -> dict[str, Value]:
        """The inputs of a frame."""
        share = frame / (FRAMES - 1)
        given: dict[str, Value] = {}
        for index, (name, texture) in enumerate(self._textures.items()):
            texture.write(figure(self._size, share + index / 2))
            given[name] = texture
        for row in self._header.inputs:
            if row.kind == "event":
                given[row.name] = frame in EVENT_FRAMES
            elif row.kind == "audio":
                given[row.name] = wave(share)
            elif row.kind == "audioFFT":
                given[row.name] = spectrum(share)
        if self._header.kind == TRANSITION:
            given["progress"] = share
        return given

    def release(self) -> None:
        for texture in self._textures.values():
            texture.release()


def figure(size: tuple[int, int], share: float) -> NDArray[np.uint8]:
    """A body with a soft edge that has walked a `share` of its way, (height, width, 4) premultiplied, bottom row first.

    White on nothing, as the company of dancers is; there is colour in it, so that what works on colours has some.
    """
    width, height = size
    x = (np.arange(width) + 0.5) / height - width / height / 2
    y = ((np.arange(height) + 0.5) / height - 0.5)[:, None]
    step = 2 * np.pi * share
    middle = 0.5 * np.sin(step)
    body = np.hypot((x - middle) / 0.13, (y + 0.05) / 0.32) - 1
    head = np.hypot((x - middle - 0.02 * np.cos(4 * step)) / 0.07, (y - 0.36) / 0.08) - 1
    coverage = np.clip(0.5 - 6 * np.minimum(body, head), 0, 1)
    tone = 1 - np.array([0.0, 0.25, 0.5]) * (0.5 + 0.5 * np.sin(12 * y + step))[..., None]
    rgba = np.concatenate([coverage[..., None] * tone, coverage[..., None]], axis=2)
    return np.ascontiguousarray((255 * rgba + 0.5).astype(np.uint8))


def wave(share: float) -> NDArray[np.float32]:
    """Two channels of a chord that swells and fades, around 0.5, (2, SAMPLES)."""
    at = np.arange(SAMPLES) / SAMPLES * 2 * np.pi
    loudness = 0.2 + 0.3 * np.abs(np.sin(3 * np.pi * share))
    left = np.sin(4 * at + 20 * share) * 0.6 + np.sin(13 * at) * 0.4
    return (0.5 + loudness * 0.9 * np.stack([left, left[::-1]])).astype(np.float32)


def spectrum(share: float) -> NDArray[np.float32]:
    """Two channels of a spectrum, 0..1, that falls with frequency and has a peak that climbs, (2, SAMPLES)."""
    at = np.arange(SAMPLES) / SAMPLES
    falling = 0.5 * np.exp(-6 * at) * (0.5 + 0.5 * np.cos(6 * np.pi * share))
    peak = 0.5 * np.exp(-(((at - 0.1 - 0.6 * share) / 0.03) ** 2))
    return np.stack([falling + peak, 0.8 * falling + peak]).astype(np.float32)
