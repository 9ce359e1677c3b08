"""Which matte a clip gets: tried in order of how sure they are, judged by the silhouettes that they make.

Owns what each needs of a clip.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np

from training.matte.background import Moments, learn
from training.matte.chroma import find_screen, off_screen
from training.matte.difference import Empty, difference
from training.matte.luma import find_backdrop, is_silhouette
from training.matte.motion import STILL, UNMOVED, Turn, moved
from training.matte.shape import Field, Image, steady, whole

TRIED = 24  # frames of a clip that a matte is chosen by
DANCER = 0.002, 0.5  # of the image: no dancer is smaller or larger
TREMBLE = 0.3  # pixels: frames that lie so near to their passage's first are not laid onto it
MOST_PASSAGES = 40  # of 4 MB each
FEW_STEPS = 15  # of a clip from which no place can be learnt

Cut = Callable[[Image, int, Field | None], Field]  # (frame, its step in the clip, the silhouette before) -> silhouette


@dataclass(frozen=True)
class Matte:
    """How a clip's silhouettes are cut. why: a few words for people. cut: None where frames stay as they are."""

    method: str
    why: str
    cut: Cut | None = None
    tried: list[Field] = field(default_factory=list)  # silhouettes of moments of the clip

    def __str__(self) -> str:
        return f"matte {self.method}: {self.why}"

    def silhouettes(self, frames: Iterable[Image]) -> Iterator[Field]:
        """(h, w) coverage of each of a clip's frames, (h, w, 3) uint8 RGB."""
        if self.cut is None:
            raise ValueError("a clip that stays as it is has no silhouettes")
        return steady(self._cut_out(frames, self.cut))

    @staticmethod
    def _cut_out(frames: Iterable[Image], cut: Cut) -> Iterator[tuple[Field, Image]]:
        before = None
        for index, frame in enumerate(frames):
            before = cut(frame, index, before)
            yield before, cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


class Passages:
    """A clip as the scan saw it: its moments, passage by passage, and how each frame lies on its passage's first.

    Of a passage that has ended only the learnt place stays, of `MOST_PASSAGES` at most: memory is bounded. None is
    learnt where a screen or a backdrop is in sight: before those a camera's motion cannot be told from a dancer's.
    """

    def __init__(self) -> None:
        self.places: list[Empty] = []
        self.starts: list[int] = []
        self.turns: list[Turn] = []
        self.moments = Moments()
        self.filmed: list[tuple[int, Image]] = []  # steps and their frames, spread evenly
        self.keyed = False  # whether a screen or a backdrop was in sight
        self._stride = 1

    def begin(self, step: int) -> None:
        """A passage begins at this step of the clip."""
        if self.starts:
            frames = [frame for _, frame in self.filmed]
            self.keyed = self.keyed or find_screen(frames) is not None or find_backdrop(frames) is not None
            if not self.keyed and len(self.places) < MOST_PASSAGES:
                self.places.append(learn(self.moments))
            self.moments = Moments()
        self.starts.append(step)

    def add(self, frame: Image, turn: Turn) -> None:
        """The next step's frame, (h, w, 3) uint8 RGB, and how it lies on its passage's first."""
        self.turns.append(turn)
        height, width = frame.shape[:2]
        step = len(self.turns) - 1
        if step % self._stride == 0:
            self.filmed.append((step, frame))
            if len(self.filmed) > 2 * TRIED:
                self.filmed, self._stride = self.filmed[::2], 2 * self._stride
        if np.abs(turn - UNMOVED).max() > TREMBLE:
            frame = cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        self.moments.add(frame)

    def all_places(self) -> list[Empty]:
        return [*self.places, learn(self.moments)]

    def passage(self, step: int) -> int:
        return int(np.searchsorted(self.starts, step, "right")) - 1


def choose(seen: Passages, wanted: str, track: bool = False) -> Matte:
    """The matte of a clip; to track a dancer takes one even where they are a silhouette already. Raises ValueError,
    with the reason, where the one that is wanted cannot be made.
    """
    if wanted == "none":
        return Matte("none", "as it is")
    frames = [frame for _, frame in seen.filmed]
    if wanted == "auto" and not track and is_silhouette(frames):
        return Matte("none", "silhouettes already")
    reasons = []
    for method in MAKERS if wanted == "auto" else (wanted,):
        try:
            matte = MAKERS[method](seen, frames)
        except ValueError as reason:
            reasons.append(str(reason))
            continue
        share = float(np.median([silhouette.mean() for silhouette in matte.tried]))
        if DANCER[0] <= share <= DANCER[1]:
            return matte
        reasons.append(f"{method}: what stands out covers {share:.1%} of the image, which is no dancer")
    if wanted == "auto":
        return Matte("none", "as it is: no dancer could be told from the place")
    raise ValueError(f"--matte {wanted}: {reasons[-1]}")


def _chroma(seen: Passages, frames: list[Image]) -> Matte:
    screen = find_screen(frames)
    if screen is None:
        raise ValueError("no screen of one strong colour is in the image")

    def cut(frame: Image, index: int, before: Field | None) -> Field:
        return whole(off_screen(frame, screen))

    tried = [cut(frame, 0, None) for frame in frames]
    return Matte("chroma", f"a screen of {screen.colour} in {screen.share:.0%} of the image", cut, tried)


def _luma(seen: Passages, frames: list[Image]) -> Matte:
    backdrop = find_backdrop(frames)
    if backdrop is None:
        raise ValueError("no even white, grey or black backdrop is in the image")

    def cut(frame: Image, index: int, before: Field | None) -> Field:
        return whole(difference(frame, backdrop, before))

    tried = [cut(frame, 0, None) for frame in frames]
    return Matte("luma", f"an even backdrop of level {np.median(backdrop.image[:, :, 0]):.0f}", cut, tried)


def _background(seen: Passages, frames: list[Image]) -> Matte:
    drift = moved(seen.turns, frames[0].shape[:2])
    if len(seen.starts) > 1 or drift > STILL:
        raise ValueError(f"the camera moves, by {drift:.1%} of the image's width")
    if len(seen.turns) < FEW_STEPS:
        raise ValueError("too short for its place to be learnt")
    place = learn(seen.moments)

    def cut(frame: Image, index: int, before: Field | None) -> Field:
        return whole(difference(frame, place, before), place.covered)

    tried = [cut(frame, 0, None) for frame in frames]
    return Matte("background", "a still camera; the empty place was learnt from the clip", cut, tried)


def _motion(seen: Passages, frames: list[Image]) -> Matte:
    if len(seen.turns) < FEW_STEPS:
        raise ValueError("too short for its place to be learnt")
    if len(seen.places) < len(seen.starts) - 1:
        why = "a screen or a backdrop is in sight" if seen.keyed else f"in more than {MOST_PASSAGES} passages"
        raise ValueError(f"the camera's motion cannot be followed: {why}")
    places = seen.all_places()
    drift = moved(seen.turns, frames[0].shape[:2])

    def cut(frame: Image, index: int, before: Field | None) -> Field:
        place, turn = places[seen.passage(index)], seen.turns[index]
        size = frame.shape[1], frame.shape[0]
        back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        image = cv2.warpAffine(place.image, turn, size, flags=back, borderMode=cv2.BORDER_REPLICATE)
        noise = cv2.warpAffine(place.noise, turn, size, flags=back, borderMode=cv2.BORDER_REPLICATE)
        known = cv2.warpAffine(np.ones_like(place.noise), turn, size, flags=back) > 0.99
        covered = cv2.warpAffine(place.covered.astype(np.uint8), turn, size, flags=back) > 0
        return whole(difference(frame, Empty(image, noise, covered), before) * known, covered)

    tried = [cut(frame, step, None) for step, frame in seen.filmed]
    return Matte(
        "motion", f"a moving camera, by {drift:.0%} of the image's width, in {len(places)} passages", cut, tried
    )


MAKERS = {"chroma": _chroma, "luma": _luma, "background": _background, "motion": _motion}
