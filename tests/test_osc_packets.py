"""Packets: read against python-osc's writing and written against its reading; malformed ones by the byte."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_packet import OscPacket

from engine.sources.osc_packets import (
    BUNDLE,
    LARGEST_SENT,
    MOST_ARGUMENTS,
    Argument,
    MalformedError,
    build,
    datagrams,
    messages,
    parse,
)
from tests.fixtures.osc import TEMPERATURE, bundle, message

FLOATS = st.floats(width=32, allow_nan=False)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


def raw(types: str, data: bytes = b"", address: bytes = b"/x\x00\x00") -> bytes:
    tags = b"," + types.encode()
    return address + tags + b"\x00" * (4 - len(tags) % 4) + data


@pytest.mark.parametrize(
    ("types", "values", "arguments"),
    [
        ("i", [-7], (-7,)),
        ("h", [2**40], (2**40,)),
        ("f", [0.5], (0.5,)),
        ("d", [0.1], (0.1,)),
        ("s", ["calm"], ("calm",)),
        ("T", [True], (True,)),
        ("F", [False], (False,)),
        ("N", [None], (None,)),
        ("ifs", [1, 0.25, "ü"], (1, 0.25, "ü")),
    ],
)
def test_an_argument_of_each_type_is_what_was_sent(
    types: str, values: list[object], arguments: tuple[Argument, ...]
) -> None:
    assert parse(message(TEMPERATURE, *values, types=types)) == (TEMPERATURE, arguments)


def test_whole_numbers_fractions_and_truth_are_told_apart() -> None:
    _, arguments = parse(message("/x", 1, 1.0, True))
    assert [type(argument) for argument in arguments] == [int, float, bool]


def test_arrays_are_flat_however_they_nest() -> None:
    assert parse(raw("[f[f]]f", struct.pack(">fff", 1, 2, 3))) == ("/x", (1.0, 2.0, 3.0))


def test_an_address_alone_is_a_message() -> None:
    assert parse(b"/dancenet/dance/reset\x00\x00\x00") == ("/dancenet/dance/reset", ())


def test_types_that_nothing_is_set_by_are_passed_over() -> None:
    data = struct.pack(">i", 3) + b"abc\x00" + bytes(4) + bytes(8) + struct.pack(">f", 0.5)
    assert parse(raw("bmtIf", data)) == ("/x", (None, None, None, None, 0.5))


MALFORMED = {
    "empty": (b"", "neither a message nor a bundle"),
    "noise": (bytes(range(256)), "neither a message nor a bundle"),
    "cut within a word": (message(TEMPERATURE, 0.5)[:-1], "neither a message nor a bundle"),
    "no end of the address": (b"/aaa", "a string without its end"),
    "bytes that are not text": (raw("f", bytes(4), b"/\xff\xfe\x00"), "a string that is not text: invalid start byte"),
    "no comma": (b"/x\x00\x00f\x00\x00\x00\x3f\x00\x00\x00", "a message without type tags"),
    "missing float": (raw("f"), "a message without the argument it announces"),
    "cut double": (raw("d", bytes(4)), "a message without the argument it announces"),
    "blob too long": (raw("b", struct.pack(">i", 8) + bytes(4)), "a message without the argument it announces"),
    "blob of negative size": (raw("b", struct.pack(">i", -4)), "a blob of negative size"),
    "unknown type": (raw("q"), "an argument of unknown type 'q'"),
    "array without its end": (raw("[f", bytes(4)), "an array without its end"),
    "array without its beginning": (raw("f]", bytes(4)), "an array that ends before it begins"),
    "too many": (raw("T" * (MOST_ARGUMENTS + 1)), "a message of more than 64 arguments"),
}


@pytest.mark.parametrize(("datagram", "fault"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_message_says_what_is_wrong(datagram: bytes, fault: str) -> None:
    with pytest.raises(MalformedError, match=f"^{fault}$"):
        parse(datagram)


BROKEN = {
    "without time": (BUNDLE + b"\x00\x00", "a bundle without its time tag"),
    "negative": (BUNDLE + bytes(8) + struct.pack(">i", -4), "a bundle's element of -4 bytes where 0 are left"),
    "of no size": (BUNDLE + bytes(8) + struct.pack(">i", 0), "a bundle's element of 0 bytes where 0 are left"),
    "too long": (bundle(0, message(TEMPERATURE, 0.5))[:-4], "a bundle's element of 36 bytes where 32 are left"),
    "cut off": (BUNDLE + bytes(8) + b"\x00\x00", "a bundle's element without its size"),
}


@pytest.mark.parametrize(("datagram", "fault"), BROKEN.values(), ids=BROKEN.keys())
def test_a_bundle_that_breaks_off_gives_none_of_its_messages(datagram: bytes, fault: str) -> None:
    with pytest.raises(MalformedError, match=f"^{fault}$"):
        next(messages(datagram))


def test_a_bundle_gives_its_messages_in_their_order_through_any_nesting() -> None:
    first, second, third = (message(TEMPERATURE, value) for value in (1, 2, 3))
    assert list(messages(bundle(0, first, bundle(0, bundle(0), second), third))) == [first, second, third]


@given(address=WORDS, arguments=st.lists(st.one_of(FLOATS, st.integers(-(2**63), 2**63 - 1), WORDS), max_size=60))
def test_what_is_written_reads_the_same(address: str, arguments: list[float | str]) -> None:
    assert parse(build("/" + address, *arguments)) == ("/" + address, tuple(arguments))


@given(st.lists(st.one_of(FLOATS, st.integers(-(2**31), 2**31 - 1), st.just("calm")), max_size=5))
def test_python_osc_reads_what_is_written(arguments: list[float | str]) -> None:
    read = OscMessage(build(TEMPERATURE, *arguments))
    assert (read.address, read.params) == (TEMPERATURE, arguments)


@pytest.mark.parametrize("seed", [2.0**24 + 1, 2.0**32 - 1])
def test_a_whole_number_too_large_for_float32_stays_whole(seed: float) -> None:
    assert parse(build("/x", seed)) == ("/x", (seed,))


@given(st.lists(st.integers(0, 300).map(lambda length: build("/" + "x" * length, 1.0)), max_size=60))
def test_datagrams_hold_all_messages_and_none_is_broken_up_on_the_way(contents: Sequence[bytes]) -> None:
    packed = list(datagrams(contents))
    assert [content for datagram in packed for content in messages(datagram)] == contents
    assert all(len(datagram) <= LARGEST_SENT for datagram in packed)


def test_a_message_that_is_alone_is_no_bundle_and_two_are_one_that_python_osc_reads() -> None:
    one, two = build(TEMPERATURE, 0.5), build(TEMPERATURE, 0.75)
    assert list(datagrams([one])) == [one]
    (packed,) = datagrams([one, two])
    assert [timed.message.params for timed in OscPacket(packed).messages] == [[0.5], [0.75]]
