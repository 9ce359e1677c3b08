"""The sound of a video's file: one stereo stream at 48 kHz, AAC or Opus, beside the pictures.

Owns the encoder and what waits to fill its next block.
"""

from fractions import Fraction

import av
import numpy as np
from av.audio import AudioStream
from av.container import OutputContainer
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS, SONG_RATE

# At this rate, bits a second, AAC and Opus are not told from the original by most.
BIT_RATE = 192_000
# Samples given to the encoder at once, and those that AAC's puts before the first.
BLOCK = PRIMING = 1024


class SoundStream:
    """A stream added to `container`: AAC, or Opus, which is what `webm` takes."""

    def __init__(self, container: OutputContainer, webm: bool = False) -> None:
        self.packets = 0
        """Packets written so far."""
        stream = container.add_stream("libopus" if webm else "aac", rate=SONG_RATE)
        assert isinstance(stream, AudioStream)
        stream.layout, stream.format, stream.bit_rate = "stereo", "flt" if webm else "fltp", BIT_RATE
        self._container, self._stream = container, stream
        self._waiting = np.zeros((0, CHANNELS), np.float32)
        self._encoded = 0

    def write(self, samples: NDArray[np.float32]) -> None:
        """Writes samples (n, 2) of -1..1, whole blocks of what has come."""
        self._waiting = np.concatenate([self._waiting, samples])
        while len(self._waiting) >= BLOCK:
            self._encode(self._waiting[:BLOCK])
            self._waiting = self._waiting[BLOCK:]

    def end(self) -> None:
        """Writes what is left."""
        if len(self._waiting):
            self._encode(self._waiting)
        self._mux(None)

    def _encode(self, samples: NDArray[np.float32]) -> None:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = SONG_RATE, self._encoded, Fraction(1, SONG_RATE)
        self._mux(frame)
        self._encoded += len(samples)

    def _mux(self, frame: av.AudioFrame | None) -> None:
        packets = self._stream.encode(frame)
        self._container.mux(packets)
        self.packets += len(packets)
