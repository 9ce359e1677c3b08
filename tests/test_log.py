"""A show is logged off the frame's thread: a crash costs less than a second, a failing disk one line and no frame."""

import os
import platform
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from engine import __version__
from engine.audio.sound import SILENCE
from engine.bundle import Bundle, open_bundle
from engine.clock import FixedClock
from engine.models import Layer as Shown
from engine.show_log import DRAWN_AT, Layer, LogError, Model, ShowLog, Tick
from engine.sinks.log import BATCH, MOST_WAITING, Log, Logged

ROOT = Path(__file__).parent.parent
FPS = 30
# Ticks in a batch: the first whose times add up to BATCH.
TICKS = int(np.argmax(np.cumsum([1 / FPS] * FPS) >= BATCH)) + 1


def tick(folder: Path, index: int, dancers: int = 1) -> Tick:
    latents = np.random.default_rng(index).normal(size=(dancers, 8)).astype(np.float32)
    return Tick(
        1 / FPS,
        {"dance/temperature": index / 100},
        (Layer(Model("tiny", str(folder), 8), 1.0, latents, np.ones(dancers, np.bool_)),),
    )


def latents_of(path: Path) -> list[bytes]:
    return [tick.layers[0].latents.tobytes() for tick in ShowLog(path)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of something like a bundle."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "decoder.onnx").write_bytes(b"decoder")
    return folder


def test_a_show_is_logged_whole_with_what_it_ran_on(tmp_path: Path, model: Path) -> None:
    said: list[str] = []
    log = Log(tmp_path / "show.dnlog", {"fps": 30, "size": [640, 360], "seed": 5}, said.append)
    ticks = [tick(model, index) for index in range(100)]
    for each in ticks:
        log.record(each)
    log.close()
    log.close()
    read = ShowLog(tmp_path / "show.dnlog")
    assert (read.ticks, read.whole, said) == (100, True, [])
    assert latents_of(read.path) == [each.layers[0].latents.tobytes() for each in ticks]
    assert [each.values for each in read] == [each.values for each in ticks]
    assert read.about == {
        "dancenet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "platform": platform.platform(),
        "fps": 30,
        "size": [640, 360],
        "seed": 5,
    }


def test_a_show_without_a_frame_is_a_log_too(tmp_path: Path) -> None:
    Log(tmp_path / "show.dnlog", {}, lambda line: None).close()
    log = ShowLog(tmp_path / "show.dnlog")
    assert (log.ticks, log.whole, list(log)) == (0, True, [])


def test_what_a_picture_shows_is_logged_and_handed_on(tmp_path: Path, tiny_bundle: Path) -> None:
    sounds = iter([None, SILENCE])

    class Seen:
        share = 0.5

        def prepare(self, layers: Sequence[Shown]) -> None:
            self.layers = layers

        def turns(self, of: Bundle) -> Any:
            return np.array([of is not bundle])

        def draw(self, values: Mapping[str, float], clock: FixedClock) -> Any:
            self.heard = next(sounds)
            return self.layers, values, clock

    bundle, clock = open_bundle(tiny_bundle, "cpu"), FixedClock(4)
    clock.advance()
    log = Log(tmp_path / "show.dnlog", {}, lambda line: None)
    picture, layers = Logged(Seen(), log), (Shown(bundle, 0.75, np.full((1, 8), 0.5, np.float32)),)
    picture.prepare(layers)
    for _ in range(2):
        assert picture.draw({"dance/temperature": 0.4}, clock) == (layers, {"dance/temperature": 0.4}, clock)
        picture.present(None, {"dance/temperature": 0.5})  # what it was shown with
    log.close()
    logged, heard = ShowLog(tmp_path / "show.dnlog")
    assert (logged.dt, logged.values, logged.sound) == (0.25, {"dance/temperature": 0.5, DRAWN_AT: 0.5}, None)
    assert heard.sound is not None and heard.sound.packed() == SILENCE.packed()
    (layer,) = logged.layers
    assert layer.model == Model(bundle.metadata.name, str(tiny_bundle.resolve()), bundle.metadata.latent_size)
    assert (layer.weight, layer.latents.tolist(), layer.turns.tolist()) == (0.75, [[0.5] * 8], [False])


def test_a_killed_show_loses_less_than_a_second(tmp_path: Path, model: Path) -> None:
    """Killed after 100 frames, with the last whole batch on the disk: what is lost is the batch in hand."""
    code = """
import sys
from pathlib import Path
from engine.show_log import DRAWN_AT, ShowLog
from engine.sinks.log import Log
from tests.test_log import TICKS, tick

path, model = map(Path, sys.argv[1:])
log = Log(path, {}, print)
for index in range(100):
    log.record(tick(model, index))
while ShowLog(path).ticks < 100 // TICKS * TICKS:
    pass
print("danced", flush=True)
sys.stdin.read()
"""
    path = tmp_path / "show.dnlog"
    command = [sys.executable, "-c", code, str(path), str(model)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as show:
        assert show.stdout is not None and show.stdout.readline() == "danced\n"
        show.kill()
    log = ShowLog(path)
    assert not log.whole
    assert 100 - FPS < log.ticks == 100 // TICKS * TICKS
    assert latents_of(path) == [tick(model, index).layers[0].latents.tobytes() for index in range(log.ticks)]


def test_a_full_disk_is_one_line_and_the_log_up_to_there_is_whole(tmp_path: Path, model: Path) -> None:
    """A process that may write no more than 100 kB to a file plays the full disk; no tick of it fails."""
    code = """
import resource, sys
from pathlib import Path
from engine.sinks.log import MOST_WAITING, Log
from tests.test_log import TICKS, tick

path, model = map(Path, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
log = Log(path, {}, print)
# One batch fewer than may wait: closing hands over the last.
for index in range((MOST_WAITING - 1) * TICKS):
    log.record(tick(model, index, dancers=64))
log.close()
print("closed")
"""
    path = tmp_path / "show.dnlog"
    run = subprocess.run(
        [sys.executable, "-c", code, str(path), str(model)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == f"log: {path}: File too large; the log ends here, the show goes on\nclosed\n"
    log = ShowLog(path)
    assert 0 < log.ticks < (MOST_WAITING - 1) * TICKS and log.ticks % TICKS == 0 and not log.whole
    assert latents_of(path) == [tick(model, index, 64).layers[0].latents.tobytes() for index in range(log.ticks)]
    assert path.stat().st_size < 100_000, "nothing of the batch that did not fit"


def test_a_disk_that_hangs_holds_no_frame_up(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    log = Log(tmp_path / "show.dnlog", {}, said.append)
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(file: int) -> None:
        hangs.set()
        goes_on.wait()

    monkeypatch.setattr(os, "fsync", hang)
    for index in range(TICKS):
        log.record(tick(model, index))
    hangs.wait()
    kept = (1 + MOST_WAITING) * TICKS
    for index in range(TICKS, kept + TICKS - 1):
        log.record(tick(model, index))
    assert said == []
    for index in range(kept + TICKS - 1, kept + 3 * TICKS):
        log.record(tick(model, index))
    path = tmp_path / "show.dnlog"
    assert said == [f"log: {path}: the disk is {MOST_WAITING * BATCH:g} s behind; the log ends here, the show goes on"]
    goes_on.set()
    log.close()
    assert len(said) == 1
    assert (ShowLog(path).ticks, ShowLog(path).whole) == (kept, False)


def test_closing_waits_no_longer_than_its_patience(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    log = Log(tmp_path / "show.dnlog", {}, said.append)
    goes_on = threading.Event()
    monkeypatch.setattr("engine.sinks.log.PATIENCE", 0.0)
    monkeypatch.setattr(os, "fsync", lambda file: goes_on.wait())
    log.record(tick(model, 0))
    log.close()
    path = tmp_path / "show.dnlog"
    assert said == [f"log: {path}: the disk does not answer; the log ends here, the show goes on"]
    goes_on.set()


def test_a_bundle_that_is_gone_ends_the_log(tmp_path: Path) -> None:
    said: list[str] = []
    log = Log(tmp_path / "show.dnlog", {}, said.append)
    log.record(tick(tmp_path / "gone", 0))
    log.close()
    path = tmp_path / "show.dnlog"
    assert said == [f"log: {path}: {tmp_path / 'gone'}: No such file or directory; the log ends here, the show goes on"]
    assert (ShowLog(path).ticks, ShowLog(path).whole) == (0, False)


def test_a_log_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "show.dnlog"
    path.write_bytes(b"earlier")
    with pytest.raises(LogError, match=r"show\.dnlog: is there already; a log never writes over another$"):
        Log(path, {}, lambda line: None)
    assert path.read_bytes() == b"earlier"
    with pytest.raises(LogError, match=r"no/show\.dnlog: No such file or directory$"):
        Log(tmp_path / "no" / "show.dnlog", {}, lambda line: None)
