"""Size expressions: what they come to, and what is refused."""

import math

import pytest

from engine.isf.expressions import Expression

NAMES = {"WIDTH": 1280.0, "HEIGHT": 720.0, "blur": 2.5, "count": 0.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16", 16),
        (".5", 0.5),
        ("1e3", 1000),
        ("$WIDTH", 1280),
        ("WIDTH", 1280),
        ("$WIDTH/16.0", 80),
        ("floor($WIDTH/3)", 426),
        ("ceil($WIDTH / 3)", 427),
        ("round(2.5)", 3),
        ("max($WIDTH/2000.0,1.0)", 1),
        ("min($WIDTH, $HEIGHT)", 720),
        ("2+3*4", 14),
        ("(2+3)*4", 20),
        ("10-4-3", 3),
        ("100/10/5", 2),
        ("7%4", 3),
        ("-$blur + 3", 0.5),
        ("--2", 2),
        ("2^3^2", 512),
        ("-2**2", -4),
        ("pow(2, 10)", 1024),
        ("$WIDTH > $HEIGHT ? 1 : 2", 1),
        ("$blur >= 3 || $count == 0", 1),
        ("$blur < 2 && 1", 0),
        ("!$count", 1),
        ("clamp($blur, 0, 1)", 1),
        ("pi()", math.pi),
        ("abs(-3)", 3),
    ],
)
def test_it_comes_to(text: str, value: float) -> None:
    assert Expression(text).value(NAMES) == value


def test_it_tells_which_names_it_asks_for() -> None:
    assert Expression("floor($WIDTH / ($blur + 1)) + HEIGHT").names == {"WIDTH", "blur", "HEIGHT"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "'': expected a number, a $name or (, found 'the end'"),
        ("$WIDTH /", "'$WIDTH /': expected a number, a $name or (, found 'the end'"),
        ("(1", "'(1': expected ')', found 'the end'"),
        ("1 2", "'1 2' goes on at '2'"),
        ("1 # 2", "'1 # 2': '#' is not part of an expression"),
        ("max(1 2)", "'max(1 2)': expected ',', found '2'"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, error: str) -> None:
    with pytest.raises(ValueError) as raised:
        Expression(text)
    assert str(raised.value) == error


def test_only_its_own_functions_are_there() -> None:
    with pytest.raises(ValueError, match=r"no function 'exec'; there are abs, ceil, clamp, cos"):
        Expression("exec(1)")
    with pytest.raises(ValueError, match="is not part of an expression"):
        Expression("().__class__")


def test_a_division_by_nothing_has_no_value() -> None:
    with pytest.raises(ZeroDivisionError):
        Expression("$WIDTH / $count").value(NAMES)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("(" * 25 + "1" + ")" * 25, "an expression of more than 24 parts within one another"),
        ("1" + "+1" * 64, "an expression of 129 parts; it may have 128"),
        ("$WIDTH > 5 ? floor(1, 2) : 1", "'$WIDTH > 5 ? floor(1, 2) : 1' gives floor too many numbers or too few"),
        ("min()", "'min()' gives min too many numbers or too few"),
    ],
)
def test_an_expression_is_bounded_and_right_on_every_branch(text: str, error: str) -> None:
    with pytest.raises(ValueError) as raised:
        Expression(text)
    assert str(raised.value) == error


def test_the_longest_expressions_have_values() -> None:
    assert Expression("-" * 127 + "1").value({}) == -1
    assert Expression("1" + "+1" * 63).value({}) == 64
    assert Expression("(" * 23 + "1" + ")" * 23).value({}) == 1
