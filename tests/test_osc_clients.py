"""Who is sent what: subscriptions over real sockets, read by python-osc."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from engine.sources import osc_clients
from engine.sources.osc_clients import LASTS, MOST_CLIENTS, MOST_SOCKETS, Pace
from tests.fixtures.osc import LOOPBACK, TEMPERATURE, Line, a_line, bundle, heard, listener, message

SUBSCRIBE, UNSUBSCRIBE = "/dancenet/subscribe", "/dancenet/unsubscribe"
FRAME = 1 / 30


@pytest.fixture
def line() -> Iterator[Line]:
    with a_line(signals_hz=0) as line:
        yield line


class Program:
    """A program that sends and listens with one socket, as TouchOSC does."""

    def __init__(self, line: Line) -> None:
        self.socket = listener()
        self.port = self.socket.getsockname()[1]
        self._line = line

    def say(self, address: str, *values: Any) -> None:
        self._line.time += FRAME
        self._line.say(address, *values, sender=self.socket)

    def heard(self) -> list[tuple[Any, ...]]:
        return heard(self.socket)


@pytest.fixture
def programs(line: Line) -> Iterator[list[Program]]:
    """Two that have subscribed, and have heard how things stand."""
    programs = [Program(line) for _ in range(2)]
    for program in programs:
        program.say(SUBSCRIBE, program.port)
        program.heard()
    yield programs
    for program in programs:
        program.socket.close()


def test_a_subscriber_is_told_how_everything_stands(line: Line) -> None:
    line.controls.set("dance/temperature", 2.0)
    line.controls.set("dance/seed", 2**32 - 1)
    program = Program(line)
    program.say(SUBSCRIBE, program.port)
    told = dict(program.heard())
    program.say(SUBSCRIBE, program.port)  # renewed: not told again
    assert told.keys() == {parameter.address for parameter in line.controls.parameters.values()}
    assert told[TEMPERATURE] == 2.0
    assert told["/dancenet/dance/seed"] == 2**32 - 1
    assert program.heard() == []
    program.socket.close()


def test_changes_go_to_every_client_but_the_one_that_made_them(line: Line, programs: list[Program]) -> None:
    first, second = programs
    first.say(TEMPERATURE, 2)
    assert (first.heard(), second.heard()) == ([], [(TEMPERATURE, 2.0)])
    second.say(f"{TEMPERATURE}/unit", 0)
    assert (first.heard(), second.heard()) == ([(TEMPERATURE, pytest.approx(0.05))], [])
    line.controls.set("dance/temperature", 1)  # a key, a scene
    line.time += FRAME
    line.poll()
    assert first.heard() == second.heard() == [(TEMPERATURE, 1.0)]


def test_every_socket_that_a_program_subscribes_from_is_its_own(line: Line, programs: list[Program]) -> None:
    first, second = programs
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
        line.say(TEMPERATURE, 2, sender=another)  # of the same host, but whose?
        line.time += FRAME
        line.poll()
        assert len(first.heard()) == len(second.heard()) == 1
        line.say(SUBSCRIBE, float(first.port), sender=another)  # as a CHOP sends it, every cook
        line.time += FRAME
        line.say(TEMPERATURE, 1, sender=another)
        assert (first.heard(), second.heard()) == ([], [(TEMPERATURE, 1.0)])


def test_a_change_that_another_followed_is_told_to_the_first(line: Line, programs: list[Program]) -> None:
    first, second = programs
    line.time += FRAME
    line.send(message(TEMPERATURE, 2), sender=first.socket)
    line.send(message(TEMPERATURE, 0.5), sender=second.socket)
    line.poll()
    assert (first.heard(), second.heard()) == ([(TEMPERATURE, 0.5)], [])


def test_changes_are_sent_once_a_30th_of_a_second_with_their_newest_value(line: Line, programs: list[Program]) -> None:
    got = []
    for frame in range(24):  # at 120 frames a second
        line.time += FRAME / 4
        line.controls.set("dance/temperature", 1 + frame / 32)
        line.poll()
        got += programs[0].heard()
    assert len(got) == 6
    assert [value for _, value in got] == sorted(value for _, value in got)


def test_a_subscription_ends_unless_it_is_renewed(line: Line, programs: list[Program]) -> None:
    first, second = programs
    line.time += LASTS / 2
    first.say(SUBSCRIBE, first.port)
    line.time += LASTS / 2 - FRAME / 2
    line.controls.set("dance/temperature", 2)
    line.poll()
    assert (first.heard(), second.heard()) == ([(TEMPERATURE, 2.0)], [])
    assert len(line.osc.clients) == 1


def test_a_client_may_go(line: Line, programs: list[Program]) -> None:
    first, second = programs
    first.say(UNSUBSCRIBE, first.port)
    line.say(TEMPERATURE, 2)
    line.time += FRAME
    line.poll()
    assert (first.heard(), second.heard()) == ([], [(TEMPERATURE, 2.0)])


def test_who_names_no_port_is_answered_at_the_reply_port() -> None:
    with listener() as program, a_line(signals_hz=0, reply_port=program.getsockname()[1]) as line:
        line.say(TEMPERATURE, "?")
        assert heard(program) == [(TEMPERATURE, 1.0)]
        line.say(SUBSCRIBE)
        assert len(heard(program)) == len(line.controls.parameters)
        line.say(UNSUBSCRIBE)
        assert len(line.osc.clients) == 0


def test_live_signals_go_out_at_their_rate_and_a_last_0_when_they_stop() -> None:
    with a_line(signals_hz=10) as line:
        program = Program(line)
        program.say(SUBSCRIBE, program.port)
        program.heard()
        line.controls.signal("tempo/beat", 0.5)
        line.controls.signal("dance/motion", 0.25)
        got = []
        for _ in range(30):
            line.time += FRAME
            line.poll()
            got += program.heard()
        assert got == [("/dancenet/tempo/beat", 0.5), ("/dancenet/dance/motion", 0.25)] * 10
        line.controls.still("tempo/beat")
        line.time += 0.1
        line.poll()
        assert sorted(program.heard()) == [("/dancenet/dance/motion", 0.25), ("/dancenet/tempo/beat", 0.0)]
        line.time += 0.1
        line.poll()
        assert program.heard() == [("/dancenet/dance/motion", 0.25)]
        program.socket.close()


@pytest.mark.parametrize("port", [0, -1, 65536, "here", float("nan"), float("inf"), None])
def test_what_is_no_port_is_told(line: Line, port: object) -> None:
    line.say(SUBSCRIBE, port)
    assert line.told == [f"osc: {SUBSCRIBE}: a port is wanted, 1..65535, or nothing"]
    assert len(line.osc.clients) == 0


def test_a_show_does_not_subscribe_to_a_show(line: Line) -> None:
    line.say(SUBSCRIBE, line.osc.port)
    assert line.told == [f"osc: {LOOPBACK}:{line.osc.port}: a show listens there, which would answer for ever"]
    assert len(line.osc.clients) == 0


def test_clients_and_their_sockets_are_bounded(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(osc_clients.Clients, "_send", lambda self, datagram, place: sent.append(place))
    line.send(*(message(SUBSCRIBE, port) for port in range(20_000, 20_000 + 2 * MOST_CLIENTS)))
    line.poll()
    assert len(line.osc.clients) == MOST_CLIENTS
    assert line.told == [f"osc: {LOOPBACK}:{20_000 + MOST_CLIENTS}: {MOST_CLIENTS} programs listen already"]
    for _ in range(3 * MOST_SOCKETS):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
            line.say(SUBSCRIBE, 20_000, sender=another)
    client = line.osc.clients._clients[LOOPBACK, 20_000]
    assert len(client.origins) == MOST_SOCKETS


def test_the_answers_of_a_frame_are_bounded(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(osc_clients.Clients, "_send", lambda self, datagram, place: sent.append(place))
    line.send(*[bundle(0, *[message("/dancenet/*/*", "?")] * 20)])
    line.poll()
    assert len(sent) == osc_clients.MOST_ANSWERS


def test_sending_never_waits(line: Line) -> None:
    class Full:
        """A socket whose buffer is full."""

        def getsockname(self) -> tuple[str, int]:
            return LOOPBACK, 9010

        def sendto(self, datagram: bytes, place: object) -> int:
            raise BlockingIOError

    line.osc.clients._socket = Full()  # type: ignore[assignment]
    line.say(SUBSCRIBE, 20_000)
    assert line.osc.clients.unsent > 0
    assert line.told == []


def test_a_client_that_cannot_be_reached_is_told_once(line: Line) -> None:
    everybody = "255.255.255.255"  # which the system refuses to a socket that did not ask for it
    for count in (1, 2):
        line.osc.clients.answer((everybody, 9), None, "/x", 1.0)
        assert line.osc.clients.unsent == count
    assert len(line.told) == 1 and line.told[0].startswith(f"osc: cannot send to {everybody}:9011: ")


@pytest.mark.parametrize("fps", [30, 60, 144])
@pytest.mark.parametrize("hz", [10, 30])
def test_a_pace_is_kept_on_average_by_frames_that_jitter(fps: int, hz: int) -> None:
    pace = Pace(hz)
    jitter = [0.0, 0.0015, -0.001, 0.002, -0.002]
    due = sum(pace.due(frame / fps + jitter[frame % 5]) for frame in range(fps * 10))
    assert due == pytest.approx(hz * 10, abs=2)


def test_a_pace_of_0_is_never_due_and_a_long_pause_is_not_made_up_for() -> None:
    assert not any(Pace(0).due(float(second)) for second in range(100))
    pace = Pace(10)
    assert [pace.due(now) for now in (0.0, 100.0, 100.01, 100.02)] == [True, True, True, False]
