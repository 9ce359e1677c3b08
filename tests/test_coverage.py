"""The dancers' coverage, pixel by pixel, in a GL context without a screen."""

from collections.abc import Mapping
from pathlib import Path

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

from engine import passes
from engine.clock import FixedClock
from engine.controls import Controls
from engine.coverage import DARK_SILHOUETTE, GREY, LIGHT_SILHOUETTE, Coverage
from engine.ground import Ground
from engine.parameters import PARAMETERS
from engine.stage import lay_out

Images = NDArray[np.uint8]


def draw(context: moderngl.Context, images: Images, size: tuple[int, int], kind: str = DARK_SILHOUETTE) -> Images:
    """`images` (dancers, height, width) drawn at `size`, (height, width); as ink on paper."""
    picture = Coverage(context, lambda latents: images, kind, (images.shape[2], images.shape[1]), size)
    picture.prepare(np.zeros((len(images), 4), np.float32))
    pixels = picture.draw(values(len(images)), FixedClock(30)).read(alpha=True)
    picture.release()
    assert pixels.shape == (size[1], size[0], 4)
    assert (pixels[..., :3] == pixels[..., :1]).all()
    assert (pixels[..., 3] == pixels[..., 0]).all()  # white, and premultiplied
    return 255 - pixels[..., 0]


def values(dancers: int) -> Mapping[str, float]:
    return Controls(PARAMETERS, {"dance/dancers": dancers}).snapshot()


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
    assert (draw(context, 255 - blank(), size, LIGHT_SILHOUETTE) == 255).all()


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


def test_light_and_dark_silhouettes_are_covered_alike(context: moderngl.Context) -> None:
    images = soft_blobs(1)
    dark = draw(context, images, (640, 360)).astype(int)
    light = draw(context, 255 - images, (640, 360), LIGHT_SILHOUETTE)
    assert np.abs(dark - light).max() <= 1  # half levels round the same way in both
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
            patch.setattr("engine.coverage._reach", lambda covered: (-1000, -1000, 1000, 1000))
            whole = draw(context, image, size)
        assert (boxed == whole).all()


def company(context: moderngl.Context, images: Images, size: tuple[int, int], kind: str = DARK_SILHOUETTE) -> Coverage:
    """A picture whose dancers are `images` (dancers, height, width), one latent (its number) for each."""
    return Coverage(
        context, lambda latents: images[latents[:, 0].astype(int)], kind, (images.shape[2], images.shape[1]), size
    )


def frame(picture: Coverage, dancers: int, clock: FixedClock, there: int | None = None, **values: float) -> Images:
    """The next frame, as ink on paper, of a company that is to be `dancers`, of which there are `there` now."""
    start = {key.replace("_", "/"): value for key, value in values.items()}
    now = Controls(PARAMETERS, {"dance/dancers": dancers, **start}).snapshot()
    clock.advance()
    latents = np.arange(there or dancers, dtype=np.float32)[:, None]
    picture.prepare(latents)
    return 255 - picture.draw(now, clock).read()[..., 0]


def bodies(count: int, rows: slice = slice(5, 25), columns: slice = slice(18, 34)) -> Images:
    """Upright rectangles on white, (count, 60, 104)."""
    images = np.full((count, 60, 104), 255, np.uint8)
    images[:, 2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop] = 0
    return images


def test_a_pair_stands_side_by_side_each_where_the_stage_says(context: moderngl.Context) -> None:
    images, size = bodies(2), (832, 480)
    pixels = frame(company(context, images, size), 2, FixedClock(30))
    layout = lay_out(2, (104, 60), size)
    assert layout.x[0] > layout.x[1]  # the leader to the right of the middle
    for x, floor, scale in zip(layout.x, layout.floor, layout.scale, strict=True):
        left, right = round(x - 16 * scale), round(x + 16 * scale)
        top, bottom = round(floor - 50 * scale), round(floor - 10 * scale)
        assert (pixels[top + 10 : bottom - 10, left + 10 : right - 10] == 0).all()  # its corners are round
        assert (pixels[: top - 3] == 255).all() and (pixels[bottom + 3 :] == 255).all()
    assert (pixels[:, size[0] // 2 - 3 : size[0] // 2 + 3] == 255).all()


def test_rows_further_back_are_paler_and_behind_those_in_front(context: moderngl.Context) -> None:
    size = (640, 720)
    pixels = frame(company(context, bodies(3), size), 3, FixedClock(30))
    layout = lay_out(3, (104, 60), size)
    assert layout.scale[0] > layout.scale[1] == layout.scale[2]
    tones = sorted({0, 255, round(255 * layout.haze[1])})
    assert (np.isin(pixels, tones).mean() > 0.97) and set(tones) <= set(np.unique(pixels).tolist())
    x, y = round(layout.x[0]), round(layout.floor[0] - 30 * layout.scale[0])
    assert pixels[y, x] == 0


@pytest.mark.parametrize("size", [(640, 360), (360, 640), (1200, 200), (200, 200)])
@pytest.mark.parametrize("dancers", [2, 5, 16, 64])
def test_a_company_is_whole_at_any_shape_of_window(
    context: moderngl.Context, size: tuple[int, int], dancers: int
) -> None:
    # From top to bottom, and as wide as the footage's bodies with stretched arms.
    pixels = frame(company(context, bodies(dancers, slice(0, 30), slice(11, 41)), size), dancers, FixedClock(30))
    layout = lay_out(dancers, (104, 60), size)
    assert (layout.x - 30 * layout.scale).min() >= -0.01 and (layout.x + 30 * layout.scale).max() <= size[0] + 0.01
    assert (layout.floor - 60 * layout.scale).min() >= -0.01 and layout.floor.max() <= size[1] + 0.01
    assert (pixels < 255).any()


def test_light_and_dark_companies_are_covered_alike(context: moderngl.Context) -> None:
    images = np.concatenate([soft_blobs(seed) for seed in range(5)])
    dark = frame(company(context, images, (640, 360)), 5, FixedClock(30)).astype(int)
    light = frame(company(context, 255 - images, (640, 360), LIGHT_SILHOUETTE), 5, FixedClock(30))
    assert np.abs(dark - light).max() <= 3  # each layer rounds to 8 bits


def on_a_wall(silhouettes: Images, body: int = 20) -> tuple[Images, Ground]:
    """Dark silhouettes (dancers, height, width) before a wall lit from the right, with a window; and that wall."""
    wall = np.broadcast_to(np.linspace(90, 200, silhouettes.shape[2]), silhouettes.shape[1:]).copy()
    wall[5:15, 5:15] = 250
    images = np.where(silhouettes == 0, body, wall[None]).astype(np.uint8)
    empty = np.repeat(wall[None].astype(np.uint8), 3 * len(images), axis=0)
    return images, Ground(np.concatenate([images, empty]))


def grey_company(context: moderngl.Context, images: Images, ground: Ground, size: tuple[int, int]) -> Coverage:
    image_size = images.shape[2], images.shape[1]
    return Coverage(context, lambda latents: images[latents[:, 0].astype(int)], GREY, image_size, size, ground=ground)


@pytest.mark.parametrize("size", [(640, 360), (1000, 240), (200, 300)])
@pytest.mark.parametrize("dancers", [1, 2, 5])
def test_grey_dancers_are_what_silhouettes_would_be_and_nothing_of_their_wall_is_seen(
    context: moderngl.Context, dancers: int, size: tuple[int, int]
) -> None:
    silhouettes = bodies(dancers)
    images, ground = on_a_wall(silhouettes)
    grey = frame(grey_company(context, images, ground, size), dancers, FixedClock(30))
    assert (grey == frame(company(context, silhouettes, size), dancers, FixedClock(30))).all()


def test_a_grey_body_keeps_its_shades(context: moderngl.Context) -> None:
    images, ground = on_a_wall(bodies(1), 0)
    images[0, 30:50][images[0, 30:50] == 0] = 60  # lit from below
    ground = Ground(np.concatenate([images, np.repeat(np.round(ground.levels * 255).astype(np.uint8)[None], 3, 0)]))
    pixels = 255 - frame(grey_company(context, images, ground, (416, 240)), 1, FixedClock(30))
    assert (pixels[60:100, 156:260] == 128).all() and (pixels[140:190, 156:260] == 255).all()


def test_what_a_grey_image_s_edge_cuts_off_fades_towards_it(context: moderngl.Context) -> None:
    images, ground = on_a_wall(bodies(1, slice(10, 20), slice(30, 52)))  # to the right edge
    row = 255 - frame(grey_company(context, images, ground, (1040, 600)), 1, FixedClock(30))[300]
    assert (row[620:1020] == 255).all()
    assert (np.diff(row[1020:].astype(int)) <= 0).all() and row[-1] <= 2


def test_a_ground_that_moves_is_shown_in_an_oval_without_edges(context: moderngl.Context) -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 60, 104)).astype(np.uint8)
    images[0] = 200
    picture = grey_company(context, images, Ground(images), (416, 240))
    pixels = 255 - frame(picture, 1, FixedClock(30)).astype(int)
    assert pixels[120, 208] == 200
    assert max(pixels[0].max(), pixels[-1].max(), pixels[:, 0].max(), pixels[:, -1].max()) <= 1
    assert np.abs(np.diff(pixels, axis=0)).max() <= 4 and np.abs(np.diff(pixels, axis=1)).max() <= 4


def test_only_grey_images_have_a_ground_and_need_it(context: moderngl.Context) -> None:
    _, ground = on_a_wall(bodies(1))
    for kind, given in ((GREY, None), (DARK_SILHOUETTE, ground)):
        with pytest.raises(ValueError, match=f"image kind '{kind}': grey images have a ground, and only they have one"):
            Coverage(context, lambda latents: blank(), kind, (52, 30), (64, 64), ground=given)


def test_who_joins_fades_in_and_who_leaves_fades_out_without_a_flash(context: moderngl.Context) -> None:
    picture, clock = company(context, bodies(3), (640, 360)), FixedClock(30)
    shown = [frame(picture, 1, clock)]
    shown += [frame(picture, 3, clock) for _ in range(90)]
    shown += [frame(picture, 1, clock, there=3) for _ in range(30)]
    shown += [frame(picture, 1, clock) for _ in range(60)]
    lightness = np.array([pixels.mean() for pixels in shown]) / 255
    assert np.abs(np.diff(lightness)).max() < 0.03
    assert lightness[90] < lightness[0] - 0.02
    assert (shown[-1] == shown[0]).all()


@pytest.mark.parametrize("size", [(640, 360), (334, 518)])
def test_mirrored_a_dancer_alone_is_the_picture_mirrored(context: moderngl.Context, size: tuple[int, int]) -> None:
    images = soft_blobs(5)
    picture, clock = company(context, images, size), FixedClock(30)
    plain = frame(picture, 1, clock).astype(int)
    turning = [frame(picture, 1, clock, dance_mirror=1) for _ in range(90)]
    assert np.abs(turning[-1][:, ::-1] - plain).max() <= 1
    coverage = np.array([255 - pixels.mean() for pixels in turning])
    assert coverage.min() < 0.3 * coverage[-1]  # it turns about, and is seen edge on


def test_mirrored_in_company_the_left_half_mirrors_the_right(context: moderngl.Context) -> None:
    images = np.repeat(bodies(1), 2, axis=0)
    images[:, 20:24, 70:80] = 0  # an arm
    picture, clock = company(context, images, (640, 360)), FixedClock(30)
    frames = [frame(picture, 2, clock, dance_mirror=mirror) for mirror in [0] + 90 * [1]]
    assert np.abs(frames[-1].astype(int) - frames[-1][:, ::-1]).max() <= 1
    assert np.abs(frames[0].astype(int) - frames[0][:, ::-1]).max() > 100


def test_far_bodies_look_as_near_ones_do(context: moderngl.Context, monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.concatenate([soft_blobs(seed, 104, 60) for seed in range(2)])
    size = (416, 240)  # under four pixels to a texel
    far = frame(company(context, images, size), 2, FixedClock(30)).astype(int)
    monkeypatch.setattr("engine.coverage.FAR", 0.0)
    near = frame(company(context, images, size), 2, FixedClock(30))
    assert np.abs(far - near).mean() < 2
    assert ((far > 127) != (near > 127)).mean() < 0.006


def test_a_disc_keeps_its_area(context: moderngl.Context) -> None:
    y, x = np.mgrid[:120, :208]
    for radius in (3, 6, 20):
        coverage = np.clip(radius + 0.5 - np.hypot(x - 100.3, y - 60.7), 0, 1)
        pixels = draw(context, (255 * (1 - coverage)).astype(np.uint8)[None], (1664, 960))
        area = (1 - pixels / 255).sum() / 64
        assert area == pytest.approx(np.pi * radius**2, rel=0.12 if radius == 3 else 0.04)


def test_a_resized_picture_is_drawn_as_one_made_at_that_size(context: moderngl.Context) -> None:
    images = soft_blobs(4)
    picture = Coverage(context, lambda latents: images, DARK_SILHOUETTE, (52, 30), (640, 360))
    latents = np.zeros((1, 4), np.float32)
    picture.prepare(latents)
    picture.draw(values(1), FixedClock(30))
    picture.resize((501, 333))
    picture.prepare(latents)
    pixels = 255 - picture.draw(values(1), FixedClock(30)).read()
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
    for name in ("screen.vert", "dancer.vert"):
        (tmp_path / name).write_text((passes.FOLDER / name).read_text())
    (tmp_path / "dancer.frag").write_text("#version 330 core\nvoid main() { swril(); }\n")
    monkeypatch.setattr(passes, "FOLDER", tmp_path)
    with pytest.raises(moderngl.Error, match=r"dancer\.frag: (?s:.*)swril"):
        draw(context, blank(), (64, 64))
