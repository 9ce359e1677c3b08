"""What was heard is in a recording beside the pictures that were seen then, whatever ended it."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.decode import SONG_RATE, blocks
from engine.sinks import film as film_module
from engine.sinks import recording_sound
from engine.sinks.recording import Recording
from engine.sinks.recording_sound import RecordingSound
from tests.test_recording import PATIENCE, RATE, ROOT, give
from tests.test_video import boxes

# When recordings begin, by perf_counter: long ago, so that none waits for sound that is still on its way.
ZERO = -1000.0
# Pictures and sound are as long as each other, to an AAC frame and some.
EQUAL = 0.03


class Heard:
    """Whoever hears: tells who takes, and gives what the test has it hear."""

    def __init__(self) -> None:
        self.takers: list[Callable[[float, float, bytes], None]] = []

    def listen(self, take: Callable[[float, float, bytes], None]) -> None:
        self.takers.append(take)

    def unlisten(self, take: Callable[[float, float, bytes], None]) -> None:
        self.takers.remove(take)

    def hear(self, samples: NDArray[np.int16], at: float, rate: float = SONG_RATE) -> None:
        """Blocks of 20 ms, the first of which was heard `at` seconds after ZERO."""
        size = round(rate / 50)
        for begin in range(0, len(samples), size):
            for take in self.takers:
                take(ZERO + at + begin / rate, rate, samples[begin : begin + size].tobytes())


def bursts(seconds: float, *at: float, rate: int = SONG_RATE) -> NDArray[np.int16]:
    """Silence with 50 ms of a tone of 1 kHz at each time, louder to the left."""
    t = np.arange(round(seconds * rate)) / rate
    on = np.any([(t >= begin) & (t < begin + 0.05) for begin in at], axis=0)
    wave = 16000 * np.cos(2 * np.pi * 1000 * t) * on
    return np.stack([wave, wave / 2], axis=1).astype(np.int16)


def begins(path: Path) -> list[float]:
    """When bursts begin, seconds on the file's own time, as a player has it."""
    with av.open(str(path)) as file:
        frames = list(file.decode(audio=0))
    first = frames[0].time or 0.0
    loud = np.abs(np.concatenate([frame.to_ndarray() for frame in frames], axis=1)[0]) > 0.15
    starts = [index for index in np.flatnonzero(loud) if not loud[max(0, index - 480) : index].any()]
    return [first + index / SONG_RATE for index in starts]


def lengths(path: Path) -> tuple[float, float]:
    """When pictures and sound end, seconds, by the times of their packets."""
    ends = {"video": 0.0, "audio": 0.0}
    with av.open(str(path)) as file:
        for packet in file.demux():
            if packet.size and packet.pts is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                ends[packet.stream.type] = max(ends[packet.stream.type], float(end))
    return ends["video"], ends["audio"]


def record(path: Path, periods: int, hear: Callable[[Heard], None], zero: float = ZERO) -> str:
    """Records so many frames, with what was heard; returns what became of it."""
    heard = Heard()
    sound = RecordingSound(heard)
    recording = Recording(path, RATE, sound=sound)
    hear(heard)
    for period in range(periods):
        room = recording.room(64 * 48 * 4)
        assert room is not None
        room[:] = 100
        recording.add(room, (64, 48), period, zero)
    recording.end()
    assert recording.wait(PATIENCE)
    recording.deafen()
    assert heard.takers == []
    return recording.outcome()


@pytest.mark.parametrize("rate", [SONG_RATE, 44100, 96000])
def test_what_is_heard_is_beside_the_picture_that_is_seen_then(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "show.mp4"
    times = [0.5, 1.0, 2.0, 3.4]
    outcome = record(path, 120, lambda heard: heard.hear(bursts(4.5, *times, rate=rate), 0.0, rate))
    assert outcome == f"recorded {path}: 0:04, 120 frames, none dropped"
    assert begins(path) == pytest.approx(times, abs=0.003)
    assert lengths(path) == (pytest.approx(4.0, abs=1e-3), pytest.approx(4.0, abs=1e-3))
    with av.open(str(path)) as file:
        (audio,) = file.streams.audio
        assert (audio.codec_context.name, audio.rate, audio.channels) == ("aac", SONG_RATE, 2)
        assert audio.profile == "LC"
        assert [round((frame.time or 0) * 30) for frame in file.decode(video=0)] == list(range(120))
    found = boxes(path)
    assert found.index("moov") < found.index("mdat") and "moof" not in found
    sound = np.concatenate(list(blocks(path, SONG_RATE)))
    part = sound[round(1.01 * SONG_RATE) : round(1.04 * SONG_RATE)]
    loudness = np.sqrt((part**2).mean(axis=0)) * np.sqrt(2)
    assert loudness == pytest.approx([16000 / 32768, 8000 / 32768], rel=0.05)


def test_sound_that_began_earlier_and_goes_on_later_is_cut_to_the_pictures(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    record(path, 45, lambda heard: heard.hear(bursts(4.0, 0.8, 1.5), -1.0))
    assert begins(path) == pytest.approx([0.5], abs=0.003)
    assert lengths(path) == (pytest.approx(1.5, abs=1e-3), pytest.approx(1.5, abs=1e-3))


def test_gaps_are_silence_and_told(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"

    def hear(heard: Heard) -> None:
        heard.hear(bursts(1.0, 0.5), 0.5)  # it began late,
        heard.hear(bursts(0.5, 0.25, rate=44100), 2.0, 44100)  # another input was taken,
        heard.hear(bursts(0.6, 0.1), 2.3)  # which is heard once more: 0.2 s too early

    outcome = record(path, 120, hear)
    told = "; nothing was heard: 0.00 to 0.50 s, 1.50 to 2.00 s, 2.90 to 4.00 s"
    assert outcome == f"recorded {path}: 0:04, 120 frames, none dropped{told}"
    assert begins(path) == pytest.approx([1.0, 2.25], abs=0.003)
    assert lengths(path) == (pytest.approx(4.0, abs=1e-3), pytest.approx(4.0, abs=1e-3))


def test_where_nothing_is_heard_at_all_the_file_is_silent(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    outcome = record(path, 45, lambda heard: None)
    assert outcome == f"recorded {path}: 0:01, 45 frames, none dropped; nothing was heard"
    assert lengths(path) == (pytest.approx(1.5, abs=1e-3), pytest.approx(1.5, abs=1e-3)) and begins(path) == []


def test_without_anyone_who_hears_there_is_no_sound_in_the_file(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    give(recording, 0, 0)
    recording.end()
    assert recording.wait(PATIENCE)
    with av.open(str(tmp_path / "show.mp4")) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def test_frames_that_were_dropped_and_those_that_stood_move_no_sound(tmp_path: Path) -> None:
    path, heard = tmp_path / "show.mp4", Heard()
    recording = Recording(path, RATE, sound=RecordingSound(heard))
    heard.hear(bursts(4.0, 0.5, 2.5), 0.0)
    for period in [*range(10), *range(60, 90)]:
        room = recording.room(64 * 48 * 4)
        assert room is not None
        recording.add(room, (64, 48), period, ZERO)
    for period in range(10, 60):
        recording.drop(period)
    recording.end()
    assert recording.wait(PATIENCE)
    assert begins(path) == pytest.approx([0.5, 2.5], abs=0.003)
    assert lengths(path) == (pytest.approx(3.0, abs=1e-3), pytest.approx(3.0, abs=1e-3))


def test_a_show_that_is_a_little_late_takes_its_sound_with_it(tmp_path: Path) -> None:
    """By a screen of 59.94 Hz a show of 60 frames a second lasts longer than its frames say."""
    path, heard = tmp_path / "show.mp4", Heard()
    recording = Recording(path, RATE, sound=RecordingSound(heard))
    heard.hear(bursts(13.0, *range(1, 13)), 0.0)
    for period in range(360):
        room = recording.room(64 * 48 * 4)
        assert room is not None
        recording.add(room, (64, 48), period, ZERO + 0.001 * period / 30)
    recording.end()
    assert recording.wait(PATIENCE)
    assert recording.outcome().endswith("none dropped")
    assert begins(path) == pytest.approx([second / 1.001 for second in range(1, 13)], abs=0.005)
    assert lengths(path) == (pytest.approx(12.0, abs=1e-3), pytest.approx(12.0, abs=1e-3))


def test_a_slow_disk_holds_up_no_one_who_hears_and_memory_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, encode = threading.Event(), film_module.coloured
    monkeypatch.setattr(recording_sound, "MOST_BLOCKS", 50)
    monkeypatch.setattr(film_module, "coloured", lambda *args: gate.wait(PATIENCE) and encode(*args))
    path, heard = tmp_path / "show.mp4", Heard()
    sound = RecordingSound(heard)
    recording = Recording(path, RATE, sound=sound)
    for period in range(60):
        room = recording.room(64 * 48 * 4)
        assert room is not None
        recording.add(room, (64, 48), period, ZERO)
    heard.hear(bursts(2.0, 0.5, 1.5), 0.0)  # of which one second finds room
    gate.set()
    recording.end()
    assert recording.wait(PATIENCE)
    assert recording.outcome().endswith("none dropped; nothing was heard: 1.00 to 2.00 s")
    assert begins(path) == pytest.approx([0.5], abs=0.003)


def test_the_end_of_a_recording_waits_for_sound_that_is_on_its_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_sound, "LATEST", PATIENCE)
    path, heard = tmp_path / "show.mp4", Heard()
    recording = Recording(path, RATE, sound=RecordingSound(heard))
    zero = time.perf_counter() - 1.0
    for period in range(30):
        room = recording.room(64 * 48 * 4)
        assert room is not None
        recording.add(room, (64, 48), period, zero)
    recording.end()
    samples = bursts(1.1, 0.5)
    for begin in range(0, len(samples), 960):
        assert not recording.wait(0.001)
        heard.takers[0](zero + begin / SONG_RATE, SONG_RATE, samples[begin : begin + 960].tobytes())
        if begin >= SONG_RATE:
            break
    assert recording.wait(PATIENCE)
    assert recording.outcome().endswith("none dropped")
    assert begins(path) == pytest.approx([0.5], abs=0.003)


PLAYER = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from engine.sinks.recording import Recording
from engine.sinks.recording_sound import RecordingSound
from tests.test_recording_sound import Heard, bursts

limit, frames = int(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
heard = Heard()
recording, chance = Recording(Path(sys.argv[1]), Fraction(30), sound=RecordingSound(heard)), np.random.default_rng(1)
second = bursts(1.0, 0.5)
period = 0
while period < frames and not recording.failed:
    if period % 30 == 0:
        heard.hear(second, period / 30)
    room = recording.room(64 * 48 * 4)
    while room is None and not recording.failed:
        recording.wait(0.001)
        room = recording.room(64 * 48 * 4)
    if room is not None:
        room[:] = chance.integers(0, 256, room.shape, dtype=np.uint8)
        recording.add(room, (64, 48), period, -1000.0)
        while period - recording.written > 60 and not recording.failed:  # as far ahead as a show in real time
            recording.wait(0.001)
    period += 1
recording.end()
assert recording.wait(60)
print(recording.outcome(), flush=True)
"""


def player(path: Path, limit: int, frames: int) -> subprocess.Popen[str]:
    """A process that records noise and a burst a second, and may write no more than `limit` bytes, if that is not 0."""
    command = [sys.executable, "-c", PLAYER, str(path), str(limit), str(frames)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_full_disk_ends_pictures_and_sound_together(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    process = player(path, 1_000_001, 20_000)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    said = re.fullmatch(
        rf"recording {path}: File too large; it ends at \d+:\d\d with (\d+) frames, \d+ lost; the show goes on\n",
        output,
    )
    assert said, output
    assert [file.name for file in tmp_path.iterdir()] == ["show.mp4"]
    plays(path, int(said[1]))


def test_what_was_written_plays_with_its_sound_though_the_show_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    process = player(path, 0, 10**9)
    while not (path.exists() and path.stat().st_size > 1_000_000):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    plays(path)


def plays(path: Path, frames: int | None = None) -> None:
    """Holds a file of fragments to what it is: as much sound as pictures, a burst in the middle of every second."""
    pictures, sound = lengths(path)
    assert pictures > 1.9 and sound == pytest.approx(pictures, abs=EQUAL)
    with av.open(str(path)) as file:
        times = [float(frame.time or 0) for frame in file.decode(video=0)]
    assert frames in (None, len(times))
    delay = times[1] - 1 / 30  # both are that much later
    assert 0 <= delay < 0.03 and times[1:] == pytest.approx([delay + n / 30 for n in range(1, len(times))], abs=1e-3)
    assert begins(path) == pytest.approx([delay + second + 0.5 for second in range(int(sound + 0.4))], abs=0.003)


def test_a_recording_is_as_long_as_a_fraction_of_a_rate_says(tmp_path: Path) -> None:
    rate, path, heard = Fraction(30000, 1001), tmp_path / "show.mp4", Heard()
    recording = Recording(path, rate, sound=RecordingSound(heard))
    heard.hear(bursts(3.0, 1.0), 0.0)
    for period in range(61):
        room = recording.room(64 * 48 * 4)
        assert room is not None
        recording.add(room, (64, 48), period, ZERO)
    recording.end()
    assert recording.wait(PATIENCE)
    assert lengths(path) == (pytest.approx(float(61 / rate), abs=1e-3), pytest.approx(float(61 / rate), abs=1e-3))
    assert begins(path) == pytest.approx([1.0], abs=0.003)
