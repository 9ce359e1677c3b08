"""Screens and GL contexts for tests: a private X server, and a context that needs no screen.

A pytest plugin: `conftest.py` names it once (`pytest_plugins = ["tests.display"]`, or `from tests.display import *`
where tests are not a package) and every test can ask for `x_display` or `context`.
"""

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import moderngl
import numpy as np
import pytest
from numpy.typing import NDArray

SCREEN = (1920, 1080)


@dataclass(frozen=True)
class Screen:
    """A running X server: its display's name, such as ":3", and what can be seen on it."""

    name: str
    memory: Path

    def pixels(self) -> NDArray[np.uint8]:
        """What the screen shows, (height, width, 3), top row first: the server's own memory, in the form of xwd."""
        data = self.memory.read_bytes()
        header = struct.unpack_from(">25I", data)
        width, height, bits, line, colours = header[4], header[5], header[11], header[12], header[19]
        assert bits == 32
        start = header[0] + colours * 12  # after the header and the colour map
        rows = np.frombuffer(data, np.uint8, height * line, start).reshape(height, line)
        return rows[:, : width * 4].reshape(height, width, 4)[..., 2::-1].copy()


@contextmanager
def x_server(size: tuple[int, int] = SCREEN, name: str = "") -> Iterator[Screen]:
    """An Xvfb of its own, on the display of that name, or on one that the server picks."""
    if shutil.which("Xvfb") is None:
        raise FileNotFoundError("Xvfb: not found; the tests draw in real windows (apt-get install xvfb libgl1)")
    with tempfile.TemporaryDirectory() as folder:
        reading, writing = os.pipe()
        command = ["Xvfb", *([name] if name else []), "-displayfd", str(writing)]
        command += ["-screen", "0", f"{size[0]}x{size[1]}x24"]
        server = subprocess.Popen(
            [*command, "-fbdir", folder, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            with os.fdopen(reading) as announced:
                number = announced.readline().strip()  # the server writes it once it takes connections
            if not number:
                raise RuntimeError(f"Xvfb: exited with {server.wait()} before it opened a display")
            yield Screen(f":{number}", Path(folder) / "Xvfb_screen0")
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def x_display() -> Iterator[Screen]:
    """The tests' screen, 1920x1080, without a window manager. `DISPLAY` names it for child processes too."""
    with pytest.MonkeyPatch.context() as patch, x_server() as screen:
        patch.setenv("DISPLAY", screen.name)
        yield screen


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    """A GL context without a screen, current until the test ends: a window's cannot be made beside it."""
    context = moderngl.create_context(standalone=True, backend="egl", require=330)  # type: ignore[arg-type]
    with context:
        yield context
    context.release()
