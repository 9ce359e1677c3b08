"""Glances: a few images of a dance tell of the same falls, in the same steps, as all of them."""

from pathlib import Path

import numpy as np
import pytest

from engine.bundle import open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.glances import Glances, GlancingWatchdog, look_back
from engine.health import Watchdog
from engine.parameters import PARAMETERS
from engine.render import DecodedPicture
from engine.show import Show
from tests.fixtures.tiny_bundle import write_tiny_bundle

RATE, DANCERS = 30.0, 3
SECONDS = 10


def watched(folder: Path, movement: str, every: int | None) -> tuple[list[str], int, float]:
    """A dance seen by glances, None for whole: the falls, how many images were decoded, the longest stand-still."""
    bundle = open_bundle(write_tiny_bundle(folder / movement, movement), "cpu")
    lines: list[str] = []
    dancer = Dancer(bundle, list(range(1, DANCERS + 1)))
    controls = Controls(PARAMETERS, {"dance/seed": 1, "dance/dancers": DANCERS})
    picture: Glances | DecodedPicture
    watchdog: Watchdog
    if every is None:
        picture, watchdog = DecodedPicture(bundle.decode), Watchdog(dancer, bundle.metadata, lines.append)
    else:
        picture = Glances(bundle.decode, dancer, every, round(look_back(30, every)) + 1)
        watchdog = GlancingWatchdog(dancer, bundle.metadata, float(every), lines.append)
    show = Show(FixedClock(RATE), [], controls, dancer, picture, [watchdog])
    still = 0.0
    for _ in range(round(SECONDS * RATE)):
        show.tick()
        still = max(still, watchdog.still)
    if isinstance(watchdog, GlancingWatchdog):
        return lines, picture.decoded if isinstance(picture, Glances) else 0, watchdog.longest_still
    return lines, round(SECONDS * RATE) * DANCERS, still


@pytest.mark.parametrize("every", [1, 7, 14, 15])
def test_a_frozen_pose_is_found_in_the_very_step(tmp_path: Path, every: int) -> None:
    falls, _, still = watched(tmp_path, "freeze", None)
    assert len(falls) > 2 * DANCERS
    found, _, longest = watched(tmp_path, "freeze", every)
    # In a frame the falls come in the order of the dancers, however they were found.
    assert sorted(found) == sorted(falls)
    assert longest == pytest.approx(2.0) and still <= longest


def test_who_dances_is_looked_at_in_turns_and_no_more(tmp_path: Path) -> None:
    falls, decoded, _ = watched(tmp_path, "dance", 10)
    assert falls == [] and decoded == SECONDS * RATE * DANCERS / 10


def test_who_shrinks_is_looked_at_closely_before_nothing_is_left(tmp_path: Path) -> None:
    falls, _, _ = watched(tmp_path, "vanish", None)
    found, _, _ = watched(tmp_path, "vanish", 2)
    assert falls and found == falls


def test_the_images_of_the_last_second_are_decoded_again(tmp_path: Path) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "dance", "dance"), "cpu")
    dancer = Dancer(bundle, [1, 2])
    values = Controls(PARAMETERS, {"dance/seed": 1, "dance/dancers": 2}).snapshot()
    glances = Glances(bundle.decode, dancer, 4, 31)
    shown = []
    for _ in range(40):
        latents = dancer.advance(1 / RATE, values)
        glances.prepare(latents)
        shown.append((dancer.positions[1], bundle.decode(latents)[1]))
    back = glances.look_back(1, dancer.positions[1] - 5)
    assert [place for place, _ in back] == [place for place, _ in shown[-5:]]
    assert all(np.array_equal(seen, image) for (_, seen), (_, image) in zip(back, shown[-5:], strict=True))
    assert glances.turn.tolist() == [False, True]  # frame 39, of four
    assert np.array_equal(glances.images[1], shown[-1][1])
