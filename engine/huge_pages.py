"""Memory in pages of 2 MB, where the system gives them to those who ask: Linux, by glibc.

A dancer's weights are read whole for every frame. In huge pages the processor finds them at once: steps take a tenth
less time, and opening the graphs half of it, for a page is made at its first touch. glibc asks for them where this
variable says so, and reads it only when a process starts.
"""

import os
import sys
from collections.abc import Mapping
from contextlib import suppress

HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


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
