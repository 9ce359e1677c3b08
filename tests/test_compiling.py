"""Drivers compile before the first frame, never in one: Mesa's cache on disk tells what has been compiled."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine import resources

EFFECTS = sorted(path.stem for path in resources.path("shaders").glob("*.fs"))


def compiled(folder: Path, bundle: Path, *options: str) -> set[str]:
    """The names of all that is compiled for a picture with these options, at a size that no effect is tried at."""
    folder.mkdir()
    picture = folder / "picture.png"
    options = "--model", str(bundle), "--size", "480x270", "--at", "0.2", *options
    environment = {**os.environ, "MESA_SHADER_CACHE_DIR": str(folder)}
    subprocess.run([sys.executable, "-m", "engine", "still", picture, *options], env=environment, check=True)
    return {path.name for path in folder.rglob("*") if path.is_file() and path != picture}


def test_a_company_in_every_effect_at_once_has_nothing_compiled_that_a_dancer_alone_had_not(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    mixes = [word for name in EFFECTS for word in ("--set", f"fx/{name}/mix=0.5")]

    before = compiled(tmp_path / "plain", tiny_bundle)
    if not before:
        pytest.skip("no driver here that keeps what it compiled in Mesa's cache")

    assert compiled(tmp_path / "rich", tiny_bundle, "--set", "dance/dancers=4", *mixes) - before == set()
