"""What an ONNX file of a stranger's may hold: looked through before onnxruntime is given it.

A walk over the protobuf of `onnx.proto`, without its package, which a show does not install: from message to message,
by their lengths, past the weights, which are not read. Refuses what reaches out of the file (data in other files,
operators that are not ONNX's own), what may never end (Loop), and what is no such file. onnxruntime refuses data
outside the model's folder itself, but not in every version that a show may be installed with.
"""

import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path

from engine.metadata import BundleError

# The default dancer's largest graph has 24 MB; protobuf itself ends at 2 GiB.
LARGEST = 1 << 30
# Fields that are looked at. The default dancer's largest graph has 2,000; so many take 0.4 s.
MOST_FIELDS = 400_000
# Messages within messages; a graph within a graph takes three.
DEEPEST = 40
# Bytes read at a time: most of what is looked at lies close together, and weights of 1 kB are passed over.
PIECE = 4096

# ONNX's own operators go by either; onnxruntime's contributed ones, which can name files, by com.microsoft.
DOMAINS = (b"", b"ai.onnx")
# Its count is the file's to choose, up to 2**63 - 1. Scan, which ends with its input, is there for recurrences.
REFUSED = (b"Loop",)
LONGEST_NAME = 128

# Messages of onnx.proto, and in which of their fields those lie that are looked into.
MODEL, TRAINING, GRAPH, FUNCTION, NODE, ATTRIBUTE, TENSOR, SPARSE = range(8)
NESTED: Mapping[tuple[int, int], int] = {
    **{(MODEL, 7): GRAPH, (MODEL, 20): TRAINING, (MODEL, 25): FUNCTION},
    **{(TRAINING, 1): GRAPH, (TRAINING, 2): GRAPH},
    **{(GRAPH, 1): NODE, (GRAPH, 5): TENSOR, (GRAPH, 15): SPARSE},
    **{(FUNCTION, 7): NODE, (FUNCTION, 11): ATTRIBUTE, (NODE, 5): ATTRIBUTE},
    **{(ATTRIBUTE, 5): TENSOR, (ATTRIBUTE, 10): TENSOR, (ATTRIBUTE, 6): GRAPH, (ATTRIBUTE, 11): GRAPH},
    **{(ATTRIBUTE, 22): SPARSE, (ATTRIBUTE, 23): SPARSE, (SPARSE, 1): TENSOR, (SPARSE, 2): TENSOR},
}
OPERATOR, DOMAIN = (NODE, 4), (NODE, 7)
ELSEWHERE, LOCATION = (TENSOR, 13), (TENSOR, 14)
# How a field's value is written: a number, 8 bytes, so many bytes as it says, 4 bytes. Groups are long out of use.
NUMBER, EIGHT, BYTES, FOUR = 0, 1, 2, 5

EXTERNAL = "keeps data in another file; a bundle's graphs hold all of it themselves"
# As onnxruntime has it.
UNREADABLE = "not a readable ONNX model (Protobuf parsing failed)"


class Refused(Exception):
    """What is wrong with a file, and what is allowed."""


def check_graph_file(path: Path) -> None:
    """Raises BundleError where what lies at `path` is no ONNX file, or one of more than a graph of ONNX's operators."""
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST:
                raise Refused(f"{size >> 20} MiB; a graph has at most {LARGEST >> 20} MiB")
            _walk(_Window(file), size)
    except FileNotFoundError:
        return  # whoever opens it is told so
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror})") from None
    except Refused as refused:
        raise BundleError(f"{path}: {refused}") from None


def _walk(window: "_Window", size: int) -> None:
    """Every field of the messages that matter, in the file's order."""
    place, fields = 0, 0
    inside = [(MODEL, size)]  # messages, the innermost last, and where they end
    while inside:
        message, end = inside[-1]
        if place == end:
            inside.pop()
            continue
        tag, place = window.number(place, end)
        field, form = (message, tag >> 3), tag & 7
        fields += 1
        if fields > MOST_FIELDS:
            raise Refused(f"more than {MOST_FIELDS} entries; no dancer's graph has so many")
        if tag >> 32 or not tag >> 3:  # protobuf's own readers cut larger ones off, and then read another field
            raise Refused(UNREADABLE)
        if field == ELSEWHERE:
            raise Refused(EXTERNAL)
        if form == NUMBER:
            value, place = window.number(place, end)
            if field == LOCATION and value:
                raise Refused(EXTERNAL)
        elif form == BYTES:
            length, place = window.number(place, end)
            if length > end - place:
                raise Refused(UNREADABLE)
            if field in NESTED:
                if len(inside) == DEEPEST:
                    raise Refused(f"graphs within graphs, more than {DEEPEST} messages deep")
                inside.append((NESTED[field], place + length))
                continue
            if field in (OPERATOR, DOMAIN):
                _check_name(field, window.text(place, min(length, LONGEST_NAME)))
            place += length
        elif form in (EIGHT, FOUR):
            place += 8 if form == EIGHT else 4
        else:
            raise Refused(UNREADABLE)
        if place > end:
            raise Refused(UNREADABLE)


def _check_name(field: tuple[int, int], name: bytes) -> None:
    shown = ascii(name.decode("latin-1"))[1:-1]
    if field == DOMAIN and name not in DOMAINS:
        raise Refused(f"an operator of {shown}; a bundle's graphs are of ONNX's own operators")
    if field == OPERATOR and name in REFUSED:
        raise Refused(f"the operator {shown}, which may never end; a bundle's graphs do without")


class _Window:
    """A file's bytes, a piece in memory at a time."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._start, self._piece = 0, b""

    def number(self, place: int, end: int) -> tuple[int, int]:
        """The number written at `place`, seven bits a byte, the lowest first; and where it ends."""
        value = shift = 0
        while place < end and shift < 70:
            byte = self._byte(place)
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, place
            shift += 7
        raise Refused(UNREADABLE)

    def text(self, place: int, length: int) -> bytes:
        return bytes(self._byte(at) for at in range(place, place + length))

    def _byte(self, place: int) -> int:
        at = place - self._start
        if not 0 <= at < len(self._piece):
            self._file.seek(place)
            self._start, self._piece, at = place, self._file.read(PIECE), 0
            if not self._piece:  # it has been cut since
                raise Refused(UNREADABLE)
        return self._piece[at]
