"""The shell of the show's window: pyglet's window, as a show wants it, and the monitors it may be on.

Owns what is pyglet's and the desktop's: the window's frame and place, and what the keys are called. Importing it raises
ImportError without libGL or libXrender.
"""

import os
import sys
from typing import Any

import moderngl
import pyglet

from engine.sources.keys import DIGITS, QUITS, Keys

# Set before pyglet.gl is imported. moderngl is all that draws, and `present` asks for errors once a frame.
pyglet.options.shadow_window = False
pyglet.options.debug_gl = False

try:
    import pyglet.display
    import pyglet.gl
    import pyglet.window
except AttributeError as error:  # what pyglet ends in after its warning that libXrender is not there
    raise ImportError(f"an X11 library is missing, most likely libXrender ({error})") from error

# What pyglet and moderngl raise where there is no window to be had.
NO_WINDOW: tuple[type[Exception], ...] = (
    moderngl.Error,
    pyglet.window.WindowException,
    pyglet.gl.ContextException,
    pyglet.gl.ConfigException,
    pyglet.gl.lib.GLException,
    pyglet.gl.lib.MissingFunctionException,
)
if sys.platform.startswith("linux"):
    from pyglet.display.xlib import NoSuchDisplayException
    from pyglet.libs.x11 import xlib
    from pyglet.window.xlib import XlibEventHandler

    NO_WINDOW += (NoSuchDisplayException,)

# X11 names a key by what it types: Shift+1 is another key than 1, and on a French keyboard 1 is none at all. Those
# that scenes are on, and Tab, go by their place, whatever they type, but for a letter: keycodes of Linux's evdev.
KEYPAD = (87, 88, 89, 83, 84, 85, 79, 80, 81)
PLACES = {
    **{10 + index: pyglet.window.key._1 + index for index in range(9)},
    **{code: pyglet.window.key.NUM_1 + index for index, code in enumerate(KEYPAD)},
    23: pyglet.window.key.TAB,
}

Monitor = pyglet.display.base.Screen

# Core 3.3 is the least that has all we use, and the most that every desktop has.
GL_VERSION = (3, 3)


class WindowError(RuntimeError):
    """No window: the message says why, on one line."""


def no_window(error: Exception) -> WindowError:
    """What pyglet or moderngl said, where it is of use: pyglet names the display asked for "None"."""
    if sys.platform.startswith("linux") and isinstance(error, NoSuchDisplayException):
        display = os.environ.get("DISPLAY")
        return WindowError(f"no display: cannot connect to {display}" if display else "no display: DISPLAY is not set")
    return WindowError(f"no window: {error}")


def screens() -> list[Monitor]:
    """The monitors, in the desktop's order. Raises WindowError where there is no display."""
    try:
        return pyglet.display.get_display().get_screens()
    except NO_WINDOW as error:
        raise no_window(error) from error


def middle(screen: Monitor, size: tuple[int, int]) -> tuple[int, int]:
    """Where a window of `size` lies in the middle of the screen."""
    return screen.x + max(0, screen.width - size[0]) // 2, screen.y + max(0, screen.height - size[1]) // 2


class Shell(pyglet.window.Window):
    """pyglet's window, as a show wants it: closing is a wish, and keys are named as in the table of keys."""

    def __init__(self, size: tuple[int, int], title: str, keys: Keys) -> None:
        self._keys = keys
        self._last = ""  # key that went down
        self.commands: list[str] = []
        """Commands from the keyboard and the close button, for the window to carry out between frames."""
        self.hidden = False
        self.gone = False
        """Whether somebody else destroyed it: it shows nothing any more."""
        self.moved = False
        """Whether it was moved, by somebody's hand or ours; for the window to take off again."""
        config = pyglet.gl.Config(  # type: ignore[abstract]
            double_buffer=True, depth_size=0, major_version=GL_VERSION[0], minor_version=GL_VERSION[1]
        )
        super().__init__(*size, caption=title, resizable=True, config=config, vsync=True)

    def on_key_press(self, symbol: int, modifiers: int) -> None:
        if modifiers & pyglet.window.key.MOD_ALT:
            return  # the desktop's
        name = pyglet.window.key.symbol_string(symbol).removeprefix("NUM").removeprefix("_")
        self._last = name
        if modifiers & (pyglet.window.key.MOD_CTRL | pyglet.window.key.MOD_COMMAND):
            name = f"CTRL+{name}"
        elif modifiers & pyglet.window.key.MOD_SHIFT:
            name = f"SHIFT+{name}"
        command = self._keys.press(name)
        if command is not None:
            self.commands.append(command)

    def on_text_motion(self, motion: int) -> None:
        self._keys.hold(pyglet.window.key.symbol_string(motion))

    def on_text_motion_select(self, motion: int) -> None:
        self._keys.hold(f"SHIFT+{pyglet.window.key.symbol_string(motion)}")

    def on_text(self, text: str) -> None:
        if self._last not in DIGITS:  # a key of the digits' row may type "-"
            self._keys.hold(text)

    def on_deactivate(self) -> None:
        # A key let go while another window hears the keyboard would count as held, and its next press be lost.
        if hasattr(self, "pressed_keys"):  # of X11
            self.pressed_keys.clear()

    def on_close(self) -> None:
        if (command := self._keys.press(QUITS)) is not None:  # where no key quits, closing does not either
            self.commands.append(command)

    def on_hide(self) -> None:
        self.hidden = True

    def on_show(self) -> None:
        self.hidden = False

    def on_move(self, x: int, y: int) -> None:
        self.moved = True

    if sys.platform.startswith("linux"):

        @XlibEventHandler(xlib.DestroyNotify)
        def _event_destroynotify(self, ev: Any) -> None:
            self.gone = self.gone or ev.xdestroywindow.window == self._window

        def _event_text_symbol(self, ev: Any) -> tuple[str | None, int]:
            """pyglet's, of an event of the keyboard: what it types, and the key's symbol."""
            text, symbol = super()._event_text_symbol(ev)
            place = PLACES.get(ev.xkey.keycode)
            if place is None or pyglet.window.key.A <= (symbol or 0) <= pyglet.window.key.Z:
                return text, symbol
            return None, place

    def reshape(self, style: str | None, place: tuple[int, int], size: tuple[int, int]) -> None:
        """Take on a style, a place on the desktop and a size. The context and what it holds stay.

        pyglet's own fullscreen opens on the first screen under some window managers (pyglet #763, #1330); a
        borderless window of the screen's size, moved to the screen, works everywhere.
        """
        self._style = style
        self._resizable = style != self.WINDOW_STYLE_BORDERLESS
        self._width, self._height = size
        self._recreate(["fullscreen"])
        self.set_location(*place)
        self.activate()
