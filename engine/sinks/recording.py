"""One file of a live show: H.264 in MP4, encoded and written on a thread of its own.

Owns the file, the thread, and the frames that wait for it, which take no more memory than MOST_BYTES. What does not fit
there is dropped, and counted; the frame before then lasts longer, so that time stays true. Until it ends the file is in
fragments: whatever ends it, a full disk or a crash, it plays up to there, but for the last second.
"""

import os
import queue
import sys
import threading
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from engine.formats import H264
from engine.sinks.fragments import FRAGMENTED, UnhurriedFile, cut, frames_in, put_in_order
from engine.sinks.recorder import reason
from engine.sinks.video import EXACT, add_video, coloured

# Frames that wait for a slow disk or processor: 2 s at 1280x720 and 30 frames a second, 1 s at 1920x1080.
MOST_BYTES = 256 * 2**20
# However large they are, so many may wait: one to be filled while the other is encoded.
LEAST_FRAMES = 2

# What two cores manage beside the show; frames that refer to later ones would only be lost later. A keyframe a second
# is forced, for the time between two is what a crash may cost.
OPTIONS = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": "10", "forced-idr": "1", "threads": "2"}
KEYFRAME_EVERY = 1.0

# The show goes first: x264's threads are given what it leaves. Our own thread must not be nice, for while it waits for
# its turn with Python's lock in its hand, the show waits too.
NICENESS = 10

# Places told where frames were dropped; the rest is counted.
MOST_TOLD = 8

ERRORS = (OSError, av.error.FFmpegError, ValueError, MemoryError)


@dataclass(frozen=True)
class Shown:
    """A frame that waits: `pixels` (height, width, 4) uint8, the bottom row first, on the screen from `period` on."""

    pixels: NDArray[np.uint8]
    period: int


class Recording:
    """Records into a new file at `path`, whose periods are those of `rate` frames a second.

    Its size is that of the first frame, made even; pictures of another size are fitted into it.
    """

    def __init__(self, path: Path, rate: Fraction, size: tuple[int, int] | None = None) -> None:
        self.path = path
        self.shown = 0
        """Frames that were to be recorded."""
        self.periods = 0
        """How long it is so far."""
        self.dropped: list[tuple[int, int]] = []
        """The periods of frames that found no room, from and up to."""
        self.written = 0
        """Frames encoded so far; once the thread is done, frames in the file."""
        self._rate = rate
        self._size = size
        self._made = False
        self._waiting: queue.SimpleQueue[Shown | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[NDArray[np.uint8]] = queue.SimpleQueue()
        self._held = 0
        self._ended = False
        self._hurried = False
        self._failure = ""
        self._key = 0
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether it can go on no more."""
        return bool(self._failure) or not (self._ended or self._thread.is_alive())

    @property
    def lost(self) -> int:
        """Frames so far that found no room."""
        return sum(end - begin for begin, end in self.dropped)

    def room(self, nbytes: int) -> NDArray[np.uint8] | None:
        """An array of so many bytes for a frame's pixels, to be given to `add`; None where too many wait."""
        while True:
            try:
                pixels = self._free.get_nowait()
            except queue.Empty:
                break
            if pixels.nbytes == nbytes:
                return pixels
            self._held -= pixels.nbytes
        if self._held + nbytes > max(MOST_BYTES, LEAST_FRAMES * nbytes):
            return None
        try:
            pixels = np.empty(nbytes, np.uint8)
        except MemoryError:
            return None
        self._held += nbytes
        return pixels

    def add(self, pixels: NDArray[np.uint8], size: tuple[int, int], period: int) -> None:
        """Records a frame of `size` (width, height): RGBA, bottom row first, as `room` gave the array for it."""
        self._count(period)
        self._waiting.put(Shown(pixels.reshape(size[1], size[0], 4), period))

    def drop(self, period: int) -> None:
        """Leaves out a frame."""
        self._count(period)
        if self.dropped and self.dropped[-1][1] == period:
            self.dropped[-1] = self.dropped[-1][0], period + 1
        else:
            self.dropped.append((period, period + 1))

    def end(self) -> None:
        """No frame follows. The file is whole once the thread has written what waits."""
        if not self._ended:
            self._ended = True
            self._waiting.put(None)

    def wait(self, seconds: float) -> bool:
        """Waits for the thread; tells whether it is done."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def hurry(self) -> None:
        """Has the file end as it is: what waits is left out."""
        self._hurried = True

    def outcome(self) -> str:
        """What became of it, a line, once the thread is done."""
        lost = self.shown - self.written
        length = minutes(self.periods / self._rate)
        if self._failure:
            kept = f"it ends at {length} with {self.written} frames, {lost} lost" if self.written else "nothing is kept"
            return f"recording {self.path}: {self._failure}; {kept}; the show goes on"
        where = f": {self._spans()}" if self.dropped else ""
        return f"recorded {self.path}: {length}, {self.written} frames, {lost or 'none'} dropped{where}"

    def _count(self, period: int) -> None:
        self.shown += 1
        self.periods = period + 1

    def _run(self) -> None:
        """The thread."""
        try:
            self._record()
            if self._made:
                with suppress(*ERRORS):  # no room for a second file: it plays as it is
                    put_in_order(self.path, self.written, lambda: self._hurried)
        except ERRORS as error:
            if self._made:
                self.written = 0
                with suppress(*ERRORS):
                    self.written = frames_in(self.path) if cut(self.path) else 0
            self._failure = reason(error)

    def _record(self) -> None:
        """Writes frame after frame, until there is none."""
        first = self._waiting.get()
        if first is None:
            return
        height, width = first.pixels.shape[:2]
        size = H264.fitted(self._size or (width, height))
        file = UnhurriedFile(self.path)
        self._made = True  # and never over another
        with closing(file):  # before the film, which then adds nothing to what failed
            container = file.open(FRAGMENTED)
            stream = add_video(container, H264, size, self._rate, OPTIONS)
            open_nicely(container)
            shown: Shown | None = first
            while shown is not None and not self._hurried:
                self._encode(container, stream, shown, size)
                shown = self._waiting.get()
            self._mux(container, stream.encode(None))
            container.close()

    def _encode(self, container: OutputContainer, stream: VideoStream, shown: Shown, size: tuple[int, int]) -> None:
        frame = coloured(fitted(shown.pixels[::-1], size), H264.pixel_format)
        self._free.put(shown.pixels.reshape(-1))
        frame.pts, frame.time_base = shown.period, 1 / self._rate
        if shown.period >= self._key:
            frame.pict_type = PictureType.I
            self._key = shown.period + round(KEYFRAME_EVERY * self._rate)
        self._mux(container, stream.encode(frame))

    def _mux(self, container: OutputContainer, packets: list[Packet]) -> None:
        container.mux(packets)
        self.written += len(packets)

    def _spans(self) -> str:
        told = [f"{float(begin / self._rate):.2f} to {float(end / self._rate):.2f} s" for begin, end in self.dropped]
        more = len(told) - MOST_TOLD
        return ", ".join([*told[:MOST_TOLD], *([f"and {more} times more"] if more > 0 else [])])


def open_nicely(container: OutputContainer) -> None:
    """Opens a file's encoders, with threads of theirs that leave the processor to others."""
    failure: list[Exception] = []

    def start() -> None:
        if sys.platform == "linux":  # where a thread has a niceness of its own, and those it makes inherit it
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
        try:
            container.start_encoding()
        except ERRORS as error:
            failure.append(error)

    opener = threading.Thread(target=start, name="recording's encoder")
    opener.start()
    opener.join()
    if failure:
        raise failure[0]


def fitted(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Pixels (height, width, 4) in a frame of `size` (width, height): as they are but for an odd row or column, or
    scaled to be seen whole, black to their sides.
    """
    height, width = pixels.shape[:2]
    if H264.fitted((width, height)) == size:
        return pixels[: size[1], : size[0]]
    scale = min(size[0] / width, size[1] / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    frame = VideoFrame.from_numpy_buffer(np.ascontiguousarray(pixels), format="rgba")
    small = frame.reformat(wide, high, "rgba", interpolation=EXACT).to_ndarray()
    whole = np.zeros((size[1], size[0], 4), np.uint8)
    left, top = (size[0] - wide) // 2, (size[1] - high) // 2
    whole[top : top + high, left : left + wide] = small
    return whole


def minutes(seconds: Fraction | float) -> str:
    """A length of time as people write it: 0:12."""
    whole = int(seconds)
    return f"{whole // 60}:{whole % 60:02d}"
