"""The output's set-up on disk: a file for each monitor, read where the window comes to it, written when it was changed.

Owns one thread. A source: what it reads it sets, what was changed it writes, some time after the last change and when
the show ends. Beside `<name>.toml` may lie a mask, `<name>.png`: black hides. It is laid anew when it is saved. Nothing
here makes the show wait for a disk, nor ends it: what goes wrong is told in one line.
"""

import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import scene_toml
from engine.controls import Controls
from engine.folders import configuration_folder
from engine.image_file import read_image
from engine.parameters import OUTPUT
from engine.scene_files import LONGEST_GOODBYE, MOST_BYTES, MOST_WAITING, Stamp, put, shortened, stamp
from engine.small_file import read_small

# These are part of setting up, not of the set-up.
NOT_KEPT = ("output/test_card", "output/corner")
KEPT = {row.key: row for row in OUTPUT if row.key not in NOT_KEPT}
# Written so long after the last change, seconds: held keys write once.
SETTLED = 1.0
# Seconds between two looks for a mask that was saved. It is read once two of them find the same file: it is whole then.
LOOK_EVERY = 0.5

Monitor = tuple[str, tuple[int, int]]  # its name and its size, pixels
Mask = NDArray[np.uint8]  # (height, width), top row first; 0 hides


def output_folder() -> Path:
    """Where the set-ups are, beside the performer's scenes."""
    return configuration_folder() / "output"


def stem(monitor: Monitor) -> str:
    """The name of a monitor's files: `HDMI-1-1920x1080`."""
    name, (width, height) = monitor
    plain = re.sub(r"[^\w-]+", "-", name).strip("-")[:64] or "monitor"
    return f"{plain}-{width}x{height}"


class OutputFiles:
    """Keeps the parameters of the group `output` for the monitor that `monitor` names, in `folder`.

    That of the first monitor is read here, into the controls, so that it holds from the first frame on. `lay_mask`
    takes each monitor's mask, None where there is none; `tell` takes a line; `now` gives seconds.
    """

    def __init__(
        self,
        folder: Path,
        controls: Controls,
        monitor: Callable[[], Monitor],
        lay_mask: Callable[[Mask | None], None],
        tell: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._folder = folder
        self._monitor = monitor
        self._lay_mask = lay_mask
        self._tell = tell
        self._now = now
        self._told: deque[str] = deque(maxlen=MOST_WAITING)
        self._on = stem(monitor())
        self._values: dict[str, float] = {}  # as they were last seen; empty until a monitor's file has been read
        self._changed_at: float | None = None
        self._work_there = threading.Condition()  # guards what follows, and wakes the thread
        self._to_write: dict[str, str] = {}
        self._to_read = ""
        self._read: tuple[str, dict[str, float] | None, Mask | None] | None = None  # None: the mask alone
        self._stamp: Stamp = None  # of the mask that lies there
        self._closing = False
        values, mask = self._read_files(self._on)
        asked = {key: controls.target(key) for key in KEPT}  # on the command line, say
        self._take(controls, self._on, {**asked, **values}, mask)
        self._thread = threading.Thread(target=self._work, name="output", daemon=True)
        self._thread.start()

    def poll(self, controls: Controls) -> None:
        """Follows the window to another monitor, sets what was read, and has written what was changed."""
        while self._told:
            self._tell(f"output: {self._told.popleft()}")
        here = stem(self._monitor())
        if here != self._on:
            self._keep()
            self._on, self._values = here, {}
            with self._work_there:
                self._to_read = here
                self._work_there.notify()
        with self._work_there:
            read, self._read = self._read, None
        if read is not None and read[0] == self._on:
            self._take(controls, *read)
        if not self._values:
            return
        values = {key: controls.target(key) for key in KEPT}
        if values != self._values:
            self._values, self._changed_at = values, self._now()
        elif self._changed_at is not None and self._now() - self._changed_at >= SETTLED:
            self._keep()

    def close(self) -> None:
        """Has what was changed written, and ends the thread."""
        self._keep()
        with self._work_there:
            self._closing = True
            self._work_there.notify()
        self._thread.join(LONGEST_GOODBYE)
        while self._told:
            self._tell(f"output: {self._told.popleft()}")

    def _keep(self) -> None:
        """Hands what was changed to the thread."""
        if self._changed_at is None:
            return
        self._changed_at = None
        with self._work_there:
            self._to_write[self._on] = write(self._values)
            self._work_there.notify()

    def _take(self, controls: Controls, on: str, values: dict[str, float] | None, mask: Mask | None) -> None:
        """Sets what a monitor's files say, and what they leave out as it is from the start; None: the mask alone."""
        if values is not None:
            self._on = on
            for key, row in KEPT.items():
                controls.set(key, values.get(key, row.default))
            self._values = {key: controls.target(key) for key in KEPT}
        self._lay_mask(mask)

    def _work(self) -> None:
        looked = self._stamp
        while True:
            with self._work_there:
                self._work_there.wait_for(lambda: self._to_write or self._to_read or self._closing, LOOK_EVERY)
                writing, self._to_write = self._to_write, {}
                reading, self._to_read = self._to_read, ""
                closing = self._closing
            for name, text in writing.items():
                self._write_file(name, text)
            if reading:
                found = (reading, *self._read_files(reading))
                with self._work_there:
                    self._read = found
            before, looked = looked, stamp(self._mask_of(self._on))
            if looked == before != self._stamp and self._read is None:  # what was read before has been taken
                mask = (self._on, None, self._read_mask(self._on))
                with self._work_there:
                    self._read = mask
            if closing:
                return

    def _read_files(self, name: str) -> tuple[dict[str, float], Mask | None]:
        """What a monitor's file says, and its mask."""
        file = self._folder / f"{name}.toml"
        values: dict[str, float] = {}
        try:
            lines: list[str] = []
            text = read_small(file, MOST_BYTES).decode("utf-8")
            values = dict(scene_toml.read(text, file, KEPT, lines.append).parameters)
            self._told.extend(shortened(file, lines))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._told.append(f"{file}: {reason}; the picture is shown as it is")
        return values, self._read_mask(name)

    def _mask_of(self, name: str) -> Path:
        return self._folder / f"{name}.png"

    def _read_mask(self, name: str) -> Mask | None:
        file = self._mask_of(name)
        self._stamp = stamp(file)
        if self._stamp is None:
            return None
        try:
            return read_image(file, "gray")
        except OSError as error:
            self._told.append(f"{file}: {error.strerror}; nothing is masked")
            return None

    def _write_file(self, name: str, text: str) -> None:
        """Puts the file there whole or not at all."""
        file = self._folder / f"{name}.toml"
        try:
            put(file, text)
        except OSError as error:
            self._told.append(f"{file}: {error.strerror}; the set-up is kept for this show only")


def write(values: Mapping[str, float]) -> str:
    """What differs from the start, key -> value, as a scene's file has it (docs/scenes.md)."""
    lines = ["[parameters]"]
    for key, row in KEPT.items():
        if (value := values[key]) != row.default:
            lines.append(f'"{key}" = ' + (f'"{row.choices[round(value)]}"' if row.choices else f"{value:.6g}"))
    return "\n".join(lines) + "\n"
