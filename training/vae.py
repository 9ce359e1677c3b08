"""The VAE of the 2018 article: pictures of dance <-> latents. Owns the model, its loss and its sizes.

`VAE` is the plain form and the reference. `vae_fast` holds exact rewrites of its two halves, which tests compare
with this one; both use the same parameters.
"""

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STANDARD_NORMAL = torch.zeros(()), torch.zeros(())  # mean and log-variance
POOLINGS = 3  # the encoder halves the image three times, the decoder doubles it three times


@dataclass(frozen=True)
class VAEConfig:
    """Sizes of a VAE. The defaults are the article's.

    image_size: width, height in pixels, multiples of 8. channels: of the encoder's convolutions, outermost first; the
    decoder mirrors them.
    """

    image_size: tuple[int, int] = (208, 120)
    latent_size: int = 128
    channels: tuple[int, int, int] = (128, 64, 32)

    def __post_init__(self) -> None:
        step = 2**POOLINGS
        if any(side < step or side % step for side in self.image_size):
            raise ValueError(f"image size {self.image_size}: both sides must be multiples of {step}, {step} or more")
        if min(*self.channels, self.latent_size) < 1:
            raise ValueError(f"channels {self.channels}, latent size {self.latent_size}: all must be 1 or more")

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the innermost map."""
        return self.image_size[1] // 2**POOLINGS, self.image_size[0] // 2**POOLINGS

    @property
    def grid_size(self) -> int:
        """Numbers in the innermost map."""
        return self.channels[2] * self.grid[0] * self.grid[1]

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "VAEConfig":
        return cls(tuple(values["image_size"]), values["latent_size"], tuple(values["channels"]))


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class Encoder(nn.Module):
    """Images (n, 1, height, width) in 0..1 -> mean and log-variance of the posterior, each (n, latent_size)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.channels
        self.conv1, self.conv2, self.conv3 = conv3x3(1, first), conv3x3(first, second), conv3x3(second, third)
        # The article's Dense of 128 follows the latent's size here, as it does there.
        self.dense = nn.Linear(config.grid_size, config.latent_size)
        self.mean = nn.Linear(config.latent_size, config.latent_size)
        self.log_variance = nn.Linear(config.latent_size, config.latent_size)

    def features(self, images: Tensor) -> Tensor:
        """(n, 1, h, w) -> (n, channels[2], h / 8, w / 8), h and w multiples of 8."""
        for conv in (self.conv1, self.conv2, self.conv3):
            images = F.max_pool2d(F.relu(conv(images)), 2)
        return images

    def head(self, features: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.dense(features.flatten(1))
        return self.mean(hidden), self.log_variance(hidden)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(self.features(images))


class Decoder(nn.Module):
    """Latents (n, latent_size) -> logits of the images' pixels (n, 1, height, width)."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        first, second, third = config.channels
        self.dense = nn.Linear(config.latent_size, config.grid_size)
        self.dense_channels = nn.Conv2d(third, first, 1)  # Keras' Dense over the last axis
        self.conv1, self.conv2, self.conv3 = conv3x3(first, third), conv3x3(third, second), conv3x3(second, first)
        self.conv4 = conv3x3(first, 1)

    def grid(self, latents: Tensor) -> Tensor:
        """The innermost map, (n, channels[2], rows, columns)."""
        return F.relu(self.dense(latents)).view(-1, self.config.channels[2], *self.config.grid)

    def forward(self, latents: Tensor) -> Tensor:
        x = self.dense_channels(self.grid(latents))
        for conv in (self.conv1, self.conv2, self.conv3):
            x = F.interpolate(F.relu(conv(x)), scale_factor=2.0, mode="nearest")
        return self.conv4(x)


class VAE(nn.Module):
    """Encoder and decoder, and what a training step needs of them."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        return self.encoder(images)

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents)

    def losses(
        self, images: Tensor, noise: Tensor, prior: tuple[Tensor, Tensor] = STANDARD_NORMAL
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction and KL of images (n, 1, h, w), batch means in nats; noise (n, latent_size) is normal.

        `prior`: mean and log-variance that each image's posterior is held to, (n, latent_size) both.
        """
        mean, log_variance = (t.float() for t in self.encode(images))
        logits = self.decode(mean + torch.exp(0.5 * log_variance) * noise).float()
        return reconstruction_loss(logits, images), kl_divergence(mean, log_variance, prior).mean()


def reconstruction_loss(logits: Tensor, images: Tensor) -> Tensor:
    """Binary cross-entropy summed over an image's pixels, mean over images (nats)."""
    return F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)


def kl_divergence(mean: Tensor, log_variance: Tensor, prior: tuple[Tensor, Tensor] = STANDARD_NORMAL) -> Tensor:
    """KL(N(mean, variance) || prior) of each row, (n,) in nats. `prior`: mean and log-variance. All are diagonal.

    Kingma & Welling 2013, appendix B, where the prior is the standard normal.
    """
    prior_mean, prior_log_variance = prior
    difference = log_variance - prior_log_variance
    distance = (mean - prior_mean) ** 2 * (-prior_log_variance).exp()
    return -0.5 * (1 + difference - distance - difference.exp()).sum(-1)


def soft_iou(reconstructed: Tensor, original: Tensor) -> Tensor:
    """Intersection over union of the dancers' coverage in 0..1 (n, 1, h, w), cut at one half; (n,)."""
    a, b = reconstructed.flatten(1) > 0.5, original.flatten(1) > 0.5
    union = (a | b).sum(1)
    return torch.where(union > 0, (a & b).sum(1) / union.clamp(min=1), 1.0)
