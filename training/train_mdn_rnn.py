"""Trains the LSTM-MDN on sequences of latents, by truncated back-propagation with the state carried through each clip.

Owns the order of passages, the noise, and the held-out loss. Unlike the original, which was trained on shuffled single
steps: each lane of a batch dances through one clip after another; at a clip's start its state is zero.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.draws import Draws, numbers
from training.latents import Sequence, Statistics, signal_share
from training.loop import Budget, Stage
from training.mdn_rnn import MDNRNN, MDNRNNConfig, State
from training.mixture import mixture_nll
from training.place import CPU, Place
from training.styles import told


@dataclass(frozen=True)
class MDNRNNTraining:
    """How an LSTM-MDN is trained.

    Inputs are drawn anew from the posterior at every visit, with its noise scaled by a factor drawn per lane from
    0..input_noise: the model learns to dance on from imperfect latents, its own among them. Targets carry
    target_noise of the posterior's noise: sigma then holds the dance's uncertainty and hardly any of the VAE's noise.
    Some passages are not told their style, so that a dancer who is told none dances all of them; and some clips of a
    styled dance begin with the state that the last one left, so that a style which is asked for in mid-dance outweighs
    what was danced before.
    """

    batch: int = 8  # as fast as 16 on two cores, for twice the steps
    steps: int = 64
    learning_rate: float = 1e-3
    clip: float = 5.0
    input_noise: float = 1.0
    target_noise: float = 0.2
    untold: float = 0.2  # share of passages
    unprepared: float = 0.5  # share of clips
    patience: int = 8  # evaluations (one an epoch) without a better held-out loss; 0: train to the end, keep the last
    seed: int = 0


# Of one that has been trained already.
GENTLE = MDNRNNTraining(learning_rate=5e-4)


@dataclass
class Chunk:
    """One batch of passages. rows: per lane (sequence, start, length), length 0 if the lane rests.

    A passage shorter than `steps` is padded, so only the last of a clip may be: its state is not carried on.
    """

    steps: int
    rows: list[tuple[int, int, int]]
    fresh: np.ndarray  # (batch,) bool: the lane's clip starts here, from a zero state

    @property
    def length(self) -> int:
        """Steps that are danced, over all lanes."""
        return sum(length for _, _, length in self.rows)

    def share(self, lanes: slice) -> "Chunk":
        """Some of its lanes."""
        return Chunk(self.steps, self.rows[lanes], self.fresh[lanes])


def epoch_chunks(lengths: list[int], batch: int, steps: int, seed: int, epoch: int) -> list[Chunk]:
    """All passages of one epoch, in the order they are danced.

    Each clip goes to one lane, cut into passages of about `steps`, of another length each epoch so that cuts fall
    elsewhere. A passage of length n takes n inputs and the n targets one step later.
    """
    random = np.random.Generator(np.random.PCG64([seed, epoch, 1]))
    steps = int(random.integers(3 * steps // 4, 5 * steps // 4 + 1))
    lanes: list[list[tuple[int, int, int, bool]]] = [[] for _ in range(batch)]
    for i in random.permutation(len(lengths)):
        lane = min(lanes, key=len)
        start, end = 0, lengths[i] - 1
        while start < end:
            length = min(steps, end - start)
            lane.append((int(i), start, length, start == 0))
            start += length
    chunks = []
    for place in range(max(len(lane) for lane in lanes)):
        row = [lane[place] if place < len(lane) else (0, 0, 0, True) for lane in lanes]
        chunks.append(Chunk(steps, [r[:3] for r in row], np.array([r[3] for r in row])))
    return chunks


def draw(
    sequences: list[Sequence],
    statistics: Statistics,
    chunk: Chunk,
    how: MDNRNNTraining,
    lanes: list[torch.Generator],
    styles: tuple[str, ...] = (),
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Normalised inputs and targets (batch, steps, latent_size) drawn from the posterior, a mask (batch, steps), and
    the styles that each lane is told, (batch, styles).

    `lanes`: what draws for each, on the device that all of it comes to.
    """
    batch, steps, size = len(chunk.rows), chunk.steps, len(statistics.mean)
    mean = np.zeros((batch, steps + 1, size), np.float32)
    deviation = np.zeros_like(mean)
    mask = np.zeros((batch, steps), np.float32)
    labels = np.zeros((batch, len(styles)), np.float32)
    for lane, (i, start, length) in enumerate(chunk.rows):
        if length:
            span = slice(start, start + length + 1)
            mean[lane, : length + 1] = (sequences[i].mean[span] - statistics.mean) / statistics.deviation
            deviation[lane, : length + 1] = np.exp(0.5 * sequences[i].log_variance[span]) / statistics.deviation
            mask[lane, :length] = 1
            labels[lane] = told(sequences[i].style, styles)
    device = lanes[0].device
    means, deviations = torch.from_numpy(mean).to(device), torch.from_numpy(deviation).to(device)
    amount = how.input_noise * torch.stack([torch.rand(1, 1, generator=lane, device=device) for lane in lanes])
    shape = 2, steps, size
    normal = torch.stack([torch.randn(shape, generator=lane, device=device) for lane in lanes], 1)
    inputs = means[:, :-1] + amount * deviations[:, :-1] * normal[0]
    targets = means[:, 1:] + how.target_noise * deviations[:, 1:] * normal[1]
    asked = torch.from_numpy(labels).to(device)
    if styles:
        asked *= torch.stack([torch.rand(1, generator=lane, device=device) for lane in lanes]) >= how.untold
    return inputs, targets, torch.from_numpy(mask).to(device), asked


def passage_loss(
    model: MDNRNN,
    inputs: Tensor,
    targets: Tensor,
    mask: Tensor,
    styles: Tensor | None,
    state: State,
    fresh: np.ndarray,
    place: Place,
    kept: Tensor | None = None,
) -> tuple[Tensor, State]:
    """Summed loss of a batch of passages in nats, and the state after them; `fresh` lanes start from zero.

    `kept`: what dropout leaves; nothing is dropped without it.
    """
    keep = torch.from_numpy(~fresh).to(place.device)[None, :, None]
    with place.precision():
        logits, mu, sigma, state = model(inputs, (state[0] * keep, state[1] * keep), kept, styles)
    loss = (mixture_nll(logits.float(), mu.float(), sigma.float(), targets) * mask).sum()
    return loss, (state[0].detach().float(), state[1].detach().float())


@torch.no_grad()
def held_out_loss(
    model: MDNRNN, sequences: list[Sequence], statistics: Statistics, how: MDNRNNTraining, place: Place
) -> dict[str, float]:
    """Mean loss in nats a step over the held-out sequences, from clean inputs; the targets' noise has a fixed seed."""
    quiet = MDNRNNTraining(how.batch, how.steps, input_noise=0.0, target_noise=how.target_noise, untold=0.0)
    own, draws = place.processes.share(how.batch), Draws(0, "held out", place.device)
    total, count = 0.0, 0
    hidden, cell = (part.to(place.device) for part in model.zero_state(len(numbers(own))))
    state = hidden, cell
    for step, chunk in enumerate(epoch_chunks([len(s) for s in sequences], how.batch, how.steps, 0, 0)):
        chunk = chunk.share(own)
        lanes = [draws.of(step, lane) for lane in numbers(own)]
        drawn = draw(sequences, statistics, chunk, quiet, lanes, model.config.styles)
        loss, state = passage_loss(model, *drawn, state, chunk.fresh, place)
        total += float(loss)
        count += chunk.length
    total, steps = place.processes.totals([total, count])
    return {"held_out_loss": total / max(steps, 1)}


def mdn_rnn_stage(
    training: list[Sequence],
    held_out: list[Sequence],
    statistics: Statistics,
    config: MDNRNNConfig,
    how: MDNRNNTraining,
    budget: Budget,
    place: Place = CPU,
    start: dict | None = None,
) -> Stage[MDNRNN]:
    """The training of the model, which ends with the best held-out weights or the last, by `how.patience`."""
    torch.manual_seed(how.seed)
    model = MDNRNN(config).to(place.device)
    model.gain.copy_(torch.from_numpy(signal_share(training, statistics)))
    if start is not None:
        model.load_state_dict(start)
    optimizer = torch.optim.Adam(model.parameters(), how.learning_rate, fused=True)
    lengths = [len(sequence) for sequence in training]
    epoch_steps = len(epoch_chunks(lengths, how.batch, how.steps, how.seed, 0))
    own, draws = place.processes.share(how.batch), Draws(how.seed, "mdn_rnn", place.device)
    hidden, cell = model.zero_state(len(numbers(own)))
    carry: dict = {"epoch": 0, "place": 0, "hidden": hidden, "cell": cell}
    plan: dict[int, list[Chunk]] = {}  # of the current epoch only

    def train_step(step: int, fraction: float) -> dict[str, Tensor]:
        epoch = carry["epoch"]
        if epoch not in plan:
            plan.clear()
            plan[epoch] = epoch_chunks(lengths, how.batch, how.steps, how.seed, epoch)
        whole = plan[epoch][carry["place"]]
        chunk, lanes = whole.share(own), [draws.of(step, lane) for lane in numbers(own)]
        drawn = draw(training, statistics, chunk, how, lanes, config.styles)
        before = carry["hidden"].to(place.device), carry["cell"].to(place.device)
        kept = model.draw_kept(chunk.steps, lanes)
        fresh = chunk.fresh
        if config.styles:
            fresh = fresh & [
                float(torch.rand(1, generator=lane, device=place.device)) >= how.unprepared for lane in lanes
            ]
        loss, state = passage_loss(model, *drawn, before, fresh, place, kept)
        loss = loss / whole.length
        loss.backward()
        last = carry["place"] + 1 == len(plan[epoch])
        carry.update(epoch=epoch + last, place=0 if last else carry["place"] + 1, hidden=state[0], cell=state[1])
        return {"loss": loss.detach()}

    return Stage(
        name="mdn_rnn",
        model=model,
        optimizer=optimizer,
        train_step=train_step,
        evaluate=lambda: held_out_loss(model, held_out, statistics, how, place),
        budget=budget,
        evaluate_every=epoch_steps,
        clip=how.clip,
        seed=how.seed,
        better="held_out_loss" if how.patience else None,
        patience=how.patience or None,
        place=place,
        carry=carry,
        extra={
            "mdn_rnn": config.to_dict(),
            "latent_mean": torch.from_numpy(statistics.mean),
            "latent_deviation": torch.from_numpy(statistics.deviation),
        },
    )
