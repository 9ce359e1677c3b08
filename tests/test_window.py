"""Real windows on a real X server: what is on the screen, what keys do, and when frames are shown."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import moderngl
import numpy as np
import pytest

from engine.clock import WallClock
from engine.controls import Controls
from engine.coverage import LIGHT_SILHOUETTE, Coverage
from engine.output import connect
from engine.parameters import PARAMETERS
from engine.sinks.card import draw_card
from engine.sinks.hud import Hud
from engine.sinks.panel import cell_size
from engine.sinks.shell import Shell
from engine.sinks.window import Window, WindowError
from engine.sources.keys import KEYS, SELECTED, WINDOW_COMMANDS, Keys, stepped
from engine.status import Fact
from tests.display import SCREEN, Screen

ROOT = Path(__file__).parent.parent
SIZE = (416, 240)


class Shown(Coverage):
    """A picture that is shown in a light."""

    light = 1.0

    @property
    def unlit(self) -> moderngl.Texture:
        return self.texture


class Stage:
    """A window with a picture in it, and a dancer who stands left of the middle, in the upper half."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.clock = WallClock(30)
        self.keys = Keys()
        self.controls = Controls(PARAMETERS)
        self.told: list[str] = []
        self.window = Window(self.clock, self.keys, SIZE, tell=self.told.append)
        image = np.zeros((1, 30, 52), np.uint8)
        image[0, 5:15, 10:20] = 255
        self.picture = Shown(self.window.context, lambda latents: image, LIGHT_SILHOUETTE, (52, 30), self.window.size)

    def frame(self, count: int = 1) -> None:
        for _ in range(count):
            self.controls.advance(self.clock.advance())
            values = self.controls.snapshot()
            self.picture.prepare(np.zeros((1, 4), np.float32))
            self.picture.draw(values, self.clock)
            self.window.present(self.picture, values)
            self.keys.poll(self.controls)

    def lay_over(self) -> Hud:
        """A HUD for the window, as the show gives it one."""
        facts = [Fact("late", "0")]
        hud = Hud(self.window.context, self.controls, self.keys, lambda: facts, lambda: "hello", self.clock.now)
        self.window.lay_over(hud)
        return hud

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

    def hold(self, key: str, enough: Callable[[], bool]) -> None:
        """Holds a key down until the X server has repeated it often enough."""
        subprocess.run(["xdotool", "keydown", key], check=True)
        try:
            while not enough():
                self.frame()
        finally:
            subprocess.run(["xdotool", "keyup", key], check=True)
        self.frame(2)


@pytest.fixture
def stage(x_display: Screen) -> Iterator[Stage]:
    stage = Stage(x_display)
    yield stage
    stage.window.close()


def test_the_screen_shows_the_picture(stage: Stage) -> None:
    stage.frame(3)
    assert (stage.seen() == stage.picture.read()).all()
    assert (stage.seen()[40:120, 80:160] == 255).mean() > 0.9


def test_the_light_is_that_which_is_known_last_and_the_hud_is_over_it(stage: Stage) -> None:
    stage.frame(2)
    stage.picture.light = 0.2
    values = stage.controls.snapshot()
    for light, level in ((0.6, 153), (0.0, 0), (1.0, 255)):
        assert stage.window.ready(stage.picture, values)
        stage.picture.light = light
        stage.window.present(stage.picture, values)
        assert np.abs(stage.seen().astype(float) - stage.picture.read() * light).max() <= 1
        assert stage.seen().max() == level
    stage.lay_over().toggle()
    stage.picture.light = 0.0
    stage.frame(2)
    assert stage.seen().max() > 100
    stage.picture.light = 1.0


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


@pytest.mark.parametrize("key", ["f", "F11"])
def test_f_and_f11_toggle_back_too(stage: Stage, key: str) -> None:
    stage.frame()
    covered = []
    for _ in range(2):
        stage.type(key)
        covered.append(stage.window.fullscreen)
    assert covered == [True, False]
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


# What xdotool calls the keys whose names are others in the table.
X_NAMES = {
    **{"UP": "Up", "DOWN": "Down", "LEFT": "Left", "RIGHT": "Right", "TAB": "Tab", "PAGEUP": "Prior"},
    **{"PAGEDOWN": "Next", "BACKSPACE": "BackSpace", "ESCAPE": "Escape", "F1": "F1", "F11": "F11"},
    **{"+": "plus", "-": "minus", "SHIFT+TAB": "shift+Tab"},
}


def test_every_key_of_the_table_does_what_it_says(stage: Stage) -> None:
    """On the X server's own keyboard, but for those that move the window, which have tests of their own."""
    controls = stage.controls
    done: list[tuple[object, ...]] = []
    for command in controls.commands:
        controls.handle(command, lambda *arguments, command=command: done.append((command, *arguments)))
    hud = stage.lay_over()
    stage.frame()
    for key in KEYS:
        for name, arguments in key.presses().items():
            selected = stage.keys.selected
            moved = selected if key.parameter == SELECTED or key.back else key.parameter
            expected: dict[str, float] = {}
            if key.steps:
                expected[moved] = stepped(controls.parameters[moved], controls.target(moved), key.steps)
            elif key.back:
                controls.set(moved, controls.parameters[moved].high)
                expected[moved] = controls.parameters[moved].default
            elif key.command in controls.commands and (toggles := controls.commands[key.command].toggles):
                expected[toggles] = 1 - controls.target(toggles)
            elif key.command in controls.commands:
                done.clear()
            opened = hud.open, hud.keys_open
            if key.command in WINDOW_COMMANDS and key.command not in ("hud", "keys page"):
                continue
            controls.take_changes()
            stage.type(X_NAMES.get(name, name.lower()))
            changes = {changed: controls.target(changed) for changed in controls.take_changes()}
            assert changes == pytest.approx(expected), name
            if key.command in controls.commands and not expected:
                assert done == [(key.command, *arguments)], name
            if key.selects:
                known = list(controls.parameters)
                assert known.index(stage.keys.selected) == (known.index(selected) + key.selects) % len(known)
            assert (hud.open != opened[0]) == (key.command == "hud"), name
            assert (hud.keys_open != opened[1]) == (key.command == "keys page"), name


def test_a_held_key_goes_on_stepping(stage: Stage) -> None:
    stage.frame()
    stage.hold("Up", lambda: stage.controls.target("dance/temperature") > 1.19)
    assert stage.controls.target("dance/temperature") >= 1.2
    after = stage.controls.target("dance/temperature")
    stage.frame(5)
    assert stage.controls.target("dance/temperature") == after


def test_a_held_key_that_does_something_does_it_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    repeats: list[str] = []
    stage.controls.handle("tempo/tap", lambda: done.append("tap"))
    monkeypatch.setattr(stage.keys, "hold", repeats.append)
    stage.frame()
    stage.hold("t", lambda: len(repeats) > 3)
    assert set(repeats) == {"t"}
    assert done == ["tap"]


def test_a_key_let_go_elsewhere_is_heard_when_it_is_pressed_again(stage: Stage) -> None:
    stage.frame()
    stage.hold("b", lambda: stage.controls.target("picture/black") == 1)
    subprocess.run(["xdotool", "keydown", "b"], check=True)
    stage.frame(2)
    assert stage.controls.target("picture/black") == 0
    stage.window._shell.on_deactivate()
    assert not stage.window._shell.pressed_keys
    subprocess.run(["xdotool", "keyup", "b"], check=True)


def test_scenes_are_on_the_digits_row_and_the_keypad_whatever_they_type(stage: Stage) -> None:
    done: list[tuple[str, float]] = []
    for command in ("scene/recall", "scene/store"):
        stage.controls.handle(command, lambda scene, command=command: done.append((command, scene)))
    stage.frame()
    try:
        subprocess.run(["setxkbmap", "fr"], check=True)  # whose row types & é " ' ( - and figures with Shift
        for key in ("ampersand", "eacute", "minus", "shift+1", "KP_End", "KP_Page_Up"):
            stage.type(key)
    finally:
        subprocess.run(["setxkbmap", "us"], check=True)
    assert done == [
        *(("scene/recall", 1), ("scene/recall", 2), ("scene/recall", 6), ("scene/store", 1)),
        *(("scene/recall", 1), ("scene/recall", 9)),
    ]
    assert stage.controls.target("dance/temperature") == 1  # which the minus would have lowered


def test_the_desktops_own_keys_are_left_to_it(stage: Stage) -> None:
    stage.frame()
    for key in ("alt+b", "ctrl+b", "ctrl+Up", "alt+F1"):
        stage.type(key)
    assert stage.controls.take_changes() == {}


def test_the_window_carries_out_every_command_of_the_table() -> None:
    assert {key.command for key in KEYS} & set(WINDOW_COMMANDS) == set(Window._commands)


def test_the_output_is_set_up_by_keys_on_the_test_card(stage: Stage) -> None:
    connect(stage.controls)
    stage.frame()
    alone = stage.picture.read()
    stage.type("c")
    stage.frame()
    monitor = stage.window.monitor
    assert monitor[1] == SCREEN and monitor[0]
    assert (stage.seen() == draw_card(SIZE, monitor[0], 1)).all()
    for key in ("Right", "shift+Right", "shift+Down"):
        stage.type(key)
    assert stage.controls.target("output/top_left_x") == pytest.approx(11 / 1920)
    assert stage.controls.target("output/top_left_y") == pytest.approx(-10 / 1920)
    assert stage.controls.target("dance/speed") == 1
    stage.frame()
    assert (stage.seen()[0, 0] == 0).all()  # where the corner was
    for _ in range(4):
        stage.type("c")
    stage.controls.set("output/top_left_x", 0)
    stage.controls.set("output/top_left_y", 0)
    stage.frame(2)
    assert (stage.seen() == alone).all()


def test_a_picture_on_its_side_is_drawn_upright_and_lies_on_its_side(stage: Stage) -> None:
    stage.controls.set("output/rotate", 1)
    stage.frame(3)
    assert stage.picture.size == SIZE[::-1]
    assert (stage.seen() == np.rot90(stage.picture.read(), -1)).all()


def test_the_hud_is_in_the_window_and_never_in_the_picture(stage: Stage) -> None:
    hud = stage.lay_over()
    stage.frame(2)
    alone = stage.picture.read()
    assert (stage.seen() == alone).all()
    stage.type("h")
    stage.frame()
    changed = (stage.seen() != stage.picture.read()).any(axis=-1)
    width, height = cell_size(SIZE)
    rows, columns = hud._grid.cells.shape[:2]
    panel = np.zeros_like(changed)
    panel[width : width + rows * height, width : width + columns * width] = True
    assert changed[panel].mean() > 0.99
    assert not changed[~panel].any()
    assert (stage.picture.read() == alone).all()
    stage.type("h")
    stage.frame()
    assert (stage.seen() == alone).all()


def test_f1_and_h_do_nothing_in_a_window_without_a_hud(stage: Stage) -> None:
    stage.frame()
    for key in ("h", "F1"):
        stage.type(key)
    stage.frame()
    assert (stage.seen() == stage.picture.read()).all()


def test_with_one_monitor_m_says_so(stage: Stage) -> None:
    stage.frame()
    place = stage.window._shell.get_location()
    stage.type("m")
    assert stage.told == ["no other monitor"]
    assert stage.window._shell.get_location() == place


@pytest.fixture
def halves(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """Two monitors, which are the screen's left and right half."""
    width, height = SCREEN[0] // 2, SCREEN[1]
    mode = SimpleNamespace(rate=60)

    def half(x: int, name: str) -> SimpleNamespace:
        screen = SimpleNamespace(x=x, y=0, width=width, height=height)
        screen.get_mode, screen.get_monitor_name = lambda: mode, lambda: name
        return screen

    halves = [half(0, "left"), half(width, "right")]
    monkeypatch.setattr("engine.sinks.window.screens", lambda: halves)
    return halves


def test_a_window_that_is_dragged_is_on_the_monitor_it_comes_to(stage: Stage, halves: list[SimpleNamespace]) -> None:
    shell = stage.window._shell
    for place, name in (((100, 100), "left"), ((1200, 200), "right"), ((700, 200), "left"), ((800, 200), "right")):
        subprocess.run(["xdotool", "windowmove", str(shell._window), *map(str, place)], check=True)
        stage.frame(2)
        assert stage.window.monitor == (name, (halves[0].width, halves[0].height))


def test_while_a_screen_is_measured_the_picture_stays(stage: Stage, halves: list[SimpleNamespace]) -> None:
    stage.frame(2)
    shell, lit = stage.window._shell, []
    flip = shell.flip

    def seen() -> None:
        flip()
        lit.append((stage.seen() > 200).mean())

    shell.flip = seen
    for command in (stage.window.toggle_fullscreen, stage.window.leave_fullscreen):
        lit.clear()
        command()
        assert len(lit) > 4, "nothing was measured"
        assert min(lit) > 0.05  # the dancer covers a sixteenth


def test_m_moves_the_window_to_the_next_monitor_and_around(stage: Stage, halves: list[SimpleNamespace]) -> None:
    places = [(half.x + (half.width - SIZE[0]) // 2, (half.height - SIZE[1]) // 2) for half in halves]
    shell = stage.window._shell
    shell.set_location(0, 0)
    stage.frame(2)
    for place in (places[1], places[0], places[1]):
        stage.type("m")
        assert shell.get_location() == place
    assert stage.window.size == SIZE

    stage.type("f")
    for half in halves:
        stage.type("m")
        stage.frame()
        assert (shell.get_location(), stage.window.size) == ((half.x, half.y), (half.width, half.height))
    assert (stage.seen() == stage.picture.read()).all()
    stage.type("Escape")
    assert (shell.get_location(), stage.window.size) == (places[1], SIZE)  # a window again, on the monitor it came to


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
    assert run.stderr.endswith(f"engine.sinks.shell.WindowError: no display: {reason}\n")


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
