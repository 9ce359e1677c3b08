"""The canon: shows each dancer as it was some time ago, the next one longer ago than the one before.

Owns the latents of the last `HISTORY` seconds of dance time and every dancer's delay. A delay never jumps: a dancer
falls behind at half speed and catches up at double speed, so that the dance shown is always one that was danced.
"""

import math

import numpy as np
from numpy.typing import NDArray

from engine.parameters import MOST_DANCERS

# Seconds of dance time that can be shown again: 64 dancers half a second apart. Longer delays are this long: those at
# the end of the line then dance together. A dancer's take half a megabyte, a company's 31.
HISTORY = 32.0
# Steps of delay a step at most. A delay nears its aim by 1 - exp(-steps / SETTLE) of what is left, so that it sets out
# at once and arrives softly.
FALL_BEHIND, CATCH_UP = 0.5, 1.0
SETTLE = 0.5
# Steps behind the longest delay that may be shown too: those of the step in hand, either side.
MARGIN = 3
# Bytes of the history that a state keeps at most, which is saved every few seconds: 8 dancers, the last 8 s behind.
MOST_KEPT = 1 << 20


class Canon:
    """The history of a company. Steps are counted by `push`; `rate` is steps a second of dance time."""

    def __init__(self, latent_size: int, rate: int) -> None:
        self.longest = HISTORY * rate
        """The longest delay, in steps."""
        self.delays = np.zeros(MOST_DANCERS, np.float64)
        """By how many steps each dancer lags behind, (most dancers)."""
        self._settle = SETTLE * rate
        # The memory is taken from the system as it is first written.
        self._latents = np.zeros((math.ceil(self.longest) + 3, MOST_DANCERS, latent_size), np.float32)
        self._newest = 1

    def begin(self, dancer: int, latent: NDArray[np.float32]) -> None:
        """The dancer begins here: it has stood at `latent` so far and lags behind nobody."""
        self.delays[dancer] = 0
        for step in (self._newest - 1, self._newest):
            self._latents[step % len(self._latents), dancer] = latent

    def push(self, latents: NDArray[np.float32]) -> None:
        """Takes in the latents (dancers, latent_size) of a step."""
        self._newest += 1
        self._latents[self._newest % len(self._latents), : len(latents)] = latents

    def newest(self, dancers: int) -> NDArray[np.float32]:
        """The latents pushed last, (dancers, latent_size)."""
        return self._latents[self._newest % len(self._latents), :dancers]

    def advance(self, steps: float, apart: float) -> None:
        """Moves the delays on by `steps` of dance time, towards `apart` steps from each dancer to the next."""
        aims = np.minimum(np.arange(len(self.delays)) * apart, self.longest)
        moves = (aims - self.delays) * -math.expm1(-steps / self._settle)
        self.delays += np.clip(moves, -CATCH_UP * steps, FALL_BEHIND * steps)

    def show(self, dancers: int, ago: float) -> NDArray[np.float32]:
        """The latents to show `ago` steps (0..1) after the newest was due, (dancers, latent_size), to keep."""
        steps = self.delays[:dancers] + ago
        back = np.ceil(steps)
        shares = (back - steps).astype(np.float32)[:, None]
        places = (self._newest - back.astype(np.int64)) % len(self._latents)
        rows = np.arange(dancers)
        earlier = self._latents[places, rows]
        # The newest of all has no later one; its share is 0.
        later = self._latents[np.where(back > 0, (places + 1) % len(self._latents), places), rows]
        return earlier + shares * (later - earlier)

    def state(self, dancers: int) -> dict[str, NDArray]:
        """What the canon carries on from: name -> array. The history, (steps, dancers, latent_size), oldest first, is
        what may yet be shown again; where that would be more than MOST_KEPT, those furthest behind catch up.
        """
        size = dancers * self._latents.shape[2] * self._latents.itemsize
        longest = math.ceil(self.delays[:dancers].max())
        steps = MARGIN + min(longest, max(0, MOST_KEPT // size - MARGIN), math.floor(self.longest))
        return {
            "delays": np.minimum(self.delays[:dancers], steps - MARGIN),
            "newest": np.array(self._newest, np.int64),
            "history": self._latents[self._places(steps, self._newest), :dancers],
        }

    def check(self, delays: NDArray, newest: NDArray, history: NDArray) -> None:
        """Raises ValueError for what `state` cannot have given; their shapes, but for the steps, are known to fit."""
        longest = len(history) - MARGIN
        if not 0 <= longest <= self.longest or not ((delays >= 0) & (delays <= longest)).all() or not newest >= 0:
            raise ValueError("state of the dance: its canon cannot have been danced")

    def restore(self, delays: NDArray, newest: NDArray, history: NDArray) -> None:
        """Takes up what `state` gave."""
        self.delays[: len(delays)] = delays
        self._newest = int(newest)
        self._latents[self._places(len(history), self._newest), : len(delays)] = history

    def _places(self, steps: int, newest: int) -> NDArray[np.int64]:
        """Where the latents of the last `steps` are, the newest last."""
        return np.arange(newest - steps + 1, newest + 1) % len(self._latents)
