"""What every test can ask for: see tests/display.py for screens and GL contexts."""

pytest_plugins = ["tests.display"]
