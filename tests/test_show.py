"""The show: one frame top to bottom, in this order, and the same frames every time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.bundle import open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.coverage import Coverage
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.render import DecodedPicture
from engine.show import Show
from tests.fixtures.tiny_bundle import HEIGHT, WIDTH


class Part:
    """A source and a sink that note what is done to them."""

    def __init__(self, name: str, notes: list[str], fails: bool = False) -> None:
        self.name = name
        self.notes = notes
        self.fails = fails

    def poll(self, controls: Controls) -> None:
        self.notes.append(f"{self.name} polled")
        controls.set("dance/seed", 3)

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        self.notes.append(f"{self.name} shown {picture.images.shape} with seed {values['dance/seed']:.0f}")

    def close(self) -> None:
        self.notes.append(f"{self.name} closed")
        if self.fails:
            raise OSError(f"{self.name} failed")


def new_show(folder: Path, sources: list[Part], sinks: list[Part]) -> Show:
    bundle = open_bundle(folder, "cpu")
    return Show(
        FixedClock(30), sources, Controls(PARAMETERS), Dancer(bundle, [0]), DecodedPicture(bundle.decode), sinks
    )


def test_a_tick_polls_the_sources_and_shows_the_sinks_what_came_of_it_in_the_same_frame(tiny_bundle: Path) -> None:
    notes: list[str] = []
    show = new_show(tiny_bundle, [Part("keys", notes)], [Part("window", notes), Part("recorder", notes)])
    show.tick()
    assert notes == [
        "keys polled",
        f"window shown (1, {HEIGHT}, {WIDTH}) with seed 3",
        f"recorder shown (1, {HEIGHT}, {WIDTH}) with seed 3",
    ]
    assert isinstance(show.dancer, Dancer)
    assert show.dancer.position == 1


def test_where_there_is_time_left_what_is_played_meanwhile_is_in_the_picture(tiny_bundle: Path) -> None:
    class Waiting(FixedClock):
        def wait(self, more: float = 0.0) -> bool:
            notes.append("waited")
            return True

    notes: list[str] = []
    show = new_show(tiny_bundle, [Part("keys", notes)], [Part("window", notes)])
    show.clock = Waiting(30)
    show.tick()
    assert notes == ["keys polled", "waited", "keys polled", f"window shown (1, {HEIGHT}, {WIDTH}) with seed 3"]
    assert isinstance(show.dancer, Dancer)
    assert show.dancer.position == 1, "polled twice, danced once"


def test_the_clock_is_told_by_how_much_the_picture_takes_longer(tiny_bundle: Path) -> None:
    told = []

    class Waiting(FixedClock):
        def wait(self, more: float = 0.0) -> bool:
            told.append(more)
            return False

    clock = Waiting(30)
    show = new_show(tiny_bundle, [Part("keys", [])], [])
    show.clock, show.longer = clock, lambda values, clock: values["dance/seed"] + clock.time
    show.tick()
    show.tick()
    assert told == [3.0, 3 + 1 / 30]


class Stage:
    """A picture on a screen, both of which note what is asked of them; it may be shown in a light of 0.3 or more."""

    images = np.zeros((1, 2, 2), np.uint8)

    def __init__(self, notes: list[str], seen: bool = True) -> None:
        self.notes, self.seen = notes, seen

    def prepare(self, latents: Any) -> None:
        pass

    def draw(self, values: Mapping[str, float], clock: Any) -> "Stage":
        self.notes.append(f"drawn at black {values['picture/black']:g}")
        return self

    def ready(self, picture: Any, values: Mapping[str, float]) -> bool:
        self.notes.append("ready")
        return self.seen

    def relight(self, values: Mapping[str, float]) -> bool:
        self.notes.append(f"asked for black {values['picture/black']:g}, seed {values['dance/seed']:g}")
        return values["picture/black"] <= 0.7

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        self.notes.append(f"shown at black {values['picture/black']:g}")

    def close(self) -> None:
        pass


class Late:
    """A source that sets black to what it is told, with a seed, when it is looked at."""

    def __init__(self, *blacks: float | None) -> None:
        self.blacks = list(blacks)

    def poll(self, controls: Controls) -> None:
        if (black := self.blacks.pop(0)) is not None:
            controls.set("dance/seed", 5)
            controls.set("picture/black", black)

    def close(self) -> None:
        pass


def lit_by(tiny_bundle: Path, late: Late, seen: bool = True) -> list[str]:
    """What is noted in a frame of a show at whose light that source is looked at last, and in the next one."""
    notes: list[str] = []
    stage, dancer = Stage(notes, seen), Dancer(open_bundle(tiny_bundle, "cpu"), [0])
    show = Show(FixedClock(30), [], Controls(PARAMETERS), dancer, stage, [stage], stage, [late])
    show.tick()
    show.tick()
    return notes


def test_what_is_played_of_the_light_counts_until_the_frame_is_seen_and_all_else_in_the_next(tiny_bundle: Path) -> None:
    assert lit_by(tiny_bundle, Late(0.6, None)) == [
        *("drawn at black 0", "ready", "asked for black 0.6, seed 0", "shown at black 0.6"),
        *("drawn at black 0.6", "ready", "shown at black 0.6"),
    ]


def test_a_light_that_may_not_be_shown_yet_is_asked_for_in_the_next_frame(tiny_bundle: Path) -> None:
    assert lit_by(tiny_bundle, Late(0.9, None)) == [
        *("drawn at black 0", "ready", "asked for black 0.9, seed 0", "shown at black 0"),
        *("drawn at black 0.9", "ready", "shown at black 0.9"),
    ]


def test_where_nothing_is_seen_nothing_is_looked_at_last(tiny_bundle: Path) -> None:
    once = ["drawn at black 0", "ready", "shown at black 0"]
    assert lit_by(tiny_bundle, Late(), seen=False) == [*once, *once]


def test_closing_closes_every_part_the_last_first_even_where_one_fails(tiny_bundle: Path) -> None:
    notes: list[str] = []
    show = new_show(tiny_bundle, [Part("keys", notes)], [Part("window", notes, fails=True), Part("recorder", notes)])
    with pytest.raises(OSError, match="window failed"):
        show.close()
    assert notes == ["recorder closed", "window closed", "keys closed"]


def test_the_same_seed_gives_the_same_pictures_byte_for_byte(tiny_bundle: Path, context: Any) -> None:
    bundle = open_bundle(tiny_bundle, "cpu")

    class Frames:
        def __init__(self) -> None:
            self.frames: list[bytes] = []

        def present(self, picture: Coverage, values: Mapping[str, float]) -> None:
            self.frames.append(picture.images.tobytes() + picture.read().tobytes())

        def close(self) -> None:
            pass

    def frames(seed: int) -> list[bytes]:
        shown = Frames()
        metadata = bundle.metadata
        picture = Coverage(context, bundle.decode, metadata.image_kind, metadata.image_size, (160, 90))
        controls = Controls(PARAMETERS, {"dance/seed": seed})
        show = Show(FixedClock(30), [], controls, Dancer(bundle, [seed]), picture, [shown])
        for _ in range(30):
            show.tick()
        return shown.frames

    assert frames(7) == frames(7)
    assert frames(7) != frames(8)
