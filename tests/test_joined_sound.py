"""Blocks of sound are joined where they belong, whatever their times, rates and clocks; what lacks is silence."""

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.decode import SONG_RATE
from engine.sinks.joined_sound import JoinedSound
from engine.sinks.tape import TAPS, Tape

BLOCK = 960


def noise(count: int) -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-20000, 20000, (count, 2), dtype=np.int16)


def tone(seconds: float, hz: float, rate: float = SONG_RATE) -> NDArray[np.int16]:
    """Stereo, the right channel half as loud."""
    wave = 16000 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)
    return np.stack([wave, wave / 2], axis=1).astype(np.int16)


def join(joined: JoinedSound, samples: NDArray[np.int16], at: float, rate: float = SONG_RATE) -> None:
    """Blocks of 20 ms, the first of which belongs at `at`."""
    size = round(rate / 50)
    for begin in range(0, len(samples), size):
        joined.add(at + begin / rate, rate, samples[begin : begin + size])


def taken(joined: JoinedSound) -> NDArray[np.int16]:
    return np.rint(joined.take(joined.length) * 32768).astype(np.int16)


def test_what_follows_is_joined_sample_by_sample() -> None:
    joined, sound = JoinedSound(), noise(50 * BLOCK)
    join(joined, sound, 0.0)
    joined.silence(60 * BLOCK)
    found = taken(joined)
    assert len(found) == 60 * BLOCK
    assert (found[: len(sound)] == sound).all() and not found[len(sound) :].any()
    assert joined.silences == [(50 * BLOCK, 60 * BLOCK)]


def test_what_was_heard_before_the_beginning_is_left_out_and_what_lacks_at_it_is_silence() -> None:
    sound = noise(10 * BLOCK)
    early, late = JoinedSound(), JoinedSound()
    join(early, sound, -2345 / SONG_RATE)
    join(late, sound, 2345 / SONG_RATE)
    for joined in (early, late):
        joined.silence(20 * BLOCK)
    assert (taken(early)[: len(sound) - 2345] == sound[2345:]).all()
    found = taken(late)
    assert not found[:2345].any() and (found[2345:][: len(sound)] == sound).all()
    assert late.silences == [(0, 2345), (2345 + 10 * BLOCK, 20 * BLOCK)]


def test_a_gap_is_silence_and_what_is_there_already_is_not_heard_twice() -> None:
    joined, sound = JoinedSound(), noise(30 * BLOCK)
    first, second, third = np.split(sound, 3)
    join(joined, first, 0.0)
    join(joined, second, 0.5)  # 0.3 s lack
    join(joined, third, 0.6)  # 0.1 s too early
    joined.silence(SONG_RATE)
    found = taken(joined)
    assert (found[: 10 * BLOCK] == first).all() and not found[10 * BLOCK : 25 * BLOCK].any()
    assert (found[25 * BLOCK : 35 * BLOCK] == second).all()
    assert (found[35 * BLOCK : 40 * BLOCK] == third[5 * BLOCK :]).all() and not found[40 * BLOCK :].any()
    assert joined.silences == [(10 * BLOCK, 25 * BLOCK), (40 * BLOCK, 50 * BLOCK)]


def test_what_comes_after_it_was_given_up_is_left_out() -> None:
    joined, sound = JoinedSound(), noise(20 * BLOCK)
    joined.silence(5 * BLOCK)
    join(joined, sound, 0.0)
    joined.silence(20 * BLOCK)
    found = taken(joined)
    assert not found[: 5 * BLOCK].any() and (found[5 * BLOCK :] == sound[5 * BLOCK :]).all()


def test_times_that_jitter_and_blocks_that_come_late_tear_nothing() -> None:
    joined, sound = JoinedSound(), noise(200 * BLOCK)
    chance = np.random.default_rng(2)
    for index in range(200):
        off = chance.normal(0, 1e-4) + (0.03 if index % 9 == 4 else 0.0)
        joined.add(index * 0.02 + off, SONG_RATE, sound[index * BLOCK : (index + 1) * BLOCK])
    joined.silence(200 * BLOCK)
    found = taken(joined)
    begin = int(np.argmax(found.any(axis=1)))
    assert abs(begin) < 30 and (found[begin:] == sound[: len(found) - begin]).all() and joined.silences == []


@pytest.mark.parametrize("drift", [-0.01, -0.001, 0.001, 0.01])
def test_a_clock_that_differs_is_followed_without_a_seam(drift: float) -> None:
    joined, hz, seconds = JoinedSound(), 20.0, 20
    sound = tone(seconds, hz)
    for index in range(0, len(sound), BLOCK):
        joined.add(index / SONG_RATE * (1 + drift), SONG_RATE, sound[index : index + BLOCK])
    joined.silence(round(0.95 * seconds * SONG_RATE))
    wave = joined.take(joined.length)[:, 0] / (16000 / 32768)
    assert np.abs(np.diff(wave)).max() < 1.06 * 2 * np.pi * hz / SONG_RATE, "no seam"
    for second in range(2, 18):  # of the sound; where it is found is told by the tone's phase
        at, turn = round(second * (1 + drift) * SONG_RATE), np.arange(-1200, 1200) / SONG_RATE
        phase = np.angle((wave[at - 1200 : at + 1200] * np.exp(-2j * np.pi * hz * turn)).sum() * 1j)
        assert abs(phase) / (2 * np.pi * hz) <= 2e-3 + 1.5 * abs(drift)
    assert joined.silences == []


@pytest.mark.parametrize("rate", [16000, 44100, 96000, 192000])
def test_other_rates_are_resampled_in_place_and_channels_stay(rate: int) -> None:
    joined = JoinedSound()
    sound = tone(1.0, 440, rate)
    sound[: rate // 4] = 0
    join(joined, sound, 0.5, rate)
    joined.silence(2 * SONG_RATE)
    found = joined.take(joined.length)
    assert len(found) == 2 * SONG_RATE
    begin, end = round(0.75 * SONG_RATE), round(1.5 * SONG_RATE)
    assert np.abs(found[: begin - 48]).max() < 0.02 and np.abs(found[end + 48 :]).max() < 0.02
    expected = tone(1.0, 440)[: end - begin] / 32768  # after whole periods of silence
    assert np.abs(found[begin:end] - expected)[480:-480].max() < 2e-3


def test_an_input_of_another_rate_takes_over() -> None:
    joined = JoinedSound()
    join(joined, tone(0.5, 440), 0.0)
    join(joined, tone(0.5, 440, 44100), 0.5, 44100)
    joined.silence(SONG_RATE)
    found = joined.take(SONG_RATE)[:, 0]
    expected = tone(1.0, 440)[:, 0] / 32768
    assert np.abs(found[: SONG_RATE - 100] - expected[: SONG_RATE - 100]).max() < 0.05
    assert joined.silences == []


def test_a_tape_at_its_own_speed_is_what_went_in_and_at_another_keeps_the_treble() -> None:
    sound = noise(5000).astype(np.float32)
    tape = Tape()
    parts = [tape.run(part, 1.0) for part in np.split(sound, [1, 20, 21, 4000])]
    assert (np.concatenate([*parts, tape.rest()]) == sound).all()
    wave = np.asarray(tone(0.2, 10000) / 16000, np.float32)
    tape = Tape()
    out = np.concatenate([tape.run(wave, 1 / 1.003), tape.rest()])
    assert len(out) == pytest.approx(1.003 * len(wave), abs=TAPS)
    expected = np.sin(2 * np.pi * 10000 / 1.003 * np.arange(len(out)) / SONG_RATE)
    assert np.abs(out[100:-100, 0] - expected[100:-100]).max() < 3e-3
