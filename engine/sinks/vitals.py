"""Vitals: how a running show is, as an operator from afar asks for it, by HTTP or OSC.

Owns what counts as well: a show that is not well says why. Making a frame never waits for who asks: the frame's thread
leaves a new mapping every second, and whoever asks reads the one that lies there.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

# Seconds between two looks, and over which frames are counted.
LOOK_EVERY, COUNTED = 1.0, 5.0
# Seconds without a frame, and the share of the frame rate below which everybody sees that something is wrong.
LONGEST_FRAME, SLOW = 2.0, 0.5
# What is said that tells of nothing wrong.
GOOD_NEWS = ("runs on ", "audio: listens to ", "audio: plays ", "recording to ", "finishing ", "recorded ", "hours: ")
# How audio stands: it is heard; was, and is no more; never was; was played to its end; is not asked for.
HEARS, LOST, NONE, ENDED, OFF = "hears", "lost", "none", "ended", "off"

Facts = Mapping[str, Any]


class Vitals:
    """A sink that tells how the show is; `look` gives, on the frame's thread, what there is to know of its parts.

    Of those it reads `audio_state`, `audio_wanted` and `osc_port`. `rate_hz` gives the frame rate that is due.
    """

    def __init__(
        self,
        look: Callable[[], Facts],
        rate_hz: Callable[[], float],
        restarts: int = 0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._rate_hz = rate_hz
        self._restarts = restarts
        self._now = now
        self._began = now()
        self._facts: Facts = {}
        self._framed: float | None = None  # when the last frame was
        self._looked = float("-inf")
        self._due = 0.0  # the rate that frames are counted against
        self._counted_from, self._frames, self._fps = 0.0, 0, 0.0
        self._error: tuple[str, datetime] | None = None

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Counts the frame; every second, looks."""
        del picture, values
        now = self._now()
        self._count(now)
        self._framed = now
        if now - self._looked >= LOOK_EVERY:
            self._looked, self._facts = now, self._look()

    def close(self) -> None:
        """Nothing to give back."""

    def note(self, line: str) -> None:
        """Takes note of what the show says: what is no good news is the last error."""
        if not line.startswith(GOOD_NEWS):
            self._error = line, datetime.now().astimezone()

    def told(self) -> dict[str, Any]:
        """All there is to know, name -> number, text or None; from any thread. `reasons` is empty where all is well."""
        now, facts, framed, error = self._now(), self._facts, self._framed, self._error
        reasons = list(self._reasons(now, facts, framed))
        return {
            "healthy": not reasons,
            "reasons": "; ".join(reasons),
            "up_seconds": round(now - self._began, 1),
            "fps": round(self._fps, 2),
            "fps_due": self._due,
            "restarts": self._restarts,
            "memory_bytes": memory(),
            **facts,
            "last_error": error[0] if error else None,
            "last_error_at": error[1].isoformat(timespec="seconds") if error else None,
        }

    def _count(self, now: float) -> None:
        due = self._rate_hz()
        if due != self._due or not self._counted_from:  # it went to rest, or woke
            self._due, self._fps = due, due
            self._counted_from, self._frames = now, 0
            return
        self._frames += 1
        if now - self._counted_from >= COUNTED:
            self._fps = self._frames / (now - self._counted_from)
            self._counted_from, self._frames = now, 0

    def _reasons(self, now: float, facts: Facts, framed: float | None) -> list[str]:
        if framed is None:
            return ["no frame yet"]
        found = []
        if now - framed > LONGEST_FRAME:
            found.append(f"no frame for {now - framed:.1f} s")
        elif self._fps < SLOW * self._due:
            found.append(f"{self._fps:.1f} frames a second, {self._due:g} are due")
        audio = facts.get("audio_state")
        if audio == LOST or (audio == NONE and facts.get("audio_wanted") != "default"):
            found.append(f"audio: {facts['audio_wanted']} is not heard")
        if facts.get("osc_port", 0) is None:
            found.append("osc: its port could not be had")
        return found


def memory() -> int | None:
    """Bytes of memory that the process holds; None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        import resource  # not on Windows, where /proc is not either

        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return None
