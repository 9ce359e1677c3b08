"""The programs that listen to the show over OSC: answers, subscriptions, and what they are sent each frame.

A client is a host and the port it listens at. It subscribes with `/dancenet/subscribe [PORT]`, and again before a
minute is over; every socket it does so from is its own, so that it is not sent back what it has set itself. Nothing
here waits: what the system does not take at once is counted and let go.
"""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.controls import Controls
from engine.sources.osc_complaints import Complaints
from engine.sources.osc_packets import build, datagrams

# Where programs listen that name no port of their own.
REPLY_PORT = 9011
# A subscription ends so many seconds after it was last renewed: programs come and go without a word.
LASTS = 60.0
# 16 clients at 15 signals, 30 times a second, are 480 datagrams a second: 1% of a core.
MOST_CLIENTS = 16
# Sockets that may be one client's; the oldest is forgotten.
MOST_SOCKETS = 8
# Changes go out at most so often; receivers draw them at 60 Hz at best.
CHANGES_HZ = 30.0
# Answers a frame; asking for everything there is, with a wildcard, takes about 50.
MOST_ANSWERS = 256

Place = tuple[Any, ...]
"""As sockets give them: host, port, and for IPv6 two more."""


def origin(sender: Place) -> str:
    """Who a change is from, for `Controls.set`."""
    return f"osc:{sender[0]}:{sender[1]}"


class Pace:
    """Says `hz` times a second that it is time; at frames a little early or late too, on average."""

    def __init__(self, hz: float) -> None:
        self._period = 1 / hz if hz else float("inf")
        self._next: float | None = None

    def due(self, now: float) -> bool:
        """Whether it is time at `now`, seconds."""
        if self._period == float("inf") or (self._next is not None and now < self._next):
            return False
        self._next = now + self._period if self._next is None else max(self._next, now - self._period) + self._period
        return True


@dataclass
class Client:
    """One that has subscribed: where it listens, until when (seconds), the origins that are its own."""

    place: Place
    ends: float
    origins: list[str] = field(default_factory=list)
    is_new: bool = True


class Clients:
    """A sink: sends subscribers the changes and, `signals_hz` times a second, the live signals.

    Sends through the socket that OSC is heard on; `sending` may be None, where that could not be had.
    """

    def __init__(
        self,
        sending: socket.socket | None,
        controls: Controls,
        complaints: Complaints,
        now: Callable[[], float],
        signals_hz: float,
        reply_port: int,
    ) -> None:
        self._socket = sending
        self._controls = controls
        self._complaints = complaints
        self._now = now
        self._reply_port = reply_port
        self._clients: dict[Place, Client] = {}
        self._changes: dict[str, str] = {}  # key -> origin, since the last were sent
        self._sent_signals: set[str] = set()
        self._change_pace, self._signal_pace = Pace(CHANGES_HZ), Pace(signals_hz)
        self._answers_left = MOST_ANSWERS
        self.unsent = 0
        """Datagrams that the system did not take."""

    def __len__(self) -> int:
        return len(self._clients)

    def answer(self, asker: Place, port: int | None, address: str, *values: float | str) -> None:
        """Sends the asker a message, at `port` if it named one."""
        if self._answers_left:
            self._answers_left -= 1
            self._send(build(address, *values), self._place(asker, port))

    def subscribe(self, sender: Place, port: int | None) -> None:
        """Adds the client, or renews it."""
        place, now = self._place(sender, port), self._now()
        if self._socket is not None and place[1] == self._socket.getsockname()[1]:
            self._complaints.tell("echo", f"{place[0]}:{place[1]}: a show listens there, which would answer for ever")
            return
        self._forget(now)
        client = self._clients.get(place)
        if client is None:
            if len(self._clients) >= MOST_CLIENTS:
                self._complaints.tell("clients", f"{place[0]}:{place[1]}: {MOST_CLIENTS} programs listen already")
                return
            client = self._clients[place] = Client(place, now)
        client.ends = now + LASTS
        if (who := origin(sender)) not in client.origins:
            client.origins = [*client.origins, who][-MOST_SOCKETS:]

    def unsubscribe(self, sender: Place, port: int | None) -> None:
        """Lets the client go, if it is one."""
        self._clients.pop(self._place(sender, port), None)

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Sends what this frame has for each client."""
        del picture, values  # changes are of targets, which Controls holds
        now = self._now()
        self._answers_left = MOST_ANSWERS
        self._changes |= self._controls.take_changes()
        self._forget(now)
        changes = {}
        if self._change_pace.due(now):
            changes, self._changes = self._changes, {}
        signals = self._signals() if self._signal_pace.due(now) else []
        for client in self._clients.values():
            keys = [key for key, who in changes.items() if who not in client.origins]
            if client.is_new:
                keys, client.is_new = list(self._controls.parameters), False
            contents = [self._value(key) for key in keys if key in self._controls.parameters]
            for datagram in datagrams([*contents, *signals]):
                self._send(datagram, client.place)

    def close(self) -> None:
        """Lets every client go; the socket is its owner's to close."""
        self._clients.clear()
        self._socket = None

    def _value(self, key: str) -> bytes:
        return build(self._controls.parameters[key].address, self._controls.target(key))

    def _signals(self) -> list[bytes]:
        """The signals that are live, and a last 0 of those that have stopped."""
        live = self._controls.signals
        stopped = self._sent_signals - live.keys()
        self._sent_signals = set(live)
        values = {**live, **dict.fromkeys(sorted(stopped), 0.0)}
        return [build(f"/dancenet/{key}", value) for key, value in values.items()]

    def _forget(self, now: float) -> None:
        for place in [place for place, client in self._clients.items() if client.ends <= now]:
            del self._clients[place]

    def _place(self, sender: Place, port: int | None) -> Place:
        return (sender[0], self._reply_port if port is None else port, *sender[2:])

    def _send(self, datagram: bytes, place: Place) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(datagram, place)
        except BlockingIOError:
            self.unsent += 1
        except OSError as error:
            self.unsent += 1
            self._complaints.tell(f"send to {place[0]}", f"cannot send to {place[0]}:{place[1]}: {error.strerror}")
