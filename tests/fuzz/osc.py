"""The OSC source: packets nobody should send, over a real socket, and what must hold after each.

A seed gives the same packets again. Work is counted rather than timed: the clock of its budget goes on by 0.1 us with
every call that Python makes, so that its budget is one of calls, and a busy machine changes nothing.
"""

import math
import random
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from engine.controls import MOST_WAITING, Controls
from engine.parameters import COMMANDS, PARAMETERS, SIGNALS
from engine.sources import osc
from engine.sources.osc import Osc
from engine.sources.osc_clients import MOST_CLIENTS
from engine.sources.osc_complaints import MOST_TOLD
from engine.sources.osc_packets import BUNDLE, MalformedError
from tests.fuzz.loop import Parse, Parser

LOOPBACK = "127.0.0.1"
LARGEST_SENT = 65_507
CALL_SECONDS = 1e-7
# Calls that one message, or the opening of one datagram, may take over the budget: the 8,186 smallest elements of a
# datagram of 64 kB take 41,000, 2.2 ms; the worst pattern 20,000.
DEAREST_STEP = 45_000
DATAGRAMS_A_FRAME = 4
RATE_HZ = 30
MOST_CALLS = round(osc.SHARE / RATE_HZ / CALL_SECONDS) + DEAREST_STEP

ADDRESSES = (
    *(f"{row.address}{below}" for row in PARAMETERS for below in ("", "", "/unit", "/?")),
    *(row.address for row in COMMANDS),
    *(row.address for row in SIGNALS),
    *("/dancenet/route", "/dancenet/subscribe", "/dancenet/unsubscribe", "/dancenet/*/*", "/dancenet/dance/s*"),
    *("/dancenet/{dance,lfo}/*/unit", "/dancenet/lfo/[!1-2]_*", "/dancenet/*/*/?", "/dancenet/{,a}{,b}{,c}/**?*"),
    *(f"/dancenet/route/audio/bass/to/dance/speed{below}" for below in ("", "/curve", "/attack", "/x")),
)
WORDS = ("?", "audio/bass", "dance/speed", "calm", "on", "nan", "4b", "", "x" * 200, "9" * 400, "\u0663", "{[*")
FLOATS = (0.0, -0.0, 0.5, 1.0, -1.0, 1e-45, 3e38, math.nan, math.inf, -math.inf)
INTEGERS = (0, 1, -1, 2, 9010, 65535, 2**31 - 1, -(2**31))


def padded(data: bytes) -> bytes:
    return data + b"\x00" * (4 - len(data) % 4)


def argument(chance: random.Random) -> tuple[str, bytes]:
    """A type tag with its data: mostly what is played, sometimes what is not."""
    tag = chance.choice("iiffffdhssTFNI[]bmrtcq")
    if tag == "i":
        return tag, struct.pack(">i", chance.choice(INTEGERS))
    if tag == "h":
        return tag, struct.pack(">q", chance.choice((*INTEGERS, 2**63 - 1, -(2**63))))
    if tag == "f":
        return tag, struct.pack(">f", chance.choice((chance.uniform(-1, 4), chance.choice(FLOATS))))
    if tag == "d":
        return tag, struct.pack(">d", chance.choice((1e300, -1e300, *FLOATS)))
    if tag == "s":
        return tag, padded(chance.choice(WORDS).encode())
    if tag == "b":
        return tag, struct.pack(">i", chance.choice((0, 3, 4, -4, 2**31 - 1))) + bytes(4)
    return tag, bytes({"m": 4, "r": 4, "c": 4, "t": 8}.get(tag, 0))


def message(chance: random.Random) -> bytes:
    arguments = [argument(chance) for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 3, 8, 70)))]
    tags = "," + "".join(tag for tag, _ in arguments)
    return padded(chance.choice(ADDRESSES).encode()) + padded(tags.encode()) + b"".join(data for _, data in arguments)


def packet(chance: random.Random, depth: int = 0) -> bytes:
    """A message or a bundle of some, nested up to 4 deep."""
    if depth > 3 or chance.random() < 0.7:
        return message(chance)
    elements = [packet(chance, depth + 1) for _ in range(chance.choice((0, 1, 2, 5, 40)))]
    return BUNDLE + chance.randbytes(8) + b"".join(struct.pack(">i", len(each)) + each for each in elements)


def mutated(chance: random.Random, datagram: bytes) -> bytes:
    """The datagram with some bytes changed, cut, put in twice or cut off."""
    data = bytearray(datagram)
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0 if place < len(data):
                data[place] = chance.choice((0, 0x2C, 0x2F, 0xFF, chance.randrange(256)))
            case 1:
                del data[place : place + chance.randrange(8)]
            case 2:
                data[place:place] = data[place : place + chance.randrange(64)]
            case 3:
                data[place:] = data[place : chance.randrange(place, len(data) + 1)]
    return bytes(data)


def datagram(chance: random.Random) -> bytes:
    """One datagram, at most as large as UDP takes."""
    match chance.randrange(40):
        case 0 | 1 | 2 | 3:
            made = chance.randbytes(chance.choice((0, 1, 4, 100, 5000)))
        case 4:  # as many tiny messages as there is room for
            made = BUNDLE + bytes(8) + (struct.pack(">i", 8) + b"/*\0\0,N\0\0") * 5000
        case kind if kind % 2:
            made = mutated(chance, packet(chance))
        case _:
            made = packet(chance)
    return made[:LARGEST_SENT]


class WorkClock:
    """Seconds of work: the calls made while it runs."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> float:
        return self.calls * CALL_SECONDS

    def count(self, work: Callable[[], object]) -> int:
        """Does the work; returns how many calls it took."""
        before = self.calls
        sys.setprofile(self._note)
        try:
            work()
        finally:
            sys.setprofile(None)
        return self.calls - before

    def _note(self, frame: FrameType, event: str, argument: Any) -> None:
        if event in ("call", "c_call"):
            self.calls += 1


def check(source: Osc, controls: Controls, told: Sequence[str]) -> None:
    """What must hold, whatever has been sent."""
    controls.advance(1 / 30)
    values = controls.snapshot()
    for parameter in PARAMETERS:
        for value in (controls.target(parameter.key), values[parameter.key]):
            assert parameter.low <= value <= parameter.high, f"{parameter.key} is {value}"
        if parameter.integer:
            assert controls.target(parameter.key).is_integer()
    assert len(controls.routes) <= len(SIGNALS) * len(PARAMETERS)
    for route in controls.routes:
        assert all(math.isfinite(number) for number in (route.amount, route.curve, route.attack, route.release))
    assert len(controls.waiting) <= MOST_WAITING
    assert len(told) <= MOST_TOLD + 1  # and one of a packet that is not OSC
    assert len(source.clients) <= MOST_CLIENTS
    assert source._waiting_bytes <= osc.MOST_WAITING


def run(rounds: int, seed: int) -> str:
    """Sends `rounds` datagrams; raises AssertionError, or whatever escapes. Returns what came of it."""
    chance = random.Random(seed)
    told: list[str] = []
    controls = Controls(PARAMETERS, tell=told.append)
    clock = WorkClock()
    source = Osc(LOOPBACK, 0, controls, told.append, now=lambda: frames / RATE_HZ, worked=clock)
    # Nothing is sent: the fuzzer names ports of programs that are not its own.
    source.clients._send = lambda datagram, place: None  # type: ignore[method-assign]
    dearest = frames = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for number in range(rounds):
            sender.sendto(datagram(chance), (LOOPBACK, source.port or 0))
            if number % DATAGRAMS_A_FRAME == 0:
                frames += 1
                dearest = max(dearest, clock.count(lambda: source.poll(controls)))
                assert dearest <= MOST_CALLS, f"round {number}: a frame of {dearest} calls"
                source.clients.present(None, {})
                check(source, controls, told)
                if chance.random() < 0.1:
                    controls.beat(bar=True)
    received, malformed = source.received, source.malformed
    source.close()
    return f"{received} datagrams, {malformed} malformed, {len(told)} told; dearest frame {dearest} calls"


def begin(folder: Path) -> Parse:
    """A source on a real socket, which is sent every datagram."""
    told: list[str] = []
    controls = Controls(PARAMETERS, tell=told.append)
    clock = WorkClock()
    frames = 0
    source = Osc(LOOPBACK, 0, controls, told.append, now=lambda: frames / RATE_HZ, worked=clock)
    source.clients._send = lambda datagram, place: None  # type: ignore[method-assign]
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    source.poll(controls)  # the first frame is given more time than the others

    def parse(data: bytes) -> None:
        nonlocal frames
        malformed = source.malformed
        sender.sendto(data[:LARGEST_SENT], (LOOPBACK, source.port or 0))
        frames += 1
        calls = clock.count(lambda: source.poll(controls))
        assert calls <= MOST_CALLS, f"a frame of {calls} calls"
        source.clients.present(None, {})
        check(source, controls, told)
        if frames % 10 == 0:
            controls.beat(bar=True)
        if source.malformed > malformed:
            raise MalformedError("not OSC")

    return parse


PARSERS = (Parser("osc", datagram, begin, (MalformedError,)),)
