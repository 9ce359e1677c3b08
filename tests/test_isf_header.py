"""Headers of ISF files: what they say comes out as records, and what is wrong is told with the file's own line."""

from pathlib import Path
from typing import Any

import pytest

from engine.isf.errors import IsfError
from engine.isf.header import FILTER, GENERATOR, TRANSITION, Header, read_header
from engine.isf.source import read

FILE = Path("shaders/swirl.fs")
KINDS = "event, bool, long, float, point2D, color, image, audio, audioFFT"


def header(text: str) -> Header:
    return read_header(text, 1, FILE)


def one_input(text: str) -> Any:
    (row,) = header(f'{{"INPUTS": [{text}]}}').inputs
    return row


def error(text: str) -> str:
    with pytest.raises(IsfError) as raised:
        header(text)
    return str(raised.value)


def test_every_kind_of_input_is_read() -> None:
    rows = header("""{"INPUTS": [
        {"NAME": "hit", "TYPE": "event"},
        {"NAME": "on", "TYPE": "bool", "DEFAULT": true},
        {"NAME": "mode", "TYPE": "long", "VALUES": [0, 4], "LABELS": ["a", "b"], "DEFAULT": 4},
        {"NAME": "level", "TYPE": "float", "LABEL": "How much", "MIN": -1, "MAX": 2.5, "DEFAULT": 0.5, "IDENTITY": 0},
        {"NAME": "at", "TYPE": "point2D", "MIN": [0, 0], "MAX": [1, 2], "DEFAULT": [0.5, 1]},
        {"NAME": "tint", "TYPE": "color", "DEFAULT": [1, 0.5, 0, 1]},
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "wave", "TYPE": "audio"},
        {"NAME": "bands", "TYPE": "audioFFT", "MAX": 8}
    ]}""").inputs
    found = {row.name: (row.kind, row.default, row.low, row.high) for row in rows}
    assert found == {
        "hit": ("event", None, None, None),
        "on": ("bool", 1.0, None, None),
        "mode": ("long", 4.0, None, None),
        "level": ("float", 0.5, -1.0, 2.5),
        "at": ("point2D", (0.5, 1.0), (0.0, 0.0), (1.0, 2.0)),
        "tint": ("color", (1.0, 0.5, 0.0, 1.0), None, None),
        "inputImage": ("image", None, None, None),
        "wave": ("audio", None, None, None),
        "bands": ("audioFFT", None, None, 8.0),
    }
    assert (rows[2].values, rows[2].labels) == ((0, 4), ("a", "b"))
    assert (rows[3].label, rows[3].identity) == ("How much", 0.0)


def test_a_file_without_passes_has_one_that_is_its_picture() -> None:
    (only,) = header("{}").passes
    assert (only.target, only.persistent, only.floating) == ("", False, False)
    assert (only.width.text, only.height.text) == ("$WIDTH", "$HEIGHT")


def test_passes_are_read_with_their_sizes() -> None:
    found = header("""{"INPUTS": [{"NAME": "n", "TYPE": "float"}], "PASSES": [
        {"TARGET": "a", "PERSISTENT": true, "FLOAT": true, "WIDTH": "floor($WIDTH/2)", "HEIGHT": 4},
        {"TARGET": "b", "PERSISTENT": 0, "HEIGHT": "$n"},
        {}
    ]}""").passes
    assert [(row.target, row.persistent, row.floating, row.width.text, row.height.text) for row in found] == [
        ("a", True, True, "floor($WIDTH/2)", "4"),
        ("b", False, False, "$WIDTH", "$n"),
        ("", False, False, "$WIDTH", "$HEIGHT"),
    ]


@pytest.mark.parametrize(
    "buffers", ['["old"]', '{"old": {"WIDTH": "2", "FLOAT": true}}', '[{"NAME": "old", "WIDTH": "2", "FLOAT": true}]']
)
def test_persistent_buffers_of_version_1_belong_to_their_passes(buffers: str) -> None:
    first, last = header(f'{{"PERSISTENT_BUFFERS": {buffers}, "PASSES": [{{"TARGET": "old"}}, {{}}]}}').passes
    assert first.persistent and not last.persistent
    if "FLOAT" in buffers:
        assert first.floating and first.width.text == "2"


@pytest.mark.parametrize("form", ['{"logo": {"PATH": "a/b.png"}}', '[{"NAME": "logo", "PATH": "a/b.png"}]'])
def test_imported_images_come_in_two_forms(form: str) -> None:
    (image,) = header(f'{{"IMPORTED": {form}}}').imported
    assert (image.name, image.path) == ("logo", "a/b.png")


def test_what_a_file_is_follows_from_its_inputs() -> None:
    image = '{"NAME": "%s", "TYPE": "image"}'
    assert header("{}").kind == GENERATOR
    assert header(f'{{"INPUTS": [{image % "other"}]}}').kind == GENERATOR
    assert header(f'{{"INPUTS": [{image % "inputImage"}]}}').kind == FILTER
    progress = '{"NAME": "progress", "TYPE": "float"}'
    both = f"{image % 'startImage'}, {image % 'endImage'}"
    assert header(f'{{"INPUTS": [{both}, {progress}]}}').kind == TRANSITION
    assert header(f'{{"INPUTS": [{both}]}}').kind == GENERATOR


def test_our_own_key_says_where_in_the_chain() -> None:
    assert header("{}").place is None
    assert header('{"DANCENET": {"PLACE": 80}}').place == 80


@pytest.mark.parametrize(
    "text",
    [
        '{"INPUTS": [{"NAME": "a", "TYPE": "float", "DEFAULT": .5, "MAX": 1., "MIN": -0.0e0,},],}',
        '{ // what\n "INPUTS": [{"NAME": "a", "TYPE": "FLOAT", "DEFAULT": "0.5", "MIN": +0, "MAX": 1}]}',
        '{"CREDIT": "two\nlines, \\u00e9 \\"x\\" //", "INPUTS": [{"NAME": "a", "TYPE": "float", "DEFAULT": [0.5]}]}',
        '{"CREDIT": null, "VSN": null, "CATEGORIES": null, "INPUTS": [{"NAME": "a", "TYPE": "float", "DEFAULT": 0.5}]}',
    ],
)
def test_what_other_hosts_let_pass_is_read(text: str) -> None:
    assert [row.default for row in header(text).inputs] == [0.5]


def test_a_colour_of_three_numbers_is_opaque() -> None:
    assert one_input('{"NAME": "c", "TYPE": "color", "DEFAULT": [1, 0, 0]}').default == (1.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"INPUTS": [\n{"NAME": "a",\n"TYPE": "flaot"}]}',
         f'3: unknown input type "flaot" of "a"; did you mean "float"?; there are {KINDS}'),
        ('{"INPUTS": [\n{"NAME": "two words", "TYPE": "float"}]}',
         "2: an input's NAME is a word of letters, digits and _, not 'two words'"),
        ('{"INPUTS": [{"NAME": "a", "TYPE": "float"},\n{"NAME": "a", "TYPE": "bool"}]}',
         '2: input "a" is declared twice, first in line 1'),
        ('{"INPUTS": [{"NAME": "a",\n"DEFAULT": "much", "TYPE": "float"}]}',
         '2: DEFAULT of "a" is a number, not "much"'),
        ('{"INPUTS": [{"NAME": "swirl", "TYPE": "float"}], "PASSES": [\n{"TARGET": "t",\n"WIDTH": "$swril * 2"}]}',
         "3: WIDTH: '$swril * 2' asks for $swril; did you mean \"swirl\"?; there are WIDTH, HEIGHT, swirl"),
        ('{"PASSES": [{"TARGET": "t", "WIDTH": "$WIDTH /"}]}',
         "1: WIDTH: '$WIDTH /': expected a number, a $name or (, found 'the end'"),
        ('{"INPUTS": [{"NAME": "a", "TYPE": "image"}],\n"PASSES": [\n{"TARGET": "a"}]}',
         '3: "a" is an input already; buffers and images have names of their own'),
        ('{"IMPORTED": {"sky":\n{"PATH": ["a.png", "b.png"]}}}',
         '2: PATH of "sky" is one file\'s name; cube maps of several are not drawn'),
        ('{"INPUTS": {"NAME": "a"}}', "1: INPUTS is a list of objects, each in { }"),
        ('{\n"A": 1\n"B": 2}', '3: JSON: expected , or }, found `"B": 2}`'),
        ('{"A": [1, 2}', "1: JSON: expected , or ], found `}`"),
        ('{"A": nope}', "1: JSON: expected a value, found `nope}`"),
        ('{\n"A" 1}', '2: JSON: expected : after "A", found `1}`'),
        ('{"A": 1', "1: JSON: expected , or }, found the header's end"),
        ('{"A": 1}\n}', "2: JSON: the header goes on after its closing }"),
    ],
)  # fmt: skip
def test_an_error_names_the_line_and_what_is_allowed(text: str, message: str) -> None:
    assert error(text) == f"shaders/swirl.fs:{message}"


def test_lines_are_counted_from_the_file_s_start(tmp_path: Path) -> None:
    file = tmp_path / "late.fs"
    file.write_bytes(
        b'\xef\xbb\xbf// a comment\r\n/* and one more */\r\n/*{\r\n  "INPUTS": [\r\n    {"NAME": 3}]}*/\r\n'
    )
    with pytest.raises(IsfError, match=r"late\.fs:5: an input's NAME is"):
        read(file)


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plain.fs"
    file.write_text("/* just words */ void main() {}\n")
    with pytest.raises(IsfError, match=r"plain\.fs:1: no ISF header; a file begins with a comment"):
        read(file)


def test_a_file_asks_for_no_more_than_anybody_writes(tmp_path: Path) -> None:
    assert error(f'{{"PASSES": [{"{}," * 33}]}}') == f"{FILE}:1: PASSES has 33 entries; it may have 32"
    assert error(f'{{"INPUTS": [{"{}," * 129}]}}') == f"{FILE}:1: INPUTS has 129 entries; it may have 128"
    assert error('{"INPUTS": [{"NAME": "a", "TYPE": "long", "VALUES": [2147483648]}]}') == (
        f'{FILE}:1: VALUES of "a" is a list of up to 1024 whole numbers'
    )
    assert error("[" * 100) == f"{FILE}:1: JSON: more than 32 tables and lists in one another"
    assert error('{"a": 1e999}') == f"{FILE}:1: JSON: a number beyond all floats"
    file = tmp_path / "large.fs"
    file.write_bytes(b"/*{}*/" + b" " * (512 << 10))
    with pytest.raises(OSError, match="larger than 512 KiB, as no such file is"):
        read(file)
