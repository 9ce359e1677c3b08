"""A render's song: heard frame by frame, as a live show would hear it."""

from pathlib import Path

from engine.audio.analysis import Analysis
from engine.audio.beat import BeatEstimate
from engine.audio.decode import SONG_RATE, Samples, blocks
from engine.audio.sound import SILENCE, Sound
from engine.controls import Controls
from engine.sources.heard import GAIN, Clock, publish, silence


class SongTrack:
    """A source for renders: at show time t it has heard exactly the first t seconds of a file.

    Raises AudioError at once if the file holds no sound.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.beat: BeatEstimate | None = None
        """Where in the beat the music is, by the show's time."""
        self.sound: Sound = SILENCE
        """What was heard last, as shaders take it."""
        self._clock = clock
        self._samples = Samples(blocks(path, SONG_RATE))
        self._samples.fill(1)
        self._analysis = Analysis(SONG_RATE)
        self._taken = 0

    def poll(self, controls: Controls) -> None:
        """Hears the file up to the frame in hand; after its end, takes the signals off."""
        due = round(self._clock.time * SONG_RATE) - self._taken
        samples = self._samples.take(due)
        self._taken += due
        heard = self._analysis.feed(samples)
        if len(samples):
            self.sound = self._analysis.sound().trimmed(controls.target(GAIN))
        if heard:
            publish(controls, heard)
            self.beat = heard[-1].beat
        elif self._samples.ended and due:
            silence(controls)
            self.beat, self.sound = None, SILENCE

    def close(self) -> None:
        """Holds nothing that needs closing."""
