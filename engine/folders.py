"""Where a performer's files lie by the custom of the system: what they make and set, and what a show keeps itself."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

OURS = "dancenet"


def configuration_folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Where the performer's scenes, effects, outputs and options are."""
    return _customary(environment, system, ("APPDATA", "AppData/Roaming"), ("XDG_CONFIG_HOME", ".config"))


def state_folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Where what a show keeps for its own use lies: its state, and who plays on which monitor."""
    return _customary(environment, system, ("LOCALAPPDATA", "AppData/Local"), ("XDG_STATE_HOME", ".local/state"))


def _customary(environment: Mapping[str, str], system: str, windows: tuple[str, str], others: tuple[str, str]) -> Path:
    """Our folder below the one that a variable names, or else the one below the user's own."""
    home = Path(environment.get("HOME") or Path.home())
    if system == "darwin":
        return home / "Library" / "Application Support" / OURS
    variable, usual = windows if system == "win32" else others
    return Path(environment.get(variable) or home / usual) / OURS
