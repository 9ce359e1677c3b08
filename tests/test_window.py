"""Real windows on a real X server: what is on the screen, what keys do, and when frames are shown."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.clock import WallClock
from engine.controls import Controls
from engine.parameters import PARAMETERS
from engine.picture import DARK_SILHOUETTE, Picture
from engine.sinks.window import Shell, Window, WindowError
from engine.sources.keys import KEYS, Keys
from tests.display import SCREEN, Screen

ROOT = Path(__file__).parent.parent
SIZE = (416, 240)


class Stage:
    """A window with a picture in it, and a dancer who stands left of the middle, in the upper half."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.clock = WallClock(30)
        self.keys = Keys()
        self.window = Window(self.clock, self.keys, SIZE)
        image = np.full((1, 30, 52), 255, np.uint8)
        image[0, 5:15, 10:20] = 0
        self.picture = Picture(self.window.context, lambda latents: image, DARK_SILHOUETTE, (52, 30), self.window.size)

    def frame(self, count: int = 1) -> None:
        for _ in range(count):
            self.clock.advance()
            self.picture.draw(np.zeros((1, 4), np.float32), {}, self.clock)
            self.window.present(self.picture, {})

    def state(self) -> tuple[bool, bool, tuple[int, int], tuple[int, int]]:
        """Whether it is fullscreen, whether the mouse's cursor is seen, the window's size and the picture's."""
        return self.window.fullscreen, self.window._shell._mouse_visible, self.window.size, self.picture.size

    def seen(self) -> np.ndarray:
        """What the screen shows where the window is, once the server has drawn it."""
        shell = self.window._shell
        x, y = shell.get_location()  # asks the server, which answers after it has done all that came before
        width, height = shell.get_size()
        return self.screen.pixels()[y : y + height, x : x + width]

    def type(self, key: str) -> None:
        """Presses a key on the X server's keyboard, and makes the frames in which the window hears of it."""
        subprocess.run(["xdotool", "key", key], check=True)
        self.frame(2)


@pytest.fixture
def stage(x_display: Screen) -> Iterator[Stage]:
    stage = Stage(x_display)
    yield stage
    stage.window.close()


def test_the_screen_shows_the_picture(stage: Stage) -> None:
    stage.frame(3)
    assert (stage.seen() == stage.picture.read()).all()
    assert (stage.seen()[40:120, 80:160] == 0).mean() > 0.9


def test_f_covers_the_screen_and_escape_comes_back(stage: Stage) -> None:
    stage.frame(2)
    place = stage.window._shell.get_location()
    stage.type("f")
    stage.frame()
    assert stage.state() == (True, False, SCREEN, SCREEN)
    assert stage.window._shell.get_location() == (0, 0)
    assert (stage.screen.pixels() == stage.picture.read()).all()

    stage.type("Escape")
    stage.frame()
    assert stage.state() == (False, True, SIZE, SIZE)
    assert stage.window._shell.get_location() == place
    assert (stage.seen() == stage.picture.read()).all()

    stage.type("Escape")
    assert stage.state() == (False, True, SIZE, SIZE)
    assert not stage.window.closed


def test_f_toggles_back_too(stage: Stage) -> None:
    stage.frame()
    stage.type("f")
    stage.type("f")
    assert not stage.window.fullscreen
    assert stage.window.size == SIZE


def test_ctrl_q_asks_the_show_to_end_and_q_does_not(stage: Stage) -> None:
    stage.frame()
    closed = []
    for key in ("q", "ctrl+q"):
        stage.type(key)
        closed.append(stage.window.closed)
    assert closed == [False, True]


def test_the_close_button_asks_the_show_to_end(stage: Stage) -> None:
    stage.frame()
    stage.window._shell.dispatch_event("on_close")
    stage.frame()
    assert stage.window.closed


def test_the_up_key_reaches_the_controls(stage: Stage) -> None:
    controls = Controls(PARAMETERS)
    stage.frame()
    stage.type("Up")
    stage.keys.poll(controls)
    assert controls.target("dance/temperature") == pytest.approx(1.05)


def test_the_window_carries_out_every_command_of_the_table() -> None:
    assert {key.command for key in KEYS if key.command} == set(Window._commands)


def test_the_picture_follows_the_windows_size(stage: Stage) -> None:
    stage.frame()
    stage.window._shell.set_size(500, 301)
    stage.frame(2)
    assert stage.picture.size == stage.window.size == (500, 301)
    assert (stage.seen() == stage.picture.read()).all()


def test_a_hidden_window_keeps_time_and_comes_back(stage: Stage) -> None:
    stage.frame()
    stage.window._shell.set_visible(False)
    began = stage.clock.now()
    stage.frame(6)
    assert stage.clock.now() - began > 5 / 30
    stage.window._shell.set_visible(True)
    stage.frame(2)
    assert (stage.seen() == stage.picture.read()).all()


def test_a_window_of_no_size_is_not_drawn(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.frame()
    monkeypatch.setattr(Shell, "get_framebuffer_size", lambda shell: (0, 0))  # as Windows says of a minimised one
    stage.frame(2)
    assert stage.picture.size == SIZE


def test_an_error_of_opengl_ends_the_show_in_one_line(stage: Stage) -> None:
    import pyglet.gl  # only here: the window's module has to set pyglet's options first

    stage.frame()
    pyglet.gl.glEnable(0xFFFF)
    with pytest.raises(WindowError, match=r"^window: OpenGL reports GL_INVALID_ENUM$"):
        stage.frame()


def test_a_window_opens_on_the_monitor_asked_for(x_display: Screen) -> None:
    window = Window(WallClock(30), Keys(), SIZE, monitor=1)
    assert window._shell.get_location() == ((SCREEN[0] - SIZE[0]) // 2, (SCREEN[1] - SIZE[1]) // 2)
    window.close()
    with pytest.raises(WindowError, match="no monitor 2; there are 1"):
        Window(WallClock(30), Keys(), SIZE, monitor=2)


@pytest.mark.parametrize(("display", "reason"), [(":4567", "cannot connect to :4567"), (None, "DISPLAY is not set")])
def test_without_a_display_the_reason_is_one_line(display: str | None, reason: str) -> None:
    code = """
from engine.clock import WallClock
from engine.sinks.window import Window
from engine.sources.keys import Keys
Window(WallClock(30), Keys())
"""
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    if display is not None:
        environment["DISPLAY"] = display
    run = subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.endswith(f"engine.sinks.window.WindowError: no display: {reason}\n")


def test_without_libxrender_importing_the_window_is_an_import_error_in_one_line() -> None:
    code = """
import ctypes.util, pyglet.lib
load = pyglet.lib.load_library
def without(*names, **options):
    if "Xrender" in names:
        raise ImportError("not here")
    return load(*names, **options)
pyglet.lib.load_library = without
try:
    import engine.sinks.window
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)
    assert found.stdout.startswith("an X11 library is missing, most likely libXrender ("), found.stderr
    assert found.stdout.count("\n") == 1
