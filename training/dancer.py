"""A trained dancer in one file, `dancer.pt`: both models, the latents' statistics, the bank, and what to say of it.

Owns that file's entries; `dancenet export` needs nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from training.bank import choose_passages
from training.clips import STEPS_A_SECOND, Clip, image_kind, sample
from training.latents import Sequence, Statistics
from training.loop import load_checkpoint, save_checkpoint
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.motion import blur
from training.vae import VAE, VAEConfig

MOST_SHARPENING = 4.0  # beyond it, noise in unsure pixels shows as specks
# A dance of minutes strays further than one step: with this, blur was 1.4 times the footage's instead of 1.7, and edges
# look no rougher ten metres wide.
STRAYED_FURTHER = 1.25
AREA_MARGIN = 0.5  # a dance may be this much smaller or larger than the footage before it counts as lost
SLOWEST = 0.01  # share of the footage's seconds that are at rest


@dataclass
class TrainedDancer:
    """All that a bundle is made of. health: as in docs/bundle.md. defaults: dance parameters to start from."""

    vae: VAE
    mdn_rnn: MDNRNN
    statistics: Statistics
    bank: np.ndarray  # (passages, steps, latent_size) float16
    image_kind: str
    health: dict
    name: str
    data: str
    licence: str
    defaults: dict[str, float] = field(default_factory=dict)
    quality: dict[str, float] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        content = {
            "vae": self.vae.config.to_dict(),
            "vae_weights": dict(self.vae.state_dict()),
            "mdn_rnn": self.mdn_rnn.config.to_dict(),
            "mdn_rnn_weights": dict(self.mdn_rnn.state_dict()),
            "latent_mean": torch.from_numpy(self.statistics.mean),
            "latent_deviation": torch.from_numpy(self.statistics.deviation),
            "bank": torch.from_numpy(self.bank),
        }
        words = ("image_kind", "health", "name", "data", "licence", "defaults", "quality")
        save_checkpoint(path, content | {word: getattr(self, word) for word in words})

    @classmethod
    def load(cls, path: Path) -> "TrainedDancer":
        """Read the file. Raises ValueError with one line if it is missing, damaged or not a dancer."""
        content = load_checkpoint(path)
        try:
            vae = VAE(VAEConfig.from_dict(content.pop("vae")))
            vae.load_state_dict(content.pop("vae_weights"))
            mdn_rnn = MDNRNN(MDNRNNConfig(**content.pop("mdn_rnn")))
            mdn_rnn.load_state_dict(content.pop("mdn_rnn_weights"))
            statistics = Statistics(content.pop("latent_mean").numpy(), content.pop("latent_deviation").numpy())
            bank = content.pop("bank").numpy()
            return cls(vae.eval(), mdn_rnn.eval(), statistics, bank, **content)
        except (KeyError, TypeError, AttributeError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path}: not a trained dancer ({reason}); `dancenet train` writes dancer.pt") from None


def footage_health(clips: list[Clip], kind: str) -> dict:
    """What the footage does, by docs/bundle.md: least and greatest coverage with a margin, and the slowest motion."""
    coverage = sample(clips, 2000).mean((1, 2)) / 255
    coverage = 1 - coverage if kind == "dark silhouette" else coverage
    area = float(coverage.min()) * (1 - AREA_MARGIN), min(float(coverage.max()) * (1 + AREA_MARGIN), 1.0)
    seconds = []
    for clip in clips:
        motion = [np.abs(np.diff(part.astype(np.int16), axis=0)).mean((1, 2)) / 255 for part in overlapping(clip)]
        whole = np.concatenate(motion) if motion else np.zeros(0)
        count = len(whole) // STEPS_A_SECOND
        seconds.append(whole[: count * STEPS_A_SECOND].reshape(count, STEPS_A_SECOND).mean(1))
    return {"area": list(area), "slow_motion": float(np.quantile(np.concatenate(seconds), SLOWEST))}


def overlapping(clip: Clip, length: int = 512) -> Iterator[np.ndarray]:
    """The clip's images in parts that share one image with the next, so that memory stays bounded."""
    for start in range(0, len(clip) - 1, length):
        yield np.asarray(clip.frames[start : start + length + 1])


@torch.no_grad()
def sharpen(vae: VAE, images: np.ndarray, latents: np.ndarray, kind: str) -> float:
    """Scale the logits of the decoder's pixels, in place, until silhouettes are as sharp as the footage's, and by
    STRAYED_FURTHER more; the factor.

    `images` (n, height, width) uint8 are the footage's, `latents` (n, latent_size) where the dancer believes them to
    be: the show is of its latents. A pixel trained by cross-entropy says how sure it is, so unsure outlines come out
    soft. The factor moves no outline (a pixel above one half stays there). Grey images are left as they are.
    """
    if kind == "grey":
        return 1.0
    logits = torch.cat([vae.decode(part) for part in torch.from_numpy(latents).split(32)])[:, 0]
    wanted = blur(images, kind)
    low, high = 1.0, MOST_SHARPENING
    for _ in range(12):
        middle = (low * high) ** 0.5
        softer = blur(torch.sigmoid(middle * logits).mul(255).round().byte().numpy(), kind) > wanted
        low, high = (middle, high) if softer else (low, middle)
    factor = low * STRAYED_FURTHER
    vae.decoder.conv4.weight *= factor
    if vae.decoder.conv4.bias is not None:
        vae.decoder.conv4.bias *= factor
    return factor


def assemble(
    vae: VAE,
    mdn_rnn: MDNRNN,
    statistics: Statistics,
    clips: list[Clip],
    sequences: list[Sequence],
    believed: tuple[np.ndarray, np.ndarray],
    name: str,
    data: str,
    licence: str,
    defaults: dict[str, float],
    quality: dict[str, float],
) -> TrainedDancer:
    """Put a dancer together from its trained models and the footage they were trained on.

    `believed`: images of it, and latents, as `sharpen` takes them.
    """
    kind = image_kind(clips)
    plain = VAE(vae.config)
    plain.load_state_dict(vae.state_dict())
    health = footage_health(clips, kind)
    quality = quality | {"sharpening": sharpen(plain, *believed, kind)}
    bank = choose_passages(sequences, statistics)
    mdn_rnn.cpu().eval()
    return TrainedDancer(plain.eval(), mdn_rnn, statistics, bank, kind, health, name, data, licence, defaults, quality)
