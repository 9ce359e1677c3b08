"""What it costs a live show that the sound server dies and comes back: late frames, and seconds until it hears again.

`python -m benchmarks.audio_loss` starts a PulseAudio daemon of its own with a null sink, has the show listen to its
monitor, kills the daemon, lets the show go on for a while, and starts it again.
"""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack

from benchmarks.show import RATE_HZ, describe, frames, introduce, live_show, measured, parser
from engine.commands.live import Live
from tests.sound_server import SoundServer

# Seconds of show between one event and the next.
PAUSE = 4.0


def until_heard(stage: Live) -> list[float]:
    """Runs the show until it listens; what each frame was late by."""
    lateness: list[float] = []
    while not (stage.audio and stage.audio.name):
        lateness += frames(stage, 1)
    return lateness


def once(stage: Live, server: SoundServer) -> tuple[list[float], float]:
    """Kills the server and starts it again: what each frame was late by, and the seconds from its answer to a sound."""
    server.kill()
    lateness = frames(stage, round(PAUSE * RATE_HZ))
    back: list[float] = []

    def restart() -> None:
        server.start()
        back.append(time.perf_counter())

    thread = threading.Thread(target=restart)
    thread.start()
    lateness += until_heard(stage)
    heard = time.perf_counter()
    thread.join()
    return lateness + frames(stage, round(PAUSE * RATE_HZ)), heard - back[0]


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("audio_loss", __doc__)
    own.add_argument("--times", type=int, default=5, help="how often the daemon is killed (5)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["XDG_RUNTIME_DIR"] = folder
            server = SoundServer()
            with ExitStack() as stack:
                stack.callback(server.kill)
                stage = stack.enter_context(live_show([*show, "--audio", "vj"]))
                introduce(stage)
                until_heard(stage)
                print(f"before    {describe(frames(stage, round(PAUSE * RATE_HZ)))}")
                for _ in range(options.times):
                    lateness, seconds = once(stage, server)
                    print(f"killed    {describe(lateness)}; heard {seconds:.1f} s after it was back")

    return measured("audio_loss", measure)


if __name__ == "__main__":
    sys.exit(main())
