"""The curtain: a black window under an installation's show, so that no desktop is seen while the show is started anew.

A process of its own, `python -m engine.curtain MONITOR`, which its supervisor starts again wherever it dies: the X
server's end is its end. It ends by itself with its standard input. Draws with X11 alone, which only Linux has. While it
hangs, the X server neither saves the screen nor powers it down.
"""

import os
import select
import signal
import sys
from ctypes import CDLL, byref, c_int, c_long, c_ubyte, c_ushort, util
from typing import Any

import pyglet

from engine.exit_codes import FINE, NO_DISPLAY, USAGE

pyglet.options.shadow_window = False

from pyglet.display.xlib import NoSuchDisplayException, XlibDisplay  # noqa: E402
from pyglet.libs.x11 import xlib  # noqa: E402

TITLE = b"DanceNet curtain"
# The atom XA_ATOM, and the mask of the events by which X tells of monitors that come, go or change.
ATOM, MONITORS_CHANGE = 4, 1
# In _MOTIF_WM_HINTS the second bit says that the third number counts, which says: no decorations.
BARE = (2, 0, 0, 0, 0)
# Under all windows but the desktop's own, which is where a show's window finds it too.
STATES = (b"_NET_WM_STATE_BELOW", b"_NET_WM_STATE_SKIP_TASKBAR", b"_NET_WM_STATE_SKIP_PAGER")

Place = tuple[int, int, int, int]  # x, y, width, height, in pixels


class Curtain:
    """A black window over the monitor of that number, counted from 1, as long as there is one."""

    def __init__(self, display: XlibDisplay, number: int) -> None:
        self._pyglet = display
        self._display = display._display
        self._number = number
        root = xlib.XDefaultRootWindow(self._display)
        self._place = self._find() or (0, 0, 1, 1)
        self._window = xlib.XCreateSimpleWindow(self._display, root, *self._place, 0, 0, 0)
        xlib.XStoreName(self._display, self._window, TITLE)
        self._say("_MOTIF_WM_HINTS", self._atom(b"_MOTIF_WM_HINTS"), BARE)
        self._say("_NET_WM_STATE", ATOM, [self._atom(name) for name in STATES])
        hints = xlib.XAllocWMHints()  # never the keyboard's, which the show may hear
        hints.contents.flags, hints.contents.input = xlib.InputHint, 0
        xlib.XSetWMHints(self._display, self._window, hints)
        sizes = xlib.XAllocSizeHints()  # here, and not where the window manager would have it
        sizes.contents.flags = xlib.USPosition | xlib.USSize
        sizes.contents.x, sizes.contents.y, sizes.contents.width, sizes.contents.height = self._place
        xlib.XSetWMNormalHints(self._display, self._window, sizes)
        self._hide_cursor()
        if randr := library("Xrandr"):
            randr.XRRSelectInput(self._display, root, MONITORS_CHANGE)
        xlib.XLowerWindow(self._display, self._window)  # a new window is on top, before it is seen too
        xlib.XMapWindow(self._display, self._window)
        self.follow()

    def follow(self) -> None:
        """Hears what X tells, and covers the monitor as it is now."""
        event = xlib.XEvent()
        while xlib.XPending(self._display):
            xlib.XNextEvent(self._display, byref(event))
        if place := self._find():
            xlib.XMoveResizeWindow(self._display, self._window, *place)
        xlib.XFlush(self._display)

    def _find(self) -> Place | None:
        screens = self._pyglet.get_screens()
        if len(screens) < self._number:
            return None
        screen = screens[self._number - 1]
        return screen.x, screen.y, screen.width, screen.height

    def _atom(self, name: bytes) -> int:
        return xlib.XInternAtom(self._display, name, 0)

    def _say(self, name: str, kind: int, values: Any) -> None:
        """A property of the window, of whole numbers."""
        data = (c_long * len(values))(*values)
        pointer = byref(c_ubyte.from_buffer(data))
        xlib.XChangeProperty(
            self._display, self._window, self._atom(name.encode()), kind, 32, 0, pointer, len(values)
        )  # fmt: skip

    def _hide_cursor(self) -> None:
        nothing = xlib.XCreateBitmapFromData(self._display, self._window, b"\0", 1, 1)
        black = xlib.XColor()
        cursor = xlib.XCreatePixmapCursor(self._display, nothing, nothing, byref(black), byref(black), 0, 0)
        xlib.XDefineCursor(self._display, self._window, cursor)


class Awake:
    """Keeps the X server from saving the screen and from powering it down, until `restore`."""

    def __init__(self, display: XlibDisplay) -> None:
        self._display = display._display
        self._saver = [c_int() for _ in range(4)]  # timeout, interval, prefer blanking, allow exposures
        xlib.XGetScreenSaver(self._display, *map(byref, self._saver))
        xlib.XSetScreenSaver(self._display, 0, *(each.value for each in self._saver[1:]))
        xlib.XForceScreenSaver(self._display, 0)
        self._power = library("Xext")
        state, level, unused = c_ubyte(), c_ushort(), c_int()
        if self._power and not (
            self._power.DPMSQueryExtension(self._display, byref(unused), byref(unused))
            and self._power.DPMSCapable(self._display)
            and self._power.DPMSInfo(self._display, byref(level), byref(state))
            and state.value
        ):
            self._power = None
        if self._power:
            self._power.DPMSForceLevel(self._display, 0)  # on
            self._power.DPMSDisable(self._display)
        xlib.XFlush(self._display)

    def restore(self) -> None:
        """As it was."""
        xlib.XSetScreenSaver(self._display, *(each.value for each in self._saver))
        if self._power:
            self._power.DPMSEnable(self._display)
        xlib.XSync(self._display, 0)


def library(name: str) -> CDLL | None:
    """One of X11's libraries, if it is there."""
    found = util.find_library(name)
    return CDLL(found) if found else None


def main(arguments: list[str]) -> int:
    """Hangs the curtain on the monitor whose number is given, until standard input ends."""
    if len(arguments) != 1 or not arguments[0].isdecimal():
        return USAGE
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for all that belongs to the show; the curtain is the last
        signal.signal(number, signal.SIG_IGN)
    try:
        display = XlibDisplay()
    except NoSuchDisplayException:
        return NO_DISPLAY
    curtain, awake = Curtain(display, int(arguments[0])), Awake(display)
    connection = xlib.XConnectionNumber(display._display)
    while True:
        ready = select.select([0, connection], [], [])[0]
        if connection in ready:
            curtain.follow()
        if 0 in ready and not os.read(0, 4096):
            awake.restore()
            return FINE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
