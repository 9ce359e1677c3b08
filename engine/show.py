"""The show: one frame, top to bottom. Live and offline run this same code.

Owns nothing but the order of things; the parts come through the constructor.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Protocol

from engine.controls import Controls


class Clock(Protocol):
    """Show time. `wait` returns when the frame's picture has to be begun, and tells whether it took any time."""

    frame: int
    dt: float

    @property
    def time(self) -> float: ...

    def advance(self) -> float: ...

    def wait(self) -> bool: ...


class Source(Protocol):
    """Brings input in. `poll` drains what has come and never waits; live it is called twice in a frame's time."""

    def poll(self, controls: Controls) -> None: ...

    def close(self) -> None: ...


class Dancer(Protocol):
    """Dances on; what it returns, its latents (dancers, latent_size) or layers of them, is handed to the picture."""

    def advance(self, dt: float, values: Mapping[str, float], /) -> Any: ...


class Picture(Protocol):
    """Shows what the show's dancer gives: `prepare` decodes it, `draw` draws it; what that returns the sinks get."""

    def prepare(self, latents: Any, /) -> None: ...

    def draw(self, values: Mapping[str, float], clock: Clock, /) -> Any: ...


class Sink(Protocol):
    """Takes frames out. `picture` is what the show's picture gives."""

    def present(self, picture: Any, values: Mapping[str, float], /) -> None: ...

    def close(self) -> None: ...


class Show:
    """A show of these parts."""

    def __init__(
        self,
        clock: Clock,
        sources: Sequence[Source],
        controls: Controls,
        dancer: Dancer,
        picture: Picture,
        sinks: Sequence[Sink],
    ) -> None:
        self.clock = clock
        self.sources = sources
        self.controls = controls
        self.dancer = dancer
        self.picture = picture
        self.sinks = sinks

    def tick(self) -> None:
        """Makes one frame: the dance in good time, the picture as late as can be, with what was played until then."""
        dt = self.clock.advance()
        self._poll()
        self.controls.advance(dt)
        latents = self.dancer.advance(dt, self.controls.snapshot())
        self.picture.prepare(latents)
        if self.clock.wait():
            self._poll()
            self.controls.advance(0)
        controls = self.controls.snapshot()  # one consistent set of values for the picture and the sinks
        picture = self.picture.draw(controls, self.clock)
        for sink in self.sinks:
            sink.present(picture, controls)

    def _poll(self) -> None:
        for source in self.sources:
            source.poll(self.controls)

    def close(self) -> None:
        """Closes every source and sink, the last first, even where one of them fails; then raises what failed."""
        with ExitStack() as stack:
            for source in self.sources:
                stack.callback(source.close)
            for sink in self.sinks:
                stack.callback(sink.close)
