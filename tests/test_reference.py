"""docs/controls.md is what the tables say."""

from pathlib import Path

from engine.effects import EffectFiles
from engine.isf.rows import rows
from engine.parameters import COMMANDS, PARAMETERS, SIGNALS
from engine.reference import markdown

EFFECTS = EffectFiles([Path(__file__).parent.parent / "shaders"])
PAGE = Path(__file__).parent.parent / "docs" / "controls.md"


def test_the_page_of_controls_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(EFFECTS.headers), "run `dancenet controls > docs/controls.md`"


def test_every_row_is_on_the_page() -> None:
    page = markdown(EFFECTS.headers)
    of_effects = [row for name, header in EFFECTS.headers.items() for row in rows(name, header)]
    of_effects = [row for row in of_effects if row.name.rpartition("/")[2] not in ("mix", "place")]
    addresses = [row.address for row in (*PARAMETERS, *of_effects)] + [row.address for row in COMMANDS]
    assert [address for address in addresses if f"| `{address}` |" not in page] == []
    assert [row.key for row in SIGNALS if f"| `{row.key}` |" not in page] == []
