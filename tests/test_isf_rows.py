"""Inputs of effects as parameters: their keys, ranges and defaults, and their values back."""

from pathlib import Path
from typing import Any

import pytest

from engine.isf.header import Header, read_header
from engine.isf.rows import inputs, rows
from engine.parameters import Parameter


def header(*inputs: str, more: str = "") -> Header:
    return read_header(f'{{"INPUTS": [{", ".join(inputs)}]{more}}}', 1, Path("shaders/swirl.fs"))


def row(text: str) -> Parameter:
    """The only parameter of an input, beside mix and place."""
    _, _, found = rows("swirl", header(text))
    return found


def range_of(text: str) -> tuple[float, float, float]:
    found = row(f'{{"NAME": "a", "TYPE": "float"{text}}}')
    return found.default, found.low, found.high


def test_every_effect_has_its_mix_and_its_place() -> None:
    mix, place = rows("swirl", header())
    assert (mix.key, mix.default, mix.low, mix.high, mix.attack) == ("fx/swirl/mix", 0.0, 0.0, 1.0, 0.05)
    assert (place.key, place.default, place.low, place.high, place.integer) == ("fx/swirl/place", 10, 0, 100, True)
    assert place.address == "/dancenet/fx/swirl/place"


def test_a_filter_comes_after_generators_unless_the_file_says_where() -> None:
    image = '{"NAME": "inputImage", "TYPE": "image"}'
    assert rows("swirl", header(image))[1].default == 50
    assert rows("swirl", header(image, more=', "DANCENET": {"PLACE": 90}'))[1].default == 90
    assert rows("swirl", header(image, more=', "DANCENET": {"PLACE": 900}'))[1].default == 100


def test_each_kind_of_input_has_its_rows() -> None:
    found = rows(
        "swirl",
        header(
            '{"NAME": "inputImage", "TYPE": "image"}',
            '{"NAME": "wave", "TYPE": "audio"}',
            '{"NAME": "Go Now", "TYPE": "event"}'.replace(" Now", ""),
            '{"NAME": "on", "TYPE": "bool", "DEFAULT": true}',
            '{"NAME": "mode", "TYPE": "long", "VALUES": [3, 5], "LABELS": ["thin", "thick"], "DEFAULT": 5}',
            '{"NAME": "level", "TYPE": "float", "LABEL": "How much", "MIN": -1, "MAX": 2, "DEFAULT": 0.5}',
            '{"NAME": "at", "TYPE": "point2D", "MIN": [0, -1], "MAX": [1, 1], "DEFAULT": [0.5, 0]}',
            '{"NAME": "tint", "TYPE": "color", "DEFAULT": [1, 0.5, 0, 1]}',
        ),
    )[2:]
    assert [(each.name, each.default, each.low, each.high, each.doc) for each in found] == [
        ("swirl/go", 0, 0, 1, "Go"),
        ("swirl/on", 1, 0, 1, "On"),
        ("swirl/mode", 1, 0, 1, "Mode"),
        ("swirl/level", 0.5, -1, 2, "How much"),
        ("swirl/at_x", 0.5, 0, 1, "At, x"),
        ("swirl/at_y", 0, -1, 1, "At, y"),
        ("swirl/tint_r", 1, 0, 1, "Tint, r"),
        ("swirl/tint_g", 0.5, 0, 1, "Tint, g"),
        ("swirl/tint_b", 0, 0, 1, "Tint, b"),
        ("swirl/tint_a", 1, 0, 1, "Tint, a"),
    ]
    assert [each.integer for each in found[:4]] == [True, True, True, False]
    assert [each.momentary for each in found[:2]] == [True, False]
    assert [each.choices for each in found[:3]] == [(), ("off", "on"), ("thin", "thick")]
    assert {each.attack for each in found[:3]} == {0.0} and {each.release for each in found[3:]} == {0.05}


def test_the_values_of_the_rows_are_the_shader_s_inputs() -> None:
    swirl = header(
        '{"NAME": "inputImage", "TYPE": "image"}',
        '{"NAME": "go", "TYPE": "event"}',
        '{"NAME": "mode", "TYPE": "long", "VALUES": [3, 5], "LABELS": ["thin", "thick"], "DEFAULT": 5}',
        '{"NAME": "level", "TYPE": "float", "DEFAULT": 0.25}',
        '{"NAME": "at", "TYPE": "point2D", "DEFAULT": [0.5, 0]}',
        '{"NAME": "tint", "TYPE": "color", "DEFAULT": [1, 0.5, 0, 1]}',
    )
    values: dict[str, float] = {each.key: each.default for each in rows("swirl_2", swirl)}
    expected: dict[str, Any] = {"go": False, "mode": 5, "level": 0.25, "at": (0.5, 0.0), "tint": (1.0, 0.5, 0.0, 1.0)}
    assert inputs(swirl, "swirl_2", values) == expected
    values |= {"fx/swirl_2/mode": 0.0, "fx/swirl_2/go": 1.0, "fx/swirl_2/at_y": 0.75}
    assert inputs(swirl, "swirl_2", values) == {**expected, "go": True, "mode": 3, "at": (0.5, 0.75)}


def test_names_that_are_taken_get_another() -> None:
    swirl = header(
        '{"NAME": "mix", "TYPE": "float"}',
        '{"NAME": "Place", "TYPE": "point2D"}',
        '{"NAME": "at_x", "TYPE": "float"}',
        '{"NAME": "at", "TYPE": "point2D"}',
        '{"NAME": "AT_X", "TYPE": "bool"}',
    )
    names = [each.name.removeprefix("s/") for each in rows("s", swirl)]
    assert names == [
        *("mix", "place", "mix_input", "place_x", "place_y", "at_x", "at_input_x", "at_input_y", "at_x_input"),
    ]
    values = {each.key: 0.0 for each in rows("s", swirl)} | {"fx/s/at_x_input": 1.0, "fx/s/mix_input": 0.5}
    assert inputs(swirl, "s", values) == {"mix": 0.5, "Place": (0, 0), "at_x": 0, "at": (0, 0), "AT_X": True}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", (0, 0, 1)),
        (', "DEFAULT": 0.25', (0.25, 0, 1)),
        (', "DEFAULT": 960', (960, 0, 1920)),
        (', "DEFAULT": -2', (-2, -4, 1)),
        (', "MIN": 2', (2, 2, 3)),
        (', "MAX": 0.1', (0, 0, 0.1)),
        (', "MIN": 5, "MAX": 1, "DEFAULT": 3', (3, 1, 5)),
        (', "MIN": 0, "MAX": 1, "DEFAULT": 2', (2, 0, 2)),
        (', "MIN": 1, "MAX": 1, "DEFAULT": 1', (1, 1, 2)),
    ],
)
def test_a_range_is_made_of_what_a_file_says(text: str, found: tuple[float, float, float]) -> None:
    assert range_of(text) == found


def test_a_point_without_a_range_is_normalised_unless_its_default_is_in_pixels() -> None:
    found = rows("s", header('{"NAME": "at", "TYPE": "point2D", "DEFAULT": [0.5, 300]}'))[2:]
    assert [(each.default, each.low, each.high) for each in found] == [(0.5, 0, 1), (300, 0, 600)]


@pytest.mark.parametrize(
    ("text", "default", "high", "choices", "value"),
    [
        ('"VALUES": [5, 10, 25], "LABELS": ["Low"], "DEFAULT": 10', 1, 2, ("Low", "10", "25"), 25),
        ('"LABELS": ["a", "b"]', 0, 1, ("a", "b"), 1),
        ('"MIN": 2, "MAX": 4, "DEFAULT": 3', 1, 2, ("2", "3", "4"), 4),
        ('"VALUES": [1, 2], "DEFAULT": 7', 0, 1, ("1", "2"), 2),
        ('"MIN": 0, "MAX": 1000, "DEFAULT": 30', 30, 1000, (), 1000),
        ('"DEFAULT": 30', 30, 60, (), 60),
    ],
)
def test_a_list_is_picked_from_by_place(
    text: str, default: int, high: int, choices: tuple[str, ...], value: int
) -> None:
    swirl = header(f'{{"NAME": "n", "TYPE": "long", {text}}}')
    found = rows("s", swirl)[2]
    assert (found.default, found.low, found.high, found.choices) == (default, 0, high, choices)
    assert inputs(swirl, "s", {"fx/s/n": found.high}) == {"n": value}


def test_a_list_of_one_is_that_one_whatever_is_picked() -> None:
    swirl = header('{"NAME": "n", "TYPE": "long", "VALUES": [7], "LABELS": ["only"]}')
    assert rows("s", swirl)[2].choices == ("only", "only")
    assert [inputs(swirl, "s", {"fx/s/n": picked}) for picked in (0.0, 1.0)] == [{"n": 7}, {"n": 7}]
