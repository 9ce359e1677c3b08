"""Exact, faster forms of the VAE's two halves, on the same parameters. Tests hold them against `vae`.

Encoder: a dancer covers a small part of an image whose background is one even grey. Only the columns of cells (8
pixels) that the dancer can reach are convolved; all others are those of an empty image, computed once a batch.

Decoder: a 3x3 convolution of a map that was doubled by repetition reads each source pixel several times. Its four
output phases are four 2x2 convolutions of the map itself (4/9 of the work), and the last convolution is a 1x1
projection to its nine taps, whose sums over the doubled map are one fixed 3x3 convolution.
"""

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from training.vae import VAE, Decoder, Encoder, VAEConfig

CELL = 8  # pixels of the image behind one cell of the innermost map
PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))

# Taps of a 3-tap kernel that fall on the same source pixel of a doubled row: phase 0 reads (y-1, y), phase 1 (y, y+1).
FOLDS = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])


def active_columns(images: Tensor, background: float) -> tuple[Tensor, Tensor]:
    """First and one past the last column of cells with anything but background in (n, 1, h, w): two (n,) int64."""
    n, _, _, width = images.shape
    active = (images != background).view(n, -1, width // CELL, CELL).any(3).any(1)
    columns = torch.arange(width // CELL, device=images.device)
    first = torch.where(active, columns, width // CELL).amin(1)
    last = torch.where(active, columns + 1, 0).amax(1)
    return first.minimum(last), last


def cropped_features(encoder: Encoder, images: Tensor, background: float) -> Tensor:
    """`encoder.features(images)`, computed only where images differ from `background`.

    A pixel reaches 7 pixels beyond its cell (1 + 2 + 4 by the three convolutions): one cell further. The crop is one
    cell wider still, since its own edges are padded with zeros; where it ends at the image's edge, so does the image.
    """
    rows, columns = encoder.config.grid
    first, last = active_columns(images, background)
    width = min(int((last - first).max()) + 4, columns)
    if width > 0.75 * columns:
        return encoder.features(images)
    start = (first - 2).clamp(0, columns - width)
    index = start[:, None] + torch.arange(width, device=images.device)  # (n, width) cells
    pixels = (index[:, :, None] * CELL + torch.arange(CELL, device=images.device)).flatten(1)
    crops = images.gather(3, pixels[:, None, None].expand(-1, 1, images.shape[2], -1))
    blank = encoder.features(torch.full_like(images[:1], background))
    features = encoder.features(crops)
    # Where the crop's edge is not the image's, its outermost cell is that of the empty image.
    inside = torch.ones(len(images), width, dtype=torch.bool, device=images.device)
    inside[:, 0] = start == 0
    inside[:, -1] = start == columns - width
    index = index[:, None, None].expand(-1, features.shape[1], rows, -1)
    around = blank.expand(len(images), -1, -1, -1)
    features = torch.where(inside[:, None, None], features, around.gather(3, index))
    return around.scatter(3, index, features.to(blank.dtype))


def phase_kernels(weight: Tensor) -> Tensor:
    """3x3 kernels (o, i, 3, 3) over a doubled map -> 2x2 over the map, (2, 2, o, i, 2, 2) by phase row, column."""
    folds = FOLDS.to(weight)
    return torch.einsum("pau,oiuv,qbv->pqoiab", folds, weight, folds)


def gather_taps() -> Tensor:
    """The fixed convolution (16, 36, 3, 3) that sums nine projected taps of four phases into 4x4 pixels.

    Channel (2 p + q) * 9 + 3 u + v in is tap (u, v) of phase (p, q) of the twice smaller map; channel 4 y + x out is
    pixel (y, x) of a 4x4 block.
    """
    kernel = torch.zeros(16, 36, 3, 3)
    for y in range(4):
        for x in range(4):
            for u in range(3):
                for v in range(3):
                    row, column = (y + u - 1) // 2, (x + v - 1) // 2  # in the map once doubled, -1..2
                    phase = (row % 2) * 2 + column % 2
                    kernel[y * 4 + x, phase * 9 + u * 3 + v, row // 2 + 1, column // 2 + 1] += 1
    return kernel


def phased_logits(decoder: Decoder, latents: Tensor) -> Tensor:
    """`decoder(latents)`, with the last two convolutions in their phase forms."""
    x = decoder.grid(latents)
    if latents.device.type == "cpu":
        x = x.contiguous(memory_format=torch.channels_last)
    x = F.interpolate(F.relu(decoder.conv1(decoder.dense_channels(x))), scale_factor=2.0, mode="nearest")
    x = F.relu(decoder.conv2(x))
    kernels = phase_kernels(decoder.conv3.weight)
    taps = decoder.conv4.weight[0].flatten(1).t()[:, :, None, None]  # (9, channels, 1, 1)
    projected = []
    for p, q in PHASES:
        phase = F.relu(F.conv2d(F.pad(x, (1 - q, q, 1 - p, p)), kernels[p, q], decoder.conv3.bias))
        projected.append(F.conv2d(phase, taps))
    bias = cast(Tensor, decoder.conv4.bias)
    y = F.conv2d(torch.cat(projected, 1), gather_taps().to(x), padding=1) + bias
    return F.pixel_shuffle(y, 4)


class FastVAE(VAE):
    """A VAE that computes the same by the faster forms. `background`: of the images, 0..1; None if there is none."""

    def __init__(self, config: VAEConfig, background: float | None = None) -> None:
        super().__init__(config)
        self.background = background

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        if self.background is None:
            return self.encoder(images)
        return self.encoder.head(cropped_features(self.encoder, images, self.background))

    def decode(self, latents: Tensor) -> Tensor:
        return phased_logits(self.decoder, latents)
