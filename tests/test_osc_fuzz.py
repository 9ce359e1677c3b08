"""No packet raises, holds a frame up or leaves anything out of its range."""

import random
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sources import osc
from engine.sources.osc_packets import BUNDLE, MalformedError, messages, parse
from tests.fixtures.osc import TEMPERATURE, Line, a_line, bundle, message
from tests.fuzz import osc as osc_fuzzer


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda data: BUNDLE + data)))
def test_any_bytes_are_messages_or_malformed(datagram: bytes) -> None:
    try:
        addresses = [parse(each)[0] for each in messages(datagram)]
    except MalformedError as error:
        assert str(error)  # what the performer is told
    else:
        assert all(address.startswith("/") for address in addresses)


@settings(max_examples=200, deadline=None)
@given(chance=st.randoms(use_true_random=False))
def test_any_packet_and_what_is_left_of_it_leaves_the_controls_valid(chance: random.Random) -> None:
    with a_line() as line:
        line.osc.clients._send = lambda datagram, place: None  # type: ignore[method-assign]
        for _ in range(4):
            line.send(
                osc_fuzzer.mutated(chance, osc_fuzzer.packet(chance))[:65_507], osc_fuzzer.packet(chance)[:65_507]
            )
            line.poll()
            osc_fuzzer.check(line.osc, line.controls, line.told)
        assert plays(line)


@settings(max_examples=100, deadline=None)
@given(datagram=st.binary(max_size=2000))
def test_any_bytes_leave_the_controls_valid(datagram: bytes) -> None:
    with a_line() as line:
        line.send(datagram, BUNDLE + datagram, b"/dancenet/" + datagram)
        line.poll()
        osc_fuzzer.check(line.osc, line.controls, line.told)
        assert plays(line)


@pytest.mark.parametrize("seed", range(4))
def test_the_fuzzer_finds_nothing(seed: int) -> None:
    assert osc_fuzzer.run(400, seed)


def test_the_fuzzer_sends_what_it_is_to_find() -> None:
    chance = random.Random(1)
    made = [osc_fuzzer.datagram(chance) for _ in range(300)]
    malformed = 0
    for datagram in made:
        try:
            for each in messages(datagram):
                parse(each)
        except MalformedError:
            malformed += 1
    assert 60 < malformed < 240
    assert max(map(len, made)) > 50_000


@pytest.mark.parametrize(
    "datagram",
    [
        BUNDLE + bytes(8) + b"\x00\x00\x00\x04/a\x00\x00" * 8186,
        bundle(0, *[message("/dancenet/*/*", "?")] * 1500),
        bundle(0, *[message("/dancenet/*/*/unit", 0.5)] * 1500),
        bundle(0, *[message(f"/dancenet/{number}{'*{,a}' * 20}/*", 1) for number in range(400)]),
        bundle(0, *[message(f"/dancenet/dance/temprature{number}", 1) for number in range(1200)]),
        bundle(0, *[message("/dancenet/route", "audio/bass", "dance/speed", 0.5)] * 900),
    ],
    ids=["tiny", "questions", "wildcards", "patterns", "unknown", "routes"],
)
def test_the_dearest_datagrams_take_a_frame_no_more_than_its_budget_and_one_step(datagram: bytes) -> None:
    clock = osc_fuzzer.WorkClock()
    with a_line(worked=clock) as line:
        line.osc.clients._send = lambda datagram, place: None  # type: ignore[method-assign]
        line.poll()
        for _ in range(4):
            line.send(datagram)
        for _ in range(4):
            line.time += 1 / osc_fuzzer.RATE_HZ
            assert clock.count(lambda: line.osc.poll(line.controls)) <= osc_fuzzer.MOST_CALLS


def test_a_flood_takes_no_memory_that_is_not_given_back() -> None:
    with a_line() as line:
        datagram = bundle(0, *[message("/dancenet/*/*/unit", 0.5)] * 1500)
        tracemalloc.start()
        for _ in range(400):
            line.send(datagram)
            line.osc._empty_socket(deadline=1.0)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert line.osc.dropped > 300
        assert peak < 2 * osc.MOST_WAITING


def plays(line: Line) -> bool:
    """Whether the source still does what it is told, once what has come before is done."""
    while line.osc._step():
        pass
    line.send(message(TEMPERATURE, 0.25))
    return line.poll() == 0.25
