"""The fuzzers' common loop: valid files, mutated by a seeded chance, and what a parser may make of them.

A parser may take a file, or refuse it by an error of its own. Anything else, work without end, or memory without bound,
is an escape: its input is kept, and told.
"""

import hashlib
import random
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

# Seconds of the processor that one input may take.
LONGEST = 2.0
# The largest input that is made; the parsers' own limits lie below.
LARGEST = 1 << 20

NUMBERS = (
    *(b"0", b"-1", b"1", b"2", b"255", b"65536", b"2147483648", b"18446744073709551616", b"1e999", b"-1e308", b"nan"),
    *(b"1" * 400, b"9" * 5000, b"0x" + b"f" * 5000, b"1e-400", b"0.1", b"inf", b"true", b'""', b"[]", b"{}", b"null"),
)
BYTES = (0, 1, 0x0A, 0x20, 0x22, 0x27, 0x2F, 0x5C, 0x7F, 0x80, 0xC0, 0xFF)
DIGITS = re.compile(rb"-?\d+(?:\.\d+)?")

Parse = Callable[[bytes], object]


@dataclass(frozen=True)
class Parser:
    """What is fuzzed. `make` gives an input by chance; `begin` is given a folder of its own and gives what parses one,
    which may raise `errors`. `escapes` are inputs that once did harm.
    """

    name: str
    make: Callable[[random.Random], bytes]
    begin: Callable[[Path], Parse]
    errors: tuple[type[Exception], ...]
    escapes: Sequence[bytes] = ()


class Endless(BaseException):
    """An input took too long; no parser's `except Exception` holds it up."""


@dataclass
class Found:
    """What came of a run: inputs that were taken, inputs that were refused, and escapes as they are told."""

    taken: int = 0
    refused: int = 0
    escapes: int = 0


class Limit:
    """Raises Endless in what takes more than `LONGEST` seconds of the processor while it is held."""

    def __enter__(self) -> Self:
        signal.setitimer(signal.ITIMER_PROF, LONGEST)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)


@contextmanager
def limits():  # type: ignore[no-untyped-def]
    """Has `Limit` work."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Endless(f"more than {LONGEST:g} s")

    before = signal.signal(signal.SIGPROF, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGPROF, before)


def run(
    parser: Parser, folder: Path, seed: int, *, rounds: int | None = None, seconds: float | None = None, keep: Path
) -> Found:
    """Gives a parser its old escapes, then inputs for so many rounds or seconds; escapes are written to `keep`."""
    chance = random.Random(f"{parser.name} {seed}")
    parse, found = parser.begin(folder), Found()
    until = None if seconds is None else time.monotonic() + seconds
    waiting = list(parser.escapes)
    number = 0
    with limits():
        while waiting or (number < rounds if rounds is not None else time.monotonic() < (until or 0)):
            data = waiting.pop() if waiting else parser.make(chance)[:LARGEST]
            number += 1
            try:
                with Limit():
                    parse(data)
                found.taken += 1
            except parser.errors:
                found.refused += 1
            except (Exception, Endless) as error:
                found.escapes += 1
                tell(parser, data, error, keep)
    return found


def tell(parser: Parser, data: bytes, error: BaseException, keep: Path) -> None:
    """Keeps an input that escaped, and says what it did."""
    keep.mkdir(parents=True, exist_ok=True)
    file = keep / f"{parser.name}-{hashlib.sha256(data).hexdigest()[:12]}"
    file.write_bytes(data)
    sys.stderr.write(f"{parser.name}: escape, kept as {file}: {data[:200]!r}{'...' if len(data) > 200 else ''}\n")
    sys.stderr.write("".join(traceback.format_exception(error)[-6:]))


def mutated(chance: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes] = ()) -> bytes:
    """One of the seeds, with some of its bytes, numbers or words changed; sometimes as it is."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.choice((0, 1, 1, 1, 2, 2, 3, 5, 9))):
        change(chance, data, seeds, tokens)
    return bytes(data)


def change(chance: random.Random, data: bytearray, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> None:
    """One change of the data, where they lie."""
    place = chance.randrange(len(data) + 1)
    length = chance.choice((1, 1, 2, 4, 8, 30, 200))
    match chance.randrange(10 if tokens else 8):
        case 0 if place < len(data):
            data[place] ^= 1 << chance.randrange(8)
        case 1 if place < len(data):
            data[place] = chance.choice((*BYTES, chance.randrange(256)))
        case 2:
            del data[place : place + length]
        case 3:
            data[place:place] = data[place : place + length] * chance.choice((1, 1, 2, 50))
        case 4:
            other = chance.choice(seeds)
            begin = chance.randrange(len(other) + 1)
            data[place:] = other[begin : begin + chance.choice((length, len(other)))]
        case 5:
            data[place:] = b""
        case 6 | 7:
            numbers = [match.span() for match in DIGITS.finditer(data)]
            if numbers:
                begin, end = chance.choice(numbers)
                data[begin:end] = chance.choice(NUMBERS)
        case 8:
            data[place:place] = chance.choice(tokens)
        case 9:  # within one another, or one after the other
            data[place : place + length] = chance.choice(tokens) * chance.choice((1, 1, 1, 3, 40, 2000))


def in_a_file(read: Callable[[Path], object], name: str) -> Callable[[Path], Parse]:
    """A `begin` of a parser that reads a file of this name."""

    def begin(folder: Path) -> Parse:
        def parse(data: bytes) -> object:
            (folder / name).write_bytes(data)
            return read(folder / name)

        return parse

    return begin
