"""OSC packets: what a datagram holds, and how messages are written.

Follows OSC 1.0 (and T, F, N, I and arrays, which 1.1 requires). Everything is bounded by the datagram's length, in
one pass and without recursion: nested bundles are walked with a list of spans, and arrays are flat.
"""

import struct
from collections.abc import Iterable, Iterator

Argument = float | str | None
"""int, float and bool are kept apart; None stands for nil, and for types that nothing here is set by."""

BUNDLE = b"#bundle\x00"
BUNDLE_HEADER = len(BUNDLE) + 8  # and the time tag
AT_ONCE = struct.pack(">Q", 1)  # the time tag that means: now
WORD = 4  # OSC pads everything to four bytes
# No address here takes more than nine; 64 kB of type tags would be 65 000.
MOST_ARGUMENTS = 64
# Datagrams we send stay below an Ethernet packet, less its headers: none is broken up on the way.
LARGEST_SENT = 1400
LARGEST_INT32 = 2**31 - 1
# A float32 holds every whole number up to here.
EXACT_FLOAT32 = 2.0**24

NUMBERS = {"i": struct.Struct(">i"), "f": struct.Struct(">f"), "h": struct.Struct(">q"), "d": struct.Struct(">d")}
WITHOUT_DATA: dict[str, Argument] = {"T": True, "F": False, "N": None, "I": None}
STRINGS = "sS"
SKIPPED = {"c": 4, "r": 4, "m": 4, "t": 8}  # characters, colours, MIDI, times: bytes of each


class MalformedError(ValueError):
    """A datagram that is not OSC."""


def messages(datagram: bytes) -> Iterator[bytes]:
    """The messages of a datagram, of nested bundles too, in their order. Raises MalformedError where it breaks off."""
    waiting = [(0, len(datagram))]  # spans to look at, the next one last
    while waiting:
        start, end = waiting.pop()
        if not datagram.startswith(BUNDLE, start, end):
            yield datagram[start:end]
            continue
        place = start + BUNDLE_HEADER
        if place > end:
            raise MalformedError("a bundle without its time tag")
        elements = []
        while place < end:
            if end - place < WORD:
                raise MalformedError("a bundle's element without its size")
            (size,) = struct.unpack_from(">i", datagram, place)
            place += WORD
            if not 0 < size <= end - place:
                raise MalformedError(f"a bundle's element of {size} bytes where {end - place} are left")
            elements.append((place, place + size))
            place += size
        waiting.extend(reversed(elements))


def parse(message: bytes) -> tuple[str, tuple[Argument, ...]]:
    """A message's address and its arguments, those of arrays in their place. Raises MalformedError."""
    if not message.startswith(b"/") or len(message) % WORD:
        raise MalformedError("neither a message nor a bundle")
    address, place = _string(message, 0)
    if place == len(message):
        return address, ()
    types, place = _string(message, place)
    if not types.startswith(","):
        raise MalformedError("a message without type tags")
    if len(types) > MOST_ARGUMENTS:
        raise MalformedError(f"a message of more than {MOST_ARGUMENTS} arguments")
    arguments: list[Argument] = []
    depth = 0
    for tag in types[1:]:
        if tag in "[]":
            depth += 1 if tag == "[" else -1
            if depth < 0:
                raise MalformedError("an array that ends before it begins")
            continue
        argument, place = _argument(tag, message, place)
        arguments.append(argument)
    if depth:
        raise MalformedError("an array without its end")
    return address, tuple(arguments)


def build(address: str, *arguments: float | str) -> bytes:
    """One message. Numbers go as float32, which every program takes, whole ones too large for it as float64; only an
    int goes as int32 or int64.
    """
    types, data = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            types, data = types + "s", data + _padded(argument)
        elif isinstance(argument, int):
            tag = "i" if -LARGEST_INT32 <= argument <= LARGEST_INT32 else "h"
            types, data = types + tag, data + NUMBERS[tag].pack(argument)
        else:
            tag = "d" if argument.is_integer() and abs(argument) > EXACT_FLOAT32 else "f"
            types, data = types + tag, data + NUMBERS[tag].pack(argument)
    return _padded(address) + _padded(types) + data


def datagrams(contents: Iterable[bytes]) -> Iterator[bytes]:
    """The messages `contents` in as few datagrams as they fit in: bundles, and a message that is alone as it is."""
    waiting: list[bytes] = []
    size = BUNDLE_HEADER
    for content in contents:
        if waiting and size + WORD + len(content) > LARGEST_SENT:
            yield _bundle(waiting)
            waiting, size = [], BUNDLE_HEADER
        waiting.append(content)
        size += WORD + len(content)
    if waiting:
        yield _bundle(waiting)


def _bundle(contents: list[bytes]) -> bytes:
    if len(contents) == 1:
        return contents[0]
    return BUNDLE + AT_ONCE + b"".join(struct.pack(">i", len(content)) + content for content in contents)


def _argument(tag: str, message: bytes, place: int) -> tuple[Argument, int]:
    """The argument of type `tag` at `place`, and where the next one is."""
    if tag in WITHOUT_DATA:
        return WITHOUT_DATA[tag], place
    if tag in STRINGS:
        return _string(message, place)
    if tag == "b":
        length, place = _number("i", message, place)
        if length < 0:
            raise MalformedError("a blob of negative size")
        return None, _end(message, place, -(-int(length) // WORD) * WORD)
    if tag in SKIPPED:
        return None, _end(message, place, SKIPPED[tag])
    if tag not in NUMBERS:
        raise MalformedError(f"an argument of unknown type {tag!a}")
    return _number(tag, message, place)


def _number(tag: str, message: bytes, place: int) -> tuple[float, int]:
    layout = NUMBERS[tag]
    end = _end(message, place, layout.size)
    return layout.unpack_from(message, place)[0], end


def _end(message: bytes, place: int, size: int) -> int:
    if size > len(message) - place:
        raise MalformedError("a message without the argument it announces")
    return place + size


def _string(message: bytes, place: int) -> tuple[str, int]:
    end = message.find(b"\x00", place)
    if end < 0:
        raise MalformedError("a string without its end")
    try:
        return message[place:end].decode(), _end(message, 0, (end // WORD + 1) * WORD)
    except UnicodeDecodeError as error:
        raise MalformedError(f"a string that is not text: {error.reason}") from error


def _padded(text: str) -> bytes:
    data = text.encode()
    return data + b"\x00" * (WORD - len(data) % WORD)
