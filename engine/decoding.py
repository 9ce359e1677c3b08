"""Decodes a company's images, as many a frame as there is time for: a large company is redrawn in turn.

Owns the images. One costs 2.3 ms on a core without a GPU, so 64 are more than four frames' time: what holds the frame
rate then is that most of them stay as they were for a while. The leader is decoded in every frame. What has not changed
is not decoded again: a dance that is frozen costs nothing, and in unison all share the leader's image.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from engine.parameters import MOST_DANCERS

# The share of a frame's period that decoding may take in a live show, and by how much less the largest company leaves:
# stepping and drawing 64 takes 18 ms on two cores, drawing 16 takes 8.
SHARE = 0.3
CROWDED = 0.3
# After a frame that came late, or nearly, where the processor draws the picture too: two dancers' images on a slow one.
# A company of four then takes turns for as long as it is short of time.
HURRIED = 0.1
# As many are decoded at once as there are cores for it (`Bundle.together`).
AT_ONCE = 2
# In the queue, as if they had waited for so many frames: the leader, and then who has not had a turn at all.
FIRST, NEVER = 2**40, 2**32


class Decoding:
    """The images of a company. `decode` turns latents (n, latent_size) into images (n, height, width) uint8.

    `image_size` is (width, height), `blank` the level, or the image, shown for who has not had a turn yet. `budget`
    gives the seconds a frame, by the clock `now`, that there are; where it gives None, everyone is decoded at once:
    renders, and machines with a GPU. It is asked in every frame, for a GPU may fail.
    """

    def __init__(
        self,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        image_size: tuple[int, int],
        blank: int | NDArray[np.uint8],
        budget: Callable[[], float | None] = lambda: None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.images: NDArray[np.uint8] = np.zeros((0, image_size[1], image_size[0]), np.uint8)
        """The last image of each dancer, (dancers, height, width)."""
        self.fresh: NDArray[np.bool_] = np.zeros(0, np.bool_)
        """Whose image was brought up to date in the last frame, (dancers)."""
        self._decode = decode
        self._blank = blank
        self._budget = budget
        self._now = now
        self._latents = np.zeros((0, 0), np.float32)  # what `images` show, (dancers, latent_size); NaN: nothing yet
        self._waiting = np.zeros(0, np.int64)  # frames since the last turn, (dancers)

    def advance(self, latents: NDArray[np.float32], turns: NDArray[np.bool_] | None = None, share: float = 1.0) -> None:
        """Brings the images up to date with `latents` (dancers, latent_size) as far as there is time for: this `share`
        of the budget, where other companies are on too.

        With `turns` (dancers) only those of these dancers, as a show that is replayed had time for; its budget is
        then to be without end.
        """
        self._fit(latents)
        self.images = self.images.copy()  # those handed out stay as they were
        changed = (self._latents != latents).any(axis=1)
        alike = (latents == latents[0]).all(axis=1)
        alike[0] = False
        self.fresh = ~changed
        self._waiting += 1
        queue = np.flatnonzero(changed & ~alike)
        if turns is not None:
            queue = queue[turns[queue]]
        budget = self._budget()
        if budget is None:
            for dancers in (queue[queue == 0], queue[queue > 0]):  # the leader as it would be alone, to the last bit
                self._take(dancers, latents)
        else:
            budget *= share * (1 - CROWDED * (len(latents) / MOST_DANCERS) ** 2)
            self._waiting[0] = FIRST
            self._take_turns(queue[np.argsort(-self._waiting[queue], kind="stable")], latents, budget)
        self._share(np.flatnonzero(alike & changed), latents)

    def _take_turns(self, queue: NDArray[np.int64], latents: NDArray[np.float32], budget: float) -> None:
        """Decodes dancers of the queue until what one turn more would take, by the last one, is beyond the budget."""
        began = now = self._now()
        for first in range(0, len(queue), AT_ONCE):
            self._take(queue[first : first + AT_ONCE], latents)
            before, now = now, self._now()
            if now - began + (now - before) > budget:
                break

    def _take(self, dancers: NDArray[np.int64], latents: NDArray[np.float32]) -> None:
        if not len(dancers):
            return
        self.images[dancers] = self._decode(latents[dancers])
        self._done(dancers, latents)

    def _share(self, dancers: NDArray[np.int64], latents: NDArray[np.float32]) -> None:
        self.images[dancers] = self.images[0]
        self._done(dancers, latents)

    def _done(self, dancers: NDArray[np.int64], latents: NDArray[np.float32]) -> None:
        self._latents[dancers] = latents[dancers]
        self._waiting[dancers] = 0
        self.fresh[dancers] = True

    def _fit(self, latents: NDArray[np.float32]) -> None:
        """Makes room for who joined, ahead of all others in the queue, and forgets who left."""
        known = min(len(self.images), len(latents))
        new = len(latents) - known
        shown = self._latents[:known] if known else np.zeros((0, latents.shape[1]), np.float32)
        self._latents = np.concatenate([shown, np.full((new, latents.shape[1]), np.nan, np.float32)])
        blank = np.full((new, *self.images.shape[1:]), self._blank, np.uint8)
        self.images = np.concatenate([self.images[:known], blank])
        self._waiting = np.concatenate([self._waiting[:known], np.full(new, NEVER)])
