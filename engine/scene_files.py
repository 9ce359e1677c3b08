"""The scenes on disk: those that ship and the performer's own, read and written off the frame's thread.

Owns one thread. Files that change are read again; a scene that is stored is there at once, and its file soon after.
Nothing here makes the show wait for a disk, nor ends it: what goes wrong is told in one line.
"""

import contextlib
import dataclasses
import os
import shutil
import threading
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from engine import scene_toml
from engine.parameters import Parameter
from engine.scene import Scene
from engine.small_file import read_small

LOOK_EVERY = 1.0
# Leaving a show must not wait for a disk that hangs for longer than this, seconds.
LONGEST_GOODBYE = 5.0
# More scenes than anybody plays: a sender gone wild does not fill the disk.
MOST_SCENES = 256
# The largest file: every parameter of fifty effects takes 40 kB.
MOST_BYTES = 256 << 10
# Lines told of one file; the rest is counted. Lines of all that wait to be told; with more, the oldest are let go.
MOST_TOLD, MOST_WAITING = 5, 100

Seen = tuple[Path, int, int]  # a file, when it changed, its size


Stamp = tuple[int, int] | None  # a file's time and size; None where it is not there


def stamp(file: Path) -> Stamp:
    """What tells a file from the one that was there before."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


class SceneFiles:
    """The scenes in the folder `shipped` and in `own`, which shadow those of the same file name. Stores to `own`."""

    def __init__(
        self, shipped: Path, own: Path, parameters: Mapping[str, Parameter], look_every: float = LOOK_EVERY
    ) -> None:
        self.own = own
        self._folders = (shipped, own)
        self._parameters = dict(parameters)
        self._look_every = look_every
        self._seen: dict[str, Seen] = {}
        self._unreadable: set[Path] = set()
        self._told: deque[str] = deque(maxlen=MOST_WAITING)
        self._changed = threading.Condition()  # guards what follows, and wakes the thread
        self._scenes: dict[str, Scene] = {}
        self._waiting: dict[str, str] = {}  # stem -> text to be written
        self._only_here: set[str] = set()  # stems that no file holds yet
        self._closing = self._anew = False
        self._look()
        self._thread = threading.Thread(target=self._work, name="scenes", daemon=True)
        self._thread.start()

    @property
    def scenes(self) -> Mapping[str, Scene]:
        """The scenes by stem; a mapping that stays as it is when they change."""
        return self._scenes

    def store(self, scene: Scene, text: str) -> None:
        """Keeps the scene, and has its `text` written. Raises ValueError where there are too many."""
        with self._changed:
            if scene.stem not in self._scenes and len(self._scenes) >= MOST_SCENES:
                raise ValueError(f"there are {MOST_SCENES} scenes already")
            self._scenes = {**self._scenes, scene.stem: scene}
            self._only_here.add(scene.stem)
            self._waiting[scene.stem] = text
            self._changed.notify()

    def know(self, parameters: Mapping[str, Parameter]) -> None:
        """Has all files read anew with these parameters."""
        with self._changed:
            self._parameters, self._anew = dict(parameters), True
            self._changed.notify()

    def take_told(self) -> list[str]:
        """What went wrong since this was last called, a line each."""
        return [self._told.popleft() for _ in range(len(self._told))]

    def close(self) -> None:
        """Writes what waits, and ends the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(LONGEST_GOODBYE)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing or self._anew, self._look_every)
                waiting, self._waiting = self._waiting, {}
                closing = self._closing
            for stem, text in waiting.items():
                self._write(stem, text)
            if closing:
                return
            self._look()

    def _look(self) -> None:
        """Reads the files that are new or have changed; drops the scenes whose files are gone."""
        with self._changed:
            if self._anew:
                self._seen, self._anew = {}, False
        found = {}
        for folder in self._folders:
            found.update(self._list(folder))
        read = {}
        for stem, seen in found.items():
            if self._seen.get(stem) != seen and (scene := self._read(seen[0])):
                read[stem] = scene
        self._seen = found
        with self._changed:
            kept = {stem: scene for stem, scene in self._scenes.items() if stem in found or stem in self._only_here}
            new = {stem: scene for stem, scene in read.items() if stem not in self._only_here}
            self._scenes = kept | new

    def _list(self, folder: Path) -> dict[str, Seen]:
        """The scenes in a folder; where it cannot be read, those that were: a stick pulled out takes no scene away."""
        found = {}
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries if entry.name.endswith(".toml") and entry.name[0] != "."]
                names = sorted(names)[:MOST_SCENES]
        except OSError as error:
            before = {stem: seen for stem, seen in self._seen.items() if seen[0].parent == folder}
            missing = isinstance(error, FileNotFoundError) and not before  # nothing was stored yet
            if folder not in self._unreadable and not missing:
                self._unreadable.add(folder)
                self._told.append(f"{folder}: {error.strerror}; its scenes stay as they were")
            return before
        self._unreadable.discard(folder)
        for file in map(folder.joinpath, names):
            with contextlib.suppress(OSError):  # it went while we looked, or is a link that leads nowhere
                state = file.stat()
                found[file.stem] = file, state.st_mtime_ns, state.st_size
        return found

    def _read(self, file: Path) -> Scene | None:
        lines: list[str] = []
        try:
            scene = scene_toml.read(read_small(file, MOST_BYTES).decode("utf-8"), file, self._parameters, lines.append)
        except (OSError, ValueError, RecursionError) as error:  # RecursionError: tomllib's, nested too deep
            reason = error.strerror if isinstance(error, OSError) else error
            self._told.append(f"{file}: {reason}; the scene stays as it was")
            return None
        self._told.extend(shortened(file, lines))
        return dataclasses.replace(scene, shipped=file.parent == self._folders[0])

    def _write(self, stem: str, text: str) -> None:
        """Puts the file there whole or not at all; the older one goes on as .toml.bak."""
        file = self.own / f"{stem}.toml"
        try:
            put(file, text, keep_older=True)
        except OSError as error:
            self._told.append(f"{file}: {error.strerror}; the scene is kept for this show only")
            return
        with self._changed:
            if stem not in self._waiting:
                self._only_here.discard(stem)


def put(file: Path, content: str | bytes, keep_older: bool = False, on_disk: bool = True) -> None:
    """Puts a file there whole or not at all; an older one may go on as .bak. Raises OSError, leaving nothing behind.

    With `on_disk` false it is not waited for until a power cut cannot take it any more.
    """
    part, older = (file.with_name(f".{file.stem}.{suffix}") for suffix in ("part", "older"))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
            stream.flush()
            if on_disk:
                os.fsync(stream.fileno())
        if keep_older and file.exists():
            shutil.copyfile(file, older)
            os.replace(older, file.with_name(f"{file.name}.bak"))
        os.replace(part, file)
    except OSError:
        for left in (part, older):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
        raise


def shortened(file: Path, lines: list[str]) -> list[str]:
    """What is told of a file: the first of many lines, and how many more there are."""
    more = len(lines) - MOST_TOLD
    return [*lines[:MOST_TOLD], *([f"{file}: and {more} lines like these"] if more > 0 else [])]
