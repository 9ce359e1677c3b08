"""The watchdog: notices a dance that died, has the dancer eased back, counts it and says it.

A sink like any other: it sees the decoder's images of every frame, live and in a render alike, and measures in dance
time, each dancer's own, whatever the frame rate. What is healthy is what the footage does, by the bundle's metadata.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.dancer import Dancer
from engine.metadata import Metadata

# Seconds of dance time. A pose is frozen when every mean motion over SECOND within the last FROZEN is too slow.
SECOND = 1.0
FROZEN = 2.0


class Images(Protocol):
    """What a picture may hand over: images (dancers, height, width) uint8, and whose are this frame's."""

    @property
    def images(self) -> NDArray[np.uint8]: ...

    @property
    def fresh(self) -> NDArray[np.bool_]: ...


class Watchdog:
    """Watches over `dancer`; `say` is given one line for every fall. `resets` counts them."""

    def __init__(self, dancer: Dancer, metadata: Metadata, say: Callable[[str], None]) -> None:
        self.resets = 0
        self._say = say
        self.watch(dancer, metadata)

    def watch(self, dancer: Dancer, metadata: Metadata) -> None:
        """Watches over this dancer from here on."""
        self._dancer = dancer
        self._metadata = metadata
        self._least, self._greatest = metadata.health.area
        self._motions: list[Motion] = []

    @property
    def still(self) -> float:
        """For how long, in seconds of dance time, the one who moves least has stood still."""
        return max((motion.still for motion in self._motions), default=0.0)

    def present(self, picture: Images, values: Mapping[str, float]) -> None:
        """Looks at the frame's images; whoever lies down is led back from the next step on."""
        images, fresh = picture.images, picture.fresh
        del self._motions[len(images) :]
        while len(self._motions) < len(images):
            self._motions.append(Motion(self._metadata.steps_a_second, self._metadata.health.slow_motion))
        positions = self._dancer.positions
        for dancer in np.flatnonzero(fresh):
            motion = self._motions[dancer]
            # Asked anew for each: where the leader fell, those who follow cross over with it.
            if self._dancer.easing[dancer]:
                motion.forget()
                continue
            motion.see(images[dancer], positions[dancer])
            if reason := self._trouble(images[dancer], motion):
                self._dancer.ease_back(int(dancer), reason)
        for fall in self._dancer.take_falls():
            self.resets += 1
            if fall.dancer < len(self._motions):
                self._motions[fall.dancer].forget()
            self._say(f"step {fall.step}: dancer {fall.dancer}: {fall.reason}; eased back to passage {fall.passage}")

    def close(self) -> None:
        """Holds nothing that needs closing."""

    def _trouble(self, image: NDArray[np.uint8], motion: "Motion") -> str | None:
        area = self._area(image)
        if not self._least <= area <= self._greatest:
            return f"degenerate image (coverage {area:.3f}, healthy is {self._least:g}..{self._greatest:g})"
        if motion.still >= FROZEN:
            return f"frozen pose (motion below {self._metadata.health.slow_motion:g} for {FROZEN:g} s)"
        return None

    def _area(self, image: NDArray[np.uint8]) -> float:
        """The share of the image that the dancer covers."""
        lightness = float(image.mean()) / 255
        return 1 - lightness if self._metadata.image_kind == "dark silhouette" else lightness


class Motion:
    """How long one dancer has stood still, in dance time, whatever the frame rate and the speed."""

    def __init__(self, steps_a_second: int, slow: float) -> None:
        self.still = 0.0
        """For how many seconds, up to now, every mean motion over a second has been below `slow`."""
        self._rate = steps_a_second
        self._slow = slow
        self._image: NDArray[np.int16] | None = None
        self._began = self._position = 0.0
        self._slow_since: float | None = None
        self._seen: deque[tuple[float, float]] = deque()  # (position, motion that led there) of the last second

    def forget(self) -> None:
        """Starts anew: what was seen is no longer how the dancer moves."""
        self.still, self._slow_since, self._image = 0.0, None, None
        self._seen.clear()

    def see(self, image: NDArray[np.uint8], position: float) -> None:
        """Takes in the image (height, width) shown at `position`, in steps of dance time.

        Images within a step of the last one are passed over, so that motion is always that of one step or more.
        """
        wide = image.astype(np.int16)
        if self._image is None:
            self._image, self._began, self._position = wide, position, position
            return
        if position - self._position < 1:
            return
        self._seen.append((position, float(np.abs(wide - self._image).mean()) / 255))
        self._image, self._position = wide, position
        second = SECOND * self._rate
        while self._seen[0][0] <= position - second:
            self._seen.popleft()
        if position - self._began < second:
            return
        mean = sum(motion for _, motion in self._seen) / len(self._seen)
        if mean >= self._slow:
            self.still, self._slow_since = 0.0, None
            return
        if self._slow_since is None:
            self._slow_since = position
        self.still = SECOND + (position - self._slow_since) / self._rate
