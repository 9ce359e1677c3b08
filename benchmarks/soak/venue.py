"""The venue: a screen, a sound server with music, folders, and an installation that plays there.

Owns all that a soak starts, and ends it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.soak.playing import Music, write_song
from benchmarks.soak.probes import ask
from engine import resources
from tests.display import Screen, x_server
from tests.faults.installation import Installation
from tests.sound_server import SoundServer
from tests.test_command_line import free_port

SIZE = (1280, 720)
# Kilobytes of the disk that is recorded to: a few seconds of film.
DISK = 1024
SCENE, EFFECT = "soak", "soak"
# Seconds for a show to be seen, on a machine that is busy.
PATIENCE = 90.0
SOAK_SCENE = f"""\
[parameters]
"fx/{EFFECT}/mix" = 1
"fx/{EFFECT}/amount" = 0.4
"""


class Venue:
    """What harm can be done to. `small_disk` tells whether recordings go to a disk that is soon full."""

    def __init__(self, folder: Path, screen: Screen, own_screen: bool, seed: int, show: list[str]) -> None:
        self.folder, self.screen, self.own_screen = folder, screen, own_screen
        self.models = [folder / "models" / name for name in ("first", "second")]
        self.scene, self.effect = folder / "scenes" / f"{SCENE}.toml", folder / "shaders" / f"{EFFECT}.fs"
        self.films = folder / "films"
        self.small_disk = False
        self._song = folder / "song.wav"
        for model in self.models:
            shutil.copytree(resources.path("models/default"), model)
        for file, text in (
            (self.scene, SOAK_SCENE),
            (self.effect, (resources.path("shaders") / "grain.fs").read_text()),
        ):
            file.parent.mkdir()
            file.write_text(text)
        self.films.mkdir()
        write_song(self._song, seed)
        self.health_port = free_port()
        self._arguments = [
            *(word for model in self.models for word in ("--model", str(model))),
            *("--scenes", str(self.scene.parent), "--shaders", str(self.effect.parent)),
            *("--audio", "vj", "--health", str(self.health_port), "--record-to", str(self.films)),
            *show,
        ]

    @contextmanager
    def open(self) -> Iterator[None]:
        """Opens it: the sound, the music, the installation, whose first frame has been seen."""
        with ExitStack() as stack:
            if mounted(self.films):
                self.small_disk = True
                stack.callback(subprocess.run, ["umount", "--lazy", str(self.films)], check=False)
            self.sound = SoundServer()
            stack.callback(self.sound.kill)
            stack.callback(self.sound.wake)
            music = Music(self._song)
            stack.callback(music.close)
            self.installation = Installation(self.screen, self.folder, *self._arguments)
            stack.callback(self.installation.close)
            if self.seen_again(0) is None:
                raise SystemExit(f"soak: the show shows nothing; it says: {self.installation.said.strip()}")
            yield

    def send(self, key: str, *values: object) -> None:
        """Plays something by OSC."""
        self.installation.send(key, *values)

    def seen_again(self, before: int) -> float | None:
        """Waits for a show that is another process than `before` to be seen; returns when that was, by `monotonic`."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.installation.process.poll() is None:
            pid = self.installation.show
            if pid and pid != before and (facts := ask(self.health_port)) and facts["reasons"] != "no frame yet":
                return time.monotonic()
            time.sleep(0.02)
        return None


@contextmanager
def venue(seed: int, show: list[str]) -> Iterator[Venue]:
    """A venue on the display at hand, or on a screen of its own where there is none."""
    with tempfile.TemporaryDirectory(prefix="soak-") as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(environment(folder))
        given = os.environ.get("DISPLAY")
        screen = Screen(given, Path(os.devnull)) if given else stack.enter_context(x_server(SIZE))
        place = Venue(folder, screen, not given, seed, show)
        stack.enter_context(place.open())
        yield place


@contextmanager
def environment(folder: Path) -> Iterator[None]:
    """Nobody's own settings, sounds and files are read by what runs here, nor written."""
    run = folder / "run"
    run.mkdir(mode=0o700)
    client = folder / "client.conf"
    client.write_text("autospawn = no\n")
    theirs = ("PULSE_SERVER", "PULSE_SOURCE", "PULSE_SINK", "PULSE_RUNTIME_PATH")
    ours = {"XDG_RUNTIME_DIR": run, "HOME": folder, "XDG_CONFIG_HOME": folder / "config", "PULSE_CLIENTCONFIG": client}
    ours["XAUTHORITY"] = Path(os.environ.get("XAUTHORITY", Path.home() / ".Xauthority"))  # of the display at hand
    before = dict(os.environ)
    for key in theirs:
        os.environ.pop(key, None)
    os.environ.update({key: str(value) for key, value in ours.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def mounted(folder: Path) -> bool:
    """Puts a small disk there, in memory; False where that may not be done."""
    if not sys.platform.startswith("linux") or os.geteuid():
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK}k", "soak", str(folder)]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0
