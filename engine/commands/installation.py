"""An installation: a show that a supervisor keeps for months, on a monitor of its own, over a black curtain.

Owns the processes: the show, which is `dancenet` again with the same options, the curtain, and what keeps the computer
awake; and the file of the show's state. The supervisor (engine/supervisor.py) has the rules. This process opens no
window and no model, so that there is little in it that could fail.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path

import engine
from engine.commands.ending import Failure, stop_signals
from engine.commands.kept import MONITOR, RESTARTS
from engine.folders import state_folder
from engine.huge_pages import HUGE_PAGES
from engine.journal import Journal
from engine.leash import Kept
from engine.only_one import OnlyOne, Taken
from engine.scene_files import put
from engine.supervisor import Patience, Start, Supervisor

# Seconds between two tries to hang the curtain: twice as long each time, up to the second.
FIRST_TRY, LONGEST_TRY = 0.5, 5.0
# Of SetThreadExecutionState: until told otherwise, the system and the display are needed.
WINDOWS_AWAKE = 0x80000000 | 0x00000001 | 0x00000002

Say = Callable[[str], None]


def installation(options: argparse.Namespace, arguments: Sequence[str], patience: Patience | None = None) -> int:
    """Keeps the show that `options` ask for, as `arguments` had them; returns the exit code."""
    monitor = options.monitor or MONITOR
    try:
        lock = OnlyOne(state_folder() / f"monitor-{monitor}.lock")
        # What a file gives is kept for every start: one that is broken meanwhile must not end even safe mode.
        config = state_folder() / f"monitor-{monitor}.toml"
        put(config, options.of_file)
    except Taken:
        raise Failure(f"an installation plays on monitor {monitor} already; --monitor N is for another one") from None
    except OSError as error:
        raise Failure(f"{error.filename}: {error.strerror}") from None
    state = options.state or state_folder() / f"monitor-{monitor}.state"
    kept = ["--config", str(config), "--supervised", "--state", str(state)]
    journal = Journal(options.log_file) if options.log_file else None

    def say(line: str) -> None:
        print(f"dancenet: installation: {line}", file=sys.stderr, flush=True)
        if journal:
            journal.write(f"installation: {line}")

    with (
        closing(lock),
        journal or nullcontext(),
        stop_signals() as stopped,
        awake(say),
        closing(Hanging(monitor, say)) as curtain,
    ):

        def start(how: Start) -> Kept:
            if how is not Start.AS_IT_WAS:
                set_aside(state)
            command, environment = ours("engine", [*arguments, *kept, *(["--safe"] if how is Start.SAFE else [])])
            return Kept(command, {**environment, RESTARTS: str(supervisor.restarts)})

        def stopping() -> bool:
            curtain.look()
            return stopped()

        supervisor = Supervisor(start, say, stopping, time.monotonic, time.sleep, patience)
        code = supervisor.run()
        with suppress(OSError):
            state.unlink(missing_ok=True)  # what ended well begins anew
        return code


def ours(module: str, arguments: Sequence[str]) -> tuple[list[str], Mapping[str, str]]:
    """The command and the environment to run one of our modules, wherever they lie, and nobody else's."""
    lies_in = str(Path(engine.__file__).parent.parent)
    path = os.pathsep.join([lies_in, *filter(None, [os.environ.get("PYTHONPATH")])])
    return [sys.executable, "-P", "-m", module, *arguments], {**HUGE_PAGES, **os.environ, "PYTHONPATH": path}


def set_aside(state: Path) -> None:
    """A state that a show crashed with is not taken up; it is kept, for somebody to look at."""
    with suppress(OSError):
        os.replace(state, state.with_name(f"{state.name}.crashed"))


class Hanging:
    """The curtain's process, on Linux; hung again where it falls."""

    def __init__(self, monitor: int, say: Say) -> None:
        self._monitor = monitor
        self._process: Kept | None = None
        self._wait, self._next = FIRST_TRY, time.monotonic()
        self._there = sys.platform.startswith("linux")
        if self._there:
            self.look()
        else:
            say("there is no curtain on this system: have its desktop black")

    def look(self) -> None:
        """Hangs it where it does not hang."""
        if not self._there:
            return
        now = time.monotonic()
        if self._process is not None and self._process.code is not None:
            self._process.end()
            self._process, self._next = None, now + self._wait
            self._wait = min(2 * self._wait, LONGEST_TRY)
        if self._process is None and now >= self._next:
            self._process, self._next = Kept(*ours("engine.curtain", [str(self._monitor)])), now
        elif self._process is not None and now - self._next > 2 * LONGEST_TRY:
            self._wait = FIRST_TRY  # it has hung for a while

    def close(self) -> None:
        """Takes it down."""
        if self._process is not None:
            self._process.end()
            if self._process.wait(LONGEST_TRY) is None:
                self._process.kill()


@contextmanager
def awake(say: Say) -> Iterator[None]:
    """Keeps the computer and its screen awake; under X11 the curtain does."""
    if sys.platform == "darwin":
        # It ends with this process, however that ends.
        try:
            keeping = Kept(["caffeinate", "-d", "-i", "-w", str(os.getpid())])
        except OSError as error:
            say(f"caffeinate: {error.strerror}; the screen may go to sleep")
            yield
            return
        yield
        keeping.kill()
        return
    if sys.platform == "win32":
        import ctypes

        if not ctypes.windll.kernel32.SetThreadExecutionState(WINDOWS_AWAKE):  # Windows takes it back at our end
            say("Windows does not let the screen be kept awake")
    elif os.environ.get("WAYLAND_DISPLAY"):
        say("under Wayland the desktop's own settings say when the screen goes to sleep")
    yield
