"""The picture, pixel by pixel, in a GL context without a screen."""

from pathlib import Path

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import resources
from engine.clock import FixedClock
from engine.picture import DARK_SILHOUETTE, GREY, LIGHT_SILHOUETTE, Picture

Images = NDArray[np.uint8]


def draw(context: moderngl.Context, images: Images, size: tuple[int, int], kind: str = DARK_SILHOUETTE) -> Images:
    """The red channel, (height, width), of `images` (dancers, height, width) drawn at `size`; all channels agree."""
    picture = Picture(context, lambda latents: images, kind, (images.shape[2], images.shape[1]), size)
    pixels = picture.draw(np.zeros((len(images), 4), np.float32), {}, FixedClock(30)).read()
    picture.release()
    assert pixels.shape == (size[1], size[0], 3)
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0]


def blank(width: int = 52, height: int = 30) -> Images:
    return np.full((1, height, width), 255, np.uint8)


def soft_blobs(seed: int, width: int = 52, height: int = 30) -> Images:
    """A field as a decoder makes them: soft everywhere, clear in some places and unsure in others."""
    noise = np.random.default_rng(seed).random((height, width))
    for axis in (0, 1):
        for _ in range(6):
            noise = (np.roll(noise, 1, axis) + noise + np.roll(noise, -1, axis)) / 3
    noise = (noise - noise.mean()) / noise.std()
    return (255 / (1 + np.exp(-4 * noise))).astype(np.uint8)[None]


@pytest.mark.parametrize("size", [(416, 240), (1000, 240), (200, 600), (333, 217)])
def test_ground_without_a_dancer_is_even_to_the_edges(context: moderngl.Context, size: tuple[int, int]) -> None:
    assert (draw(context, blank(), size) == 255).all()
    assert (draw(context, 255 - blank(), size, LIGHT_SILHOUETTE) == 0).all()


def test_the_whole_image_is_kept_in_the_middle_of_any_shape(context: moderngl.Context) -> None:
    covered = np.zeros((1, 30, 52), np.uint8)
    wide = draw(context, covered, (1000, 240))  # 8 pixels to one: 416 wide, 292 left on each side
    assert (wide[:, :290] == 255).all() and (wide[:, -290:] == 255).all()
    assert (wide[2:-2, 298:-298] == 0).all()
    tall = draw(context, covered, (208, 600))  # 4 pixels to one: 120 high, 240 left above and below
    assert (tall[:238] == 255).all() and (tall[-238:] == 255).all()
    assert (tall[246:-246, 2:-2] == 0).all()


def test_the_top_of_the_image_is_the_top_of_the_picture(context: moderngl.Context) -> None:
    image = blank()
    image[0, :10, :13] = 0  # top left
    pixels = draw(context, image, (208, 120))
    assert pixels[8, 8] == 0
    assert (pixels[60:] == 255).all() and (pixels[:, 104:] == 255).all()


@pytest.mark.parametrize("width", [416, 1664, 3328])
def test_an_edge_is_two_pixels_wide_at_any_size(context: moderngl.Context, width: int) -> None:
    image = blank()
    image[0, :, :26] = 0
    row = draw(context, image, (width, width * 30 // 52))[width * 15 // 52].astype(int)
    assert (np.diff(row) >= 0).all()
    between = (row > 0) & (row < 255)
    assert 1 <= between.sum() <= 2
    # The cut is at 0.46 of coverage, so that the dancer gains a little: under a tenth of the image's pixel.
    assert 0 <= np.argmax(row > 127) - width / 2 <= 0.1 * width / 52 + 0.5


def test_a_flat_ghost_is_shown_by_the_closed_form(context: moderngl.Context) -> None:
    for level in range(70, 190, 10):
        pixels = draw(context, np.full((1, 30, 52), level, np.uint8), (208, 120))
        t = np.clip(((1 - level / 255) - (0.46 - 0.1)) / 0.2, 0, 1)
        expected = 255 * (1 - t * t * (3 - 2 * t))
        assert np.abs(pixels[30:90, 30:178] - expected).max() <= 0.51 + 1e-3


def test_a_grey_ramp_comes_out_as_the_same_ramp(context: moderngl.Context) -> None:
    columns = 10 + 4 * np.arange(52)
    image = np.broadcast_to(columns, (1, 30, 52)).astype(np.uint8)
    row = draw(context, image, (416, 240), GREY)[120]
    place = (np.arange(416) + 0.5) / 8 - 0.5  # in the image's pixels, from the middle of the first
    inside = (place > 1) & (place < 50)  # the spline has all its samples; there it keeps straight lines straight
    assert np.abs(row[inside] - (10 + 4 * place[inside])).max() <= 0.51


def test_a_grey_image_goes_on_to_the_edges_as_its_border_is(context: moderngl.Context) -> None:
    image = np.full((1, 30, 52), 77, np.uint8)
    assert (draw(context, image, (900, 240), GREY) == 77).all()
    assert (draw(context, image, (208, 500), GREY) == 77).all()


def test_a_light_silhouette_is_the_dark_one_inverted(context: moderngl.Context) -> None:
    images = soft_blobs(1)
    dark = draw(context, images, (640, 360)).astype(int)
    light = draw(context, 255 - images, (640, 360), LIGHT_SILHOUETTE)
    assert np.abs(dark + light - 255).max() <= 1  # half levels round the same way in both
    assert 0.2 < (light > 127).mean() < 0.8


def test_the_same_input_gives_the_same_bytes(context: moderngl.Context) -> None:
    first = draw(context, soft_blobs(2), (640, 360))
    draw(context, soft_blobs(3), (500, 500))
    assert (draw(context, soft_blobs(2), (640, 360)) == first).all()


@pytest.mark.parametrize("size", [(640, 360), (333, 700), (60, 40)])
def test_drawing_only_the_dancers_box_leaves_nothing_out(
    context: moderngl.Context, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    for seed in range(4):
        image = soft_blobs(seed)
        image[0, :8], image[0, :, 40:] = 255, 255  # a box that is not the whole
        boxed = draw(context, image, size)
        with monkeypatch.context() as patch:
            patch.setattr(Picture, "_box", lambda picture, covered, scale, origin: (0, 0, *picture.size))
            whole = draw(context, image, size)
        assert (boxed == whole).all()


def test_several_dancers_cover_what_either_covers(context: moderngl.Context) -> None:
    left, right = blank(), blank()
    left[0, 10:20, 5:15], right[0, 10:20, 35:45] = 0, 0
    company = draw(context, np.concatenate([left, right]), (416, 240))
    assert (company == draw(context, np.minimum(left, right), (416, 240))).all()
    assert company[120, 80] == 0 and company[120, 320] == 0 and company[120, 208] == 255


def test_a_disc_keeps_its_area(context: moderngl.Context) -> None:
    y, x = np.mgrid[:120, :208]
    for radius in (3, 6, 20):
        coverage = np.clip(radius + 0.5 - np.hypot(x - 100.3, y - 60.7), 0, 1)
        pixels = draw(context, (255 * (1 - coverage)).astype(np.uint8)[None], (1664, 960))
        area = (1 - pixels / 255).sum() / 64
        assert area == pytest.approx(np.pi * radius**2, rel=0.12 if radius == 3 else 0.04)


def test_a_resized_picture_is_drawn_as_one_made_at_that_size(context: moderngl.Context) -> None:
    images = soft_blobs(4)
    picture = Picture(context, lambda latents: images, DARK_SILHOUETTE, (52, 30), (640, 360))
    latents = np.zeros((1, 4), np.float32)
    picture.draw(latents, {}, FixedClock(30))
    picture.resize((501, 333))
    pixels = picture.draw(latents, {}, FixedClock(30)).read()
    assert picture.texture.size == (501, 333)
    assert (pixels[..., 0] == draw(context, images, (501, 333))).all()
    assert (picture.images == images).all()


def test_what_a_picture_cannot_be_is_said(context: moderngl.Context) -> None:
    with pytest.raises(
        ValueError, match="image kind 'sepia': not one of 'dark silhouette', 'light silhouette', 'grey'"
    ):
        draw(context, blank(), (64, 64), "sepia")
    with pytest.raises(ValueError, match="picture of 0x64: width and height must be at least 1"):
        draw(context, blank(), (0, 64))


def test_a_broken_shader_is_named_with_the_drivers_log(
    context: moderngl.Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "screen.vert").write_text((resources.path("shaders") / "screen.vert").read_text())
    (tmp_path / "dancer.frag").write_text("#version 330 core\nvoid main() { swril(); }\n")
    monkeypatch.setattr(resources, "path", lambda name: tmp_path)
    with pytest.raises(moderngl.Error, match=r"dancer\.frag: (?s:.*)swril"):
        draw(context, blank(), (64, 64))
