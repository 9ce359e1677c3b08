"""Only one: a lock on a file that a process holds for as long as it lives, however it ends."""

import os
import sys
from pathlib import Path


class Taken(Exception):
    """Another process holds the lock."""


class OnlyOne:
    """Holds the lock on the file at `path`, which is made where it is not there. Raises Taken and OSError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(self._file, msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise Taken(str(path)) from None

    def close(self) -> None:
        """Lets go; the file stays, so that nobody locks one that is just being taken away."""
        os.close(self._file)
