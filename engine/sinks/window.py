"""The window: shows each picture at its time, and hears the keyboard.

Owns the pyglet window, the moderngl context that all of the show's drawing uses, and the pacing of frames. It is made
before the picture, whose size follows the window's. Importing it raises ImportError without libGL or libXrender.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import ClassVar, Protocol

import moderngl
import pyglet

from engine.clock import WallClock
from engine.picture import Pass
from engine.sinks.pacing import Pacer, measure_refresh
from engine.sources.keys import FULLSCREEN, LEAVE_FULLSCREEN, QUIT, Keys

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

    NO_WINDOW += (NoSuchDisplayException,)

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


def screens() -> list[pyglet.display.base.Screen]:
    """The monitors, in the desktop's order. Raises WindowError where there is no display."""
    try:
        return pyglet.display.get_display().get_screens()
    except NO_WINDOW as error:
        raise no_window(error) from error


class ShownPicture(Protocol):
    """What the window asks of a picture."""

    size: tuple[int, int]
    texture: moderngl.Texture

    def resize(self, size: tuple[int, int]) -> None: ...


class Shell(pyglet.window.Window):
    """pyglet's window, as a show wants it: closing is a wish, and keys are named as in the table of keys."""

    def __init__(self, size: tuple[int, int], title: str, keys: Keys) -> None:
        self._keys = keys
        self.commands: list[str] = []
        """Commands from the keyboard and the close button, for the window to carry out between frames."""
        self.hidden = False
        config = pyglet.gl.Config(  # type: ignore[abstract]
            double_buffer=True, depth_size=0, major_version=GL_VERSION[0], minor_version=GL_VERSION[1]
        )
        super().__init__(*size, caption=title, resizable=True, config=config, vsync=True)

    def on_key_press(self, symbol: int, modifiers: int) -> None:
        name = pyglet.window.key.symbol_string(symbol)
        if modifiers & (pyglet.window.key.MOD_CTRL | pyglet.window.key.MOD_COMMAND):
            name = f"CTRL+{name}"
        command = self._keys.press(name)
        if command is not None:
            self.commands.append(command)

    def on_close(self) -> None:
        self.commands.append(QUIT)

    def on_hide(self) -> None:
        self.hidden = True

    def on_show(self) -> None:
        self.hidden = False

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


class Window:
    """A sink that shows pictures in a window of `size` (width, height), paced by `clock`.

    `monitor` counts from 1, as `dancenet devices` does; None leaves the place to the desktop. Raises WindowError
    where there is no such monitor, no screen at all, or no OpenGL 3.3.
    """

    def __init__(
        self,
        clock: WallClock,
        keys: Keys,
        size: tuple[int, int] = (1280, 720),
        monitor: int | None = None,
        title: str = "DanceNet",
    ) -> None:
        try:
            self._shell = Shell(size, title, keys)
            if monitor is not None:
                self._move_to(monitor)
            self.context = moderngl.create_context(require=GL_VERSION[0] * 100 + GL_VERSION[1] * 10)
        except NO_WINDOW as error:
            raise no_window(error) from error
        self.closed = False
        """Whether the show was asked to end, by Ctrl+Q or the close button."""
        self._windowed: tuple[tuple[int, int], tuple[int, int]] | None = None  # place and size to leave fullscreen for
        self._blit = Pass(self.context, "blit.frag")
        self._blank = self.context.texture((1, 1), 4, bytes(4))
        self._clock = clock
        self._pacer = Pacer(clock)
        self._swap_blank()  # drivers compile at the first use; the first frame is due at once
        self._follow_screen()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, more than the window's own units on a HiDPI screen; (0, 0) when minimised."""
        return self._shell.get_framebuffer_size()

    @property
    def fullscreen(self) -> bool:
        return self._windowed is not None

    @property
    def late_frames(self) -> int:
        """Frames shown more than half a period after they were due."""
        return self._pacer.late_frames

    @property
    def lateness(self) -> float:
        """Seconds after it was due that the last frame was shown."""
        return self._pacer.lateness

    @property
    def pacing(self) -> str:
        """What paces the frames, for people to read."""
        if self._pacer.refreshes:
            return f"{self._pacer.refreshes} refreshes of the screen a frame"
        return f"a timer at {self._clock.rate_hz:g} Hz"

    def present(self, picture: ShownPicture, values: Mapping[str, float]) -> None:
        """Show `picture` when it is due, then hear the keyboard. A picture of another size is drawn anew next frame."""
        if self._shell.hidden or min(self.size) < 1:
            self._pacer.wait()
        else:
            self._pacer.show(lambda: self._draw(picture.texture), self._shell.flip)
        error = self.context.error
        if error != "GL_NO_ERROR":
            raise WindowError(f"window: OpenGL reports {error}")
        self._shell.dispatch_events()
        for command in self._shell.commands:
            self._commands[command](self)
        self._shell.commands.clear()
        if min(self.size) >= 1:
            picture.resize(self.size)

    def close(self) -> None:
        """Close the window; its context and all that was drawn with it are gone."""
        self._blank.release()
        self._blit.release()
        self.context.release()
        self._shell.close()

    def toggle_fullscreen(self) -> None:
        """To a borderless window over the whole of the screen it is on, and back to where it was."""
        if self._windowed is not None:
            self.leave_fullscreen()
            return
        screen = self._screen()
        self._windowed = self._shell.get_location(), self._shell.get_size()
        self._shell.reshape(Shell.WINDOW_STYLE_BORDERLESS, (screen.x, screen.y), (screen.width, screen.height))
        self._shell.set_mouse_visible(False)
        self._follow_screen()

    def leave_fullscreen(self) -> None:
        """Back to a window; nothing in a window."""
        if self._windowed is None:
            return
        place, size = self._windowed
        self._windowed = None
        self._shell.reshape(Shell.WINDOW_STYLE_DEFAULT, place, size)
        self._shell.set_mouse_visible(True)
        self._follow_screen()

    def _quit(self) -> None:
        self.closed = True

    _commands: ClassVar[dict[str, Callable[["Window"], None]]] = {
        FULLSCREEN: toggle_fullscreen,
        LEAVE_FULLSCREEN: leave_fullscreen,
        QUIT: _quit,
    }

    def _draw(self, texture: moderngl.Texture) -> None:
        screen = self.context.screen
        screen.viewport = (0, 0, *self.size)
        self._blit.draw(screen, texture, target_size=self.size)
        self.context.finish()  # or the swap would have to wait for it

    def _swap_blank(self) -> None:
        self._draw(self._blank)
        self._shell.flip()

    def _move_to(self, monitor: int) -> None:
        monitors = screens()
        if not 1 <= monitor <= len(monitors):
            self._shell.close()
            raise WindowError(f"no window: no monitor {monitor}; there are {len(monitors)}")
        screen = monitors[monitor - 1]
        width, height = self._shell.get_size()
        self._shell.set_location(
            screen.x + max(0, screen.width - width) // 2, screen.y + max(0, screen.height - height) // 2
        )

    def _screen(self) -> pyglet.display.base.Screen:
        """The screen that the window's middle is on, else the first."""
        x, y = self._shell.get_location()
        width, height = self._shell.get_size()
        middle_x, middle_y = x + width / 2, y + height / 2
        monitors = screens()
        for screen in monitors:
            if 0 <= middle_x - screen.x < screen.width and 0 <= middle_y - screen.y < screen.height:
                return screen
        return monitors[0]

    def _follow_screen(self) -> None:
        """Measure whether swaps wait for the screen's refresh, and pace by it."""
        mode = self._screen().get_mode()
        nominal_hz = float(mode.rate or 0) if mode else 0.0
        self._pacer.follow(measure_refresh(self._swap_blank, nominal_hz, self._clock.now))
