"""The bank: one-second passages of latents spread over the footage's variety, to warm a dancer's state up with."""

import numpy as np
from scipy.cluster.vq import kmeans2

from training.clips import STEPS_A_SECOND
from training.latents import Sequence, Statistics

PASSAGES = 128
STRIDE = STEPS_A_SECOND // 3  # candidates start a third of a second apart, further where there would be more than MOST
MOST = 16384  # candidates, of 45 minutes and their mirror images; 250 MB


def choose_passages(sequences: list[Sequence], statistics: Statistics, count: int = PASSAGES) -> np.ndarray:
    """(count, steps, latent_size) float16: of each of `count` clusters of all passages, the one nearest its centre.

    Footage with fewer candidates than `count` (some seconds) repeats them. Raises ValueError if no clip lasts a second.
    """
    starts = [range(0, len(sequence) - STEPS_A_SECOND + 1, STRIDE) for sequence in sequences]
    further = max(-(-sum(map(len, starts)) // MOST), 1)
    windows = [
        sequence.mean[start : start + STEPS_A_SECOND]
        for sequence, of_sequence in zip(sequences, starts, strict=True)
        for start in of_sequence[::further]
    ]
    if not windows:
        raise ValueError("no clip lasts a whole second; a dancer needs at least one that does")
    candidates = np.stack(windows)  # (candidates, steps, latent_size)
    if len(candidates) <= count:
        return candidates[np.resize(np.arange(len(candidates)), count)].astype(np.float16)
    # A passage is compared by its start, middle and end: enough to tell movements apart, small for any footage.
    thirds = np.linspace(0, STEPS_A_SECOND - 1, 3).astype(int)
    points = ((candidates[:, thirds] - statistics.mean) / statistics.deviation).reshape(len(candidates), -1)
    centres, _ = kmeans2(points, count, minit="++", seed=0)
    nearest = [((points - centre) ** 2).sum(1).argmin() for centre in centres]
    return candidates[nearest].astype(np.float16)
