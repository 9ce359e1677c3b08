"""The wheel: what it holds, and that it plays where there is no clone."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine import __version__

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    """A command's output; its errors fail the test with all that it said."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    [path] = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of a fresh environment with the wheel in it, far from the clone.

    A path file lends it the packages of the running environment. Path files inside a lent folder are not read, so that
    an editable install of the clone stays out of sight.
    """
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python")]
    run(*pip, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(programs / "python", "-c", ask, cwd=folder).strip())
    lent = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "lent.pth").write_text("".join(f"{path}\n" for path in sorted(lent)))
    return programs


def test_it_holds_the_three_packages_and_nothing_else_at_the_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
    assert names == {"engine", "training", "export", f"dancenet_live-{__version__}.dist-info"}


@pytest.mark.parametrize("folder", ["shaders", "scenes", "models/default"])
def test_it_holds_every_file_of(folder: str, wheel: Path) -> None:
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("engine/") for name in archive.namelist() if name.startswith(f"engine/{folder}/")}
    assert packed == here != set()


def test_it_is_told_apart_by_its_version(environment: Path, tmp_path: Path) -> None:
    assert run(environment / "dancenet", "--version", cwd=tmp_path).split()[-1] == __version__


def test_it_finds_what_travels_with_it_in_itself(environment: Path, tmp_path: Path) -> None:
    ask = "from engine import resources as r; [print(r.path(name)) for name in ('shaders', 'scenes', 'models/default')]"
    lines = run(environment / "python", "-c", ask, cwd=tmp_path).splitlines()
    home = environment.parent.resolve()
    assert [Path(line).resolve().is_relative_to(home) for line in lines] == [True] * 3


def test_it_dances(environment: Path, tmp_path: Path) -> None:
    run(environment / "dancenet", "render", "dance.npy", "--seconds", "1", "--seed", "7", cwd=tmp_path)
    images = np.load(tmp_path / "dance.npy")
    assert (images.shape, images.dtype) == ((30, 120, 208), np.dtype(np.uint8))
    assert len(np.unique(images.reshape(30, -1), axis=0)) == 30  # no two frames alike: it moves
