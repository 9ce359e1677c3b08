"""Routes: a signal moves a parameter by its amount, along its curve, in its own time."""

import math

import pytest

from engine.routes import EASE_OUT, Route, Routes

ENDS = "audio/bass", "dance/speed"


@pytest.mark.parametrize(
    ("fields", "signal", "offset"),
    [
        ({}, 0.5, 0.2),
        ({"curve": 2.0}, 0.5, 0.1),
        ({"invert": True}, 0.25, 0.3),
        ({"invert": True, "curve": 2.0}, 0.5, 0.1),
        ({"centre": 0.5}, 0.25, -0.1),
        ({}, 3.0, 0.4),
    ],
)
def test_the_offset_is_that_of_the_formula(fields: dict, signal: float, offset: float) -> None:
    routes = Routes([Route(*ENDS, 0.4, **fields)])
    assert routes.advance(1 / 30, {"audio/bass": signal}) == {"dance/speed": pytest.approx(offset)}


@pytest.mark.parametrize("rate", [30, 144])
def test_attack_and_release_are_exponential_at_any_frame_rate(rate: int) -> None:
    routes = Routes([Route(*ENDS, 1.0, attack=0.5, release=2.0)])
    for _ in range(rate):
        offset = routes.advance(1 / rate, {"audio/bass": 1.0})["dance/speed"]
    assert offset == pytest.approx(1 - math.exp(-1 / 0.5))
    for _ in range(rate):
        fallen = routes.advance(1 / rate, {"audio/bass": 0.0})["dance/speed"]
    assert fallen == pytest.approx(offset * math.exp(-1 / 2))


def test_routes_to_one_parameter_add_up() -> None:
    routes = Routes([Route(*ENDS, 0.4), Route("audio/high", "dance/speed", -0.1)])
    assert routes.advance(1, {"audio/bass": 1, "audio/high": 1}) == {"dance/speed": pytest.approx(0.3)}


def test_a_route_whose_signal_is_gone_eases_out() -> None:
    routes = Routes([Route(*ENDS, 1.0)])
    routes.advance(1, {"audio/bass": 1})
    assert routes.advance(EASE_OUT, {})["dance/speed"] == pytest.approx(math.exp(-1))


def test_a_route_is_changed_in_place() -> None:
    routes = Routes([Route(*ENDS, 1.0, attack=1.0)])
    moved = routes.advance(0.5, {"audio/bass": 1})["dance/speed"]
    routes.set(Route(*ENDS, 0.5, attack=1e9))
    assert routes.advance(1e-9, {"audio/bass": 1})["dance/speed"] == pytest.approx(moved / 2)
    assert len(routes) == 1


def test_a_route_of_no_amount_is_taken_out_and_what_it_moved_eases_back() -> None:
    routes = Routes([Route(*ENDS, 0.5)])
    routes.advance(1, {"audio/bass": 1})
    routes.set(Route(*ENDS, 0.0))
    assert list(routes) == []
    assert routes.advance(EASE_OUT, {"audio/bass": 1}) == {"dance/speed": pytest.approx(0.5 * math.exp(-1))}
    for _ in range(10):
        routes.advance(EASE_OUT, {})
    assert routes.advance(EASE_OUT, {}) == {}


def test_replacing_keeps_where_the_ones_that_stay_are() -> None:
    routes = Routes([Route(*ENDS, 1.0, release=1e9), Route("audio/high", "dance/canon", 1.0)])
    routes.advance(1, {"audio/bass": 1, "audio/high": 1})
    routes.replace([Route(*ENDS, 1.0, release=1e9), Route("lfo/1", "dance/canon", 1.0)])
    offsets = routes.advance(EASE_OUT, {"audio/bass": 0})
    assert offsets == {"dance/speed": pytest.approx(1), "dance/canon": pytest.approx(math.exp(-1))}
    assert routes.get("audio/high", "dance/canon") is None


def test_numbers_of_a_route_are_brought_into_their_ranges() -> None:
    made = Route.made(*ENDS, 7, curve=0, attack=-1, release=1e9, invert=1, centre=2)
    assert made == Route(*ENDS, 1.0, curve=1 / 8, attack=0, release=60, invert=True, centre=1)


@pytest.mark.parametrize("name", ["amount", "curve", "centre"])
def test_what_is_no_number_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"route audio/bass -> dance/speed: {name} is nan, not a number"):
        Route.made("audio/bass", "dance/speed", **{"amount": 0.1, name: math.nan})
