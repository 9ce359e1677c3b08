"""An epoch's batches: every image once, those of like width together, shuffled over all footage, shared or not."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures.footage import SIZE, blob
from training import batches as batches_module
from training.batches import Batches, widths
from training.clips import Clip
from training.frames import Frames, write_frames


def clips(*lengths: int) -> list[Clip]:
    """Clips whose images all differ."""
    starts = np.cumsum([0, *lengths])
    return [
        Clip(str(i), np.stack([blob(frame / 7) for frame in range(start, start + length)]))
        for i, (start, length) in enumerate(zip(starts, lengths, strict=False))
    ]


def rows(batches: Batches, epoch: int) -> np.ndarray:
    """All rows of an epoch, (batches, size, 2)."""
    first = epoch * batches.in_epoch
    return np.stack([batches.of_step(first + i, slice(0, batches.size)).rows for i in range(batches.in_epoch)])


@pytest.mark.parametrize("window", [64, 2048])
def test_every_image_is_seen_once_an_epoch_in_another_order_each(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    monkeypatch.setattr(batches_module, "WINDOW", window)
    batches = Batches(clips(90, 3, 47), 1.0, 4, 0)
    first, second = rows(batches, 0), rows(batches, 1)
    assert batches.in_epoch == 35
    for epoch in (first, second):
        assert len(np.unique(epoch.reshape(-1, 2), axis=0)) == 140
    assert not np.array_equal(first, second)
    assert np.array_equal(rows(Batches(clips(90, 3, 47), 1.0, 4, 0), 1), second), "a step says all"
    assert not np.array_equal(rows(Batches(clips(90, 3, 47), 1.0, 4, 1), 1), second)


def test_images_of_like_width_go_together() -> None:
    footage = clips(88)
    batches = Batches(footage, 1.0, 4, 0)
    width = widths(np.asarray(footage[0].frames), 1.0)
    chosen = rows(batches, 0)[..., 1]
    together = np.ptp(width[chosen], axis=1).mean()
    assert together < 0.5 * np.ptp(np.random.default_rng(0).permutation(width).reshape(22, 4), axis=1).mean()


def test_shares_are_the_parts_of_the_batch_and_images_are_those_of_their_rows() -> None:
    footage = clips(40, 25)
    batches = Batches(footage, None, 6, 0)
    whole = batches.of_step(17, slice(0, 6))
    parts = [batches.of_step(17, share) for share in (slice(0, 2), slice(2, 6))]
    assert torch.equal(torch.cat([part.images for part in parts]), whole.images)
    assert np.array_equal(np.concatenate([part.rows for part in parts]), whole.rows)
    for image, (clip, frame), mirrored in zip(whole.images, whole.rows, whole.mirrored, strict=True):
        expected = footage[clip].frames[frame]
        assert np.array_equal((image[0] * 255).round().byte().numpy(), expected[:, ::-1] if mirrored else expected)
    assert {bool(m) for i in range(4) for m in batches.of_step(i, slice(0, 6)).mirrored} == {False, True}


def test_images_on_disk_give_the_batches_of_those_in_memory(tmp_path: Path) -> None:
    (clip,) = clips(70)
    write_frames(tmp_path / "take", iter(np.asarray(clip.frames)), SIZE)
    batches = [Batches([Clip("0", images)], 1.0, 8, 3) for images in (clip.frames, Frames(tmp_path / "take"))]
    for step in (0, 3, 9):
        first, second = (each.of_step(step, slice(0, 8)) for each in batches)
        assert torch.equal(first.images, second.images) and np.array_equal(first.rows, second.rows)


def test_less_footage_than_a_batch_is_all_of_it_each_step() -> None:
    batches = Batches(clips(3), None, 8, 0)
    assert (batches.size, batches.in_epoch) == (3, 1)
    assert sorted(rows(batches, 5)[0][:, 1].tolist()) == [0, 1, 2]
