"""Presses: momentary parameters are high in one picture, the next to be drawn, and low again in the one after.

Owns which are pressed and which are shown. A frame is polled twice and drawn once: what is pressed in either poll is in
its picture. Pressed in two frames that follow each other, a parameter is high in both of their pictures.
"""

from collections.abc import Set


class Presses:
    """Keys that were pressed, until the picture after the one that shows them."""

    def __init__(self) -> None:
        self._pressed: set[str] = set()  # since the last advance
        self._shown: set[str] = set()  # high in the frame in hand
        self._over: Set[str] = set()

    def press(self, key: str) -> None:
        """Has the next picture show `key` as high."""
        self._pressed.add(key)

    def risen(self, over: Set[str]) -> Set[str]:
        """Those that routes hold `over` now and did not before: held up, they count once."""
        risen, self._over = over - self._over, over
        return risen

    def advance(self, dt: float) -> Set[str]:
        """What was pressed is shown; returns what goes back: with a new frame, whose `dt` is more than 0, what the last
        one showed.
        """
        back: Set[str] = set()
        if dt > 0:
            back, self._shown = self._shown - self._pressed, set()
        self._shown |= self._pressed
        self._pressed = set()
        return back

    def forget(self, key: str) -> None:
        """The parameter is gone, or another one."""
        self._pressed.discard(key)
        self._shown.discard(key)
        self._over -= {key}
