"""A PulseAudio daemon of the test's own, with a null sink `vj` and another, which can be killed and begun again."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULES = [
    "module-native-protocol-unix",
    "module-null-sink sink_name=vj rate=48000",
    "module-null-sink sink_name=other",
]
# Seconds for the daemon to answer, on a machine that is busy.
PATIENCE = 30.0


class SoundServer:
    """The daemon; whatever the test starts finds it by the environment."""

    def __init__(self) -> None:
        self._daemon: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Begins the daemon and waits until it answers."""
        command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--log-target=null"]
        self._daemon = subprocess.Popen([*command, *(word for module in MODULES for word in ("-L", module))])
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(["pactl", "set-default-source", "vj.monitor"], capture_output=True).returncode:
            assert time.monotonic() < deadline, "pulseaudio does not answer"
            time.sleep(0.05)

    def kill(self) -> None:
        """Kills it, as a crash does."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()

    def hang(self) -> None:
        """Stops it from answering, until `wake`."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Lets it answer again."""
        assert self._daemon is not None
        self._daemon.send_signal(signal.SIGCONT)


@pytest.fixture
def sound_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A daemon that nothing else on the machine knows of."""
    if not all(shutil.which(program) for program in ("pulseaudio", "pactl", "paplay")):
        pytest.skip("needs pulseaudio and pulseaudio-utils")
    run = tmp_path / "run"
    run.mkdir(mode=0o700)
    (tmp_path / "client.conf").write_text("autospawn = no\n")
    for name, value in {
        "XDG_RUNTIME_DIR": run,
        "HOME": tmp_path,
        "PULSE_CLIENTCONFIG": tmp_path / "client.conf",
    }.items():
        monkeypatch.setenv(name, os.fspath(value))
    for name in ("PULSE_SERVER", "PULSE_SOURCE", "PULSE_SINK", "PULSE_RUNTIME_PATH"):
        monkeypatch.delenv(name, raising=False)
    server = SoundServer()
    yield server
    server.wake()
    server.kill()
