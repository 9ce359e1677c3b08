"""How soon a fresh process has the model's first frame, beside one that only imports onnxruntime.

As whoever starts the show finds it: compiled by Python when it was installed, or by the first start.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from engine.huge_pages import HUGE_PAGES

ROOT = Path(__file__).parent.parent
UNCOMPILED = "PYTHONDONTWRITEBYTECODE"  # set, it would have our modules compiled at every start, and theirs not
DONE = "done"
IMPORT = "import onnxruntime"
# As `dancenet` begins and the live show opens its dancer, and its first frame: the engine's own company of one.
FIRST_FRAME = """
import os
from engine import huge_pages
if huge_pages.are_to_be_had(os.environ):
    huge_pages.begin_anew()
from engine.bundle import open_bundle
from engine.squad import Squad
bundle = open_bundle({folder!r}, "cpu", 1, {precision!r})
squad = Squad(bundle, 1)
squad.latent[:] = bundle.bank[:1, 0]
squad.step({{}})
bundle.decode(squad.latent)
"""


def seconds_until_done(program: str) -> float:
    """Seconds from asking for a fresh Python until it has run `program`. Raises CalledProcessError where it fails."""
    command = [sys.executable, "-c", f"{program}\nprint({DONE!r}, flush=True)"]
    environment = {name: value for name, value in os.environ.items() if name not in (UNCOMPILED, *HUGE_PAGES)}
    begun = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        taken = time.perf_counter() - begun
        process.stdout.read()
    if line.strip() != DONE:
        raise subprocess.CalledProcessError(process.returncode, command)
    return taken
