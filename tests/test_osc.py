"""OSC over real UDP sockets: what a message sets, and what no packet may do."""

import random
import socket
import struct
from collections.abc import Iterator

import pytest
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.osc import BUNDLE, MalformedError, Osc, messages

TEMPERATURE = "/dancenet/dance/temperature"


def message(address: str, *values: object) -> bytes:
    builder = OscMessageBuilder(address)
    for value in values:
        builder.add_arg(value)  # type: ignore[arg-type]
    return builder.build().dgram


def bundle(time: float, *contents: bytes) -> bytes:
    head = OscBundleBuilder(time).build().dgram  # type: ignore[arg-type]
    return head + b"".join(struct.pack(">i", len(content)) + content for content in contents)


class Line:
    """A source that listens on loopback, a sender, and what the source had to say."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.controls = Controls(PARAMETERS)
        # A clock that stands still: how long a busy machine takes is no part of what these tests are about.
        self.osc = Osc("127.0.0.1", 0, PARAMETERS, self.told.append, now=lambda: 0.0)
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, *datagrams: bytes) -> None:
        """Sends over loopback, where a datagram is in the receiver's buffer once `sendto` returns."""
        for datagram in datagrams:
            self.sender.sendto(datagram, ("127.0.0.1", self.osc.port or 0))

    def poll(self) -> float:
        self.osc.poll(self.controls)
        return self.controls.target("dance/temperature")

    def close(self) -> None:
        self.osc.close()
        self.sender.close()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


@pytest.mark.parametrize(("value", "got"), [(0.5, 0.5), (2, 2.0), (-7.0, 0.05), (1e9, 3.0)])
def test_a_number_sets_the_parameter_of_its_address(line: Line, value: float, got: float) -> None:
    line.send(message(TEMPERATURE, value))
    assert line.poll() == pytest.approx(got)
    assert line.told == []


def test_doubles_and_long_integers_are_numbers_too(line: Line) -> None:
    double = OscMessageBuilder(TEMPERATURE)
    double.add_arg(1.7, "d")
    long = OscMessageBuilder("/dancenet/dance/seed")
    long.add_arg(4_000_000_000, "h")
    line.send(double.build().dgram, long.build().dgram)
    assert line.poll() == 1.7
    assert line.controls.target("dance/seed") == 4_000_000_000


def test_the_newest_value_of_a_frame_wins(line: Line) -> None:
    line.send(*(message(TEMPERATURE, value) for value in (0.3, 2.5, 1.25)))
    assert line.poll() == 1.25


def test_bundles_count_in_their_order_whatever_their_time_tags(line: Line) -> None:
    far = 2e9  # in the year 2033
    inner = bundle(far, message(TEMPERATURE, 1.5), message("/dancenet/dance/speed", 2))
    line.send(bundle(far, message(TEMPERATURE, 0.5), inner))
    assert line.poll() == 1.5
    assert line.controls.target("dance/speed") == 2
    line.send(bundle(far, inner, message(TEMPERATURE, 0.75)))
    assert line.poll() == 0.75


def test_an_unknown_address_is_told_once_with_the_nearest(line: Line) -> None:
    line.send(*[message("/dancenet/dance/temprature", 0.5)] * 3)
    assert line.poll() == 1.0
    line.send(message("/dancenet/dance/temprature", 0.5), message("/7\x1b[2J", 1))
    line.poll()
    assert line.told == [
        "osc: unknown address '/dancenet/dance/temprature'; did you mean /dancenet/dance/temperature?",
        r"osc: unknown address '/7\x1b[2J'",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_finite_number_is_told_and_left_out(line: Line, value: float) -> None:
    line.send(message("/dancenet/dance/speed", 2), message(TEMPERATURE, value))
    assert line.poll() == 1.0
    assert line.controls.target("dance/speed") == 2
    assert line.told == [f"osc: /dancenet/dance/temperature: {value} is not a number in 0.05..3"]


def test_a_message_without_a_number_is_told_once(line: Line) -> None:
    for _ in range(2):
        line.send(message(TEMPERATURE), message(TEMPERATURE, "hot"), message(TEMPERATURE, b"\x01\x02"))
        assert line.poll() == 1.0
    assert line.told == ["osc: /dancenet/dance/temperature: a number is wanted first"]


MALFORMED = {
    "empty": b"",
    "noise": bytes(range(256)),
    "no end of the address": b"/aaa",
    "bytes that are not text": b"/\xff\xfe\x00,f\x00\x00\x3f\x00\x00\x00",
    "no comma": b"/dancenet/dance/speed\x00\x00\x00f\x00\x00\x00\x3f\x00\x00\x00",
    "missing float": b"/dancenet/dance/temperature\x00,f\x00\x00",
    "cut float": b"/dancenet/dance/temperature\x00,f\x00\x00\x3f\x00",
    "missing double": b"/dancenet/dance/temperature\x00,d\x00\x00\x3f\x00\x00\x00",
    "bundle without time": BUNDLE + b"\x00\x00",
    "element of negative size": BUNDLE + bytes(8) + struct.pack(">i", -4),
    "element of no size": BUNDLE + bytes(8) + struct.pack(">i", 0),
    "element too long": BUNDLE + bytes(8) + struct.pack(">i", 400) + message(TEMPERATURE, 0.5),
    "element cut off": BUNDLE + bytes(8) + b"\x00\x00",
}


@pytest.mark.parametrize("datagram", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_packet_is_counted_and_sets_nothing(line: Line, datagram: bytes) -> None:
    line.send(datagram, message("/dancenet/dance/speed", 2))
    assert line.poll() == 1.0
    assert line.controls.target("dance/speed") == 2
    assert line.osc.malformed == 1
    line.send(datagram)
    line.poll()
    assert line.osc.malformed == 2
    assert len(line.told) == 1 and line.told[0].startswith("osc: a packet is not OSC: ")


def test_bundles_nested_beyond_any_recursion_are_walked(line: Line) -> None:
    nested = message(TEMPERATURE, 0.5)
    while len(nested) < 60_000:
        nested = bundle(0, nested)
    line.send(nested)
    assert line.poll() == 0.5


def test_no_packet_raises_out_of_a_poll(line: Line) -> None:
    chance = random.Random(1)
    whole = [bundle(0, message(TEMPERATURE, 0.5), message("/x", 1, "a", b"b", True)), message(TEMPERATURE, 1.0)]
    for _ in range(3000):
        datagram = bytearray(chance.choice(whole))
        for _ in range(chance.randrange(1, 6)):
            datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        line.send(bytes(datagram[: chance.randrange(len(datagram) + 1)]))
        line.poll()
    line.send(message(TEMPERATURE, 0.25))
    assert line.poll() == 0.25


def test_reading_stops_at_its_budget_and_goes_on_next_frame() -> None:
    ticks = iter(range(1000))
    controls = Controls(PARAMETERS)
    osc = Osc("127.0.0.1", 0, PARAMETERS, print, now=lambda: next(ticks) * 0.0015)  # each look at the time costs 1.5 ms
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for value in (0.25, 0.5, 0.75):
            sender.sendto(message(TEMPERATURE, value), ("127.0.0.1", osc.port or 0))
        burst = bundle(0, *(message(TEMPERATURE, 1 + value / 8) for value in range(3)))
        sender.sendto(burst, ("127.0.0.1", osc.port or 0))
        got = []
        for _ in range(4):
            osc.poll(controls)
            got.append(controls.target("dance/temperature"))
    osc.close()
    assert got == [0.75, 1.25, 1.25, 1.25]  # three messages a frame, also within a bundle


def test_a_taken_port_is_one_line_and_the_show_goes_on(line: Line) -> None:
    told: list[str] = []
    second = Osc("127.0.0.1", line.osc.port or 0, PARAMETERS, told.append)
    assert told == [f"osc: 127.0.0.1:{line.osc.port}: another program listens there; the show goes on without OSC"]
    assert second.port is None
    second.poll(line.controls)
    second.close()


def test_a_host_that_is_not_ours_is_one_line(line: Line) -> None:
    told: list[str] = []
    Osc("192.0.2.1", 9010, PARAMETERS, told.append).close()
    assert len(told) == 1
    assert told[0].startswith("osc: 192.0.2.1:9010: ") and told[0].endswith("; the show goes on without OSC")


def test_a_closed_source_hears_nothing(line: Line) -> None:
    line.send(message(TEMPERATURE, 0.5))
    line.osc.close()
    assert line.poll() == 1.0


def test_a_datagram_that_breaks_off_gives_none_of_its_messages() -> None:
    whole = bundle(0, message(TEMPERATURE, 0.5), message(TEMPERATURE, 0.75))
    assert list(messages(whole)) == [message(TEMPERATURE, 0.5), message(TEMPERATURE, 0.75)]
    with pytest.raises(MalformedError, match="element of 36 bytes where 32 are left"):
        list(messages(whole[:-4]))
