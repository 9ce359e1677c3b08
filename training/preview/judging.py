"""What is wrong with footage before hours of training are spent on it, and what to do about each.

Looks at what would be learnt: the images of each clip. Owns the limits beyond which a warning is worth its line.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from training.clips import STEPS_A_SECOND, Clip

CHUNK = 256  # images looked at together
CUT_OFF, CUT_OFF_STEPS = 0.02, 0.15  # of a border that the dancer covers; of the steps in which that is so
SMALL = 0.5  # of the image's height, at most, that the dancer has in the middle of all steps
OTHERS, OTHERS_STEPS = 0.25, 0.2  # of the largest piece; of the steps with another piece so large
FLICKERS, FLICKER_STEPS = 0.1, 0.02  # of the dancer's area that comes or goes for one step alone; of the steps
STATIC, STATIC_SECONDS, STATIC_SHARE = 0.0006, 2.0, 0.2  # mean change a step; for how long; of the clip
ABSENT_STEPS = 0.1  # of the steps with nobody in them
LEAST_MINUTES, GOOD_MINUTES = 2.0, 10.0


@dataclass(frozen=True)
class Warning:
    """what: is wrong, with its figure; remedy: what to do. clip: its name, '' of all footage together."""

    clip: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.clip}: {self.what}: {self.remedy}" if self.clip else f"{self.what}: {self.remedy}"


@dataclass
class Figures:
    """Of one clip, a value a step. area: of the image, 0..1, that is dancer; height: theirs by the image's; border: the
    most of one of three borders, not the floor's, that is covered; second: the second piece's area by the first's;
    change: of the image to the next step's, 0..1.
    """

    area: np.ndarray
    height: np.ndarray
    border: np.ndarray
    second: np.ndarray
    change: np.ndarray


def measure(clip: Clip, dark: bool) -> Figures:
    """Of silhouettes, dark on light or light on dark."""
    rows: list[tuple[float, float, float, float]] = []
    change: list[float] = []
    last = None
    for start in range(0, len(clip), CHUNK):
        for image in np.asarray(clip.frames[start : start + CHUNK]):
            body = ((image < 128) if dark else (image > 127)).astype(np.uint8)
            _, _, boxes, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
            areas = np.sort(boxes[1:, cv2.CC_STAT_AREA])[::-1]
            tall = np.flatnonzero(body.any(1))
            height = (tall[-1] - tall[0] + 1) / len(body) if len(tall) else 0.0
            border = max(float(edge.mean()) for edge in (body[0], body[:, 0], body[:, -1]))
            second = areas[1] / areas[0] if len(areas) > 1 else 0.0
            rows.append((float(body.mean()), height, border, second))
            if last is not None:
                change.append(float(cv2.absdiff(image, last).mean()) / 255)
            last = image
    area, height, border, second = np.array(rows).T
    return Figures(area, height, border, second, np.array(change))


def judge(clip: Clip, kind: str) -> list[Warning]:
    """The warnings of one clip; kind: `dark silhouette`, `light silhouette` or `grey`, of which less can be said."""
    found = []

    def warn(what: str, remedy: str) -> None:
        found.append(Warning(clip.name, what, remedy))

    figures = measure(clip, kind != "light silhouette")
    if kind != "grey":
        there = figures.area > 0.002
        absent = 1 - float(there.mean())
        if absent > ABSENT_STEPS:
            warn(f"nobody is there in {absent:.0%} of the steps", "trim these parts, or try another --matte")
        if there.any():
            _judge_silhouette(figures, there, warn)
    still = static_share(figures.change)
    if still > STATIC_SHARE:
        warn(f"nothing moves in {still:.0%} of it", "trim these parts: the dancer would learn to stand")
    return found


def _judge_silhouette(figures: Figures, there: np.ndarray, warn: Callable[[str, str], None]) -> None:
    cut_off = float((figures.border[there] > CUT_OFF).mean())
    if cut_off > CUT_OFF_STEPS:
        warn(
            f"the dancer is cut off at a border in {cut_off:.0%} of the steps",
            "try --fit pad or --track; else film from farther away",
        )
    tall = float(np.median(figures.height[there]))
    if tall < SMALL:
        warn(f"the dancer is small, {tall:.0%} of the image's height", "try --track, or film from nearer")
    others = float((figures.second[there] > OTHERS).mean())
    if others > OTHERS_STEPS:
        warn(
            f"several people, or a body in pieces, in {others:.0%} of the steps",
            "one dancer alone is learnt well: crop the others away, or try another --matte",
        )
    flicker = float((flickers(figures.area) > FLICKERS).mean())
    if flicker > FLICKER_STEPS:
        warn(
            f"the silhouette flickers in {flicker:.0%} of the steps",
            "try another --matte; film with more light and a plainer background",
        )


def flickers(area: np.ndarray) -> np.ndarray:
    """(n - 2,): how much of the dancer comes or goes for one step alone: far from both neighbours, to the same side."""
    if len(area) < 3:
        return np.zeros(1)
    before, now, after = area[:-2], area[1:-1], area[2:]
    off = np.minimum(np.abs(now - before), np.abs(now - after))
    return np.where((now - before) * (now - after) > 0, off, 0) / np.maximum(np.median(area), 1e-6)


def static_share(change: np.ndarray) -> float:
    """The share of a clip in which nothing moved for a while."""
    length = round(STATIC_SECONDS * STEPS_A_SECOND)
    if len(change) < length:
        return 0.0
    still = np.convolve(change, np.ones(length) / length, "valid") < STATIC
    part = np.convolve(still, np.ones(length)) > 0  # every step of each still passage
    return float(part.mean())


def judge_all(clips: Iterable[Clip], cuts: int) -> list[Warning]:
    """The warnings of all footage together. cuts: how many there are inside of takes."""
    clips = list(clips)
    minutes = sum(len(clip) for clip in clips) / STEPS_A_SECOND / 60
    found = []
    if cuts:
        found.append(
            Warning(
                "",
                f"{cuts} cuts inside of the videos",
                "each part is a clip of its own; a dance filmed in one is better",
            )
        )
    short = sum(len(clip) < 5 * STEPS_A_SECOND for clip in clips)
    if short > len(clips) / 2:
        found.append(
            Warning("", f"{short} of {len(clips)} clips are under 5 seconds", "a dance is learnt from longer takes")
        )
    if minutes < LEAST_MINUTES:
        found.append(
            Warning(
                "",
                f"only {minutes:.1f} minutes",
                "too little to learn from: train with --from models/default, and film more",
            )
        )
    elif minutes < GOOD_MINUTES:
        found.append(
            Warning("", f"{minutes:.1f} minutes", "a start; ten are good, and --from models/default helps until then")
        )
    return found
