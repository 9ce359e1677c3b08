"""The words of the command line as values: a reader takes a text and gives what it means, or says what is allowed."""

import argparse
import ipaddress
import math
import re
from collections.abc import Callable
from pathlib import Path

from engine.formats import IMAGES, STILL, VIDEOS, is_numbered
from engine.parameters import MOST_DANCERS, PARAMETERS, SIGNALS
from engine.routes import NUMBERS, Route
from engine.sources.hours import Opening

OSC_ADDRESS = "127.0.0.1:9010"
MOST_FPS = 240.0
LEAST_QUALITY = 0.1
REPORT = ".json"
ENDINGS = (*VIDEOS, STILL, IMAGES)


def count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def company(text: str) -> int:
    """How many dancers."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_DANCERS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number in 1..{MOST_DANCERS}")
    return int(text)


def number(text: str) -> float:
    """A finite number."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number")
    return value


def seconds(text: str) -> float:
    """A duration above 0."""
    value = number(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} seconds are not above 0")
    return value


def moment(text: str) -> float:
    """A time from the beginning, seconds, 0 or more."""
    value = number(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} seconds are below 0")
    return value


def between(low: float, high: float, what: str) -> Callable[[str], float]:
    """A reader of numbers from `low` to `high`; `what` begins the refusal of others."""

    def read(text: str) -> float:
        value = number(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} {what} not in {low:g}..{high:g}")
        return value

    return read


frame_rate = between(1, MOST_FPS, "frames a second are")
signals_rate = between(0, MOST_FPS, "times a second are")
share = between(LEAST_QUALITY, 1, "is")  # of the window's size


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """An address, or a network of them."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no network, such as 192.168.1.0/24 or 10.0.0.7") from None


def size(text: str) -> tuple[int, int]:
    """WxH in pixels, each 16 to 16384 (the least a window may be, the most a GPU draws)."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    if not match or not all(16 <= int(each) <= 16384 for each in match.groups()):
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH with both in 16..16384, such as 1280x720")
    return int(match[1]), int(match[2])


def existing(text: str) -> Path:
    """A file or a folder that is there."""
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no {text}")
    return path


def output(text: str) -> Path:
    """A file to render to; its ending says what, a report among it."""
    path = Path(text)
    if path.suffix == REPORT:
        return path
    if path.suffix not in ENDINGS:
        raise argparse.ArgumentTypeError(f"{text!r} ends in none of {', '.join(ENDINGS)}")
    if path.suffix == STILL and not is_numbered(path):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no one place for a number, as in frame_####.png or frame_%04d.png; "
            "`dancenet still` makes a single picture"
        )
    return path


def picture(text: str) -> Path:
    """A file for one picture."""
    path = Path(text)
    if path.suffix != STILL:
        raise argparse.ArgumentTypeError(f"{text!r} does not end in {STILL}")
    if is_numbered(path):
        raise argparse.ArgumentTypeError(f"{text!r} has a place for a number; `dancenet render` makes a sequence")
    return path


def folder(text: str) -> Path:
    """A folder that is there."""
    path = Path(text).expanduser()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is no folder")
    return path


def port(text: str) -> int:
    """A port of this computer."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 1 to 65535")
    return int(text)


def host_and_port(text: str) -> tuple[str, int]:
    """HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as {OSC_ADDRESS}")
    return host, int(port)


def opening(text: str) -> Opening:
    """[DAYS ]HH:MM-HH:MM."""
    try:
        return Opening.of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def setting(text: str) -> tuple[str, float]:
    """NAME=X; whether there is such a parameter is known once the bundle is open."""
    key, _, value = text.partition("=")
    return key, number(value)


def route(text: str) -> Route:
    """SIGNAL PARAMETER AMOUNT, and perhaps the other numbers of a route, in their order."""
    words = text.split()
    if not 3 <= len(words) <= 2 + len(NUMBERS):
        others = ", ".join(NUMBERS[1:])
        raise argparse.ArgumentTypeError(f"{text!r} is not SIGNAL PARAMETER AMOUNT, and perhaps {others}")
    signal, key, *numbers = words
    if signal not in {row.key for row in SIGNALS}:
        raise argparse.ArgumentTypeError(f"{text!r}: {signal!r} is no signal; `dancenet controls` lists them")
    return Route.made(signal, key, **dict(zip(NUMBERS, map(number, numbers), strict=False)))


def parameter(key: str) -> Callable[[str], float]:
    """A reader of the parameter's values, which refuses those out of its range."""
    row = next(each for each in PARAMETERS if each.key == key)

    def read(text: str) -> float:
        value = number(text)
        if not row.low <= value <= row.high or (row.integer and value != int(value)):
            kind = "a whole number" if row.integer else "a number"
            raise argparse.ArgumentTypeError(f"{text!r} is not {kind} in {row.low:.10g}..{row.high:.10g}")
        return value

    return read


# Readers whose values are places on a disk: in a file they are meant from where it lies.
PATHS = frozenset({Path, existing, folder, output, picture})
