"""The show, and what it stands on, come to harm: README.md says what was done, what must follow, and what sees it.

Those marked `slow` are run by `make test-faults` alone.
"""

import os

import pytest

slow = pytest.mark.skipif("DANCENET_FAULTS" not in os.environ, reason="takes long; `make test-faults` runs it")
