"""Every address that the pages for other programs give is one that the show knows, with the arguments they give."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.parameters import SIGNALS
from tests.fixtures.osc import Line, a_line

DOCS = Path(__file__).parent.parent / "docs"
ABLETON, TOUCHDESIGNER = (DOCS / name for name in ("ableton.md", "touchdesigner.md"))
SIGNAL_ADDRESSES = {signal.address for signal in SIGNALS}
EXAMPLE = re.compile(r"`(/?dancenet/[^`]*)`")
SENT_BY_PYTHON = re.compile(r'send(?:OSC|_message)\("(/dancenet/[^"]*)", (\[.*?\]|\w+)\)')


def argument(text: str) -> Any:
    """A message box's argument, as Max types it; what a dial puts in is a half."""
    if text.startswith("$"):
        return 0.5
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def examples(page: Path) -> Iterator[tuple[str, list[Any]]]:
    """Address and arguments of each message on a page; a channel stands for a message of one float."""
    text = page.read_text()
    for address, arguments in SENT_BY_PYTHON.findall(text):
        yield address, ast.literal_eval(arguments) if arguments.startswith("[") else [100.0]
    for example in EXAMPLE.findall(text):
        address, *arguments = example.split()
        if address.isupper() or "GROUP" in address:
            continue
        if address.startswith("dancenet/"):
            yield f"/{address}", [9011.0 if address.endswith("subscribe") else 1.0]
        else:
            yield address, [argument(each) for each in arguments]


@pytest.mark.parametrize(
    ("page", "address", "arguments"),
    [(page, *example) for page in (ABLETON, TOUCHDESIGNER) for example in examples(page)],
    ids=lambda value: value.name if isinstance(value, Path) else str(value),
)
def test_an_example_is_understood(page: Path, address: str, arguments: list[Any]) -> None:
    with a_line() as line:
        line.osc.clients._send = lambda datagram, place: None  # type: ignore[method-assign]
        line.say(address, *(arguments or given(line, address)))
        expected = [f"osc: {address} is a signal: it is sent, and cannot be set"] if address in SIGNAL_ADDRESSES else []
        assert line.told == expected


def given(line: Line, address: str) -> list[float]:
    """What an address alone needs to be understood: parameters, fields and scenes take a number."""
    key = address.removeprefix("/dancenet/")
    command = line.controls.commands.get(key)
    return [] if (command and not command.argument) or key in ("subscribe", "unsubscribe") else [1.0]


def test_the_pages_have_examples_of_every_kind() -> None:
    addresses = {address for page in (ABLETON, TOUCHDESIGNER) for address, _ in examples(page)}
    assert {"/dancenet/subscribe", "/dancenet/route", "/dancenet/scene/recall", "/dancenet/dance/reset"} <= addresses
    assert any("*" in address for address in addresses) and any(address.endswith("/unit") for address in addresses)
