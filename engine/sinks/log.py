"""The log of a live show: takes every tick down and writes it to a file, on a thread of its own.

Owns the file and the thread. The frame's thread gathers ticks and hands them over by the batch; it never waits for the
disk. Where the disk fails, or is so slow that its queue fills, the log ends there, whole; it is said once, and the
show goes on.
"""

import os
import platform
import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from engine import __version__
from engine.bundle import Bundle
from engine.models import Layer as Shown
from engine.show import Clock
from engine.show_log import DRAWN_AT, Encoder, Layer, LogError, Model, Tick

# Seconds of show in a batch. A crash loses the batch in hand and the one being written: less than a second.
BATCH = 0.4
# Batches that may wait for the disk: 8 s of a drive that wakes up; with 64 dancers at 60 frames a second, 16 MB.
MOST_WAITING = 20
# Seconds that closing waits for a disk that does not answer.
PATIENCE = 5.0


class Log:
    """Writes the ticks given to `record` into a new file at `path`.

    `about` is what to tell of the show besides the versions of what runs it: `fps`, `size`, `seed`; `say` is given a
    line where the log has to end early. Raises LogError where the file is there already or cannot be made.
    """

    def __init__(self, path: str | os.PathLike[str], about: Mapping[str, Any], say: Callable[[str], None]) -> None:
        self.path = Path(path)
        self._say = say
        self._encoder = Encoder()
        self._gathered: list[Tick] = []
        self._seconds = 0.0
        self._ended = False
        self._failure = ""
        self._batches: queue.Queue[list[Tick] | None] = queue.Queue(MOST_WAITING)
        try:
            self._file = self.path.open("xb", buffering=0)
        except FileExistsError:
            raise LogError(f"{self.path}: is there already; a log never writes over another") from None
        except OSError as error:
            raise LogError(f"{self.path}: {error.strerror}") from None
        try:
            self._write(self._encoder.start({**versions(), **about}))
        except OSError as error:
            self._file.close()
            self.path.unlink(missing_ok=True)
            raise LogError(f"{self.path}: {error.strerror}") from None
        # A disk that hangs for ever must not keep the program from ending.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def record(self, tick: Tick) -> None:
        """Takes down a tick; its arrays and values must stay as they are."""
        if self._ended:
            return
        self._gathered.append(tick)
        self._seconds += tick.dt
        if self._failure:
            self._end(self._failure)
        elif self._seconds >= BATCH:
            self._hand_over()

    def close(self) -> None:
        """Writes what is left and closes the file; says so where that failed."""
        if not self._ended:
            self._hand_over()
        with suppress(queue.Full):
            self._batches.put(None, timeout=PATIENCE)
            self._thread.join(PATIENCE)
        if not self._ended and (self._failure or self._thread.is_alive()):
            self._end(self._failure or "the disk does not answer")
        self._ended = True

    def _hand_over(self) -> None:
        """Puts the batch in hand where the thread finds it."""
        batch, self._gathered, self._seconds = self._gathered, [], 0.0
        try:
            self._batches.put_nowait(batch)
        except queue.Full:
            self._end(f"the disk is {MOST_WAITING * BATCH:g} s behind")

    def _end(self, reason: str) -> None:
        self._ended = True
        self._say(f"log: {self.path}: {reason}; the log ends here, the show goes on")

    def _run(self) -> None:
        """The thread: writes batch after batch; after a failure nothing more."""
        with self._file:
            whole = self._file.tell()
            try:
                while (batch := self._batches.get()) is not None:
                    self._write(self._encoder.ticks(batch))
                    whole = self._file.tell()
                if not self._ended:
                    self._write(self._encoder.end())
            except OSError as error:
                with suppress(OSError):
                    self._file.truncate(whole)
                self._failure = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]
        os.fsync(self._file.fileno())


class Logged:
    """A picture whose frames are taken down: values, latents, the size they are drawn at, what the effects heard.

    It is a sink too: a frame is taken down once its values are final; one that was not drawn, as at rest, is not.
    """

    def __init__(self, picture: Any, log: Log) -> None:
        self._picture = picture
        self._log = log
        self._layers: Sequence[Shown] = ()
        self._models: dict[Path, Model] = {}
        self._drawn: tuple[Layer, ...] = ()
        self._dt = 0.0
        self._is_drawn = False

    def prepare(self, layers: Sequence[Shown]) -> None:
        """Has the picture decode a frame's layers."""
        self._layers = layers
        self._picture.prepare(layers)

    def draw(self, values: Mapping[str, float], clock: Clock) -> Any:
        """Has the picture drawn; returns what the sinks are given."""
        self._drawn = tuple(
            Layer(self._model(layer.bundle), layer.weight, layer.latents, self._picture.turns(layer.bundle))
            for layer in self._layers
        )
        self._dt, self._is_drawn = clock.dt, True
        return self._picture.draw(values, clock)

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Takes the frame down, as it was shown."""
        if not self._is_drawn:
            return
        self._is_drawn = False
        values = {**values, DRAWN_AT: self._picture.share}
        self._log.record(Tick(self._dt, values, self._drawn, self._picture.heard))

    def close(self) -> None:
        """Leaves the log to whoever opened it."""

    def _model(self, bundle: Bundle) -> Model:
        folder = bundle.folder
        if folder not in self._models:
            self._models[folder] = Model(bundle.metadata.name, str(folder.resolve()), bundle.metadata.latent_size)
        return self._models[folder]


def versions() -> dict[str, str]:
    """What the show runs on."""
    return {
        "dancenet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
        "platform": platform.platform(),
    }
