"""Those who play while a show is soaked: music, and somebody at the faders. `python -m benchmarks.soak.playing PORT`.

Owns what is ordinary; harm is done elsewhere (faults.py). The player is a process of its own, as in life, and does the
same again for a seed.
"""

import math
import random
import socket
import subprocess
import sys
import threading
import time
import wave
from pathlib import Path

import numpy as np

from benchmarks.beats import RATE, drums
from engine.sources.osc_packets import build

LOOPBACK = "127.0.0.1"
# Times a second that the player moves something.
MOVES = 50
SONG_SECONDS = 120.0
SCENES = ("solo", "calm", "canon", "mirror", "print", "stars", "chalk")


def write_song(path: Path, seed: int) -> None:
    """Two minutes of a drum machine, in three patterns and tempi."""
    chance = np.random.Generator(np.random.PCG64(seed))
    bars = (("rock", 120.0), ("house", 126.0), ("hip-hop", 92.0))
    parts = [drums(pattern, bpm, SONG_SECONDS / len(bars), chance)[0] for pattern, bpm in bars]
    samples = np.clip(np.concatenate(parts), -1, 1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


class Music:
    """Plays a song again and again to the sound server, whenever there is one, until `close`."""

    def __init__(self, song: Path) -> None:
        self._song = song
        self._closing = threading.Event()
        self._player: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._work, name="music", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        if self._player is not None:
            self._player.terminate()
        self._thread.join()

    def _work(self) -> None:
        command = ["paplay", "--latency-msec=60", "--device=vj", str(self._song)]
        while not self._closing.wait(0.5):
            self._player = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self._player.wait()


def play(port: int, seed: int) -> None:
    """Plays for ever: faders in slow waves, taps, scenes, a company that comes and goes, questions, a subscription."""
    chance = random.Random(seed)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hand:
        hand.bind((LOOPBACK, 0))
        hand.setblocking(False)
        own = hand.getsockname()[1]

        def send(key: str, *values: float | str) -> None:
            hand.sendto(build(f"/dancenet/{key}", *values), (LOOPBACK, port))

        began = time.monotonic()
        for move in range(sys.maxsize):
            now = move / MOVES
            send("dance/temperature", 0.9 + 0.2 * math.sin(now / 7))
            send("fx/bloom/amount", 0.5 + 0.4 * math.sin(now / 3))
            if move % (MOVES // 2) == 0:
                send("tempo/tap")
            if move % (2 * MOVES) == 0:
                send("dance/*", "?", own)
            if move % (13 * MOVES) == 0:
                send("dance/speed", chance.uniform(0.6, 1.4))
            if move % (17 * MOVES) == 0:
                send("scene/recall", chance.choice(SCENES), chance.choice((0.0, 0.5, 2.0)))
            if move % (23 * MOVES) == 0:
                send("dance/dancers", float(chance.randint(1, 4)))
            if move % (30 * MOVES) == 0:
                send("subscribe", own)
            try:
                while True:
                    hand.recv(65536)
            except (BlockingIOError, ConnectionError):
                pass
            time.sleep(max(0.0, began + now + 1 / MOVES - time.monotonic()))


if __name__ == "__main__":
    print("plays", flush=True)  # what it is made of is imported, which took a core for a while
    play(int(sys.argv[1]), int(sys.argv[2]))
