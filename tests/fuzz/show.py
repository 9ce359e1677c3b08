"""What a show leaves and finds again, its log and its state; pictures; and what is asked of the health page."""

import io
import json
import random
import struct
import zlib
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np

from engine.commands.resuming import Resumed
from engine.image_file import read_image
from engine.parameters import LFOS, PARAMETERS
from engine.replay import ReplayClock, ReplayControls, describe, show_of
from engine.show_log import (
    CRC,
    HEAD,
    KEYS,
    MODEL,
    SIGNATURE,
    START,
    Encoder,
    Layer,
    LogError,
    Model,
    ShowLog,
    Tick,
)  # fmt: skip
from engine.sinks.health_page import HealthPage
from engine.state_file import SIGNATURE as STATE
from engine.state_file import StateError, checksum
from engine.state_file import read as read_state
from tests.fuzz.loop import NUMBERS, Parse, Parser, in_a_file, mutated
from tests.test_show_log import sound

ABOUT = {"fps": 30, "size": [1280, 720], "seed": 7, "began": "2026-01-01T20:00:00"}
WORDS = [
    *(b"[", b"{", b'"', b"null", b'"fps": -1', b'"size": [0, 1]', b'"latent_size": "x"', b'"folder": 7', b"NaN", b",")
]
Chunk = tuple[bytes, int, bytes]  # tag, ticks, payload as it is before it is deflated


def chunks() -> list[Chunk]:
    """Those of a show of two models with sound."""
    draw = np.random.default_rng(0)
    models = [Model("one", ".", 3), Model("two", ".", 2)]

    def tick(index: int) -> Tick:
        layers = [
            Layer(model, 0.5, draw.normal(size=(2, model.latent_size)).astype(np.float32), np.ones(2, np.bool_))
            for model in models[: 1 + index // 4]
        ]
        heard = sound(index) if index > 1 else None
        return Tick(1 / 30, {"dance/speed": 1.0, "picture/drawn_at": 0.5}, tuple(layers), heard)

    encoder = Encoder()
    encoder._models = {model: index for index, model in enumerate(models)}  # no folder is read for a fuzzer
    told = [json.dumps({"name": each.name, "folder": ".", "latent_size": each.latent_size}) for each in models]
    data = encoder.ticks([tick(index) for index in range(8)]) + encoder.end()
    found: list[Chunk] = [(b"show", 0, json.dumps(ABOUT).encode()), *((MODEL, 0, each.encode()) for each in told)]
    place = 0
    while place < len(data):
        tag, ticks, length = HEAD.unpack_from(data, place)
        place += HEAD.size + CRC.size
        payload = data[place : place + length]
        found.append((tag, ticks, zlib.decompress(payload) if payload else b""))
        place += length
    return found


def packed(found: list[Chunk], deflated: bool = True) -> bytes:
    """A log of these chunks, whose lengths and checksums are right."""
    data = START.pack(SIGNATURE, 1)
    for tag, ticks, payload in found:
        payload = zlib.compress(payload, 1) if payload and deflated else payload
        head = HEAD.pack(tag, ticks, len(payload))
        data += head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload
    return data


def a_log(chance: random.Random) -> bytes:
    """A log with something changed within its chunks, or in their order, or anywhere."""
    found = list(CHUNKS)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        place = chance.randrange(len(found))
        tag, ticks, payload = found[place]
        match chance.randrange(6):
            case 0:
                del found[place]
            case 1:
                found.insert(chance.randrange(len(found)), found[place])
            case 2:
                found[place] = tag, chance.choice((0, 1, 7, 9, 5000, 2**31, 2**32 - 1)), payload
            case 3:
                found[place] = chance.choice(CHUNKS)[0], ticks, payload
            case _:
                found[place] = tag, ticks, mutated(chance, [payload or b"x"], WORDS)
        found = found or list(CHUNKS)
    data = packed(found, deflated=chance.random() < 0.95)
    return mutated(chance, [data]) if chance.random() < 0.2 else data


def take_log(path: Path) -> None:
    """Reads a log as a replay does."""
    log = ShowLog(path)
    describe(log)
    if log.ticks:
        rate, *_ = show_of(log)
        clock = ReplayClock(log, rate)
        controls = ReplayControls(clock, PARAMETERS)
        for _ in islice(log, 100):
            clock.advance()
            values = controls.snapshot()
            assert all(row.low <= values[row.key] <= row.high for row in PARAMETERS)


def state_parts() -> tuple[bytes, bytes]:
    """The head and the body of a state."""
    arrays = {"latest": np.zeros((2, 3), "<f4"), "seeds": np.array([7, 8], "<i8"), "step": np.array(7, "<i8")}
    facts: dict[str, Any] = {
        **{"model": str(Path.cwd()), "scene": "calm", "targets": {"dance/speed": 1.0}, "time": 0.0},
        **{"routes": [["audio/bass", "dance/speed", 0.5, 1.0, 0.0, 0.0, False, 0.5]], "lfos": [0.0] * len(LFOS)},
        "tempo": {"bpm": 120.0, "music": 0.0, "first": 0.0, "bars": 0.0},
    }
    head = {"arrays": [[name, each.dtype.str, list(each.shape)] for name, each in arrays.items()], "facts": facts}
    return json.dumps(head).encode(), b"".join(each.tobytes() for each in arrays.values())


def a_state(chance: random.Random) -> bytes:
    """A state with something changed, its checksum mostly right."""
    head, body = state_parts()
    head = mutated(chance, [head], [*WORDS, b'"<f8"', b'"<i8"', b"[[[", b'"seeds"'])
    if chance.random() < 0.3:
        body = mutated(chance, [body])
    data = b"%s%08x\n%s\n%s" % (STATE, checksum(head, body), head, body)
    return mutated(chance, [data]) if chance.random() < 0.1 else data


def take_state(path: Path) -> None:
    """Reads a state as a show does that goes on from it."""
    state = read_state(path)
    assert state is not None
    Resumed(state, [Path.cwd()], path, now=lambda: 1.0)


def pictures() -> list[bytes]:
    """A small picture in some formats."""
    found = []
    for codec, container, kind in (
        ("png", "image2", "rgb24"),
        ("mjpeg", "image2", "yuvj420p"),
        ("gif", "gif", "rgb8"),
        ("bmp", "image2", "bgr24"),
    ):
        file = io.BytesIO()
        stream_file = av.open(file, "w", format="gif" if container == "gif" else "image2pipe")
        stream = stream_file.add_stream(codec, rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 16, 8, kind
        frame = av.VideoFrame.from_ndarray(np.arange(16 * 8 * 3, dtype=np.uint8).reshape(8, 16, 3), "rgb24")
        for packet in (*stream.encode(frame), *stream.encode(None)):
            stream_file.mux(packet)
        stream_file.close()
        found.append(file.getvalue())
    return found


def a_picture(chance: random.Random) -> bytes:
    """A picture, changed; a PNG's size to any, with the right checksum."""
    if chance.random() < 0.3:
        png = PICTURES[0]
        head = (
            b"IHDR"
            + struct.pack(">II", *(chance.choice((0, 1, 8, 5000, 60_000, 2**31 - 1)) for _ in "xy"))
            + png[24:29]
        )
        return png[:12] + head + struct.pack(">I", zlib.crc32(head)) + png[33:]
    return mutated(chance, PICTURES, [b"ffconcat version 1.0\nfile x.png\n", b"#EXTM3U\n", *NUMBERS[:5]])


def ask(folder: Path) -> Parse:
    """What is asked of the page; no socket is needed for that."""
    page = HealthPage.__new__(HealthPage)
    page._told = lambda: {"healthy": True}

    def parse(data: bytes) -> None:
        status, _ = page._answer_to(data[:8192])
        if status != 200:
            raise NotAskedError(str(status))

    return parse


class NotAskedError(Exception):
    """A request that is answered by an error."""


CHUNKS, PICTURES = chunks(), pictures()
REQUESTS = [b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b"GET /health?x=1 HTTP/1.0\n\n"]
PARSERS = (
    Parser(
        "log", a_log, in_a_file(take_log, "show.dnlog"), (LogError,),
        escapes=(
            packed([CHUNKS[0], (b"tick", 2**32 - 1, b"\0" * 8)]),
            packed([*CHUNKS[:3], (KEYS, 0, b"7"), CHUNKS[-2]]),
            packed([CHUNKS[0], (MODEL, 0, b"[" * 5000)]),
            packed([CHUNKS[0], (MODEL, 0, b'{"name": [], "folder": 1, "latent_size": "x"}')]),
            packed([CHUNKS[0], (b"tick", 1, b"\0" * (300 << 20))]),
        ),
    ),
    Parser("state", a_state, in_a_file(take_state, "show.state"), (StateError,)),
    Parser("pictures", a_picture, in_a_file(lambda path: read_image(path, "rgba"), "x.png"), (OSError,)),
    Parser("health", lambda chance: mutated(chance, REQUESTS, [b" ", b"\r\n", b"HTTP/1."]), ask, (NotAskedError,)),
)  # fmt: skip
