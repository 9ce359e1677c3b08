"""What a show that a supervisor keeps does otherwise than one that somebody sits at.

Owns what safe mode leaves out: everything that somebody brought and that may be what crashes.
"""

import argparse
from pathlib import Path
from typing import Any

from engine.commands.ending import Failure
from engine.folders import state_folder

# An installation is on the first monitor, unless it is told another: its curtain has to know.
MONITOR = 1
# As engine/providers.py has it: to import it here would load onnxruntime for the supervisor.
CPU = "cpu"
# The variable of the environment that tells a show how often it was started anew.
RESTARTS = "DANCENET_RESTARTS"
# Scenes that are stored in safe mode, in the state's folder: the performer's own are not read.
SAFE_SCENES = "safe-mode/scenes"
LEFT_OUT: dict[str, Any] = {
    **{"model": [], "set": [], "route": [], "scene": None, "seed": None, "temperature": None, "speed": None},
    **{"shaders": None, "quality": None, "state": None, "device": CPU, "precision": "auto"},
    **{"idle": None, "idle_scene": None, "told": {}},
}


def as_installation(options: argparse.Namespace) -> argparse.Namespace:
    """The options with what an installation decides for itself, and safe mode."""
    decided = {"fullscreen": True, "monitor": options.monitor or MONITOR}
    if options.log:
        decided["log"] = free(options.log)
    if options.safe:
        decided |= {**LEFT_OUT, "scenes": state_folder() / SAFE_SCENES}
    return argparse.Namespace(**{**vars(options), **decided})


def free(path: Path) -> Path:
    """The path, or, where there is such a file, with the first free number: a restart writes a log of its own."""
    number, found = 1, path
    while found.exists():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def has_monitor(number: int) -> bool:
    """Whether there is a display, and so many monitors. Raises Failure where a library for windows is missing."""
    try:
        from engine.sinks.window import WindowError, screens
    except ImportError as error:
        raise Failure(f"no window: {error}") from None
    try:
        return len(screens()) >= number
    except WindowError:
        return False
