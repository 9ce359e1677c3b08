"""The file that a show's state is kept in: what it holds, and its bytes.

Owns the format: a line that says what it is, a line of JSON, then the arrays' bytes, in the order that the JSON names
them. Whatever lies there is data: the sizes it claims are held against the file's own before anything is made of it.
"""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIGNATURE = b"dancenet state 1\n"
# The state of 64 dancers is 2 MB, all parameters and routes 100 kB.
MOST_BYTES, LONGEST_HEAD = 16 << 20, 1 << 20
# What arrays may be made of, little-endian.
KINDS = ("<f4", "<f8", "<i8")
MOST_AXES = 4


class StateError(Exception):
    """A state that cannot be taken up; the message is one line that names the file."""


@dataclass(frozen=True)
class State:
    """A show's state: `facts` are fit for JSON, `arrays` are what the dance carries on from."""

    facts: Mapping[str, Any]
    arrays: Mapping[str, NDArray]


def encode(state: State) -> bytes:
    """The bytes of a state. Raises ValueError for arrays that the format does not hold."""
    arrays = {name: np.asarray(array) for name, array in state.arrays.items()}
    body = b"".join(array.tobytes() for array in arrays.values())
    shapes = [[name, array.dtype.str, list(array.shape)] for name, array in arrays.items()]
    for name, kind, shape in shapes:
        if kind not in KINDS or len(shape) > MOST_AXES:
            raise ValueError(f"{name}: an array of {kind}, {len(shape)} axes; it must be of {', '.join(KINDS)}")
    head = json.dumps({"arrays": shapes, "facts": state.facts}, allow_nan=False).encode()
    return b"%s%08x\n%s\n%s" % (SIGNATURE, checksum(head, body), head, body)


def checksum(head: bytes, body: bytes) -> int:
    """The CRC-32 of both."""
    return zlib.crc32(body, zlib.crc32(head))


def read(path: Path) -> State | None:
    """The state in a file; None where there is none. Raises StateError where it cannot be read or is no such file."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(f"{path}: {error.strerror}") from None
    if len(data) > MOST_BYTES:
        raise StateError(f"{path}: larger than any state, {MOST_BYTES >> 20} MiB")
    try:
        return decode(data)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise StateError(f"{path}: {error if isinstance(error, Damaged) else 'damaged'}") from None


class Damaged(ValueError):
    """What is wrong with the bytes."""


def decode(data: bytes) -> State:
    """The state in these bytes. Raises ValueError, TypeError, KeyError and RecursionError for what is none."""
    if not data.startswith(SIGNATURE):
        raise Damaged("not the state of a show, or of another version")
    crc, _, rest = data[len(SIGNATURE) :].partition(b"\n")
    head, _, body = rest.partition(b"\n")
    if len(head) > LONGEST_HEAD or int(crc, 16) != checksum(head, body):
        raise Damaged("damaged, or cut off")
    told = json.loads(head)
    arrays: dict[str, NDArray] = {}
    for name, kind, shape in told["arrays"]:
        if kind not in KINDS or len(shape) > MOST_AXES or not all(type(n) is int and n >= 0 for n in shape):
            raise Damaged(f"{name!r} is an array of an unknown kind")
        size = math.prod(shape) * np.dtype(kind).itemsize
        if size > len(body):
            raise Damaged("damaged, or cut off")
        arrays[str(name)] = np.frombuffer(body[:size], kind).reshape(shape)
        body = body[size:]
    if not isinstance(told["facts"], dict):
        raise Damaged("holds nothing of a show")
    return State(told["facts"], arrays)
