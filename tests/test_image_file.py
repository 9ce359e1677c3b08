"""Pictures of strangers: one is read, of a size that there is room for, and no other file with it."""

import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest

from engine.image_file import MOST_PIXELS, read_image


def png(width: int, height: int, rows: bytes | None = None) -> bytes:
    """A grey PNG, black but for its last pixel, or whose rows are these."""
    rows = (b"\0" * (1 + width)) * (height - 1) + b"\0" * width + b"\xff" if rows is None else rows

    def chunk(tag: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + tag + data + struct.pack(">I", zlib.crc32(tag + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_picture_is_read_with_its_top_row_first(tmp_path: Path) -> None:
    file = tmp_path / "small.png"
    file.write_bytes(png(3, 2))
    assert read_image(file, "gray").tolist() == [[0, 0, 0], [0, 0, 255]]
    assert read_image(file, "rgba").shape == (2, 3, 4)
    file.write_bytes(png(300, 200))
    assert read_image(file, "gray", most_pixels=100_000).shape == (200, 300)
    with pytest.raises(OSError, match="no picture of up to 0 million pixels in it"):
        read_image(file, "gray", most_pixels=50_000)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (MOST_PIXELS, 2), (2**31 - 1, 1)])
def test_a_picture_that_is_too_large_takes_no_room(tmp_path: Path, width: int, height: int) -> None:
    file = tmp_path / "bomb.png"
    file.write_bytes(png(width, height, rows=bytes(100)))
    tracemalloc.start()
    with pytest.raises(OSError) as raised:
        read_image(file, "rgba")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert raised.value.strerror == "no picture of up to 33 million pixels in it"
    assert peak < 1 << 20


@pytest.mark.parametrize(
    "content", ["ffconcat version 1.0\nfile other.png\n", "#EXTM3U\n#EXTINF:1,\nother.png\n#EXT-X-ENDLIST\n", "", "x"]
)
def test_a_file_that_names_another_is_no_picture(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.png").write_bytes(png(3, 2))
    for name in ("list.png", "list.m3u8", "list.ffconcat"):
        (tmp_path / name).write_text(content)
        with pytest.raises(OSError, match="no picture of up to"):
            read_image(tmp_path / name, "gray")


def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "two.gif"), "w") as film:
        stream = film.add_stream("gif", rate=10)
        stream.width, stream.height, stream.pix_fmt = 8, 8, "gray"
        for level in (255, 0):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((8, 8), level, np.uint8), "gray")))
        film.mux(stream.encode(None))
    assert (read_image(tmp_path / "two.gif", "gray") == 255).all()
