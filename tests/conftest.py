"""What every test can ask for: screens and GL contexts (tests/display.py) and a tiny bundle to dance with."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.fixtures.tiny_bundle import write_tiny_bundle

# Torch's threads spin while they wait for each other, and on a machine that is busy they wait for a turn that their own
# spinning takes: 38 tests took over 280 s beside a training, and 27 s like this. OpenMP reads it when torch loads it.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# onnxruntime's WebGPU may run on the software adapter that Debian's chromium brings. Read when its plugin is loaded.
os.environ.setdefault("ORT_WEBGPU_EP_ALLOW_SOFTWARE_ADAPTER", "1")
if (SWIFTSHADER := Path("/usr/lib/chromium/vk_swiftshader_icd.json")).exists():
    os.environ.setdefault("VK_ICD_FILENAMES", str(SWIFTSHADER))

# Nobody's own scenes and set-ups of monitors are read by tests, nor written. Nor is anybody's sound server listened to:
# a show tells which input it hears, where there is one.
for own in ("XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"):
    os.environ[own] = tempfile.mkdtemp(prefix="dancenet-tests-")
    atexit.register(shutil.rmtree, os.environ[own], ignore_errors=True)
for named in ("PULSE_SERVER", "PULSE_RUNTIME_PATH", "PIPEWIRE_REMOTE"):
    os.environ.pop(named, None)

pytest_plugins = ["tests.display"]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle whose disc dances; to be read only."""
    return write_tiny_bundle(tmp_path_factory.mktemp("tiny"))
