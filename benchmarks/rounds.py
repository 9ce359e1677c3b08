"""Rounds of several competitors in turn, A B C A B C, and what is made of them: medians and ratios.

What a machine does beside it comes and goes in seconds; in turns it comes over all alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def interleave(competitors: Mapping[str, Callable[[], Sequence[T]]], rounds: int) -> dict[str, list[T]]:
    """Has every competitor do a round, one after the other, `rounds` times; all that each one measured, in order."""
    found: dict[str, list[T]] = {name: [] for name in competitors}
    for _ in range(rounds):
        for name, one_round in competitors.items():
            found[name] += one_round()
    return found


def median(values: Sequence[float]) -> float:
    return float(np.median(np.array(values)))


def spread(values: Sequence[float]) -> dict[str, float]:
    """p50, p99 and max."""
    p50, p99, most = np.percentile(np.array(values), [50, 99, 100]).tolist()
    return {"p50": p50, "p99": p99, "max": most}
