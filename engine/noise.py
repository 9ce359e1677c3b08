"""The dance's noise: Philox 4x32-10 (Salmon et al., 2011), keyed by seed and dancer, counted by step.

Counter-based: the noise of any step can be drawn without the steps before it, so a dance can be taken up anywhere. It
is our own so that it stays the same: numpy's Generator streams may change between versions.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MULTIPLIERS = np.array([0xD2511F53, 0xCD9E8D57], np.uint64)
KEY_STEPS = np.array([0x9E3779B9, 0xBB67AE85], np.uint64)
ROUNDS = 10
WORD_BITS = np.uint64(32)
LOW_WORD = np.uint64(0xFFFFFFFF)

# The counter's last word tells uses apart that share seed, dancer and step.
FOR_STEPS, FOR_CHOICES = 0, 1
# numpy's cost is by the call, not by the number: drawn together, 16 steps cost about as much as two drawn alone.
LANES_AT_ONCE = 16


def philox(keys: NDArray[np.uint64], counters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Philox 4x32-10 of 32-bit words in 64-bit arrays: keys (2, ...), counters (4, ...) -> (4, ...).

    The trailing axes are broadcast against each other.
    """
    trailing = np.broadcast_shapes(keys.shape[1:], counters.shape[1:])
    multipliers = MULTIPLIERS.reshape(2, *(1,) * len(trailing))
    key_steps = KEY_STEPS.reshape(2, *(1,) * len(trailing))
    key = keys.reshape(2, *(1,) * (len(trailing) - keys.ndim + 1), *keys.shape[1:])
    even = np.broadcast_to(counters[0::2], (2, *trailing)).copy()  # words 0 and 2, which the multipliers meet
    odd = np.broadcast_to(counters[1::2], (2, *trailing)).copy()  # words 1 and 3
    product = np.empty_like(even)
    for _ in range(ROUNDS):
        np.multiply(even, multipliers, out=product)
        # The products cross over: words 0 and 1 are made of word 2's, words 2 and 3 of word 0's.
        np.right_shift(product[::-1], WORD_BITS, out=even)
        even ^= odd
        even ^= key
        np.bitwise_and(product[::-1], LOW_WORD, out=odd)
        key = (key + key_steps) & LOW_WORD
    return np.stack([even[0], odd[0], even[1], odd[1]])


class Noise:
    """The draws of a company of dancers, one seed of 32 bits for each; its place in the company is part of its key.

    Raises ValueError for a seed beyond 32 bits.
    """

    def __init__(self, seeds: Sequence[int], latent_size: int) -> None:
        for seed in seeds:
            if not 0 <= seed < 2**32:
                raise ValueError(f"seed {seed}: it must be in 0..{2**32 - 1}")
        self.seeds = tuple(seeds)
        self._latent_size = latent_size
        self._keys = np.array([self.seeds, range(len(self.seeds))], np.uint64)  # (2, dancers)
        # Two words make two normals; one more word is the uniform draw.
        self._pairs = -(-latent_size // 2)
        self._blocks = -(-(2 * self._pairs + 1) // 4)
        self._at_once = max(1, LANES_AT_ONCE // len(self.seeds))
        self._drawn = range(0)
        self._uniform = np.empty((0, 0), np.float32)
        self._normal = np.empty((0, 0, 0), np.float32)

    def draw(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The draws of a step: uniform (dancers), in [0, 1), and standard normal (dancers, latent_size)."""
        if step not in self._drawn:
            first = step - step % self._at_once
            self._drawn = range(first, first + self._at_once)
            self._draw(self._drawn)
        return self._uniform[step - self._drawn.start], self._normal[step - self._drawn.start]

    def choice(self, dancer: int, step: int, options: int) -> int:
        """One of `options`, 0 and up, for the dancer at the step."""
        counter = np.array([0, step & 0xFFFFFFFF, step >> 32, FOR_CHOICES], np.uint64)
        return int(philox(self._keys[:, dancer], counter)[0]) * options >> 32

    def _draw(self, steps: range) -> None:
        counters = np.zeros((4, len(steps), 1, self._blocks), np.uint64)
        counters[0] = np.arange(self._blocks)
        counters[1] = np.array([step & 0xFFFFFFFF for step in steps])[:, None, None]
        counters[2] = np.array([step >> 32 for step in steps])[:, None, None]
        counters[3] = FOR_STEPS
        words = philox(self._keys[:, None, :, None], counters)  # (4, steps, dancers, blocks)
        words = words.transpose(1, 2, 3, 0).reshape(len(steps), len(self.seeds), -1)
        # 24 bits are what a float32 below 1 can hold evenly.
        self._uniform = (words[..., 0] >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
        # Box-Muller. The half keeps the logarithm from 0.
        pairs = words[..., 1 : 1 + 2 * self._pairs].reshape(*words.shape[:2], self._pairs, 2)
        unit = (pairs + 0.5) * 2.0**-32
        radius, angle = np.sqrt(-2 * np.log(unit[..., 0])), 2 * np.pi * unit[..., 1]
        normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(*words.shape[:2], -1)
        self._normal = normal[..., : self._latent_size].astype(np.float32)
