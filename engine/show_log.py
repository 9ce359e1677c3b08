"""The log of a show, `.dnlog`: what a tick of it holds, the file's format, and its reader.

Owns the bytes, as docs/replay.md states them; `engine/sinks/log.py` writes them while a show runs. A log carries the
latents that were shown, bit for bit, so that a replay needs neither the step nor the machine that danced. It is a
row of chunks, each with its length and CRC: whatever is cut off or torn, the chunks before it are read.
"""

import hashlib
import itertools
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.audio.sound import Sound
from engine.packing import pack, unpack
from engine.parameters import MOST_DANCERS
from engine.sound_packing import pack_sounds, unpack_sounds

FORMAT = 1
SIGNATURE = b"dnlog\n"
START = struct.Struct("<6sH")  # the signature, the format
HEAD = struct.Struct("<4sII")  # of a chunk: tag, how many ticks it holds, bytes of payload; then CRC, then payload
CRC = struct.Struct("<I")
SHAPE = struct.Struct("<H")  # of a chunk of ticks: how many layers each has
LAYER = struct.Struct("<HH")  # model, dancers
# Among a tick's values: the share of the window's size that the picture was drawn at.
DRAWN_AT = "picture/drawn_at"
# Tags: about the show, the keys of the values to come, one model more, the sounds of the next ticks, ticks, the end of
# a show that was closed. Others are passed over, so that later versions may add some.
ABOUT, KEYS, MODEL, HEARD, TICKS, END = b"show", b"keys", b"modl", b"hear", b"tick", b"end."
# What a chunk can hold wrong although its CRC is right: made by something else than DanceNet.
MALFORMED = (zlib.error, struct.error, ValueError, KeyError, IndexError, TypeError, RecursionError)
# What a chunk may hold, far beyond what is written: 0.4 s of show. A few bytes can tell of any number of ticks, and be
# inflated to gigabytes.
MOST_TICKS, MOST_LAYERS, MOST_INFLATED, MOST_TEXT = 1 << 14, 16, 256 << 20, 1 << 20
MOST_MODELS, LARGEST_LATENT, MOST_FILES = 1024, 1 << 16, 1024


class LogError(Exception):
    """A log that cannot be written, read or replayed; the message is one line that names the file."""


@dataclass(frozen=True)
class Model:
    """A bundle that danced; `files`, name -> SHA-256, is filled in where it is logged."""

    name: str
    folder: str
    latent_size: int
    files: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Layer:
    """What one model's company shows in a frame: latents (dancers, latent_size), and how much of them is seen, 0..1;
    and whose images were brought up to date, `turns` (dancers): where there is too little time, they take turns.
    """

    model: Model
    weight: float
    latents: NDArray[np.float32]
    turns: NDArray[np.bool_]


@dataclass(frozen=True)
class Tick:
    """One frame: the seconds since the one before, every parameter's value, what was shown, and the sound that its
    effects took; None where none did.
    """

    dt: float
    values: Mapping[str, float]
    layers: tuple[Layer, ...]
    sound: Sound | None = None


class Encoder:
    """Turns a show into the bytes of its log; remembers which keys and models the log has told of."""

    def __init__(self) -> None:
        self._keys: tuple[str, ...] = ()
        self._models: dict[Model, int] = {}

    def start(self, about: Mapping[str, Any]) -> bytes:
        """The log's first bytes. `about` is what there is to know of the show, fit for JSON."""
        return START.pack(SIGNATURE, FORMAT) + _text_chunk(ABOUT, about)

    def ticks(self, ticks: Iterable[Tick]) -> bytes:
        """The chunks of these ticks. Raises OSError where a new model's files cannot be read."""
        return b"".join(self._run(shape, list(run)) for shape, run in itertools.groupby(ticks, _shape))

    def end(self) -> bytes:
        """The log's last bytes."""
        return _chunk(END, b"")

    def _run(self, shape: tuple, ticks: list[Tick]) -> bytes:
        """The chunk of a run of ticks of the same keys, layers and channels, and before it the chunks it needs."""
        keys, layers, channels = shape
        told = b""
        for model, _ in layers:
            if model not in self._models:
                self._models[model] = len(self._models)
                told += _text_chunk(MODEL, asdict(model) | {"files": fingerprints(model.folder)})
        if keys != self._keys:
            self._keys = keys
            told += _text_chunk(KEYS, keys)
        parts = [SHAPE.pack(len(layers))]
        parts += [LAYER.pack(self._models[model], dancers) for model, dancers in layers]
        parts.append(pack(np.array([tick.dt for tick in ticks], np.float64)))
        parts.append(pack(np.array([[tick.values[key] for key in keys] for tick in ticks], np.float64)))
        parts.append(pack(np.array([[layer.weight for layer in tick.layers] for tick in ticks], np.float64)))
        parts += [pack(np.stack([tick.layers[index].latents for tick in ticks])) for index in range(len(layers))]
        parts += [np.packbits([tick.layers[index].turns for tick in ticks]).tobytes() for index in range(len(layers))]
        if channels:  # before its ticks, so that a cut log never has ticks without their sound
            told += _chunk(HEARD, _deflated(pack_sounds([tick.sound for tick in ticks if tick.sound])))
        return told + _chunk(TICKS, _deflated(b"".join(parts)), len(ticks))


class Chunk(NamedTuple):
    """A chunk as it lies in the file."""

    tag: bytes
    ticks: int
    payload: bytes


class ShowLog:
    """A log, open for reading; iterating gives its ticks, one chunk in memory at a time.

    `about` is what the log says of the show, `models` are those that danced, `ticks` counts the frames. `whole` is
    False where the end is missing: the show crashed, or the file was cut or damaged; what is before that is read.
    Raises LogError where it is no log or one of a later format.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.ticks = 0
        self.models: list[Model] = []
        self.whole = False
        about: Any = None
        for chunk in self._chunks():
            if chunk.ticks > (MOST_TICKS if chunk.tag == TICKS else 0):
                raise self._malformed(chunk)
            self.ticks += chunk.ticks
            if chunk.tag == ABOUT:
                about = self._text(chunk)
            elif chunk.tag == MODEL:
                self.models.append(self._model(chunk))
                if len(self.models) > MOST_MODELS:
                    raise self._malformed(chunk)
            elif chunk.tag == END:
                self.whole = True
        if not isinstance(about, dict):
            raise LogError(f"{self.path}: holds nothing of a show")
        self.about: dict[str, Any] = about

    def __iter__(self) -> Iterator[Tick]:
        keys: tuple[str, ...] = ()
        heard: Chunk | None = None
        for chunk in self._chunks():
            if chunk.tag == KEYS:
                keys = self._keys(chunk)
            elif chunk.tag == HEARD:
                heard = chunk
            elif chunk.tag == TICKS:
                sounds: Sequence[Sound | None] = self._sounds(heard, chunk.ticks) if heard else [None] * chunk.ticks
                yield from self._ticks(chunk, keys, sounds)
                heard = None

    def _chunks(self) -> Iterator[Chunk]:
        """The file's chunks, after a look at its start."""
        try:
            with self.path.open("rb") as file:
                self._check(file.read(START.size))
                yield from _chunks(file)
        except OSError as error:
            raise LogError(f"{self.path}: {error.strerror}") from None

    def _check(self, start: bytes) -> None:
        if len(start) < START.size or START.unpack(start)[0] != SIGNATURE:
            raise LogError(f"{self.path}: not the log of a show")
        version = START.unpack(start)[1]
        if version > FORMAT:
            raise LogError(f"{self.path}: format is {version}; this DanceNet reads up to {FORMAT}: update it")

    def _text(self, chunk: Chunk) -> Any:
        try:
            return json.loads(_inflated(chunk.payload, MOST_TEXT))
        except MALFORMED:
            raise self._malformed(chunk) from None

    def _model(self, chunk: Chunk) -> Model:
        told = self._text(chunk)
        try:
            model = Model(**told)
        except MALFORMED:
            raise self._malformed(chunk) from None
        files = model.files
        right = (
            isinstance(model.name, str)
            and isinstance(model.folder, str)
            and type(model.latent_size) is int
            and 1 <= model.latent_size <= LARGEST_LATENT
            and isinstance(files, dict)
            and len(files) <= MOST_FILES
            and all(isinstance(each, str) for each in files.values())
        )
        if not right:
            raise self._malformed(chunk)
        return model

    def _keys(self, chunk: Chunk) -> tuple[str, ...]:
        keys = self._text(chunk)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise self._malformed(chunk)
        return tuple(keys)

    def _sounds(self, chunk: Chunk, ticks: int) -> list[Sound]:
        try:
            return unpack_sounds(_inflated(chunk.payload, MOST_INFLATED), ticks)
        except MALFORMED:
            raise self._malformed(chunk) from None

    def _ticks(self, chunk: Chunk, keys: Sequence[str], sounds: Sequence[Sound | None]) -> list[Tick]:
        try:
            data = memoryview(_inflated(chunk.payload, MOST_INFLATED))
            (count,) = SHAPE.unpack_from(data)
            if count > MOST_LAYERS:
                raise ValueError(f"{count} layers")
            shapes = [LAYER.unpack_from(data, SHAPE.size + index * LAYER.size) for index in range(count)]
            models = [self.models[model] for model, _ in shapes]
            if any(dancers > MOST_DANCERS for _, dancers in shapes):
                raise ValueError("a company too large")
            data = data[SHAPE.size + count * LAYER.size :]
            n = chunk.ticks
            dts, data = unpack(data, (n,), np.float64)
            values, data = unpack(data, (n, len(keys)), np.float64)
            weights, data = unpack(data, (n, count), np.float64)
            latents = []
            for model, (_, dancers) in zip(models, shapes, strict=True):
                layer, data = unpack(data, (n, dancers, model.latent_size), np.float32)
                latents.append(layer)
            turns = []
            for _, dancers in shapes:
                size = -(-n * dancers // 8)
                turns.append(np.unpackbits(np.frombuffer(data[:size], np.uint8), count=n * dancers).reshape(n, dancers))
                data = data[size:]
            if not all(np.isfinite(numbers).all() for numbers in (dts, values, weights, *latents)):
                raise ValueError("numbers that are none")
            return [
                Tick(
                    float(dts[tick]),
                    dict(zip(keys, values[tick].tolist(), strict=True)),
                    tuple(
                        Layer(model, float(weights[tick, index]), latents[index][tick], turns[index][tick] > 0)
                        for index, model in enumerate(models)
                    ),
                    sounds[tick],
                )
                for tick in range(n)
            ]
        except MALFORMED:
            raise self._malformed(chunk) from None

    def _malformed(self, chunk: Chunk) -> LogError:
        return LogError(f"{self.path}: a {chunk.tag.decode()!r} chunk holds what DanceNet does not write")


def fingerprints(folder: str | os.PathLike[str]) -> dict[str, str]:
    """SHA-256 of every file in the folder of a bundle, by name. Raises OSError."""
    return {path.name: fingerprint(path) for path in sorted(Path(folder).iterdir()) if path.is_file()}


def fingerprint(path: Path) -> str:
    """SHA-256 of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _shape(tick: Tick) -> tuple:
    """What the ticks of one chunk have in common."""
    layers = tuple((layer.model, len(layer.latents)) for layer in tick.layers)
    return tuple(tick.values), layers, 0 if tick.sound is None else len(tick.sound.waveform)


def _chunk(tag: bytes, payload: bytes, ticks: int = 0) -> bytes:
    head = HEAD.pack(tag, ticks, len(payload))
    return head + CRC.pack(zlib.crc32(payload, zlib.crc32(head))) + payload


def _deflated(data: bytes) -> bytes:
    # Runs of one byte are all there is to find in packed numbers, and found four times as fast as phrases.
    deflate = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return deflate.compress(data) + deflate.flush()


def _inflated(payload: bytes, most: int) -> bytes:
    """What `_deflated` and `_text_chunk` made the payload of. Raises ValueError and zlib.error."""
    inflate = zlib.decompressobj()
    data = inflate.decompress(payload, most)
    if not inflate.eof:
        raise ValueError(f"cut off, or more than {most} bytes")
    return data


def _text_chunk(tag: bytes, entries: Any) -> bytes:
    return _chunk(tag, zlib.compress(json.dumps(entries, ensure_ascii=False).encode()))


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks from here on, up to the file's end or to the first that is torn or damaged."""
    size = os.fstat(file.fileno()).st_size
    while len(head := file.read(HEAD.size + CRC.size)) == HEAD.size + CRC.size:
        tag, ticks, length = HEAD.unpack_from(head)
        if length > min(size - file.tell(), MOST_INFLATED):
            return
        payload = file.read(length)
        if CRC.unpack_from(head, HEAD.size)[0] != zlib.crc32(payload, zlib.crc32(head[: HEAD.size])):
            return
        yield Chunk(tag, ticks, payload)
