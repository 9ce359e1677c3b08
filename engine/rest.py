"""Rest: while the picture is closed and black, nobody dances and nothing is drawn, so that a night costs nothing.

Owns whether the show rests, and the frame rate meanwhile. What wakes it is `picture/closed` alone: sources are heard
as ever, at the lower rate, and so is the window kept.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from engine.show import Clock, Dancer, Picture

CLOSED = "picture/closed"
# Frames a second: OSC is answered within half of one, and a window that was uncovered is drawn again.
REST_HZ = 2.0
# Seconds of black before it: what holds pictures back, a limiter or a driver, has shown it by then.
BLACK = 1.0


class RatedClock(Clock, Protocol):
    """A show's clock whose rate can be changed."""

    rate_hz: float


class Rest:
    """A sink that has the show rest, by `clock`. The parts that rest are to be asked for: `dancer` and `picture`."""

    def __init__(self, clock: RatedClock) -> None:
        self.resting = False
        """Whether the frame in hand is the black one of before."""
        self._clock = clock
        self._rate_hz = clock.rate_hz
        self._black = 0.0

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Says of the next frame whether the show rests in it."""
        del picture
        closed = values.get(CLOSED, 0.0) >= 1
        self._black = self._black + self._clock.dt if closed else 0.0
        if (self._black >= BLACK) != self.resting:
            self.resting = not self.resting
            self._clock.rate_hz = REST_HZ if self.resting else self._rate_hz

    def close(self) -> None:
        """Nothing to give back."""

    def dancer(self, dancer: Dancer) -> Dancer:
        """This dancer, but at rest."""
        return RestingDancer(dancer, self)

    def picture(self, picture: Picture) -> Picture:
        """This picture, but at rest."""
        return RestingPicture(picture, self)


class RestingDancer:
    """Stands still at rest."""

    def __init__(self, dancer: Dancer, rest: Rest) -> None:
        self._dancer, self._rest = dancer, rest
        self._latents: Any = None

    def advance(self, dt: float, values: Mapping[str, float]) -> Any:
        """Dances on, or stands as it stood."""
        if not self._rest.resting:
            self._latents = self._dancer.advance(dt, values)
        return self._latents


class RestingPicture:
    """Stays as it is at rest."""

    def __init__(self, picture: Picture, rest: Rest) -> None:
        self._picture, self._rest = picture, rest
        self._drawn: Any = None

    def prepare(self, latents: Any) -> None:
        """Has the picture decode, but for what is at rest."""
        if not self._rest.resting:
            self._picture.prepare(latents)

    def draw(self, values: Mapping[str, float], clock: Clock) -> Any:
        """Has the picture drawn, or gives that of before."""
        if not self._rest.resting:
            self._drawn = self._picture.draw(values, clock)
        return self._drawn
