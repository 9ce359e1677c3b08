"""Routes over OSC: both forms, what they keep, and what they refuse."""

from collections.abc import Iterator

import pytest

from engine.routes import Route
from tests.fixtures.osc import Line, a_line, heard, listener

BASS_TO_SPEED = "/dancenet/route/audio/bass/to/dance/speed"
ENDS = ("audio/bass", "dance/speed")


@pytest.fixture
def line() -> Iterator[Line]:
    with a_line() as line:
        yield line


def test_one_message_says_all_of_a_route(line: Line) -> None:
    line.say("/dancenet/route", *ENDS, 0.5, 2.0, 0.25, 1.0, True, 0.5)
    assert list(line.controls.routes) == [Route(*ENDS, 0.5, 2.0, 0.25, 1.0, True, 0.5)]
    line.say("/dancenet/route", "/dancenet/audio/bass", "/dancenet/dance/speed", -0.25)  # full addresses do too
    assert list(line.controls.routes) == [Route(*ENDS, -0.25, 2.0, 0.25, 1.0, True, 0.5)]  # the rest stays
    line.say("/dancenet/route", *ENDS, 0)
    assert list(line.controls.routes) == []
    assert line.told == []


def test_floats_alone_say_the_same(line: Line) -> None:
    line.say(BASS_TO_SPEED, 0.5)
    assert list(line.controls.routes) == [Route(*ENDS, 0.5)]
    for field, value in {"curve": 2.0, "attack": 0.25, "release": 1.0, "invert": 1.0, "centre": 0.5}.items():
        line.say(f"{BASS_TO_SPEED}/{field}", value)
    assert list(line.controls.routes) == [Route(*ENDS, 0.5, 2.0, 0.25, 1.0, True, 0.5)]
    assert line.told == []


def test_the_amount_may_come_last_and_a_fader_may_pass_through_0(line: Line) -> None:
    line.say(f"{BASS_TO_SPEED}/attack", 0.25)
    assert list(line.controls.routes) == []
    for amount in (0.5, 0.0, -0.5):
        line.say(BASS_TO_SPEED, amount)
    assert list(line.controls.routes) == [Route(*ENDS, -0.5, attack=0.25)]


def test_numbers_are_clamped_and_a_low_invert_is_none(line: Line) -> None:
    line.say("/dancenet/route", *ENDS, 7, 99, -1, 1000, 0.4, 2)
    assert list(line.controls.routes) == [Route(*ENDS, 1.0, 8.0, 0.0, 60.0, False, 1.0)]


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "signal, parameter and amount are wanted, then perhaps curve, attack, release, invert, centre"),
        (ENDS, "signal, parameter and amount are wanted, then perhaps curve, attack, release, invert, centre"),
        ((1, 2, 3), "signal, parameter and amount are wanted, then perhaps curve, attack, release, invert, centre"),
        (("audio/base", "dance/speed", 1.0), "unknown signal 'audio/base'"),
        (("audio/bass", "dance/sped", 1.0), "unknown parameter 'dance/sped'"),
        ((*ENDS, 1.0, "steep"), "curve: a number is wanted"),
        ((*ENDS, float("nan")), "route audio/bass -> dance/speed: amount is nan, not a number"),
    ],
)
def test_what_makes_no_route_is_told(line: Line, arguments: tuple[object, ...], fault: str) -> None:
    line.say("/dancenet/route", *arguments)
    assert line.told == [f"osc: /dancenet/route: {fault}"]
    assert list(line.controls.routes) == []


def test_a_field_that_is_no_number_is_told(line: Line) -> None:
    line.say(f"{BASS_TO_SPEED}/curve", float("inf"))
    line.say(BASS_TO_SPEED)
    assert line.told == [
        f"osc: {BASS_TO_SPEED}/curve: route audio/bass -> dance/speed: curve is inf, not a number",
        f"osc: {BASS_TO_SPEED}: a number is wanted first",
    ]


@pytest.mark.parametrize("below", ["/steep", "/curve/x", "/amount"])
def test_an_address_that_is_no_routes_is_unknown(line: Line, below: str) -> None:
    line.say(BASS_TO_SPEED + below, 1.0)
    line.say("/dancenet/route/audio/bass", 1.0)
    assert [told.partition(";")[0] for told in line.told] == [
        f"osc: unknown address '{BASS_TO_SPEED}{below}'",
        "osc: unknown address '/dancenet/route/audio/bass'",
    ]
    assert list(line.controls.routes) == []


def test_routes_can_be_asked_for(line: Line) -> None:
    line.controls.route(Route(*ENDS, 0.5, attack=0.25))
    with listener() as asker:
        port = asker.getsockname()[1]
        for address in (BASS_TO_SPEED, f"{BASS_TO_SPEED}/attack", "/dancenet/route"):
            line.say(address, "?", port)
        assert heard(asker) == [
            (BASS_TO_SPEED, 0.5),
            (f"{BASS_TO_SPEED}/attack", 0.25),
            ("/dancenet/route", *ENDS, 0.5, 1.0, 0.25, 0.0, 0.0, 0.0),
        ]


def test_a_route_moves_what_it_leads_to(line: Line) -> None:
    line.say(BASS_TO_SPEED, 0.25)
    line.controls.signal("audio/bass", 1.0)
    line.controls.advance(1 / 30)
    assert line.controls.snapshot()["dance/speed"] == 2.0  # 1 and a quarter of 0..4
