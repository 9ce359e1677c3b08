"""What every test can ask for: screens and GL contexts (tests/display.py) and a tiny bundle to dance with."""

from pathlib import Path

import pytest

from tests.fixtures.tiny_bundle import write_tiny_bundle

pytest_plugins = ["tests.display"]


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bundle whose disc dances; to be read only."""
    return write_tiny_bundle(tmp_path_factory.mktemp("tiny"))
