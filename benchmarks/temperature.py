"""What temperature does to a dance: how much it moves, whether it freezes or falls, over minutes or hours.

`python -m benchmarks.temperature [--minutes 10] [--seeds 3] [--model DIR]` runs the show's own tick, with the decoder's
images and no drawing. Motion energy is that of half a second's mean pose, so that jitter counts little.
"""

import argparse
from collections import deque
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import resources
from engine.bundle import Bundle, open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.health import Motion, Watchdog
from engine.parameters import PARAMETERS
from engine.providers import OFFLINE_THREADS
from engine.render import DecodedPicture
from engine.show import Show
from training.motion import poses

TEMPERATURES = (0.3, 0.5, 0.8, 1.1, 1.5)
RATE = 30.0
HALF_SECOND = 15  # steps


class Witness:
    """A sink that sees how much each dancer moves and how long it stands still at most, in seconds of dance time."""

    def __init__(self, bundle: Bundle, dancer: Dancer, count: int) -> None:
        metadata = bundle.metadata
        self.energies: list[float] = []
        self.longest_still = 0.0
        self._kind = metadata.image_kind
        self._dancer = dancer
        self._poses: deque[NDArray[np.float32]] = deque(maxlen=HALF_SECOND + 1)
        self._motions = [Motion(metadata.steps_a_second, metadata.health.slow_motion) for _ in range(count)]

    def present(self, picture: DecodedPicture, values: Mapping[str, float]) -> None:
        """Looks at the frame's images (dancers, height, width)."""
        self._poses.append(poses(picture.images, self._kind))
        if len(self._poses) > HALF_SECOND:
            # How far half a second's mean pose moved in this step.
            moved = (self._poses[-1] - self._poses[0]) / HALF_SECOND
            self.energies.append(float(np.linalg.norm(moved, axis=1).mean()))
        for image, motion in zip(picture.images, self._motions, strict=True):
            motion.see(image, self._dancer.position)
            self.longest_still = max(self.longest_still, motion.still)

    def close(self) -> None:
        """Holds nothing that needs closing."""


def dance(bundle: Bundle, temperature: float, minutes: float, seeds: list[int]) -> tuple[float, float, int]:
    """Dances for `minutes`, a company of one dancer a seed: motion energy, longest stand-still in seconds, resets."""
    defaults = {f"dance/{name}": value for name, value in bundle.metadata.defaults.items()}
    controls = Controls(
        (*PARAMETERS, *bundle.metadata.controls),
        defaults | {"dance/temperature": temperature, "dance/dancers": len(seeds)},
    )
    dancer = Dancer(bundle, seeds)
    watchdog = Watchdog(dancer, bundle.metadata, lambda line: print(f"  {line}", flush=True))
    witness = Witness(bundle, dancer, len(seeds))
    show = Show(FixedClock(RATE), [], controls, dancer, DecodedPicture(bundle.decode), [witness, watchdog])
    for _ in range(round(minutes * 60 * RATE)):
        show.tick()
    return float(np.mean(witness.energies)), witness.longest_still, watchdog.resets


def main() -> None:
    """Prints a row for each temperature."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.temperature", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="of dance at each temperature (10)")
    parser.add_argument("--seeds", type=int, default=3, help="how many dances (3)")
    parser.add_argument("--model", type=Path, help="a bundle (the dancer that ships)")
    parser.add_argument("--temperatures", type=float, nargs="+", default=TEMPERATURES)
    options = parser.parse_args()
    bundle = open_bundle(options.model or resources.path("models/default"), "auto", OFFLINE_THREADS, spins=True)
    print(f"{options.seeds} dances of {options.minutes:g} minutes at each temperature, {bundle.metadata.name}")
    print(f"{'temperature':>12}{'motion energy':>16}{'longest still s':>18}{'resets':>8}", flush=True)
    for temperature in options.temperatures:
        energy, still, resets = dance(bundle, temperature, options.minutes, list(range(1, options.seeds + 1)))
        print(f"{temperature:12g}{energy:16.4f}{still:18.1f}{resets:8d}", flush=True)


if __name__ == "__main__":
    main()
