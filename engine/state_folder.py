"""Where what a show keeps for its own use lies: its state, and who plays on which monitor."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def state_folder(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> Path:
    """Where what a show keeps for its own use lies, by the custom of the system."""
    home = Path(environment.get("HOME") or Path.home())
    if system == "win32":
        base = Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif system == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state")
    return base / "dancenet"
