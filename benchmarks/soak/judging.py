"""What a soak found, judged: late frames, restarts, growth, health. Reads no clock, no process and no file.

Owns the bounds. Times are seconds since the soak began.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

RATE_HZ = 30.0
# Late frames above the bare timer's: one in so many, and in a short soak one all the same, which proves nothing.
ONE_IN = 10_000
# Once a show has run for SETTLED, its memory is where it stays: it may grow by so little until the end.
SETTLED, MOST_GROWTH = 300.0, 0.01
# Memory is judged where there is as much again to see after that; each end is the middle of what a minute shows.
LONG_ENOUGH, ENDS = 600.0, 60.0
# A show that was just started, or killed, is seen for itself after so long.
STARTING = 5.0
# What a late frame is put down to is the harm that was done at most so long before.
AFTERMATH = 3.0


@dataclass(frozen=True)
class Sample:
    """The show and its supervisor at a moment; memory in bytes, `late` frames and `falls` of this process so far."""

    at: float
    pid: int
    late: int
    falls: int
    still: float
    restarts: int
    memory: int
    shared_out: int
    """Its proportional share of the memory that it has together with others."""
    files: int
    supervisor_memory: int
    supervisor_files: int
    reasons: str = ""
    """Why the show is not well; empty where it is."""
    kinds: Mapping[str, int] = field(default_factory=dict)
    """Its memory by what it is, as of some seconds ago at most."""


@dataclass(frozen=True)
class Harm:
    """What was done to the show, and when it was undone; of a `deadly` one when the next frame was seen, if one was."""

    name: str
    at: float
    undone: float
    deadly: bool = False
    seen: float | None = None


@dataclass(frozen=True)
class Record:
    """All that a soak of `seconds` saw. `timer` are the moments at which the bare timer was late."""

    seconds: float
    samples: Sequence[Sample]
    harms: Sequence[Harm]
    timer: Sequence[float]
    left_out: Sequence[str] = ()
    ended: bool = False
    """Whether the installation was gone at the end."""


Span = tuple[float, float]


def judge(record: Record) -> tuple[dict[str, Any], list[str]]:
    """The figures by name, fit for JSON, and which bounds are broken, a line each."""
    if not record.samples:
        return {}, ["nothing was seen of the show"]
    dark = without_picture(record.harms, record.seconds)
    late, frames, blamed = late_frames(record.samples, dark, record.harms)
    timer = sum(not any(begin <= at < end for begin, end in dark) for at in record.timer)
    deadly = [harm for harm in record.harms if harm.deadly]
    restarts = max(sample.restarts for sample in record.samples)
    life = max(lives(record.samples), key=len)  # a long soak leaves one alone until near its end
    grown, judged = growth(life, lambda sample: sample.memory)
    away = {name: [h.seen - h.at for h in deadly if h.name == name and h.seen] for name in {h.name for h in deadly}}
    figures = {
        "seconds": record.seconds,
        "frames": round(frames),
        "late": late,
        "late_of_a_bare_timer": timer,
        "late_after": dict(blamed),
        "harms": dict(Counter(harm.name for harm in record.harms)),
        "left_out": list(record.left_out),
        "restarts": restarts,
        "restarts_explained": len(deadly),
        "seconds_without_picture": {name: {"each": each, "worst": max(each)} for name, each in away.items() if each},
        "memory": {
            "show": ends(life, lambda sample: sample.memory),
            "growth": grown,
            "growth_is_judged": judged,
            "growth_of_its_share": growth(life, lambda sample: sample.shared_out)[0],
            "more_bytes_of": grown_kinds(life),
            "supervisor": ends(record.samples, lambda sample: sample.supervisor_memory),
            "supervisor_growth": growth(record.samples, lambda sample: sample.supervisor_memory)[0],
        },
        "files": {
            "show": ends(life, lambda sample: sample.files),
            "supervisor": ends(record.samples, lambda sample: sample.supervisor_files),
        },
        "falls": sum(each[-1].falls for each in lives(record.samples)),
        "longest_still": max(sample.still for sample in record.samples),
        "not_well": dict(Counter(reason for s in record.samples for reason in s.reasons.split("; ") if reason)),
    }
    broken = ["the installation ended by itself"] if record.ended else []
    allowed = max(1, int(frames / ONE_IN))
    if late > timer + allowed:
        broken.append(f"{late} late frames of {frames:.0f}; {timer} of the bare timer's, and {allowed}, are allowed")
    if restarts > len(deadly):
        broken.append(f"{restarts} restarts, of which {len(deadly)} are explained by what was done")
    if any(harm.seen is None for harm in deadly):
        broken.append("the show was not seen again after it was killed")
    if judged and grown is not None and grown > MOST_GROWTH:
        broken.append(
            f"memory grew by {grown:.1%} once it had run for {SETTLED / 60:g} min; {MOST_GROWTH:.0%} is allowed"
        )
    return figures, broken


def lives(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples of each process of the show."""
    found: list[list[Sample]] = []
    for sample in samples:
        if not found or found[-1][-1].pid != sample.pid:
            found.append([])
        found[-1].append(sample)
    return found


def without_picture(harms: Sequence[Harm], seconds: float) -> list[Span]:
    """When nothing could be seen, or a show had just begun: frames are not counted then."""
    spans = [(h.at, seconds if h.seen is None else h.seen + STARTING) for h in harms if h.deadly]
    return [(0.0, STARTING), *spans]


def late_frames(
    samples: Sequence[Sample], dark: Sequence[Span], harms: Sequence[Harm]
) -> tuple[int, float, Counter[str]]:
    """Late frames, of how many, and by what they were late: the harm in hand, or that was just undone."""
    late, frames, blamed = 0, 0.0, Counter[str]()
    for before, after in pairwise(samples):
        if before.pid != after.pid or any(begin < after.at and before.at < end for begin, end in dark):
            continue
        frames += (after.at - before.at) * RATE_HZ
        new = after.late - before.late
        late += new
        if new:
            names = [h.name for h in harms if h.at < after.at and before.at < h.undone + AFTERMATH]
            blamed[names[-1] if names else "nothing that was done"] += new
    return late, frames, blamed


def growth(samples: Sequence[Sample], value: Callable[[Sample], int]) -> tuple[float | None, bool]:
    """By what share it grew once the show had settled, and whether that can be judged."""
    early, late, judged = early_and_late(samples, value)
    return (late / early - 1, judged) if early else (None, False)


def grown_kinds(samples: Sequence[Sample]) -> dict[str, int]:
    """By how many bytes each kind of memory grew once the show had settled; less than 0 where it shrank."""
    grown = {}
    for kind in samples[-1].kinds:
        early, late, _ = early_and_late(samples, lambda sample: sample.kinds.get(kind, 0))  # noqa: B023 asked at once
        grown[kind] = round(late - early)
    return grown


def early_and_late(samples: Sequence[Sample], value: Callable[[Sample], int]) -> tuple[float, float, bool]:
    """Its median once the show had settled and at the end, and whether they can be judged: a shorter life is looked at
    from a third of it on, and is not."""
    first, last = samples[0].at, samples[-1].at
    judged = last - first >= LONG_ENOUGH
    begin = first + (SETTLED if judged else (last - first) / 3)
    width = min(ENDS, (last - begin) / 2)
    early = [value(sample) for sample in samples if begin <= sample.at <= begin + width]
    late = [value(sample) for sample in samples if sample.at >= last - width]
    return (statistics.median(early), statistics.median(late), judged) if early else (0.0, 0.0, False)


def ends(samples: Sequence[Sample], value: Callable[[Sample], int]) -> dict[str, int]:
    """The first, the greatest and the last value."""
    values = [value(sample) for sample in samples]
    return {"first": values[0], "most": max(values), "last": values[-1]}
