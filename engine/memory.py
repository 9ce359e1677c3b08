"""Memory: what a show lets go of goes back to the system, so that one that runs for months stays as small as it is.

Owns how the C library's allocator is set, where it is glibc's.
"""

import ctypes
import sys
from contextlib import suppress

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


def give_back() -> None:
    """Has large blocks given back once they are free; nothing where the allocator is another."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # musl has no such function
            library = ctypes.CDLL(None)
            library.mallopt(M_ARENA_MAX, HEAPS)
            library.mallopt(M_MMAP_THRESHOLD, LARGE)
            library.mallopt(M_TRIM_THRESHOLD, KEPT)
