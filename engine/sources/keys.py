"""Keys: one table of what each does. The window reports presses; the show hears of them when it polls.

Owns the table, the parameter that is selected, and the presses that wait for the next frame. What a key does to the
window itself is a command, which the window carries out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.controls import Argument, Controls
from engine.parameters import CORNERS, Parameter, mix_of

HUD, KEYS_PAGE, FULLSCREEN, LEAVE_FULLSCREEN, NEXT_MONITOR, QUIT = WINDOW_COMMANDS = (
    *("hud", "keys page", "fullscreen", "leave fullscreen", "next monitor", "quit"),
)

# The key that ends the show, as a window's close button does.
QUITS = "CTRL+Q"
# Stands for the parameter that is selected.
SELECTED = "selected"
# What is selected at first.
FIRST = "dance/temperature"
DIGITS = "123456789"

# A step is a 60th of a controller's way, or, with the key held at the 25 repeats a second that desktops have, the way
# from end to end in 2.4 seconds. No step is under a 1000th of the range: rates near 0 would take it for ever.
STEPS, LEAST_STEP = 60, 1e-3

# A corner goes by a pixel of 1920, with Shift by ten: held, across a tenth of the picture in a second.
CORNER = "output/corner"
CORNER_STEP, CORNER_STRIDE = 1 / 1920, 10


@dataclass(frozen=True)
class Key:
    """A key by its `name`, such as "UP", "SHIFT+TAB" or "1..9", and what it does.

    It moves a `parameter` (or the one that is `SELECTED`) by `steps`; or selects the parameter so many places on; or
    sets the selected one `back`; or gives a `command` of the show, a digit as its argument, or one to the window.
    While a corner of the output is selected, a key with an `axis`, "x" or "y", moves that instead. `also` names another
    key that does the same. Of them all, only steps go on while a key is held.
    """

    name: str
    doc: str
    command: str = ""
    parameter: str = ""
    steps: int = 0
    selects: int = 0
    back: bool = False
    axis: str = ""
    also: str = ""

    @property
    def label(self) -> str:
        """The key as people write it: "Shift+Tab", "Page Up or +"."""
        names = [name.replace("PAGE", "PAGE ").replace("ESCAPE", "ESC").title() for name in (self.name, self.also)]
        return " or ".join(filter(None, names)).replace("..", " to ")

    def presses(self) -> dict[str, tuple[Argument, ...]]:
        """The names it is pressed by, each with the arguments that its command then has."""
        if self.name.endswith("1..9"):
            prefix = self.name.removesuffix("1..9")
            return {prefix + digit: (float(digit),) for digit in DIGITS}
        return {name: () for name in (self.name, self.also) if name}


KEYS = (
    Key("H", "shows and hides the HUD", HUD),
    Key("F1", "shows and hides this page", KEYS_PAGE),
    Key("SPACE", "freezes and frees the dance", "dance/freeze"),
    Key("B", "to black and back", "picture/blackout"),
    Key("R", "another dance: a new seed", "dance/reseed"),
    Key("SHIFT+R", "records a video, or ends it", "picture/record"),
    Key("T", "taps the tempo", "tempo/tap"),
    Key("UP", "raises the temperature", parameter="dance/temperature", steps=1, axis="y"),
    Key("DOWN", "lowers the temperature", parameter="dance/temperature", steps=-1, axis="y"),
    Key("RIGHT", "faster", parameter="dance/speed", steps=1, axis="x"),
    Key("LEFT", "slower", parameter="dance/speed", steps=-1, axis="x"),
    Key("TAB", "selects the next parameter", selects=1),
    Key("SHIFT+TAB", "selects the one before", selects=-1),
    Key("PAGEUP", "raises what is selected", parameter=SELECTED, steps=1, also="+"),
    Key("PAGEDOWN", "lowers what is selected", parameter=SELECTED, steps=-1, also="-"),
    Key("BACKSPACE", "sets it back as it began", back=True),
    Key("1..9", "recalls a scene", "scene/recall"),
    Key("SHIFT+1..9", "stores a scene", "scene/store"),
    Key("N", "next model", "model/next"),
    Key("P", "previous model", "model/previous"),
    Key("I", "next audio input", "audio/next_input"),
    Key("F", "to fullscreen and back", FULLSCREEN, also="F11"),
    Key("ESCAPE", "leaves fullscreen", LEAVE_FULLSCREEN),
    Key("M", "to the next monitor", NEXT_MONITOR),
    Key("C", "test card; pins corners", "output/next_corner"),
    Key(QUITS, "quits", QUIT),
)


class Keys:
    """A source that does what the keys pressed since the last frame say; those in `table` do something."""

    def __init__(self, table: Sequence[Key] = KEYS) -> None:
        self.selected = FIRST
        """Key of the parameter that the keys for it move."""
        self.played = 0
        """How often a key was pressed, or repeated; of no keys that are heard, never."""
        self._keys = {name: (key, arguments) for key in table for name, arguments in key.presses().items()}
        self._pressed: list[tuple[Key, tuple[Argument, ...], int]] = []  # the last: its stride, of a corner

    def press(self, name: str) -> str | None:
        """A key went down, named as in the table; returns the command it gives the window, if any.

        Where the table has no key with SHIFT, SHIFT makes no difference. Other keys do nothing.
        """
        found = self._find(name)
        if found is None or found[0].steps:
            return None
        if found[0].command in WINDOW_COMMANDS:
            return found[0].command
        self._pressed.append((*found, 1))
        return None

    def hold(self, name: str) -> None:
        """A key went down, or the desktop repeats it since it is held: the keys that step do so."""
        found = self._find(name)
        if found is not None and found[0].steps:
            self._pressed.append((*found, CORNER_STRIDE if name.startswith("SHIFT+") else 1))

    def poll(self, controls: Controls) -> None:
        """Does what the keys pressed say, in their order."""
        if self.selected not in controls.parameters:
            self.selected = FIRST  # its effect was saved without it
        for key, arguments, stride in self._pressed:
            if key.axis and (corner := selected_corner(controls)):
                place = f"output/{corner}_{key.axis}"
                controls.set(place, controls.target(place) + stride * key.steps * CORNER_STEP)
            elif key.command:
                controls.command(key.command, *arguments)
            elif key.selects:
                known = [each for each in controls.parameters if each == self.selected or at_hand(controls, each)]
                self.selected = known[(known.index(self.selected) + key.selects) % len(known)]
            elif key.back:
                controls.set(self.selected, controls.start[self.selected])
            else:
                row = controls.parameters[self.selected if key.parameter == SELECTED else key.parameter]
                controls.set(row.key, stepped(row, controls.target(row.key), key.steps))
        self._pressed.clear()

    def close(self) -> None:
        """Nothing to give back: the keyboard is the window's."""

    def _find(self, name: str) -> tuple[Key, tuple[Argument, ...]] | None:
        self.played += bool(self._keys)
        return self._keys.get(name) or self._keys.get(name.removeprefix("SHIFT+"))


def at_hand(controls: Controls, key: str) -> bool:
    """Whether a parameter is worth a stop: those of effects that are off, but for their mix, are not."""
    mix = mix_of(key)
    return not mix or mix == key or controls.target(mix) > 0


def selected_corner(controls: Controls) -> str:
    """The corner of the output that is selected; empty where none is."""
    return ("", *CORNERS)[round(controls.target(CORNER))] if CORNER in controls.parameters else ""


def stepped(parameter: Parameter, value: float, direction: int) -> float:
    """The next value up (1) or down (-1): a round one, about a `STEPS`th of the controller's way on; 1 if whole."""
    if parameter.integer:
        return value + direction
    there = parameter.from_unit(parameter.to_unit(value) + direction / STEPS)
    way = max(abs(there - value), LEAST_STEP * (parameter.high - parameter.low))
    size = round_number(way)
    # A value that lies on a multiple, but for the error of its digits, is left.
    places = value / size
    return size * (math.floor(places + 1e-6) + 1 if direction > 0 else math.ceil(places - 1e-6) - 1)


def round_number(number: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten, so that steps are such as people would choose."""
    decade = 10.0 ** math.floor(math.log10(number))
    return min((decade * lead for lead in (1, 2, 5, 10)), key=lambda near: abs(math.log(near / number)))
