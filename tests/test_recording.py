"""A recording of a live show plays, whatever ended it, and what it lacks is counted."""

import errno
import gc
import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.stream import VideoStream
from numpy.typing import NDArray

from engine.sinks import film as film_module
from engine.sinks import recording as recording_module
from engine.sinks.film import framed
from engine.sinks.fragments import UnhurriedFile, cut
from engine.sinks.recording import Recording, minutes
from engine.sinks.recording_sound import RecordingSound
from tests.test_video import boxes

ROOT = Path(__file__).parent.parent
RATE = Fraction(30)
SIZE = (64, 48)
NBYTES = SIZE[0] * SIZE[1] * 4
PATIENCE = 60.0


def pixels(level: int, size: tuple[int, int] = SIZE) -> NDArray[np.uint8]:
    """A frame as it comes from the GPU, the bottom row first: its upper half is white, its lower of a level."""
    found = np.full((size[1], size[0], 4), 255, np.uint8)
    found[: size[1] // 2, :, :3] = level
    return found.reshape(-1)


def give(recording: Recording, period: int, level: int, size: tuple[int, int] = SIZE) -> bool:
    """Has a frame recorded or dropped, as the live recorder does."""
    room = recording.room(size[0] * size[1] * 4)
    if room is None:
        recording.drop(period)
        return False
    room[:] = pixels(level, size)
    recording.add(room, size, period)
    return True


def finish(recording: Recording) -> str:
    recording.end()
    assert recording.wait(PATIENCE)
    assert not recording.failed
    return recording.outcome()


def frames_of(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """When each frame is shown, seconds, and its red channel."""
    with av.open(str(path)) as video:
        return [
            (float(frame.time or 0), frame.to_ndarray(format="rgb24").astype(np.uint8)[..., 0])
            for frame in video.decode(video=0)
        ]


def test_a_recording_holds_every_frame_at_its_time_top_row_first(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    recording = Recording(path, RATE)
    for period in range(75):
        assert give(recording, period, 2 * period)
    assert finish(recording) == f"recorded {path}: 0:02, 75 frames, none dropped"
    assert [file.name for file in tmp_path.iterdir()] == ["show.mp4"]
    frames = frames_of(path)
    assert [time for time, _ in frames] == pytest.approx([period / 30 for period in range(75)], abs=1e-3)
    for period, (_, red) in enumerate(frames):
        assert red[:20].min() >= 250 and abs(red[28:].mean() - 2 * period) <= 1.5
    found = boxes(path)
    assert found.index("moov") < found.index("mdat") and "moof" not in found


def test_frames_that_stood_longer_are_shown_longer(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    for period in (0, 1, 4, 5, 9):
        give(recording, period, 0)
    assert finish(recording).endswith(": 0:00, 5 frames, none dropped")
    assert [round(time * 30) for time, _ in frames_of(tmp_path / "show.mp4")] == [0, 1, 4, 5, 9]


def test_a_keyframe_comes_every_second_whatever_was_dropped(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    for period in range(0, 120, 3):
        give(recording, period, 100)
    finish(recording)
    with av.open(str(tmp_path / "show.mp4")) as video:
        keys = [packet.pts for packet in video.demux(video=0) if packet.is_keyframe and packet.size]
        second = 1 / (video.streams.video[0].time_base or Fraction(1))
    assert keys == [0, second, 2 * second, 3 * second]


def test_frames_that_a_slow_encoder_has_no_room_for_are_dropped_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, encode = threading.Event(), film_module.coloured
    monkeypatch.setattr(recording_module, "MOST_BYTES", 10 * NBYTES)

    def slow(*arguments: Any) -> object:
        assert gate.wait(PATIENCE)
        return encode(*arguments)

    monkeypatch.setattr(film_module, "coloured", slow)
    path = tmp_path / "show.mp4"
    recording = Recording(path, RATE)
    taken = [give(recording, period, 0) for period in range(30)]
    assert taken == [True] * 10 + [False] * 20
    assert recording.lost == 20 and recording.dropped == [(10, 30)]
    gate.set()
    period = 30
    while not give(recording, period, 0):  # as soon as there is room
        period += 1
    outcome = finish(recording)
    assert recording.shown == period + 1 == recording.written + recording.lost
    assert recording.dropped == [(10, period)] and recording.written == 11
    assert outcome == (
        f"recorded {path}: {minutes((period + 1) / 30)}, 11 frames, {period - 10} dropped: 0.33 to {period / 30:.2f} s"
    )
    assert [round(time * 30) for time, _ in frames_of(path)] == [*range(10), period]


def test_no_more_memory_is_held_than_is_said_and_it_is_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_module, "MOST_BYTES", 4 * NBYTES)
    recording = Recording(tmp_path / "show.mp4", RATE)
    seen = set()
    for period in range(200):
        room = recording.room(NBYTES)
        if room is None:
            recording.drop(period)
        else:
            seen.add(room.ctypes.data)
            room[:] = 0
            recording.add(room, SIZE, period)
    finish(recording)
    assert len(seen) <= 4
    assert recording.written + recording.lost == recording.shown == 200


def test_a_picture_of_another_size_is_fitted_into_the_file(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    for period, size in enumerate([SIZE, (128, 48), (65, 49), (200, 300), SIZE]):
        give(recording, period, 255, size)
    finish(recording)
    (_, same), (_, wide), (_, odd), (_, tall), (_, last) = frames_of(tmp_path / "show.mp4")
    assert {red.shape for red in (same, wide, odd, tall, last)} == {(48, 64)}
    for whole in (same, odd, last):
        assert whole.min() >= 250
    assert wide[:10].max() <= 5 and wide[-10:].max() <= 5 and wide[14:34].min() >= 245
    assert tall[:, :14].max() <= 5 and tall[:, -14:].max() <= 5 and tall[:, 18:46].min() >= 245


def test_an_odd_picture_loses_a_row_and_a_column_and_nothing_else() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (49, 65, 4), dtype=np.uint8)
    assert (framed(picture, (64, 48)) == picture[:48, :64]).all()


def test_a_smaller_picture_of_the_same_shape_fills_the_file(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    edge = np.zeros((24, 32, 4), np.uint8)
    edge[:, 16:] = 255
    for period, picture in enumerate([np.repeat(np.repeat(edge, 2, 0), 2, 1), edge]):
        room = recording.room(picture.nbytes)
        assert room is not None
        room[:] = picture.reshape(-1)
        recording.add(room, picture.shape[1::-1], period)
    finish(recording)
    (_, whole), (_, small) = frames_of(tmp_path / "show.mp4")
    assert whole.shape == small.shape == (48, 64)
    for frame in (whole, small):
        assert frame[:, :28].max() <= 12 and frame[:, 36:].min() >= 243


@pytest.mark.skipif(sys.platform != "linux", reason="threads have no niceness of their own")
def test_only_the_encoders_threads_leave_the_processor_to_the_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[int, int] = {}
    encode = film_module.coloured

    def look(*arguments: Any) -> object:
        for thread in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):  # the one that began them ends
                found[int(thread.name)] = os.getpriority(os.PRIO_PROCESS, int(thread.name))
        found[threading.get_native_id()] += 100  # the recording's own
        return encode(*arguments)

    before = os.getpriority(os.PRIO_PROCESS, 0)
    monkeypatch.setattr(film_module, "coloured", look)
    recording = Recording(tmp_path / "show.mp4", RATE)
    give(recording, 0, 0, (256, 256))  # x264 has no threads for a picture of a few rows
    finish(recording)
    assert found[threading.get_native_id()] == before and before + 100 in found.values()
    # Some of x264's own are as far behind again.
    assert any(min(before + 10, 19) <= niceness <= 19 for niceness in found.values())


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    path.write_bytes(b"earlier")
    recording = Recording(path, RATE)
    give(recording, 0, 0)
    recording.end()
    assert recording.wait(PATIENCE) and recording.failed
    assert recording.outcome() == f"recording {path}: File exists; nothing is kept; the show goes on"
    assert path.read_bytes() == b"earlier"


def test_a_recording_without_a_frame_leaves_nothing(tmp_path: Path) -> None:
    recording = Recording(tmp_path / "show.mp4", RATE)
    assert finish(recording) == f"recorded {tmp_path}/show.mp4: 0:00, 0 frames, none dropped"
    assert list(tmp_path.iterdir()) == []


def test_one_that_is_hurried_leaves_out_what_waits_and_plays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reached, gate, encode = threading.Event(), threading.Event(), film_module.coloured
    calls = []

    def halting(*arguments: Any) -> object:
        calls.append(1)
        if len(calls) == 40:
            reached.set()
            assert gate.wait(PATIENCE)
        return encode(*arguments)

    monkeypatch.setattr(film_module, "coloured", halting)
    path = tmp_path / "show.mp4"
    recording = Recording(path, RATE)
    for period in range(100):
        give(recording, period, 0)
    assert reached.wait(PATIENCE)
    recording.hurry()
    gate.set()
    assert finish(recording) == f"recorded {path}: 0:03, 40 frames, 60 dropped"
    assert [file.name for file in tmp_path.iterdir()] == ["show.mp4"]
    assert len(frames_of(path)) == 40 and "moof" in boxes(path)


PLAYER = """
import resource, sys
from fractions import Fraction
from pathlib import Path
import numpy as np
from engine.sinks.recording import Recording

limit, frames = int(sys.argv[2]), int(sys.argv[3])
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
recording, chance = Recording(Path(sys.argv[1]), Fraction(30)), np.random.default_rng(1)
period = 0
while period < frames and not recording.failed:
    room = recording.room(64 * 48 * 4)
    if room is None:
        recording.drop(period)
    else:
        room[:] = chance.integers(0, 256, room.shape, dtype=np.uint8)
        recording.add(room, (64, 48), period)
    period += 1
recording.end()
assert recording.wait(60)
print(recording.outcome(), flush=True)
print(recording.shown, recording.written, flush=True)
"""


def player(path: Path, limit: int, frames: int) -> subprocess.Popen[str]:
    """A process that records noise, and may write no more than `limit` bytes to a file, if that is not 0."""
    command = [sys.executable, "-c", PLAYER, str(path), str(limit), str(frames)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("limit", [300_000, 1_000_001])
def test_a_full_disk_ends_the_file_which_plays_up_to_there(tmp_path: Path, limit: int) -> None:
    path = tmp_path / "show.mp4"
    process = player(path, limit, 20_000)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    outcome, counts = output.splitlines()
    shown, written = map(int, counts.split())
    said = re.fullmatch(
        rf"recording {path}: File too large; it ends at \d+:\d\d with (\d+) frames, (\d+) lost; the show goes on",
        outcome,
    )
    assert said and (int(said[1]), int(said[2])) == (written, shown - written)
    assert len(frames_of(path)) == written >= 30
    assert boxes(path)[:2] == ["ftyp", "moov"] and boxes(path)[2:] == ["moof", "mdat"] * (len(boxes(path)) // 2 - 1)
    assert [file.name for file in tmp_path.iterdir()] == ["show.mp4"]


class Silence:
    """Hears nothing."""

    def listen(self, take: object) -> None: ...

    def unlisten(self, take: object) -> None: ...


@pytest.mark.parametrize("sounding", [False, True])
def test_a_film_that_a_full_disk_ends_leaves_nothing_to_be_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sounding: bool
) -> None:
    # An encoder holds 70 MB, and Python's great collections are far apart in a show: eleven full disks left 500 MB.
    write = UnhurriedFile.write

    def write_some(self: UnhurriedFile, data: bytes) -> int:
        if self.tell() > 100_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    monkeypatch.setattr(UnhurriedFile, "write", write_some)
    gc.collect()
    gc.disable()
    try:
        sound = RecordingSound(Silence()) if sounding else None
        recording = Recording(tmp_path / "show.mp4", Fraction(30), sound=sound)
        random = np.random.default_rng(0)
        for period in range(120):
            recording.add(np.frombuffer(random.bytes(NBYTES), np.uint8).copy(), SIZE, period)
        recording.end()
        assert recording.wait(60)
        assert "No space left on device" in recording.outcome()
        del recording, sound
        left = [each for each in gc.get_objects() if isinstance(each, av.container.OutputContainer | VideoStream)]
        assert left == []
    finally:
        gc.enable()


def test_a_disk_that_is_full_from_the_beginning_keeps_nothing(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    output, errors = player(path, 500, 20_000).communicate(timeout=120)
    assert output.splitlines()[0] == f"recording {path}: File too large; nothing is kept; the show goes on", errors
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_plays_though_the_show_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "show.mp4"
    process = player(path, 0, 10**9)
    while not (path.exists() and path.stat().st_size > 1_000_000):
        assert process.poll() is None
    process.kill()
    process.communicate()
    size = path.stat().st_size
    frames = frames_of(path)
    assert len(frames) > 60
    assert [round(time * 30) for time, _ in frames] == sorted({round(time * 30) for time, _ in frames})
    assert cut(path) >= 2 and size - path.stat().st_size >= 0, "only the end of the last fragment is missing"
    assert len(frames) - 31 <= len(frames_of(path)) <= len(frames)


@pytest.mark.parametrize("left", [0, 1, 7, 100])
def test_what_is_left_over_of_a_fragment_is_cut_off(tmp_path: Path, left: int) -> None:
    path = tmp_path / "show.mp4"

    def box(name: bytes, length: int) -> bytes:
        return length.to_bytes(4, "big") + name + bytes(length - 8)

    whole = box(b"ftyp", 20) + box(b"moov", 300) + box(b"moof", 50) + box(b"mdat", 1000)
    path.write_bytes(whole + box(b"moof", 60) + box(b"mdat", 200)[:left])
    assert cut(path) == 1
    assert path.read_bytes() == whole
    path.write_bytes(whole[:400])
    assert cut(path) == 0 and not path.exists()
