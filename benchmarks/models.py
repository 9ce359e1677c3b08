"""What changing the dancer costs a live show, in late frames; and what a company costs.

`python -m benchmarks.models` runs the show as `dancenet` does, in a real window on the display at hand, 1280x720 at 30
frames a second. It changes between two copies of a bundle again and again and counts the late frames of the changes,
from the command to the end of the fade, beside those of as many seconds without. Then companies of several sizes
dance, each joining at once.
"""

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.pacing import LIVE_THREADS, RATE_HZ, SEED, SIZE, describe
from engine import resources
from engine.bundle import Bundle, BundleError, open_bundle
from engine.clock import WallClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.decoding import SHARE
from engine.health import Watchdog
from engine.layers import Layers
from engine.models import FADE, Act, Models
from engine.parameters import PARAMETERS
from engine.picture import Brush, Picture
from engine.providers import CPU
from engine.show import Show
from engine.sinks.window import Window, WindowError
from engine.sources.keys import Keys

COMPANIES = (1, 2, 4, 8, 16, 32, 64)
COMPANY_SECONDS = 5.0


class Live:
    """A live show of two models, both in `folder`."""

    def __init__(self, folder: Path) -> None:
        bundle = open_bundle(folder, "auto", LIVE_THREADS)
        start = {f"dance/{name}": value for name, value in bundle.metadata.defaults.items()}
        self.controls = Controls((*PARAMETERS, *bundle.metadata.controls), {**start, "dance/seed": SEED})
        clock, keys = WallClock(RATE_HZ), Keys()
        self.window = Window(clock, keys, SIZE)
        brush = Brush(self.window.context)

        def new_picture(bundle: Bundle, size: tuple[int, int]) -> Picture:
            metadata = bundle.metadata
            budget = SHARE / RATE_HZ if bundle.provider.name == CPU else None
            kind, image_size = metadata.image_kind, metadata.image_size
            return Picture(self.window.context, bundle.decode, kind, image_size, size, brush, budget)

        act = Act(bundle, Dancer(bundle, [SEED]))
        watchdog = Watchdog(act.dancer, bundle.metadata, print)
        self.models = Models(
            [folder, folder],
            act,
            lambda folder: open_bundle(folder, "auto", LIVE_THREADS),
            print,
            lambda act: watchdog.watch(act.dancer, act.bundle.metadata),
        )
        self.layers = Layers(bundle, self.window.size, new_picture)
        self.show = Show(clock, [keys], self.controls, self.models, self.layers, [watchdog, self.window])

    def frames(self, count: int) -> list[float]:
        """Runs so many frames; returns what each was late by, in seconds."""
        lateness = []
        for _ in range(count):
            self.show.tick()
            lateness.append(self.window.lateness)
        return lateness

    def change(self) -> list[float]:
        """Changes to the other model; returns the lateness of every frame from the command to the end of the fade."""
        before, lateness = self.models.bundle, []
        self.models.move(1)
        while self.models.bundle is before:
            lateness += self.frames(1)
        return lateness + self.frames(round((FADE + 0.5) * RATE_HZ))

    def company(self, dancers: int) -> tuple[list[float], float]:
        """A company joins and dances; the frames' lateness, and how often a second each one's image was renewed."""
        self.controls.set("dance/dancers", dancers)
        lateness, renewed = [], 0
        for _ in range(round(COMPANY_SECONDS * RATE_HZ)):
            lateness += self.frames(1)
            renewed += int(self.layers.fresh.sum())
        return lateness, renewed / dancers / COMPANY_SECONDS


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.models", description=__doc__.partition("\n")[0])
    parser.add_argument("--changes", type=int, default=10, help="how many changes (10)")
    parser.add_argument("--model", type=Path, metavar="DIR", help="the dancer's bundle (the one that ships)")
    options = parser.parse_args(argv)
    print(f"machine   {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    try:
        live = Live(options.model or resources.path("models/default"))
    except (FileNotFoundError, BundleError, WindowError) as error:
        print(f"benchmarks.models: {error}", file=sys.stderr)
        return 1
    with closing(live.models), closing(live.show):
        print(f"screen    {live.window.context.info['GL_RENDERER']}; paced by {live.window.pacing}")
        print(f"dancer    {live.models.bundle.metadata.name} on {live.models.bundle.provider.name}")
        live.frames(round(RATE_HZ))
        changing = [lateness for _ in range(options.changes) for lateness in live.change()]
        print(f"changing  {describe(changing)}")
        print(f"staying   {describe(live.frames(len(changing)))}")
        for dancers in COMPANIES:
            lateness, renewed = live.company(dancers)
            print(f"{dancers:2} dance  {describe(lateness)}; each image renewed {renewed:.1f} times a second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
