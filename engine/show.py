"""The show: one frame, top to bottom. Live and offline run this same code.

Owns nothing but the order of things; the parts come through the constructor.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Protocol

from engine.controls import Controls
from engine.parameters import LIGHT


class Clock(Protocol):
    """Show time. `wait` returns when the frame's picture has to be begun, and tells whether it took any time.

    `more` are seconds that the picture is thought to take beyond the one before.
    """

    frame: int
    dt: float

    @property
    def time(self) -> float: ...

    def advance(self) -> float: ...

    def wait(self, more: float, /) -> bool: ...


class Source(Protocol):
    """Brings input in. `poll` drains what has come and never waits; live it is called twice in a frame's time, and once
    more where what it brings counts at once.
    """

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


class Screen(Protocol):
    """Where a frame is seen. `ready` has all of it ready but its light, and returns when that has to be known; it tells
    whether anything is seen.
    """

    def ready(self, picture: Any, values: Mapping[str, float], /) -> bool: ...


class Show:
    """A show of these parts. On a `screen`, which is one of the sinks, what the sources `at_once` bring of the light
    counts until the frame is seen. `longer` tells how many seconds longer than the one before a prepared frame is
    thought to take to draw, with these values.
    """

    def __init__(
        self,
        clock: Clock,
        sources: Sequence[Source],
        controls: Controls,
        dancer: Dancer,
        picture: Picture,
        sinks: Sequence[Sink],
        screen: Screen | None = None,
        at_once: Sequence[Source] = (),
        longer: Callable[[Mapping[str, float], Clock], float] = lambda values, clock: 0.0,
    ) -> None:
        self.clock = clock
        self.sources = sources
        self.controls = controls
        self.dancer = dancer
        self.picture = picture
        self.sinks = sinks
        self.screen = screen
        self.at_once = at_once
        self.longer = longer

    def tick(self) -> None:
        """Makes one frame: the dance in good time, the picture as late as can be, its light last of all, each with what
        was played until then.
        """
        dt = self.clock.advance()
        self._poll(self.sources)
        self.controls.advance(dt)
        values = self.controls.snapshot()
        self.picture.prepare(self.dancer.advance(dt, values))
        if self.clock.wait(self.longer(values, self.clock)):
            self._poll(self.sources)
            self.controls.advance(0)
        values = self.controls.snapshot()  # one consistent set of values for the picture and the sinks
        picture = self.picture.draw(values, self.clock)
        if self.screen is not None and self.screen.ready(picture, values):
            self._poll(self.at_once)
            values = self._relit(picture, values)
        for sink in self.sinks:
            sink.present(picture, values)

    def _poll(self, sources: Sequence[Source]) -> None:
        for source in sources:
            source.poll(self.controls)

    def _relit(self, picture: Any, values: Mapping[str, float]) -> Mapping[str, float]:
        """The frame's values, with the light that was played since, where the picture may be shown in it."""
        light = self.controls.glance(LIGHT)
        if light.items() <= values.items():
            return values
        relit = MappingProxyType({**values, **light})
        return relit if picture.relight(relit) else values

    def close(self) -> None:
        """Closes every source and sink, the last first, even where one of them fails; then raises what failed."""
        with ExitStack() as stack:
            for source in self.sources:
                stack.callback(source.close)
            for sink in self.sinks:
                stack.callback(sink.close)
