"""What there is to play with, for `dancenet devices`: monitors, audio inputs, inference providers.

Owns the wording only. Every list says what is used and why, or why there is none.
"""

from engine import resources


def report() -> str:
    """The three lists, as lines to print."""
    sections = {"Monitors": monitors(), "Audio inputs": audio_inputs(), "Inference": providers()}
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
    """A line for each audio input, the system's default marked."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:  # the package, or the PortAudio library that it loads
        return [f"none: {error}"]
    try:
        devices = sounddevice.query_devices()
        default = sounddevice.default.device[0]
    except sounddevice.PortAudioError as error:
        return [f"none: {error}"]
    lines = [
        f"{device['index']}  {device['name']}, {device['max_input_channels']} channels, "
        f"{device['default_samplerate']:g} Hz{' (default)' if device['index'] == default else ''}"
        for device in devices
        if device["max_input_channels"] > 0
    ]
    if not lines:
        return ["none: the system has no audio input"]
    return [*lines, "None is used: the show does not listen yet."]


def providers() -> list[str]:
    """The providers of this onnxruntime, best first, then the one that plays the default dancer and why."""
    try:
        from engine.providers import SESSION_ERRORS, available, choose
    except ImportError as error:
        return [f"none: {error}"]
    lines = list(available())
    try:
        chosen = choose(resources.path("models/default") / "decoder.onnx")
    except (FileNotFoundError, *SESSION_ERRORS) as error:
        return [*lines, f"Which is used shows with a dancer: {error}"]
    return [*lines, f"Used: {chosen.name}; {chosen.reason}."]
