"""`dancenet isf-check` on files of this project, written as people write them, and on files with mistakes."""

from pathlib import Path

import moderngl
import numpy as np
import pytest

from engine.__main__ import main
from engine.commands.isf_check import FRAMES, Feed, figure, spectrum, wave
from engine.isf.source import read

HABITS = Path(__file__).parent / "fixtures" / "isf"
MOVING = "void main() { gl_FragColor = vec4(fract(TIME + isf_FragNormCoord.x), 0.5, 0.5, 1.0); }"


def test_files_as_people_write_them_are_fine(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["isf-check", str(HABITS), "--size", "64x36"]) == 0
    lines = capsys.readouterr().out.splitlines()
    files = sorted(HABITS.rglob("*.fs"))
    assert len(files) >= 20
    assert lines[:-1] == [f"ok {path.stem.lower().replace(' ', '_').replace('-', '_')}" for path in files]
    assert lines[-1] == f"{len(files)} of {len(files)} files are fine"


def test_each_file_has_a_row_with_what_is_wrong_and_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Fine One.fs").write_text(f"/*{{}}*/ {MOVING}")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "bad_json.fs").write_text('/*{\n"A": }*/')
    (tmp_path / "deep" / "notes.txt").write_text("none of ours")
    (tmp_path / "compile.isf").write_text("/*{\n}*/\nvoid main() {\n  gl_FragColor = vec3(1.0);\n}\n")
    assert main(["isf-check", str(tmp_path), "--size", "16x16"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok fine_one"
    assert lines[1].startswith(f"FAIL compile: {tmp_path}/compile.isf:4: ")
    assert lines[2] == f"FAIL bad_json: {tmp_path}/deep/bad_json.fs:2: JSON: expected a value, found `}}`"
    assert lines[3:] == ["1 of 3 files are fine"]


@pytest.mark.parametrize(
    ("code", "warnings"),
    [
        ("vec4(0.0, 0.0, 0.0, 1.0)", ", warning: black, warning: unchanging"),
        ("vec4(0.0, 0.0, 0.0, fract(TIME))", ", warning: black"),
        ("vec4(0.5)", ", warning: unchanging"),
        ("vec4(fract(TIME))", ""),
    ],
)
def test_what_is_odd_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, warnings: str) -> None:
    file = tmp_path / "odd.fs"
    file.write_text(f"/*{{}}*/ void main() {{ gl_FragColor = {code}; }}")
    assert main(["isf-check", str(file), "--size", "16x16"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"ok odd{warnings}"


@pytest.mark.parametrize("arguments", [[], ["no/such.fs"], [".", "--size", "big"]])
def test_a_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["isf-check", *arguments])
    assert ended.value.code == 2


def test_a_folder_without_files_is_a_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["isf-check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"dancenet: no .fs or .isf file in {tmp_path}\n"


def test_what_files_are_shown_moves(context: moderngl.Context, tmp_path: Path) -> None:
    first, later = figure((64, 36), 0.0), figure((64, 36), 0.3)
    assert first.shape == (36, 64, 4) and first.max() == 255 and first.min() == 0
    assert (first[..., :3] <= first[..., 3:]).all()  # premultiplied
    assert (first != later).any() and np.unique(first[..., 3]).size > 10  # it has a soft edge
    for sound in (wave, spectrum):
        assert sound(0.1).min() >= 0 and sound(0.1).max() <= 1 and (sound(0.1) != sound(0.2)).any()
    file = tmp_path / "t.fs"
    file.write_text(
        '/*{"INPUTS": [{"NAME": "startImage", "TYPE": "image"}, {"NAME": "endImage", "TYPE": "image"},'
        ' {"NAME": "progress", "TYPE": "float"}, {"NAME": "go", "TYPE": "event"}]}*/'
    )
    feed = Feed(context, read(file).header, (16, 16))
    frames = [feed.at(frame) for frame in range(FRAMES)]
    assert (frames[0]["progress"], frames[-1]["progress"]) == (0.0, 1.0)
    assert sum(bool(each["go"]) for each in frames) == 2
    assert frames[0]["startImage"] is not frames[0]["endImage"]
