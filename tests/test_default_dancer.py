"""The dancer that ships dances: a body in every image, in motion, without falls, and freer as it gets warmer."""

import numpy as np
import pytest

from engine import resources
from engine.bundle import Bundle, open_bundle
from engine.clock import FixedClock
from engine.controls import Controls
from engine.dancer import Dancer
from engine.health import Watchdog
from engine.parameters import PARAMETERS
from engine.render import DecodedPicture
from engine.show import Show
from training.motion import poses

MEGABYTE = 1e6


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return open_bundle(resources.path("models/default"), "cpu", threads=2)


class Film:
    """A sink that keeps the images."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def present(self, picture: DecodedPicture, values: object) -> None:
        self.images.append(picture.images.copy())

    def close(self) -> None:
        pass


def dance(bundle: Bundle, seconds: int, seeds: list[int], **dance: float) -> tuple[np.ndarray, int]:
    """Images (dancers, frames, height, width) and the number of resets."""
    start = {
        f"dance/{name}": value for name, value in (bundle.metadata.defaults | {"dancers": len(seeds)} | dance).items()
    }
    dancer, film = Dancer(bundle, seeds), Film()
    watchdog = Watchdog(dancer, bundle.metadata, lambda line: None)
    show = Show(
        FixedClock(30), [], Controls(PARAMETERS, start), dancer, DecodedPicture(bundle.decode), [watchdog, film]
    )
    for _ in range(seconds * 30):
        show.tick()
    return np.stack(film.images, 1), watchdog.resets


def test_it_is_small_enough_to_ship_and_names_its_sources(bundle: Bundle) -> None:
    assert sum(file.stat().st_size for file in bundle.folder.iterdir()) < 60 * MEGABYTE
    card = (bundle.folder / "README.md").read_text()
    assert "The data used in this project was obtained from mocap.cs.cmu.edu." in card
    assert "The database was created with funding from NSF EIA-0196217." in card
    assert "Mitch Chaiet" in card
    assert "Jasmine Coro" in card
    assert "CC BY 4.0" in card
    assert bundle.metadata.image_kind == "dark silhouette"


def test_sixteen_seconds_are_480_images_of_a_body_that_moves(bundle: Bundle) -> None:
    images, resets = dance(bundle, 16, [1, 2, 3])
    assert images.shape == (3, 480, 120, 208)
    assert resets == 0
    least, greatest = bundle.metadata.health.area
    coverage = 1 - images.mean((2, 3)) / 255
    assert least < coverage.min() < coverage.max() < greatest
    still = np.abs(np.diff(images.astype(np.int16), axis=1)).mean((2, 3)) / 255
    assert still.mean() > 2 * bundle.metadata.health.slow_motion
    # A body is dark, the ground is white, and little is in between.
    assert np.mean((images > 64) & (images < 192)) < 0.02


def motion(bundle: Bundle, temperature: float) -> float:
    """How far poses of sixteen dances are from those of half a second before, in the fourth quarter of a minute."""
    start = {f"dance/{name}": value for name, value in bundle.metadata.defaults.items()}
    start |= {"dance/temperature": temperature, "dance/dancers": 16}
    dancer, values = Dancer(bundle, list(range(16))), Controls(PARAMETERS, start).snapshot()
    shown = [dancer.advance(1 / 30, values) for _ in range(60 * 30)][45 * 30 :: 15]
    found = np.stack([poses(bundle.decode(latents), bundle.metadata.image_kind) for latents in shown])
    return float(np.linalg.norm(np.diff(found, axis=0), axis=2).mean())


def test_a_warm_dance_moves_more_than_a_cold_one(bundle: Bundle) -> None:
    assert motion(bundle, 1.5) > 1.5 * motion(bundle, 0.5)  # twice as much, by `benchmarks.temperature`


def test_encoding_and_decoding_keeps_the_pose(bundle: Bundle) -> None:
    images = bundle.decode(bundle.bank[:100, 0])
    latents = bundle.encoder().run(["latents"], {"images": images})[0]
    again = bundle.decode(latents)
    body, rebuilt = images < 128, again < 128
    overlap = (body & rebuilt).sum((1, 2)) / (body | rebuilt).sum((1, 2))
    assert overlap.mean() > 0.9
