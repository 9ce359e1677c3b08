"""Records a live show while it is shown: what the picture is, without the window's mapping and the HUD over it.

Owns the recording in hand and those that still end, and the way of a frame from the GPU to them. The frame's thread
never waits for a disk or an encoder: what they cannot take is dropped from the file, not from the show. Nothing here
costs anything while nothing is recorded.
"""

import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from engine.sinks.readback import Readback
from engine.sinks.recording import Recording, minutes
from engine.sinks.recording_sound import Hearing, RecordingSound
from engine.sinks.video import video_rate

# Where a show was held up for longer than its time makes up for, a film's last frame stands and its sound goes on; but
# not for more seconds than this: a laptop that slept is not filmed.
LONGEST_HOLD_UP = 10.0

# Seconds that leaving a show waits for a file to end before it says so, at most, and once it was told to hurry.
SOON, PATIENCE, LAST_PATIENCE = 0.5, 20.0, 5.0


class Clock(Protocol):
    """Show time, and when the frame in hand is to be seen, by `perf_counter`."""

    rate_hz: float

    @property
    def time(self) -> float: ...

    @property
    def due(self) -> float: ...


class ShownPicture(Protocol):
    """What is asked of a picture: a texture of four 8-bit channels."""

    texture: Any


class LiveRecorder:
    """A sink, to come after the window, until which the picture's light may change. It records between two calls of
    `toggle`, into files of their own in `folder` (None: where the system keeps videos).

    `context` is that of the pictures; `say` is given a line where a recording begins and where it has ended. `size`
    gives that of a film, (width, height), which frames of others are fitted into; None: that of its first frame. What
    `hearing` hears is in it; None: it has no sound.
    """

    def __init__(
        self,
        context: Any,
        clock: Clock,
        folder: Path | None,
        say: Callable[[str], None],
        size: Callable[[], tuple[int, int]] | None = None,
        now: Callable[[], datetime] = datetime.now,
        hearing: Hearing | None = None,
    ) -> None:
        self._clock = clock
        self._size = size
        self._folder = folder
        self._say = say
        self._now = now
        self._hearing = hearing
        self._readback = Readback(context)
        self._recording: Recording | None = None
        self._ending: list[Recording] = []
        self._began: float | None = None  # show time of its first frame
        self._stood = 0  # periods of the film that are not in the show's time
        self._asked = 0  # period of the frame that is on its way
        self._zero = 0.0  # when the film began, by `perf_counter` and that frame

    @property
    def recording(self) -> bool:
        """Whether frames are recorded."""
        return self._recording is not None

    @property
    def progress(self) -> str:
        """How far the recording is, "0:12, 3 dropped"; empty where there is none."""
        if self._recording is None:
            return ""
        lost = self._recording.lost
        length = minutes(self._recording.periods / self._clock.rate_hz)
        return f"{length}, {lost} dropped" if lost else length

    @property
    def dropped(self) -> int:
        """Frames that the recording in hand had to leave out."""
        return self._recording.lost if self._recording else 0

    def toggle(self) -> None:
        """Begins a recording with the next frame, or ends the one in hand."""
        if self._recording is None:
            self._begin()
        else:
            self._end()

    def present(self, picture: ShownPicture, values: Mapping[str, float]) -> None:
        """Records the frame, if frames are recorded."""
        if self._recording is not None:
            self._take()
            if self._recording.failed:
                self._end()
            else:
                self._ask(picture)
        if self._ending:
            self._tell()

    def close(self) -> None:
        """Ends what is recorded, and waits until it is whole, but not for ever. The context must still be there."""
        if self._recording is not None:
            self._end()
        for recording in self._ending:
            if not recording.wait(SOON):
                self._say(f"finishing {recording.path}")
                if not recording.wait(PATIENCE):
                    recording.hurry()
                    recording.wait(LAST_PATIENCE)
        self._tell()
        for recording in self._ending:
            self._say(f"recording {recording.path}: the disk does not answer; what is written of it plays")
            recording.deafen()
        self._ending.clear()

    def _begin(self) -> None:
        folder = self._folder or videos_folder()
        path = free_path(folder, self._now(), [recording.path for recording in self._ending])
        sound = RecordingSound(self._hearing) if self._hearing else None
        size = self._size() if self._size else None
        self._recording = Recording(path, video_rate(self._clock.rate_hz), size, sound)
        self._began, self._stood = None, 0
        self._say(f"recording to {path}")

    def _end(self) -> None:
        assert self._recording is not None
        self._take()
        self._readback.release()
        self._recording.end()
        self._ending.append(self._recording)
        self._recording = None

    def _ask(self, picture: ShownPicture) -> None:
        """Has the frame in hand brought over."""
        clock = self._clock
        if self._began is None:
            self._began, self._zero = clock.time, clock.due
        self._asked = round((clock.time - self._began) * clock.rate_hz) + self._stood
        held_up = clock.due - self._zero - self._asked / clock.rate_hz
        if held_up < LONGEST_HOLD_UP:
            stood = max(0, round(held_up * clock.rate_hz))
            self._stood += stood
            self._asked += stood
        self._zero = clock.due - self._asked / clock.rate_hz
        self._readback.ask(picture.texture)

    def _take(self) -> None:
        """Hands over the frame that was on its way, or drops it."""
        size, nbytes, recording = self._readback.size, self._readback.nbytes, self._recording
        if not nbytes or recording is None:
            return
        pixels = None if recording.failed else recording.room(nbytes)
        if pixels is None:
            self._readback.forget()
            recording.drop(self._asked)
        else:
            self._readback.take(pixels)
            recording.add(pixels, size, self._asked, self._zero)

    def _tell(self) -> None:
        """Says what became of the recordings whose threads are done."""
        done = [each for each in self._ending if each.wait(0)]
        self._ending = [each for each in self._ending if each not in done]
        for recording in done:
            recording.deafen()
            self._say(recording.outcome())


def free_path(folder: Path, now: datetime, taken: Collection[Path] = ()) -> Path:
    """A file of this moment that is not there yet, nor `taken` by a recording that has yet to make it."""
    stem = f"dancenet-{now:%Y-%m-%d-%H-%M-%S}"
    path, copy = folder / f"{stem}.mp4", 1
    while path.exists() or path in taken:
        copy += 1
        path = folder / f"{stem}-{copy}.mp4"
    return path


def videos_folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Where the user's videos are, by the custom of the system; the current folder where there is no such place."""
    home = Path(environment.get("HOME") or Path.home())
    folder = home / ("Movies" if system == "darwin" else "Videos")
    if system.startswith("linux"):
        try:
            known = Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "user-dirs.dirs"
            named = re.search(r'^XDG_VIDEOS_DIR="(.+)"', known.read_text(encoding="utf-8"), re.MULTILINE)
        except (OSError, ValueError):
            named = None
        if named:
            folder = Path(named[1].replace("$HOME", str(home)))
    return folder if folder.is_dir() and folder != home else Path.cwd()
