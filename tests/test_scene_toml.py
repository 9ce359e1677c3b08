"""A scene's file: what is wrong in it is told with its line, and the rest counts."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import resources
from engine.effects import EffectFiles
from engine.parameters import PARAMETERS, SIGNALS
from engine.routes import Route
from engine.scene import STEM, Fade, Scene
from engine.scene_toml import ROUTE_KEYS, SCENE_KEYS, TABLES, read, write

ROWS = {row.key: row for row in PARAMETERS}
FILE = Path("7-chorus.toml")


def parse(text: str, file: Path = FILE) -> tuple[Scene, list[str]]:
    told: list[str] = []
    return read(text, file, ROWS, told.append), told


def test_a_scene_is_read_whole() -> None:
    scene, told = parse(
        """
        [scene]
        name = "the chorus"
        number = 12
        fade = "4b"
        [parameters]
        "dance/temperature" = 1.2
        'dance/dancers' = 8
        "dance/mirror" = "on"
        "dance/frozen" = true
        "lfo/1_shape" = 3
        [[routes]]
        signal = "audio/bass"
        parameter = "dance/speed"
        amount = -0.2
        curve = 2
        attack = 0.1
        release = 0.4
        invert = true
        centre = 0.5
        """
    )
    assert told == []
    values = {"dance/temperature": 1.2, "dance/dancers": 8, "dance/mirror": 1, "dance/frozen": 1, "lfo/1_shape": 3}
    route = Route("audio/bass", "dance/speed", -0.2, 2, 0.1, 0.4, True, 0.5)
    assert scene == Scene("7-chorus", "the chorus", 12, Fade(4, True), values, (route,))


@pytest.mark.parametrize(
    ("stem", "number", "name"), [("1-calm", 1, "calm"), ("12", 12, "12"), ("calm", None, "calm"), ("3 x", None, "3 x")]
)
def test_number_and_name_are_those_of_the_file(stem: str, number: int | None, name: str) -> None:
    scene, _ = parse("", Path(f"{stem}.toml"))
    assert (scene.number, scene.name, scene.fade, scene.parameters) == (number, name, None, {})


def test_without_routes_they_are_left_alone_and_an_empty_list_takes_them_out() -> None:
    assert parse("")[0].routes is None
    assert parse("routes = []")[0].routes == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[effects]\n", ":1: unknown table 'effects'; the rest counts"),
        ("[parameter]\n", ":1: unknown table 'parameter'; did you mean \"parameters\"?; the rest counts"),
        ("volume = 1\n", ":1: unknown table 'volume'; the rest counts"),
        ("scene = 1\n", ":1: scene is a table, [scene]"),
        ("[scene]\n\nfadee = 1\n", ":3: unknown key of [scene] 'fadee'; did you mean \"fade\"?; the rest counts"),
        ("[scene]\nname = 'a/b'\n", ":2: a name is letters, digits, blanks and hyphens"),
        ("[scene]\nnumber = 1.5\n", ":2: a number is whole, 0..9999"),
        ("[scene]\nfade = '4 bars'\n", ":2: a fade is seconds, or beats as in 4b, up to 600, not '4 bars'"),
        (
            "[parameters]\n'dance/temprature' = 1\n",
            ":2: unknown parameter 'dance/temprature'; did you mean \"dance/temperature\"?; the rest counts",
        ),
        ("[parameters]\n'dance/speed' = 'fast'\n", ":2: dance/speed is 'fast'; it must be 0..4; the rest counts"),
        ("[parameters]\n'dance/speed' = nan\n", ":2: dance/speed is nan; it must be 0..4; the rest counts"),
        ("[parameters]\n'dance/speed' = true\n", ":2: dance/speed is True; it must be 0..4; the rest counts"),
        ("[parameters]\n'dance/speed' = 9\n", ":2: dance/speed is 9; it must be 0..4; taken as 4"),
        ("[parameters]\n'dance/dancers' = 2.4\n", ":2: dance/dancers is 2.4; it must be 1..64; taken as 2"),
        (
            "[parameters]\n'lfo/1_shape' = 'sin'\n",
            ":2: lfo/1_shape is 'sin'; it must be one of sine, triangle, saw, square, random; the rest counts",
        ),
        ("routes = [1]\n", ": a route is a table, [[routes]]"),
        (
            "[[routes]]\nsignal = 'audio/bas'\n",
            ":2: unknown signal 'audio/bas'; did you mean \"audio/bass\"?; the route is left out",
        ),
        ("[[routes]]\nsignal = 'audio/bass'\n", ":1: a route without its parameter; the route is left out"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_the_rest_counts(text: str, line: str) -> None:
    other = '[parameters]\n"dance/speed" = 2\n'
    scene, told = parse(text if "[parameters]" in text else text + other)
    assert told == [f"7-chorus.toml{line}"]
    assert "[parameters]" in text or scene.parameters == {"dance/speed": 2}


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("amount = 'much'", "amount is 'much', not a number; the route is left out"),
        (f"amount = 1{'0' * 400}", f"amount is 1{'0' * 99}..., not a number; the route is left out"),
        ("amount = 1\ninvert = 'yes'", "invert is 'yes', not true or false; the route is left out"),
        ("amount = 1\ncurve = true", "curve is True, not a number; the route is left out"),
        ("amount = 2", "amount is 2; taken as 1"),
        ("amount = 1\ncentre = -1", "centre is -1; taken as 0"),
        ("amount = 1\nsmooth = 3", "unknown key of a route 'smooth'; the rest counts"),
    ],
)
def test_what_is_wrong_with_a_route_is_told_with_its_line(field: str, line: str) -> None:
    whole = "[[routes]]\nsignal = 'audio/bass'\nparameter = 'dance/speed'\n"
    scene, told = parse(f"{whole}amount = 0.1\n{whole}{field}\n")
    assert told == [f"7-chorus.toml:{8 + field.count(chr(10))}: {line}"]
    assert scene.routes is not None
    assert len(scene.routes) == 2 - line.endswith("left out")


def test_a_route_without_its_amount_is_told_of() -> None:
    _, told = parse("[[routes]]\nsignal = 'audio/bass'\nparameter = 'dance/speed'\n")
    assert told == ["7-chorus.toml:1: a route without its amount; the route is left out"]


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="at line 2"):
        parse("[scene]\nfade = = 1")


UNIT = st.floats(0, 1).map(lambda value: float(f"{value:.6g}"))
ROUTES = st.builds(
    Route.made,
    st.sampled_from([signal.key for signal in SIGNALS]),
    st.sampled_from(sorted(ROWS)),
    UNIT,
    curve=UNIT,
    attack=UNIT,
    release=UNIT,
    invert=st.booleans(),
    centre=UNIT,
)


@settings(deadline=None)
@given(
    name=st.from_regex(STEM, fullmatch=True),
    number=st.none() | st.integers(0, 9999),
    fade=st.none() | st.builds(Fade, UNIT, st.booleans()),
    units=st.dictionaries(st.sampled_from(sorted(ROWS)), UNIT),
    routes=st.none() | st.lists(ROUTES, max_size=3).map(tuple),
)
def test_what_is_written_is_read_again(
    name: str, number: int | None, fade: Fade | None, units: dict, routes: tuple[Route, ...] | None
) -> None:
    values = {key: ROWS[key].from_unit(unit) for key, unit in units.items()}
    values = {key: value if ROWS[key].integer else float(f"{value:.6g}") for key, value in values.items()}
    values = {key: min(max(value, ROWS[key].low), ROWS[key].high) for key, value in values.items()}
    scene = Scene("chorus", name, number, fade, values, routes)
    told: list[str] = []
    assert read(write(scene, ROWS), Path("chorus.toml"), ROWS, told.append) == scene
    assert told == []


def documented(heading: str) -> list[str]:
    """The first column of a table in the document, under the header that begins so."""
    lines = (Path(__file__).parent.parent / "docs" / "scenes.md").read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = lines[first + 2 :]
    return [row.split("|")[1].strip(" `") for row in rows[: rows.index("")]]


def test_the_document_names_every_key_and_field_and_no_other() -> None:
    assert documented("key of `[scene]`") == list(SCENE_KEYS)
    assert documented("field of a route") == list(ROUTE_KEYS)


def test_the_document_s_example_is_right() -> None:
    text = (Path(__file__).parent.parent / "docs" / "scenes.md").read_text()
    example = text.partition("```toml\n")[2].partition("```")[0]
    told: list[str] = []
    rows = {row.key: row for row in (*PARAMETERS, *EffectFiles([resources.path("shaders")]).rows)}
    scene = read(example, FILE, rows, told.append)
    assert told == []
    assert set(tomllib.loads(example)) == set(TABLES)
    assert scene.routes == (Route("audio/bass", "fx/neon/glow", 0.4, release=0.4),)
    assert (scene.name, scene.number, str(scene.fade)) == ("chorus", 7, "4b")
