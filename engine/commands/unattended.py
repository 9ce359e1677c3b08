"""What a show has that nobody attends: hours, rest, and something to show when nobody plays.

Owns how these are made from the options.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from engine.clock import WallClock
from engine.commands.ending import USAGE, Failure
from engine.commands.opening import told
from engine.rest import Rest
from engine.scenes import Scenes
from engine.show import Source
from engine.sources.hours import Hours
from engine.sources.idle import Hand, Idle


@dataclass(frozen=True)
class Unattended:
    """`sources` are the hands, in an idle watch or as they are, and the hours; `rest` is a sink."""

    sources: list[Source]
    rest: Rest
    idle: Idle | None

    @property
    def state(self) -> str:
        """What the show does of its own accord: rests, idles, or nothing (empty)."""
        return "rests" if self.rest.resting else "idle" if self.idle and self.idle.idling else ""


def new_unattended(
    options: argparse.Namespace, clock: WallClock, hands: list[Hand], scenes: Scenes, say: Callable[[str], None]
) -> Unattended:
    """From the options; `hands` are what the show is played by. Failure for an idle scene that is not there."""
    idle = None
    if options.idle_scene is not None:
        if options.idle is None:
            raise Failure(f"{told(options, 'idle-scene')[0]}: --idle says after how many seconds", USAGE)
        try:
            scenes.find(options.idle_scene)
        except ValueError as error:
            raise Failure(f"{told(options, 'idle-scene')[0]}: {error}", USAGE) from None
    if options.idle is not None:
        idle = Idle(hands, clock, options.idle, options.idle_scene, scenes, say)
    played: list[Source] = [idle] if idle else list(hands)
    return Unattended([*played, Hours(options.hours, say)], Rest(clock), idle)
