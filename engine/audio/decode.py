"""A file's sound, whatever FFmpeg reads, as blocks of float32 samples at the rate asked for."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHANNELS = 2
# At which songs are heard and played: what most are made at, or resampled to without loss that is heard.
SONG_RATE = 48000


class AudioError(RuntimeError):
    """No sound to be had: the message says from where and why, on one line."""


def blocks(path: str | os.PathLike[str], rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Stereo blocks (n, 2) of -1..1, n as the file has it, from its beginning; read as they are taken.

    Raises AudioError if the file cannot be opened or holds no sound. Packets that are damaged are left out.
    """
    import av
    import av.error

    try:
        with av.open(os.fspath(path)) as container:
            if not container.streams.audio:
                raise AudioError(f"{path}: holds no sound")
            resampler = av.AudioResampler(format="flt", layout="stereo", rate=rate_hz)
            for packet in container.demux(container.streams.audio[0]):
                try:
                    decoded = packet.decode()
                except av.error.InvalidDataError:
                    continue
                for frame in decoded:
                    for even in resampler.resample(frame):
                        yield even.to_ndarray().reshape(-1, CHANNELS).astype(np.float32, copy=False)
            for even in resampler.resample(None):
                yield even.to_ndarray().reshape(-1, CHANNELS).astype(np.float32, copy=False)
    except (av.error.FFmpegError, OSError) as error:
        ended = isinstance(error, EOFError)  # what FFmpeg says of a file in which it finds nothing
        reason = "holds no sound" if ended else getattr(error, "strerror", None) or str(error)
        raise AudioError(f"{Path(path)}: {reason}") from error


def length(path: str | os.PathLike[str]) -> float:
    """Seconds of a file's sound, as the file says; where it does not, it is read to its end. Raises AudioError."""
    import av
    import av.error

    try:
        with av.open(os.fspath(path)) as container:
            if container.streams.audio and container.duration:
                return container.duration / av.time_base
    except (av.error.FFmpegError, OSError):
        pass  # told below, as for any file
    seconds = sum(len(block) for block in blocks(path, SONG_RATE)) / SONG_RATE
    if not seconds:
        raise AudioError(f"{path}: holds no sound")
    return seconds


def mono(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples (n, channels) as (n,): their mean."""
    return samples.mean(axis=1, dtype=np.float32)


class Samples:
    """The samples of `blocks`, in any portions."""

    def __init__(self, source: Iterator[NDArray[np.float32]]) -> None:
        self._source = source
        self._waiting = np.zeros((0, CHANNELS), np.float32)
        self.ended = False
        """Whether there are no more."""

    def take(self, count: int) -> NDArray[np.float32]:
        """The next (count, 2), fewer where the file ends. Raises AudioError as `blocks` does."""
        self.fill(count)
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def fill(self, count: int) -> None:
        """Reads until `count` samples wait to be taken, or the file ends."""
        parts = [self._waiting]
        have = len(self._waiting)
        while have < count and not self.ended:
            part = next(self._source, None)
            if part is None:
                self.ended = True
            else:
                parts.append(part)
                have += len(part)
        self._waiting = np.concatenate(parts)
