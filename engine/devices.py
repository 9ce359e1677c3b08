"""What there is to play with, for `dancenet devices`: monitors, audio inputs, devices for the model.

Owns the wording only. Every list says what is used and why, or why there is none.
"""

from engine import resources
from engine.audio.decode import AudioError
from engine.audio.inputs import DEFAULT, LOOPBACK, choose, inputs


def report() -> str:
    """The three lists, as lines to print."""
    sections = {"Monitors": monitors(), "Audio inputs": audio_inputs(), "Devices for the model": model_devices()}
    return "\n\n".join("\n".join([f"{title}:", *(f"  {line}" for line in lines)]) for title, lines in sections.items())


def monitors() -> list[str]:
    """A line for each monitor, counted as `--monitor` does, then which one the window opens on."""
    try:
        from engine.sinks.window import WindowError, screens
    except ImportError as error:
        return [f"none: {error}"]
    try:
        found = screens()
    except WindowError as error:
        return [f"none: {error}"]
    lines = []
    for number, screen in enumerate(found, start=1):
        mode = screen.get_mode()
        rate = f", {mode.rate:.4g} Hz" if mode and mode.rate else ""
        place = f"{screen.width}x{screen.height} at {screen.x},{screen.y}{rate}"
        lines.append(f"{number}  {screen.get_monitor_name()}, {place}")
    return [*lines, "The desktop chooses where the window opens; --monitor N does instead."]


def audio_inputs() -> list[str]:
    """A line for each audio input, counted as `--audio` does, what the computer plays marked; then which is used."""
    try:
        found = inputs()
    except AudioError as error:
        return [f"none: {error}"]
    if not found:
        return ["none: the system has no audio input"]
    lines = []
    for number, one in enumerate(found, start=1):
        marks = [mark for mark, is_so in (("default", one.default), ("loopback", one.loopback)) if is_so]
        marked = f" ({', '.join(marks)})" if marks else ""
        lines.append(f"{number}  {one.name}, {one.channels} channels, {one.rate_hz:g} Hz{marked}")
    used = choose(found, DEFAULT)
    why = "the system's default" if used.default else "the first, for the system names no default"
    try:
        loopback = f"--audio loopback hears what the computer plays: {choose(found, LOOPBACK).name}"
    except AudioError as error:
        loopback = f"--audio loopback: {error}"
    return [*lines, f"Used: {used.name}; {why}. --audio N or a part of the name picks another.", f"{loopback}."]


def model_devices() -> list[str]:
    """A line for each device, by its name for `--device`, then the one that `auto` plays the default dancer on."""
    try:
        from engine.providers import AUTO, DEVICES, SESSION_ERRORS, choose, missing
    except ImportError as error:
        return [f"none: {error}"]
    lines = []
    for name in DEVICES:
        if name != AUTO:
            lack = missing(name)
            lines.append(f"{name}  {'here' if lack is None else f'no: {lack.what}; {lack.remedy}'}")
    try:
        chosen, _ = choose(resources.path("models/default") / "decoder.onnx")
    except (FileNotFoundError, *SESSION_ERRORS) as error:
        return [*lines, f"Which is used shows with a dancer: {error}"]
    return [*lines, f"Used: {chosen.name}; {chosen.reason}. --device NAME picks another."]
