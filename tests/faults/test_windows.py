"""What becomes of a show whose window is made as small, or as large, as no window ought to be."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.display import Screen
from tests.test_live import SIZE, playing_live


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (16384, 64), (30000, 20)], ids=str)
def test_a_window_of_any_size_shows_a_picture_and_comes_back(
    size: tuple[int, int], tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    options = ("--model", str(tiny_bundle), "--audio", "off", "--scene", "storm", "--quality", "1")
    with playing_live(tmp_path, *options) as player:
        window, picture = player.stage.window, player.stage.picture
        largest = window.context.info["GL_MAX_TEXTURE_SIZE"]

        def resize(size: tuple[int, int]) -> None:
            command = ["xdotool", "search", "--name", "^DanceNet$", "windowsize", *map(str, size)]
            subprocess.run(command, check=True, env={**os.environ, "DISPLAY": x_display.name})
            player.until(lambda: window.size == size)
            player.frames(3)
            assert picture.window == size

        resize(size)
        assert picture.size == (size if max(size) <= largest else (largest, round(size[1] * largest / size[0])))
        player.send("output/test_card", 1)
        player.until(lambda: player.stage.controls.snapshot()["output/test_card"] == 1)
        player.frames(2)
        player.send("output/test_card", 0)
        resize(SIZE)
        assert picture.size == SIZE and picture.read().any()
        assert player.said.getvalue() == ""
