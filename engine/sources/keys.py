"""Keys: one table of what each does. The window reports presses; parameters move when the show polls.

Owns the table and the presses that wait for the next frame. What a key does to the window itself is a command, which
the window carries out.
"""

from dataclasses import dataclass

from engine.controls import Controls


@dataclass(frozen=True)
class Key:
    """A key, such as "UP" or "CTRL+Q", and what it does: a `step` of a `parameter`, or a `command` to the window."""

    name: str
    doc: str
    parameter: str = ""
    step: float = 0.0
    command: str = ""


FULLSCREEN, LEAVE_FULLSCREEN, QUIT = "fullscreen", "leave fullscreen", "quit"

KEYS = (
    Key("UP", "raises the temperature", parameter="dance/temperature", step=0.05),
    Key("DOWN", "lowers the temperature", parameter="dance/temperature", step=-0.05),
    Key("F", "to fullscreen and back", command=FULLSCREEN),
    Key("ESCAPE", "leaves fullscreen", command=LEAVE_FULLSCREEN),
    Key("CTRL+Q", "quits", command=QUIT),
)


class Keys:
    """A source that steps parameters by the keys pressed since the last frame."""

    def __init__(self) -> None:
        self._keys = {key.name: key for key in KEYS}
        self._pressed: list[Key] = []

    def press(self, name: str) -> str | None:
        """A key was pressed, named as in the table; returns the command it gives, if any. Other keys do nothing."""
        key = self._keys.get(name)
        if key is None:
            return None
        if key.parameter:
            self._pressed.append(key)
        return key.command or None

    def poll(self, controls: Controls) -> None:
        """Step the parameters whose keys were pressed."""
        for key in self._pressed:
            controls.set(key.parameter, controls.target(key.parameter) + key.step)
        self._pressed.clear()

    def close(self) -> None:
        """Nothing to give back: the keyboard is the window's."""
