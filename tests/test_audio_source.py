"""The audio source with a real sound server: it hears, loses it, hears again; files are played and heard exactly."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.analysis import Analysis
from engine.audio.decode import SONG_RATE, AudioError, Samples, blocks, mono
from engine.audio.ear import BLOCK
from engine.audio.inputs import LOOPBACK, Input, choose
from engine.audio.sound import SILENCE, Sound
from engine.audio.telling import Telling
from engine.audio.waking import wake
from engine.clock import FixedClock, WallClock
from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.audio import Audio, AudioFile, Listener
from engine.sources.song import SongTrack
from tests.sound_server import SoundServer, sound_server  # noqa: F401

RATE = 30.0
# Seconds in which something has to come, on a machine that is busy.
PATIENCE = 40.0


def write_wav(path: Path, samples: NDArray[np.float32]) -> Path:
    """Mono samples (n,) at SONG_RATE as 16 bit."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SONG_RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def clicks(seconds: float, bpm: float = 120) -> NDArray[np.float32]:
    """Bursts of a 100 Hz tone on the beat."""
    t = np.arange(round(seconds * SONG_RATE)) / SONG_RATE
    return (0.5 * np.sin(2 * np.pi * 100 * t) * np.exp(-20 * (t % (60 / bpm)))).astype(np.float32)


class Stage:
    """A show's clock and controls, and what was told."""

    def __init__(self) -> None:
        self.clock = WallClock(RATE)
        self.controls = Controls(PARAMETERS)
        self.told: list[str] = []
        self.longest_poll = 0.0

    def until(self, source: Listener, condition: Callable[[], bool]) -> float:
        """Polls frame by frame until the condition holds; returns the seconds it took."""
        began = time.perf_counter()
        while not condition():
            assert time.perf_counter() - began < PATIENCE, self.told
            self.clock.advance()
            polled = time.perf_counter()
            source.poll(self.controls)
            self.longest_poll = max(self.longest_poll, time.perf_counter() - polled)
            time.sleep(1 / RATE)
        return time.perf_counter() - began


@contextmanager
def playing(path: Path, sink: str = "vj") -> Iterator[None]:
    with subprocess.Popen(["paplay", "--latency-msec=30", f"--device={sink}", str(path)]) as player:
        try:
            yield
        finally:
            player.kill()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def hears(stage: Stage) -> Callable[[], bool]:
    return lambda: stage.controls.signals.get("audio/bass", 0.0) > 0.4


def test_what_is_played_is_heard_and_silence_is_not(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
    tmp_path: Path,
) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(60))
    with closing(Audio("default", stage.clock, stage.told.append)) as audio:
        stage.until(audio, lambda: "audio/level" in stage.controls.signals)
        assert stage.controls.signals["audio/level"] == 0.0
        assert audio.sound.spectrum.max() == 0 and {*audio.sound.waveform.flat} == {128}
        with playing(song):
            stage.until(audio, hears(stage))
            stage.until(audio, lambda: audio.sound.spectrum[0, :4].max() > 128 and audio.sound.waveform.std() > 8)
            stage.until(audio, lambda: audio.beat is not None and audio.beat.confidence > 0.5)
            assert audio.beat is not None and audio.beat.bpm == pytest.approx(120, rel=0.02)
            assert stage.clock.time - audio.beat.time < 2
    assert stage.told == ["audio: listens to vj.monitor (1 of 2)"]


@pytest.mark.parametrize("fault", ["killed", "hung"])
def test_a_daemon_that_dies_or_hangs_is_lost_and_found_again(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
    fault: str,
) -> None:
    with closing(Audio("vj", stage.clock, stage.told.append)) as audio:
        stage.until(audio, lambda: bool(audio.name))
        stage.until(audio, lambda: "audio/level" in stage.controls.signals)
        if fault == "killed":
            sound_server.kill()
        else:
            sound_server.hang()
        stage.until(audio, lambda: "audio/level" not in stage.controls.signals)
        assert audio.beat is None and audio.name == "" and audio.sound is SILENCE
        assert "audio: vj.monitor is lost; the show goes on, and listens again when it is back" in stage.told
        if fault == "killed":
            sound_server.start()
        else:
            sound_server.wake()
        stage.until(audio, lambda: "audio/level" in stage.controls.signals)
    assert stage.told[-1] == "audio: listens to vj.monitor (1 of 2)"


def test_the_next_input_is_taken_live_and_the_first_after_the_last(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
) -> None:
    with closing(Audio("1", stage.clock, stage.told.append)) as audio:
        for name in ("vj.monitor", "other.monitor", "vj.monitor"):
            stage.until(audio, lambda name=name: audio.name == name)  # type: ignore[misc]
            audio.next_input()
    told = [f"audio: listens to {name}" for name in ("vj.monitor (1 of 2)", "other.monitor (2 of 2)")]
    assert stage.told == [*told, told[0]], "and none of them was called lost"


def test_loopback_hears_what_is_played_to_the_default_output(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
    tmp_path: Path,
) -> None:
    subprocess.run(["pactl", "set-default-sink", "other"], check=True)
    song = write_wav(tmp_path / "song.wav", clicks(60))
    with closing(Audio(LOOPBACK, stage.clock, stage.told.append)) as audio, playing(song, "other"):
        stage.until(audio, hears(stage))


def test_an_unknown_input_is_told_once_with_those_there_are(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
) -> None:
    with closing(Audio("theremin", stage.clock, stage.told.append)) as audio:
        stage.until(audio, lambda: bool(stage.told))
    assert stage.told == ["audio: no input 'theremin'; there are 1 vj.monitor, 2 other.monitor"]


def test_a_file_is_played_to_the_output_and_danced_to_until_it_ends(
    sound_server: SoundServer,  # noqa: F811
    stage: Stage,
    tmp_path: Path,
) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(4))
    with closing(AudioFile(song, stage.clock, stage.told.append)) as audio:
        stage.until(audio, hears(stage))
        stage.until(audio, lambda: audio.sound.waveform.shape == (2, 256))
        stage.until(audio, lambda: audio.ended)
    assert audio.sound is SILENCE
    assert stage.told == ["audio: plays song.wav to the default output", "audio: song.wav has ended"]
    assert "audio/level" not in stage.controls.signals


def test_without_an_output_a_file_is_danced_to_by_the_wall_clock(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    song = write_wav(tmp_path / "song.wav", clicks(3))
    with closing(AudioFile(song, stage.clock, stage.told.append)) as audio:
        stage.until(audio, hears(stage))
        taken = stage.until(audio, lambda: audio.ended)
    assert taken > 1.5  # of three seconds, less what had been heard
    assert stage.told[0].startswith("audio: plays without sound: ")


def test_a_show_started_beside_somebody_s_own_engine_has_the_right_ear(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit('a game engine')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    song = write_wav(tmp_path / "song.wav", clicks(3))
    with closing(AudioFile(song, stage.clock, stage.told.append)) as audio:
        stage.until(audio, hears(stage))
    assert stage.told[0].startswith("audio: plays without sound: "), "it is ours that tells"


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
def test_what_an_ear_is_made_of_is_imported_behind_the_show_and_hearing_is_not() -> None:
    found = []

    def wakes() -> None:
        wake()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    waking = threading.Thread(target=wakes)
    waking.start()
    waking.join()
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert found == [min(before + 5, 19)]


def test_a_file_that_is_not_there_is_told_in_one_line(stage: Stage, tmp_path: Path) -> None:
    missing = tmp_path / "none.ogg"
    with closing(AudioFile(missing, stage.clock, stage.told.append)) as audio:
        stage.until(audio, lambda: bool(stage.told))
    assert stage.told == [f"audio: {missing}: No such file or directory"]
    with pytest.raises(AudioError, match=r"none\.ogg: No such file"):
        SongTrack(missing, FixedClock(RATE))


def test_a_render_hears_exactly_the_samples_up_to_each_frame(tmp_path: Path) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(2))
    clock, controls, analysis = FixedClock(29.97), Controls(PARAMETERS), Analysis(SONG_RATE)
    track = SongTrack(song, clock)
    samples = mono(np.concatenate(list(blocks(song, SONG_RATE))))
    fed = 0
    for _ in range(50):
        clock.advance()
        track.poll(controls)
        end = round(clock.time * SONG_RATE)
        heard = analysis.feed(samples[fed:end])
        fed = end
        if heard:
            assert controls.signals["audio/bass"] == max(values.bass for values in heard)
            assert track.beat == heard[-1].beat
        assert track.sound.spectrum.tobytes() == analysis.sound().spectrum.tobytes()
        channels = 2 if fed else 1  # the file is heard in stereo
        assert track.sound.waveform.tolist() == analysis.sound().waveform.tolist() * channels
    assert fed == round(49 / 29.97 * SONG_RATE)


def test_after_a_songs_end_a_render_is_quiet(tmp_path: Path) -> None:
    clock, controls = FixedClock(RATE), Controls(PARAMETERS)
    track = SongTrack(write_wav(tmp_path / "song.wav", clicks(0.5)), clock)
    for _ in range(30):
        clock.advance()
        track.poll(controls)
    assert controls.signals == {} and track.beat is None and track.sound is SILENCE


def test_a_song_is_decoded_in_any_portions_at_the_rate_asked_for(tmp_path: Path) -> None:
    song = write_wav(tmp_path / "song.wav", clicks(1))
    whole = np.concatenate(list(blocks(song, 44100)))
    assert len(whole) == pytest.approx(44100, abs=2)
    samples = Samples(blocks(song, 44100))
    parts = [samples.take(count) for count in (1, 0, 1000, 50000)]
    assert [len(part) for part in parts] == [1, 0, 1000, len(whole) - 1001] and samples.ended
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for packet in stream.encode(av.VideoFrame(16, 16, "yuv420p")):
            container.mux(packet)
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match=r"mute\.mp4: holds no sound"):
        next(blocks(path, SONG_RATE))


INPUTS = [
    Input("mic", 0, 48000, 1),
    Input("speakers.monitor", 1, 48000, 2, loopback=True),
    Input("Line In", 2, 48000, 2, default=True),
    Input("hdmi.monitor", 3, 48000, 2, loopback=True),
]


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("default", "Line In"),
        ("loopback", "speakers.monitor"),
        ("1", "mic"),
        ("line", "Line In"),
        ("HDMI", "hdmi.monitor"),
    ],
)
def test_an_input_is_chosen_by_number_by_part_of_its_name_or_by_what_it_is(wanted: str, name: str) -> None:
    assert choose(INPUTS, wanted).name == name


@pytest.mark.parametrize("wanted", ["0", "5", "guitar"])
def test_an_input_that_is_not_there_is_refused_with_those_that_are(wanted: str) -> None:
    with pytest.raises(AudioError, match=f"no input '{wanted}'; there are 1 mic, 2 speakers.monitor, "):
        choose(INPUTS, wanted)
    with pytest.raises(AudioError, match="the system has no audio input"):
        choose([], wanted)


class Lines(Listener):
    """A listener without an ear: its lines are the test's."""

    def __init__(self, clock: Any, told: list[str]) -> None:
        super().__init__(clock, told.append, lambda: ["file", "/dev/null", "0"])
        self._ear.close()
        self.lines = self._ear.lines
        self.lines.clear()

    def _opened(self, values: list[Any]) -> str:
        return "listens to the test"

    def hear(self, onset: float, phase: float) -> float:
        now = time.perf_counter()
        self.lines.append(["heard", now, 0.5, 0.1, 0.1, 0.1, 0.1, onset, [now, 120.0, phase, 1.0]])
        return now


def test_no_onset_falls_between_where_a_frame_is_polled_twice() -> None:
    clock, controls = FixedClock(30), Controls(PARAMETERS)
    source = Lines(clock, [])
    found = []
    for first, again in ((1.0, 0.4), (0.2, 0.9), (0.1, 0.0)):
        clock.advance()
        for onset in (first, again):
            source.hear(onset, 0.5)
            source.poll(controls)
            found.append(controls.signals["audio/onset"])
    # The picture sees the frame's highest; the next frame's dance sees what came since the last frame's began.
    assert found == [1.0, 1.0, 0.4, 0.9, 0.9, 0.9]


def test_a_beat_is_at_the_same_time_of_the_show_however_often_its_frame_is_polled() -> None:
    clock, controls = FixedClock(30), Controls(PARAMETERS)
    source = Lines(clock, [])
    clock.advance()
    before = time.perf_counter()
    source.poll(controls)
    after = time.perf_counter()
    heard = source.hear(0.0, 0.25)
    source.poll(controls)
    assert source.beat is not None
    assert heard - after <= source.beat.time - clock.time <= heard - before


def test_the_newest_sound_is_given_until_what_is_heard_is_over() -> None:
    clock, controls = FixedClock(30), Controls(PARAMETERS)
    source = Lines(clock, [])
    first, second = (bytes([value] * 512) for value in (140, 160))
    assert source.sound is SILENCE
    for packed in (first, second):
        source.lines.append(["sound", base64.b64encode(packed).decode()])
    source.poll(controls)
    assert source.sound.packed() == second
    kept = source.sound
    source.poll(controls)
    assert source.sound is kept
    controls.set("audio/gain", 0.5)
    source.lines.append(["sound", base64.b64encode(first).decode()])
    source.poll(controls)
    assert source.sound.packed() == Sound.unpacked(first).trimmed(0.5).packed()
    source.lines.extend([["sound", base64.b64encode(first).decode()], ["lost"]])
    source.poll(controls)
    assert source.sound is SILENCE


def test_samples_are_given_while_somebody_takes_them_whatever_ear_hears_them(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")  # by the wall clock
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    song = write_wav(tmp_path / "song.wav", clicks(60))
    first: list[tuple[float, float, bytes]] = []
    second: list[tuple[float, float, bytes]] = []

    def take_first(*block: Any) -> None:
        first.append(block)

    def take_second(*block: Any) -> None:
        second.append(block)

    expected = np.rint(np.concatenate(list(blocks(song, SONG_RATE)))[:, 0] * 32768)
    with closing(AudioFile(song, stage.clock, stage.told.append)) as audio:
        stage.until(audio, hears(stage))
        assert not first
        asked = time.perf_counter()
        audio.listen(take_first)
        stage.until(audio, lambda: len(first) >= 25)
        assert first[0][0] <= asked + 0.1, "what came while it was asked for is there too"
        audio.listen(take_second)
        stage.until(audio, lambda: len(second) >= 10)
        audio.unlisten(take_first)
        count = len(first)
        ear = audio._ear._process
        assert ear is not None
        audio._ear.begin_anew()
        stage.until(audio, lambda: audio._ear._process not in (ear, None))
        count_then = len(second)
        stage.until(audio, lambda: len(second) > count_then + 25)
        audio.unlisten(take_second)
        assert count <= len(first) <= count + 1, "what was under way"
    # One behind the other, sample by sample, and of the song.
    begin = first[0][0]
    sound = np.concatenate([np.frombuffer(data, "<i2").reshape(-1, 2) for _, _, data in first])
    assert {rate for _, rate, _ in first} == {SONG_RATE} and (sound[:, 0] == sound[:, 1]).all()
    lengths = np.cumsum([0, *(len(data) // 4 for _, _, data in first)])
    assert [when for when, _, _ in first] == pytest.approx(begin + lengths[:-1] / SONG_RATE, abs=1e-3)
    offsets = range(0, len(expected) - len(sound), BLOCK)
    assert any(np.abs(expected[offset:][: len(sound)] - sound[:, 0]).max() <= 1 for offset in offsets)


def test_samples_that_were_lost_begin_a_line_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    asked = threading.Event()
    asked.set()
    telling = Telling(SONG_RATE, asked)
    block = np.full((BLOCK, 1), 0.5, np.float32)
    for began in (7.0, 7.0 + BLOCK / SONG_RATE, 8.0, *(8.0 + n * BLOCK / SONG_RATE for n in range(1, 5))):
        telling.hear(block, began)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    given = [line[1:] for line in lines if line[0] == "samples"]
    assert [when for when, *_ in given] == pytest.approx([7.0, 8.0], abs=1e-6)
    assert {rate for _, rate, _ in given} == {SONG_RATE}
    blocks_ = [np.frombuffer(base64.b64decode(packed), "<i2").reshape(-1, 2) for *_, packed in given]
    assert [len(each) for each in blocks_] == [2 * BLOCK, 4 * BLOCK]
    assert all((each == 16384).all() for each in blocks_)


def test_samples_of_a_sound_system_that_hands_them_over_in_lumps_have_steady_times(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = threading.Event()
    telling = Telling(SONG_RATE, asked)
    for index in range(600):
        if index == 200:
            asked.set()
        late = (0.012 if index % 5 else 0.0) + (0.1 if index % 70 in (50, 51, 52) else 0.0)  # seconds
        telling.hear(np.zeros((BLOCK, 1), np.float32), 7.0 + index * BLOCK / SONG_RATE + late)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    given = [(line[1], len(base64.b64decode(line[3])) // 4) for line in lines if line[0] == "samples"]
    assert len(given) > 90
    end = given[0][0]
    for when, count in given:
        assert when == pytest.approx(end, abs=1e-6)
        end = when + count / SONG_RATE
    begins = (given[0][0] - 7.0) * SONG_RATE / BLOCK
    assert begins == pytest.approx(round(begins), abs=1e-3)


@pytest.mark.parametrize(("channels", "level", "given"), [(1, 1.5, 32767), (2, -1.5, -32768), (2, 0.25, 8192)])
def test_samples_are_stereo_of_16_bits_and_too_loud_ones_are_cut(
    capsys: pytest.CaptureFixture[str], channels: int, level: float, given: int
) -> None:
    asked = threading.Event()
    asked.set()
    Telling(SONG_RATE, asked).hear(np.full((960, channels), level, np.float32), 1.0)
    (packed,) = (line[3] for line in map(json.loads, capsys.readouterr().out.splitlines()) if line[0] == "samples")
    assert np.frombuffer(base64.b64decode(packed), "<i2").tolist() == [given] * 1920


def test_the_ear_tells_the_sound_every_16_ms_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    telling, analysis = Telling(SONG_RATE, threading.Event()), Analysis(SONG_RATE)
    song = clicks(0.2)
    expected = []
    for start in range(0, 8192, BLOCK):
        block = np.stack([song, -song], axis=1)[start : start + BLOCK]
        telling.hear(block, 7.0 + start / SONG_RATE)
        analysis.feed(block)
        if start // BLOCK % 3 == 2:
            expected.append(analysis.sound().packed())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [base64.b64decode(line[1]) for line in lines if line[0] == "sound"] == expected
    times = [line[1] for line in lines if line[0] == "heard"]
    assert times == pytest.approx([7.0 + (hop + 1) * BLOCK / SONG_RATE for hop in range(32)])
