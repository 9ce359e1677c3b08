"""The service: the unit's exact text, that systemd takes it, and what the command does with and without systemd."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.service import NAME, quoted, unit
from tests.test_command_line import NO_DISPLAY, ROOT

# A systemctl that writes down what it is asked, and answers.
SYSTEMCTL = """\
#!/bin/sh
echo "$*" >> {asked}
case "$2" in
is-active) echo active ;;
is-enabled) echo enabled ;;
{more}
esac
"""


def test_the_unit_is_as_it_is() -> None:
    assert unit(["/opt/dance/bin/dancenet"], Path("/home/vj/.config/dancenet/dancenet.toml")) == (
        "# Written by `dancenet service install`; `dancenet service remove` takes it away.\n"
        "[Unit]\n"
        "Description=DanceNet, a neural dancer\n"
        "StartLimitIntervalSec=0\n"
        "\n"
        "[Service]\n"
        "ExecStartPre=/bin/sh -c 'test -n \"$$DISPLAY\"'\n"
        "ExecStart=/opt/dance/bin/dancenet --installation --config /home/vj/.config/dancenet/dancenet.toml\n"
        "WorkingDirectory=/home/vj/.config/dancenet\n"
        "Restart=always\n"
        "RestartSec=5\n"
        "TimeoutStopSec=30\n"
        "KillMode=mixed\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("--config", "--config"),
        ("/a b/c", '"/a b/c"'),
        ("/100%/$HOME", '"/100%%/$$HOME"'),
        ('/a"b\\c', '"/a\\"b\\\\c"'),
        ("/it's", '"/it\'s"'),
    ],
)
def test_a_word_of_the_command_is_quoted_for_systemd(word: str, written: str) -> None:
    assert quoted(word) == written


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
@pytest.mark.parametrize("folder", ["plain", "with blanks, 100% and $HOME"])
def test_systemd_finds_nothing_wrong_with_the_unit(folder: str, tmp_path: Path) -> None:
    config = tmp_path / folder / "dancenet.toml"
    config.parent.mkdir()
    file = tmp_path / NAME
    file.write_text(unit([sys.executable, "-m", "engine"], config))
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    result = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)], capture_output=True, text=True, env=environment
    )
    assert [line for line in result.stderr.splitlines() if NAME in line] == []
    assert result.returncode == 0, result.stderr


class Machine:
    """A user's home, and a systemd that answers or does not."""

    def __init__(self, folder: Path, systemd: bool, more: str = "") -> None:
        self.folder = folder
        self.unit = folder / "config" / "systemd" / "user" / NAME
        self.config = folder / "config" / "dancenet" / "dancenet.toml"
        self.asked = folder / "asked"
        programs = folder / "bin"
        programs.mkdir()
        if systemd:
            script = programs / "systemctl"
            script.write_text(SYSTEMCTL.format(asked=self.asked, more=more))
            script.chmod(0o755)
        self.environment = {**NO_DISPLAY, "XDG_CONFIG_HOME": str(folder / "config"), "PATH": f"{programs}"}
        if systemd:
            self.environment["PATH"] += f":{os.environ['PATH']}"

    def configure(self, text: str = "fps = 30\n") -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(text)

    def service(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "engine", "service", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
        )

    def done(self) -> list[str]:
        return [line for line in self.asked.read_text().splitlines() if "show-environment" not in line]


def test_with_systemd_it_is_written_enabled_and_started_and_removed_again(tmp_path: Path) -> None:
    machine = Machine(tmp_path, systemd=True)
    machine.configure()
    installed = machine.service("install")
    assert installed.returncode == 0, installed.stderr
    assert f"--installation --config {machine.config}\n" in machine.unit.read_text()
    assert "Restart=always\n" in machine.unit.read_text()
    assert machine.done() == [
        "--user daemon-reload",
        "--user enable dancenet.service",
        "--user restart dancenet.service",
    ]
    assert "sudo loginctl enable-linger $USER" in installed.stdout
    status = machine.service("status")
    assert (status.returncode, status.stdout.splitlines()) == (
        0,
        [
            f"installed: {machine.unit}",
            "active, enabled; `journalctl --user -u dancenet.service` tells what it said",
        ],
    )
    assert machine.service("remove").stdout == f"{machine.unit}: removed\n"
    assert not machine.unit.exists()
    assert machine.done()[-2:] == ["--user disable --now dancenet.service", "--user daemon-reload"]


def test_without_systemd_it_is_written_and_what_to_run_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, systemd=False)
    machine.configure()
    installed = machine.service("install")
    assert installed.returncode == 0, installed.stderr
    assert machine.unit.exists()
    assert installed.stdout.splitlines() == [
        f"{machine.unit}: written",
        "no systemd answers here; where one does, run:",
        "  systemctl --user daemon-reload",
        "  systemctl --user enable dancenet.service",
        "  systemctl --user restart dancenet.service",
        "to start with the machine, before anybody logs in: sudo loginctl enable-linger $USER",
    ]
    status = machine.service("status")
    assert (status.returncode, status.stdout.splitlines()[1]) == (
        1,
        "no systemd answers here, so that nothing is known of whether it runs",
    )
    assert machine.service("remove").returncode == 0


def test_what_systemd_refuses_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, systemd=True, more='enable) echo "Failed to enable unit: no" >&2; exit 1 ;;')
    machine.configure()
    result = machine.service("install")
    assert (result.returncode, result.stderr) == (
        1,
        "dancenet: service: systemctl --user enable dancenet.service: Failed to enable unit: no\n",
    )


def test_options_that_are_wrong_or_missing_install_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, systemd=True)
    result = machine.service("install")
    assert (result.returncode, result.stderr) == (
        1,
        f"dancenet: service: {machine.config}: no such file; "
        f"`dancenet config > {machine.config}` writes one with every option\n",
    )
    machine.configure("fbs = 30\n")
    result = machine.service("install")
    assert result.returncode == 2
    assert "unknown option 'fbs'" in result.stderr
    assert not machine.unit.exists()


def test_a_service_that_is_not_installed_is_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, systemd=True)
    status, removed = machine.service("status"), machine.service("remove")
    assert (status.returncode, status.stdout) == (1, f"not installed: there is no {machine.unit}\n")
    assert (removed.returncode, removed.stderr) == (
        1,
        f"dancenet: service: {machine.unit}: no such file; nothing is installed\n",
    )
