"""A bundle becomes one file and a folder again, byte for byte; a stranger's file unpacks nothing but a bundle."""

import re
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.__main__ import main
from engine.commands.model import card, printable
from engine.dancer_file import MOST, MOST_OF_A_TEXT, NAMES, pack, unpack, unpacked
from engine.metadata import BundleError
from engine.models import find_models
from tests.fixtures.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def packed(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be read only."""
    file = tmp_path_factory.mktemp("packed") / "tiny.dancer"
    pack(tiny_bundle, file)
    return file


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where unpacked dancers are kept."""
    for variable in ("XDG_STATE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "state"))
    return tmp_path / "state"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_bundle_comes_back_byte_for_byte_without_what_lies_beside_it(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    before = files(folder)
    (folder / "training").mkdir()
    (folder / "notes.txt").write_text("private")
    pack(folder, tmp_path / "a.dancer")
    pack(folder, tmp_path / "b.dancer")
    unpack(tmp_path / "a.dancer", tmp_path / "again")
    assert files(tmp_path / "again") == before
    assert (tmp_path / "a.dancer").read_bytes() == (tmp_path / "b.dancer").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dancer", "again", "b.dancer", "tiny"]


def test_a_file_is_played_as_a_folder_is(packed: Path, kept: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    for name, model in (("file.npy", packed), ("folder.npy", tiny_bundle)):
        assert main(["render", str(tmp_path / name), "--model", str(model), "--seconds", "0.5"]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "file.npy"), np.load(tmp_path / "folder.npy"))
    [folder] = find_models([packed])
    assert folder.is_relative_to(kept)
    # It is unpacked once; a file that has changed, anew.
    (folder / "README.md").write_text("marked")
    assert find_models([packed]) == [folder]
    assert (folder / "README.md").read_text() == "marked"
    other = packed.with_name("other.dancer")
    other.write_bytes(packed.read_bytes())
    assert find_models([other]) != [folder]


def test_the_card_tells_what_a_bundle_is(packed: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for model in (packed, tiny_bundle):
        assert main(["model", str(model)]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[:4] == [
            "name       tiny",
            "images     26x16, dark silhouette, 30 steps a second",
            "latents    8 numbers, 3 components in the mixture",
            "bank       100 passages of 30 steps",
        ]
        assert "licence    MIT" in lines
        assert re.fullmatch(r"file       bundle.json, \d\.\d kB", lines[-6])
        assert re.fullmatch(r"           bank.npy, \d+\.\d kB", lines[-2])


def test_a_stranger_s_words_cannot_move_the_terminal_about() -> None:
    assert printable("a\x1b[2Jb\r\nc\u202ed") == "a [2Jb  c d"


def test_the_commands_pack_and_unpack(tiny_bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = tmp_path / "x.dancer", tmp_path / "x"
    assert main(["model", str(tiny_bundle), "--pack", str(file)]) == 0
    assert main(["model", str(file), "--unpack", str(folder)]) == 0
    assert files(folder) == files(tiny_bundle)
    assert capsys.readouterr().out.endswith(f"{folder}: unpacked; dancenet --model {folder} plays it\n")
    assert main(["model", str(file), "--unpack", str(folder)]) == 1
    assert capsys.readouterr().err == (
        f"dancenet: {folder}: is there already; a dancer is unpacked into a new folder\n"
    )


def test_what_cannot_be_played_is_not_packed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    (folder / "step.onnx").write_bytes(b"none")
    assert main(["model", str(folder), "--pack", str(tmp_path / "x.dancer")]) == 1
    assert "step.onnx: not a readable ONNX model" in capsys.readouterr().err
    assert not (tmp_path / "x.dancer").exists()


def archive(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries:
            file.writestr(name, content)
    return path


def refusal(file: Path, tmp_path: Path) -> str:
    """Why a file is not unpacked; nothing of it is left on the disk."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BundleError) as error:
        unpack(file, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before
    line = str(error.value)
    assert line.startswith(f"{file}: ")
    assert "\n" not in line
    return line.removeprefix(f"{file}: ")


@pytest.mark.parametrize(
    "name", ["../bundle.json", "/etc/cron.d/x", "a/bundle.json", "..\\bundle.json", "step.onnx/", "run.py", "BANK.NPY"]
)
def test_a_name_that_is_no_bundle_s_is_refused(name: str, tmp_path: Path) -> None:
    file = archive(tmp_path / "x.dancer", ("bundle.json", b"{}"), (name, b"x"))
    assert refusal(file, tmp_path) == f"holds {name!r}; a .dancer file holds once each {', '.join(NAMES)}"


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_that_comes_twice_is_refused(tmp_path: Path) -> None:
    file = archive(tmp_path / "x.dancer", ("bundle.json", b"{}"), ("bundle.json", b"[]"))
    assert refusal(file, tmp_path).startswith("holds 'bundle.json'; a .dancer file holds once each ")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR])
def test_what_is_no_plain_file_is_refused(kind: int, tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("bank.npy")
    entry.external_attr = (kind | 0o777) << 16
    file = archive(tmp_path / "x.dancer", ("bundle.json", b"{}"), (entry, b"/etc/passwd"))
    assert refusal(file, tmp_path) == "bank.npy is no plain file; a .dancer file holds nothing else"


def claim(file: Path, name: str, size: int) -> None:
    """Has the archive's directory say that an entry takes so many bytes."""
    content = bytearray(file.read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(name.encode()))
    struct.pack_into("<I", content, at + 24, size)
    file.write_bytes(content)


def test_sizes_are_bounded_before_anything_is_unpacked(tmp_path: Path) -> None:
    file = archive(tmp_path / "x.dancer", ("README.md", bytes(MOST_OF_A_TEXT + 1)), ("bundle.json", b"{}"))
    assert (
        refusal(file, tmp_path) == f"README.md takes {MOST_OF_A_TEXT + 1} bytes; at most {MOST_OF_A_TEXT} are allowed"
    )
    file = archive(tmp_path / "x.dancer", ("bundle.json", b"{}"), ("step.onnx", b"x"))
    claim(file, "step.onnx", 3 << 30)
    assert refusal(file, tmp_path) == f"step.onnx takes {3 << 30} bytes; at most {MOST - 2} are allowed"


def test_a_size_that_is_not_the_true_one_is_refused(tmp_path: Path) -> None:
    for size in (5, 500):
        file = archive(tmp_path / "x.dancer", ("bundle.json", b"{}"), ("step.onnx", bytes(100)))
        claim(file, "step.onnx", size)
        assert re.match(r"step.onnx is cut short|not a readable .dancer file \(", refusal(file, tmp_path))


def test_a_damaged_file_is_refused(packed: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.dancer"
    whole = packed.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (b"", b"none", whole[: len(whole) // 2], bytes(flipped)):
        file.write_bytes(content)
        assert refusal(file, tmp_path).startswith("not a readable .dancer file (")
    archive(file, ("README.md", b"x"))
    assert refusal(file, tmp_path) == "holds no bundle.json; every bundle does"


def test_another_file_is_no_dancer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "song.ogg"
    file.write_bytes(b"x")
    expected = "no bundle there; a bundle is a folder with bundle.json, or a file that ends in .dancer"
    for command in (["render", str(tmp_path / "o.npy"), "--model", str(file)], ["model", str(file)]):
        assert main(command) == 1
        assert capsys.readouterr().err == f"dancenet: {file}: {expected}\n"
    with pytest.raises(BundleError, match="no bundle there"):
        unpacked(tmp_path / "gone.dancer")


def test_the_card_of_a_bundle_with_a_broken_bank_is_still_told(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    (folder / "bank.npy").write_bytes(b"none")
    assert "bank       not readable" in card(folder).splitlines()
