"""docs/train-your-own.md as a new user follows it: every command in it, in order, in a clone of their own.

`make test-guide` runs them, by a real bash, on films made here: minutes. The options that the page names are checked
whenever tests run. What sets a machine up, make and pip, is noted here and tested in test_make.py.
"""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.display import Screen
from tests.fixtures.captures import write_capture
from tests.fixtures.films import masks, room, write_film

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "train-your-own.md"
BLOCK = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAM = ".venv/bin/dancenet"
FILM = (416, 240)  # width, height

# `dancenet`, with what makes its work small: later options win.
SMALL = """\
#!/bin/bash
cd "$(dirname "$0")/../.." || exit 1
echo "dancenet $*" >> done.txt
case $1 in
train) small=(--minutes 0.05 {sizes}) ;;
render) small=(--seconds 1 --size 160x90) ;;
--model) small=(--seconds 1 --size 160x90 --audio off) ;;
esac
exec {python} -m engine "$@" "${{small[@]}}"
"""
SIZES = "--latent-size 6 --channels 6,6,4 --layers 2 --units 12 --hidden 12 --components 3 --steps 16"
NOTED = '#!/bin/bash\necho "$(basename "$0") $*" >> done.txt\n'


def commands() -> list[str]:
    """Every command of the page, in order."""
    return [line for block in BLOCK.findall(PAGE.read_text()) for line in block.splitlines()]


def test_every_command_of_the_page_stands_in_a_block_of_its_own_kind() -> None:
    assert len(commands()) >= 9
    assert {shlex.split(line)[0] for line in commands()} <= {"make", ".venv/bin/pip", PROGRAM}


@pytest.mark.parametrize("name", ["footage", "train", "render", ""])
def test_the_options_that_the_page_names_are_there(name: str) -> None:
    words = [shlex.split(line)[1:] for line in commands() if shlex.split(line)[0] == PROGRAM]
    own = [line for line in words if (line[0] == name if name else line[0].startswith("-"))]
    assert own
    asked = [sys.executable, "-m", "engine", *([name] if name else []), "--help"]
    known = subprocess.run(asked, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    options = {word for line in own for word in line if word.startswith("--")}
    assert [option for option in sorted(options) if not re.search(rf"{option}\b", known)] == []


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif("DANCENET_GUIDE" not in os.environ, reason="takes minutes: make test-guide")
def test_a_new_user_comes_from_films_to_a_dancer_on_stage(tmp_path: Path, x_display: Screen) -> None:
    program(tmp_path / PROGRAM, SMALL.format(python=sys.executable, sizes=SIZES))
    program(tmp_path / ".venv" / "bin" / "pip", NOTED)
    program(tmp_path / "bin" / "make", NOTED)
    program(tmp_path / "bin" / "browser", '#!/bin/bash\necho "$1" >> opened.txt\n')
    capture = write_capture(tmp_path / "capture.bvh", seconds=6)
    (tmp_path / "my_videos").mkdir()
    for seed, name in enumerate(("first.mp4", "second.mp4")):
        scene = room(FILM, seed)
        dancer = [np.zeros(FILM[::-1], np.float32)] * 30 + masks(capture, 150, FILM)  # it begins with nobody there
        write_film(tmp_path / "my_videos" / name, (scene(mask, i) for i, mask in enumerate(dancer)))
    environment = os.environ | {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "DISPLAY": x_display.name,
        "BROWSER": f"{tmp_path / 'bin' / 'browser'} %s",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "OMP_NUM_THREADS": "1",
    }
    for line in commands():
        result = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, f"{line}\n{result.stdout[-1500:]}\n{result.stderr[-3000:]}"
        assert "Traceback" not in result.stderr, result.stderr[-3000:]
    done = (tmp_path / "done.txt").read_text().splitlines()
    assert done == [" ".join([Path(word).name, *more]) for word, *more in map(shlex.split, commands())]
    pages = ["models/mine/report.html", "axes.html"]
    for made in (
        "look/contact-1.png",
        "look/preview.mp4",
        "models/mine/sample.mp4",
        "dance.mp4",
        "mine.dancer",
        *pages,
    ):
        assert (tmp_path / made).stat().st_size > 1000, made
    assert "<h2>The plan</h2>" in (tmp_path / "models" / "mine" / "report.html").read_text()
    assert (tmp_path / "models" / "sharper" / "bundle.json").exists()
