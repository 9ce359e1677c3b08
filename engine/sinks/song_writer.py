"""A song's sound, written into a video's file beside its pictures.

Owns how far the sound has come: sample by sample as far as the pictures.
"""

from pathlib import Path

import numpy as np
from av.container import OutputContainer

from engine.audio.decode import CHANNELS, SONG_RATE, Samples, blocks
from engine.sinks.sound_stream import SoundStream


class SongWriter:
    """Writes a file's sound into a container beside the video: AAC, or Opus, which is what `webm` takes."""

    def __init__(self, song: Path, webm: bool = False) -> None:
        self._webm = webm
        self._samples = Samples(blocks(song, SONG_RATE))
        self._taken = 0

    def begin(self, container: OutputContainer) -> None:
        """Adds the stream."""
        self._stream = SoundStream(container, self._webm)

    def write(self, end: int) -> None:
        """Writes up to the sample `end`, whole blocks of it."""
        wanted = end - self._taken
        samples = self._samples.take(wanted)
        self._taken = end
        self._stream.write(np.concatenate([samples, np.zeros((wanted - len(samples), CHANNELS), np.float32)]))

    def end(self) -> None:
        """Writes what is left."""
        self._stream.end()
