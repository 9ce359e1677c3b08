"""Controls: live values that go where they are sent, at the same pace at any frame rate."""

import math

import pytest

from engine.controls import Controls
from engine.parameters import PARAMETERS, Parameter

ROWS = (
    Parameter("dance", "slow", 0.0, 0.0, 10.0, 0.5, 0.25, "nears its target"),
    Parameter("dance", "fast", 1.0, 0.0, 10.0, 0.0, 0.0, "is there at once"),
    Parameter("dance", "count", 0.0, 0.0, 9.0, 0.0, 0.0, "a whole number", integer=True),
)


def test_an_address_is_made_of_group_and_name() -> None:
    assert PARAMETERS[0].key == "dance/temperature"
    assert PARAMETERS[0].address == "/dancenet/dance/temperature"


def test_parameters_have_their_defaults_in_their_ranges_and_addresses_of_their_own() -> None:
    assert all(row.low <= row.default <= row.high and row.doc for row in PARAMETERS)
    assert len({row.address for row in PARAMETERS}) == len(PARAMETERS)


def test_values_start_at_their_defaults_or_those_given() -> None:
    assert dict(Controls(ROWS, {"dance/slow": 3}).snapshot()) == {"dance/slow": 3, "dance/fast": 1, "dance/count": 0}


@pytest.mark.parametrize("rate", [30, 60, 144])
def test_a_value_is_where_the_exponential_says_at_any_frame_rate(rate: int) -> None:
    controls = Controls(ROWS)
    controls.set("dance/slow", 8)
    for _ in range(rate):
        controls.advance(1 / rate)
    assert controls.snapshot()["dance/slow"] == pytest.approx(8 * (1 - math.exp(-1 / 0.5)), rel=1e-9)


def test_release_is_its_own_pace() -> None:
    controls = Controls(ROWS, {"dance/slow": 8})
    controls.set("dance/slow", 0)
    controls.advance(0.25)
    assert controls.snapshot()["dance/slow"] == pytest.approx(8 * math.exp(-1))


def test_a_value_arrives_and_stays() -> None:
    controls = Controls(PARAMETERS)
    controls.set("dance/speed", 0)
    for _ in range(60):
        controls.advance(1 / 30)
    assert controls.snapshot()["dance/speed"] == 0


def test_without_smoothing_a_value_is_there_with_the_next_frame() -> None:
    controls = Controls(ROWS)
    controls.set("dance/fast", 4)
    controls.advance(1e-6)
    assert controls.snapshot()["dance/fast"] == 4


@pytest.mark.parametrize(("sent", "taken"), [(-5, 0), (99, 10), (3, 3)])
def test_a_value_is_clamped_to_its_range(sent: float, taken: float) -> None:
    controls = Controls(ROWS)
    controls.set("dance/slow", sent)
    assert controls.target("dance/slow") == taken


def test_a_whole_parameter_takes_the_nearest_whole_number() -> None:
    controls = Controls(ROWS)
    controls.set("dance/count", 3.7)
    assert controls.target("dance/count") == 4


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_with_address_value_and_range(value: float) -> None:
    controls = Controls(PARAMETERS)
    with pytest.raises(ValueError, match=f"^/dancenet/dance/temperature: {value} is not a number in 0.05..3$"):
        controls.set("dance/temperature", value)
    assert controls.target("dance/temperature") == 1


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(KeyError, match="dance/swril"):
        Controls(ROWS).set("dance/swril", 1)


def test_a_snapshot_is_of_its_frame_and_cannot_be_changed() -> None:
    controls = Controls(ROWS)
    before = controls.snapshot()
    controls.set("dance/fast", 4)
    controls.advance(1)
    assert before["dance/fast"] == 1
    with pytest.raises(TypeError):
        before["dance/fast"] = 2  # type: ignore[index]
