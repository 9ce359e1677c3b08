"""A company of one to 64, as the engine dances and decodes it: back to back, and paced at 30 frames a second.

Model and decoder alone, without a window: `benchmarks.worker` serves it. `benchmarks.models` shows what a company costs
a whole show, whose picture takes its share.
"""

import resource
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.bundle import open_bundle
from engine.controls import Controls
from engine.dancer import Dancer
from engine.parameters import PARAMETERS

RATE_HZ = 30.0
COMPANIES = (1, 2, 4, 8, 16, 32, 64)


class Company:
    """The bundle in `folder`, with so many threads to a session: one as in a live show, which leaves the second core to
    `Bundle.together`.
    """

    def __init__(self, folder: str, threads: int, precision: str = "fp32") -> None:
        self._bundle = open_bundle(folder, "cpu", threads, precision)
        self._dancers: dict[int, tuple[Dancer, Mapping[str, float]]] = {}

    def frames(self, dancers: int, count: int) -> list[list[float]]:
        """Dances on; the seconds that each frame's steps and decodes took."""
        return [self._frame(dancers) for _ in range(count)]

    def paced(self, dancers: int, seconds: float) -> dict[str, Any]:
        """Dances at 30 frames a second. What each frame was late by when it was done, seconds beyond the end of its
        period; what its work took; the share of a core that the process used; its memory in bytes.
        """
        self.frames(dancers, 3)
        lateness, taken = [], []
        begun, used = time.perf_counter(), time.process_time()
        for frame in range(round(seconds * RATE_HZ)):
            due = begun + frame / RATE_HZ
            time.sleep(max(0.0, due - time.perf_counter()))
            taken.append(sum(self._frame(dancers)))
            lateness.append(time.perf_counter() - due - 1 / RATE_HZ)
        share = (time.process_time() - used) / (time.perf_counter() - begun)
        return {"lateness": lateness, "taken": taken, "share": share, "memory": most_memory()}

    def _frame(self, dancers: int) -> list[float]:
        if dancers not in self._dancers:
            values = Controls(PARAMETERS, {"dance/seed": 7.0, "dance/dancers": float(dancers)}).snapshot()
            self._dancers[dancers] = Dancer(self._bundle, [7] * dancers), values
        dancer, values = self._dancers[dancers]
        begun = time.perf_counter()
        latents = dancer.advance(1 / RATE_HZ, values)
        stepped = time.perf_counter()
        self._bundle.decode(latents)
        return [stepped - begun, time.perf_counter() - stepped]


def most_memory() -> int:
    """The most bytes of memory that this process has held; the system counts kilobytes, but for macOS."""
    with suppress(OSError):  # Linux's figure for a process counts in what began it had held
        peak = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM:"))
        return int(peak.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def late(lateness: list[float]) -> int:
    """Frames done more than half a period after the end of theirs, as the show counts late frames."""
    return sum(each > 0.5 / RATE_HZ for each in lateness)
