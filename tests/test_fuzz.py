"""The fuzzers find nothing in a moment, nor in what they once found; `make fuzz` looks for longer."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.loop import Limit, Parser, limits, run

ROOT = Path(__file__).parent.parent
NAMES = {
    *("osc", "isf", "expressions", "scenes", "output", "config"),
    *("metadata", "onnx", "bank", "log", "state", "pictures", "health"),
}
ROW = re.compile(r"^(\w+): (\d+) taken, (\d+) refused, 0 escaped$", re.M)


@pytest.mark.skipif(sys.platform != "linux", reason="memory and time are bounded as Linux does it")
def test_every_parser_takes_or_refuses_whatever_it_is_given(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--rounds", "150", "--seed", "1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = {name: (int(taken), int(refused)) for name, taken, refused in ROW.findall(done.stdout)}
    assert rows.keys() == NAMES
    # A fuzzer whose inputs are all fine, or all refused at the first look, looks at nothing.
    assert all(taken >= 5 and refused >= 5 for taken, refused in rows.values()), rows


def fuzz(folder: Path, parse: object) -> tuple[int, int, int]:
    parser = Parser("mine", lambda chance: b"%d" % chance.randrange(3), lambda _: parse, (KeyError,), (b"old",))  # type: ignore[arg-type, return-value]
    found = run(parser, folder, 0, rounds=50, keep=folder / "kept")
    return found.taken, found.refused, found.escapes


def test_the_loop_tells_what_is_taken_refused_and_escapes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def parse(data: bytes) -> None:
        if data == b"1":
            raise KeyError("its own")
        if data == b"old":
            raise ValueError("another's")

    taken, refused, escapes = fuzz(tmp_path, parse)
    assert (taken + refused, escapes) == (49, 1)
    assert min(taken, refused) > 5
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.read_bytes() == b"old"
    assert capsys.readouterr().err.startswith(f"mine: escape, kept as {kept}: b'old'\n")


def test_the_loop_ends_what_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.fuzz.loop.LONGEST", 0.05)

    def parse(data: bytes) -> None:
        while data == b"old":
            pass

    assert fuzz(tmp_path, parse)[2] == 1
    with limits(), Limit():
        pass  # what is quick is not held
