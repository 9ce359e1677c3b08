"""The chain: the effects that are on, one after the other, from the dancers' coverage to the picture.

Owns the programs of the effects, the copies that are on, and the textures between them. An effect is on while its mix
is above 0, and starts anew when it comes on. Its `inputImage` is the picture so far; any other image it asks for is
the dancers alone. Two pictures drawn one after the other never share a texture: who shows the last may mix it in.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import moderngl
import numpy as np

from engine.audio.sound import SILENCE, Sound
from engine.controls import Controls
from engine.coverage import FrameClock
from engine.effects import Change, EffectFiles, copies, original
from engine.isf.errors import IsfError
from engine.isf.program import Effect, Program, Timing
from engine.isf.rows import inputs, rows
from engine.isf.source import Source
from engine.parameters import EFFECTS
from engine.passes import Pass, Target

# A texture each for the picture so far, what is drawn from it, their mix, and the last frame's picture, which may be
# the one that is shown.
TEXTURES = 4
# Inputs that are of the sound.
SOUNDS = ("audio", "audioFFT")
# Of an effect's images these are the picture so far, by ISF's names; of a transition, what it comes from.
PICTURE_SO_FAR = ("inputImage", "startImage")
# The sizes at which effects are tried before a show, (width, height); what they take at others follows from them. Of
# the parts of these that effects draw in, some are powers of two wide and some are not: drivers compile for either.
TRIED_AT = (176, 99), (320, 180)
TRIES = 3  # at each; the first one compiles
# Seconds after which effects see TIME begin anew. Theirs has 24 bits: after these 6 hours it steps by 2 ms, after a
# fortnight by two frames.
ANEW_AFTER = 21600.0


class Chain:
    """Draws the effects in `files` with `context`; a source, which takes up the files that are saved.

    `began` is the date that shaders see at time 0; `tell` takes a line on what cannot be drawn.
    """

    def __init__(
        self, context: moderngl.Context, files: EffectFiles, began: datetime, tell: Callable[[str], None]
    ) -> None:
        self.broken: dict[str, str] = {}
        """Effects whose file cannot be drawn as it is now, and why."""
        self.order: tuple[str, ...] = ()
        """The copies that are on, in order."""
        self.hears = False
        """Whether one of them looks at the sound."""
        self._context = context
        self._files = files
        self._began = began
        self._tell = tell
        self._programs: dict[str, Program] = {}
        self._seconds: dict[str, tuple[float, float]] = {}  # that a program takes: at all, and for a pixel more
        self._copies: dict[str, Effect] = {}
        self._mix = Pass(context, "mix.frag")
        self._targets = [Target(context, (1, 1)) for _ in range(TEXTURES)]
        self._trial = [Target(context, (1, 1)) for _ in range(2)]  # apart: the last picture must stay meanwhile
        self._picture: moderngl.Texture | None = None  # the last frame's
        self._time = 0.0
        self._warm_up()
        for name, change in files.take_changes():
            self._take_up(name, change)

    def poll(self, controls: Controls) -> None:
        """Takes up effects whose files were saved; their parameters stay where they are."""
        for name, change in self._files.take_changes(1):  # each takes a part of a frame's time
            if not self._take_up(name, change):
                continue
            assert isinstance(change, Source)
            for copy in copies(name):
                new = rows(copy, change.header)
                known = [key for key in controls.parameters if key.startswith(f"{EFFECTS}/{copy}/")]
                controls.withdraw(set(known) - {row.key for row in new})
                controls.declare(new)

    def close(self) -> None:
        """Ends the looking for files that were saved."""
        self._files.close()

    def _warm_up(self) -> None:
        """Mixes once: drivers compile at the first use, and for textures like these."""
        mixed, image = self._trial
        for each in self._trial:
            each.resize(TRIED_AT[0])
        self._mix.draw(mixed.framebuffer, picture=image.texture, other=image.texture, share=0.5)

    def _take_up(self, name: str, change: Change) -> bool:
        """Compiles an effect, or its newer version, and tries it; where that fails, the last good one stays.

        Of a file that is gone the last good one stays too, and nothing is wrong any more.
        """
        if change is None:
            if self.broken.pop(name, None):
                self._files.forget(name)
                self._tell(f"{name}: its file is gone, and what was wrong with it")
            return False
        try:
            if isinstance(change, IsfError):
                raise change
            program = Program(self._context, change, alike=True)
            self._seconds[name] = self._try_out(name, program)
        except Exception as error:  # whatever a stranger's file does to us or to the driver, the show goes on
            told = f"{error}" if isinstance(error, IsfError) else f"{name}: {type(error).__name__}: {error}"
            self.broken[name] = told
            self._tell(f"{told}{'; it stays as it was' if name in self._programs else ''}")
            return False
        self.broken.pop(name, None)
        for copy in [copy for copy in self._copies if original(copy) == name]:
            self._copies.pop(copy).release()
        if older := self._programs.pop(name, None):
            older.release()
        self._programs[name] = program
        return True

    def _try_out(self, name: str, program: Program) -> tuple[float, float]:
        """Draws an effect, small, for drivers compile at the first use; returns the seconds it takes: at all, and for
        a pixel more. Raises IsfError where OpenGL refuses something of it.
        """
        target, image = self._trial
        effect = Effect(program)
        defaults = {row.key: row.default for row in rows(name, program.source.header)}
        pixels, seconds = [], []
        try:
            for size in TRIED_AT:
                target.resize(size)
                image.resize(size)
                given = self._inputs(name, program, defaults, image.texture, image.texture, SILENCE)
                taken = []
                for _ in range(TRIES):
                    began = time.perf_counter()
                    effect.draw(target.framebuffer, given, Timing(0.0, 1 / 60, 0, self._date(0.0)))
                    self._context.finish()
                    taken.append(time.perf_counter() - began)
                pixels.append(size[0] * size[1])
                seconds.append(min(taken))
        finally:
            target.framebuffer.use()
            effect.release()
            error = self._context.error  # asking clears it
        if error != "GL_NO_ERROR":
            raise IsfError(f"{program.source.path}: OpenGL reports {error}")
        a_pixel = max(0.0, (seconds[1] - seconds[0]) / (pixels[1] - pixels[0]))
        return max(0.0, seconds[1] - a_pixel * pixels[1]), a_pixel

    def foretold(self, size: tuple[int, int]) -> dict[str, float]:
        """Seconds that each copy that is on is thought to take for a picture of a size (width, height)."""
        pixels = size[0] * size[1]
        return {
            copy: at_all + pixels * a_pixel
            for copy in self.order
            for at_all, a_pixel in [self._seconds[original(copy)]]
        }

    def arrange(self, values: Mapping[str, float]) -> bool:
        """Finds out which effects are on, and in which order; returns whether that has changed."""
        on = (copy for name in self._programs for copy in copies(name) if values.get(f"{EFFECTS}/{copy}/mix", 0.0) > 0)
        order = tuple(sorted(on, key=lambda copy: (values[f"{EFFECTS}/{copy}/place"], copy)))
        if order == self.order:
            return False
        for gone in self._copies.keys() - set(order):
            self._copies.pop(gone).release()
        self.order = order
        self.hears = any(
            row.kind in SOUNDS for copy in order for row in self._programs[original(copy)].source.header.inputs
        )
        return True

    def draw(
        self, coverage: moderngl.Texture, values: Mapping[str, float], clock: FrameClock, sound: Sound
    ) -> moderngl.Texture:
        """The picture of the frame, of the coverage's size; it stays as it is for a frame more."""
        timing = Timing(clock.time % ANEW_AFTER, clock.time - self._time, clock.frame, self._date(clock.time))
        self._time = clock.time
        picture, last = coverage, self._picture
        for copy in self.order:
            effect = self._copies.get(copy)
            if effect is None:
                effect = self._copies[copy] = Effect(self._programs[original(copy)])
            wet, mixed = [each for each in self._targets if each.texture not in (picture, last)][:2]
            wet.resize(coverage.size)
            given = self._inputs(copy, effect.program, values, picture, coverage, sound)
            effect.draw(wet.framebuffer, given, timing)
            share = values[f"{EFFECTS}/{copy}/mix"]
            if share < 1:
                mixed.resize(coverage.size)
                self._mix.draw(mixed.framebuffer, picture=picture, other=wet.texture, share=share)
                picture = mixed.texture
            else:
                picture = wet.texture
        self._picture = picture
        return picture

    def release(self) -> None:
        """Gives the GL resources back."""
        owned: list[Any] = [*self._copies.values(), *self._programs.values(), *self._targets, *self._trial, self._mix]
        for each in owned:
            each.release()

    def _inputs(
        self,
        copy: str,
        program: Program,
        values: Mapping[str, float],
        picture: moderngl.Texture,
        coverage: moderngl.Texture,
        sound: Sound,
    ) -> dict[str, Any]:
        """What a copy is drawn with: its parameters' values, and the images and the sound that it asks for."""
        header = program.source.header
        given: dict[str, Any] = dict(inputs(header, copy, values))
        for each in header.inputs:
            if each.kind == "image":
                given[each.name] = picture if each.name in PICTURE_SO_FAR else coverage
            elif each.kind == "audio":
                given[each.name] = sound.waveform.astype(np.float32) / 255
            elif each.kind == "audioFFT":
                given[each.name] = sound.spectrum.astype(np.float32) / 255
        return given

    def _date(self, seconds: float) -> tuple[float, float, float, float]:
        """ISF's DATE at a time of the show: year, month, day, and seconds since midnight."""
        now = self._began + timedelta(seconds=seconds)
        of_day = now.hour * 3600 + now.minute * 60 + now.second + now.microsecond / 1e6
        return float(now.year), float(now.month), float(now.day), of_day
