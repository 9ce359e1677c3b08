"""The harm that is done to a show while it is soaked: what, when, and how it is undone.

Owns the list and the order of it, which a seed decides. Whatever is done is undone before the next.
"""

import os
import random
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from benchmarks.soak.judging import SETTLED
from benchmarks.soak.venue import SCENE, SIZE, Venue
from engine.sources.osc_packets import AT_ONCE, BUNDLE, build

LOOPBACK = "127.0.0.1"
# Seconds that something stays broken, and that a burst lasts.
BROKEN, BURST = 3.0, 2.0
# Datagrams a second of a burst, and so many at once.
FLOOD, AT_A_TIME = 5000, 10
LOWER = (1024, 576)
# Seconds in which the small disk is full, as a rule.
FILLED = 20.0
# Seconds. A long soak does all deadly harm by KILLED, and all other once by SETTLED, when memory is to be where it
# stays; from there on it does other harm by chance, one every RATHER, and deadly harm again at the very END.
LONG, BEGIN, KILLED, RATHER, END = 600.0, 20.0, 100.0, 16.0, 60.0
# What harm takes with the show's recovery, as a rule: a short soak does what there is time for.
TAKES = 10.0


@dataclass(frozen=True)
class Fault:
    """Harm: `do` does it and undoes it. `cannot` tells why it cannot be done at a venue; empty where it can."""

    name: str
    do: Callable[[Venue, random.Random], None]
    deadly: bool = False
    cannot: Callable[[Venue], str] = lambda venue: ""


def schedule(seconds: float, seed: int, faults: Sequence[Fault], only: Sequence[str] = ()) -> list[tuple[float, Fault]]:
    """When each is done in a soak of `seconds`; of `only` these names, each again and again."""
    chance = random.Random(seed)
    if only:
        some = [fault for fault in faults if fault.name in only]
        count = int((seconds - BEGIN) / RATHER) if some else 0  # what cannot be done here is told
        return spread([chance.choice(some) for _ in range(count)], BEGIN, seconds, chance)
    deadly, other = ([f for f in faults if f.deadly is such] for such in (True, False))
    chance.shuffle(deadly)
    chance.shuffle(other)
    if seconds < LONG:
        some = [*deadly[:1], *other, *deadly[1:]][: int(seconds / TAKES)]
        return spread(some, BEGIN / 2, seconds - TAKES, chance)
    more = int((seconds - END - SETTLED) / RATHER)
    return [
        *spread(deadly, BEGIN, KILLED, chance),
        *spread(other, KILLED, SETTLED, chance),
        *spread([chance.choice(other) for _ in range(more)], SETTLED, seconds - END, chance),
        *spread([chance.choice(deadly)], seconds - END, seconds - END / 2, chance),
    ]


def spread(faults: Sequence[Fault], begin: float, end: float, chance: random.Random) -> list[tuple[float, Fault]]:
    """One after the other from `begin` to `end`, each at some moment of its share of the time."""
    share = (end - begin) / max(1, len(faults))
    return [(begin + share * (place + chance.uniform(0, 0.4)), fault) for place, fault in enumerate(faults)]


def kill(venue: Venue, chance: random.Random) -> None:
    hit(venue.installation.show, signal.SIGKILL)


def hang(venue: Venue, chance: random.Random) -> None:
    hit(venue.installation.show, signal.SIGSTOP)


def kill_curtain(venue: Venue, chance: random.Random) -> None:
    hit(venue.installation.curtain, signal.SIGKILL)


def hit(pid: int, number: signal.Signals) -> None:
    """Sends a process a signal; 0, which stands for one that is not there, would be our own whole group."""
    if pid:
        os.kill(pid, number)


def kill_sound(venue: Venue, chance: random.Random) -> None:
    venue.sound.kill()
    time.sleep(BROKEN)
    venue.sound.start()


def hang_sound(venue: Venue, chance: random.Random) -> None:
    venue.sound.hang()
    time.sleep(BROKEN)
    venue.sound.wake()


def flood(venue: Venue, chance: random.Random) -> None:
    send_many(venue, lambda: build("/dancenet/dance/temperature", chance.uniform(0.5, 1.5)))


def garbage(venue: Venue, chance: random.Random) -> None:
    send_many(venue, lambda: rubbish(chance))


def rubbish(chance: random.Random) -> bytes:
    """A datagram that nobody should send."""
    message = build("/dancenet/dance/speed", float("nan"))
    return chance.choice(
        (
            chance.randbytes(chance.randint(0, 200)),
            message[: chance.randint(0, len(message))],
            message,
            build("/dancenet/dance/temperature", "hot"),
            build(f"/dancenet/{chance.randint(0, 9999)}", 1.0),
            (BUNDLE + AT_ONCE + struct.pack(">i", 16)) * chance.randint(1, 200),
            BUNDLE + b"\xff" * 8 + struct.pack(">i", len(message)) + message,
        )
    )


def subscribe(venue: Venue, chance: random.Random) -> None:
    """Clients come, subscribe and are gone."""
    for _ in range(20):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((LOOPBACK, 0))
            client.sendto(build("/dancenet/subscribe", client.getsockname()[1]), (LOOPBACK, venue.installation.port))


def break_effect(venue: Venue, chance: random.Random) -> None:
    text = venue.effect.read_text()
    venue.send("scene/recall", SCENE, 0.0)
    time.sleep(1.0)
    venue.effect.write_text(text[: chance.randint(1, len(text) - 1)])
    time.sleep(BROKEN)
    venue.effect.write_text(text)


def break_scene(venue: Venue, chance: random.Random) -> None:
    text = venue.scene.read_text()
    venue.scene.write_text(text.replace("]", "", 1))
    time.sleep(BROKEN)
    venue.send("scene/recall", SCENE, 0.5)
    time.sleep(BROKEN)
    venue.scene.write_text(text)


def change_model(venue: Venue, chance: random.Random) -> None:
    venue.send("model/next")
    time.sleep(BROKEN)


def swap_model(venue: Venue, chance: random.Random) -> None:
    """The files of both models are others for a while; what dances has long read its own."""
    for model in venue.models:
        os.replace(model / "step.onnx", model / "step.kept")
        (model / "step.onnx").write_bytes(chance.randbytes(100_000))
    time.sleep(BROKEN)
    for model in venue.models:
        os.replace(model / "step.kept", model / "step.onnx")


def change_mode(venue: Venue, chance: random.Random) -> None:
    environment = {**os.environ, "DISPLAY": venue.screen.name}

    def xrandr(*words: str) -> None:
        subprocess.run(["xrandr", *words], env=environment, check=False, stderr=subprocess.DEVNULL)

    width, height = map(str, LOWER)
    name = "x".join((width, height))
    xrandr("--newmode", name, "0", *[width] * 4, *[height] * 4)
    xrandr("--addmode", "screen", name)
    xrandr("--output", "screen", "--mode", name)
    time.sleep(BROKEN)
    xrandr("--output", "screen", "--mode", "x".join(map(str, SIZE)))


def fill_disk(venue: Venue, chance: random.Random) -> None:
    """Records until the disk is full, which ends it, or for long enough."""
    before = ended(venue)
    venue.send("picture/record")
    deadline = time.monotonic() + FILLED
    while ended(venue) == before and time.monotonic() < deadline:
        time.sleep(0.1)
    if ended(venue) == before:
        venue.send("picture/record")
        time.sleep(BROKEN)
    for film in venue.films.iterdir():
        with suppress(OSError):
            film.unlink()


def ended(venue: Venue) -> int:
    """How many recordings have ended, as the show says."""
    lines = venue.installation.said.splitlines()
    return sum(line.startswith(("dancenet: recorded ", "dancenet: recording /")) for line in lines)


def send_many(venue: Venue, datagram: Callable[[], bytes]) -> None:
    """A burst."""
    began = time.monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for burst in range(int(BURST * FLOOD / AT_A_TIME)):
            for _ in range(AT_A_TIME):
                sender.sendto(datagram(), (LOOPBACK, venue.installation.port))
            time.sleep(max(0.0, began + (burst + 1) * AT_A_TIME / FLOOD - time.monotonic()))


def not_ours(venue: Venue) -> str:
    return "" if venue.own_screen else "the display is not the soak's own"


def no_small_disk(venue: Venue) -> str:
    return "" if venue.small_disk else "a small disk takes root and Linux"


FAULTS = (
    Fault("killed", kill, deadly=True),
    Fault("hung", hang, deadly=True),
    Fault("curtain killed", kill_curtain),
    Fault("sound server killed", kill_sound),
    Fault("sound server hung", hang_sound),
    Fault("OSC flood", flood),
    Fault("OSC garbage", garbage),
    Fault("subscribers gone", subscribe),
    Fault("effect broken", break_effect),
    Fault("scene broken", break_scene),
    Fault("model changed", change_model),
    Fault("model files swapped", swap_model),
    Fault("display's mode changed", change_mode, cannot=not_ours),
    Fault("disk full", fill_disk, cannot=no_small_disk),
)
