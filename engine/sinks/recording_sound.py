"""The sound of a live recording: what the show hears, on its way into the file beside the pictures.

Owns the blocks that wait, no more than MOST_BLOCKS, and how far the sound has come: as far as the pictures, or a little
less while it may still come. The thread of whoever hears puts blocks in, the recording's thread takes them out.
"""

import queue
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import numpy as np
from av.container import OutputContainer

from engine.audio.decode import CHANNELS, SONG_RATE
from engine.sinks.joined_sound import JoinedSound
from engine.sinks.sound_stream import SoundStream

# Blocks of 20 ms that wait for a slow disk or processor: half a minute, 6 MB at 48 kHz.
MOST_BLOCKS = 1500
# Sound that is not there so long after its picture was, seconds, will not come: twice what an input may be late.
LATEST = 0.4


class Hearing(Protocol):
    """Whoever hears, and gives samples: when the first was heard by `perf_counter`, their rate, stereo of 16 bits."""

    def listen(self, take: Callable[[float, float, bytes], None], /) -> None: ...

    def unlisten(self, take: Callable[[float, float, bytes], None], /) -> None: ...


class RecordingSound:
    """What `hearing` hears from now on, for one recording."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing
        self._waiting: queue.Queue[tuple[float, float, bytes]] = queue.Queue(MOST_BLOCKS)
        self._first: tuple[float, float, bytes] | None = None  # of those that wait, belongs after the last picture
        self._joined = JoinedSound()
        self._written = 0
        self._stream: SoundStream | None = None
        hearing.listen(self.take)

    @property
    def silences(self) -> list[tuple[float, float]]:
        """From and up to which second nothing was heard."""
        return [(begin / SONG_RATE, end / SONG_RATE) for begin, end in self._joined.silences]

    @property
    def packets(self) -> int:
        """Packets in the file."""
        return self._stream.packets if self._stream else 0

    def take(self, when: float, rate_hz: float, samples: bytes) -> None:
        """Puts a block in; what finds no room is silent."""
        with suppress(queue.Full):
            self._waiting.put_nowait((when, rate_hz, samples))

    def close(self) -> None:
        """Hears no more."""
        self._hearing.unlisten(self.take)

    def begin(self, container: OutputContainer) -> None:
        """Adds the stream."""
        self._stream = SoundStream(container)

    def write(self, end: float, zero: float) -> None:
        """Writes up to `end`, seconds: all that is there, and silence for what will not come.

        The recording's beginning was heard at `zero`, by `perf_counter`.
        """
        self._write(end, zero, LATEST)

    def end(self, end: float, zero: float, patient: bool) -> None:
        """Writes up to `end` and completes the stream; `patient`, waits for sound that is on its way."""
        self.write(end, zero)
        self._join(round(end * SONG_RATE), zero, zero + end + LATEST if patient else 0.0)
        self._write(end, zero, 0.0)
        assert self._stream is not None
        self._stream.end()

    def _write(self, end: float, zero: float, latest: float) -> None:
        """Writes up to `end`, and silence for what is `latest` seconds late."""
        last = round(end * SONG_RATE)
        while self._written < last:
            step = min(last, self._written + SONG_RATE)  # or an hour that was lost would all be in memory
            self._join(step, zero, 0.0)
            self._joined.silence(step - round(latest * SONG_RATE))
            if not self._pass_on(step):
                return

    def _join(self, end: int, zero: float, until: float) -> None:
        """Joins what belongs before the sample `end`; waits for it until then, by `perf_counter`."""
        while self._joined.length < end:
            if self._first is None:
                try:
                    self._first = self._waiting.get(timeout=max(0.0, until - time.perf_counter()))
                except queue.Empty:
                    return
            when, rate_hz, samples = self._first
            if (when - zero) * SONG_RATE >= end:
                return
            self._joined.add(when - zero, rate_hz, np.frombuffer(samples, "<i2").reshape(-1, CHANNELS))
            self._first = None

    def _pass_on(self, end: int) -> bool:
        """Encodes what is known up to the sample `end`; tells whether that was all."""
        samples = self._joined.take(end - self._written)
        assert self._stream is not None
        self._stream.write(samples)
        self._written += len(samples)
        return self._written == end
