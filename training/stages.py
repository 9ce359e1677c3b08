"""The stages of a run, and what each is given: footage -> VAE -> latents -> LSTM-MDN -> decoder -> dancer.

Three kinds of run go through them: a new dancer; one that begins with another's weights (`--from`); and one that is
refined (`--refine`), whose latents stay where they are, so that it dances as before and is only shown better.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from training import train_decoder, train_mdn_rnn, train_vae
from training.clips import Clip, even_background
from training.dancer import TrainedDancer, assemble
from training.latents import Part, Sequence, Statistics, encode, open_sequences, statistics
from training.loop import Budget, Model, Stage, fit
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.place import Place
from training.rollouts import dance_all, rollouts
from training.start import Start
from training.vae import VAE, VAEConfig

# Shares of --minutes. A refined dancer's LSTM-MDN is left as it is.
VAE_SHARE, MDN_RNN_SHARE, DECODER_SHARE = 0.4, 0.3, 0.3
REFINED_VAE_SHARE, REFINED_DECODER_SHARE = 0.7, 0.3
BATCH = 8  # images or lanes a process: few keep the working set near the caches, and give more steps for the same time
SHARPENED = 256  # images by which silhouettes are made as sharp as the footage's


@dataclass
class Latents:
    """Of the training clips and of the held-out ones, each followed by its mirror image's; `normal`: how to scale."""

    training: list[Sequence]
    held_out: list[Sequence]
    normal: Statistics


@dataclass
class Stages:
    """A run with these `options`, at this `place`, on these clips; checkpoints go to the folder `runs`."""

    options: argparse.Namespace
    place: Place
    start: Start | None
    training: list[Clip]
    held_out: list[Clip]
    runs: Path
    progress: Callable[[list, str], Iterator[Any]]
    batch: int  # images, or lanes, of a step, over all processes
    spare: float = 0.0  # seconds of --minutes that the LSTM-MDN left: the decoder's

    def __post_init__(self) -> None:
        self.background = even_background(self.training)
        self.refines = self.options.refine is not None

    def budgets(self) -> dict[str, tuple[Budget, int]]:
        """Of each stage that trains, by name; and how many images one of its steps goes through."""
        options, how, batch = self.options, self.mdn_rnn_how(), self.decoder_how().batch
        vae, decoder = (REFINED_VAE_SHARE, REFINED_DECODER_SHARE) if self.refines else (VAE_SHARE, DECODER_SHARE)
        passage = how.batch * how.steps
        # Each image is danced twice an epoch, as it is and mirrored.
        found = {
            "vae": (self.budget(options.vae_epochs, self.batch, vae), self.batch),
            "mdn_rnn": (self.budget(2 * options.mdn_rnn_epochs, passage, MDN_RNN_SHARE), passage),
            "decoder": (self.budget(options.decoder_epochs, batch, decoder, self.spare), batch),
        }
        if self.refines:
            del found["mdn_rnn"]
        return found

    def budget(self, epochs: float, batch: int, share: float, spare: float = 0.0) -> Budget:
        """So many epochs, or this share of the minutes that were asked for and `spare` seconds more."""
        frames = sum(len(clip) for clip in self.training)
        seconds = self.seconds(share)
        steps = max(round(epochs * frames / batch), 1)
        return Budget(steps, seconds and seconds + spare, self.options.checkpoint_seconds)

    def seconds(self, share: float) -> float | None:
        """This share of --minutes, if they were given."""
        return self.options.minutes and self.options.minutes * 60 * share

    def kept(self) -> VAE | None:
        """The VAE that a refined dancer keeps to."""
        return self.start.shown(self.background, self.place) if self.start and self.refines else None

    def trained(self, stage: Stage[Model]) -> tuple[Model, dict]:
        """The stage's model, trained, and its checkpoint."""
        checkpoint = fit(stage, self.runs / f"{stage.name}.pt", self.options.resume)
        return stage.model, checkpoint

    def vae_stage(self, config: VAEConfig) -> Stage[VAE]:
        """The VAE's training."""
        options, start = self.options, self.start
        how = train_vae.GENTLE if start else train_vae.VAETraining()
        how = replace(how, kl_weight=options.kl_weight, seed=options.seed, batch=self.batch)
        return train_vae.vae_stage(
            self.training,
            self.held_out,
            config,
            self.background,
            how,
            self.budgets()["vae"][0],
            self.place,
            start.vae_weights if start else None,
            self.kept(),
        )

    def latents(self, vae: VAE) -> Latents:
        """The latents of all clips, from the run that is resumed where it has them."""
        path, clips = self.runs / "latents.npy", [*self.training, *self.held_out]
        if self.place.processes.of_first(path.exists):  # of this run, which is resumed
            both = open_sequences(path, clips)
        else:

            def progress(parts: list[Part]) -> Iterator[Part]:
                return self.progress(parts, "latents")

            both = encode(vae, clips, path, progress, self.place)
        training, held_out = both[: 2 * len(self.training)], both[2 * len(self.training) :]
        return Latents(training, held_out, self.start.statistics if self.start else statistics(training))

    def mdn_rnn_how(self) -> train_mdn_rnn.MDNRNNTraining:
        options = self.options
        return replace(
            train_mdn_rnn.GENTLE if self.start else train_mdn_rnn.MDNRNNTraining(),
            batch=self.batch,
            steps=options.steps,
            input_noise=options.input_noise,
            target_noise=options.target_noise,
            patience=options.patience,
            seed=options.seed,
        )

    def mdn_rnn(self, config: MDNRNNConfig, latents: Latents) -> tuple[MDNRNN, list[dict]]:
        """The LSTM-MDN, and the history of its training; a refined dancer's is the one it had."""
        start = self.start
        if start and self.refines:
            how = self.mdn_rnn_how()
            model = MDNRNN(config).to(self.place.device)
            model.load_state_dict(start.mdn_rnn_weights)
            figures = train_mdn_rnn.held_out_loss(model.eval(), latents.held_out, latents.normal, how, self.place)
            return model.cpu(), [figures]
        model, run = self.trained(self.mdn_rnn_stage(config, latents))
        self.spare = max((self.seconds(MDN_RNN_SHARE) or 0.0) - run["seconds"], 0.0)
        return model.cpu(), run["history"]

    def mdn_rnn_stage(self, config: MDNRNNConfig, latents: Latents) -> Stage[MDNRNN]:
        """The LSTM-MDN's training."""
        how, start = self.mdn_rnn_how(), self.start
        return train_mdn_rnn.mdn_rnn_stage(
            latents.training,
            latents.held_out,
            latents.normal,
            config,
            how,
            self.budgets()["mdn_rnn"][0],
            self.place,
            start.mdn_rnn_weights if start else None,
        )

    def strayed(self, mdn_rnn: MDNRNN, latents: Latents) -> list[np.ndarray]:
        """Where the dancer believes each image to be, by sequences of the training clips."""
        options, path, processes = self.options, self.runs / "strayed.npy", self.place.processes
        return dance_all(mdn_rnn, latents.training, latents.normal, options.temperature, options.seed, path, processes)

    def dances(self, mdn_rnn: MDNRNN, latents: Latents) -> np.ndarray | None:
        """Latents of dances whose pictures a refined dancer keeps to."""
        if not self.refines:
            return None
        given = mdn_rnn, latents.training, latents.normal, self.options.temperature, self.options.seed
        found: np.ndarray = self.place.processes.of_first(lambda: rollouts(*given))
        return found

    def decoder_how(self) -> train_decoder.DecoderTraining:
        how = train_decoder.GENTLE if self.refines else train_decoder.DecoderTraining()
        # A refined one takes fewer of the footage's images, as it keeps to as many pictures; each process takes one.
        batch = max(how.batch * self.batch // BATCH, self.place.processes.count)
        return replace(how, seed=self.options.seed, batch=batch)

    def decoder_stage(
        self, vae: VAE, latents: Latents, strayed: list[np.ndarray], dances: np.ndarray | None
    ) -> Stage[VAE]:
        """The training of the VAE's decoder on; `dances`: as the method of that name gives them."""
        shown, how = self.kept(), self.decoder_how()
        kept = None if shown is None or dances is None else train_decoder.Kept(shown, dances)
        return train_decoder.decoder_stage(
            self.training,
            self.held_out,
            latents.training,
            strayed,
            vae.config,
            self.background,
            how,
            self.budgets()["decoder"][0],
            vae.state_dict(),
            self.place,
            kept,
        )

    def dancer(
        self, vae: VAE, mdn_rnn: MDNRNN, latents: Latents, strayed: list[np.ndarray], clips: list[Clip], quality: dict
    ) -> TrainedDancer:
        """All of it put together; `clips`: the whole footage, which the dancer's health is measured by."""
        options, start = self.options, self.start
        data, licence = options.data or ", ".join(clip.name for clip in clips), options.licence
        if start and not self.refines:  # what those weights hold is in these as well
            data += f". It began with the weights of {start.name}: {start.data}"
            licence += f". Of the weights that it began with: {start.licence}"
        rows = train_vae.held_out_rows(self.training, SHARPENED)
        believed = (
            np.stack([self.training[clip].frames[frame] for clip, frame in rows]),
            np.stack([strayed[2 * clip][frame] for clip, frame in rows]),
        )
        return assemble(
            vae,
            mdn_rnn,
            latents.normal,
            clips,
            latents.training,
            believed,
            name=options.name or options.out.resolve().name,
            data=data,
            licence=licence,
            defaults={
                "temperature": options.temperature,
                "pi_temperature": options.pi_temperature,
                "sigma_temperature": options.sigma_temperature,
            },
            quality=quality,
        )
