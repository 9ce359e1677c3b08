"""The state's file: comes back as it was, and whatever else lies there is one line."""

from pathlib import Path

import numpy as np
import pytest

from engine.folders import state_folder
from engine.scene_files import put
from engine.state_file import (
    MOST_BYTES,
    SIGNATURE,
    State,
    StateError,
    checksum,
    encode,
    read,
)

STATE = State(
    {"scene": "calm", "targets": {"dance/speed": 0.1 + 0.2}},
    {
        "latest": np.arange(6, dtype=np.float32).reshape(2, 3)[:, ::-1],
        "step": np.array(7, np.int64),
        "phase": np.array(0.1),
        "nobody": np.zeros((0, 4), np.float32),
    },
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "new" / "show.state", encode(STATE))
    return tmp_path / "new" / "show.state"


def made(head: bytes, body: bytes = b"") -> bytes:
    """A file whose checksum is right."""
    return b"%s%08x\n%s\n%s" % (SIGNATURE, checksum(head, body), head, body)


def test_a_state_comes_back_bit_for_bit(file: Path) -> None:
    found = read(file)
    assert found is not None and found.facts == STATE.facts
    assert {name: (array.dtype, array.shape, array.tobytes()) for name, array in found.arrays.items()} == {
        name: (array.dtype, array.shape, array.tobytes()) for name, array in STATE.arrays.items()
    }
    assert list(file.parent.iterdir()) == [file]


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert read(tmp_path / "none") is None


def test_a_file_that_was_cut_or_changed_anywhere_is_refused(file: Path) -> None:
    data = file.read_bytes()
    for place in range(len(data)):
        for broken in (data[:place], data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]):
            file.write_bytes(broken)
            with pytest.raises(StateError, match=f"^{file}: (damaged|not the state of a show)"):
                read(file)


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"", "not the state of a show, or of another version"),
        (b"dancenet state 2\n", "not the state of a show, or of another version"),
        (SIGNATURE, "damaged"),
        (made(b'{"arrays": [["a", "<f4", [1000000000, 1000]]], "facts": {}}', b"0000"), "damaged, or cut off"),
        (made(b'{"arrays": [["a", "<f4", [-1]]], "facts": {}}'), "'a' is an array of an unknown kind"),
        (made(b'{"arrays": [["a", "|O", [1]]], "facts": {}}', b"0" * 8), "'a' is an array of an unknown kind"),
        (made(b'{"arrays": [["a", "<f4", [1, 1, 1, 1, 1]]], "facts": {}}', b"0000"), "'a' is an array of an unknown "),
        (made(b'{"arrays": [], "facts": 7}'), "holds nothing of a show"),
        (made(b'{"facts": {}}'), "damaged"),
        (made(b"[" * 100_000), "damaged"),
    ],
)
def test_what_is_no_state_is_refused_before_anything_is_made_of_it(data: bytes, line: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(StateError) as error:
        read(tmp_path / "x")
    assert str(error.value).startswith(f"{tmp_path / 'x'}: {line}") and "\n" not in str(error.value)


def test_a_file_larger_than_any_state_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    with pytest.raises(StateError, match=r"larger than any state, 16 MiB$"):
        read(tmp_path / "x")
    with pytest.raises(StateError, match=f"^{tmp_path}: Is a directory$"):
        read(tmp_path)


def test_what_cannot_be_written_leaves_the_older_state(file: Path) -> None:
    before = file.read_bytes()
    (file.parent / f".{file.stem}.part").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        put(file, b"new", on_disk=False)
    assert file.read_bytes() == before


def test_arrays_that_the_format_does_not_hold_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^a: an array of <f2"):
        encode(State({}, {"a": np.zeros(1, np.float16)}))


def test_the_folder_is_the_systems() -> None:
    assert state_folder({"XDG_STATE_HOME": "/state"}, "linux") == Path("/state/dancenet")
    assert state_folder({"HOME": "/home/me"}, "linux") == Path("/home/me/.local/state/dancenet")
    assert state_folder({"HOME": "/me"}, "darwin") == Path("/me/Library/Application Support/dancenet")
    assert state_folder({"HOME": "/me", "LOCALAPPDATA": "/local"}, "win32") == Path("/local/dancenet")
