"""Decodes a company's images, as many a frame as there is time for: a large company is redrawn in turn.

Owns the images. One costs 2.3 ms on a core without a GPU, so 64 are more than four frames' time: what holds the frame
rate then is that most of them stay as they were for a while. The leader is decoded in every frame. What has not changed
is not decoded again: a dance that is frozen costs nothing, and in unison all share the leader's image.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

# The share of a frame's period that decoding may take in a live show; the step of 64 dancers takes another 0.4.
SHARE = 0.3


class Decoding:
    """The images of a company. `decode` turns latents (n, latent_size) into images (n, height, width) uint8.

    `image_size` is (width, height), `blank` the level shown for who has not had a turn yet. Without a `budget`, in
    seconds a frame by the clock `now`, everyone is decoded at once: renders, and machines with a GPU.
    """

    def __init__(
        self,
        decode: Callable[[NDArray[np.float32]], NDArray[np.uint8]],
        image_size: tuple[int, int],
        blank: int,
        budget: float | None = None,
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

    def advance(self, latents: NDArray[np.float32]) -> None:
        """Brings the images up to date with `latents` (dancers, latent_size) as far as there is time for."""
        began = self._now()
        self._fit(latents)
        self.images = self.images.copy()  # those handed out stay as they were
        changed = (self._latents != latents).any(axis=1)
        alike = (latents == latents[0]).all(axis=1)
        alike[0] = False
        self.fresh = ~changed
        self._waiting += 1
        if changed[0]:
            self._take(np.array([0]), latents)
        self._share(np.flatnonzero(alike & changed), latents)
        queue = np.flatnonzero(changed & ~alike)[int(changed[0]) :]
        if self._budget is None:
            if len(queue):
                self._take(queue, latents)
            return
        for dancer in queue[np.argsort(-self._waiting[queue], kind="stable")]:
            self._take(np.array([dancer]), latents)
            if self._now() - began >= self._budget:
                break

    def _take(self, dancers: NDArray[np.int64], latents: NDArray[np.float32]) -> None:
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
        self.images = np.concatenate(
            [self.images[:known], np.full((new, *self.images.shape[1:]), self._blank, np.uint8)]
        )
        self._waiting = np.concatenate([self._waiting[:known], np.full(new, np.iinfo(np.int32).max)])
