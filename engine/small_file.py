"""Reads files that ought to be small, whole, whoever they are from.

Owns nothing. What is larger than such a file ever is, or is no file at all (a pipe, a device), is an OSError like any
other of a disk, for those who read to tell.
"""

import errno
import os
import stat
from pathlib import Path


def read_small(path: str | os.PathLike[str], most: int) -> bytes:
    """All of the file at `path`, at most `most` bytes. Raises OSError."""
    path = Path(path)
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # to open a pipe would wait for somebody to write into it
        raise OSError(errno.EINVAL, "no file", str(path))
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(errno.EFBIG, f"larger than {most >> 10} KiB, as no such file is", str(path))
        return file.read(size)
