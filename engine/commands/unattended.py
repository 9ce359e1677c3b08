"""What a show has that nobody attends: hours, rest, something to show when nobody plays, and word of how it is.

Owns how these are made from the options, and what there is to know of a show from afar.
"""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.clock import WallClock
from engine.commands.ending import USAGE, Failure
from engine.commands.kept import RESTARTS
from engine.commands.opening import told
from engine.rest import Rest
from engine.scene import Scene
from engine.scenes import Scenes
from engine.show import Sink, Source
from engine.sinks.health_page import HealthPage
from engine.sinks.vitals import ENDED, HEARS, LOST, NONE, OFF, Vitals
from engine.sources.audio import AudioFile
from engine.sources.hours import Hours
from engine.sources.idle import Hand, Idle
from engine.sources.osc import Osc
from engine.status import Status


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

    @property
    def look(self) -> Scene | None:
        """The look that an idle time goes back to; None where what is on is that."""
        return self.idle.look if self.idle else None


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


def new_vitals(
    options: argparse.Namespace, look: Callable[[], dict[str, Any]], clock: WallClock, osc: Osc, status: Status
) -> list[Sink]:
    """The sinks that tell how the show is: by OSC, and by HTTP where that is asked for."""
    restarts = os.environ.get(RESTARTS, "")
    vitals = Vitals(look, lambda: clock.rate_hz, int(restarts) if restarts.isdecimal() else 0)
    status.listeners.append(vitals.note)
    osc.answer_health(vitals.told)
    return [vitals, *([HealthPage(options.health, vitals.told, status.say)] if options.health else [])]


def vital_facts(stage: Any, wanted: str) -> dict[str, Any]:
    """What an operator wants to know of the parts of a live show, whose audio was `wanted` so."""
    bundle, osc, audio = stage.cast.models.bundle, stage.osc, stage.audio
    state = OFF if audio is None else HEARS if audio.name else LOST if audio.ever_heard else NONE
    if isinstance(audio, AudioFile) and audio.ended:
        state = ENDED
    return {
        "state": stage.unattended.state or "dances",
        "late_frames": stage.window.late_frames,
        "falls": stage.cast.watchdog.resets,
        "still": round(stage.cast.watchdog.still, 2),
        "model": bundle.metadata.name,
        "device": bundle.device.name,
        "scene": stage.keepers.scenes.on,
        "audio": audio.name if audio else "",
        "audio_wanted": wanted,
        "audio_state": state,
        "osc_port": osc.port,
        "osc_received": osc.received,
        "osc_lost": osc.malformed + osc.refused + osc.dropped,
        "osc_clients": len(osc.clients),
    }
