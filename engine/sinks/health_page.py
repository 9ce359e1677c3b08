"""The health page: `GET /health` on this computer alone, answered with JSON: 200 where all is well, else 503.

Owns a socket and a thread. One caller is served after the other, within a bounded time and a bounded size, so that
nobody who calls, and nobody who hangs, costs the show more than a millisecond.
"""

import errno
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

HOST, PATH = "127.0.0.1", "/health"
# A request is one line and a few headers; a caller has so many seconds for it.
LARGEST_REQUEST, LONGEST_REQUEST = 8192, 2.0
# Callers that wait while one is served; how often the thread looks whether the show has ended, seconds.
MOST_WAITING, LOOK = 8, 0.5
PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class HealthPage:
    """Answers at `port` (0: any that is free) with what `told` gives, which says by `healthy` whether all is well.

    A sink, for the show to close it; frames are none of its business.
    `tell` takes a line where the port cannot be had; the show goes on without the page.
    """

    def __init__(self, port: int, told: Callable[[], Mapping[str, Any]], tell: Callable[[str], None]) -> None:
        self.port: int | None = None
        """The port listened at; None if it could not be had."""
        self._told = told
        self._closing = threading.Event()
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if sys.platform != "win32":  # there it would take the port from another program
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((HOST, port))
            listening.listen(MOST_WAITING)
        except OSError as error:
            listening.close()
            taken = error.errno == errno.EADDRINUSE
            reason = "another program listens there" if taken else error.strerror or os.strerror(error.errno or 0)
            tell(f"health: {HOST}:{port}: {reason}; the show goes on without its health page")
            return
        listening.settimeout(LOOK)
        self.port = listening.getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(listening,), name="health", daemon=True)
        self._thread.start()

    def present(self, picture: Any, values: Mapping[str, float]) -> None:
        """Nothing: what there is to tell is asked for."""

    def close(self) -> None:
        """Stops answering."""
        self._closing.set()
        if self.port is not None:
            self._thread.join(LOOK + LONGEST_REQUEST)

    def _run(self, listening: socket.socket) -> None:
        with listening:
            while not self._closing.is_set():
                try:
                    caller, _ = listening.accept()
                except TimeoutError:
                    continue
                except OSError:  # no file left for another socket: later, perhaps
                    self._closing.wait(LOOK)
                    continue
                with caller, suppress(OSError):  # the caller has gone, or took too long
                    self._serve(caller)

    def _serve(self, caller: socket.socket) -> None:
        deadline = time.monotonic() + LONGEST_REQUEST
        request = b""
        while b"\r\n\r\n" not in request and b"\n\n" not in request:
            left = deadline - time.monotonic()
            if left <= 0 or len(request) > LARGEST_REQUEST:
                self._answer(caller, 400, {"error": "no request"})
                return
            caller.settimeout(left)
            received = caller.recv(LARGEST_REQUEST)
            if not received:
                return
            request += received
        self._answer(caller, *self._answer_to(request))

    def _answer_to(self, request: bytes) -> tuple[int, Mapping[str, Any]]:
        words = request.split(b"\n", 1)[0].split()
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return 400, {"error": "no request"}
        if words[0] != b"GET":
            return 405, {"error": "GET only"}
        if words[1].partition(b"?")[0] != PATH.encode():
            return 404, {"error": f"there is only {PATH}"}
        told = self._told()
        return 200 if told["healthy"] else 503, told

    @staticmethod
    def _answer(caller: socket.socket, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content, indent=2).encode() + b"\n"
        head = (
            f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        caller.settimeout(LONGEST_REQUEST)
        caller.sendall(head.encode() + body)
