"""What was heard, as signals: of a live input, a file that is played, or a render's song alike."""

from typing import Protocol

from engine.audio.analysis import Heard
from engine.controls import Controls

SIGNALS = ("audio/level", "audio/bass", "audio/low", "audio/mid", "audio/high")
ONSET = "audio/onset"
# The performer's trim of all that is heard, but for when onsets come.
GAIN = "audio/gain"


def publish(controls: Controls, heard: list[Heard]) -> None:
    """Sets the signals from what was heard since the last frame: each at its peak, so that no drum falls between."""
    gain = controls.target(GAIN)
    for key in SIGNALS:
        name = key.partition("/")[2]
        controls.signal(key, min(1.0, gain * max(getattr(values, name) for values in heard)))
    controls.signal(ONSET, max(values.onset for values in heard))


def silence(controls: Controls) -> None:
    """Takes the signals off: nothing is heard any more."""
    for key in (*SIGNALS, ONSET):
        controls.still(key)


class Clock(Protocol):
    """Show time, seconds."""

    @property
    def time(self) -> float: ...
