"""Memory in pages of 2 MB, where the system gives them to those who ask: Linux, by glibc.

A dancer's weights are read whole for every frame. In huge pages the processor finds them at once: steps take a tenth
less time, and opening the graphs half of it, for a page is made at its first touch. glibc asks for them where this
variable says so, and reads it only when a process starts.

A show that is on takes no more of them, but for another dancer's weights. The system would go on to fill every hole of
a heap, 2 MB at a time: what was given back came again within half a minute, and half an hour of soak grew by 4%. Into
the heap itself none come even then: a change of the dancer left 8 MB there, or took them away.
"""

import ctypes
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
# Linux's own numbers, of linux/prctl.h and asm-generic/mman-common.h.
PR_SET_THP_DISABLE, PR_GET_THP_DISABLE = 41, 42
MADV_NOHUGEPAGE = 15


def are_to_be_had(environment: Mapping[str, str]) -> bool:
    """Whether huge pages can be asked for here, and nobody has said how memory is to be had."""
    if sys.platform != "linux" or not sys.executable or not HUGE_PAGES.keys().isdisjoint(environment):
        return False
    try:
        return "CS_GNU_LIBC_VERSION" in os.confstr_names and bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except OSError:  # another C library than glibc
        return False


def begin_anew() -> None:
    """This very process and command, from its start, with huge pages; 9 ms. Where that cannot be, it goes on."""
    with suppress(OSError):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **HUGE_PAGES})


def take_no_more() -> None:
    """From now on memory comes in small pages; what lies in huge ones stays there."""
    _prctl(PR_SET_THP_DISABLE, 1)
    with suppress(OSError, ValueError):  # a system that does not tell, or tells it otherwise
        for line in Path("/proc/self/maps").read_text(encoding="ascii", errors="replace").splitlines():
            if line.endswith("[heap]"):
                begin, end = (int(address, 16) for address in line.split()[0].split("-"))
                ctypes.CDLL(None).madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), MADV_NOHUGEPAGE)


@contextmanager
def taken_again() -> Iterator[None]:
    """Meanwhile memory comes in huge pages all the same, on every thread."""
    before = _prctl(PR_GET_THP_DISABLE)
    _prctl(PR_SET_THP_DISABLE, 0)
    try:
        yield
    finally:
        _prctl(PR_SET_THP_DISABLE, before)


def _prctl(what: int, value: int = 0) -> int:
    """Linux's function for what a process asks of it; 0 elsewhere."""
    if not sys.platform.startswith("linux"):
        return 0
    return int(ctypes.CDLL(None).prctl(what, value, 0, 0, 0))
