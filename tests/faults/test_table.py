"""The table of faults names tests that there are."""

import re
from pathlib import Path

FAULTS = Path(__file__).parent
NAMED = re.compile(r"(?P<module>test_\w+?)(?P<elsewhere>\.py)?(?= |,|;|$)|`(?P<words>\w+)`")


def test_every_fault_has_a_test_that_sees_it() -> None:
    rows = [line.split("|")[1:-1] for line in (FAULTS / "README.md").read_text().splitlines() if line[:1] == "|"][2:]
    rows = [row for row in rows if not row[0].strip().startswith("**")]
    assert len(rows) > 30
    modules = set()
    for what, follows, seen in rows:
        assert follows.strip(), what
        source = ""
        for found in NAMED.finditer(seen.strip()):
            if found["module"]:
                path = (FAULTS.parent if found["elsewhere"] else FAULTS) / f"{found['module']}.py"
                source = path.read_text()
                modules.add(path)
            else:
                assert re.search(rf"^def test_\w*{found['words']}", source, re.MULTILINE), (what, found["words"])
        assert source, what
    mine = {*FAULTS.glob("test_*.py")} - {Path(__file__)}
    assert mine <= modules
