"""Which images make each batch of an epoch: a new order, every image once. Owns the order, and reads ahead.

Images lie on disk in compressed blocks, so that an epoch is shuffled twice: blocks of neighbours over all footage, and
the images of a window of these among each other. A window is all that is ever held, however long the footage is.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.clips import Clip
from training.frames import BLOCK, taken
from training.vae_fast import active_columns

WINDOW = 2048  # images, some 50 MB: from 128 places of the footage at once
BUCKETS = 16  # batches that are sorted by width together


@dataclass
class Window:
    """Decoded images (n, height, width) uint8, rows (n, 2) clip and frame, and whether each is mirrored; by batches:
    the first ones are the first batch."""

    images: np.ndarray
    rows: np.ndarray
    mirrored: np.ndarray


@dataclass
class Batch:
    """Images (n, 1, height, width) float32 in 0..1, mirrored as said; rows (n, 2): clip and frame."""

    images: Tensor
    rows: np.ndarray
    mirrored: np.ndarray


def widths(images: np.ndarray, background: float | None) -> np.ndarray:
    """Columns of cells the dancer covers in each image, (n,); zeros where there is no even background."""
    if background is None:
        return np.zeros(len(images), int)
    first, last = active_columns(torch.from_numpy(images)[:, None], round(background * 255))
    return (last - first).numpy()


class Batches:
    """The batches of every step, of `size` images over all processes: `batch`, or all there are where these are fewer.

    What is left of an epoch is left out.
    """

    def __init__(self, clips: list[Clip], background: float | None, batch: int, seed: int) -> None:
        self._total = sum(map(len, clips))
        self.size = min(batch, self._total)
        self._clips, self._background, self._seed = clips, background, seed
        starts = [np.arange(0, len(clip), BLOCK) for clip in clips]
        ends = [np.append(start[1:], len(clip)) for start, clip in zip(starts, clips, strict=True)]
        clip = np.repeat(np.arange(len(clips)), [len(start) for start in starts])
        self._blocks = np.stack([clip, np.concatenate(starts), np.concatenate(ends)], 1)
        # Whole buckets, so that windows end where batches do.
        self._window = max(WINDOW // (self.size * BUCKETS), 1) * self.size * BUCKETS
        self._reader = ThreadPoolExecutor(1, "read ahead")
        self._ahead: dict[tuple[int, int], Future[Window]] = {}
        self._order: tuple[int, np.ndarray] = -1, np.zeros(0, int)

    @property
    def in_epoch(self) -> int:
        return self._total // self.size

    def of_step(self, step: int, share: slice) -> Batch:
        """This `share` of the step's batch."""
        epoch, place = divmod(step, self.in_epoch)
        number, within = divmod(place * self.size, self._window)
        window = self._open(epoch, number)
        chosen = np.arange(len(window.rows))[within : within + self.size][share]
        images = window.images[chosen]
        mirrored = window.mirrored[chosen]
        images[mirrored] = images[mirrored, :, ::-1]
        return Batch(torch.from_numpy(images)[:, None].float() / 255, window.rows[chosen], mirrored)

    def _open(self, epoch: int, number: int) -> Window:
        """The window, while the one after it is being read."""
        following = (epoch, number + 1) if (number + 1) * self._window < self.in_epoch * self.size else (epoch + 1, 0)
        wanted = ((epoch, number), following)
        self._ahead = {key: future for key, future in self._ahead.items() if key in wanted}
        for key in wanted:
            if key not in self._ahead:
                self._ahead[key] = self._reader.submit(self._read, *key)
        return self._ahead[wanted[0]].result()

    def _read(self, epoch: int, number: int) -> Window:
        rows = self._rows(epoch, number)
        random = np.random.Generator(np.random.PCG64([self._seed, epoch, number]))
        rows = random.permutation(rows)
        mirrored = random.random(len(rows)) < 0.5
        images = np.empty((len(rows), *self._clips[0].frames.shape[1:]), np.uint8)
        for clip in np.unique(rows[:, 0]):
            chosen = np.flatnonzero(rows[:, 0] == clip)
            chosen = chosen[rows[chosen, 1].argsort()]  # neighbours are read together
            images[chosen] = taken(self._clips[clip].frames, rows[chosen, 1])
        order = in_batches(widths(images, self._background), self.size, random)
        return Window(images[order], rows[order], mirrored[order])

    def _rows(self, epoch: int, number: int) -> np.ndarray:
        """Clip and frame of a window's images, (n, 2), in the order of the epoch's blocks."""
        if self._order[0] != epoch:
            random = np.random.Generator(np.random.PCG64([self._seed, epoch]))
            self._order = epoch, random.permutation(len(self._blocks))
        order = self._order[1]
        clip, start, end = self._blocks[order].T
        before = np.concatenate([[0], (end - start).cumsum()])  # images before each block
        low, high = number * self._window, min((number + 1) * self._window, self._total)
        parts = []
        for i in range(np.searchsorted(before, low, "right") - 1, np.searchsorted(before, high, "left")):
            frames = np.arange(start[i] + max(low - before[i], 0), start[i] + min(high - before[i], end[i] - start[i]))
            parts.append(np.stack([np.full(len(frames), clip[i]), frames], 1))
        return np.concatenate(parts)


def in_batches(widths: np.ndarray, batch: int, random: np.random.Generator) -> np.ndarray:
    """An order of images, batch after batch, in which images of like width go together, (n,) int64.

    So `vae_fast` can crop narrowly: as sentences are bucketed by length.
    """
    size, whole = batch * BUCKETS, len(widths) // batch
    sorted_ = [low + widths[low : low + size].argsort(kind="stable") for low in range(0, len(widths), size)]
    order = np.concatenate(sorted_)
    head = order[: whole * batch].reshape(whole, batch)[random.permutation(whole)]
    return np.concatenate([head.ravel(), order[whole * batch :]])
