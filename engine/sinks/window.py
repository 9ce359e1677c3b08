"""The window: shows each picture at its time, placed as the output says, the HUD over it, and hears the keyboard.

Owns the pyglet window, the moderngl context that all of the show's drawing uses, and the pacing of frames. It is made
before the picture, whose size follows the window's. Importing it raises ImportError without libGL or libXrender.
"""

from collections.abc import Callable, Mapping
from typing import ClassVar

import moderngl

from engine.clock import WallClock
from engine.output import drawn_size
from engine.sinks.canvas import Canvas, Overlay, ShownPicture
from engine.sinks.mapping import ScreenMapping
from engine.sinks.pacing import Pacer, measure_refresh
from engine.sinks.shell import GL_VERSION, NO_WINDOW, Monitor, Shell, WindowError, middle, no_window, screens
from engine.sources.keys import FULLSCREEN, HUD, KEYS_PAGE, LEAVE_FULLSCREEN, NEXT_MONITOR, QUIT, Keys

__all__ = ["Window", "WindowError", "screens"]


def name_and_size(screen: Monitor) -> tuple[str, tuple[int, int]]:
    """What tells a monitor from others, and from itself in another mode."""
    return screen.get_monitor_name(), (screen.width, screen.height)


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
        self._tell = tell
        self._canvas = Canvas(self.context, tell)
        self._is_ready = False
        self._clock = clock
        self._pacer = Pacer(clock)
        screen = self._screen()
        self._monitor = name_and_size(screen)
        self._swap_again()
        self._follow(screen)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, more than the window's own units on a HiDPI screen; (0, 0) when minimised."""
        return self._shell.get_framebuffer_size()

    @property
    def mapping(self) -> ScreenMapping:
        """How pictures are placed in the window."""
        return self._canvas.mapping

    @property
    def monitor(self) -> tuple[str, tuple[int, int]]:
        """The name and the size, (width, height), of the monitor that the window was last put on."""
        return self._monitor

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
        self._canvas.lay_over(overlay, (self.size, (screen.width, screen.height)))

    def ready(self, picture: ShownPicture, values: Mapping[str, float]) -> bool:
        """Have `picture` ready to be shown, all but its light; returns when that has to be known, a little before the
        frame is due. False where the window is not seen.
        """
        if self._shell.hidden or min(self.size) < 1:
            return False
        self._canvas.take(picture.unlit, values)
        self._pacer.ready(self._draw)
        self._is_ready = True
        return True

    def present(self, picture: ShownPicture, values: Mapping[str, float]) -> None:
        """Show `picture` when it is due, then hear the keyboard. A picture of another size is drawn anew next frame."""
        if self._is_ready or self.ready(picture, values):
            self._is_ready, self._canvas.light = False, picture.light
            self._pacer.show(self._finish, self._shell.flip)
        else:
            self._pacer.wait()
        error = self.context.error
        if error != "GL_NO_ERROR":
            raise WindowError(f"window: OpenGL reports {error}")
        self._shell.dispatch_events()
        if self._shell.gone:
            raise WindowError("the window was destroyed by another program")
        for command in self._shell.commands:
            self._commands[command](self)
        self._shell.commands.clear()
        if self._shell.moved:
            self._shell.moved = False
            screen = self._screen()
            if name_and_size(screen) != self._monitor:
                self._follow(screen)
        if min(self.size) >= 1:
            picture.resize(drawn_size(self.size, values))

    def close(self) -> None:
        """Close the window; its context and all that was drawn with it are gone."""
        self._canvas.release()
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
        if self._canvas.overlay is not None:
            self._canvas.overlay.toggle()

    def _toggle_keys(self) -> None:
        if self._canvas.overlay is not None:
            self._canvas.overlay.toggle_keys()

    _commands: ClassVar[dict[str, Callable[["Window"], None]]] = {
        HUD: _toggle_hud,
        KEYS_PAGE: _toggle_keys,
        FULLSCREEN: toggle_fullscreen,
        LEAVE_FULLSCREEN: leave_fullscreen,
        NEXT_MONITOR: next_monitor,
        QUIT: _quit,
    }

    def _draw(self) -> None:
        self._canvas.draw(self.size, self._monitor[0])

    def _finish(self) -> None:
        self._canvas.finish(self.size)

    def _swap_again(self) -> None:
        """Shows the last picture once more: what is measured by it must not be seen on the wall."""
        self._draw()
        self._finish()
        self._shell.flip()

    def _move_to(self, monitor: int) -> None:
        monitors = screens()
        if not 1 <= monitor <= len(monitors):
            self._shell.close()
            raise WindowError(f"no window: no monitor {monitor}; there are {len(monitors)}")
        self._shell.set_location(*middle(monitors[monitor - 1], self._shell.get_size()))

    def _screen(self) -> Monitor:
        """The screen that the window's middle is on, else the first."""
        x, y = self._shell.get_location()
        width, height = self._shell.get_size()
        middle_x, middle_y = x + width / 2, y + height / 2
        monitors = screens()
        for screen in monitors:
            if 0 <= middle_x - screen.x < screen.width and 0 <= middle_y - screen.y < screen.height:
                return screen
        return monitors[0]

    def _cover(self, screen: Monitor) -> None:
        self._shell.reshape(Shell.WINDOW_STYLE_BORDERLESS, (screen.x, screen.y), (screen.width, screen.height))
        self._follow(screen)

    def _follow(self, screen: Monitor) -> None:
        """Be on this monitor: measure whether swaps wait for its refresh, and pace by it."""
        self._monitor = name_and_size(screen)
        mode = screen.get_mode()
        nominal_hz = float(mode.rate or 0) if mode else 0.0
        self._pacer.follow(measure_refresh(self._swap_again, nominal_hz, self._clock.now))
