"""What changing the dancer costs a live show, in late frames; and what a company costs.

`python -m benchmarks.models` changes between two copies of a bundle again and again and counts the late frames of the
changes, from the command to the end of the fade, beside those of as many seconds without. Then companies of several
sizes dance, each joining at once; what the model alone costs for them is `python -m benchmarks --part company`.
"""

import sys
from collections.abc import Sequence

from benchmarks.company import COMPANIES
from benchmarks.show import RATE_HZ, describe, frames, introduce, live_show, measured, parser
from engine.commands.live import Live
from engine.commands.opening import model_folders
from engine.models import FADE

COMPANY_SECONDS = 5.0


def change(stage: Live) -> list[float]:
    """Changes to the other model; returns the lateness of every frame from the command to the end of the fade."""
    models, lateness = stage.cast.models, list[float]()
    before = models.bundle
    stage.controls.command("model/next")
    while models.bundle is before:
        lateness += frames(stage, 1)
    return lateness + frames(stage, round((FADE + 0.5) * RATE_HZ))


def company(stage: Live, dancers: int) -> tuple[list[float], float]:
    """A company joins and dances; the frames' lateness, and how often a second each one's image was renewed."""
    stage.controls.set("dance/dancers", dancers)
    lateness, renewed = [], 0
    for _ in range(round(COMPANY_SECONDS * RATE_HZ)):
        lateness += frames(stage, 1)
        renewed += int(stage.picture.fresh.sum())
    return lateness, renewed / dancers / COMPANY_SECONDS


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("models", __doc__)
    own.add_argument("--changes", type=int, default=10, help="how many changes (10)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        (folder,) = model_folders([])
        with live_show([*show, "--model", str(folder), "--model", str(folder)]) as stage:
            introduce(stage)
            frames(stage, round(RATE_HZ))
            changing = [lateness for _ in range(options.changes) for lateness in change(stage)]
            print(f"changing  {describe(changing)}")
            print(f"staying   {describe(frames(stage, len(changing)))}")
            for dancers in COMPANIES:
                lateness, renewed = company(stage, dancers)
                print(f"{dancers:2} dance  {describe(lateness)}; each image renewed {renewed:.1f} times a second")

    return measured("models", measure)


if __name__ == "__main__":
    sys.exit(main())
