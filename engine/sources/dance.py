"""The dance as a source: its own motion and indecision, for routes to move parameters by.

Owns nothing: it hands on what the dancer tells of the last frame.
"""

from typing import Protocol

from engine.controls import Controls


class Dances(Protocol):
    """What it asks of a dancer: both 0..1."""

    @property
    def motion(self) -> float: ...

    @property
    def entropy(self) -> float: ...


class Dance:
    """A source that gives the signals `dance/motion` and `dance/entropy` of this dancer."""

    def __init__(self, dancer: Dances) -> None:
        self._dancer = dancer

    def poll(self, controls: Controls) -> None:
        """Gives the signals of the dance as it was shown last."""
        controls.signal("dance/motion", self._dancer.motion)
        controls.signal("dance/entropy", self._dancer.entropy)

    def close(self) -> None:
        """Holds nothing that needs closing."""
