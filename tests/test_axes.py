"""A push moves the bodies shown along the bank's principal axes, never further than the bank goes, and nothing else;
and a dance is held to those that the footage moves along."""

import re
from pathlib import Path

import numpy as np
import pytest

from engine.__main__ import main
from engine.axes import KEYS, REACH, Axes
from engine.bundle import open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from tests.fixtures.tiny_bundle import HEIGHT, WIDTH, write_tiny_bundle

DEFAULT = Path(__file__).parent.parent / "models" / "default"
VALUES = {row.key: row.default for row in PARAMETERS}
NONE = dict.fromkeys(KEYS, 0.0)
# Deviations of the made bank's numbers, of which the first is its first axis, and so on.
WIDE = np.array([5.0, 3.0, 2.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05], np.float32)
# A bank whose latents move along so many of their axes.
SIZE, WAYS = 16, 5


def made_bank() -> np.ndarray:
    """(100, 30, 10): numbers that have nothing to do with each other, the first the widest, about a mean of 7."""
    random = np.random.default_rng(0).standard_normal((3000, 10))
    random -= random.mean(0)
    independent, _ = np.linalg.qr(random)
    return (independent * np.sqrt(3000) * WIDE + 7).astype(np.float32).reshape(100, 30, 10)


@pytest.mark.parametrize("number", [1, 2, 8])
def test_a_push_of_one_moves_two_deviations_along_its_axis_alone(number: int) -> None:
    axes = Axes(made_bank())
    at_the_mean = np.full((2, 10), 7.0, np.float32)
    for push in (1.0, 0.25, -1.0):
        moved = axes.push(at_the_mean, NONE | {f"dance/axis{number}": push}) - 7
        expected = np.zeros(10)
        expected[number - 1] = REACH * push * WIDE[number - 1]
        np.testing.assert_allclose(moved, np.tile(expected, (2, 1)), atol=2e-4 * WIDE[0])


def test_the_shares_are_those_of_the_variance() -> None:
    np.testing.assert_allclose(Axes(made_bank()).shares, (WIDE**2 / (WIDE**2).sum())[:8], rtol=1e-4)


def test_a_push_goes_no_further_than_the_bank_does_and_leaves_what_is_beyond() -> None:
    bank = made_bank()
    axes = Axes(bank)
    greatest = bank[..., 0].max()
    near = np.full((1, 10), 7.0, np.float32)
    near[0, 0] = greatest - 1
    assert axes.push(near, NONE | {"dance/axis1": 1.0})[0, 0] == pytest.approx(greatest, abs=1e-3)
    beyond = near.copy()
    beyond[0, 0] = greatest + 2
    assert axes.push(beyond, NONE | {"dance/axis1": 1.0})[0, 0] == pytest.approx(greatest + 2, abs=1e-3)
    assert axes.push(beyond, NONE | {"dance/axis1": -0.1})[0, 0] == pytest.approx(greatest + 1, abs=1e-3)


def test_no_push_is_no_change_to_the_bit() -> None:
    latents = np.random.default_rng(1).standard_normal((3, 10)).astype(np.float32)
    assert Axes(made_bank()).push(latents, NONE) is latents


def test_latents_of_few_numbers_have_as_many_axes() -> None:
    axes = Axes(np.random.default_rng(2).standard_normal((100, 30, 3)).astype(np.float32))
    latents = np.zeros((1, 3), np.float32)
    assert axes.shares.shape == (3,)
    np.testing.assert_array_equal(axes.push(latents, NONE | {"dance/axis8": 1.0}), latents)
    assert (axes.push(latents, NONE | {"dance/axis3": 1.0}) != latents).any()


def test_the_dance_goes_on_as_it_was_under_a_push(tmp_path: Path) -> None:
    bundle = open_bundle(write_tiny_bundle(tmp_path / "tiny"))
    pushed, left_alone = (Dancer(bundle, [3]) for _ in range(2))
    push = {"dance/axis1": 0.5, "dance/axis2": -1.0}
    for tick in range(60):
        shown = pushed.advance(1 / 30, VALUES | (push if 20 <= tick < 40 else {}))
        plain = left_alone.advance(1 / 30, VALUES)
        assert (shown != plain).any() == (20 <= tick < 40)
        assert pushed.motion == left_alone.motion
        np.testing.assert_array_equal(pushed.steps, left_alone.steps)
    for name, value in left_alone.state().items():
        np.testing.assert_array_equal(pushed.state()[name], value)


def test_bodies_of_the_dancer_that_ships_stay_whole_at_the_end_of_every_axis() -> None:
    bundle = open_bundle(DEFAULT, "cpu")
    axes = Axes(bundle.bank)
    latents = bundle.bank[::16, 15]
    pushed = [axes.push(latents, NONE | {key: push}) for key in KEYS for push in (-1.0, 1.0)]
    images = bundle.decode(np.concatenate(pushed))
    areas = 1 - images.mean((1, 2)) / 255
    low, high = bundle.metadata.health.area
    assert ((areas > low) & (areas < high)).all()
    # And each is another picture than the body that was pushed.
    plain = np.tile(bundle.decode(latents), (len(pushed), 1, 1))
    assert (np.abs(images.astype(int) - plain).mean((1, 2)) > 0.1).all()


def test_explore_writes_a_page_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    page, picture = tmp_path / "axes.html", tmp_path / "axes.png"
    assert main(["explore", str(folder), "--out", str(page)]) == 0
    assert re.fullmatch(
        rf"{page}: the axes of tiny; of the latents' variance: axis1 \d+\.\d%, .*axis8 \d+\.\d%\n",
        capsys.readouterr().out,
    )
    text = page.read_text(encoding="utf-8")
    assert re.findall(r'alt="(dance/axis\d)" src="data:image/png;base64,iVBOR', text) == list(KEYS)
    assert main(["explore", str(folder), "--out", str(picture)]) == 0
    content = picture.read_bytes()
    columns, rows = 2 * 5, len(KEYS)
    size = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    assert size == (columns * WIDTH + 2 * (columns - 1), rows * HEIGHT + 2 * (rows - 1))


def test_explore_refuses_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["explore", str(tmp_path), "--out", "axes.gif"])
    assert "'axes.gif' ends in neither .html nor .png" in capsys.readouterr().err
    assert main(["explore", str(tmp_path / "gone"), "--out", str(tmp_path / "axes.html")]) == 1
    assert "no bundle there" in capsys.readouterr().err


@pytest.fixture(scope="module")
def directions() -> np.ndarray:
    """(SIZE, SIZE), orthogonal."""
    return np.linalg.qr(np.random.default_rng(1).normal(size=(SIZE, SIZE)))[0].astype(np.float32)


@pytest.fixture(scope="module")
def ways(directions: np.ndarray) -> np.ndarray:
    """Footage that moves in `WAYS` directions around a pose of 3, and in the others by a thousandth."""
    deviations = np.where(np.arange(SIZE) < WAYS, 1, 1e-3)
    return (3 + np.random.default_rng(2).normal(size=(100, 30, SIZE)) * deviations @ directions.T).astype(np.float32)


def test_only_the_directions_that_the_footage_moves_in_are_kept(ways: np.ndarray, directions: np.ndarray) -> None:
    axes = Axes(ways)
    assert axes.kept == WAYS
    mean = ways.reshape(-1, SIZE).mean(axis=0)
    inside = np.array([[2, -1, 0.5, 0, 3], [0, 0, 0, 1, -1]], np.float32) @ directions[:, :WAYS].T
    outside = np.array([[4] * (SIZE - WAYS), [-7] * (SIZE - WAYS)], np.float32) @ directions[:, WAYS:].T
    latents = mean + inside + outside
    axes.hold(latents)
    np.testing.assert_allclose(latents, mean + inside, atol=0.02)


def test_footage_stays_what_it_is(ways: np.ndarray) -> None:
    latents = ways[0].copy()
    Axes(ways).hold(latents)
    np.testing.assert_allclose(latents, ways[0], atol=0.01)


def test_where_the_footage_moves_in_every_direction_latents_are_left_alone_to_the_bit() -> None:
    random = np.random.default_rng(3)
    bank, latents = random.normal(size=(100, 30, SIZE)), random.normal(size=(4, SIZE)).astype(np.float32) * 9
    held = latents.copy()
    Axes(bank).hold(held)
    assert held.tobytes() == latents.tobytes()


@pytest.mark.parametrize("size", [1, SIZE])
def test_footage_without_any_motion_has_no_span_to_hold_a_dance_to(size: int) -> None:
    axes, latents = Axes(np.full((100, 30, size), 2.0)), np.arange(size, dtype=np.float32)[None]
    axes.hold(latents)
    assert axes.kept == size
    assert latents[0].tolist() == list(range(size))


def test_the_default_dance_does_not_leave_what_its_footage_spans() -> None:
    bundle = open_bundle(DEFAULT, "cpu")
    values = VALUES | {"dance/temperature": 1.5, "dance/dancers": 3}
    dancer = Dancer(bundle, [1, 2, 3])
    for _ in range(60):
        latents = dancer.advance(1 / 30, values)
    held = latents.copy()
    Axes(bundle.bank).hold(held)
    np.testing.assert_allclose(held, latents, atol=1e-4)
