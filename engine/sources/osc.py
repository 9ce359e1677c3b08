"""OSC: the show played over UDP, such as by `/dancenet/dance/temperature 0.8`.

Owns one socket, emptied once a frame without waiting; what has come is followed in its order, within a budget of time,
and what is left then waits for the next frame. Time tags are ignored, for the show is now. Nothing that a packet holds
may raise or hold the frame up. Only this computer is heard, and the networks that the performer allows.
"""

import errno
import ipaddress
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from engine.controls import Controls
from engine.sources.osc_addresses import Addresses
from engine.sources.osc_clients import REPLY_PORT, Clients, Place
from engine.sources.osc_complaints import Complaints
from engine.sources.osc_packets import MalformedError, messages, parse

# OSC may take this share of the show's time, half of it for emptying the socket: 4 ms of a 30th of a second, and as
# much more of a frame that was late, for it finds as many more messages. A message takes 6 us here, 2 of them to
# receive it: 5,000 a second are a quarter of this.
SHARE = 0.125
# Seconds at most, after a pause of any length, and at least: a frame is polled twice, at times a few ms apart.
BUDGET, LEAST_BUDGET = 0.02, 0.001
# Work is this thread's own time: while another program has the core, OSC costs nothing and gets nothing done. Windows
# tells it in steps of 16 ms, too coarse.
WORK_CLOCK = time.perf_counter if sys.platform == "win32" else time.thread_time
SIGNALS_HZ = 30.0

# Asked of the system, bytes. It often grants less, 100 ms of 5,000 messages a second, hence our own queue.
RECEIVE_BUFFER = 1 << 20
LARGEST_DATAGRAM = 65535
# Waiting in our own queue, bytes; when there is more, the oldest are let go. Each counts for what Python keeps of it.
MOST_WAITING = 4 << 20
OVERHEAD = 256
# Senders whose admission is remembered.
SENDERS_KEPT = 256

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Osc:
    """A source that listens at `host`:`port` (port 0: any that is free) and plays `controls`.

    `clients` is the sink that goes with it. `tell` takes one line about what went wrong, `allow` the networks that are
    heard besides this computer. A port that cannot be had is told, and the show goes on without OSC.
    """

    def __init__(
        self,
        host: str,
        port: int,
        controls: Controls,
        tell: Callable[[str], None],
        *,
        allow: Iterable[Network] = (),
        signals_hz: float = SIGNALS_HZ,
        reply_port: int = REPLY_PORT,
        now: Callable[[], float] = time.perf_counter,
        worked: Callable[[], float] = WORK_CLOCK,
    ) -> None:
        self._tell = tell
        self._now = now
        self._worked = worked
        self._networks = tuple(allow)
        self._allows = lru_cache(maxsize=SENDERS_KEPT)(self._is_allowed)
        self._polled: float | None = None
        self._buffer = bytearray(LARGEST_DATAGRAM)
        self._waiting: deque[tuple[bytes, Place]] = deque()
        self._waiting_bytes = 0
        self._messages: Iterator[bytes] = iter(())  # of the datagram in hand
        self._sender: Place = ()
        self.received = self.malformed = self.refused = self.dropped = 0
        """Datagrams that came; datagrams and messages that were not OSC; datagrams from outside; those too many."""
        self.port: int | None = None
        """The port listened at; None if it could not be had."""
        self._socket = self._listen(host, port)
        complaints = Complaints(tell)
        self.clients = Clients(self._socket, controls, complaints, now, signals_hz, reply_port)
        self._addresses = Addresses(controls, self.clients, complaints)

    @property
    def played(self) -> int:
        """How many messages have changed something, or did something: what is only sent again does not count."""
        return self._addresses.played

    def answer_health(self, told: Callable[[], Mapping[str, object]]) -> None:
        """Has `/dancenet/health ?` answered with what `told` gives."""
        self._addresses.health = told

    def poll(self, controls: Controls) -> None:
        """Does what has been sent since the last poll, as far as the budget goes."""
        del controls  # the same that the addresses were made for
        now, began = self._now(), self._worked()
        budget = BUDGET if self._polled is None else min(max(SHARE * (now - self._polled), LEAST_BUDGET), BUDGET)
        self._polled = now
        self._empty_socket(began + budget / 2)
        self._addresses.begin_frame()
        while self._step() and self._worked() <= began + budget:
            pass

    def close(self) -> None:
        """Stops listening."""
        self.clients.close()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._waiting.clear()
        self._messages = iter(())

    def _listen(self, host: str, port: int) -> socket.socket | None:
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
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that is none
            if isinstance(error, UnicodeError):
                reason = "no such name"
            elif error.errno == errno.EADDRINUSE:
                reason = "another program listens there"
            else:
                reason = error.strerror or os.strerror(error.errno or 0)
            self._tell(f"osc: {host}:{port}: {reason}; the show goes on without OSC")
            return None
        self.port = listening.getsockname()[1]
        return listening

    def _empty_socket(self, deadline: float) -> None:
        """Moves what has come into the queue, so that the system loses nothing while frames are long."""
        while self._socket is not None:
            try:
                size, sender = self._socket.recvfrom_into(self._buffer)
            except ConnectionResetError:  # Windows says so that a client is gone; more may wait behind it
                continue
            except OSError:  # nothing there (BlockingIOError), or the system reports a fault of the network
                return
            self.received += 1
            if self._allows(sender[0]):
                self._waiting.append((bytes(self._buffer[:size]), sender))
                self._waiting_bytes += size + OVERHEAD
                while self._waiting_bytes > MOST_WAITING:
                    self._pop()
                    self.dropped += 1
            else:
                self._refuse(sender)
            if self._worked() > deadline:
                return

    def _pop(self) -> tuple[bytes, Place]:
        datagram, sender = self._waiting.popleft()
        self._waiting_bytes -= len(datagram) + OVERHEAD
        return datagram, sender

    def _is_allowed(self, host: str) -> bool:
        address = ipaddress.ip_address(host)
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return address.is_loopback or any(address in network for network in self._networks)

    def _refuse(self, sender: Place) -> None:
        self.refused += 1
        if self.refused == 1:
            self._tell(f"osc: {sender[0]} is not allowed in; --osc-allow {sender[0]} would. Further ones are counted")

    def _step(self) -> bool:
        """Does what the next message says, or opens the next datagram; False when nothing waits."""
        try:
            message = next(self._messages, None)
            if message is not None:
                address, arguments = parse(message)
                self._addresses.take(address, arguments, self._sender)
            elif self._waiting:
                datagram, self._sender = self._pop()
                self._messages = messages(datagram)
            else:
                return False
        except MalformedError as error:
            self.malformed += 1
            if self.malformed == 1:
                self._tell(f"osc: a packet is not OSC: {error}; further ones are counted")
        return True
