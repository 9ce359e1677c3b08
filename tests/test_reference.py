"""docs/controls.md is what the tables say."""

from pathlib import Path

from engine.parameters import COMMANDS, PARAMETERS, SIGNALS
from engine.reference import markdown

PAGE = Path(__file__).parent.parent / "docs" / "controls.md"


def test_the_page_of_controls_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run `dancenet controls > docs/controls.md`"


def test_every_row_is_on_the_page() -> None:
    page = markdown()
    addresses = [row.address for row in PARAMETERS] + [row.address for row in COMMANDS]
    assert [address for address in addresses if f"| `{address}` |" not in page] == []
    assert [row.key for row in SIGNALS if f"| `{row.key}` |" not in page] == []
