"""The ear: a process that hears an input, or plays a file, and writes what it hears, a line of JSON each time.

`python -m engine.audio.ear input WANTED` or `file PATH SECONDS` (where to begin). It is a process of its own because a
sound system can hang for good: with the daemon killed, PortAudio's close was seen to block for minutes and nothing in
the process could end it, while a process can always be killed. Nor does it take turns with the show for the
interpreter.

Lines are arrays: `["input", name, number, how many]`, `["none"]`, `["output", name]`, `["silent", why]`,
`["error", what]` (it tries again), `["missing", what]` (it gives up), `["end"]`, and `["heard", time, level, bass, low,
mid, high, onset, [time, bpm, phase, confidence] or null]`, with times in `time.perf_counter()` seconds, which the
processes of a machine share. `["sound", base64]` is what was heard last, as shaders take it (`Sound.packed`);
`["samples", time of the first, rate, base64]` are the samples, little-endian stereo of 16 bits, about 50 lines a
second, from when `samples` was written to its input, a line, until `enough` is.
"""

import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.audio.decode import CHANNELS, SONG_RATE, AudioError, Samples, blocks
from engine.audio.inputs import DEFAULT, choose, inputs, prepare, sound
from engine.audio.telling import ENOUGH, SAMPLES, Telling, write

# Samples of a block: a hop at 48 kHz. Blocks that wait for analysis, a second of them, before new ones are dropped.
BLOCK = 256
MOST_WAITING = 188

# Asked of the sound server, ms: its own choice is 200 and more.
SERVER_LATENCY = "20"
# Delays that a sound system claims beyond this, seconds, are its start-up's.
LONGEST_DELAY = 0.2

# Seconds between attempts to open an input that is not there.
AGAIN = 0.5
# A stream without a callback for this long is gone, seconds. While it starts, over its first blocks, it is given
# longer: two seconds were seen.
GONE, GONE_AT_START = 1.0, 4.0
FIRST_BLOCKS = 188
# An output is given as long at any time: after an underrun a sound server was seen to ask for nothing for two seconds.
GONE_OUTPUT = 4.0
# Channels that are listened to of an interface that has more.
MOST_CHANNELS = 2

BLOCKS_AHEAD = 32  # decoded ahead of the output: a sixth of a second

SAMPLES_ASKED = threading.Event()


def hear(wanted: str) -> None:
    """Listens to the input that `wanted` means, for ever; tries again while there is none."""
    try:
        library = sound()
    except AudioError as error:
        write("missing", str(error))
        return
    while True:
        try:
            if inputs() or wanted != DEFAULT:
                listen(library, wanted)
            else:
                write("none")
        except (AudioError, library.PortAudioError, ValueError) as error:
            write("error", str(error).partition("\n")[0])
        time.sleep(AGAIN)
        library._terminate()  # PortAudio's list of devices is made once; there is no public way to renew it
        library._initialize()


def listen(library: Any, wanted: str) -> None:
    """Listens until the stream ends, and the process with it. Raises AudioError and what PortAudio raises."""
    found = inputs()
    chosen = choose(found, wanted)
    prepare(chosen, wanted)
    heard: queue.Queue[tuple[float, NDArray[np.float32]]] = queue.Queue(MOST_WAITING)

    def take(block: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        age = min(max(times.currentTime - times.inputBufferAdcTime, 0.0), LONGEST_DELAY)
        if not heard.full():
            heard.put_nowait((time.perf_counter() - age, block.copy()))

    stream = library.InputStream(
        device=chosen.device, channels=min(chosen.channels, MOST_CHANNELS), samplerate=chosen.rate_hz,
        blocksize=BLOCK, latency="low", dtype="float32", callback=take,
    )  # fmt: skip
    with stream:
        telling = Telling(chosen.rate_hz, SAMPLES_ASKED)
        write("input", chosen.name, found.index(chosen) + 1, len(found))
        while True:
            try:
                began, block = heard.get(timeout=GONE if telling.fed > FIRST_BLOCKS * BLOCK else GONE_AT_START)
            except queue.Empty:
                os._exit(1)  # closing the stream may hang; a new process begins afresh
            telling.hear(block, began)


def play(path: str, start: float) -> None:
    """Plays a file from `start` seconds on, and hears it as it is heard; without an output, by the wall clock."""
    samples = Samples(blocks(path, SONG_RATE))
    telling = Telling(SONG_RATE, SAMPLES_ASKED)
    try:
        samples.take(round(start * SONG_RATE))
        samples.fill(BLOCK)  # an unreadable file is told before the output is opened
        for due, block in heard_blocks(samples):
            time.sleep(max(0.0, due - time.perf_counter()))
            telling.hear(block, due)
    except AudioError as error:
        write("missing", str(error))
        return
    write("end")


def heard_blocks(samples: Samples) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Blocks (n, 2), each with the time at which it is heard."""
    ready: queue.Queue[NDArray[np.float32]] = queue.Queue(BLOCKS_AHEAD)
    played: queue.Queue[tuple[float, NDArray[np.float32]]] = queue.Queue()

    def give(out: NDArray[np.float32], count: int, times: Any, status: Any) -> None:
        try:
            block = ready.get_nowait()
        except queue.Empty:
            out[:] = 0.0  # the decoder is late, or the file has ended
            return
        out[: len(block)], out[len(block) :] = block, 0.0
        delay = min(max(times.outputBufferDacTime - times.currentTime, 0.0), LONGEST_DELAY)
        played.put_nowait((time.perf_counter() + delay, block))

    stream = open_output(give)
    due = time.perf_counter()
    waiting = 0
    while True:
        block = samples.take(BLOCK)
        if stream is not None and len(block):
            ready.put(block)
            waiting += 1
        elif stream is None:
            if not len(block):
                return
            yield due, block
            due += len(block) / SONG_RATE
        while stream is not None and (waiting >= BLOCKS_AHEAD or (waiting and not len(block))):
            try:
                yield played.get(timeout=GONE_OUTPUT)
            except queue.Empty:
                os._exit(1)  # the output is gone
            waiting -= 1
        if stream is not None and not waiting and not len(block):
            return


def open_output(give: Any) -> Any:
    """The default output, playing what `give` gives; None, and a line about it, if there is none."""
    try:
        library = sound()
        stream = library.OutputStream(
            channels=CHANNELS, samplerate=SONG_RATE, blocksize=BLOCK, latency="low", dtype="float32", callback=give
        )
        stream.start()
    except Exception as error:  # AudioError, PortAudioError, ValueError: whatever it is, the dance goes on
        write("silent", f"plays without sound: {str(error).partition(chr(10))[0]}")
        return None
    write("output", "default output")
    return stream


def obey() -> None:
    """Gives samples as its input asks; ends this process when whoever started it is gone: the input ends then."""
    for line in sys.stdin.buffer:
        if line == SAMPLES:
            SAMPLES_ASKED.set()
        elif line == ENOUGH:
            SAMPLES_ASKED.clear()
    os._exit(0)


def main(arguments: list[str]) -> None:
    """Hears or plays, as the arguments say."""
    os.environ.setdefault("PULSE_LATENCY_MSEC", SERVER_LATENCY)
    threading.Thread(target=obey, daemon=True).start()
    if arguments[0] == "input":
        hear(arguments[1])
    else:
        play(arguments[1], float(arguments[2]))
    sys.stdout.flush()
    os._exit(0)  # PortAudio's own farewell may hang


if __name__ == "__main__":
    main(sys.argv[1:])
