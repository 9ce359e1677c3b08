"""A song's sound, written into a video's file beside its pictures.

Owns how far the sound has come: sample by sample as far as the pictures.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS, SONG_RATE, Samples, blocks

# At this rate, bits a second, AAC and Opus are not told from the original by most.
BIT_RATE = 192_000
# Samples given to the encoder at once.
BLOCK = 1024


class SongWriter:
    """Writes a file's sound into a container beside the video: AAC, or Opus, which is what `webm` takes."""

    def __init__(self, song: Path, webm: bool = False) -> None:
        self._encoder, self._format = ("libopus", "flt") if webm else ("aac", "fltp")
        self._samples = Samples(blocks(song, SONG_RATE))
        self._waiting = np.zeros((0, CHANNELS), np.float32)
        self._taken = self._written = 0

    def begin(self, container: OutputContainer) -> None:
        """Adds the stream."""
        stream = container.add_stream(self._encoder, rate=SONG_RATE)
        assert isinstance(stream, AudioStream)
        stream.layout, stream.format, stream.bit_rate = "stereo", self._format, BIT_RATE
        self._stream = stream

    def write(self, container: OutputContainer, end: int) -> None:
        """Writes up to the sample `end`, whole blocks of it."""
        wanted = end - self._taken
        samples = self._samples.take(wanted)
        silence = np.zeros((wanted - len(samples), CHANNELS), np.float32)
        self._waiting = np.concatenate([self._waiting, samples, silence])
        self._taken = end
        while len(self._waiting) >= BLOCK:
            self._encode(container, self._waiting[:BLOCK])
            self._waiting = self._waiting[BLOCK:]

    def end(self, container: OutputContainer) -> None:
        """Writes what is left."""
        if len(self._waiting):
            self._encode(container, self._waiting)
        container.mux(self._stream.encode(None))

    def _encode(self, container: OutputContainer, samples: NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SONG_RATE, self._written, Fraction(1, SONG_RATE)
        container.mux(self._stream.encode(frame))
        self._written += len(samples)
