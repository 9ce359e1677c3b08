"""What shaders are given of the sound, against closed forms: each byte of waveform and spectrum says what it should."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.analysis import Analysis
from engine.audio.level import NOISE_FLOOR, QUIETEST_SONG
from engine.audio.sound import (
    BIN_HZ,
    BINS,
    FALL,
    FULL,
    LOUDEST,
    MIDDLE,
    RANGE,
    SAMPLES,
    SILENCE,
    SWING,
    USUAL_SWING,
    Bars,
    Sound,
    Waveform,
)
from engine.audio.spectrum import HOP_SECONDS

RATE = 48000


def tone(hz: float, seconds: float, amplitude: float = 0.5, rate_hz: int = RATE) -> NDArray[np.float32]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def heard(samples: NDArray[np.float32], rate_hz: int = RATE) -> Sound:
    analysis = Analysis(rate_hz)
    analysis.feed(samples)
    return analysis.sound()


def test_silence_is_a_level_line_and_no_bars() -> None:
    for sound in (
        SILENCE,
        Analysis(RATE).sound(),
        heard(np.zeros(RATE, np.float32)),
        heard((NOISE_FLOOR / 2 * np.random.default_rng(1).standard_normal(RATE)).astype(np.float32)),
    ):
        assert sound.waveform.tolist() == [[MIDDLE] * SAMPLES]
        assert sound.spectrum.tolist() == [[0] * BINS]


def test_a_sample_swings_as_far_as_it_is_large_against_the_song() -> None:
    waveform = Waveform(2 * SAMPLES)
    samples = np.repeat(np.linspace(-0.5, 0.5, SAMPLES, dtype=np.float32), 2)  # each stands for two
    waveform.feed(samples[:, None])
    swing = np.clip(samples[::2] * USUAL_SWING / 0.1, -1, 1)
    assert waveform.image(0.1).tolist() == [np.rint(MIDDLE + SWING * swing).tolist()]
    assert {waveform.image(0.1)[0, 0], waveform.image(0.1)[0, -1]} == {MIDDLE - SWING, FULL}
    quietest = waveform.image(0.0)
    assert quietest.tolist() == waveform.image(QUIETEST_SONG).tolist(), "nothing quieter is brought up"


def test_the_waveform_s_samples_are_the_means_of_those_they_stand_for_the_oldest_first() -> None:
    waveform = Waveform(4 * SAMPLES)
    waveform.feed(np.full((1000, 1), 0.9, np.float32))
    rising = np.linspace(0, 1, 4 * SAMPLES, dtype=np.float32)
    waveform.feed(rising[:, None])
    means = rising.reshape(SAMPLES, 4).mean(axis=1)
    assert waveform.image(1.0).tolist() == [np.rint(MIDDLE + SWING * USUAL_SWING * means).tolist()]


def test_each_channel_has_a_row_of_the_waveform_and_the_spectrum_is_their_mean_s() -> None:
    left = tone(10 * BIN_HZ, 1)
    sound = heard(np.stack([left, np.zeros_like(left)], axis=1))
    assert sound.waveform.shape == (2, SAMPLES) and sound.spectrum.shape == (1, BINS)
    assert sound.waveform[0].std() > 20 and sound.waveform[1].tolist() == [MIDDLE] * SAMPLES
    assert sound.spectrum.tolist() == heard(np.float32(0.5) * left).spectrum.tolist()


@pytest.mark.parametrize("rate_hz", [44100, 48000, 96000])
@pytest.mark.parametrize("place", [3, 40, 150])
def test_a_tone_stands_in_the_bin_of_its_frequency_whatever_the_rate(rate_hz: int, place: int) -> None:
    sound = heard(tone(place * BIN_HZ, 1, rate_hz=rate_hz), rate_hz)
    level = 1 + 20 / RANGE * np.log10(np.sqrt(2) / LOUDEST)  # a sine's amplitude is the root of two of its mean
    assert abs(int(sound.spectrum[0].argmax()) - place) <= 1
    assert sound.spectrum.max() == pytest.approx(FULL * level, abs=8)  # between two bins a tone loses 1.4 dB
    far = [*range(place - 2), *range(place + 4, BINS)]
    assert sound.spectrum[0, far].max(initial=0) < 0.4 * FULL


def test_a_bar_is_decibels_below_twice_the_song_s_mean() -> None:
    amplitudes, bars = np.zeros(2 * BINS + 1, np.float32), Bars(HOP_SECONDS)
    decibels = np.array([10.0, 0, -12, -24, -36, -47, -48, -60])
    amplitudes[1 : 2 * len(decibels) : 2] = 0.3 * LOUDEST * 10 ** (decibels / 20)
    amplitudes[-1] = 9.0  # the bin at half the rate belongs to no bar
    bars.feed(amplitudes, BIN_HZ / 2, True, 0.3)
    expected = FULL * np.clip(1 + decibels / RANGE, 0, 1)
    assert bars.image()[0, : len(decibels)] == pytest.approx(expected, abs=0.51)
    assert not bars.image()[0, len(decibels) :].any()


def test_a_bar_is_up_at_once_and_falls_evenly_in_its_time() -> None:
    amplitudes, bars = np.full(BINS, 10.0, np.float32), Bars(FALL / 10)
    bars.feed(amplitudes, BIN_HZ, True, 0.3)
    fallen = [int(bars.image().max())]
    for _ in range(10):
        bars.feed(np.zeros(BINS, np.float32), BIN_HZ, True, 0.3)
        fallen.append(int(bars.image().max()))
    assert fallen == pytest.approx([FULL * (1 - step / 10) for step in range(11)], abs=0.51)
    bars.feed(amplitudes, BIN_HZ, False, 0.3)
    assert not bars.image().any(), "what does not sound is not shown"


def test_a_quiet_song_fills_the_pictures_as_a_loud_one_does() -> None:
    song = (np.random.default_rng(2).standard_normal(6 * RATE) * (1 + tone(3, 6, 0.9))).astype(np.float32)
    loud, quiet = heard(np.float32(0.2) * song), heard(np.float32(0.02) * song)
    assert np.abs(loud.waveform.astype(int) - quiet.waveform).max() <= 1
    assert np.abs(loud.spectrum.astype(int) - quiet.spectrum).max() <= 1


def test_blocks_of_any_length_give_the_same_sound() -> None:
    song = np.random.default_rng(3).standard_normal((RATE, 2)).astype(np.float32) * np.float32(0.1)
    whole, parts = Analysis(RATE), Analysis(RATE)
    whole.feed(song)
    for part in np.split(song, np.sort(np.random.default_rng(4).integers(0, len(song), 100))):
        parts.feed(part)
    assert parts.sound().packed() == whole.sound().packed()


def test_another_number_of_channels_begins_a_waveform_anew() -> None:
    waveform = Waveform(SAMPLES)
    waveform.feed(np.ones((SAMPLES, 1), np.float32))
    waveform.feed(np.ones((1, 2), np.float32))
    assert waveform.image(1.0).tolist() == [[MIDDLE] * (SAMPLES - 1) + [round(MIDDLE + SWING / 4)]] * 2


@pytest.mark.parametrize("channels", [1, 2])
def test_a_sound_comes_back_as_it_was_packed(channels: int) -> None:
    chance = np.random.default_rng(5)
    waveform, spectrum = (chance.integers(0, 256, (rows, 256)).astype(np.uint8) for rows in (channels, 1))
    again = Sound.unpacked(Sound(waveform, spectrum).packed())
    assert (again.waveform.tolist(), again.spectrum.tolist()) == (waveform.tolist(), spectrum.tolist())


@pytest.mark.parametrize("size", [0, 256, 700])
def test_bytes_that_are_no_sound_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match=r"bytes|reshape"):
        Sound.unpacked(bytes(size))


def test_nobody_can_write_to_a_sound() -> None:
    played = heard(tone(440, 1))
    for sound in (SILENCE, played, played.trimmed(0.5), Sound.unpacked(played.packed()), Analysis(RATE).sound()):
        for image in (sound.waveform, sound.spectrum):
            with pytest.raises(ValueError, match="read-only"):
                image[:] = 0


def test_a_trim_turns_both_pictures_up_and_down_and_cuts_them_off() -> None:
    sound = Sound.unpacked(bytes([0, 64, 128, 192, 255, *[128] * 251, 0, 50, 200, *[0] * 253]))
    assert sound.trimmed(1.0) is sound
    half, double, none = (sound.trimmed(gain) for gain in (0.5, 2.0, 0.0))
    assert half.waveform[0, :6].tolist() == [64, 96, 128, 160, 192, 128]
    assert double.waveform[0, :6].tolist() == [1, 1, 128, 255, 255, 128]
    assert (half.spectrum[0, :3].tolist(), double.spectrum[0, :3].tolist()) == ([0, 25, 100], [0, 100, 255])
    assert none.packed() == SILENCE.packed()
