"""The parts of a run: what each measures, what it puts beside the targets of the issue that asked for speed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.company import COMPANIES, RATE_HZ, late
from benchmarks.peers import PEERS
from benchmarks.results import Part, Target
from benchmarks.rounds import interleave, median, spread
from benchmarks.starting import FIRST_FRAME, IMPORT, seconds_until_done
from benchmarks.worker import NotHere, Worker

MS = 1e3
ROUND_SECONDS = 0.5  # of one competitor's turn: long enough for caches and threads to settle in
WARM_UP = 5  # frames
STEPS = 200  # of a round of steps alone
TRAINING_WARM_UP = 3  # batches
LAST = 50  # batches whose losses are taken
SAME_LOSS = 0.02
HELD_SECONDS = 5.0
HELD = 0.01  # a company is held at 30 frames a second with fewer late frames than this share of them
SET_UP = "`make bench` installs it"


@dataclass(frozen=True)
class Options:
    """What to measure: a bundle's folder, whose exact weights are everyone's, and the precisions that it has."""

    bundle: Path
    precisions: tuple[str, ...] = ("fp32",)
    threads: int = 2
    rounds: int = 15
    seconds: float = 60.0  # of what is paced
    batch: int = 16
    steps: int = 64
    learned: int = 200  # batches

    @property
    def weights(self) -> str:
        return str(self.bundle.resolve())


def ours(precision: str) -> str:
    return f"DanceNet, {precision}"


@contextmanager
def workers(starting: Mapping[str, Callable[[], Worker]], part: Part) -> Iterator[dict[str, Worker]]:
    """Those of the competitors that can be had; the part notes who is left out, and why."""
    with ExitStack() as stack:
        there = {}
        for name, start in starting.items():
            try:
                there[name] = stack.enter_context(start())
            except NotHere as reason:
                part.notes.append(f"{name} is left out: {reason}; {SET_UP}")
        yield there


def left_out(options: Options, part: Part) -> None:
    if "int8" not in options.precisions:
        part.notes.append("int8 is left out: `dancenet export --precision int8` writes such a bundle; --model FOLDER")


def our_workers(options: Options) -> dict[str, Callable[[], Worker]]:
    factory = "benchmarks.peers.ours:new_ours"
    return {
        ours(precision): partial(Worker, factory, options.threads, None, bundle=options.weights, precision=precision)
        for precision in options.precisions
    }


def company_workers(options: Options) -> dict[str, Callable[[], Worker]]:
    """One thread for a session, as in a live show; a company uses a second core beside."""
    return {
        precision: partial(Worker, "benchmarks.company:Company", 1, None, folder=options.weights, precision=precision)
        for precision in options.precisions
    }


def turn(worker: Worker) -> Callable[[], list[list[float]]]:
    """A round of frames that lasts about `ROUND_SECONDS`, after frames that do not count."""
    warm = np.array(worker.call("frames", count=WARM_UP))
    count = max(3, round(ROUND_SECONDS / float(np.median(warm.sum(1)))))
    return lambda: worker.call("frames", count=count)


def frame(options: Options) -> Part:
    """One dancer's frame by everyone, in turns."""
    part = Part("frame", f"step + draw + decode + uint8, {options.threads} threads", ["ms", "step", "decode", "ratio"])
    peers = {
        entry.label: partial(
            Worker, "benchmarks.peers:new_peer", options.threads, None, name=name, bundle=options.weights
        )
        for name, entry in PEERS.items()
    }
    left_out(options, part)
    with workers(peers | our_workers(options), part) as there:
        part.notes.append(compare(there))
        found = interleave({name: turn(worker) for name, worker in there.items()}, options.rounds)
    times = {name: np.array(values) * MS for name, values in found.items()}
    whole = {name: median(values.sum(1)) for name, values in times.items()}
    fastest = min(whole.values())
    for name, values in times.items():
        step, decode = np.median(values, 0).tolist()
        part.rows[name] = {"ms": whole[name], "step": step, "decode": decode, "ratio": whole[name] / fastest}
    wanted = {
        ("fp32", "predict"): (50.0, None),
        ("fp32", "xla"): (8.0, None),
        ("fp32", "plain"): (3.5, None),
        ("int8", "predict"): (120.0, 140.0),
        ("int8", "xla"): (20.0, 22.0),
    }
    for (precision, peer), (least, aim) in wanted.items():
        label = PEERS[peer].label
        if ours(precision) in whole and label in whole:
            ratio = whole[label] / whole[ours(precision)]
            part.targets.append(Target(f"{precision}: times as fast as {label}", ratio, least, aim=aim))
    return part


def compare(there: dict[str, Worker]) -> str:
    """How far everyone's steps and images are from the first of ours, from the same state, latents and noise."""
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for index, (name, worker) in enumerate(there.items()):
            path = Path(folder) / f"{index}.npz"
            worker.call("save", path=str(path))
            with np.load(path) as content:
                made[name] = content["steps"], content["images"].astype(int)
    steps, images = made[ours("fp32")]
    said = [
        f"{name} {np.abs(s - steps).max():.1e} and {np.abs(i - images).max()}"
        for name, (s, i) in made.items()
        if name != ours("fp32")
    ]
    return f"differ from {ours('fp32')} by at most, in latents and in grey levels: {'; '.join(said)}"


def step_turn(worker: Worker) -> Callable[[], list[float]]:
    """A round of steps alone, again and again, as the machine's reading is measured; the first do not count."""

    def steps() -> list[float]:
        worker.call("steps", count=WARM_UP)
        return list(worker.call("steps", count=STEPS))

    return steps


def limits(options: Options) -> Part:
    """Step and decoder beside the least time that one core of this machine could take for them: a live show computes on
    one, and a step always does (`engine.providers.STEP_THREADS`).

    The step is taken again and again, as its weights are read for its limit: after a decode, which has turned them out
    of the caches, both take about twice as long.
    """
    options = replace(options, threads=1)
    part = Part("limits", "least time by what a core does at best, 1 thread", ["of limit", "ms"])
    part.columns += ["limit ms", "M MACs", "MB read"]
    left_out(options, part)
    with workers({"limits": partial(Worker, "benchmarks.limits:Machine", options.threads)}, part) as machines:
        if not machines:
            return part
        from benchmarks.limits import Limits, bundle_work

        work = {precision: bundle_work(options.bundle, precision) for precision in options.precisions}
        sizes = [each["step"].weight_bytes for each in work.values()]
        machine = machines["limits"]
        with workers(our_workers(options), part) as there:
            turns: dict[str, Callable[[], list[Any]]] = {name: turn(worker) for name, worker in there.items()}
            turns |= {f"{name}, steps": step_turn(worker) for name, worker in there.items()}
            turns["multiply"] = lambda: [machine.call("multiplying")]
            turns["read"] = lambda: [machine.call("reading", sizes=sizes)]
            found = interleave(turns, max(3, options.rounds // 3))
    best = {kind: max(each[kind] for each in found["multiply"]) for kind in ("float", "whole")}
    reads = dict(zip(work, np.max(np.array(found["read"]), 0).tolist(), strict=True))
    part.notes.append(f"fp32 {best['float'] / 1e9:.0f} and int8 {best['whole'] / 1e9:.0f} G multiply-adds a second")
    bounds = {"fp32": (2.1, 1.8, 1.4, 1.25), "int8": (None, None, 1.6, 1.45)}
    for precision, each in work.items():
        machine_limits = Limits(reads[precision], best["float"], best["whole"])
        part.notes.append(f"{precision}: reads {reads[precision] / 1e9:.1f} GB/s at {sizes[0] / 1e6:.1f} MB")
        sizes.pop(0)
        step = median(found[f"{ours(precision)}, steps"]) * MS
        decode = float(np.median(np.array(found[ours(precision)])[:, 1])) * MS
        least = machine_limits.reading(each["step"]) * MS, machine_limits.multiplying(each["decode"]) * MS
        for index, (name, taken) in enumerate((("step", step), ("decode", decode))):
            macs = (each[name].macs(whole=False) + each[name].macs(whole=True)) / 1e6
            row = {"of limit": taken / least[index], "ms": taken, "limit ms": least[index], "M MACs": macs}
            part.rows[f"{precision} {name}"] = row | {"MB read": each[name].weight_bytes / 1e6}
            wanted, aim = bounds[precision][2 * index : 2 * index + 2]
            if wanted is not None:
                said = f"{precision} {name}: of its limit"
                part.targets.append(Target(said, taken / least[index], wanted, least=False, aim=aim))
    return part


def companies(options: Options, there: dict[str, Worker]) -> dict[str, list[list[float]]]:
    """Rounds of frames of every company of everyone, in turns; a few frames each, or one where they take long."""
    turns: dict[str, Callable[[], list[list[float]]]] = {}
    for dancers in COMPANIES:
        for name, worker in there.items():
            turns[f"{name}, {dancers}"] = partial(
                worker.call, "frames", dancers=dancers, count=max(2, round(ROUND_SECONDS * 200 / dancers) // 4)
            )
    return interleave(turns, max(3, options.rounds // 3))


def company(options: Options) -> Part:
    """What each dancer of a company costs, and how many dance at 30 frames a second."""
    part = Part("company", "each dancer's step and decode; one thread and a second core", ["ms a dancer"])
    part.columns += ["step", "decode"]
    left_out(options, part)
    with workers(company_workers(options), part) as there:
        for label, values in companies(options, there).items():
            dancers = int(label.rpartition(" ")[2])
            step, decode = (np.median(np.array(values), 0) * MS / dancers).tolist()
            part.rows[label] = {"ms a dancer": step + decode, "step": step, "decode": decode}
        for precision, worker in there.items():
            wanted, aim = {"fp32": (12, None), "int8": (38, 50)}[precision]
            most = most_held(partial(holds, worker, min(HELD_SECONDS, options.seconds)))
            part.targets.append(Target(f"{precision}: dancers held at 30 frames a second", most, wanted, aim=aim))
    return part


def holds(worker: Worker, seconds: float, dancers: int) -> bool:
    """Whether so many dance at 30 frames a second with hardly a late frame."""
    lateness = worker.call("paced", dancers=dancers, seconds=seconds)["lateness"]
    return late(lateness) < HELD * len(lateness)


def most_held(held: Callable[[int], bool], most: int = 64) -> int:
    """The largest company, up to `most`, that is held, given that all smaller ones are too; 0: none is."""
    low, high = 0, most + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if held(middle) else (low, middle)
    return low


def start(options: Options) -> Part:
    """The model's first frame in a fresh process, beside the import that it cannot do without."""
    part = Part("start", "a fresh process until the model's first frame", ["ms", "ratio"])
    left_out(options, part)
    programs = {IMPORT: IMPORT} | {
        ours(precision): FIRST_FRAME.format(folder=options.weights, precision=precision)
        for precision in options.precisions
    }
    turns = {name: lambda program=program: [seconds_until_done(program)] for name, program in programs.items()}
    interleave(turns, 1)  # files come into the system's cache
    found = {name: median(values) * MS for name, values in interleave(turns, options.rounds).items()}
    part.rows = {name: {"ms": value, "ratio": value / found[IMPORT]} for name, value in found.items()}
    target = Target("fp32: first frame, of the import's time", found[ours("fp32")] / found[IMPORT], 2.3, least=False)
    part.targets.append(target)
    return part


def training(options: Options) -> Part:
    """Batches of the same pictures and latents, learned by Keras and by ours in turns; then on, each for itself, until
    both have learned as many as their losses are compared after: the median of the last ones, nats a picture or a step.
    """
    about = f"batches of {options.batch}, passages of {options.steps} steps, {options.threads} threads"
    part = Part("training", about, ["a second", "ms a batch", "loss"])
    timed = TRAINING_WARM_UP + 2 * options.rounds
    part.notes.append(f"losses are the medians of batches up to the {max(timed, options.learned)}th, the last {LAST}")
    wanted = {"Vae": ("VAE", 2.8, 1), "MdnRnn": ("LSTM-MDN", 4.0, options.steps)}
    given = {"folder": options.weights, "batch": options.batch, "steps": options.steps}
    for kind, (name, least, frames) in wanted.items():
        starting = {
            f"{name}, Keras": partial(Worker, f"benchmarks.learning:Keras{kind}", options.threads, None, **given),
            f"{name}, ours": partial(Worker, f"benchmarks.learning:Our{kind}", options.threads, tunables(), **given),
        }
        with workers(starting, part) as there:
            for worker in there.values():
                worker.call("batches", count=TRAINING_WARM_UP)
            turns = {label: partial(worker.call, "batches", count=2) for label, worker in there.items()}
            found = interleave(turns, options.rounds)
            more = max(0, options.learned - timed)
            learned = {label: found[label] + worker.call("batches", count=more) for label, worker in there.items()}
        speed, reached = {}, {}
        for label, values in found.items():
            seconds = float(np.median(np.array(values)[:, 0]))
            speed[label] = options.batch * frames / seconds
            reached[label] = float(np.median(np.array(learned[label])[-LAST:, 1]))
            part.rows[label] = {"a second": speed[label], "ms a batch": seconds * MS, "loss": reached[label]}
        if len(speed) == 2:
            keras, own = speed.values()
            part.targets.append(Target(f"{name}: times as fast as Keras", own / keras, least))
            keras, own = reached.values()
            said = f"{name}: loss above Keras's, share of it"
            part.targets.append(Target(said, (own - keras) / abs(keras), SAME_LOSS, least=False))
    return part


def tunables() -> dict[str, str]:
    """The allocator's settings that `dancenet train` starts itself with; nothing where training is not installed."""
    try:
        from benchmarks.learning import tunables as of_training

        return of_training()
    except ImportError:
        return {}


def live(options: Options) -> Part:
    """One dancer paced at 30 frames a second, alone and in the window, quiet and beside a busy core."""
    from benchmarks.pacing import one_core_busy, timer_beside  # brings OpenGL

    part = Part("live", f"30 frames a second for {options.seconds:g} s, one thread", ["p50", "p99", "max", "late"])
    part.columns += ["timer late", "% of a core", "MB"]
    left_out(options, part)
    with workers(company_workers(options), part) as there:
        for busy in (False, True):
            beside = "a core busy" if busy else "quiet"
            for precision, worker in there.items():
                with one_core_busy(busy), timer_beside(options.seconds) as timer:
                    found = worker.call("paced", dancers=1, seconds=options.seconds)
                    bare = timer.recv()
                taken = {name: value * MS for name, value in spread(found["taken"]).items()}
                part.rows[f"{precision} model, {beside}"] = taken | use(found, bare)
                if not busy:
                    said = f"{precision}: p99 of the model's share, of its median"
                    part.targets.append(Target(said, taken["p99"] / taken["p50"], 1.5, least=False))
                if not busy and precision == "int8":
                    share = found["share"] * 100
                    part.targets.append(Target("int8: % of a core", share, 10.0, least=False))
    for busy in (False, True):
        for precision in options.precisions:
            show = ["--model", options.weights, "--precision", precision]
            with workers({"the window": partial(Worker, "benchmarks.pacing:Paced", 1)}, part) as windows:
                for window in windows.values():
                    try:
                        found = window.call("pace", show=show, seconds=options.seconds, busy=busy)
                    except NotHere as reason:
                        part.notes.append(f"the window is left out: {reason}")
                        return part
                    behind = {name: value * MS for name, value in spread(found["lateness"]).items()}
                    label = f"{precision} show behind, {'a core busy' if busy else 'quiet'}"
                    part.rows[label] = behind | use(found, found["timer"])
    return part


def use(found: dict[str, Any], timer: list[float]) -> dict[str, float]:
    """Late frames beside the timer's, and what the process used."""
    counts = {"late": float(late(found["lateness"])), "timer late": float(sum(each > 0.5 / RATE_HZ for each in timer))}
    return counts | {"% of a core": found["share"] * 100, "MB": found["memory"] / 1e6}


PARTS: dict[str, Callable[[Options], Part]] = {
    "frame": frame,
    "limits": limits,
    "company": company,
    "start": start,
    "training": training,
    "live": live,
}
