"""Files that ought to be small are read whole, or not at all."""

import os
from pathlib import Path

import pytest

from engine.small_file import read_small


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x" * 2048)
    assert read_small(file, 2048) == b"x" * 2048
    with pytest.raises(OSError) as raised:
        read_small(file, 2047)
    assert (raised.value.strerror, raised.value.filename) == ("larger than 1 KiB, as no such file is", str(file))


def test_what_never_ends_and_what_nobody_writes_to_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("pipe", "link"):
        with pytest.raises(OSError, match="no file"):
            read_small(tmp_path / name, 10)
    with pytest.raises(FileNotFoundError):
        read_small(tmp_path / "none", 10)
    with pytest.raises(IsADirectoryError):
        read_small(tmp_path, 10)
