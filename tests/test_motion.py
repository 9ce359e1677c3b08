"""The report's figures, held against closed forms on images that are drawn here."""

import numpy as np
import pytest

from training.motion import SPECK, blur, energy, figures, loose_pieces, poses

DARK = "dark silhouette"


def body(*parts: tuple[int, int, int, int], value: int = 0) -> np.ndarray:
    """An image of a dancer made of rectangles (top, left, height, width), dark on white, (60, 104) uint8."""
    image = np.full((60, 104), 255, np.uint8)
    for top, left, height, width in parts:
        image[top : top + height, left : left + width] = value
    return image


def test_a_limb_apart_from_the_body_is_a_loose_piece() -> None:
    trunk = (20, 40, 20, 10)
    whole = body(trunk, (15, 50, 5, 8))  # touching at a corner
    hand = body(trunk, (10, 60, 4, 3))
    speck = body(trunk, (10, 60, 1, SPECK - 1))
    faint = body(trunk, (10, 60, 4, 3))
    faint[10:14, 60:63] = 140  # covered by less than half
    nobody = body()
    assert loose_pieces(np.stack([whole, speck, faint, nobody]), DARK) == 0
    assert loose_pieces(np.stack([hand, whole, whole, hand, hand]), DARK) == 0.6
    assert loose_pieces(255 - np.stack([hand, whole]), "light silhouette") == 0.5


def test_blur_is_none_for_crisp_images_and_one_for_even_grey() -> None:
    assert blur(body((20, 40, 20, 10))[None], DARK) == 0
    half = body((20, 40, 20, 10), value=127)[None]
    assert blur(half, DARK) == pytest.approx(4 * 127 / 255)  # of coverage 128/255: 4 m (1 - m) / m


def test_energy_is_the_speed_of_the_pose() -> None:
    still = np.stack([body((20, 40, 20, 8))] * 30)
    assert not energy(poses(still, DARK)).any()
    # A cell of 4x4 pixels is covered more in one step: one of the pose's 390 numbers goes from 0 to 1.
    jump = still.copy()
    jump[15:, 48:52, 40:44] = 0
    assert energy(poses(jump, DARK)) == pytest.approx(1 / 15, rel=1e-5)


def test_footage_scores_as_itself() -> None:
    random = np.random.Generator(np.random.PCG64(1))
    walk = np.cumsum(random.integers(-2, 3, 300))
    clip = np.stack([body((20, 40 + int(x) % 40, 20, 10)) for x in walk])
    for name, (danced, real) in figures(clip, [clip], DARK).items():
        assert danced == pytest.approx(real, abs=0.02), name
