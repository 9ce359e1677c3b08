"""Screens and GL contexts for tests: a private X server, and a context that needs no screen.

A pytest plugin: `conftest.py` names it once (`pytest_plugins = ["tests.display"]`, or `from tests.display import *`
where tests are not a package) and every test can ask for `x_display` or `context`.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import moderngl
import pytest

SCREEN = (1920, 1080)


@contextmanager
def x_server(size: tuple[int, int] = SCREEN) -> Iterator[str]:
    """An Xvfb of its own, on a display number the server picks; yields its name, such as ":3"."""
    if shutil.which("Xvfb") is None:
        raise FileNotFoundError("Xvfb: not found; the tests draw in real windows (apt-get install xvfb libgl1)")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size[0]}x{size[1]}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as announced:
            number = announced.readline().strip()  # the server writes it once it takes connections
        if not number:
            raise RuntimeError(f"Xvfb: exited with {server.wait()} before it opened a display")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """The tests' screen, 1920x1080, without a window manager. `DISPLAY` names it for child processes too."""
    before = os.environ.get("DISPLAY")
    with x_server() as name:
        os.environ["DISPLAY"] = name
        yield name
    if before is None:
        del os.environ["DISPLAY"]
    else:
        os.environ["DISPLAY"] = before


@pytest.fixture
def context() -> Iterator[moderngl.Context]:
    """A GL context without a screen."""
    context = moderngl.create_context(standalone=True, backend="egl", require=330)  # type: ignore[arg-type]
    yield context
    context.release()
