"""What it costs a live show that the sound server dies and comes back: late frames, and seconds until it hears again.

`python -m benchmarks.audio_loss` starts a PulseAudio daemon of its own with a null sink, has the show listen to its
monitor, kills the daemon, lets the show go on for a while, and starts it again.
"""

import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection

from benchmarks.show import RATE_HZ, describe, frames, introduce, live_show, measured, parser
from engine.commands.live import Live
from tests.sound_server import SoundServer

# Seconds of show between one event and the next.
PAUSE = 4.0


def serve(orders: Connection) -> None:
    """Keeps the daemon, in a process of its own as in life: kills and starts it as ordered, tells when it is up."""
    server = SoundServer()
    orders.send(time.perf_counter())
    while orders.recv() == "kill":
        server.kill()
        orders.recv()
        server.start()
        orders.send(time.perf_counter())
    server.kill()


def until_heard(stage: Live) -> list[float]:
    """Runs the show until it listens; what each frame was late by."""
    lateness: list[float] = []
    while not (stage.audio and stage.audio.name):
        lateness += frames(stage, 1)
    return lateness


def once(stage: Live, orders: Connection) -> tuple[list[float], float]:
    """Has the daemon killed and started: what each frame was late by, and the seconds from its answer to a sound."""
    orders.send("kill")
    lateness = frames(stage, round(PAUSE * RATE_HZ))
    orders.send("start")
    lateness += until_heard(stage)
    heard = time.perf_counter()
    lateness += frames(stage, round(PAUSE * RATE_HZ))
    return lateness, heard - orders.recv()


def main(argv: Sequence[str] | None = None) -> int:
    """Measures and prints; returns the exit code."""
    own = parser("audio_loss", __doc__)
    own.add_argument("--times", type=int, default=5, help="how often the daemon is killed (5)")
    options, show = own.parse_known_args(argv)

    def measure() -> None:
        context = multiprocessing.get_context("spawn")
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            os.environ["XDG_RUNTIME_DIR"] = folder
            orders, taken = context.Pipe()
            context.Process(target=serve, args=(taken,), daemon=True).start()
            stack.callback(orders.send, "end")
            orders.recv()
            stage = stack.enter_context(live_show([*show, "--audio", "vj"]))
            introduce(stage)
            until_heard(stage)
            print(f"before    {describe(frames(stage, round(PAUSE * RATE_HZ)))}")
            for _ in range(options.times):
                lateness, seconds = once(stage, orders)
                print(f"killed    {describe(lateness)}; heard {seconds:.1f} s after it was back")

    return measured("audio_loss", measure)


if __name__ == "__main__":
    sys.exit(main())
