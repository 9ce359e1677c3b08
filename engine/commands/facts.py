"""A live show as others see it: its parts, and the facts that it tells, for the HUD and for the terminal's line.

Owns the wording, and which facts are essential.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import WallClock
from engine.commands.opening import Cast, Timekeepers
from engine.commands.unattended import Unattended
from engine.controls import Controls
from engine.show import Show
from engine.sinks.live_recorder import LiveRecorder
from engine.sources.audio import Audio, AudioFile
from engine.sources.osc import Osc
from engine.status import Fact, Status

if TYPE_CHECKING:
    from engine.picture import Picture
    from engine.sinks.window import Window


@dataclass(frozen=True)
class Live:
    """A live show and those of its parts that others look at."""

    show: Show
    controls: Controls
    clock: WallClock
    window: "Window"
    keepers: Timekeepers
    cast: Cast
    picture: "Picture"
    osc: Osc
    audio: Audio | AudioFile | None
    recorder: LiveRecorder
    unattended: Unattended


def describe(stage: Live, status: Status) -> list[Fact]:
    """What there is to know of the show, the essential facts for the terminal, all of them for the HUD."""
    controls, models, osc, tempo = stage.controls, stage.cast.models, stage.osc, stage.keepers.tempo
    clients = len(osc.clients)
    heard = "off" if osc.port is None else f"{osc.port}, {osc.received} in, {clients} client{'s' * (clients != 1)}"
    lost = osc.malformed + osc.refused + osc.dropped
    recorder = stage.recorder
    return [
        *([Fact("recording", recorder.progress, wrong=recorder.dropped > 0)] if recorder.recording else []),
        Fact("rate", f"{status.rate:.1f} fps", essential=False),
        Fact("late", f"{stage.window.late_frames}"),
        *([Fact("state", stage.unattended.state)] if stage.unattended.state else []),
        Fact("seed", f"{controls.target('dance/seed'):.0f}"),
        Fact("tempo", f"{tempo.bpm:.1f} {tempo.leader}"),
        Fact("bar", f"{tempo.bars}", essential=False),
        Fact("scene", stage.keepers.scenes.on or "-"),
        Fact("effects", ", ".join(stage.picture.chain.order) or "-", essential=False),
        *(Fact("effect", short(line), essential=False, wrong=True) for line in stage.picture.chain.broken.values()),
        Fact("resets", f"{stage.cast.watchdog.resets}"),
        Fact("model", models.bundle.metadata.name),
        Fact("device", models.bundle.device.name),
        Fact("OSC", heard, essential=False, wrong=osc.port is None),
        *([Fact("OSC lost", f"{lost}", essential=False, wrong=True)] if lost else []),
        Fact("audio", stage.audio.name or "-" if stage.audio else "off", essential=False),
    ]


def runs_on(stage: Live) -> str:
    """What the model runs on and why, and what paces the frames: the first line of a show."""
    bundle = stage.cast.models.bundle
    runs = f"runs on {bundle.device.name}: {bundle.device.reason}; in {bundle.precision}"
    return f"{runs}; frames by {stage.window.pacing}"


def short(error: str) -> str:
    """What is wrong with a file, without the folders it lies in: the HUD has little room."""
    place, colon, what = error.partition(": ")
    return f"{Path(place).name}{colon}{what}"


def line(stage: Live, status: Status) -> list[Fact]:
    """The terminal's line: what is played most, then the facts."""
    controls = stage.controls
    played = []
    for name in ("temperature", "speed"):
        moved = controls.modulation(f"dance/{name}")
        value = f"{controls.target(f'dance/{name}'):.2f}{f'{moved:+.2f}' if abs(moved) >= 0.005 else ''}"
        played.append(Fact(name, value))
    return [*played, *describe(stage, status)]
