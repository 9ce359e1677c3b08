"""The show: one frame top to bottom, in this order, and the same frames every time."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        def wait(self) -> bool:
            notes.append("waited")
            return True

    notes: list[str] = []
    show = new_show(tiny_bundle, [Part("keys", notes)], [Part("window", notes)])
    show.clock = Waiting(30)
    show.tick()
    assert notes == ["keys polled", "waited", "keys polled", f"window shown (1, {HEIGHT}, {WIDTH}) with seed 3"]
    assert isinstance(show.dancer, Dancer)
    assert show.dancer.position == 1, "polled twice, danced once"


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
