"""Wildcards, held against OSC 1.0's own wording, against a slow matcher, and against what they may cost."""

import fnmatch
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.parameters import PARAMETERS
from engine.sources import osc_patterns
from engine.sources.osc_patterns import LONGEST_PATTERN, OneOf, PatternError, is_pattern, matching

KEYS = [parameter.key for parameter in PARAMETERS]


@pytest.mark.parametrize(
    ("pattern", "address", "fits"),
    [
        ("dance/speed", "dance/speed", True),
        ("dance/spee", "dance/speed", False),
        ("dance/*", "dance/speed", True),
        ("*/speed", "dance/speed", True),
        ("dance*", "dance/speed", False),  # a part's own
        ("*", "dance/speed", False),
        ("dance/s*d", "dance/speed", True),
        ("dance/*speed*", "dance/speed", True),
        ("dance/sp?ed", "dance/speed", True),
        ("dance/speed?", "dance/speed", False),
        ("lfo/[1-3]_rate", "lfo/2_rate", True),
        ("lfo/[1-3]_rate", "lfo/4_rate", False),
        ("lfo/[!1-3]_rate", "lfo/4_rate", True),
        ("lfo/[!1-3]_rate", "lfo/2_rate", False),
        ("lfo/[13-]_rate", "lfo/-_rate", True),  # a - at the end is itself
        ("lfo/[13-]_rate", "lfo/2_rate", False),
        ("lfo/[1!]_rate", "lfo/!_rate", True),  # a ! elsewhere too
        ("lfo/[]_rate", "lfo/1_rate", False),
        ("dance/{speed,seed}", "dance/seed", True),
        ("dance/{speed,seed}", "dance/dancers", False),
        ("dance/{s,sp}eed", "dance/speed", True),
        ("dance/{,un}ison", "dance/unison", True),
        ("{dance,audio}/*", "audio/gain", True),
    ],
)
def test_a_pattern_stands_for_what_the_specification_says(pattern: str, address: str, fits: bool) -> None:
    assert (matching(pattern, [address]) == [address]) is fits


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("dance/[ab", r"a \[ without its end"),
        ("dance/{a", "a { without its end"),
        ("a]", "a ] without its beginning"),
        ("{a/b}", "a { without its end"),
        ("*" * (LONGEST_PATTERN + 1), "a pattern of more than 128 characters"),
    ],
)
def test_what_is_no_pattern_is_said(pattern: str, fault: str) -> None:
    with pytest.raises(PatternError, match=f"^{fault}$"):
        matching(pattern, KEYS)


def test_an_address_is_a_pattern_if_it_has_wildcards() -> None:
    assert not any(is_pattern(key) for key in KEYS)
    assert all(is_pattern(f"a{wildcard}") for wildcard in "?*[]{}")


@given(st.text("ab*?", max_size=10), st.text("ab", max_size=8))
def test_stars_and_question_marks_mean_what_a_shell_means(pattern: str, text: str) -> None:
    assert bool(matching(pattern, [text])) == bool(re.fullmatch(fnmatch.translate(pattern), text))


@given(
    st.lists(st.text("ab", max_size=3), min_size=1, max_size=4), st.text("ab*", max_size=4), st.text("ab", max_size=8)
)
def test_alternatives_are_patterns_of_their_own(words: list[str], rest: str, text: str) -> None:
    together = matching(f"{{{','.join(words)}}}{rest}", [text])
    assert bool(together) == any(matching(word + rest, [text]) for word in words)


@pytest.mark.parametrize(
    "pattern",
    [
        "*a" * 64,
        "{,a}" * 32,
        "*{}" * 42,
        "[!-~]*" * 21,
        "[\x00-\U0010ffff]*" * 18,
        f"{{{'a,' * 62}}}",
    ],
)
def test_the_worst_patterns_cost_a_bounded_number_of_looks(pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def counted(follow: Callable[..., int]) -> Callable[..., int]:
        def look(self: object, places: int, text: str) -> int:
            nonlocal looks
            looks += 1
            return follow(self, places, text)

        return look

    for kind in (OneOf, osc_patterns.Anything, osc_patterns.Words):
        monkeypatch.setattr(kind, "follow", counted(kind.follow))
    matching(pattern[:LONGEST_PATTERN], ["a" * 40])
    assert looks <= LONGEST_PATTERN
