"""The log of a show is read as it was written; cut or damaged anywhere, up to there."""

import hashlib
import json
import struct
import tracemalloc
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import show_log
from engine.audio.sound import SILENCE, Sound
from engine.show_log import CRC, HEAD, HEARD, TICKS, Encoder, Layer, LogError, Model, ShowLog, Tick

ABOUT = {"fps": 30, "size": [1280, 720], "seed": 7}
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Two bundles as a log knows them, with latents of 3 and of 2."""
    found = []
    for name, size in (("one", 3), ("two", 2)):
        folder = tmp_path_factory.mktemp(name)
        (folder / "decoder.onnx").write_text(name)
        found.append(Model(name, str(folder), size))
    return found


def tick(index: int, layers: Sequence[tuple[Model, float, int]], more: Mapping[str, float] | None = None) -> Tick:
    """A tick like no other, of (model, weight, dancers)."""
    chance = np.random.default_rng(index)
    shown = [
        Layer(
            model,
            weight,
            chance.normal(size=(dancers, model.latent_size)).astype(np.float32),
            chance.random(dancers) < 0.5,
        )
        for model, weight, dancers in layers
    ]
    values = {"dance/temperature": chance.random(), "dance/seed": 7.0, **(more or {})}
    return Tick(float(chance.choice([1 / 30, 2 / 30])), values, tuple(shown))


def sound(index: int, channels: int = 2) -> Sound:
    """A sound like no other."""
    return Sound.unpacked(
        np.random.default_rng(index).integers(0, 256, 256 * (channels + 1)).astype(np.uint8).tobytes()
    )


def with_sounds(ticks: Sequence[Tick], sounds: Sequence[Sound | None]) -> list[Tick]:
    return [replace(tick, sound=sound) for tick, sound in zip(ticks, sounds, strict=True)]


def written(path: Path, *batches: Sequence[Tick], end: bool = True) -> Path:
    encoder = Encoder()
    parts = [encoder.start(ABOUT), *map(encoder.ticks, batches), encoder.end() if end else b""]
    path.write_bytes(b"".join(parts))
    return path


def exact(ticks: Sequence[Tick]) -> list[tuple]:
    """Ticks as what can be compared, to the bit."""
    return [
        (
            struct.pack("<d", tick.dt),
            {key: struct.pack("<d", value) for key, value in tick.values.items()},
            [(each.model, each.weight, each.latents.tobytes(), each.turns.tolist()) for each in tick.layers],
            tick.sound and (tick.sound.packed(), len(tick.sound.waveform)),
        )
        for tick in ticks
    ]


def test_a_log_holds_the_show_it_was_given(tmp_path: Path, models: list[Model]) -> None:
    one, two = models
    dance = [tick(index, [(one, 1.0, 1)]) for index in range(40)]
    company = [tick(index, [(one, 1.0, 1 + index % 5)]) for index in range(40, 60)]
    fade = [tick(index, [(one, 1.0, 4), (two, index / 80, 1)]) for index in range(60, 80)]
    other = [tick(index, [(two, 1.0, 64)], {"dance/style": 0.1 * index}) for index in range(80, 90)]
    log = ShowLog(written(tmp_path / "show.dnlog", dance[:12], dance[12:], company + fade, other))
    assert (log.about, log.ticks, log.whole) == (ABOUT, 90, True)
    assert log.models == models
    assert [model.files for model in log.models] == [
        {"decoder.onnx": hashlib.sha256(name).hexdigest()} for name in (b"one", b"two")
    ]
    assert exact(list(log)) == exact([*dance, *company, *fade, *other])
    assert exact(list(log)) == exact([*dance, *company, *fade, *other]), "it can be read again"


@settings(deadline=None)
@given(dts=st.lists(NUMBERS, min_size=1, max_size=5), values=st.dictionaries(st.text(max_size=8), NUMBERS, max_size=4))
def test_any_numbers_and_names_come_back(
    tmp_path_factory: pytest.TempPathFactory, models: list[Model], dts: list[float], values: dict[str, float]
) -> None:
    latents = np.zeros((1, 3), np.float32)
    ticks = [Tick(dt, {**values, "last": dt}, (Layer(models[0], dt, latents, np.zeros(1, np.bool_)),)) for dt in dts]
    path = written(tmp_path_factory.mktemp("log") / "show.dnlog", ticks)
    assert exact(list(ShowLog(path))) == exact(ticks)


def test_a_log_torn_at_any_byte_is_read_up_to_the_last_whole_chunk(tmp_path: Path, models: list[Model]) -> None:
    whole = with_sounds([tick(index, [(models[0], 1.0, 1)]) for index in range(3)], [SILENCE, SILENCE, sound(2)])
    lost = with_sounds([tick(index, [(models[0], 1.0, 1)]) for index in range(3, 6)], [sound(3, 1)] * 3)
    path = tmp_path / "show.dnlog"
    kept = len(written(path, whole, end=False).read_bytes())
    data = written(path, whole, lost, end=False).read_bytes()
    for size in range(kept, len(data)):
        path.write_bytes(data[:size])
        log = ShowLog(path)
        assert (log.ticks, log.whole) == (3, False), size
        assert exact(list(log)) == exact(whole)
    path.write_bytes(data)
    assert (ShowLog(path).ticks, ShowLog(path).whole) == (6, False), "the chunk is whole, the show was not closed"


def test_a_log_damaged_at_any_byte_is_read_up_to_there(tmp_path: Path, models: list[Model]) -> None:
    whole = with_sounds([tick(index, [(models[0], 1.0, 1)]) for index in range(3)], [SILENCE, sound(1, 1), SILENCE])
    path = tmp_path / "show.dnlog"
    kept = len(written(path, whole, end=False).read_bytes())
    data = written(path, whole, whole).read_bytes()
    for place in range(kept, len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 0x40
        path.write_bytes(damaged)
        log = ShowLog(path)
        assert not log.whole and log.ticks in (3, 6), place
        assert exact(list(log)) == exact((whole * 2)[: log.ticks])


def test_zeros_after_a_loss_of_power_are_not_taken_for_a_show(tmp_path: Path, models: list[Model]) -> None:
    path = written(tmp_path / "show.dnlog", [tick(0, [(models[0], 1.0, 1)])], end=False)
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert (ShowLog(path).ticks, ShowLog(path).whole) == (1, False)


def test_a_log_holds_the_sounds_of_the_ticks_that_had_some(tmp_path: Path, models: list[Model]) -> None:
    stereo, mono = [sound(index) for index in range(20)], [sound(index, 1) for index in range(5)]
    sounds = [None, *stereo[:12], SILENCE, *mono, None, None, *stereo[12:], None]
    plain = [tick(index, [(models[0], 1.0, 1)]) for index in range(len(sounds))]
    heard = with_sounds(plain, sounds)
    log = ShowLog(written(tmp_path / "show.dnlog", heard[:9], heard[9:]))
    assert (log.ticks, log.whole) == (len(sounds), True)
    assert exact(list(log)) == exact(heard)
    assert exact(list(ShowLog(written(tmp_path / "show.dnlog", plain)))) == exact(plain)


def test_a_sound_that_stays_for_several_ticks_is_written_once(tmp_path: Path, models: list[Model]) -> None:
    plain = [tick(index, [(models[0], 1.0, 1)]) for index in range(24)]
    each = [sound(index) for index in range(12)]
    once = written(tmp_path / "once.dnlog", with_sounds(plain, [each[index // 2] for index in range(24)]))
    alone = written(tmp_path / "alone.dnlog", plain)
    assert once.stat().st_size - alone.stat().st_size < 12 * 768 + 200
    found = [each.sound for each in ShowLog(once)]
    assert [found[index] is found[index - 1] for index in range(1, 24)] == [True, False] * 11 + [True]


def test_a_reader_that_knows_of_no_sounds_sees_the_same_show(
    tmp_path: Path, models: list[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = [tick(index, [(models[0], 1.0, 1)]) for index in range(8)]
    path = written(tmp_path / "show.dnlog", with_sounds(plain, [sound(index) for index in range(8)]))
    monkeypatch.setattr("engine.show_log.HEARD", b"none")
    log = ShowLog(path)
    assert (log.ticks, log.whole) == (8, True)
    assert exact(list(log)) == exact(plain)


def test_parameters_that_stand_still_cost_next_to_nothing(tmp_path: Path, models: list[Model]) -> None:
    def size(count: int, ticks: int) -> int:
        values = {f"fx/parameter_{index}": index / 7 for index in range(count)}
        path = written(tmp_path / "show.dnlog", [tick(index, [(models[0], 1.0, 1)], values) for index in range(ticks)])
        return path.stat().st_size

    few = [size(0, ticks) for ticks in (3, 123)]
    many = [size(100, ticks) for ticks in (3, 123)]
    assert (many[1] - many[0]) - (few[1] - few[0]) < 0.02 * 120 * 100 * 8


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "show.dnlog")
    data = bytearray(path.read_bytes())
    data[6:8] = struct.pack("<H", 2)
    path.write_bytes(data)
    with pytest.raises(LogError, match=r"show\.dnlog: format is 2; this DanceNet reads up to 1: update it$"):
        ShowLog(path)


def test_chunks_that_a_later_version_adds_are_passed_over(tmp_path: Path, models: list[Model]) -> None:
    encoder, ticks = Encoder(), [tick(0, [(models[0], 1.0, 1)])]
    head = HEAD.pack(b"news", 0, 5)
    news = head + CRC.pack(zlib.crc32(b"later", zlib.crc32(head))) + b"later"
    path = tmp_path / "show.dnlog"
    path.write_bytes(encoder.start(ABOUT) + news + encoder.ticks(ticks) + encoder.end())
    assert ShowLog(path).whole
    assert exact(list(ShowLog(path))) == exact(ticks)


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "show.dnlog"
    with pytest.raises(LogError, match=r"show\.dnlog: No such file or directory$"):
        ShowLog(path)
    for data in (b"", b"dnlog\n", b"\x89PNG\r\n\x1a\n" * 8):
        path.write_bytes(data)
        with pytest.raises(LogError, match=r"show\.dnlog: not the log of a show$"):
            ShowLog(path)
    path.write_bytes(Encoder().start(ABOUT)[:20])
    with pytest.raises(LogError, match=r"show\.dnlog: holds nothing of a show$"):
        ShowLog(path)


@pytest.mark.parametrize("payload", [b"not deflated", zlib.compress(b""), zlib.compress(bytes(range(200)))])
def test_a_chunk_that_nobody_wrote_like_that_is_refused(tmp_path: Path, payload: bytes) -> None:
    head = HEAD.pack(TICKS, 2, len(payload))
    path = tmp_path / "show.dnlog"
    path.write_bytes(Encoder().start(ABOUT) + head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload)
    with pytest.raises(LogError, match=r"show\.dnlog: a 'tick' chunk holds what DanceNet does not write$"):
        list(ShowLog(path))


def refused(path: Path, tag: bytes, ticks: int, payload: bytes) -> str:
    """What is told of a log with a chunk that nobody wrote."""
    head = HEAD.pack(tag, ticks, len(payload))
    path.write_bytes(Encoder().start(ABOUT) + head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload)
    with pytest.raises(LogError) as raised:
        list(ShowLog(path))
    return str(raised.value)


@pytest.mark.parametrize(
    ("tag", "ticks", "content"),
    [
        (b"tick", 2**32 - 1, bytes(100)),
        (b"tick", 1, struct.pack("<H", 65535) + bytes(65535 * 4)),
        (b"tick", 1, struct.pack("<HHH", 1, 0, 65535) + bytes(1000)),
        (b"modl", 7, b"{}"),
        (b"modl", 0, b"[" * 100_000),
        (b"modl", 0, b'{"name": "x", "folder": 7, "latent_size": 8}'),
        (b"modl", 0, b'{"name": [], "folder": "x", "latent_size": 8}'),
        (b"modl", 0, b'{"name": "x", "folder": "x", "latent_size": 1e9}'),
        (b"modl", 0, b'{"name": "x", "folder": "x", "latent_size": 8, "files": {"a": 1}}'),
        (b"keys", 0, b"7"),
        (b"keys", 0, b"[[]]"),
    ],
)
def test_a_chunk_that_claims_what_no_show_has_is_refused(
    tmp_path: Path, tag: bytes, ticks: int, content: bytes
) -> None:
    told = refused(tmp_path / "show.dnlog", tag, ticks, zlib.compress(content))
    assert told.endswith(f"show.dnlog: a {tag.decode()!r} chunk holds what DanceNet does not write")


def test_a_chunk_that_inflates_without_end_takes_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show_log, "MOST_INFLATED", 1 << 20)
    bomb = zlib.compress(bytes(64 << 20), 9)
    tracemalloc.start()
    assert "chunk holds what DanceNet does not write" in refused(tmp_path / "show.dnlog", b"tick", 1, bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    "data", [b"", bytes(2), bytes([1, 0, 0b01000000]) + bytes(512), bytes([1, 0, 128]) + bytes(511)]
)
def test_a_chunk_of_sounds_that_nobody_wrote_like_that_is_refused(
    tmp_path: Path, models: list[Model], data: bytes
) -> None:
    payload = zlib.compress(data)
    head = HEAD.pack(HEARD, 0, len(payload))
    chunk = head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload
    encoder = Encoder()
    path = tmp_path / "show.dnlog"
    path.write_bytes(encoder.start(ABOUT) + chunk + encoder.ticks([tick(0, [(models[0], 1.0, 1)])]))
    with pytest.raises(LogError, match=r"show\.dnlog: a 'hear' chunk holds what DanceNet does not write$"):
        list(ShowLog(path))


def test_what_is_told_of_the_show_is_plain_json(tmp_path: Path) -> None:
    """Whoever has nothing but zlib can still find out what a log is of."""
    data = written(tmp_path / "show.dnlog").read_bytes()
    _, _, length = HEAD.unpack_from(data, 8)
    start = 8 + HEAD.size + CRC.size
    assert json.loads(zlib.decompress(data[start : start + length])) == ABOUT
