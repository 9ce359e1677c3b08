"""Memory: what a show lets go of goes back to the system, so that one that runs for months stays as small as it is.

Owns how the C library's allocator is set and trimmed, where it is glibc's.
"""

import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

# glibc's own names and numbers, of malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# Blocks from so many bytes on are taken from the system one by one, and go back to it. Left to itself glibc raises
# that to 32 MB with the first weights that are let go of, and keeps the room of later ones between small blocks: five
# changes of the model left 425 MB, and leave 166. A frame's own blocks are smaller, but for a company of 40 and more.
LARGE = 1 << 20
# What is free at the end of a heap and kept all the same, for the next frames.
KEPT = 2 << 20
# Heaps: the show's own, and one more for threads. Left to itself glibc gives every thread one, up to eight a core, and
# each keeps what an encoder or another model left in it: half an hour of soak grew by 35 MB.
HEAPS = 2
# Seconds after which what is free in between goes back too, for a heap gives only its end back by itself: recordings,
# shaders and models leave 15 MB of holes. It takes 1.5 ms, in which nobody else can have memory.
EVERY = 30.0


def give_back() -> None:
    """Has large blocks given back once they are free; nothing where the allocator is another."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # musl has no such function
            library = ctypes.CDLL(None)
            library.mallopt(M_ARENA_MAX, HEAPS)
            library.mallopt(M_MMAP_THRESHOLD, LARGE)
            library.mallopt(M_TRIM_THRESHOLD, KEPT)


@contextmanager
def kept_small() -> Iterator[None]:
    """Meanwhile the heaps' free pages go back to the system every so often, on a thread."""
    ended = threading.Event()
    thread = threading.Thread(target=_keep_small, args=(ended,), name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_small(ended: threading.Event) -> None:
    while not ended.wait(EVERY):
        trim()


def trim() -> None:
    """Gives the heaps' free pages back; nothing where the allocator is not glibc's."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
