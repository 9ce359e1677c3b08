"""Quality: at what part of the window's size the picture is drawn, so that its effects hold the frame rate.

Owns the choice. It is made when the chain of effects changes, from what each was measured to take; within a chain it
only ever goes down, where frames show that the choice was too bold: a picture that pumps is worse than a soft one.
What a chain came down to is remembered for an hour.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Hashable

# Shares of the window's width and height. Three quarters are hardly seen, a quarter is a last resort.
STEPS = (1.0, 0.75, 0.5, 0.375, 0.25)
# The share of a frame's period that the picture may take: decoding has SHARE (0.3) of it in `engine.decoding`, the
# window's copy and the HUD the rest.
PICTURE_SHARE = 0.55
# Where the processor itself draws, what begins beside the show (an encoder, another model, a new ear) wants the very
# cores that the picture is drawn on: it leaves them half.
SOFTWARE_SHARE = 0.35
SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "software rasterizer", "gdi generic", "basic render")
# The picture has at least this share of its budget, whatever else takes of it.
LEAST = 0.25
# Where frames come late because the processor has too much to do, a picture that takes this share of its budget is the
# first to take less: a company that decodes, or an encoder beside, is no part of it, and wants the same cores.
BLAMED = 0.5
# Of so many frames this many are over before the size goes down: one slow frame is the desktop's, not the chain's.
LOOKED_AT, OVER = 10, 5
# The first frames of a chain make its textures, which the others do not.
UNSETTLED = 2
# Chains remembered; a show that is played by hand meets many. They are tried anew after FORGOTTEN seconds: something
# else may have kept the machine busy, and an installation runs for months.
MOST_REMEMBERED, FORGOTTEN = 256, 3600.0


def picture_share(renderer: str) -> float:
    """The share of a frame's period that the picture may take, drawn by what OpenGL calls its renderer."""
    return SOFTWARE_SHARE if is_the_processor(renderer) else PICTURE_SHARE


def is_the_processor(renderer: str) -> bool:
    """Whether what OpenGL calls its renderer is the processor itself."""
    return any(name in renderer.lower() for name in SOFTWARE)


class Quality:
    """Chooses the size; `budget` is the seconds a frame that the picture may take, `fixed` a share that stays.

    `beside` gives the seconds of these that something else takes: laying the picture onto a screen askew. `late` tells
    whether the frame before came late, or nearly, for want of a processor that draws the picture, too. No side of
    the picture is ever longer than `largest`, in pixels: what is drawn into has an end, a wall of screens has none.
    """

    def __init__(
        self,
        budget: float,
        fixed: float | None = None,
        now: Callable[[], float] = time.perf_counter,
        beside: Callable[[], float] = lambda: 0.0,
        largest: float = math.inf,
        late: Callable[[], bool] = lambda: False,
    ) -> None:
        self._whole_budget = budget
        self._beside = beside
        self._fixed = fixed
        self._now = now
        self._largest = largest
        self._late = late
        self._step = 0
        self._unsettled = 0
        self._chain: Hashable = None
        self._reached: dict[Hashable, tuple[int, float]] = {}  # the step, and when
        self._over: deque[bool] = deque(maxlen=LOOKED_AT)

    @property
    def _budget(self) -> float:
        """Seconds a frame that the picture itself may take."""
        return max(self._whole_budget - self._beside(), LEAST * self._whole_budget)

    @property
    def share(self) -> float:
        """Of the window's width and height."""
        return STEPS[self._step] if self._fixed is None else self._fixed

    def size(self, window: tuple[int, int]) -> tuple[int, int]:
        """The picture's (width, height) for a window's."""
        share = min(self.share, self._largest / max(1, *window))
        return max(1, round(window[0] * share)), max(1, round(window[1] * share))

    def begin(self, chain: Hashable, seconds: Callable[[float], float], new: bool = True) -> None:
        """Another chain is on, which is thought to take so many `seconds` a frame at a share of the window's size.

        Unless it is `new` to the scene, the size does not go up: an effect that comes and goes must not make it pump.
        """
        self._chain = chain
        self._over.clear()
        self._unsettled = UNSETTLED
        step, when = self._reached.get(chain, (0, -math.inf))
        if self._now() - when > FORGOTTEN:
            step = self._fitting(seconds)
        self._step = step if new else max(step, self._step)

    def drawn(self, seconds: float) -> bool:
        """A frame took this long; returns whether the size has gone down for it, which is from the next frame on."""
        if self._unsettled:
            self._unsettled -= 1
            return False
        self._over.append(seconds > self._budget * (BLAMED if self._late() else 1))
        if self._fixed is not None or sum(self._over) < OVER or self._step == len(STEPS) - 1:
            return False
        # As far as this frame says, and one step at least: fewer changes are seen than one by one.
        whole = seconds / STEPS[self._step] ** 2
        self._step = max(self._step + 1, self._fitting(lambda share: whole * share**2))
        self._over.clear()
        if len(self._reached) >= MOST_REMEMBERED:
            self._reached.clear()
        self._reached[self._chain] = self._step, self._now()
        return True

    def _fitting(self, seconds: Callable[[float], float]) -> int:
        """The largest step at which a chain that takes so many `seconds` at a share is within the budget."""
        return next((step for step, share in enumerate(STEPS) if seconds(share) <= self._budget), len(STEPS) - 1)
