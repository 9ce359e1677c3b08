"""What is heard, against closed forms: levels, bands, onsets, the beat, however the samples are cut."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.beats import drums
from engine.audio.analysis import Analysis, Heard
from engine.audio.bands import BANDS
from engine.audio.beat import BeatEstimate, Beats
from engine.audio.level import LONG, NOISE_FLOOR, USUAL, AutomaticGain, Follower, rms
from engine.audio.onset import HOLD, Onsets
from engine.audio.spectrum import HOPS_A_WINDOW, Spectrum, hop_samples

RATE = 48000


def tone(hz: float, seconds: float, amplitude: float = 0.5, rate_hz: int = RATE) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def noise(seconds: float, amplitude: float) -> NDArray[np.float32]:
    return (amplitude * np.random.default_rng(5).standard_normal(round(seconds * RATE))).astype(np.float32)


def levels(values: Heard) -> tuple[float, ...]:
    return values.level, values.bass, values.low, values.mid, values.high


def test_the_root_mean_square_of_a_sine_is_its_amplitude_over_the_root_of_two() -> None:
    assert rms(tone(100, 1, 0.5)) == pytest.approx(0.5 / np.sqrt(2))
    assert rms(np.zeros(0, np.float32)) == 0


def test_a_follower_goes_the_same_way_in_the_same_time_whatever_the_step() -> None:
    coarse, fine = Follower(0.1, 0.3, 0.6), Follower(0.01, 0.3, 0.6)
    for target in (1.0, 0.2):
        for _ in range(5):
            coarse(target)
        for _ in range(50):
            fine(target)
        assert fine.value == pytest.approx(coarse.value)
    assert coarse.value == pytest.approx(0.2 + (1 - np.exp(-0.5 / 0.3) - 0.2) * np.exp(-0.5 / 0.6))


def test_the_gain_brings_the_mean_to_the_usual_level_and_nears_a_new_one_in_its_own_time() -> None:
    gain = AutomaticGain(0.01)
    for _ in range(1000):
        assert gain(0.25) == pytest.approx(USUAL)
    for _ in range(round(LONG / 0.01)):
        gain(0.5)
    assert gain.mean == pytest.approx(0.5 - 0.25 * np.exp(-1))
    assert gain(0.0, sounds=False) == 0 and gain.mean == pytest.approx(0.5 - 0.25 * np.exp(-1))


@pytest.mark.parametrize("loudness", [0.1, 3.0])
def test_a_quiet_song_and_a_loud_one_give_the_same(loudness: float) -> None:
    song = drums("rock", 120, 6, np.random.default_rng(3))[0] + noise(6, 0.02)
    usual, other = Analysis(RATE).feed(song), Analysis(RATE).feed(np.float32(loudness) * song)
    for ours, theirs in zip(usual[200:], other[200:], strict=True):
        assert levels(ours) == pytest.approx(levels(theirs), abs=0.02)
        assert ours.onset_time == theirs.onset_time


@pytest.mark.parametrize("amplitude", [0.0, 0.5 * NOISE_FLOOR])
def test_silence_stays_silent_however_long_it_lasts(amplitude: float) -> None:
    analysis = Analysis(RATE)
    heard = analysis.feed(noise(20, amplitude))
    assert all(levels(values) == (0, 0, 0, 0, 0) and values.onset == 0 for values in heard)
    assert analysis.heard.beat is not None and analysis.heard.beat.confidence < 0.3


def test_after_a_song_the_pause_is_silent_and_the_confidence_goes() -> None:
    analysis = Analysis(RATE)
    analysis.feed(drums("house", 120, 15, np.random.default_rng(3))[0])
    assert analysis.heard.beat is not None and analysis.heard.beat.confidence > 0.5
    analysis.feed(np.zeros(20 * RATE, np.float32))
    assert max(levels(analysis.heard)) < 0.001
    assert analysis.heard.beat.confidence < 0.3


@pytest.mark.parametrize(("hz", "band"), [(80, "bass"), (500, "low"), (2000, "mid"), (8000, "high")])
def test_a_tone_is_in_its_band_alone(hz: float, band: str) -> None:
    analysis = Analysis(RATE)
    analysis.feed(tone(hz, 3))
    for name in BANDS:
        value = getattr(analysis.heard, name)
        assert value == pytest.approx(USUAL, abs=0.05) if name == band else value < 0.15


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
def test_a_sine_of_amplitude_one_peaks_at_one(rate_hz: int) -> None:
    spectrum = Spectrum(rate_hz)
    size = HOPS_A_WINDOW * hop_samples(rate_hz)
    amplitudes = spectrum(tone(20 * spectrum.bin_hz, size / rate_hz, 1.0, rate_hz))
    assert amplitudes.argmax() == 20 and amplitudes[20] == pytest.approx(1, abs=1e-3)


def test_blocks_of_any_length_give_the_same_values() -> None:
    song = drums("rock", 128, 3, np.random.default_rng(3))[0]
    whole, parts = Analysis(RATE).feed(song), Analysis(RATE)
    cuts = np.sort(np.random.default_rng(4).integers(0, len(song), 400))
    assert [values for part in np.split(song, cuts) for values in parts.feed(part)] == whole


def test_nothing_is_heard_before_it_sounds_and_everything_within_25_ms() -> None:
    for start in range(RATE, RATE + 256, 37):  # wherever it falls within a hop
        samples = np.zeros(2 * RATE, np.float32)
        samples[start:] = tone(100, 1)[: 2 * RATE - start]
        heard = Analysis(RATE).feed(samples)
        assert all(max(levels(values)) == 0 for values in heard if values.time <= start / RATE)
        late = next(values for values in heard if values.time >= start / RATE + 0.025)
        first = next(values for values in heard if values.bass > 0.25)
        assert late.bass > 0.25 and first.time - start / RATE < 0.025
        assert next(values.time for values in heard if values.onset == 1) - start / RATE < 0.025


def test_an_onset_is_told_once_and_the_next_one_waits() -> None:
    onsets = Onsets(0.005)
    rises = [0.0] * 40 + [1.0] * 4 + [0.0] * 4 + [2.0] + [0.0] * 40 + [2.0]
    assert [place for place, rise in enumerate(rises) if onsets(rise)] == [40, 89]
    assert 9 * 0.005 < HOLD < 49 * 0.005


def test_every_click_out_of_silence_is_an_onset() -> None:
    """Machines are silent between clicks, to the last bit: each of them rises from there, not from the one before."""
    random = np.random.default_rng(1)
    burst, starts = random.uniform(-0.5, 0.5, 240), np.cumsum(random.uniform(0.6, 1.0, 30))
    samples = np.zeros(round((starts[-1] + 1) * 48000), np.float32)
    for start in starts:
        samples[round(start * 48000) :][:240] = burst
    heard = Analysis(48000).feed(samples)
    found = [b.onset_time for a, b in itertools.pairwise(heard) if b.onset_time != a.onset_time]
    assert len(found) == len(starts)
    assert np.abs(np.array(found) - starts).max() < 0.01


def test_a_steady_tone_has_one_onset_and_noise_few() -> None:
    for sound, most in ((tone(440, 10), 1), (noise(10, 0.1), 30)):
        assert 1 <= len({values.onset_time for values in Analysis(RATE).feed(sound)} - {-np.inf}) <= most


@pytest.mark.parametrize("bpm", [100, 120, 128, 174])
def test_drums_are_followed_within_seconds(bpm: float) -> None:
    samples, strokes, beats = drums("house", bpm, 14, np.random.default_rng(3))
    heard = Analysis(RATE).feed(samples)
    onsets = sorted({values.onset_time for values in heard} - {-np.inf})
    assert len(onsets) == len(strokes) and np.abs(np.array(onsets) - strokes).max() < 0.02
    found = sorted({values.beat_time for values in heard if values.beat_time > 6})
    assert np.diff(found) == pytest.approx(60 / bpm, abs=0.03)
    off = (np.array(found) - beats[0] + 30 / bpm) % (60 / bpm) - 30 / bpm  # the last one may be foretold
    assert np.abs(off).max() < 0.035
    last = heard[-1].beat
    assert last is not None and last.bpm == pytest.approx(bpm, rel=0.015) and last.confidence > 0.5


def test_another_tempo_is_found_within_ten_seconds() -> None:
    random = np.random.default_rng(3)
    analysis = Analysis(RATE)
    analysis.feed(drums("house", 120, 15, random)[0])
    analysis.feed(drums("house", 150, 10, random)[0])
    assert analysis.heard.beat is not None and analysis.heard.beat.bpm == pytest.approx(150, rel=0.02)


def test_noise_has_no_beat() -> None:
    heard = Analysis(RATE).feed(noise(15, 0.1))
    assert np.mean([values.beat.confidence for values in heard if values.beat and values.time > 5]) < 0.3


def test_each_beat_is_told_once_even_where_the_phase_goes_back() -> None:
    beats = Beats()
    phases = [(0.0, 0.9), (0.05, 0.0), (0.06, 0.98), (0.1, 0.06), (0.5, 0.9), (0.6, 0.1)]
    told = [beats(BeatEstimate(time, 120, phase, 1)) for time, phase in phases]
    assert told == [None, 0.05, None, None, None, pytest.approx(0.55)]
