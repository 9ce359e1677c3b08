"""Latents in a file: of every image and its mirror image, whole or not there, and never another footage's."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fixtures.footage import SIZE, blob
from training.clips import Clip
from training.latents import BATCH, encode, open_sequences
from training.vae import VAE, VAEConfig

CLIPS = [Clip(str(i), np.stack([blob(frame / 9) for frame in range(n)])) for i, n in enumerate((BATCH + 3, 5))]


def test_each_clip_s_latents_are_followed_by_its_mirror_image_s(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = VAE(VAEConfig(SIZE, 3, (4, 4, 4)))
    found = encode(model, CLIPS, tmp_path / "latents.npy")
    assert [s.name for s in found] == ["0", "0 mirrored", "1", "1 mirrored"]
    for i, clip in enumerate(CLIPS):
        images = np.asarray(clip.frames)
        for sequence, shown in zip(found[2 * i :], (images, images[:, :, ::-1]), strict=False):
            with torch.no_grad():
                mean, log_variance = model.encode(torch.from_numpy(np.array(shown))[:, None].float() / 255)
            np.testing.assert_allclose(sequence.mean, mean, atol=1e-5)
            np.testing.assert_allclose(sequence.log_variance, log_variance, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["latents.npy"]


def test_latents_of_other_footage_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latents.npy"
    encode(VAE(VAEConfig(SIZE, 3, (4, 4, 4))), CLIPS, path)
    with pytest.raises(
        ValueError, match=r"latents\.npy: these are latents of other footage; delete the file to encode"
    ):
        open_sequences(path, CLIPS[:1])
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError, match=r"latents\.npy: not a readable array file \("):
        open_sequences(path, CLIPS)
