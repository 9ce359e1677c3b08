"""A captured skeleton as a soft, dark silhouette on white: tapered limbs that flow into each other, a head, a torso.

Owns the figure's proportions, the camera and its views. The body is a signed distance field, whose edge is as soft as
that of real footage made small.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from training.bvh import Capture, Joint, positions
from training.clips import STEPS_A_SECOND

TALL, FLOOR = 0.88, 0.955  # of the image's height: the standing dancer, and where the floor is, as in 208x120 footage
SOFT = 1.6  # pixels from dancer to background
FLOW = 0.018  # of the dancer's height: how far limbs flow into each other
FOLLOW = 0.5  # seconds over which the camera follows
LEARNT = 3000  # steps, at most, that floor and height are learnt from

# What a joint's name says it is, tried in this order, and the body's radius there, as a share of the dancer's height.
# Names differ: `LeftUpLeg`, `LeftHip`, `lThigh` and `L_Thigh` all begin a thigh.
FINGERS = re.compile(r"thumb|index|middle|ring|pinky|finger|eye|jaw|hair|prop|nub")
RADII = [
    (re.compile(r"toe"), 0.014), (re.compile(r"foot|ankle"), 0.022), (re.compile(r"head"), 0.057),
    (re.compile(r"neck"), 0.024), (re.compile(r"fore|elbow|lowarm|lowerarm"), 0.025),
    (re.compile(r"hand|wrist"), 0.017),
    (re.compile(r"clav|collar"), 0.04), (re.compile(r"hipjoint"), 0.06),
    (re.compile(r"upleg|thigh|upperleg|(left|right|^l|^r|_l|_r) ?_?hip"), 0.05),
    (re.compile(r"shin|calf|knee|leg"), 0.036), (re.compile(r"chest|thorax|spine[2-9]|upperback"), 0.072),
    (re.compile(r"spine|abdomen|back|waist|torso"), 0.062), (re.compile(r"hips|pelvis|root"), 0.07),
    (re.compile(r"arm|shoulder|shldr"), 0.034),
]  # fmt: skip
OTHER = 0.03
ARM = re.compile(r"(?<!fore)arm|shldr|shoulder")
THIGH = RADII[8][0]
# `LeftArm`, `arm_left`, `L_Arm`, `Bip01 L UpperArm`, `lShldr`
SIDES = {
    "left": re.compile(r"(?i:left)|(^|[_ .])[lL]([_ .]|$)|^l[A-Z]"),
    "right": re.compile(r"(?i:right)|(^|[_ .])[rR]([_ .]|$)|^r[A-Z]"),
}

Array = np.ndarray  # float32


@dataclass(frozen=True)
class Limb:
    """From one joint to another, with its radius at either, as shares of the dancer's height."""

    joints: tuple[int, int]
    radii: tuple[float, float]


def limbs(joints: list[Joint]) -> list[Limb]:
    """All limbs, fingers left out: a hand has none at this size."""
    names = [joint.name.lower() for joint in joints]
    radii = [_radius(name) for name in names]
    found = []
    for index, joint in enumerate(joints):
        if joint.parent < 0 or any(FINGERS.search(name) for name in (names[index], names[joint.parent])):
            continue
        own = radii[index] if not names[index].endswith(" end") else radii[joint.parent] * 0.85
        thick = radii[joint.parent]
        if "head" in names[index] and not names[index].endswith(" end"):
            own = 0.024  # the neck's; the head begins there
        found.append(Limb((joint.parent, index), (thick, own)))
    return found


def _radius(name: str) -> float:
    return next((radius for pattern, radius in RADII if pattern.search(name)), OTHER)


def sides(joints: list[Joint], pattern: re.Pattern) -> tuple[int, int] | None:
    """The left and the right joint nearest to the root whose names fit."""
    found: dict[str, int] = {}
    for index, joint in enumerate(joints):
        if pattern.search(joint.name.lower()) and not joint.name.endswith(" end"):
            for side, marks in SIDES.items():
                if marks.search(joint.name.rpartition(":")[2]):
                    found.setdefault(side, index)
    return (found["left"], found["right"]) if len(found) == 2 else None


@dataclass(frozen=True)
class Camera:
    """right, up: directions of the image in the file's space; scale: pixels a unit; floor: its height in units."""

    right: Array
    up: Array
    scale: float
    floor: float


def camera(capture: Capture, angle: float, size: tuple[int, int]) -> Camera:
    """One that sees the dancer's front, turned by `angle` degrees, large as in the other footage, on the floor."""
    steps = capture.steps()
    stride = max(steps // LEARNT, 1)
    places = np.stack(list(itertools.islice(positions(capture), 0, None, stride)))  # (n, joints, 3)
    joints = capture.joints
    parents = {joint.parent for joint in joints}
    leaves = [i for i in range(len(joints)) if i not in parents]
    heads = [i for i in leaves if "head" in joints[i].name.lower()]
    # Most bodies stand most of the time: what goes from the root to the head's end is up, whatever the file's axes are.
    middle = places.mean(axis=0)
    top = heads[0] if heads else int(np.linalg.norm(middle - middle[0], axis=1).argmax())
    upward = middle[top] - middle[0]
    up = np.zeros(3, np.float32)
    up[np.abs(upward).argmax()] = np.sign(upward[np.abs(upward).argmax()]) or 1
    foot = min(leaves, key=lambda i: float(middle[i] @ up))
    tall = _path(joints, places[0], top) + _path(joints, places[0], foot)
    if not tall > 0:
        raise ValueError("the skeleton has no height")
    hips = sides(joints, THIGH)
    begun = places[: max(STEPS_A_SECOND // stride, 1)].mean(axis=0)  # of the first second: there they face the audience
    left = begun[hips[0]] - begun[hips[1]] if hips else np.array([up[1] + up[2], up[0], 0], np.float32)
    left = left - (left @ up) * up
    length = float(np.linalg.norm(left))
    left = left / length if length > 1e-6 else np.roll(up, 1)
    # Seen from the front, the dancer's left is on the right.
    turn = np.deg2rad(angle)
    right = left * np.cos(turn) + np.cross(up, left) * np.sin(turn)
    floor = float(np.quantile((places @ up).min(axis=1), 0.05))
    return Camera(right.astype(np.float32), up, TALL * size[1] / tall, floor)


def _path(joints: list[Joint], places: Array, index: int) -> float:
    """Length of the bones from the root to a joint."""
    length = 0.0
    while joints[index].parent >= 0:
        length += float(np.linalg.norm(places[index] - places[joints[index].parent]))
        index = joints[index].parent
    return length


def silhouettes(capture: Capture, angle: float, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """(height, width) uint8, dark on white, of each step; angle: degrees, 0 is the front; size: width, height."""
    seen = camera(capture, angle, size)
    figure = Figure(capture.joints, seen, size)
    ahead = round(2 * FOLLOW * STEPS_A_SECOND)
    weights = np.exp(-0.5 * (np.arange(-ahead, ahead + 1) / (FOLLOW * STEPS_A_SECOND)) ** 2)
    window: list[Array] = []
    source = positions(capture)
    held = next(source)
    window = [held] * (ahead + 1) + list(itertools.islice(source, ahead))
    window += [window[-1]] * (2 * ahead + 1 - len(window))
    for _ in range(capture.steps()):
        across = np.array([places[0] @ seen.right for places in window])
        yield figure.draw(window[ahead], float(across @ weights / weights.sum()))
        window.append(next(source, window[-1]))
        window.pop(0)


class Figure:
    """Draws a skeleton's places as the camera sees them."""

    def __init__(self, joints: list[Joint], seen: Camera, size: tuple[int, int]) -> None:
        self.limbs, self.seen, self.size = limbs(joints), seen, size
        self.tall = TALL * size[1]  # pixels
        arms, thighs = sides(joints, ARM), sides(joints, THIGH)
        self.trunk = (*arms, *thighs) if arms and thighs else None
        self.y, self.x = np.mgrid[0 : size[1], 0 : size[0]].astype(np.float32) + 0.5

    def draw(self, places: Array, centre: float) -> np.ndarray:
        """places: (joints, 3); centre: what of the camera's `right` is in the image's middle, in the file's units."""
        width, height = self.size
        x = (places @ self.seen.right - centre) * self.seen.scale + width / 2
        lowest = 0.014 * self.tall  # a sole below the toe's joint
        y = FLOOR * height - lowest - (places @ self.seen.up - self.seen.floor) * self.seen.scale
        points = np.stack([x, y], 1)
        field = np.full((height, width), 1e3, np.float32)
        for limb in self.limbs:
            self._limb(field, points[limb.joints[0]], points[limb.joints[1]], *(r * self.tall for r in limb.radii))
        if self.trunk:
            left_arm, right_arm, left_hip, right_hip = (points[i] for i in self.trunk)
            shoulder, hip = 0.036 * self.tall, 0.058 * self.tall
            waist = (left_hip + right_hip) / 2 * 0.6 + (left_arm + right_arm) / 2 * 0.4
            middle = 0.062 * self.tall
            for corner, radius in ((left_arm, shoulder), (right_arm, shoulder), (left_hip, hip), (right_hip, hip)):
                self._limb(field, corner, waist, radius, middle)
            self._limb(field, left_arm, right_arm, shoulder, shoulder)
            self._limb(field, left_hip, right_hip, hip, hip)
        light = np.clip(field / SOFT + 0.5, 0, 1)
        return np.rint(255 * light * light * (3 - 2 * light)).astype(np.uint8)

    def _limb(self, field: Array, a: Array, b: Array, first: float, second: float) -> None:
        """Join a limb to the field, near which alone it counts."""
        flow = FLOW * self.tall
        reach = max(first, second) + flow + SOFT
        height, width = field.shape
        low, high = np.minimum(a, b) - reach, np.maximum(a, b) + reach
        x = slice(*(int(v) for v in np.clip([low[0], high[0] + 1], 0, width)))
        y = slice(*(int(v) for v in np.clip([low[1], high[1] + 1], 0, height)))
        if x.start >= x.stop or y.start >= y.stop:
            return
        along = b - a
        dx, dy = self.x[y, x] - a[0], self.y[y, x] - a[1]
        part = np.clip((dx * along[0] + dy * along[1]) / max(float(along @ along), 1e-6), 0, 1)
        distance = np.hypot(dx - part * along[0], dy - part * along[1]) - (first + (second - first) * part)
        near = np.maximum(flow - np.abs(field[y, x] - distance), 0) / flow
        field[y, x] = np.minimum(field[y, x], distance) - near * near * flow / 4
