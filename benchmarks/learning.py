"""Training: our own steps, put together as `dancenet train` does, beside Keras' `train_on_batch` of the article's nets.

At equal batch, on pictures that the bundle's own dancer makes of its bank, so that dancers are as wide as real ones.
`benchmarks.worker` serves one of these classes a process; a round is a few batches.
"""

import time
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bundle import open_bundle

# Of the article's training, for Keras; ours take theirs from training. But for the clipping, which is ours.
RATE, CLIP = 1e-3, 5000.0
DROPOUT = 0.4
# Where everyone's weights begin, so that the losses are the same again on the same machine.
SEED = 0
CHANNELS = (128, 64, 32)
NEARLY_WHITE = 250  # a decoder's background is never quite even, footage's is


class Data:
    """Batches of pictures (batch, height, width) uint8 and of latents (batch, steps + 1, latent_size), one by one."""

    def __init__(self, folder: str, batch: int, steps: int) -> None:
        bundle = open_bundle(folder, "cpu", 1)
        random = np.random.Generator(np.random.PCG64(3))
        bank = bundle.bank
        mean, deviation = bank.mean((0, 1)), bank.std((0, 1))
        self._batch, self._random = batch, random
        pictures = bundle.decode(bank[:, :: max(1, bank.shape[1] // 2)].reshape(-1, bank.shape[2])[:256])
        pictures[pictures > NEARLY_WHITE] = 255
        self._pictures = pictures
        passages = (bank - mean) / deviation
        self._latents = np.tile(passages, (1, -(-(steps + 1) // bank.shape[1]), 1))[:, : steps + 1]
        self.image_size = bundle.metadata.image_size
        self.latent_size, self.components = bundle.metadata.latent_size, bundle.metadata.components

    def pictures(self) -> NDArray[np.uint8]:
        return self._pictures[self._random.integers(len(self._pictures), size=self._batch)]

    def latents(self) -> NDArray[np.float32]:
        return self._latents[self._random.integers(len(self._latents), size=self._batch)]


class Learner(ABC):
    """Someone who learns."""

    @abstractmethod
    def learn(self) -> float:
        """Takes one batch; returns its loss."""

    def batches(self, count: int) -> list[list[float]]:
        """The seconds that each batch took, and its loss."""
        taken = []
        for _ in range(count):
            begun = time.perf_counter()
            loss = self.learn()
            taken.append([time.perf_counter() - begun, loss])
        return taken


class OurVae(Learner):
    """`training.train_vae`'s model, precision and optimiser; the KL has the article's weight, 1."""

    def __init__(self, folder: str, batch: int, steps: int, threads: int) -> None:
        import torch

        from training.muon import Muon
        from training.place import choose_place
        from training.train_vae import VAETraining, new_vae
        from training.vae import VAEConfig

        torch.set_num_threads(threads)
        torch.manual_seed(SEED)
        self._data, self._place, self._how = Data(folder, batch, steps), choose_place("cpu"), VAETraining()
        self._config = VAEConfig(self._data.image_size, self._data.latent_size)
        self._model = new_vae(self._config, 1.0, self._how.fast, self._place, None).train()
        self._optimizer = Muon(self._model.parameters(), self._how.matrix_rate, self._how.rate)

    def learn(self) -> float:
        import torch

        images = torch.from_numpy(self._data.pictures())[:, None].float() / 255
        self._optimizer.zero_grad(set_to_none=True)
        with self._place.precision():
            reconstruction, kl = self._model.losses(images, torch.randn(len(images), self._config.latent_size))
        loss = reconstruction + kl
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._how.clip)
        self._optimizer.step()
        return float(loss.detach())


class OurMdnRnn(Learner):
    """`training.train_mdn_rnn`'s model, precision, loss and optimiser."""

    def __init__(self, folder: str, batch: int, steps: int, threads: int) -> None:
        import torch

        from training.draws import Draws
        from training.mdn_rnn import MDNRNN, MDNRNNConfig
        from training.place import choose_place
        from training.train_mdn_rnn import MDNRNNTraining

        torch.set_num_threads(threads)
        torch.manual_seed(SEED)
        self._data, self._place, self._how = Data(folder, batch, steps), choose_place("cpu"), MDNRNNTraining()
        config = MDNRNNConfig(latent_size=self._data.latent_size, components=self._data.components)
        self._model = MDNRNN(config).train()
        self._optimizer = torch.optim.Adam(self._model.parameters(), self._how.learning_rate, fused=True)
        self._state = self._model.zero_state(batch)
        self._draws, self._step = Draws(0, "mdn_rnn", self._place.device), 0

    def learn(self) -> float:
        import torch

        from training.train_mdn_rnn import passage_loss

        latents = torch.from_numpy(self._data.latents())
        mask = torch.ones(latents.shape[0], latents.shape[1] - 1)
        self._optimizer.zero_grad(set_to_none=True)
        fresh = np.zeros(len(latents), bool)
        self._step += 1
        lanes = [self._draws.of(self._step, lane) for lane in range(len(latents))]
        kept = self._model.draw_kept(latents.shape[1] - 1, lanes)
        given = latents[:, :-1], latents[:, 1:], mask, None, self._state, fresh, self._place, kept
        loss, self._state = passage_loss(self._model, *given)
        loss = loss / mask.sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._how.clip)
        self._optimizer.step()
        return float(loss.detach())


class KerasLearner(Learner):
    """A Keras model that learns to predict `target` from `given`, by `train_on_batch`."""

    def __init__(self, threads: int) -> None:
        from benchmarks.peers.article import set_threads

        set_threads(threads)
        import keras

        keras.utils.set_random_seed(SEED)
        self._model: Any = None

    @abstractmethod
    def batch(self) -> tuple[Any, Any]:
        """What is given, and the target."""

    def learn(self) -> float:
        return float(np.mean(self._model.train_on_batch(*self.batch())))


class KerasVae(KerasLearner):
    """The article's VAE: RMSprop, crossentropy summed over the picture, and the KL as a loss that a layer adds.

    With our clipping of gradients, which the article has not: without it a batch of these pictures throws it off for
    good.
    """

    def __init__(self, folder: str, batch: int, steps: int, threads: int) -> None:
        super().__init__(threads)
        from benchmarks.peers import article

        self._data = Data(folder, batch, steps)
        self._model = article.new_vae(self._data.latent_size, self._data.image_size, CHANNELS)
        self._model.compile(article.keras.optimizers.RMSprop(RATE, global_clipnorm=CLIP), article.summed_crossentropy)

    def batch(self) -> tuple[Any, Any]:
        images = self._data.pictures()[..., None].astype(np.float32) / 255
        return images, images


class KerasMdnRnn(KerasLearner):
    """The article's LSTM-MDN: Adam, the mixture's likelihood as keras-mdn-layer has it; the state is carried."""

    def __init__(self, folder: str, batch: int, steps: int, threads: int) -> None:
        super().__init__(threads)
        from benchmarks.peers import article

        self._data = data = Data(folder, batch, steps)
        sizes = data.latent_size, 3, 512, 1000, data.components
        self._model = article.new_mdn_rnn(*sizes, batch, steps, DROPOUT)
        loss = article.mixture_loss(data.latent_size, data.components)
        self._model.compile(article.keras.optimizers.Adam(RATE), loss)

    def batch(self) -> tuple[Any, Any]:
        latents = self._data.latents()
        return latents[:, :-1], latents[:, 1:]


def tunables() -> dict[str, str]:
    """The allocator's settings that `dancenet train` starts itself anew with."""
    import sys

    from training.__main__ import MALLOC

    return {"GLIBC_TUNABLES": MALLOC} if sys.platform == "linux" else {}
