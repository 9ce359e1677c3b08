"""Wakes the ear: `python -m engine.audio.waking ...` is `engine.audio.ear`, imported behind the show's back.

Its imports take a fifth of a second, most of it numpy's, and are made anew whenever a sound server died: beside a show
that draws on the same cores that was seen to cost frames.
"""

import os
import sys
import threading
from contextlib import suppress

# Of the thread that imports: a third of what the show's have, where they want the same core.
NICENESS = 5


def wake() -> None:
    """Imports what the ear is made of."""
    if sys.platform == "linux":  # where a thread has a niceness of its own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    import engine.audio.ear  # noqa: F401
    from engine.audio.decode import AudioError
    from engine.audio.inputs import sound

    with suppress(AudioError):  # the ear says so, too
        sound()


def main() -> None:
    """Hears or plays, as the arguments say."""
    waking = threading.Thread(target=wake)
    waking.start()
    waking.join()
    from engine.audio.ear import main as hear

    hear(sys.argv[1:])


if __name__ == "__main__":
    main()
