"""Glances: a company watched over by a few of its images, as surely as by all of them, for dances of hours and days.

Owns what may be left out. Most of a dance's time is its images', and of most of them it is known beforehand that they
show no trouble: a pose that is far from another a third of a second ago was not frozen meanwhile. Everybody is looked
at in turns; who may stand still, or is nearly out of the picture, is looked at all the time, beginning with the last
second, which is looked at again.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.dancer import Dancer
from engine.health import SECOND, Motion, Watchdog
from engine.metadata import Metadata
from engine.show import Clock

# Of the healthy areas, so much at either end is looked at closely: a fifth is 0.021 of the default dancer's image, and
# within five steps no area of its footage's changes by more than 0.019.
EDGE = 0.2


class Glances:
    """A picture without GL: the decoder's images of those whose turn it is, each in one of `every` frames, and of those
    in `closely`, (dancers). `keep` is how many frames can be looked back.
    """

    def __init__(
        self,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        dancer: Dancer,
        every: int,
        keep: int,
    ) -> None:
        self.images: NDArray[np.uint8] = np.zeros((0, 0, 0), np.uint8)
        """Of everybody, (dancers, height, width), as they were last seen."""
        self.fresh = np.zeros(dancer.dancers, np.bool_)
        """Whose image is the last frame's own."""
        self.turn = np.zeros(dancer.dancers, np.bool_)
        """Whose turn it was in the last frame."""
        self.closely = np.full(dancer.dancers, every == 1)
        self.decoded = 0
        """How many images have been decoded."""
        self.every = every
        self._decode = decode
        self._dancer = dancer
        self.frame = 0
        """Which frame of the dance comes next."""
        self._past: deque[tuple[NDArray[np.float64], NDArray[np.float32]]] = deque(maxlen=keep)  # positions, latents

    def prepare(self, latents: NDArray[np.float32]) -> None:
        """Decodes those of the frame's latents whose images are looked at."""
        self._past.append((self._dancer.positions, latents))
        self.turn = (np.arange(len(latents)) + self.frame) % self.every == 0
        self.frame += 1
        self.fresh = self.turn | self.closely
        if not self.fresh.any():
            return
        images = self._decode(latents[self.fresh])
        self.decoded += len(images)
        if len(self.images) != len(latents):
            self.images = np.zeros((len(latents), *images.shape[1:]), np.uint8)
        self.images[self.fresh] = images

    def draw(self, values: Mapping[str, float], clock: Clock) -> Self:
        """Returns itself, ready for the sinks."""
        return self

    def look_back(self, dancer: int, since: float) -> list[tuple[float, NDArray[np.uint8]]]:
        """The dancer's images after the place `since` up to now, each with its place, in steps of dance time."""
        past = [(positions[dancer], latents[dancer]) for positions, latents in self._past if positions[dancer] > since]
        images = self._decode(np.stack([latent for _, latent in past]))
        self.decoded += len(images)
        return list(zip((float(place) for place, _ in past), images, strict=True))


def look_back(rate: int, apart: float) -> float:
    """How far a watchdog looks back, in steps: over the last second, and up to two turns before it."""
    return SECOND * rate + 2 * apart


class GlancingWatchdog(Watchdog):
    """The watchdog of a company seen in `Glances`, whose dancers are `apart` steps on from one turn to the next.

    It finds the frozen pose that the plain one would have found, in the very step. A degenerate image that comes and
    goes between two turns, neither of which is near the edge, is not found.
    """

    def __init__(self, dancer: Dancer, metadata: Metadata, apart: float, say: Callable[[str], None]) -> None:
        super().__init__(dancer, metadata, say)
        self.longest_still = 0.0
        """The longest that anybody stood still, a second or more, in seconds of dance time."""
        rate = metadata.steps_a_second
        self._exact = [Motion(rate, metadata.health.slow_motion) for _ in range(dancer.dancers)]
        # The way that a pose goes in a second is at least as long as from turn to turn: where that is long enough, it
        # did not stand still.
        turns = max(1, int(SECOND * rate / apart)) if apart else 1
        self._rough = [Motion(rate, metadata.health.slow_motion * rate / turns) for _ in range(dancer.dancers)]
        self._begun = np.full(dancer.dancers, -np.inf)  # where they came to the end of the last crossing
        # A turn may come up to two turns after the first second that was slow, if a second is no whole number of turns.
        self._back = look_back(rate, apart)
        edge = EDGE * (self._greatest - self._least)
        self._safe = self._least + edge, self._greatest - edge

    def present(self, picture: Glances, values: Mapping[str, float]) -> None:  # type: ignore[override]
        """Looks at the images that are there, and at those before where there may be trouble."""
        del values
        positions, easing = self._dancer.positions, self._dancer.easing
        self._begun[easing] = positions[easing]
        for dancer in np.flatnonzero(easing):
            self._forget(int(dancer))
        for dancer in np.flatnonzero(picture.fresh & ~easing):
            self._see(picture, int(dancer), float(positions[dancer]))
        for fall in self._dancer.take_falls():
            self.resets += 1
            self._forget(fall.dancer)
            self._say(f"step {fall.step}: dancer {fall.dancer}: {fall.reason}; eased back to passage {fall.passage}")

    def _see(self, picture: Glances, dancer: int, position: float) -> None:
        """Looks at a dancer that is seen; closely, or whether to look closely."""
        image, exact, rough = picture.images[dancer], self._exact[dancer], self._rough[dancer]
        if picture.turn[dancer]:
            rough.see(image, position)
        least, greatest = self._safe
        suspicious = rough.still > 0 or not least <= self._area(image) <= greatest
        seen = [(position, image)]
        if not picture.closely[dancer]:
            if not suspicious:
                return
            picture.closely[dancer] = True
            exact.forget()
            seen = picture.look_back(dancer, max(float(self._begun[dancer]), position - self._back))
        for place, each in seen:
            exact.see(each, place)
            self.longest_still = max(self.longest_still, exact.still)
            if reason := self._trouble(each, exact):
                self._dancer.ease_back(dancer, reason)
                return
        if picture.turn[dancer] and not suspicious and not exact.still:
            picture.closely[dancer] = picture.every == 1

    def _forget(self, dancer: int) -> None:
        self._exact[dancer].forget()
        self._rough[dancer].forget()
