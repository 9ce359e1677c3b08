"""The live recorder, given pictures of a real GL context: it records what was drawn, and says what it lost."""

import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import moderngl
import numpy as np
import pytest

from engine.clock import FixedClock
from engine.sinks import film as film_module
from engine.sinks import live_recorder
from engine.sinks import recording as recording_module
from engine.sinks.live_recorder import LiveRecorder, free_path, videos_folder
from engine.sinks.readback import Readback
from engine.sinks.recording_sound import Hearing
from tests.test_recording import frames_of
from tests.test_recording_sound import ZERO, Heard, begins, bursts, lengths

SIZE = (64, 48)
NOW = datetime(2026, 2, 3, 4, 5, 6)
# By perf_counter: so long ago that none waits for sound that is on its way, though a night is slept through and the
# machine has just been started.
START = -100_000.0


class Shown:
    """A picture whose upper half is white, its lower of a level."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int] = SIZE) -> None:
        self.texture = context.texture(size, 4)
        self._target = context.framebuffer([self.texture])

    def draw(self, level: int) -> "Shown":
        width, height = self.texture.size
        self._target.clear(1.0, 1.0, 1.0, 1.0)
        self._target.clear(level / 255, level / 255, level / 255, 1.0, viewport=(0, 0, width, height // 2))
        return self


class Clock(FixedClock):
    """One by which frames are due, from `START` on, when show time says."""

    held_up = 0.0

    @property
    def due(self) -> float:
        return START + self.held_up + self.time


class Stage:
    """A recorder, its clock, and what it said."""

    def __init__(self, context: moderngl.Context, folder: Path, hearing: Hearing | None = None) -> None:
        self.said: list[str] = []
        self.clock = Clock(30)
        self.recorder = LiveRecorder(context, self.clock, folder, self.said.append, now=lambda: NOW, hearing=hearing)
        self.shown = Shown(context)

    def frames(self, *levels: int) -> None:
        for level in levels:
            self.clock.advance()
            self.recorder.present(self.shown.draw(level), {})


@pytest.fixture
def stage(context: moderngl.Context, tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(context, tmp_path)
    yield stage
    stage.recorder.close()


def test_what_is_asked_for_in_one_frame_is_taken_in_the_next(context: moderngl.Context) -> None:
    chance = np.random.default_rng(1)
    readback = Readback(context)
    for size in ((64, 48), (33, 17), (64, 48)):
        frames = [chance.integers(0, 256, (size[1], size[0], 4), dtype=np.uint8) for _ in range(3)]
        texture = context.texture(size, 4)
        for frame in frames:
            texture.write(frame.tobytes())
            readback.ask(texture)
            texture.write(bytes(frame.nbytes))  # what is drawn later is not seen
            assert readback.size == size and readback.nbytes == frame.nbytes
            found = np.zeros(frame.nbytes, np.uint8)
            readback.take(found)
            assert (found.reshape(frame.shape) == frame).all()
            assert readback.size == (0, 0)
        texture.release()
    readback.release()
    assert context.error == "GL_NO_ERROR"


def test_what_is_shown_between_two_toggles_is_recorded_and_nothing_else(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "dancenet-2026-02-03-04-05-06.mp4"
    stage.frames(10, 10)
    assert (stage.recorder.recording, stage.recorder.progress, stage.said) == (False, "", [])
    stage.recorder.toggle()
    assert stage.recorder.recording and stage.said == [f"recording to {path}"]
    stage.frames(*range(100, 145))
    assert stage.recorder.progress == "0:01"
    stage.recorder.toggle()
    assert stage.recorder.progress == ""
    stage.frames(10, 10)
    stage.recorder.close()
    assert stage.said[-1] == f"recorded {path}: 0:01, 45 frames, none dropped"
    frames = frames_of(path)
    assert [round(time * 30) for time, _ in frames] == list(range(45))
    for level, (_, red) in zip(range(100, 145), frames, strict=True):
        assert red[:20].min() >= 250 and abs(red[28:].mean() - level) <= 1.5


def test_frames_written_and_frames_dropped_are_the_frames_shown(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, encode = threading.Event(), film_module.coloured
    monkeypatch.setattr(recording_module, "MOST_BYTES", 5 * SIZE[0] * SIZE[1] * 4)
    monkeypatch.setattr(film_module, "coloured", lambda *args: gate.wait(60) and encode(*args))
    stage.recorder.toggle()
    stage.frames(*range(30))
    assert stage.recorder.progress == "0:00, 24 dropped"  # 5 wait, one is on its way
    assert stage.recorder.dropped == 24
    gate.set()
    stage.recorder.close()
    path = tmp_path / "dancenet-2026-02-03-04-05-06.mp4"
    frames = len(frames_of(path))
    assert stage.said[-1].startswith(f"recorded {path}: 0:01, {frames} frames, {30 - frames} dropped: 0.17 to ")


def test_a_window_of_another_size_is_recorded_into_the_same_file(
    stage: Stage, context: moderngl.Context, tmp_path: Path
) -> None:
    stage.recorder.toggle()
    stage.frames(*range(10))
    stage.shown = Shown(context, (128, 48))
    stage.frames(*range(10))
    stage.recorder.close()
    (path,) = tmp_path.iterdir()
    frames = [red for _, red in frames_of(path)]
    assert len(frames) == 20 and {red.shape for red in frames} == {(48, 64)}
    assert frames[-1][:10].max() <= 5 < frames[-1][14:20].min()


def test_a_recording_that_fails_ends_and_is_told_while_the_show_goes_on(
    context: moderngl.Context, tmp_path: Path
) -> None:
    stage = Stage(context, tmp_path / "none")
    stage.recorder.toggle()
    path = tmp_path / "none" / "dancenet-2026-02-03-04-05-06.mp4"
    while len(stage.said) < 2:
        stage.frames(1)
    assert stage.said[1] == f"recording {path}: No such file or directory; nothing is kept; the show goes on"
    assert not stage.recorder.recording
    (tmp_path / "none").mkdir()
    stage.recorder.toggle()
    stage.frames(*range(5))
    stage.recorder.close()
    assert stage.said[-1] == f"recorded {path}: 0:00, 5 frames, none dropped"


def test_one_may_begin_while_the_one_before_still_ends(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, encode = threading.Event(), film_module.coloured
    monkeypatch.setattr(film_module, "coloured", lambda *args: gate.wait(60) and encode(*args))
    monkeypatch.setattr(live_recorder, "SOON", 60.0)  # however busy the machine is, nobody is told to wait
    stem = tmp_path / "dancenet-2026-02-03-04-05-06"
    for count in (3, 4):
        stage.recorder.toggle()
        while not any(tmp_path.glob(f"*{'-2' if count == 4 else '06'}.mp4")):  # the thread has made its file
            stage.frames(1)
        stage.recorder.toggle()
    assert len(stage.said) == 2
    gate.set()
    stage.recorder.close()
    assert [line.split(":")[0] for line in stage.said[2:]] == [f"recorded {stem}.mp4", f"recorded {stem}-2.mp4"]
    assert all(line.endswith("none dropped") for line in stage.said[2:])


def test_while_nothing_is_recorded_there_is_no_thread_and_nothing_is_read(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("read back")

    stage.recorder.toggle()
    stage.frames(1, 2, 3)
    stage.recorder.close()
    monkeypatch.setattr(Readback, "ask", refuse)
    monkeypatch.setattr(Readback, "take", refuse)
    stage.frames(1, 2, 3)
    assert "recording" not in {thread.name for thread in threading.enumerate()}


def test_what_was_heard_is_given_to_every_recording_until_it_has_ended(
    context: moderngl.Context, tmp_path: Path
) -> None:
    heard = Heard()
    stage = Stage(context, tmp_path, heard)
    assert heard.takers == []
    stage.recorder.toggle()
    assert len(heard.takers) == 1
    stage.frames(*range(45))
    heard.hear(bursts(2.0, 0.5), START - ZERO - 0.1)
    stage.recorder.toggle()
    stage.recorder.toggle()
    assert len(heard.takers) == 2 or stage.said[1:]
    stage.frames(*range(10))
    stage.recorder.close()
    assert heard.takers == []
    first, second = sorted(tmp_path.iterdir(), key=lambda path: len(path.name))
    assert begins(first) == pytest.approx([0.4], abs=0.003) and lengths(first)[1] == pytest.approx(1.5, abs=1e-3)
    assert begins(second) == [] and lengths(second)[1] == pytest.approx(1 / 3, abs=1e-3)
    assert stage.said[-1].endswith("; nothing was heard")


def test_where_the_show_was_held_up_the_picture_stands_and_the_sound_goes_on(
    context: moderngl.Context, tmp_path: Path
) -> None:
    heard = Heard()
    stage = Stage(context, tmp_path, heard)
    stage.recorder.toggle()
    heard.hear(bursts(6.0, 0.5, 1.5, 3.5), START - ZERO)
    stage.frames(*range(30))
    stage.clock.held_up += 2.01  # beyond what its time has made up for
    stage.frames(*range(60))
    stage.recorder.close()
    (path,) = tmp_path.iterdir()
    assert begins(path) == pytest.approx([0.5, 1.5, 3.5], abs=0.012)
    assert [round(time * 30) for time, _ in frames_of(path)] == [*range(30), *range(90, 150)]
    assert lengths(path) == (pytest.approx(5.0, abs=1e-3), pytest.approx(5.0, abs=1e-3))


def test_a_night_that_the_show_slept_through_is_not_filmed(context: moderngl.Context, tmp_path: Path) -> None:
    heard = Heard()
    stage = Stage(context, tmp_path, heard)
    stage.recorder.toggle()
    heard.hear(bursts(1.2, 0.5), START - ZERO)
    stage.frames(*range(30))
    stage.clock.held_up += 30000.0
    heard.hear(bursts(1.0, 0.25), START - ZERO + 30001.0)
    stage.frames(*range(30))
    stage.recorder.close()
    (path,) = tmp_path.iterdir()
    assert begins(path) == pytest.approx([0.5, 1.25], abs=0.003)
    assert lengths(path) == (pytest.approx(2.0, abs=1e-3), pytest.approx(2.0, abs=1e-3))


def test_a_file_that_is_there_has_its_name(tmp_path: Path) -> None:
    assert free_path(tmp_path, NOW).name == "dancenet-2026-02-03-04-05-06.mp4"
    free_path(tmp_path, NOW).touch()
    free_path(tmp_path, NOW).touch()
    assert free_path(tmp_path, NOW).name == "dancenet-2026-02-03-04-05-06-3.mp4"
    taken = free_path(tmp_path, NOW)
    assert free_path(tmp_path, NOW, [taken]).name == "dancenet-2026-02-03-04-05-06-4.mp4"


def test_videos_go_where_the_system_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (here, home / ".config", home / "Videos", home / "Movies", home / "Filme"):
        folder.mkdir(parents=True)
    monkeypatch.chdir(here)
    environment = {"HOME": str(home)}
    assert videos_folder(environment, "linux") == home / "Videos"
    assert videos_folder(environment, "win32") == home / "Videos"
    assert videos_folder(environment, "darwin") == home / "Movies"
    known = home / ".config" / "user-dirs.dirs"
    known.write_text('XDG_MUSIC_DIR="$HOME/Musik"\nXDG_VIDEOS_DIR="$HOME/Filme"\n')
    assert videos_folder(environment, "linux") == home / "Filme"
    known.write_text('XDG_VIDEOS_DIR="$HOME/"\n')  # how a desktop says that there is none
    assert videos_folder(environment, "linux") == here
    known.write_text('XDG_VIDEOS_DIR="$HOME/gone"\n')
    assert videos_folder(environment, "linux") == here
