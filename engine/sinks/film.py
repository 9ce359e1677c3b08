"""A film on the disk: pictures as H.264 and a sound as AAC, in an MP4 of fragments, as they come.

Owns the file and its encoders, and what of the machine they may take. A keyframe begins a fragment every second; up to
the last one that is whole the file plays, whatever happens.
"""

import os
import threading
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from engine.formats import H264
from engine.sinks.fragments import FRAGMENTED, UnhurriedFile
from engine.sinks.recording_sound import RecordingSound
from engine.sinks.video import EXACT, add_video, coloured

# What two cores manage beside the show; frames that refer to later ones would only be lost later. A keyframe a second
# is forced, for the time between two is what a crash may cost.
OPTIONS = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": "10", "forced-idr": "1", "threads": "2"}
KEYFRAME_EVERY = 1.0

# The show goes first: x264's threads are given what it leaves. Our own threads must not be nice, for while one waits
# for its turn with Python's lock in its hand, the show waits too.
NICENESS = 10
ENCODER = "film's encoder"  # the name of such threads; Linux keeps 15 letters of it
THREADS = Path("/proc/self/task")  # where Linux tells of a process's threads, each of which has a niceness of its own

ERRORS = (OSError, av.error.FFmpegError, ValueError, MemoryError)


class Film:
    """A new file at `path`, of `rate` frames a second and, where there is one, a `sound`.

    Each of its methods raises one of ERRORS where it fails; FileExistsError here, and nothing is written over.
    """

    def __init__(self, path: Path, rate: Fraction, sound: RecordingSound | None) -> None:
        self.written = 0
        """Frames in the file so far."""
        self._rate = rate
        self._sound = sound
        self._key = 0
        self._end = Fraction(0)
        self._zero = 0.0
        self._container: OutputContainer | None = None
        self._file = UnhurriedFile(path)

    @property
    def packets(self) -> int:
        """Packets in the file, of pictures and sound."""
        return self.written + (self._sound.packets if self._sound else 0)

    def begin(self, size: tuple[int, int]) -> None:
        """Opens it for pictures of `size` (width, height), made even."""
        self._size = H264.fitted(size)
        self._container = container = self._file.open(FRAGMENTED)
        self._stream = add_video(container, H264, self._size, self._rate, OPTIONS)
        if self._sound:
            self._sound.begin(container)
        open_nicely(container)

    def frame(self, pixels: NDArray[np.uint8]) -> VideoFrame:
        """A picture, (height, width, 4) uint8, top row first, as it is written."""
        # Scaled as it becomes a video's, where it can be: four channels scaled take ten times as long.
        return coloured(framed(pixels, self._size), H264.pixel_format, self._size)

    def write(self, frame: VideoFrame, period: int, zero: float) -> None:
        """Writes a picture that is seen from `period` on.

        `zero` is when the film's beginning was seen, by `perf_counter`, as far as is known now.
        """
        frame.pts, frame.time_base = period, 1 / self._rate
        if period >= self._key:
            frame.pict_type = PictureType.I
            self._key = period + round(KEYFRAME_EVERY * self._rate)
        self._end, self._zero = (period + 1) / self._rate, zero
        self._mux(self._stream.encode(frame))
        if self._sound:
            self._sound.write(float(self._end), zero)

    def end(self, patient: bool) -> None:
        """Writes what is left of it; `patient`, sound that is still on its way too."""
        self._mux(self._stream.encode(None))
        if self._sound:
            self._sound.end(float(self._end), self._zero, patient)
        assert self._container is not None
        self._container.close()

    def close(self) -> None:
        """Closes the file as it is, and lets go of the encoders: 70 MB, which would wait for Python's rare great
        collection of garbage where the film was not ended."""
        self._file.close()
        if self._container is not None:
            with suppress(*ERRORS):
                self._container.close()  # completes no file that is closed

    def _mux(self, packets: list[Packet]) -> None:
        assert self._container is not None
        self._container.mux(packets)
        self.written += len(packets)


def open_nicely(container: OutputContainer) -> None:
    """Opens a file's encoders, whose threads leave the processor to others."""
    failure: list[Exception] = []

    def start() -> None:
        # A thread hands its name on to those it makes. It is not nice itself: it holds Python's lock all the while.
        with suppress(OSError):
            (THREADS / str(threading.get_native_id()) / "comm").write_text(ENCODER)
        try:
            container.start_encoding()
        except ERRORS as error:
            failure.append(error)
        for thread in threads_named(ENCODER):
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, thread, NICENESS)

    opener = threading.Thread(target=start, name=ENCODER)
    opener.start()
    opener.join()
    if failure:
        raise failure[0]


def threads_named(name: str) -> list[int]:
    """This process's threads of that name, by number; none where the system does not tell, which Linux does."""
    found = []
    with suppress(OSError):
        for thread in THREADS.iterdir():
            with suppress(OSError):  # it has just ended
                if (thread / "comm").read_text().strip() == name:
                    found.append(int(thread.name))
    return found


def framed(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pixels (height, width, 4) for a film of `size` (width, height): as they are, to be scaled, where they have its
    shape, but for an odd row or column; else scaled to be seen whole, black to their sides.
    """
    height, width = pixels.shape[:2]
    if H264.fitted((width, height)) == size:
        return pixels[: size[1], : size[0]]
    scale = min(size[0] / width, size[1] / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    if (wide, high) == size:
        return pixels
    frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgba")
    small = frame.reformat(wide, high, "rgba", interpolation=EXACT).to_ndarray()
    whole = np.zeros((size[1], size[0], 4), np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    whole[top : top + high, left : left + wide] = small
    return whole
