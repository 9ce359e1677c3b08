"""ISF sources on the GPU: a Program is a file compiled, an Effect one copy of it with buffers of its own.

Owns their GL objects. Everything is drawn by the frame's thread; nothing is allocated in a frame but a buffer whose
size has changed, or an audio texture that does.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from engine.isf.buffers import Buffer, Copier, bounded, fitted
from engine.isf.errors import IsfError, error_at
from engine.isf.glsl import OUR_LINES, images, read_in_place
from engine.isf.header import LARGEST_INT, TEXTURES, Input
from engine.isf.source import Source

# Line numbers in the logs of Mesa and Intel (0:12(5)), NVIDIA (0(12)), AMD and Apple (ERROR: 0:12).
LOG_LINE = re.compile(r"^(?:ERROR: |WARNING: )?(\d+)[:(](\d+)\)?\s*(?:\(\d+\))?\s*:\s*(.*)$", re.M)
# The largest buffer that a pass may ask for: what every GPU with OpenGL 3.3 draws.
MOST_PIXELS = 16384

# What the uniforms of these inputs take: the driver's binding refuses a float there.
WHOLE = {"event": bool, "bool": bool, "long": lambda value: int(min(max(value, -LARGEST_INT), LARGEST_INT))}

Value = float | int | bool | tuple[float, ...] | moderngl.Texture | NDArray[np.float32]


@dataclass(frozen=True)
class Timing:
    """When a frame is: seconds since the show's start and since the last frame, its number, and the
    date as (year, month, day, seconds of the day).
    """

    time: float
    dt: float
    frame: int
    date: tuple[float, float, float, float]


class Shader:
    """A file compiled for one of its passes, whose number is a constant to it: what the others do is not even there.

    With the number as a uniform llvmpipe works out every pass in each, which took silk 147 ms where this takes 16.
    `in_place` are images as large as what the pass draws into, by their names in the file.
    """

    def __init__(self, context: moderngl.Context, source: Source, number: int, in_place: Collection[str]) -> None:
        vertex, fragment = (
            text.replace("uniform int PASSINDEX;", f"const int PASSINDEX = {number};", 1)
            for text in (source.vertex.text, source.fragment.text)
        )
        if source.vertex_path not in source.files:  # its own may see to places differently
            fragment = read_in_place(fragment, [source.fragment.uniforms[name] for name in in_place])
        try:
            self._program = context.program(vertex, fragment)
        except moderngl.Error as error:
            raise compile_error(source, str(error)) from None
        self._quad = context.vertex_array(self._program, [])
        self._members: dict[str, Any] = {name: self._program[name] for name in self._program}
        self._set: dict[str, Any] = {}
        self.units: dict[str, int] = {}
        for name in images(source.header):
            uniform = source.fragment.uniforms[name]
            if uniform in self._members:
                self.units[name] = len(self.units)
                self._members[uniform].value = self.units[name]

    def draw(self, target: moderngl.Framebuffer, uniforms: Mapping[str, Any]) -> None:
        """Draw over `target` with those `uniforms` that are there; they are set where they have changed."""
        for name in self._members.keys() & uniforms.keys():
            value = uniforms[name]
            if self._set.get(name) != value:
                self._members[name].value = value
                self._set[name] = value
        target.use()
        self._quad.render(moderngl.TRIANGLE_STRIP, vertices=4)

    def release(self) -> None:
        """Give the GL objects back."""
        self._quad.release()
        self._program.release()


class Program:
    """A compiled ISF file. Raises IsfError with the file, its line and the driver's message.

    With `alike`, all images that it will be given are as large as what is drawn of it.
    """

    def __init__(self, context: moderngl.Context, source: Source, alike: bool = False) -> None:
        self.context, self.source = context, source
        self.shaders: list[Shader] = []
        """One for each pass."""
        try:
            given = [each.name for each in source.header.inputs if alike and each.kind == "image"]
            for number, row in enumerate(source.header.passes):
                in_place = given if not row.target else [row.target] if row.persistent else []
                self.shaders.append(Shader(context, source, number, in_place))
        except IsfError:
            for shader in self.shaders:
                shader.release()
            raise
        self.blank = context.texture((1, 1), 4, bytes(4))
        self.imported = {name: _texture(context, pixels) for name, pixels in source.images.items()}
        self.copier = Copier(context)

    def warm_up(self) -> None:
        """Draw one pixel: drivers put off a part of compiling until the first use, which a show's frame is not to wait
        for. The frame that is bound stays bound.
        """
        before = self.context.fbo
        texture = self.context.texture((1, 1), 4)
        target = self.context.framebuffer([texture])
        for shader in self.shaders:
            for unit in shader.units.values():
                self.blank.use(unit)
            shader.draw(target, {})
        before.use()
        target.release()
        texture.release()

    def release(self) -> None:
        """Give the GL objects back."""
        owned: list[Any] = [self.copier, *self.shaders, self.blank, *self.imported.values()]
        for each in owned:
            each.release()


class Effect:
    """One copy of a program, with what it remembers from frame to frame."""

    def __init__(self, program: Program) -> None:
        self.program = program
        header = program.source.header
        self._buffers = {
            name: Buffer(program.context, program.copier, [row for row in header.passes if row.target == name])
            for name in header.targets
        }
        # A buffer is of one size, that of its first pass.
        self._sizes = {row.target: row for row in reversed(header.passes) if row.target}
        self._audio: dict[str, moderngl.Texture] = {}
        self._last = header.passes[-1].target
        if self._last:
            program.copier.warm_up()

    def draw(self, target: moderngl.Framebuffer, inputs: Mapping[str, Value], timing: Timing) -> None:
        """Draw a frame into `target`, all of it; `inputs` by their names in the file, those that are missing at their
        defaults. Images are textures, audio arrays are (channels, samples).
        """
        # moderngl binds the framebuffer before this one again whenever it makes one: it must not be a released one.
        target.use()
        names = {"WIDTH": float(target.width), "HEIGHT": float(target.height)}
        uniforms: dict[str, Any] = {"TIME": timing.time, "TIMEDELTA": timing.dt}
        uniforms |= {"FRAMEINDEX": timing.frame, "DATE": timing.date}
        textures = self._take_inputs(inputs, names, uniforms)
        program = self.program
        sizes = {name: (_pixels(row.width, names), _pixels(row.height, names)) for name, row in self._sizes.items()}
        for name, size in bounded(sizes, self._buffers).items():
            self._buffers[name].begin(size)
        for index, row in enumerate(program.source.header.passes):
            into = self._buffers[row.target].writable() if row.target else target
            shader = program.shaders[index]
            for name, unit in shader.units.items():
                texture = self._buffers[name].readable if name in self._buffers else textures[name]
                (texture or program.blank).use(unit)
            uniforms["RENDERSIZE"] = float(into.width), float(into.height)
            shader.draw(into, uniforms)
            if row.target:
                self._buffers[row.target].written()
        if self._last:
            shown = self._buffers[self._last].readable
            assert shown is not None  # it was written just now
            program.copier.copy(shown, target)

    def _take_inputs(
        self, inputs: Mapping[str, Value], names: dict[str, float], uniforms: dict[str, Any]
    ) -> dict[str, moderngl.Texture]:
        """Add the inputs to the `uniforms`, and what size expressions may ask for to `names`; returns the images."""
        program = self.program
        textures = dict(program.imported)
        for row in program.source.header.inputs:
            value: Any = inputs.get(row.name)
            if row.kind in TEXTURES:
                textures[row.name] = self._texture(row, value)
                continue
            value = _default(row) if value is None else value
            if row.kind in WHOLE:
                value = WHOLE[row.kind](value)
            uniforms[program.source.fragment.uniforms[row.name]] = value
            names[row.name] = float(value[0] if isinstance(value, tuple) else value)
        return textures

    def release(self) -> None:
        """Give the buffers back; the program stays."""
        owned: list[Any] = [*self._buffers.values(), *self._audio.values()]
        for each in owned:
            each.release()
        self._audio.clear()

    def _texture(self, row: Input, value: Any) -> moderngl.Texture:
        """The texture of an image input, or of an audio one, whose samples are written into it."""
        if isinstance(value, moderngl.Texture):
            return value
        if value is None or row.kind == "image":
            return self.program.blank
        samples = fitted(np.atleast_2d(np.asarray(value, np.float32)), row)
        size = samples.shape[1], samples.shape[0]
        texture = self._audio.get(row.name)
        if texture is None or texture.size != size:
            if texture is not None:
                texture.release()
            texture = self._audio[row.name] = self.program.context.texture(size, 1, dtype="f4")
            texture.repeat_x = texture.repeat_y = False
            texture.swizzle = "RRR1"
        texture.write(np.ascontiguousarray(samples))
        return texture


def _default(row: Input) -> Any:
    """The value of an input that nobody has set."""
    if row.kind in ("event", "bool"):
        return bool(row.default)
    if row.kind == "long":
        return int(row.default if isinstance(row.default, float) else (row.values or (0,))[0])
    return row.default if row.default is not None else {"point2D": (0.0, 0.0), "color": (1.0,) * 4}.get(row.kind, 0.0)


def _pixels(expression: Any, names: Mapping[str, float]) -> int:
    """A side of a buffer: whole, at least 1; the picture's own where the expression has no value."""
    try:
        return int(min(max(expression.value(names), 1), MOST_PIXELS))
    except (ArithmeticError, ValueError):
        return 1


def _texture(context: moderngl.Context, pixels: NDArray[np.uint8]) -> moderngl.Texture:
    texture = context.texture((pixels.shape[1], pixels.shape[0]), 4, pixels)
    texture.repeat_x = texture.repeat_y = False
    return texture


def compile_error(source: Source, log: str) -> IsfError:
    """The driver's first error, at the line of the file that it names."""
    path = source.vertex_path if "vertex_shader" in log.split("GLSL Compiler failed")[-1][:40] else source.path
    found = [match for match in LOG_LINE.finditer(log) if "warning" not in match[0].lower()[:40]]
    for match in found:
        if int(match[2]) < OUR_LINES:
            return error_at(path, int(match[2]), match[3].removeprefix("error: ").strip())
    lines = [line.strip() for line in log.splitlines() if line.strip(" =\t") and not line.startswith("GLSL")]
    return IsfError(f"{path}: {'; '.join(lines) or 'the driver refused it'}")
