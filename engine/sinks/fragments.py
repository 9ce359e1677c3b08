"""MP4 in fragments, which plays up to wherever it was cut off; and how it is put in order once it is whole.

Owns what a file of fragments is: `ftyp`, `moov`, then as often as there are fragments `moof` and `mdat`, each with its
length in front (ISO/IEC 14496-12). Where there is a sound, pictures and sound begin later by what AAC's encoder puts
before it, for nothing in a file of fragments tells players to leave that out; in one that is whole something does.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.container import OutputContainer

from engine.audio.decode import SONG_RATE
from engine.sinks.recorder import partial_of
from engine.sinks.sound_stream import PRIMING

# A fragment for every keyframe; the index of an empty film in front of them, and places counted from each fragment, as
# browsers want them. `skip_trailer`: an index of the fragments at the end would be all that a cut file lacks.
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof+skip_trailer"}
# Bytes left to all that else is written there, such as the show's log.
SPARE = 64 * 2**20
# Room for the index in front of the pictures, bytes: of each packet it holds the size, and perhaps time and place. Left
# to move the pictures, FFmpeg would write all of them twice.
INDEX, INDEX_A_PACKET = 16_384, 32
# Bytes that are written at once.
BUFFER = 2**18
FRAGMENT, HEADERS = (b"moof", b"mdat"), (b"ftyp", b"moov")


class UnhurriedFile:
    """A new file for FFmpeg to write to by way of Python, whose lock is let go of while the disk writes.

    PyAV holds the lock while a file is completed; by a path, a slow disk would stop the show.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb", buffering=0)
        self.tell, self.close = self._file.tell, self._file.close

    @property
    def closed(self) -> bool:
        """PyAV completes no file that is closed."""
        return self._file.closed

    def write(self, data: bytes) -> int:
        """Writes all of the data."""
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        return len(data)

    def seek(self, place: int, whence: int) -> int:
        """Goes to a place, as a file does."""
        return self._file.seek(place, whence)

    def open(self, options: Mapping[str, str]) -> OutputContainer:
        """The MP4 that it is to be."""
        return av.open(self, "w", format="mp4", options={**options, "flush_packets": "1"}, buffer_size=BUFFER)


def cut(path: Path) -> int:
    """Cuts off what is left over at the end of a file of fragments; returns how many fragments are whole.

    A file without any is removed. Raises OSError.
    """
    whole, place, fragments, wanted = 0, 0, 0, [*HEADERS]
    size = path.stat().st_size
    with path.open("rb") as file:
        while wanted:
            file.seek(place)
            header = file.read(16)
            length = int.from_bytes(header[:4], "big")
            if length == 1:  # of more than 4 GB
                length = int.from_bytes(header[8:16], "big")
            if header[4:8] != wanted.pop(0) or length < 8 or place + length > size:
                break
            place += length
            if header[4:8] == FRAGMENT[-1]:
                whole, fragments = place, fragments + 1
            if not wanted:
                wanted = [*FRAGMENT]
    if fragments:
        os.truncate(path, whole)
    else:
        path.unlink()
    return fragments


def frames_in(path: Path) -> int:
    """Frames of the video in a file. Raises OSError and av.error.FFmpegError."""
    with av.open(str(path)) as file:
        return sum(packet.size > 0 for packet in file.demux(video=0))


def put_in_order(path: Path, packets: int, hurried: Callable[[], bool]) -> None:
    """Makes of the fragments one film with an index at its front, which seeks at once and is what most programs expect.

    It has so many `packets`, those of a sound in AAC too. The file is as it was until the new one is whole, and stays
    so where there is no room for both, or where `hurried` says that there is no time. Raises OSError and
    av.error.FFmpegError.
    """
    if shutil.disk_usage(path.parent).free < path.stat().st_size + SPARE:
        return
    partial = partial_of(path)
    file = UnhurriedFile(partial)
    try:
        with av.open(str(path)) as source, file.open({"moov_size": str(INDEX + INDEX_A_PACKET * packets)}) as target:
            streams = [target.add_stream_from_template(stream) for stream in source.streams]
            delay = Fraction(PRIMING, SONG_RATE) if source.streams.audio else Fraction(0)
            for packet in source.demux():
                if hurried():
                    file.close()
                    return
                if packet.size and packet.pts is not None:
                    packet.stream = streams[packet.stream.index]
                    begin = packet.pts - round(delay / packet.time_base)
                    packet.pts = packet.dts = begin if packet.stream.type == "audio" else max(0, begin)
                    target.mux(packet)
        file.close()
        partial.replace(path)
    finally:
        file.close()
        partial.unlink(missing_ok=True)
