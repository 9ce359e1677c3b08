"""OSC over real UDP sockets: what is heard, in what order, within what budget, and from whom."""

import ipaddress
import itertools
import random
import socket
from collections.abc import Iterator

import pytest

from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.sources.osc import BUDGET, LEAST_BUDGET, OVERHEAD, SHARE, Osc
from tests.fixtures.osc import LOOPBACK, TEMPERATURE, Line, a_line, bundle, message

# Linux has all of 127.0.0.0/8 on its loopback, and 192.0.2.0/24 is nobody's (RFC 5737).
NOBODYS = "192.0.2.1"


@pytest.fixture
def line() -> Iterator[Line]:
    with a_line() as line:
        yield line


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


def test_a_malformed_packet_is_told_once_counted_and_sets_nothing(line: Line) -> None:
    for count in (1, 2):
        line.send(b"/aaa", message("/dancenet/dance/speed", 2))
        assert line.poll() == 1.0
        assert line.controls.target("dance/speed") == 2
        assert line.osc.malformed == count
    assert line.told == ["osc: a packet is not OSC: a string without its end; further ones are counted"]


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


def test_what_is_over_the_budget_waits_for_the_next_frame_in_its_order() -> None:
    ticks = itertools.count()
    # Each look at the time costs 1/8 ms: a 30th of a second's budget is 33 of them, half for the socket.
    with a_line(worked=lambda: next(ticks) / 8000) as line:
        line.send(*(message(TEMPERATURE, 1 + value / 64) for value in range(64)))
        line.osc._polled = 0.0
        got = []
        for frame in range(1, 20):
            line.time = frame / 30
            got.append(line.poll())
    assert got == sorted(got)
    assert got[0] < 1.2 and got[-1] == 1 + 63 / 64


@pytest.mark.parametrize(("pause", "budget"), [(1 / 30, SHARE / 30), (1 / 144, LEAST_BUDGET), (3600.0, BUDGET)])
def test_the_budget_is_a_share_of_the_time_since_the_last_poll_and_bounded(pause: float, budget: float) -> None:
    looks: list[float] = []

    def worked() -> float:
        looks.append(len(looks) * 1e-5)
        return looks[-1]

    with a_line(worked=worked) as line:
        line.poll()
        line.send(bundle(0, *[message(TEMPERATURE, 0.5)] * 1500), bundle(0, *[message(TEMPERATURE, 2)] * 1500))
        looks.clear()
        line.time += pause
        line.poll()
    assert looks[-1] == pytest.approx(budget, abs=2e-5)


def test_a_flood_keeps_the_newest_and_a_bounded_memory(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    datagram = message(TEMPERATURE, 0.5)
    monkeypatch.setattr("engine.sources.osc.MOST_WAITING", 10 * (len(datagram) + OVERHEAD))
    for value in range(64):
        line.send(message("/dancenet/dance/speed", 2) if value == 0 else message(TEMPERATURE, 1 + value / 64))
    assert line.poll() == 1 + 63 / 64
    assert line.osc.dropped == 54
    assert line.controls.target("dance/speed") == 1  # the oldest was let go


def test_packets_from_outside_are_dropped_counted_and_told_once() -> None:
    told: list[str] = []
    controls = Controls(PARAMETERS)
    osc = Osc("0.0.0.0", 0, controls, told.append)
    outside = own_address()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((outside, 0))
        for _ in range(2):
            sender.sendto(message(TEMPERATURE, 0.5), (outside, osc.port or 0))
            osc.poll(controls)
    osc.close()
    assert controls.target("dance/temperature") == 1.0
    assert osc.refused == 2
    assert told == [f"osc: {outside} is not allowed in; --osc-allow {outside} would. Further ones are counted"]


def test_an_allowed_network_is_heard() -> None:
    told: list[str] = []
    controls = Controls(PARAMETERS)
    outside = own_address()
    osc = Osc("0.0.0.0", 0, controls, told.append, allow=[ipaddress.ip_network(f"{outside}/24", strict=False)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((outside, 0))
        sender.sendto(message(TEMPERATURE, 0.5), (outside, osc.port or 0))
    osc.poll(controls)
    osc.close()
    assert controls.target("dance/temperature") == 0.5
    assert (told, osc.refused) == ([], 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"])
def test_this_computer_is_heard_by_any_of_its_loopback_names(line: Line, host: str) -> None:
    assert line.osc._is_allowed(host)


@pytest.mark.parametrize("host", ["10.0.0.2", "192.168.1.7", "fe80::1%eth0", "::ffff:10.0.0.2"])
def test_nobody_else_is(line: Line, host: str) -> None:
    assert not line.osc._is_allowed(host)


def test_an_ipv4_network_admits_its_hosts_as_ipv6_sockets_name_them() -> None:
    with a_line(allow=[ipaddress.ip_network("10.0.0.0/8")]) as line:
        assert line.osc._is_allowed("::ffff:10.0.0.2")


def test_a_taken_port_is_one_line_and_the_show_goes_on(line: Line) -> None:
    told: list[str] = []
    second = Osc(LOOPBACK, line.osc.port or 0, line.controls, told.append)
    assert told == [f"osc: 127.0.0.1:{line.osc.port}: another program listens there; the show goes on without OSC"]
    assert second.port is None
    second.poll(line.controls)
    second.clients.present(None, {})
    second.close()


def test_a_host_that_is_not_ours_is_one_line(line: Line) -> None:
    told: list[str] = []
    Osc(NOBODYS, 9010, line.controls, told.append).close()
    assert len(told) == 1
    assert told[0].startswith(f"osc: {NOBODYS}:9010: ") and told[0].endswith("; the show goes on without OSC")


def test_a_closed_source_hears_nothing(line: Line) -> None:
    line.send(message(TEMPERATURE, 0.5))
    line.osc.close()
    line.osc.close()
    assert line.poll() == 1.0


def own_address() -> str:
    """This computer's address in a network; a datagram to it comes from it. Skips where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((NOBODYS, 9))  # sends nothing; picks the way there, and so our own end of it
        except OSError as error:
            pytest.skip(f"no network beside loopback ({error})")
        host: str = probe.getsockname()[0]
        return host
