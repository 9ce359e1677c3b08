"""What a scene is: its fade, its place in the order, and what belongs to it."""

import pytest

from engine.parameters import PARAMETERS
from engine.scene import Fade, Scene, belongs


@pytest.mark.parametrize(
    ("given", "bpm", "seconds"),
    [(4, 120, 4), (2.5, 60, 2.5), ("4b", 120, 2), ("1.5b", 60, 1.5), ("3", 60, 3), (0, 1, 0)],
)
def test_a_fade_is_seconds_or_beats(given: float | str, bpm: float, seconds: float) -> None:
    assert Fade.of(given).seconds(bpm) == pytest.approx(seconds)


@pytest.mark.parametrize("given", [-1, "b", "", "nan", "infb", 601, True, None])
def test_anything_else_is_no_fade(given: object) -> None:
    with pytest.raises(ValueError, match="a fade is seconds, or beats as in 4b"):
        Fade.of(given)


def test_scenes_come_by_number_then_one_s_own_then_by_name() -> None:
    scenes = [
        Scene("a", "a", None, None, {}, None),
        Scene("10-a", "a", 10, None, {}, None),
        Scene("1-b", "B", 1, None, {}, None, shipped=True),
        Scene("1-a", "a", 1, None, {}, None, shipped=True),
        Scene("1-z", "z", 1, None, {}, None),
    ]
    assert [scene.stem for scene in sorted(scenes, key=lambda scene: scene.order)] == ["1-z", "1-a", "1-b", "10-a", "a"]


def test_what_belongs_to_a_scene_is_the_look_of_the_dance() -> None:
    groups = {row.group for row in PARAMETERS if belongs(row)}
    assert groups.isdisjoint({"tempo", "scene", "audio", "output"})
    kept = {row.key for row in PARAMETERS if row.group in ("dance", "picture") and not belongs(row)}
    held = {"picture/black", "picture/dimmer", "picture/closed", "picture/flash_limiter"}
    assert kept == {"dance/seed", "dance/frozen", *held}
