"""The audio inputs there are, and which of them a name means: microphones, interfaces, and what the computer plays.

On Linux the sound server's own sources are listed: a monitor is what is being played. PortAudio's list has them only as
one device, "pulse", which is then told the source by `PULSE_SOURCE`.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.audio.decode import AudioError

# Words for what an input may be asked for by.
DEFAULT, LOOPBACK = "default", "loopback"

# PortAudio's names of the device that stands for PulseAudio's and PipeWire's sources.
SERVER = "pulse"
# What the sound server takes as the monitor of whatever is being played to, whichever that is.
MONITOR_OF_DEFAULT = "@DEFAULT_MONITOR@"
# Names by which drivers and programs call what the computer plays, where the system itself has no such input.
LOOPBACK_NAMES = (
    "stereo mix",
    "what u hear",
    "loopback",
    "blackhole",
    "soundflower",
    "cable output",
    "voicemeeter out",
)

# How to get such an input where there is none.
LOOPBACK_NOTES = {
    "linux": "needs PulseAudio or PipeWire, and libasound2-plugins",
    "darwin": "install BlackHole, and play to a multi-output device that holds it",
    "win32": "enable Stereo Mix in the sound settings, or install VB-CABLE",
}

# Seconds that the sound server may take to answer what it has.
ANSWER = 2.0


@dataclass(frozen=True)
class Input:
    """One input: PortAudio's `device`, and the `source` of the sound server's where it stands for several."""

    name: str
    device: int
    rate_hz: float
    channels: int
    source: str = ""
    loopback: bool = False
    default: bool = False


def sound() -> Any:
    """The sounddevice package, loaded now. Raises AudioError if it or the PortAudio library is missing."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise AudioError(f"no audio here: {error}") from None
    return sounddevice


def inputs() -> list[Input]:
    """Every input, in the order that numbers count them from 1. Raises AudioError without PortAudio."""
    library = sound()
    try:
        devices = [device for device in library.query_devices() if device["max_input_channels"] > 0]
        default = library.default.device[0]
    except library.PortAudioError as error:
        raise AudioError(f"no audio here: {error}") from None
    server = next((device for device in devices if device["name"] == SERVER), None)
    found = [] if server is None else server_inputs(server)
    hears_server = any(one.default for one in found)
    for device in devices:
        name = str(device["name"])
        if found and name in (SERVER, DEFAULT):
            continue  # another name for what is in the list already
        loopback = any(word in name.lower() for word in LOOPBACK_NAMES)
        is_default = device["index"] == default and not hears_server
        found.append(
            Input(
                name, device["index"], device["default_samplerate"], device["max_input_channels"],
                loopback=loopback, default=is_default,
            )
        )  # fmt: skip
    return found


def server_inputs(server: Any) -> list[Input]:
    """The sound server's sources, for PortAudio's device `server`; none if it does not answer."""
    try:
        sources = [line.split("\t") for line in ask("list", "short", "sources").splitlines()]
        default = ask("get-default-source").strip()
    except (OSError, subprocess.SubprocessError):
        return []
    return [
        Input(
            name, server["index"], server["default_samplerate"], server["max_input_channels"],
            source=name, loopback=name.endswith(".monitor"), default=name == default,
        )
        for _, name, *_ in sources
    ]  # fmt: skip


def ask(*words: str) -> str:
    """What the sound server answers. Raises OSError and SubprocessError."""
    return subprocess.run(["pactl", *words], capture_output=True, text=True, timeout=ANSWER, check=True).stdout


def choose(found: Sequence[Input], wanted: str) -> Input:
    """The input that `wanted` means: `default`, `loopback`, its number from 1, or a part of its name.

    Raises AudioError, with what there is, if there is none.
    """
    if wanted == DEFAULT:
        matching = [one for one in found if one.default] or list(found)
    elif wanted == LOOPBACK:
        # The one being played to first: the sound server names its monitor after it.
        matching = sorted((one for one in found if one.loopback), key=lambda one: not one.default)
        if not matching:
            note = LOOPBACK_NOTES.get(sys.platform, "this system has none")
            raise AudioError(f"no input for what the computer plays: {note}")
    elif wanted.isdecimal():
        matching = list(found[int(wanted) - 1 : int(wanted)]) if int(wanted) else []
    else:
        matching = [one for one in found if wanted.lower() in one.name.lower()]
    if not matching:
        have = ", ".join(f"{number} {one.name}" for number, one in enumerate(found, start=1))
        raise AudioError(f"no input {wanted!r}; there are {have}" if found else "the system has no audio input")
    return matching[0]


def prepare(chosen: Input, wanted: str) -> None:
    """Tells the sound server's library, by the environment, which source the next stream is of.

    The default and the loopback are left to the server, which moves a stream along when they change.
    """
    if chosen.source:
        source = {DEFAULT: "@DEFAULT_SOURCE@", LOOPBACK: MONITOR_OF_DEFAULT}.get(wanted, chosen.source)
        os.environ["PULSE_SOURCE"] = source
