"""The VAE is the article's, its loss is what it says, and its faster forms compute the same."""

import math

import numpy as np
import pytest
import torch

from tests.fixtures.footage import blob
from training.clips import Clip
from training.dancer import STRAYED_FURTHER, sharpen
from training.vae import VAE, VAEConfig, kl_divergence, reconstruction_loss, soft_iou
from training.vae_fast import FastVAE, active_columns

SMALL = VAEConfig((104, 64), 8, (16, 12, 8))


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_the_article_s_parameters() -> None:
    model = VAE(VAEConfig())
    assert (count(model.encoder), count(model.decoder)) == (1_724_128, 1_744_545)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^image size \(100, 64\): both sides must be multiples of 8, 8 or more$"):
        VAEConfig((100, 64))


def test_kl_divergence_of_normals_with_a_closed_form() -> None:
    mean, log_variance = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 0.0]]), torch.zeros(3, 2)
    log_variance[2, 1] = math.log(4)
    expected = [0, 4.5, 0.5 * (4 - 1 - math.log(4))]
    assert kl_divergence(mean, log_variance).tolist() == pytest.approx(expected)
    # Against N(1, 4): log 2 + (variance + (mean - 1)^2) / 8 - 1/2 for each of the two.
    other = torch.ones(1, 2), torch.full((1, 2), math.log(4))
    expected = [2 * math.log(2) + part - 1 for part in (2 / 8 + 2 / 8, 2 / 8 + 5 / 8, 2 / 8 + 5 / 8 - math.log(2))]
    assert kl_divergence(mean, log_variance, other).tolist() == pytest.approx(expected)
    assert kl_divergence(mean, log_variance, (mean, log_variance)).tolist() == [0, 0, 0]


def test_reconstruction_is_summed_over_pixels_and_averaged_over_images() -> None:
    logits, images = torch.zeros(3, 1, 4, 5), torch.rand(3, 1, 4, 5)
    # At probability one half, each pixel costs log 2 whatever it is.
    assert float(reconstruction_loss(logits, images)) == pytest.approx(20 * math.log(2))


def test_iou_counts_pixels() -> None:
    a, b = torch.zeros(1, 1, 2, 4), torch.zeros(1, 1, 2, 4)
    a[..., :3] = 1
    b[..., 1:] = 1
    assert float(soft_iou(a, b)) == 0.5
    assert float(soft_iou(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))) == 1


def dancers() -> torch.Tensor:
    """Images of every awkward kind: at the left edge, at the right, in the middle, one pixel, none."""
    images = np.full((6, 64, 104), 255, np.uint8)
    figure = blob(0)
    for i, shift in enumerate((0, -44, 44, 8)):
        images[i] = np.roll(figure, shift, 1)
        if shift < 0:
            images[i, :, 60:] = 255
        elif shift > 8:
            images[i, :, :44] = 255
    images[4, 30, 55] = 0
    return torch.from_numpy(images)[:, None].float() / 255


def test_the_fast_forms_give_the_same_losses_and_gradients() -> None:
    torch.manual_seed(0)
    plain, fast = VAE(SMALL).double(), FastVAE(SMALL, background=1.0).double()
    fast.load_state_dict(plain.state_dict())
    images, noise = dancers().double(), torch.randn(6, 8, dtype=torch.float64)
    gradients = []
    for model in (plain, fast):
        logits = model.decode(noise)
        mean, log_variance = model.encode(images)
        reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(logits, images, reduction="sum")
        (reconstruction + kl_divergence(mean, log_variance).sum()).backward()
        gradients.append((logits, mean, log_variance, *(p.grad for p in model.parameters())))
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_the_crop_is_narrower_than_the_image_and_columns_are_found() -> None:
    first, last = active_columns(dancers(), 1.0)
    assert first.tolist()[4:] == [6, 0]
    assert last.tolist()[4:] == [7, 0]
    assert int((last - first).max()) + 4 < 0.75 * 13


def test_sharpening_makes_silhouettes_as_sharp_as_the_footage_and_moves_no_outline() -> None:
    torch.manual_seed(1)
    model = VAE(SMALL).eval()
    for parameter in model.decoder.parameters():
        parameter.data *= 2.5
    clips = [Clip("a", np.stack([blob(i / 9) for i in range(40)]))]
    before = torch.sigmoid(model.decode(torch.zeros(1, 8))).detach()
    images = np.asarray(clips[0].frames)
    with torch.no_grad():
        latents = model.encode(torch.from_numpy(images)[:, None].float() / 255)[0].numpy()
    factor = sharpen(model, images, latents, "dark silhouette")
    after = torch.sigmoid(model.decode(torch.zeros(1, 8))).detach()
    assert STRAYED_FURTHER < factor <= 4 * STRAYED_FURTHER
    assert torch.equal(after > 0.5, before > 0.5)
    assert sharpen(model, images, latents, "grey") == 1
