"""Who competes: one frame of the same dancer, computed by everything that people compute such a dancer with.

A frame is a step of the LSTM-MDN, a draw from its mixture, a decode and the image as uint8. Owns their list and what
they have in common; each is built in a process of its own, by `benchmarks.worker`, from the same weights.
"""

import importlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.weights import read_weights

Latents = NDArray[np.float32]
Images = NDArray[np.uint8]


class Peer(Protocol):
    """One dancer. It carries its state from step to step, from zero at first; temperatures are 1."""

    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        """latent and normal (1, latent_size) -> the next latent, drawn with these numbers."""

    def decode(self, latents: Latents) -> Images:
        """(1, latent_size) -> (1, height, width)."""

    def versions(self) -> dict[str, str]:
        """What it runs on: package -> version."""


@dataclass(frozen=True)
class Entry:
    """A peer on the list: where its class is, and what it needs beside the show's own packages."""

    label: str
    module: str
    kind: str
    needs: str


NEEDS_KERAS, NEEDS_TORCH = "keras and tensorflow-cpu", "torch and onnx"
PEERS = {
    "predict": Entry("Keras, predict a frame", "article", "Predict", NEEDS_KERAS),
    "xla": Entry("Keras, tf.function + XLA", "article", "Xla", NEEDS_KERAS),
    "eager": Entry("PyTorch, eager", "pytorch", "Eager", NEEDS_TORCH),
    "compiled": Entry("PyTorch, torch.compile", "pytorch", "Compiled", NEEDS_TORCH),
    "plain": Entry("ONNX, plain export", "plain", "Plain", NEEDS_TORCH),
}


class Frames:
    """What the worker's process serves for a peer; `bundle` is the folder of the one whose weights all share."""

    def __init__(self, peer: Peer, bundle: str) -> None:
        self._peer = peer
        self._random = np.random.Generator(np.random.PCG64(7))
        self._latents = read_weights(Path(bundle)).latents
        self._latent = self._latents[:1]
        self.frames(1)  # what is compiled is compiled here, and what cannot be fails here

    def versions(self) -> dict[str, str]:
        return self._peer.versions()

    def frames(self, count: int) -> list[list[float]]:
        """Dances on; the seconds that each frame's step and decode took."""
        taken = []
        for _ in range(count):
            uniform, normal = self._random.random(), self._random.standard_normal(self._latent.shape, np.float32)
            begun = time.perf_counter()
            self._latent = self._peer.step(self._latent, uniform, normal)
            stepped = time.perf_counter()
            self._peer.decode(self._latent)
            taken.append([stepped - begun, time.perf_counter() - stepped])
        return taken

    def steps(self, count: int) -> list[float]:
        """Dances on without images, whose decodes turn weights out of the caches; the seconds that each step took."""
        taken = []
        for _ in range(count):
            uniform, normal = self._random.random(), self._random.standard_normal(self._latent.shape, np.float32)
            begun = time.perf_counter()
            self._latent = self._peer.step(self._latent, uniform, normal)
            taken.append(time.perf_counter() - begun)
        return taken

    def save(self, path: str) -> None:
        """Writes what the peer makes of given latents and noise, from where its state is now: an .npz to compare."""
        random = np.random.Generator(np.random.PCG64(11))
        steps = []
        for latent in self._latents:
            normal = random.standard_normal((1, len(latent)), np.float32)
            steps.append(self._peer.step(latent[None], random.random(), normal))
        images = np.concatenate([self._peer.decode(latent[None]) for latent in self._latents])
        np.savez(path, steps=np.concatenate(steps), images=images)


def new_peer(name: str, bundle: str, threads: int) -> Frames:
    """Builds a peer of the list; ImportError where it is not installed."""
    entry = PEERS[name]
    kind: Any = getattr(importlib.import_module(f"benchmarks.peers.{entry.module}"), entry.kind)
    return Frames(kind(read_weights(Path(bundle)), threads), bundle)


def draw(logits: Latents, mu: Latents, sigma: Latents, uniform: float, normal: Latents) -> Latents:
    """Draws from the mixture as `step.onnx` does, in numpy: logits (components), mu and sigma (components, size)."""
    weights = np.exp(logits - logits.max())
    cumulative = np.cumsum(weights / weights.sum())
    component = min(int((cumulative <= uniform).sum()), len(logits) - 1)
    drawn: Latents = mu[component] + sigma[component] * normal
    return drawn


def spread(raw: Latents) -> Latents:
    """What the head says of sigma -> sigma: elu + 1 + 1e-8, as keras-mdn-layer has it."""
    return np.exp(np.minimum(raw, 0)) + np.maximum(raw, 0) + np.float32(1e-8)
