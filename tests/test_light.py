"""The light: what the values ask for, and the picture in it; and its cells, in any light, against the true curve."""

import moderngl
import numpy as np
import pytest

from engine.cells import CELLS, Cells
from engine.light import Lit, light_of

SIZE = (64, 36)  # two pixels to a cell each way


def linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    ("dimmer", "black", "light"), [(1, 0, 1), (0.5, 0, 128 / 255), (1, 0.8, 51 / 255), (0.4, 0.5, 51 / 255), (1, 1, 0)]
)
def test_the_dimmer_and_black_make_the_light_in_steps_of_8_bits(dimmer: float, black: float, light: float) -> None:
    assert light_of({"picture/dimmer": dimmer, "picture/black": black}) == light


def test_a_picture_in_full_light_is_itself_and_else_a_copy_every_pixel_of_which_is_dimmed(
    context: moderngl.Context,
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 4), np.uint8)
    texture = context.texture(SIZE, 4, image.tobytes())
    lit = Lit(context, texture)
    assert lit.texture() is texture
    for light in (0.2, 0.6, 0.0):
        lit.show(texture, light)
        shown = np.frombuffer(lit.texture().read(), np.uint8).reshape(image.shape)
        assert np.abs(shown[..., :3] - image[..., :3] * light).max() <= 0.51
        assert (shown[..., 3] == image[..., 3]).all()
    lit.show(texture, 1.0)
    assert lit.texture() is texture
    lit.release()
    texture.release()
    assert context.error == "GL_NO_ERROR"


@pytest.mark.parametrize("light", [1.0, 0.7, 0.4, 0.1, 0.0])
def test_the_cells_of_a_picture_in_a_light_are_those_of_the_picture_it_makes(
    context: moderngl.Context, light: float
) -> None:
    columns, rows = CELLS
    colours = np.random.default_rng(2).integers(0, 256, (rows, columns, 3), np.uint8)
    colours[0], colours[1] = np.linspace(0, 255, columns).astype(np.uint8)[:, None], [255, 0, 0]
    image = np.repeat(np.repeat(colours, SIZE[1] // rows, 0), SIZE[0] // columns, 1)
    texture = context.texture(SIZE, 3, image.tobytes(), alignment=1)
    cells = Cells(context)
    cells.measure(texture)
    found = cells.read().in_light(light)
    true = linear(colours / 255 * light)
    assert found.shape == (rows, columns, 4)
    assert np.abs(found[..., :3] - true).max() < 0.002
    assert np.abs(found[..., 3] - np.maximum(true[..., 0] - true[..., 1] - true[..., 2], 0)).max() < 0.006
    cells.release()
    texture.release()
    assert context.error == "GL_NO_ERROR"
