"""Idle: what is shown when nobody plays, and the way back to what was on before.

Owns when somebody last played: a key, OSC that changed or did something, or sound above silence. It holds the hands,
the sources that are played by, so that it knows what they did in the poll that ends an idle time: that stays.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from engine.controls import Controls
from engine.sources.tempo import Clock

# Seconds of the fades into an idle time and out of it: in calmly, out as soon as somebody is there.
CALM_FADE, BACK_FADE = 6.0, 1.5
# Seconds for which each scene is on where no scene is named.
EACH = 120.0
LEVEL = "audio/level"
# A level follows the sound: it nears 0 in silence, and is there never.
SILENCE = 0.02


class Hand(Protocol):
    """A source that somebody plays by, and how often that was."""

    @property
    def played(self) -> int: ...

    def poll(self, controls: Controls) -> None: ...

    def close(self) -> None: ...


class Scenes(Protocol):
    """What is asked of the scenes."""

    changes: tuple[int, float]

    def recall(self, which: str, fade: float) -> None: ...

    def go_on(self) -> None: ...

    def remember(self) -> Any: ...

    def return_to(self, look: Any, seconds: float, but: Iterable[str]) -> None: ...


class Idle:
    """A source that polls the `hands`, and after `seconds` without input shows `scene`, or the scenes in turn."""

    def __init__(
        self,
        hands: Sequence[Hand],
        clock: Clock,
        seconds: float,
        scene: str | None,
        scenes: Scenes,
        tell: Callable[[str], None],
    ) -> None:
        self.idling = False
        """Whether nobody has played for long."""
        self.look: Any = None
        """What is gone back to when somebody plays; None where nothing is."""
        self._hands = hands
        self._clock = clock
        self._seconds = seconds
        self._scene = scene
        self._scenes = scenes
        self._tell = tell
        self._played = 0
        self._since: float | None = None
        self._next = 0.0

    def poll(self, controls: Controls) -> None:
        """Polls the hands; begins and ends idle times."""
        before = {key: controls.target(key) for key in controls.parameters} if self.idling else {}
        recalled = self._scenes.changes[0]
        for hand in self._hands:
            hand.poll(controls)
        now = self._clock.time
        if self._since is None or self._heard(controls):
            self._since = now
            if self.idling:
                changed = [key for key in before if key in controls.parameters and controls.target(key) != before[key]]
                self._end(changed, self._scenes.changes[0] != recalled)
        elif not self.idling and now - self._since >= self._seconds:
            self._begin(controls, now)
        elif self.look is not None and self._scene is None and now >= self._next:
            self._go_on(now)

    def close(self) -> None:
        """Closes the hands."""
        for hand in self._hands:
            hand.close()

    def _heard(self, controls: Controls) -> bool:
        """Whether there was any input since this was last asked."""
        before, self._played = self._played, sum(hand.played for hand in self._hands)
        return self._played != before or controls.signals.get(LEVEL, 0.0) > SILENCE

    def _begin(self, controls: Controls, now: float) -> None:
        self.idling = True
        if self._scene is None and (controls.target("scene/every_bars") or controls.target("scene/every_minutes")):
            return  # the scenes change by themselves already, and nobody is to be brought back
        self.look = self._scenes.remember()
        if self._scene is None:
            self._go_on(now)
            return
        try:
            self._scenes.recall(self._scene, CALM_FADE)
        except ValueError as error:  # its file has gone since the show began
            self._tell(f"idle: {error}")

    def _go_on(self, now: float) -> None:
        self._next = now + EACH
        self._scenes.go_on()

    def _end(self, changed: Iterable[str], recalled: bool) -> None:
        """Goes back, but for what was `changed` just now; not where another scene was `recalled`."""
        self.idling = False
        look, self.look = self.look, None
        if look is not None and not recalled:
            self._scenes.return_to(look, BACK_FADE, changed)
