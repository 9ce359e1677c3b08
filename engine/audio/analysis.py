"""Sound in, numbers out: blocks of any length to level, bands, onsets, the beat, and the pictures that shaders take.

Owns the cutting into hops and the order of the parts. The same samples give the same values however they are cut.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.audio.bands import Bands
from engine.audio.beat import BeatEstimate, Beats, BeatTracker
from engine.audio.decode import mono
from engine.audio.level import NOISE_FLOOR, AutomaticGain, Follower, rms
from engine.audio.onset import Onsets
from engine.audio.sound import Bars, Sound, Waveform
from engine.audio.spectrum import HOPS_A_WINDOW, Rise, Spectrum, hop_samples

# Seconds: the level follows a little slower than the bands, for it moves the dance.
LEVEL_ATTACK, LEVEL_RELEASE = 0.01, 0.2

# Seconds in which the onset's flash falls to 1/e.
ONSET_DECAY = 0.1

# Seconds from an attack to the end of the first hop whose rise is an onset, and to the beat that the tracker sees in
# it: the means over the clicks of the tests and the drums of benchmarks/beats.py.
ONSET_DELAY, BEAT_DELAY = 0.006, 0.008

# Samples beyond four times full scale are a fault of a driver or a file, and would hold the gain down for minutes.
LOUDEST_SAMPLE = 4.0

# The beat moves on with every second hop, 10.7 ms: a third of what counts as on the beat, for a quarter of the work.
HOPS_A_BEAT_STEP = 2


@dataclass(frozen=True)
class Heard:
    """What is heard at `time`, seconds of sound since the analysis began. Levels and bands are 0..1."""

    time: float = 0.0
    level: float = 0.0
    bass: float = 0.0
    low: float = 0.0
    mid: float = 0.0
    high: float = 0.0
    onset: float = 0.0
    """1 at an onset, then decaying."""
    onset_time: float = -math.inf
    """When the last onset was."""
    beat: BeatEstimate | None = None
    """None until the beat's first step."""
    beat_time: float = -math.inf
    """When the last beat was."""


class Analysis:
    """Analyses sound at `rate_hz`, block by block."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.hop = hop_samples(rate_hz)
        """Samples from one set of values to the next."""
        self.heard = Heard()
        """The newest values."""
        self._step = self.hop / rate_hz
        self._spectrum = Spectrum(rate_hz)
        self._gain = AutomaticGain(self._step)
        self._follower = Follower(self._step, LEVEL_ATTACK, LEVEL_RELEASE)
        self._bands = Bands(self._step, self._spectrum.bins, self._spectrum.bin_hz)
        self._rise = Rise(self._spectrum.bins, self._spectrum.bin_hz)
        self._onsets = Onsets(self._step)
        self._onset_decay = math.exp(-self._step / ONSET_DECAY)
        self._tracker = BeatTracker(HOPS_A_BEAT_STEP * self._step)
        self._beats = Beats()
        self._window = np.zeros(HOPS_A_WINDOW * self.hop, np.float32)
        self._waveform = Waveform(len(self._window))
        self._bars = Bars(self._step)
        self._waiting = np.zeros(0, np.float32)  # less than a hop
        self._hops = 0

    def feed(self, samples: NDArray[np.float32]) -> list[Heard]:
        """Takes in samples, (n,) or (n, channels), -1..1, n as large or small as it comes; returns what each whole hop
        of them told. All but the waveform is heard in the channels' mean.
        """
        channels = sane(samples if samples.ndim == 2 else samples[:, None])
        self._waveform.feed(channels)
        samples = np.concatenate([self._waiting, mono(channels)])
        whole = len(samples) - len(samples) % self.hop
        self._waiting = samples[whole:]
        return [self._advance(samples[start : start + self.hop]) for start in range(0, whole, self.hop)]

    def sound(self) -> Sound:
        """What was heard last, as shaders take it: the waveform up to the last sample, the spectrum to the last hop."""
        return Sound(self._waveform.image(self._gain.mean), self._bars.image())

    def _advance(self, hop: NDArray[np.float32]) -> Heard:
        self._window = np.concatenate([self._window[self.hop :], hop])
        self._hops += 1
        before, time = self.heard, self._hops * self._step
        amplitude = rms(hop)
        sounds = amplitude > NOISE_FLOOR
        level = self._follower(self._gain(amplitude, sounds))
        spectrum = self._spectrum(self._window)
        self._bars.feed(spectrum, self._spectrum.bin_hz, sounds, self._gain.mean)
        bass, low, mid, high = self._bands(spectrum, sounds, self._gain.mean)
        rise = self._rise(spectrum, self._gain.mean)  # of silence too: what comes after it rises from there
        rise = rise if sounds else 0.0
        onset, onset_time = before.onset * self._onset_decay, before.onset_time
        if self._onsets(rise):
            onset, onset_time = 1.0, time - ONSET_DELAY
        beat, beat_time = before.beat, before.beat_time
        if self._hops % HOPS_A_BEAT_STEP == 0:
            beat = self._tracker(rise, time - BEAT_DELAY)
            if (found := self._beats(beat)) is not None:
                beat_time = found
        self.heard = Heard(time, level, bass, low, mid, high, onset, onset_time, beat, beat_time)
        return self.heard


def sane(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The samples, where what is no number is silent, and nothing louder than `LOUDEST_SAMPLE`."""
    if not len(samples) or np.abs(samples).max() <= LOUDEST_SAMPLE:
        return samples
    return np.clip(np.nan_to_num(samples, nan=0.0), -LOUDEST_SAMPLE, LOUDEST_SAMPLE)
