"""The flash stage, pixel by pixel: untouched where nothing flashes, and what it does to strobes on the GPU."""

from collections.abc import Callable, Iterator

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.flash import Flash
from engine.light import Lit
from engine.passes import Target
from tests.test_limiter import flashing

Image = NDArray[np.uint8]
SIZE = (160, 90)
WIDTH, HEIGHT = SIZE


class Stage:
    """A flash stage and what it draws into."""

    def __init__(self, context: moderngl.Context) -> None:
        self.context = context
        self.flash = Flash(context)
        self.target = Target(context, SIZE)
        self.texture = context.texture(SIZE, 4)
        self.lit = Lit(context, self.texture)
        self.relit: list[bool] = []

    def show(self, image: Image, time: float, light: float = 1.0, on: bool = True, late: float | None = None) -> Image:
        """What is shown of an image, (height, width, 3 or 4), bottom row first, in a `light` that may change `late`."""
        size = image.shape[1], image.shape[0]
        if size != self.texture.size:
            self.texture.release()
            self.texture = self.context.texture(size, 4)
            older, self.target = self.target, Target(self.context, size)  # what is released must not be in use
            older.release()
        if image.shape[2] == 3:
            image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
        self.texture.write(np.ascontiguousarray(image))
        shown, light = self.flash.draw(self.target.framebuffer, self.texture, light, time, on)
        if late is not None:
            self.relit.append(self.flash.relight(late))
            light = late if self.relit[-1] else light
        self.lit.show(shown, light)
        return np.frombuffer(self.lit.texture().read(), np.uint8).reshape(size[1], size[0], 4)


@pytest.fixture
def stage(context: moderngl.Context) -> Iterator[Stage]:
    stage = Stage(context)
    yield stage
    stage.target.framebuffer.use()  # what is released must not be in use
    stage.flash.release()
    stage.lit.release()
    stage.target.release()
    stage.texture.release()
    assert context.error == "GL_NO_ERROR"


def even(colour: tuple[int, int, int] | int, size: tuple[int, int] = SIZE) -> Image:
    return np.broadcast_to(np.array(colour, np.uint8), (size[1], size[0], 3)).copy()


def noise(seed: int, size: tuple[int, int] = SIZE) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)


def linear(shown: Image) -> NDArray[np.float64]:
    values = shown[..., :3] / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def test_a_picture_goes_through_bit_for_bit(stage: Stage) -> None:
    image = noise(1)
    for frame in range(5):
        assert (stage.show(image, frame / 30) == image).all()
    assert not stage.flash.limiting


def test_noise_a_walking_body_and_three_cuts_a_second_go_through_bit_for_bit(stage: Stage) -> None:
    time = 0.0
    for frame in range(60):  # fine balanced noise, which WCAG leaves out
        time += 1 / 30
        image = np.repeat(np.random.default_rng(frame).integers(0, 2, (360, 640, 1), np.uint8) * 255, 4, axis=2)
        assert (stage.show(image, time) == image).all()
    for frame in range(60):
        time += 1 / 30
        image = even(255)
        middle = round(80 + 40 * np.sin(frame / 5))
        image[10:80, middle - 16 : middle + 16] = 0
        assert (stage.show(image, time)[..., :3] == image).all()
    for frame in range(60):
        time += 1 / 30
        image = even(int(np.random.default_rng(frame // 10).integers(0, 256)))
        assert (stage.show(image, time)[..., :3] == image).all()


@pytest.mark.parametrize("light", [0.0, 0.25, 0.5, 1.0])
def test_light_is_a_factor_of_every_pixel(stage: Stage, light: float) -> None:
    image = noise(2)
    shown = stage.show(image, 0.0, light)
    assert np.abs(shown[..., :3].astype(float) - image[..., :3] * light).max() <= 0.51
    assert (shown[..., 3] == image[..., 3]).all()


def quarter(bright: bool) -> Image:
    image = even(0)
    image[:46, :81] = 255 * bright
    return image


def halves(bright: bool) -> Image:
    image = even(0)
    image[:, : WIDTH // 2], image[:, WIDTH // 2 :] = 255 * bright, 255 * (not bright)
    return image


def lines(bright: bool) -> Image:
    """Lines of one pixel in a grey picture, that turn from black to white."""
    image = even(90)
    image[::2] = 255 * bright
    return image


STROBES: dict[str, Callable[[bool], Image]] = {
    "full": lambda bright: even(255 * bright),
    "red": lambda bright: even((255 * bright, 0, 0)),
    "a quarter": quarter,
    "halves in antiphase": halves,
    "thin lines": lines,
}


@pytest.mark.parametrize("name", STROBES)
@pytest.mark.parametrize("fps", [30, 60])
def test_a_strobe_of_10_hz_shows_three_flashes_a_second_at_most(stage: Stage, name: str, fps: int) -> None:
    times = [frame / fps for frame in range(round(2.2 * fps))]
    asked = [STROBES[name](bool(int(20 * time + 1e-6) % 2)) for time in times]
    shown = [stage.show(image, time) for image, time in zip(asked, times, strict=True)]
    assert stage.flash.limiting

    def mean(images: list[Image]) -> NDArray[np.float64]:
        """Means of 10 by 10 pixels."""
        return np.array([linear(image).reshape(9, 10, 16, 10, 3).mean(axis=(1, 3)) for image in images])

    assert flashing(mean(asked), times) > 0.2
    assert flashing(mean(shown), times) < 0.2


def test_a_strobe_of_the_dimmer_is_one_too(stage: Stage) -> None:
    times = [frame / 60 for frame in range(130)]
    shown = [stage.show(even(255), time, float(int(20 * time + 1e-6) % 2)) for time in times]
    assert flashing(np.array([linear(image)[:1, :1] for image in shown]), times) == 0


@pytest.mark.parametrize("hz", [4, 10])
def test_a_strobe_of_the_dimmer_that_comes_after_the_picture_was_drawn_is_one_too(stage: Stage, hz: float) -> None:
    times = [frame / 60 for frame in range(130)]
    lights = [float(int(2 * hz * time + 1e-6) % 2) for time in times]
    before = [1.0, *lights[:-1]]
    shown = [
        stage.show(even(255), time, early, late=late) for time, early, late in zip(times, before, lights, strict=True)
    ]
    assert stage.relit[0] and not all(stage.relit)
    assert flashing(np.array([linear(image)[:1, :1] for image in shown]), times) == 0


def test_what_comes_late_is_shown_as_if_it_had_been_known_before(stage: Stage, context: moderngl.Context) -> None:
    """So that a log, which knows only what was shown, gives the same frames again."""
    chance, known = np.random.default_rng(7), Stage(context)
    for frame in range(200):
        image = noise(frame // 20)
        image[:45] = 255
        early, late = chance.integers(0, 2, 2) if frame < 120 else (1.0, 0.5)
        shown = stage.show(image, frame / 60, float(early), late=float(late))
        final = late if stage.relit[-1] else early
        assert (known.show(image, frame / 60, float(final)) == shown).all()
    assert 0 < sum(stage.relit) < 200
    known.target.framebuffer.use()
    for each in (known.flash, known.lit, known.target, known.texture):
        each.release()


def test_a_late_light_is_a_factor_of_every_pixel_as_an_early_one_is(stage: Stage) -> None:
    image = noise(2)
    early = stage.show(image, 0.0, 0.25)
    assert (stage.show(image, 1 / 30, 1.0, late=0.25) == early).all() and stage.relit == [True]
    assert (stage.show(image, 2 / 30, 0.5, on=False, late=0.25) == early).all() and stage.relit == [True, True]


def test_what_is_limited_eases_and_then_is_the_true_picture_again(stage: Stage) -> None:
    shown, limited = [], []
    for frame in range(60):
        shown.append(stage.show(even(255 * (frame // 3 % 2)), frame / 60))
        limited.append(stage.flash.limiting)
    light = np.array([linear(image)[0, 0, 0] for image in shown])
    first = limited.index(True)
    assert 18 <= first <= 24  # three flashes of 10 Hz
    assert all(limited[first:])
    assert np.abs(np.diff(light[first - 1 :])).max() < 0.1
    image = noise(3)
    for frame in range(60, 126):
        last = stage.show(image, frame / 60)
    assert (last == image).all() and not stage.flash.limiting


def test_a_change_of_size_while_limited_goes_on_from_what_was_shown(stage: Stage) -> None:
    for frame in range(45):
        before = stage.show(even(255 * (frame // 3 % 2)), frame / 60)
    assert stage.flash.limiting
    after = stage.show(even(255, (96, 54)), 45 / 60)
    assert np.abs(linear(after) - linear(before)[0, 0]).max() < 0.1


def test_a_change_of_size_in_the_frame_that_is_to_be_limited_shows_the_last_picture_out_of_focus(stage: Stage) -> None:
    for frame in range(60):
        image = halves(bool(frame // 3 % 2))
        size = SIZE if frame < 18 else (96, 54)
        shown = stage.show(image[: size[1], 80 - size[0] // 2 : 80 + size[0] // 2], frame / 60)
        if stage.flash.limiting:
            break
        before = shown
    else:
        raise AssertionError("never limited")
    left, right = linear(shown)[:, 4].mean(), linear(shown)[:, -4].mean()
    assert abs(left - linear(before)[:, 4].mean()) < 0.1 and abs(right - linear(before)[:, -4].mean()) < 0.1


def test_switched_off_it_only_dims_and_switched_on_begins_anew(stage: Stage) -> None:
    for frame in range(60):
        image = even(255 * (frame // 3 % 2))
        assert (stage.show(image, frame / 60, on=False)[..., :3] == image).all()
    for frame in range(60, 72):
        image = even(255 * (frame // 3 % 2))
        assert (stage.show(image, frame / 60)[..., :3] == image).all()
    for frame in range(72, 100):
        stage.show(even(255 * (frame // 3 % 2)), frame / 60)
    assert stage.flash.limiting
    image = noise(4)
    assert (stage.show(image, 100 / 60, on=False) == image).all()


@pytest.mark.parametrize("limited", [True, False])
def test_a_picture_that_stays_is_handed_on_and_what_is_shown_is_the_same(
    stage: Stage, context: moderngl.Context, limited: bool
) -> None:
    handing = Flash(context)
    target, pictures = Target(context, SIZE), [context.texture(SIZE, 4) for _ in range(2)]
    handed_on, lit = 0, Lit(context, pictures[0])
    for frame in range(90):
        image = np.dstack(
            [even(255 * (frame // 3 % 2) if frame > 20 else 90), np.full((SIZE[1], SIZE[0]), 255, np.uint8)]
        )
        light = 0.5 if 70 < frame < 75 else 1.0
        expected = stage.show(image, frame / 30, light, limited)
        picture = pictures[frame % 2]  # the last one stays
        picture.write(np.ascontiguousarray(image))
        shown, left = handing.draw(target.framebuffer, picture, light, frame / 30, limited, stays=True)
        handed_on += shown is picture
        lit.show(shown, left)
        assert (np.frombuffer(lit.texture().read(), np.uint8).reshape(expected.shape) == expected).all()
    assert handed_on == 90 if not limited else 20 < handed_on < 90
    target.framebuffer.use()
    handing.release()
    lit.release()
    for each in pictures:
        each.release()
