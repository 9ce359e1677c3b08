"""The window: shows each picture at its time, the HUD over it, and hears the keyboard.

Owns the pyglet window, the moderngl context that all of the show's drawing uses, and the pacing of frames. It is made
before the picture, whose size follows the window's. Importing it raises ImportError without libGL or libXrender.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

import moderngl
import pyglet

from engine.clock import WallClock
from engine.picture import Pass
from engine.sinks.pacing import Pacer, measure_refresh
from engine.sources.keys import DIGITS, FULLSCREEN, HUD, KEYS_PAGE, LEAVE_FULLSCREEN, NEXT_MONITOR, QUIT, Keys

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

# X11 names a key by what it types: Shift+1 is another key than 1, and on a French keyboard 1 is none at all. Those
# that scenes are on, and Tab, go by their place, whatever they type, but for a letter: keycodes of Linux's evdev.
KEYPAD = (87, 88, 89, 83, 84, 85, 79, 80, 81)
PLACES = {
    **{10 + index: pyglet.window.key._1 + index for index in range(9)},
    **{code: pyglet.window.key.NUM_1 + index for index, code in enumerate(KEYPAD)},
    23: pyglet.window.key.TAB,
}

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


def middle(screen: pyglet.display.base.Screen, size: tuple[int, int]) -> tuple[int, int]:
    """Where a window of `size` lies in the middle of the screen."""
    return screen.x + max(0, screen.width - size[0]) // 2, screen.y + max(0, screen.height - size[1]) // 2


class ShownPicture(Protocol):
    """What the window asks of a picture."""

    size: tuple[int, int]
    texture: moderngl.Texture

    def resize(self, size: tuple[int, int]) -> None: ...


class Overlay(Protocol):
    """What the window asks of what lies over its picture."""

    def update(self, values: Mapping[str, float]) -> None: ...

    def draw(self, screen: moderngl.Framebuffer, size: tuple[int, int]) -> None: ...

    def prepare(self, screen: moderngl.Framebuffer, sizes: Iterable[tuple[int, int]]) -> None: ...

    def toggle(self) -> None: ...

    def toggle_keys(self) -> None: ...

    def release(self) -> None: ...


class Shell(pyglet.window.Window):
    """pyglet's window, as a show wants it: closing is a wish, and keys are named as in the table of keys."""

    def __init__(self, size: tuple[int, int], title: str, keys: Keys) -> None:
        self._keys = keys
        self._last = ""  # key that went down
        self.commands: list[str] = []
        """Commands from the keyboard and the close button, for the window to carry out between frames."""
        self.hidden = False
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
        self.on_text_motion(motion)  # as the one before, with Shift

    def on_text(self, text: str) -> None:
        if self._last not in DIGITS:  # a key of the digits' row may type "-"
            self._keys.hold(text)

    def on_deactivate(self) -> None:
        # A key let go while another window hears the keyboard would count as held, and its next press be lost.
        if hasattr(self, "pressed_keys"):  # of X11
            self.pressed_keys.clear()

    def on_close(self) -> None:
        self.commands.append(QUIT)

    def on_hide(self) -> None:
        self.hidden = True

    def on_show(self) -> None:
        self.hidden = False

    if sys.platform.startswith("linux"):

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


class Window:
    """A sink that shows pictures in a window of `size` (width, height), paced by `clock`.

    `monitor` counts from 1, as `dancenet devices` does; None leaves the place to the desktop. `tell` takes one line on
    a key that can do nothing here. Raises WindowError where there is no such monitor, no screen at all, or no OpenGL
    3.3.
    """

    def __init__(
        self,
        clock: WallClock,
        keys: Keys,
        size: tuple[int, int] = (1280, 720),
        monitor: int | None = None,
        title: str = "DanceNet",
        tell: Callable[[str], None] = lambda line: None,
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
        self._overlay: Overlay | None = None
        self._tell = tell
        self._blit = Pass(self.context, "blit.frag")
        self._blank = self.context.texture((1, 1), 4, bytes(4))
        self._clock = clock
        self._pacer = Pacer(clock)
        self._swap_blank()  # drivers compile at the first use; the first frame is due at once
        self._follow(self._screen())

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

    def lay_over(self, overlay: Overlay) -> None:
        """Have this drawn over the picture, and opened by its keys. It goes when the window does."""
        screen = self._screen()
        overlay.prepare(self.context.screen, (self.size, (screen.width, screen.height)))
        self._overlay = overlay

    def present(self, picture: ShownPicture, values: Mapping[str, float]) -> None:
        """Show `picture` when it is due, then hear the keyboard. A picture of another size is drawn anew next frame."""
        if self._shell.hidden or min(self.size) < 1:
            self._pacer.wait()
        else:
            if self._overlay is not None:
                self._overlay.update(values)
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
        if self._overlay is not None:
            self._overlay.release()
        self._blank.release()
        self._blit.release()
        self.context.release()
        self._shell.close()

    def toggle_fullscreen(self) -> None:
        """To a borderless window over the whole of the screen it is on, and back to where it was."""
        if self._windowed is not None:
            self.leave_fullscreen()
            return
        self._windowed = self._shell.get_location(), self._shell.get_size()
        self._cover(self._screen())
        self._shell.set_mouse_visible(False)

    def leave_fullscreen(self) -> None:
        """Back to a window; nothing in a window."""
        if self._windowed is None:
            return
        place, size = self._windowed
        self._windowed = None
        self._shell.reshape(Shell.WINDOW_STYLE_DEFAULT, place, size)
        self._shell.set_mouse_visible(True)
        self._follow(self._screen())

    def next_monitor(self) -> None:
        """To the next of the monitors, over all of it in fullscreen, else to its middle."""
        monitors = screens()
        if len(monitors) == 1:
            self._tell("no other monitor")
            return
        here = self._screen()
        places = [(screen.x, screen.y) for screen in monitors]
        screen = monitors[(places.index((here.x, here.y)) + 1) % len(monitors)]
        if self._windowed is None:
            self._shell.set_location(*middle(screen, self._shell.get_size()))
            self._follow(screen)
        else:
            size = self._windowed[1]
            self._windowed = middle(screen, size), size
            self._cover(screen)

    def _quit(self) -> None:
        self.closed = True

    def _toggle_hud(self) -> None:
        if self._overlay is not None:
            self._overlay.toggle()

    def _toggle_keys(self) -> None:
        if self._overlay is not None:
            self._overlay.toggle_keys()

    _commands: ClassVar[dict[str, Callable[["Window"], None]]] = {
        HUD: _toggle_hud,
        KEYS_PAGE: _toggle_keys,
        FULLSCREEN: toggle_fullscreen,
        LEAVE_FULLSCREEN: leave_fullscreen,
        NEXT_MONITOR: next_monitor,
        QUIT: _quit,
    }

    def _draw(self, texture: moderngl.Texture) -> None:
        screen = self.context.screen
        screen.viewport = (0, 0, *self.size)
        self._blit.draw(screen, texture, target_size=self.size)
        if self._overlay is not None:
            self._overlay.draw(screen, self.size)
        self.context.finish()  # or the swap would have to wait for it

    def _swap_blank(self) -> None:
        self._draw(self._blank)
        self._shell.flip()

    def _move_to(self, monitor: int) -> None:
        monitors = screens()
        if not 1 <= monitor <= len(monitors):
            self._shell.close()
            raise WindowError(f"no window: no monitor {monitor}; there are {len(monitors)}")
        self._shell.set_location(*middle(monitors[monitor - 1], self._shell.get_size()))

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

    def _cover(self, screen: pyglet.display.base.Screen) -> None:
        self._shell.reshape(Shell.WINDOW_STYLE_BORDERLESS, (screen.x, screen.y), (screen.width, screen.height))
        self._follow(screen)

    def _follow(self, screen: pyglet.display.base.Screen) -> None:
        """Measure whether swaps wait for the screen's refresh, and pace by it."""
        mode = screen.get_mode()
        nominal_hz = float(mode.rate or 0) if mode else 0.0
        self._pacer.follow(measure_refresh(self._swap_blank, nominal_hz, self._clock.now))
