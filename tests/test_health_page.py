"""The health page, over real sockets: what it answers, to whom, and what callers that misbehave can do."""

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.sinks.health_page import LARGEST_REQUEST, LONGEST_REQUEST, HealthPage
from tests.display import Screen
from tests.test_live import playing_live

LOOPBACK = "127.0.0.1"


class Stage:
    """A page, and what it tells."""

    def __init__(self) -> None:
        self.told: dict[str, Any] = {"healthy": True, "reasons": "", "fps": 30.0, "scene": "später"}
        self.said: list[str] = []
        self.page = HealthPage(0, lambda: self.told, self.said.append)

    def send(self, request: bytes) -> bytes:
        with self.call() as caller:
            caller.sendall(request)
            return b"".join(iter(lambda: caller.recv(65536), b""))

    def call(self) -> socket.socket:
        return socket.create_connection((LOOPBACK, self.page.port or 0), timeout=10)


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    yield stage
    stage.page.close()


def get(port: int | None, path: str = "/health") -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_show_that_is_well_answers_200_and_one_that_is_not_503(stage: Stage) -> None:
    assert get(stage.page.port) == (200, stage.told)
    stage.told = {"healthy": False, "reasons": "no frame for 3.0 s"}
    assert get(stage.page.port) == (503, stage.told)
    assert get(stage.page.port, "/health?now") == (503, stage.told)


def test_it_is_json_that_is_not_kept_and_the_connection_is_closed(stage: Stage) -> None:
    head, _, body = stage.send(b"GET /health HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert head.splitlines() == [
        *(b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: %d" % len(body)),
        *(b"Cache-Control: no-store", b"Connection: close"),
    ]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /health/../x HTTP/1.1\r\n\r\n", 404),
        (b"POST /health HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        (b"DELETE /health HTTP/1.1\r\n\r\n", 405),
        (b"hello\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
        (b"GET /health SSH-2.0\r\n\r\n", 400),
        (b"\xff\x00\xfe \x01 \x02\n\n", 400),
        (b"x" * (LARGEST_REQUEST + 1), 400),
    ],
)
def test_anything_else_is_refused(stage: Stage, request_: bytes, status: int) -> None:
    assert stage.send(request_).startswith(b"HTTP/1.1 %d " % status)
    assert get(stage.page.port)[0] == 200


def test_only_this_computer_is_listened_to(stage: Stage) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: asks the system which of its addresses it would use
        outside = probe.getsockname()[0]
    assert outside != LOOPBACK, "this test needs a network"
    with pytest.raises(OSError):
        socket.create_connection((outside, stage.page.port or 0), timeout=5).close()


def test_a_caller_that_hangs_holds_others_up_for_two_seconds_and_one_that_drips_for_no_more(stage: Stage) -> None:
    done = threading.Event()

    def drip(caller: socket.socket) -> None:
        while not done.wait(0.2):
            try:
                caller.sendall(b"x")
            except OSError:
                return

    with stage.call(), stage.call() as dripping:
        thread = threading.Thread(target=drip, args=(dripping,))
        thread.start()
        begun = time.monotonic()
        assert get(stage.page.port)[0] == 200
        assert time.monotonic() - begun < 2 * LONGEST_REQUEST + 1
        done.set()
        thread.join()


def test_callers_that_leave_cost_nothing(stage: Stage) -> None:
    for _ in range(50):
        stage.call().close()
    assert get(stage.page.port)[0] == 200


def test_a_port_that_is_taken_is_told_and_the_show_goes_on(stage: Stage) -> None:
    said: list[str] = []
    other = HealthPage(stage.page.port or 0, lambda: stage.told, said.append)
    assert other.port is None
    other.close()
    assert said == [
        f"health: {LOOPBACK}:{stage.page.port}: another program listens there; the show goes on without its health page"
    ]


def test_its_port_is_free_at_once_when_it_is_closed(stage: Stage) -> None:
    port = stage.page.port or 0
    assert get(port)[0] == 200
    stage.page.close()
    again = HealthPage(port, lambda: stage.told, stage.said.append)
    assert (again.port, stage.said) == (port, [])
    again.close()


def test_a_show_answers_by_http_and_by_osc(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANCENET_RESTARTS", "2")
    with socket.create_server((LOOPBACK, 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--model", str(tiny_bundle), "--audio", "off", "--health", str(port))
    with playing_live(tmp_path, *options) as player, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        assert get(port)[1]["reasons"] == "no frame yet"
        player.frames(40)
        status, told = get(port)
        assert status == 200, told
        assert (told["model"], told["device"], told["scene"], told["restarts"]) == ("tiny", "cpu", "1-solo", 2)
        assert (told["audio_state"], told["osc_port"], told["state"]) == ("off", player.stage.osc.port, "dances")
        client.bind((LOOPBACK, 0))
        client.settimeout(5)
        player.send("health", "?", client.getsockname()[1])
        player.frames(3)
        heard = dict(read(client.recv(4096)) for _ in told)
        assert heard.keys() == told.keys()
        assert (heard["healthy"], heard["model"], heard["restarts"], heard["audio"]) == (1.0, "tiny", 2.0, "")
        deadline = time.monotonic() + 10
        while (answer := get(port))[0] == 200:  # no frame comes meanwhile
            assert time.monotonic() < deadline
        status, told = answer
        assert status == 503
        assert told["reasons"].startswith("no frame for 2.")


def read(datagram: bytes) -> tuple[str, float | str]:
    """The name and the value in a message of the health."""
    from pythonosc.osc_message import OscMessage

    message = OscMessage(datagram)
    assert message.address == "/dancenet/health"
    name, value = message.params
    return name, value
