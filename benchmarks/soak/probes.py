"""What a soak measures with: the show's health page, the system's own word on its processes, and a bare timer.

Owns the moments at which is looked. Nothing here is in the show's process.
"""

import json
import multiprocessing
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.soak.judging import RATE_HZ, Sample

LOOK_EVERY = 1.0
# Seconds between two looks at each of the show's mappings, of which there are thousands.
KINDS_EVERY = 10.0
# Where glibc begins the heaps that are not the first.
HEAP_OF_A_THREAD = 64 << 20
# Seconds that the health page has for an answer.
ANSWER = 2.0


def ask(port: int) -> dict[str, Any] | None:
    """What the show tells of itself; None where nobody answers."""
    with suppress(OSError, ValueError):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=ANSWER) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError as unwell:
            with unwell:
                return dict(json.load(unwell))
    return None


def memory_of(pid: int) -> tuple[int, int]:
    """Bytes that a process holds, and its share of them where others hold them too. Raises OSError."""
    rows = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
    return int(rows["Rss"].split()[0]) * 1024, int(rows["Pss"].split()[0]) * 1024


def kinds_of(pid: int) -> dict[str, int]:
    """Bytes that a process holds by what they are; those in huge pages are among the others. Raises OSError."""
    found = dict.fromkeys(("heap", "heaps of threads", "mapped", "of files", "in huge pages"), 0)
    kind = ""
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            begin, named = int(words[0].split("-")[0], 16), words[5:]
            if named:
                kind = "heap" if named == ["[heap]"] else "of files"
            else:
                kind = "mapped" if begin % HEAP_OF_A_THREAD else "heaps of threads"
        elif words[0] == "Rss:":
            found[kind] += int(words[1]) * 1024
        elif words[0] == "AnonHugePages:":
            found["in huge pages"] += int(words[1]) * 1024
    return found


def files_of(pid: int) -> int:
    """How many files a process has open. Raises OSError."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


class Sampler:
    """Looks at the show and its supervisor every second, on a thread, until `close`."""

    def __init__(self, port: int, show: Callable[[], int], supervisor: int, began: float) -> None:
        self.samples: list[Sample] = []
        self._port, self._show, self._supervisor, self._began = port, show, supervisor, began
        self._looked_at, self._looked, self._found = 0, 0.0, dict[str, int]()  # whose kinds of memory, when, and they
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="sampler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._closing.wait(LOOK_EVERY):
            pid = self._show()
            facts = ask(self._port)
            if not pid or facts is None or "late_frames" not in facts or self._show() != pid:
                continue
            with suppress(OSError, KeyError):  # it ends just now
                self.samples.append(self._sample(pid, facts))

    def _sample(self, pid: int, facts: dict[str, Any]) -> Sample:
        memory, share = memory_of(pid)
        return Sample(
            at=time.monotonic() - self._began,
            pid=pid,
            late=facts["late_frames"],
            falls=facts["falls"],
            still=facts["still"],
            restarts=facts["restarts"],
            memory=memory,
            shared_out=share,
            files=files_of(pid),
            supervisor_memory=memory_of(self._supervisor)[0],
            supervisor_files=files_of(self._supervisor),
            reasons=facts["reasons"],
            kinds=self._kinds(pid),
        )

    def _kinds(self, pid: int) -> dict[str, int]:
        """The show's memory by kind, as it was lately."""
        now = time.monotonic()
        if pid != self._looked_at or now - self._looked > KINDS_EVERY:
            self._looked_at, self._looked, self._found = pid, now, kinds_of(pid)
        return self._found


class BareTimer:
    """A process that sleeps from one frame's due time to the next: what that is late by is the machine's own doing."""

    def __init__(self, began: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=keep_time, args=(theirs, began), daemon=True)
        self._process.start()

    def end(self) -> list[float]:
        """The moments at which it was late, seconds since the soak began."""
        self._ours.send(None)
        late: list[float] = self._ours.recv()
        self._process.join()
        return late


def keep_time(orders: Connection, began: float) -> None:
    """Sleeps on and on until told to tell when it was late by more than half a frame."""
    late, due = [], time.monotonic()
    while not orders.poll():
        due += 1 / RATE_HZ
        time.sleep(max(0.0, due - time.monotonic()))
        now = time.monotonic()
        if now - due > 0.5 / RATE_HZ:
            late.append(now - began)
            due = now  # what is lost is not made up for: it is late once
    orders.send(late)
