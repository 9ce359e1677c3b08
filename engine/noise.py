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
FOR_STEPS, FOR_CHOICES, FOR_GROUPS = 0, 1, 2
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
        # Two words make two normals; one more word is the uniform draw, and the last decides whose it is in unison.
        self._pairs = -(-latent_size // 2)
        self._blocks = -(-(2 * self._pairs + 2) // 4)
        self._at_once = max(1, LANES_AT_ONCE // len(self.seeds))
        self._drawn = range(0)
        self._uniform = np.empty((0, 0), np.float32)
        self._coin = np.empty((0, 0), np.float32)
        self._normal = np.empty((0, 0, 0), np.float32)

    def draw(self, step: int, unison: float = 0.0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The draws of a step: uniform (dancers), in [0, 1), and standard normal (dancers, latent_size).

        `unison`, 0..1, is how much of them is dancer 0's: each draw stays uniform or standard normal, and correlates
        with dancer 0's by `unison`. Dancer 0's own are always the same.
        """
        if step not in self._drawn:
            first = step - step % self._at_once
            self._drawn = range(first, first + self._at_once)
            self._draw(self._drawn)
        uniform, normal = self._uniform[step - self._drawn.start], self._normal[step - self._drawn.start]
        if unison == 0:
            return uniform, normal
        # A mixture of uniform draws is uniform where a sum of them is not; independent normals add by their squares.
        shared = np.where(self._coin[step - self._drawn.start] < unison, uniform[0], uniform)
        mixed = np.float32(np.sqrt(1 - unison * unison)) * normal + np.float32(unison) * normal[0]
        mixed[0] = normal[0]
        return shared, mixed

    def groups(self, phrases: NDArray[np.int64]) -> NDArray[np.float32]:
        """A uniform draw in [0, 1) for every dancer's phrase (dancers): who dances with dancer 0 goes by it."""
        counters = np.zeros((4, len(phrases)), np.uint64)
        counters[1], counters[2] = phrases & 0xFFFFFFFF, phrases >> 32
        counters[3] = FOR_GROUPS
        return _unit(philox(self._keys, counters)[0])

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
        self._uniform = _unit(words[..., 0])
        self._coin = _unit(words[..., 1 + 2 * self._pairs])
        # Box-Muller. The half keeps the logarithm from 0.
        pairs = words[..., 1 : 1 + 2 * self._pairs].reshape(*words.shape[:2], self._pairs, 2)
        unit = (pairs + 0.5) * 2.0**-32
        radius, angle = np.sqrt(-2 * np.log(unit[..., 0])), 2 * np.pi * unit[..., 1]
        normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1).reshape(*words.shape[:2], -1)
        self._normal = normal[..., : self._latent_size].astype(np.float32)


def _unit(words: NDArray[np.uint64]) -> NDArray[np.float32]:
    """Words of 32 bits as numbers in [0, 1): their upper 24 bits are what a float32 below 1 can hold evenly."""
    return (words >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
