"""OSC: parameters set over UDP by their addresses, such as `/dancenet/dance/temperature 0.8`.

Owns one socket, drained once a frame without waiting; the newest value of an address counts, and time tags are
ignored, for the show is now. Nothing that a packet holds may raise or hold the frame up: bundles are walked here, in
one pass, because pythonosc recurses into nested ones and never returns from one with an element of negative size.
"""

import difflib
import errno
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator

from pythonosc.parsing import osc_types

from engine.controls import Controls
from engine.parameters import Parameter

# Reading may take this long a frame, seconds: 500 messages here; a sender of 10 000 a second needs 333 at 30 frames.
BUDGET = 0.004

# Asked of the system, bytes: a burst while a frame is held up is kept.
RECEIVE_BUFFER = 1 << 20
LARGEST_DATAGRAM = 65535

# Unknown addresses are told once each, up to this many and this long: a stranger may send anything.
MOST_TOLD = 50
LONGEST_TOLD = 100

BUNDLE = b"#bundle\x00"
BUNDLE_HEADER = len(BUNDLE) + 8  # and the time tag
WORD = 4  # OSC pads everything to four bytes

NUMBERS = {"f": osc_types.get_float, "d": osc_types.get_double, "i": osc_types.get_int, "h": osc_types.get_int64}
NUMBER_SIZES = {"f": 4, "d": 8, "i": 4, "h": 8}


class MalformedError(ValueError):
    """A datagram that is not OSC."""


def messages(datagram: bytes) -> Iterator[bytes]:
    """The messages of a datagram, of nested bundles too, in their order. Raises MalformedError where it breaks off."""
    waiting = [(0, len(datagram))]  # spans to look at, the next one last
    while waiting:
        start, end = waiting.pop()
        if not datagram.startswith(BUNDLE, start, end):
            yield datagram[start:end]
            continue
        place = start + BUNDLE_HEADER
        if place > end:
            raise MalformedError("a bundle without its time tag")
        elements = []
        while place < end:
            if end - place < WORD:
                raise MalformedError("a bundle's element without its size")
            (size,) = struct.unpack_from(">i", datagram, place)
            place += WORD
            if not 0 < size <= end - place:
                raise MalformedError(f"a bundle's element of {size} bytes where {end - place} are left")
            elements.append((place, place + size))
            place += size
        waiting.extend(reversed(elements))


def parse(message: bytes) -> tuple[str, float | None]:
    """A message's address and its first argument, None if that is no number. Raises MalformedError."""
    if not message.startswith(b"/") or len(message) % WORD:
        raise MalformedError("neither a message nor a bundle")
    try:
        address, place = osc_types.get_string(message, 0)
        if place == len(message):
            return address, None
        types, place = osc_types.get_string(message, place)
        if not types.startswith(","):
            raise MalformedError("a message without type tags")
        kind = types[1:2]
        if kind not in NUMBERS:
            return address, None
        if len(message) - place < NUMBER_SIZES[kind]:  # pythonosc would read a missing float as 0
            raise MalformedError("a message without the argument it announces")
        return address, float(NUMBERS[kind](message, place)[0])
    except (osc_types.ParseError, UnicodeDecodeError) as error:
        raise MalformedError(str(error)) from error


class Osc:
    """A source that listens at `host`:`port` (port 0: any that is free) and sets `parameters` by their addresses.

    `tell` takes one line about what went wrong. A port that cannot be had is told, and the show goes on without OSC.
    """

    def __init__(
        self,
        host: str,
        port: int,
        parameters: Iterable[Parameter],
        tell: Callable[[str], None],
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._keys = {parameter.address: parameter.key for parameter in parameters}
        self._tell = tell
        self._now = now
        self._told: set[str] = set()
        self._messages: Iterator[bytes] = iter(())  # of the datagram in hand
        self.malformed = 0
        """Datagrams and messages that were not OSC."""
        self.port: int | None = None
        """The port listened at; None if it could not be had."""
        self._socket: socket.socket | None = None
        try:
            places = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            # Where a name has both, senders use IPv4.
            family, kind, protocol, _, where = min(places, key=lambda place: place[0] != socket.AF_INET)
            listening = socket.socket(family, kind, protocol)
            try:
                listening.setblocking(False)
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                listening.bind(where)
            except OSError:
                listening.close()
                raise
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            reason = "another program listens there" if taken else error.strerror or os.strerror(error.errno or 0)
            tell(f"osc: {host}:{port}: {reason}; the show goes on without OSC")
        else:
            self._socket = listening
            self.port = listening.getsockname()[1]

    def poll(self, controls: Controls) -> None:
        """Set the parameters that messages came for since the last frame, each to its newest value."""
        newest: dict[str, float] = {}
        deadline = self._now() + BUDGET
        while (message := self._next()) is not None:
            self._take(message, newest)
            if self._now() > deadline:
                break
        for address, value in newest.items():
            try:
                controls.set(self._keys[address], value)
            except ValueError as error:
                if self._first(address):
                    self._tell(f"osc: {error}")

    def close(self) -> None:
        """Stop listening."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _next(self) -> bytes | None:
        """The next message that has come, None when there is none; datagrams that are not OSC are left out."""
        while True:
            try:
                return next(self._messages)
            except StopIteration:
                datagram = self._receive()
                if datagram is None:
                    return None
                self._messages = messages(datagram)
            except MalformedError as error:
                self._count(error)

    def _receive(self) -> bytes | None:
        if self._socket is None:
            return None
        try:
            return self._socket.recv(LARGEST_DATAGRAM)
        except OSError:  # nothing there (BlockingIOError), or the system reports a fault of the network
            return None

    def _take(self, message: bytes, newest: dict[str, float]) -> None:
        try:
            address, value = parse(message)
        except MalformedError as error:
            self._count(error)
            return
        if address in self._keys and value is not None:
            newest[address] = value
        elif self._first(address):
            if address in self._keys:
                self._tell(f"osc: {address}: a number is wanted first")
            else:
                near = difflib.get_close_matches(address, self._keys, n=1)
                meant = f"; did you mean {near[0]}?" if near else ""
                self._tell(f"osc: unknown address {address!a}{meant}")

    def _count(self, error: MalformedError) -> None:
        self.malformed += 1
        if self.malformed == 1:
            self._tell(f"osc: a packet is not OSC: {error}; further ones are counted")

    def _first(self, address: str) -> bool:
        """Whether to tell of this address: once each."""
        if address in self._told or len(self._told) >= MOST_TOLD or len(address) > LONGEST_TOLD:
            return False
        self._told.add(address)
        return True
