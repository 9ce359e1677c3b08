"""A take's images on disk: compressed in blocks, in shards of bounded size, and read only where they are asked for.

Owns the folder that a take is kept in. 100 hours are 270 GB of grey images and some 13 GB here; of that, memory ever
holds what is being looked at. zlib's fastest level makes silhouettes 21 times smaller and reads 30,000 of them a second
on one core; FFV1 makes them no smaller and reads 5,000.
"""

import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import overload

import numpy as np

BLOCK = 16  # images compressed together: reading one reads all, so that few is better, and 64 are hardly smaller
SHARD_BYTES = 64_000_000  # a shard is ended by the block that goes beyond
LEVEL = 1  # zlib's; 6 saves a seventh and takes three times as long, ten times with noise
INDEX = "index.npz"


class Frames:
    """The images in `folder` that `rows` names, all by default; as an array (n, height, width) uint8 it is read-only.

    A slice is another view, which reads nothing; an index is an image; numpy's functions are given it as an array.
    """

    ndim, dtype = 3, np.dtype(np.uint8)

    def __init__(self, folder: Path, rows: range | None = None) -> None:
        """Raises ValueError with one line where the folder's index is missing or damaged."""
        try:
            with np.load(folder / INDEX) as index:
                count, height, width = index["shape"].tolist()
                self._blocks = index["blocks"]  # (blocks, 3) int64: shard, first byte, bytes
        except (OSError, ValueError, KeyError, EOFError, zlib.error) as error:
            raise ValueError(f"{folder / INDEX}: not a readable index of images ({error})") from None
        self._folder, self._rows = folder, range(count) if rows is None else rows
        self._image = height, width
        self._last: tuple[int, np.ndarray] | None = None  # images that are read in order share a block

    def __reduce__(self) -> tuple:
        return Frames, (self._folder, self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self._rows), *self._image

    @property
    def stored(self) -> int:
        """Bytes on disk, of all images of the folder."""
        return int(self._blocks[:, 2].sum())

    @overload
    def __getitem__(self, which: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, which: slice) -> "Frames": ...
    def __getitem__(self, which: int | slice) -> "np.ndarray | Frames":
        if not isinstance(which, slice):
            return self.take(np.array([which]))[0]
        view = Frames.__new__(Frames)
        view.__dict__ |= self.__dict__ | {"_rows": self._rows[which]}
        return view

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[i] for i in range(len(self)))

    def __array__(self, dtype: np.dtype | None = None, copy: bool | None = None) -> np.ndarray:
        return self.take(np.arange(len(self))).astype(dtype or np.uint8, copy=False)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Those images, (len(rows), height, width) uint8. Raises ValueError naming a shard that is damaged."""
        if len(rows) and not -len(self) <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"images {rows.min()} to {rows.max()} of {len(self)}")
        images = np.empty((len(rows), *self._image), np.uint8)
        places = self._rows.start + self._rows.step * (rows % max(len(self), 1))
        blocks, within = np.divmod(places, BLOCK)
        for block in np.unique(blocks):
            chosen = blocks == block
            images[chosen] = self._block(int(block))[within[chosen]]
        return images

    def _block(self, number: int) -> np.ndarray:
        last = self._last
        if last is not None and last[0] == number:
            return last[1]
        shard, first, length = self._blocks[number].tolist()
        path = self._folder / shard_name(shard)
        try:
            with open(path, "rb", buffering=0) as file:
                file.seek(first)
                raw = zlib.decompress(file.read(length))
            images = np.frombuffer(raw, np.uint8).reshape(-1, *self._image)
        except (OSError, ValueError, zlib.error) as error:
            raise ValueError(f"{path}: damaged ({error}); the next run reads this footage anew") from None
        self._last = number, images
        return images


def shard_name(number: int) -> str:
    return f"{number:05}.images"


def write_frames(folder: Path, images: Iterator[np.ndarray], size: tuple[int, int]) -> None:
    """Stream images of `size`, width and height, to `folder`, which is there as a whole or not at all.

    What `folder` held is replaced. Raises ValueError if there are no images.
    """
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        count = 0
        blocks: list[tuple[int, int, int]] = []
        shards: list[tuple[int, int]] = []  # bytes and CRC of each
        for block in grouped(images):
            data = zlib.compress(np.stack(block).tobytes(), LEVEL)
            if not shards or shards[-1][0] >= SHARD_BYTES:
                shards.append((0, 0))
            length, check = shards[-1]
            with open(part / shard_name(len(shards) - 1), "ab") as file:
                file.write(data)
            blocks.append((len(shards) - 1, length, len(data)))
            shards[-1] = length + len(data), zlib.crc32(data, check)
            count += len(block)
        if not count:
            raise ValueError("it holds no images")
        shape = np.array([count, size[1], size[0]])
        np.savez(part / INDEX, shape=shape, blocks=np.array(blocks), shards=np.array(shards))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def grouped(images: Iterator[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """The images by BLOCK; the last of the lists may be shorter."""
    block = []
    for image in images:
        block.append(image)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def is_whole(folder: Path) -> bool:
    """Whether every shard holds what was written to it, byte for byte; some seconds for 100 hours."""
    try:
        with np.load(folder / INDEX) as index:
            shards = index["shards"].tolist()
        return all(checked(folder / shard_name(i)) == tuple(expected) for i, expected in enumerate(shards))
    except (OSError, ValueError, KeyError, EOFError, zlib.error):
        return False


def checked(path: Path) -> tuple[int, int]:
    """A shard's bytes and their CRC."""
    data = path.read_bytes()
    return len(data), zlib.crc32(data)


Images = np.ndarray | Frames  # (n, height, width) uint8


def taken(images: Images, rows: np.ndarray) -> np.ndarray:
    """Those of the images, as an array, (len(rows), height, width) uint8."""
    return images.take(rows) if isinstance(images, Frames) else images[rows]
