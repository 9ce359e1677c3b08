"""TOML is read as `tomllib` reads it, but for keys that it would take minutes for."""

import tomllib

import pytest

from engine.toml_text import MOST_PARTS, parse_toml


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * MOST_PARTS) + " = 1",
        f"[{'.'.join('a' * MOST_PARTS)}]",
        '"' + "a." * 100 + '" = 1',
        "a = '" + "x.y " * 100 + "'",
        "a = [" + "1.5, " * 100 + "]",
    ],
)
def test_what_people_write_is_read(text: str) -> None:
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize("part", ["a.", "a . ", '"b c".', "'d'.", "-_1\t.\t"])
def test_a_key_of_thousands_of_parts_is_refused_with_its_line(part: str) -> None:
    for text in (f"x = 1\n{part * 5000}z = 1", f"x = 1\n[{part * 5000}z]", f"\ny = {{{part * 5000}z = 1}}"):
        with pytest.raises(ValueError, match=r"^a key of more than 32 parts \(at line 2, column 1\)$"):
            parse_toml(text)


@pytest.mark.parametrize("text", ["a" * 200_000, '"' * 200_001, "a " * 100_000, "'a'" * 60_000, "- " * 100_000])
def test_looking_for_such_keys_takes_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\(at (line 1|end of document)"):
        parse_toml(text)
