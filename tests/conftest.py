"""What every test can ask for: see tests/display.py for screens and GL contexts."""

import os

# Torch's threads spin while they wait for each other, and on a machine that is busy they wait for a turn that their own
# spinning takes: 38 tests took over 280 s beside a training, and 27 s like this. OpenMP reads it when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

pytest_plugins = ["tests.display"]
