"""Keys step parameters at the next poll, and give the window its commands."""

import pytest

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.keys import FULLSCREEN, KEYS, LEAVE_FULLSCREEN, QUIT, Keys


@pytest.fixture
def controls() -> Controls:
    return Controls(PARAMETERS)


def test_up_and_down_step_the_temperature_when_polled(controls: Controls) -> None:
    keys = Keys()
    for name in ("UP", "UP", "UP", "DOWN"):
        assert keys.press(name) is None
    assert controls.target("dance/temperature") == 1.0
    keys.poll(controls)
    assert controls.target("dance/temperature") == pytest.approx(1.1)
    keys.poll(controls)
    assert controls.target("dance/temperature") == pytest.approx(1.1)


def test_a_key_stops_at_the_range_of_its_parameter(controls: Controls) -> None:
    keys = Keys()
    for _ in range(100):
        keys.press("DOWN")
    keys.poll(controls)
    assert controls.target("dance/temperature") == 0.05


def test_keys_of_the_window_are_commands(controls: Controls) -> None:
    keys = Keys()
    assert [keys.press(name) for name in ("F", "ESCAPE", "CTRL+Q")] == [FULLSCREEN, LEAVE_FULLSCREEN, QUIT]
    assert [keys.press(name) for name in ("Q", "CTRL+F", "X")] == [None, None, None]
    keys.poll(controls)
    assert controls.snapshot() == Controls(PARAMETERS).snapshot()


def test_every_key_of_the_table_does_one_thing_and_says_what() -> None:
    known = {parameter.key for parameter in PARAMETERS}
    for key in KEYS:
        assert key.doc
        assert bool(key.parameter) != bool(key.command)
        assert not key.parameter or (key.parameter in known and key.step)
    assert len({key.name for key in KEYS}) == len(KEYS)
