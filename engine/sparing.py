"""Few words: a line that comes again and again is said less and less often.

Owns how many lines that are alike have come: what repeats for weeks must not fill a log, and what is rare is always
said. The terminal, the log file and the watchdog all speak through it.
"""

import time
from collections.abc import Callable

# Each is said so often, then the 8th time, the 16th, ...
OFTEN = 4
# Seconds after which a line that has not come is new again.
FORGOTTEN = 3600.0
# Lines that are remembered; names of files and the like make new ones for ever.
MOST = 256


def sparing(
    say: Callable[[str], None],
    alike: Callable[[str], str] = str,
    now: Callable[[], float] = time.monotonic,
) -> Callable[[str], None]:
    """`say`, but of many lines only the first four, then the 8th, 16th, ... `alike` gives what lines have in common;
    they are the same ones, unless it says otherwise."""
    counts: dict[str, tuple[int, float]] = {}  # what is alike -> how often, and when last; the oldest first

    def speak(line: str) -> None:
        key, when = alike(line), now()
        count, last = counts.pop(key, (0, when))
        count = 1 if when - last > FORGOTTEN else count + 1
        counts[key] = count, when
        if len(counts) > MOST:
            del counts[next(iter(counts))]
        if count <= OFTEN or count & (count - 1) == 0:
            say(line if count <= OFTEN else f"{line} (the {count}th time)")

    return speak
