"""The service: a systemd unit of the user's, by which an installation starts with the machine and starts again.

Owns the unit's text and where it lies. Knows nothing of whether systemd is there.
"""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

NAME = "dancenet.service"
# The supervisor restarts the show; systemd restarts the supervisor, however often, and waits a little for a screen.
RESTART_SECONDS = 5
# A recording is finished and the state kept before it is killed; the supervisor's own patience is shorter.
STOP_SECONDS = 30
# Before the desktop has told systemd of its screen, a process would never hear of it: systemd tries again with what it
# knows by then.
UNIT = """\
# Written by `dancenet service install`; `dancenet service remove` takes it away.
[Unit]
Description=DanceNet, a neural dancer
StartLimitIntervalSec=0

[Service]
ExecStartPre=/bin/sh -c 'test -n "$$DISPLAY"'
ExecStart={command}
WorkingDirectory={folder}
Restart=always
RestartSec={restart}
TimeoutStopSec={stop}
KillMode=mixed

[Install]
WantedBy=default.target
"""


def unit_file(environment: Mapping[str, str] = os.environ) -> Path:
    """Where systemd looks for the user's units."""
    home = Path(environment.get("HOME") or Path.home())
    return Path(environment.get("XDG_CONFIG_HOME") or home / ".config") / "systemd" / "user" / NAME


def unit(program: Sequence[str], config: Path) -> str:
    """The unit that runs `program` as an installation by the file `config`, and in its folder."""
    command = [*program, "--installation", "--config", str(config)]
    return UNIT.format(
        command=" ".join(map(quoted, command)),
        folder=str(config.parent).replace("%", "%%"),
        restart=RESTART_SECONDS,
        stop=STOP_SECONDS,
    )


def quoted(word: str) -> str:
    """A word of a command as systemd reads it: quotes, %, $ and backslashes mean something there."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return escaped if shlex.quote(word) == word and escaped == word else f'"{escaped}"'


def this_program() -> list[str]:
    """The command that this program was started by, as it can be started from anywhere."""
    script = Path(sys.executable).with_name("dancenet")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "engine"]
