"""Memory: what a show lets go of goes back to the system, so that one that runs for months stays as small as it is.

Owns how the C library's allocator is set, where it is glibc's.
"""

import ctypes
import sys
from contextlib import suppress

# glibc's own names and numbers, of malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
# Blocks from so many bytes on are taken from the system one by one, and go back to it. Left to itself glibc raises
# that to 32 MB with the first weights that are let go of, and keeps the room of later ones between small blocks: five
# changes of the model left 425 MB, and leave 166. A frame's own blocks are smaller, but for a company of 40 and more.
LARGE = 1 << 20
# What is free at the end of a heap and kept all the same, for the next frames. Every thread may have a heap of its own,
# and every film has new threads: with 16 MB thirteen films cost 105 MB, as each heap kept what one encoder had left.
KEPT = 2 << 20


def give_back() -> None:
    """Has large blocks given back once they are free; nothing where the allocator is another."""
    if sys.platform.startswith("linux"):
        with suppress(OSError, AttributeError):  # musl has no such function
            library = ctypes.CDLL(None)
            library.mallopt(M_MMAP_THRESHOLD, LARGE)
            library.mallopt(M_TRIM_THRESHOLD, KEPT)
