"""Images on disk are what was written, come block by block, and a shard that is damaged is noticed."""

import pickle
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.footage import SIZE, blob, write_video
from training import frames as frames_module
from training.footage import read_footage
from training.frames import BLOCK, Frames, is_whole, write_frames

IMAGES = np.stack([blob(i / 30) for i in range(3 * BLOCK + 5)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_frames(tmp_path / "take", iter(IMAGES), SIZE)
    return tmp_path / "take"


def test_what_was_written_is_read_by_index_slice_and_rows(folder: Path) -> None:
    found = Frames(folder)
    assert found.shape == IMAGES.shape and len(found) == len(IMAGES)
    assert np.array_equal(found, IMAGES)
    assert np.array_equal(found[20], IMAGES[20]) and np.array_equal(found[-1], IMAGES[-1])
    for part in (slice(5, 40), slice(None, None, 7), slice(30, 3, -4), slice(50, 200)):
        assert np.array_equal(found[part], IMAGES[part])
        assert np.array_equal(found[10:][part], IMAGES[10:][part])
    rows = np.array([40, 3, 3, -1, 17])
    assert np.array_equal(found[2:].take(rows), IMAGES[2:][rows])
    assert np.array_equal(list(found[:3]), IMAGES[:3])
    assert np.array_equal(pickle.loads(pickle.dumps(found[4:9])), IMAGES[4:9])
    with pytest.raises(IndexError, match=r"^images 9 to 9 of 5$"):
        found[4:9][9]


def test_shards_are_bounded_and_images_cross_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_module, "SHARD_BYTES", 1)
    write_frames(tmp_path / "take", iter(IMAGES), SIZE)
    assert len(list((tmp_path / "take").glob("*.images"))) == 4
    assert np.array_equal(Frames(tmp_path / "take"), IMAGES)


def test_silhouettes_take_a_fraction_of_their_size(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.iterdir()) < IMAGES.nbytes / 10


@pytest.mark.parametrize("harm", ["flip", "cut", "missing", "index"])
def test_a_damaged_shard_is_decoded_anew_by_the_next_run(tmp_path: Path, harm: str) -> None:
    video = write_video(tmp_path / "a.mkv", list(IMAGES), [Fraction(i, 30) for i in range(len(IMAGES))])
    whole = np.asarray(read_footage([video], SIZE, "crop", tmp_path / "cache").clips[0].frames)
    (take,) = (path for path in (tmp_path / "cache").iterdir() if path.is_dir())
    shard = take / "00000.images"
    data = shard.read_bytes()
    if harm == "flip":
        shard.write_bytes(data[:100] + bytes([data[100] ^ 8]) + data[101:])
        with pytest.raises(ValueError, match=r"00000\.images: damaged \(.*\); the next run reads this footage anew$"):
            np.asarray(Frames(take))
    elif harm == "cut":
        shard.write_bytes(data[:-1])
    elif harm == "missing":
        shard.unlink()
    else:
        (take / "index.npz").write_bytes(b"PK")
    assert not is_whole(take)
    again = read_footage([video], SIZE, "crop", tmp_path / "cache").clips[0].frames
    assert is_whole(take) and np.array_equal(again, whole)


def test_a_hundred_hours_are_trained_on_in_a_gigabyte(tmp_path: Path) -> None:
    """A synthetic stream: 10.8 million images, whose blocks all lie at the same few places of one shard.

    The limit is the system's, on all that a process allocates; what it maps of a file is not counted.
    """
    code = """
import resource, sys
from pathlib import Path
import numpy as np
import torch
from training.bank import choose_passages
from training.batches import Batches
from training.clips import Clip, even_background, excerpts, image_kind, split
from training.dancer import overlapping
from training.frames import BLOCK, Frames, write_frames
from training.latents import open_sequences, statistics
from training.train_mdn_rnn import MDNRNNTraining, epoch_chunks, draw
from training.train_vae import spread
from tests.fixtures.footage import blob

torch.set_num_threads(1)
folder = Path(sys.argv[1])
hours, size, latent_size = 100, (208, 120), 2
write_frames(folder / "take", (blob(i / 30, size) for i in range(16 * BLOCK)), size)
count = hours * 3600 * 30
with np.load(folder / "take" / "index.npz") as index:
    blocks, shards = np.resize(index["blocks"], (count // BLOCK, 3)), index["shards"]
np.savez(folder / "take" / "index.npz", shape=[count, 120, 208], blocks=blocks, shards=shards)
whole = Frames(folder / "take")
assert len(whole) == count == 10_800_000

used = int(next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]) * 1024
limit = used + 1_000_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    np.ones(limit, np.uint8)
    sys.exit("the limit does not hold")
except MemoryError:
    pass

clips = [Clip(f"{i:02}", whole[i * count // 20 : (i + 1) * count // 20]) for i in range(20)]
training, held_out = split(clips)
assert image_kind(training) == "dark silhouette" and even_background(training) == 1.0
batches = Batches(training, 1.0, 64, 0)
assert batches.in_epoch == count * 9 // 10 // 64
for step in (0, 1, 70_000, batches.in_epoch * 3 + 5):
    assert batches.of_step(step, slice(0, 64)).images.shape == (64, 1, 120, 208)
assert len(spread(held_out)) == 240
assert sum(map(len, excerpts(clips, 108_000))) == 108_000
assert next(overlapping(clips[0])).shape == (513, 120, 208)

# The latents: a file with holes, as long as those of all clips and their mirror images.
path = folder / "latents.npy"
np.lib.format.open_memmap(path, "w+", np.float32, (2 * count, 2, latent_size))[::1_000_000, 0] = 1
sequences = open_sequences(path, clips)
assert sum(map(len, sequences)) == 2 * count
normal = statistics(sequences)
assert normal.deviation.shape == (latent_size,)
chunks = epoch_chunks([len(each) for each in sequences], 64, 64, 0, 0)
inputs, _, _, _ = draw(sequences, normal, chunks[-1], MDNRNNTraining(), [torch.Generator()] * 64)
assert inputs.shape == (64, chunks[-1].steps, latent_size)
assert choose_passages(sequences, normal).shape == (128, 30, latent_size)
print("done")
"""
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert run.stdout == "done\n", run.stderr[-2000:]
