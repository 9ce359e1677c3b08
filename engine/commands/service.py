"""`dancenet service`: has an installation start with the machine, by systemd, or tells what to run where it cannot."""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from engine.arguments import parse_live
from engine.commands.ending import FAILED, FINE, Failure
from engine.config import user_file
from engine.scene_files import put
from engine.service import NAME, this_program, unit, unit_file

# systemd answers at once, or hangs.
PATIENCE = 30.0
ELSEWHERE = "docs/installation.md tells how on this system"


def service(options: argparse.Namespace) -> int:
    """Installs the unit, removes it, or tells how it is."""
    if not sys.platform.startswith("linux"):
        raise Failure(f"service: systemd is Linux's; {ELSEWHERE}")
    if options.action == "install":
        return install(Path(options.config).absolute() if options.config else user_file())
    return remove() if options.action == "remove" else status()


def install(config: Path) -> int:
    """Writes the unit for this file of options, which has to be sound, and starts it."""
    if not config.exists():
        raise Failure(f"service: {config}: no such file; `dancenet config > {config}` writes one with every option")
    parse_live(["--config", str(config)])  # ends the program with what is wrong with it
    file = unit_file()
    try:
        put(file, unit(this_program(), config))
    except OSError as error:
        raise Failure(f"service: {file}: {error.strerror}") from None
    print(f"{file}: written")
    commands = [["daemon-reload"], ["enable", NAME], ["restart", NAME]]
    if systemd_answers():
        for command in commands:
            systemctl(*command)
        print(f"{NAME} runs, and starts when you log in")
    else:
        print("no systemd answers here; where one does, run:")
        for command in commands:
            print(f"  systemctl --user {' '.join(command)}")
    print("to start with the machine, before anybody logs in: sudo loginctl enable-linger $USER")
    return FINE


def remove() -> int:
    """Stops the service and takes its unit away."""
    file = unit_file()
    if not file.exists():
        raise Failure(f"service: {file}: no such file; nothing is installed")
    answers = systemd_answers()
    if answers:
        systemctl("disable", "--now", NAME)
    try:
        file.unlink()
    except OSError as error:
        raise Failure(f"service: {file}: {error.strerror}") from None
    if answers:
        systemctl("daemon-reload")
    print(f"{file}: removed")
    if not answers:
        print(f"no systemd answers here; where one runs it, run: systemctl --user stop {NAME}")
    return FINE


def status() -> int:
    """Tells whether it is installed and runs; 1 where it does not."""
    file = unit_file()
    if not file.exists():
        print(f"not installed: there is no {file}")
        return FAILED
    print(f"installed: {file}")
    if not systemd_answers():
        print("no systemd answers here, so that nothing is known of whether it runs")
        return FAILED
    active = asked("is-active", NAME)
    print(f"{active}, {asked('is-enabled', NAME)}; `journalctl --user -u {NAME}` tells what it said")
    return FINE if active == "active" else FAILED


def systemd_answers() -> bool:
    """Whether there is a systemd of the user's."""
    if shutil.which("systemctl") is None:
        return False
    try:
        return run("show-environment").returncode == 0
    except subprocess.TimeoutExpired:
        return False


def systemctl(*words: str) -> None:
    """Has systemd do something. Failure with what it said, where it did not."""
    try:
        done = run(*words)
    except subprocess.TimeoutExpired:
        raise Failure(f"service: systemctl --user {' '.join(words)}: no answer within {PATIENCE:g} s") from None
    if done.returncode:
        said = " ".join(done.stderr.split()) or f"it ended with {done.returncode}"
        raise Failure(f"service: systemctl --user {' '.join(words)}: {said}")


def asked(*words: str) -> str:
    """The word that systemd answers with."""
    try:
        return run(*words).stdout.strip() or "unknown"
    except subprocess.TimeoutExpired:
        return "unknown"


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    """Runs systemctl for the user's services."""
    return subprocess.run(["systemctl", "--user", *words], capture_output=True, text=True, timeout=PATIENCE)
