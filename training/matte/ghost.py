"""The dancer who never leaves: found in the picture of the empty place, and taken out of it.

Whoever dances on one spot hides the place behind, and is learnt with it. What gives them away: around them it moves,
what they wear is never quite the same, as a wall is, and they have colours of their own (GrabCut: Rother, Kolmogorov
and Blake, 2004).
"""

import cv2
import numpy as np

from training.matte.shape import Field, Image

MOVES, WHEN = (
    16.0,
    0.9,
)  # levels of change, and the quantile of moments, by which a pixel is where the dancer is at times
RESTLESS = 3.5  # times the place's usual noise: what is no wall
CLOSE, GAP = 0.04, 0.01  # of the width: gaps closed between what moves, and between what is restless
MARGIN = 0.012  # of the width: how far around what is restless the dancer may be
SEEDS = 0.12  # of a piece: that much must be surely the dancer
LEAST = 0.002  # of the image
ROUNDS = 4


def find_ghost(image: Field, spread: Field, motion: Image) -> np.ndarray:
    """(h, w) bool: where the picture of the place shows the dancer.

    image: (h, w, 3) float32 YCrCb; spread: (h, w), how much its stillest moments differ, in units of noise; motion:
    (n, h / 2, w / 2) uint8 levels, as `Moments` has it.
    """
    height, width = spread.shape
    size = motion.shape[2], motion.shape[1]
    small = cv2.cvtColor(
        cv2.resize(image, size, interpolation=cv2.INTER_AREA).round().astype(np.uint8), cv2.COLOR_YCrCb2RGB
    )
    restless = cv2.blur(cv2.resize(spread, size, interpolation=cv2.INTER_AREA), (5, 5))
    usual = float(np.median(restless))
    rank = min(int(WHEN * len(motion)), len(motion) - 1)
    moves = np.partition(motion, rank, axis=0)[rank] > MOVES
    around = _enclosed(moves, size[0])
    seeds = around & (restless > RESTLESS * usual)
    found = np.zeros((height, width), bool)
    if seeds.mean() < LEAST / 4 or around.mean() > 0.7:
        return found
    perhaps = _enclosed(seeds, GAP * size[0]) & around
    mask = np.full(size[::-1], cv2.GC_BGD, np.uint8)
    mask[cv2.dilate(perhaps.astype(np.uint8), _disc(MARGIN * size[0])) > 0] = cv2.GC_PR_BGD
    mask[perhaps] = cv2.GC_PR_FGD
    mask[seeds & (cv2.erode(perhaps.astype(np.uint8), _disc(1)) > 0)] = cv2.GC_FGD
    if not (mask == cv2.GC_BGD).any() or not (mask == cv2.GC_FGD).any():
        return found
    cv2.setRNGSeed(0)  # GrabCut's colours begin at random: the same film gives the same silhouettes
    cv2.grabCut(small, mask, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    body = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    body = cv2.morphologyEx(body, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(body, connectivity=8)
    seeded = np.bincount(labels[seeds], minlength=count) / np.maximum(boxes[:, cv2.CC_STAT_AREA], 1)
    kept = (seeded > SEEDS) & (boxes[:, cv2.CC_STAT_AREA] > LEAST * labels.size)
    kept[0] = False
    whole = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR) > 0


def painted_over(image: Field, ghost: np.ndarray) -> Field:
    """The place with the ghost's pixels guessed from those around it."""
    size = image.shape[1] // 4, image.shape[0] // 4
    hole = (cv2.resize(ghost.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    small = cv2.resize(image.round().astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    guessed = cv2.inpaint(small, cv2.dilate(hole, np.ones((3, 3), np.uint8)), 6, cv2.INPAINT_TELEA)
    return np.where(ghost[:, :, None], cv2.resize(guessed, image.shape[1::-1]).astype(np.float32), image)


def _enclosed(moves: np.ndarray, width: int) -> np.ndarray:
    """What moves, its gaps closed and its inside filled."""
    closed = cv2.morphologyEx(moves.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    closed = cv2.copyMakeBorder(closed, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    closed = cv2.morphologyEx(closed, cv2.MORPH_CLOSE, _disc(CLOSE * width))
    cv2.floodFill(closed, None, (0, 0), 2)
    return closed[1:-1, 1:-1] != 2


def _disc(radius: float) -> Image:
    across = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)).astype(np.uint8)
