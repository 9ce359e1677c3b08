"""What each address does, over real sockets, from the same tables that declare it."""

import socket
from collections.abc import Iterator

import pytest

from engine.controls import MOST_WAITING, Controls
from engine.parameters import COMMANDS, PARAMETERS, SIGNALS, Command, Parameter
from engine.sources.osc_addresses import MOST_COMMANDS, ROUTE, SUBSCRIBE, UNSUBSCRIBE
from engine.sources.osc_complaints import LONGEST_LINE, MOST_TOLD
from tests.fixtures.osc import TEMPERATURE, Line, a_line, bundle, heard, listener, message

RECALL = "/dancenet/scene/recall"
RESET = "/dancenet/dance/reset"


@pytest.fixture
def line() -> Iterator[Line]:
    with a_line() as line:
        yield line


@pytest.fixture
def asker() -> Iterator[socket.socket]:
    with listener() as asker:
        yield asker


@pytest.mark.parametrize(
    ("types", "value", "got"),
    [
        ("f", 0.5, 0.5),
        ("d", 1.7, 1.7),
        ("i", 2, 2.0),
        ("h", 2, 2.0),
        ("T", True, 1.0),
        ("F", False, 0.05),
        ("s", "1.25", 1.25),
        ("f", -7.0, 0.05),
        ("d", 1e300, 3.0),
        ("h", -(2**63), 0.05),
    ],
)
def test_a_value_of_any_type_is_made_a_number_and_clamped(line: Line, types: str, value: object, got: float) -> None:
    assert line.say(TEMPERATURE, value, types=types) == got
    assert line.told == []


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.key)
def test_every_parameter_is_set_by_its_address_its_unit_and_its_choices(line: Line, parameter: Parameter) -> None:
    line.say(parameter.address, parameter.low, types="d")
    assert line.controls.target(parameter.key) == parameter.low
    line.say(f"{parameter.address}/unit", 1)
    assert line.controls.target(parameter.key) == parameter.high
    for place, choice in enumerate(parameter.choices):
        line.say(parameter.address, choice.upper())
        assert line.controls.target(parameter.key) == place
    assert line.told == []


def test_an_array_sets_by_its_first_number(line: Line) -> None:
    assert line.say(TEMPERATURE, [0.5, 2.0]) == 0.5


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("below", ["", "/unit"])
def test_what_is_no_finite_number_is_told_once_and_left_out(line: Line, value: float, below: str) -> None:
    for _ in range(2):
        line.send(message("/dancenet/dance/speed", 2), message(TEMPERATURE + below, value))
        assert line.poll() == 1.0
        assert line.controls.target("dance/speed") == 2
    allowed = "0..1" if below else "0.05..3"
    assert line.told == [f"osc: {TEMPERATURE}{below}: {value} is not a number in {allowed}"]


def test_a_message_without_a_number_is_told_once(line: Line) -> None:
    for _ in range(2):
        line.send(message(TEMPERATURE), message(TEMPERATURE, "hot"), message(TEMPERATURE, b"\x01\x02"))
        line.send(message("/dancenet/tempo/quantise", "soon"), message(f"{TEMPERATURE}/unit", None))
        assert line.poll() == 1.0
    assert line.told == [
        f"osc: {TEMPERATURE}: a number is wanted first",
        "osc: /dancenet/tempo/quantise: a number or now, beat, bar is wanted first",
        f"osc: {TEMPERATURE}/unit: a number is wanted first",
    ]


def plain(command: Command) -> bool:
    return not command.argument


@pytest.mark.parametrize(
    "command", [each for each in COMMANDS if plain(each) and not each.toggles], ids=lambda c: c.key
)
def test_every_command_is_done_by_nothing_by_a_word_and_when_its_number_rises(line: Line, command: Command) -> None:
    line.say(command.address)
    line.say(command.address)
    line.say(command.address, "bang")
    assert line.done == [(command.key,)] * 3
    for value in (0.0, 0.4, 0.6, 0.9, 1.0, 0.5, 1, True, False, True):
        line.say(command.address, value)
    assert line.done == [(command.key,)] * 6


@pytest.mark.parametrize("command", [each for each in COMMANDS if each.toggles], ids=lambda command: command.key)
def test_a_switch_is_turned_over_and_back(line: Line, command: Command) -> None:
    before = line.controls.target(command.toggles)
    line.say(command.address)
    assert line.controls.target(command.toggles) != before
    for value in (1.0, 1.0, 0.0):
        line.say(command.address, value)
    assert line.controls.target(command.toggles) == before


@pytest.mark.parametrize("command", [each for each in COMMANDS if not plain(each)], ids=lambda command: command.key)
def test_a_command_that_takes_something_takes_a_name_or_a_number(line: Line, command: Command) -> None:
    line.say(command.address, "calm")
    line.say(command.address, 2)
    line.say(command.address, 2)  # a whole number is sent on purpose
    assert line.done == [(command.key, "calm"), (command.key, 2.0), (command.key, 2.0)]
    line.say(command.address)
    assert line.told == [f"osc: {command.address}: {command.argument} is wanted"]


def test_a_fraction_that_every_cook_sends_recalls_a_scene_when_it_changes(line: Line) -> None:
    for value in (0.0, 0.0, 2.0, 2.0, 3.0, 0.0, 3.0, 3.0):
        line.say(RECALL, value)
    assert line.done == [("scene/recall", 2.0), ("scene/recall", 3.0), ("scene/recall", 3.0)]


def test_a_scene_is_recalled_with_a_fade_in_seconds_or_beats(line: Line) -> None:
    line.say(RECALL, "calm", 4)
    line.say(RECALL, 2, "4b")
    line.say("/dancenet/scene/store", "calm", 4)
    assert line.done == [("scene/recall", "calm", 4.0), ("scene/recall", 2.0, "4b"), ("scene/store", "calm")]


def test_commands_refuse_what_is_no_number_and_what_no_scene_is_called(line: Line) -> None:
    for arguments in ([float("nan")], ["x" * 101], ["calm", float("inf")]):
        line.say(RECALL, *arguments)
    line.say(RESET, float("inf"))
    assert line.done == []
    assert line.told == [
        f"osc: {address}: numbers, and names that are not long, are wanted" for address in (RECALL, RESET)
    ]


def test_commands_and_values_keep_their_order(line: Line) -> None:
    speeds = []
    line.controls.handle("scene/store", lambda name: speeds.append(line.controls.target("dance/speed")))
    speed = "/dancenet/dance/speed"
    line.send(message(speed, 2), message("/dancenet/scene/store", "a"), message(speed, 3), message(RESET))
    line.send(message("/dancenet/scene/store", "b"))
    line.poll()
    assert speeds == [2, 3]
    assert line.done == [("dance/reset",)]


def test_the_commands_of_a_frame_and_those_that_wait_are_bounded(line: Line) -> None:
    line.send(bundle(0, *[message(RESET)] * (MOST_COMMANDS + 10)))
    line.poll()
    assert len(line.done) == MOST_COMMANDS
    assert line.told == ["osc: more than 64 commands in a frame; the rest are left out"]
    line.controls.set("tempo/quantise", 1)
    for _ in range(3):
        line.send(bundle(0, *[message(RESET)] * MOST_COMMANDS))
        line.poll()
    assert len(line.controls.waiting) == MOST_WAITING


@pytest.mark.parametrize("form", ["argument", "address"])
def test_a_question_is_answered_at_the_askers_port(line: Line, asker: socket.socket, form: str) -> None:
    port = asker.getsockname()[1]
    line.controls.set("dance/temperature", 1.525)
    line.controls.signal("audio/level", 0.25)
    addresses = (TEMPERATURE, f"{TEMPERATURE}/unit", "/dancenet/audio/level", "/dancenet/audio/bass")
    for address in addresses:
        line.say(*((address, "?", port) if form == "argument" else (f"{address}/?", port)))
    assert heard(asker) == [
        (addresses[0], pytest.approx(1.525)),
        (addresses[1], 0.5),
        (addresses[2], 0.25),
        (addresses[3], 0.0),  # not live
    ]
    assert line.told == []


def test_a_question_with_a_wildcard_asks_each(line: Line, asker: socket.socket) -> None:
    line.say("/dancenet/dance/s*", "?", asker.getsockname()[1])
    assert heard(asker) == [
        ("/dancenet/dance/sigma_temperature", 1.0),
        ("/dancenet/dance/speed", 1.0),
        ("/dancenet/dance/seed", 0.0),
    ]


def test_asking_a_command_does_not_do_it(line: Line) -> None:
    line.say(RESET, "?")
    line.say(f"{RESET}/?")
    assert line.done == []
    assert line.told == [f"osc: {RESET} is done, and has no value to ask for"]


def test_wildcards_set_every_parameter_they_meet_and_do_no_command_beside_it(line: Line) -> None:
    line.say("/dancenet/dance/*temperature", 0.5)
    keys = [key for key in line.controls.parameters if key.endswith("temperature")]
    assert [line.controls.target(key) for key in keys] == [0.5, 0.5, 0.5]
    line.say("/dancenet/{dance,tempo}/*/unit", 1)
    assert line.controls.target("dance/unison") == 1
    assert line.controls.target("tempo/bpm") == 300
    line.say("/dancenet/lfo/[1-3]_shape", "saw")
    assert [line.controls.target(f"lfo/{number}_shape") for number in range(1, 5)] == [2, 2, 2, 0]
    assert line.done == []


def test_wildcards_that_meet_commands_alone_do_them(line: Line) -> None:
    line.say("/dancenet/dance/{reset,reseed}", 1.0)
    line.say("/dancenet/dance/{reset,reseed}", 1.0)
    assert line.done == [("dance/reseed",), ("dance/reset",)]


def test_wildcards_that_meet_nothing_or_make_no_pattern_are_told_once(line: Line) -> None:
    for _ in range(2):
        line.say("/dancenet/dance/x*", 1.0)
        line.say("/dancenet/dance/[a", 1.0)
        line.say("/dancenet/" + "*" * 200, 1.0)
    assert line.told == [
        "osc: '/dancenet/dance/x*' meets no address",
        "osc: '/dancenet/dance/[a': a [ without its end",
    ]


def test_an_unknown_address_is_told_once_with_the_nearest(line: Line) -> None:
    unknown = message("/dancenet/dance/temprature", 0.5)
    line.send(*[unknown] * 3)
    assert line.poll() == 1.0
    line.send(unknown, message("/7\x1b[2J", 1), message("/dancenet/subscrbe"), message("/live/song/get/tempo", 120.0))
    line.poll()
    assert line.told == [
        "osc: unknown address '/dancenet/dance/temprature'; did you mean /dancenet/dance/temperature?",
        r"osc: unknown address '/7\x1b[2J'",
        "osc: unknown address '/dancenet/subscrbe'; did you mean /dancenet/subscribe?",
        "osc: unknown address '/live/song/get/tempo'",
    ]


def test_strangers_cannot_fill_the_terminal(line: Line) -> None:
    for number in range(3 * MOST_TOLD):
        line.send(message(f"/{number}", 1))
    line.send(message("/dancenet/route", "x" * 40_000, "dance/speed", 1.0))
    line.poll()
    assert len(line.told) <= MOST_TOLD
    assert max(map(len, line.told)) <= LONGEST_LINE + len("osc: ")


def test_a_signal_cannot_be_set_and_no_address_has_two_meanings(line: Line) -> None:
    line.say("/dancenet/audio/level", 1.0)
    assert line.controls.signals == {}
    assert line.told == ["osc: /dancenet/audio/level is a signal: it is sent, and cannot be set"]
    keys = [*(row.key for row in PARAMETERS), *(row.key for row in COMMANDS), *(row.key for row in SIGNALS)]
    assert len(set(keys)) == len(keys)
    assert not {key.partition("/")[0] for key in keys} & {ROUTE, SUBSCRIBE, UNSUBSCRIBE}
    assert not [key for key in keys if key.rpartition("/")[2] in ("unit", "?", "to")]


def test_a_change_bears_its_senders_name(line: Line) -> None:
    line.sender.bind(("127.0.0.1", 0))
    line.send(message(TEMPERATURE, 2))
    line.osc.poll(line.controls)
    assert line.controls.take_changes() == {"dance/temperature": f"osc:127.0.0.1:{line.sender.getsockname()[1]}"}


def test_controls_of_fewer_parameters_are_played_as_they_are() -> None:
    with a_line() as line:
        assert isinstance(line.controls, Controls)
        del line.controls.parameters["dance/speed"]
        line.say("/dancenet/dance/speed", 2)
        assert line.told == ["osc: unknown address '/dancenet/dance/speed'; did you mean /dancenet/dance/seed?"]


def test_wildcards_meet_the_parameters_of_now() -> None:
    late = Parameter("dance", "zeal", 0.0, 0.0, 9.0, 0.0, 0.0, "comes in the show")
    with a_line() as line:
        line.say("/dancenet/dance/z*", 3)
        assert line.told == ["osc: '/dancenet/dance/z*' meets no address"]
        line.controls.declare([late])
        line.say("/dancenet/dance/z*", 3)
        assert line.controls.target("dance/zeal") == 3
        line.controls.withdraw(["dance/zeal"])
        line.say("/dancenet/dance/z*", 4)
        line.controls.declare([late])
        assert line.controls.target("dance/zeal") == 0


@pytest.mark.parametrize(("arguments", "high"), [((), 1), ((1,), 1), ((True,), 1), (("now",), 1), ((0,), 0)])
def test_a_momentary_parameter_is_pressed_by_nothing_or_by_a_value(arguments: tuple[object, ...], high: float) -> None:
    with a_line() as line:
        burst = Parameter(
            "fx", "burst", 0, 0, 1, 0, 0, "an event", integer=True, choices=("off", "now"), momentary=True
        )
        line.controls.declare([burst])
        line.say(burst.address, *arguments)
        line.controls.advance(1 / 30)
        assert line.controls.snapshot()["fx/burst"] == high
        assert line.told == []
