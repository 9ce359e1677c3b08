"""The effects at hand: the ISF files that ship and those in the performer's folders, read off the frame's thread.

Owns which file an effect is, its parameters, and one thread, which reads files again when they are saved. The name of
an effect is its file's; a file in a later folder shadows one of the same name before.
"""

import contextlib
import itertools
import math
import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.isf.errors import IsfError
from engine.isf.header import Header
from engine.isf.rows import rows
from engine.isf.source import SUFFIXES, VERTEX_SUFFIX, Source, effect_name, read
from engine.parameters import Parameter
from engine.scene_files import LONGEST_GOODBYE, stamp

LOOK_EVERY = 0.25
# Of each effect so many may be on at once.
COPIES = 3
# Files of all kinds that are looked at in a folder, and effects: each is compiled, and has parameters for every copy.
MOST_FILES, MOST_EFFECTS = 10_000, 512

Change = Source | IsfError | None  # what was read, what is wrong with it, or that it is gone
Seen = tuple[Path, tuple[tuple[int, int], ...]]  # a file; when it and those beside it changed, their sizes


def copies(name: str) -> tuple[str, ...]:
    """What the copies of an effect are called."""
    return (name, *(f"{name}_{number}" for number in range(2, COPIES + 1)))


def original(copy: str) -> str:
    """The effect that this is a copy of."""
    return re.sub(r"_\d+$", "", copy)


class EffectFiles:
    """The effects in `folders`. With `watch`, files that are saved are read again until `close`."""

    def __init__(self, folders: Sequence[Path], watch: bool = False) -> None:
        self._folders = folders
        self._seen: dict[str, Seen] = {}
        self._imports: dict[str, tuple[Path, ...]] = {}  # the images that an effect was read with
        self._too_full: set[Path] = set()
        self._forgotten: deque[str] = deque()
        self._gone: set[str] = set()  # files that were seen and are not there now
        self._changes: deque[tuple[str, Change]] = deque()
        self._closing = threading.Event()
        self._look()
        self.sources = {name: change for name, change in self._changes if isinstance(change, Source)}
        """The effects that could be read at first, by name."""
        self._thread = threading.Thread(target=self._watch, name="effects", daemon=True) if watch else None
        if self._thread:
            self._thread.start()

    @property
    def rows(self) -> tuple[Parameter, ...]:
        """The parameters of every copy of each of `sources`."""
        return tuple(
            row for name, source in self.sources.items() for copy in copies(name) for row in rows(copy, source.header)
        )

    @property
    def headers(self) -> dict[str, Header]:
        """What `sources` declare, by name."""
        return {name: source.header for name, source in self.sources.items()}

    def take_changes(self, most: int | None = None) -> list[tuple[str, Change]]:
        """What was read since this was last called, by name: everything at first, then what was saved; `most` of it.

        None for a file that is gone.
        """
        count = len(self._changes)
        return [self._changes.popleft() for _ in range(count if most is None else min(most, count))]

    def forget(self, name: str) -> None:
        """Reads the effect's file again if it comes back, though it be as it was: nobody kept anything of it."""
        self._forgotten.append(name)

    def close(self) -> None:
        """Ends the thread."""
        self._closing.set()
        if self._thread:
            self._thread.join(LONGEST_GOODBYE)

    def _watch(self) -> None:
        while not self._closing.wait(LOOK_EVERY):
            with contextlib.suppress(OSError):  # a folder went while we looked
                self._look()

    def _look(self) -> None:
        """Reads what is new or has changed. A file that is gone stays as it was: a stick pulled out ends no effect."""
        found: dict[str, Seen] = {}
        while self._forgotten:
            self._seen.pop(self._forgotten.popleft(), None)
        for folder in self._folders:
            files = list(itertools.islice(folder.rglob("*"), MOST_FILES + 1))
            effects = sorted(file for file in files if file.suffix.lower() in SUFFIXES)
            if (len(files) > MOST_FILES or len(effects) > MOST_EFFECTS) and folder not in self._too_full:
                self._too_full.add(folder)
                what = f"more than {MOST_FILES} files or {MOST_EFFECTS} effects; the rest is left out"
                self._changes.append((effect_name(folder), IsfError(f"{folder}: {what}")))
            for file in effects[:MOST_EFFECTS]:
                if states := _states((file, file.with_suffix(VERTEX_SUFFIX))):
                    found[effect_name(file)] = file, states
        for name, (file, states) in sorted(found.items()):
            if self._seen.get(name) != (file, states + _states(self._imports.get(name, ()))):
                effect = _read(file)
                if isinstance(effect, Source):
                    self._imports[name] = tuple(each for each in effect.files if each not in (file, effect.vertex_path))
                self._seen[name] = file, states + _states(self._imports.get(name, ()))
                self._changes.append((name, effect))
        gone = self._seen.keys() - found.keys()
        self._changes.extend((name, None) for name in sorted(gone - self._gone))
        self._gone = gone


def _read(file: Path) -> Source | IsfError:
    """The effect in a file, or what is wrong with it. Whatever a stranger's file holds, the thread goes on."""
    try:
        source = read(file)
        for row in rows(source.name, source.header):
            if not all(map(math.isfinite, (row.low, row.high, row.default))):
                return IsfError(f"{file}: {row.name.rpartition('/')[2]}: its default and range must be finite numbers")
    except IsfError as error:
        return error
    except OSError as error:
        return IsfError(f"{file}: {error.strerror}")
    except Exception as error:
        return IsfError(f"{file}: cannot be read ({type(error).__name__}: {error})")
    return source


def _states(files: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    """When files changed, and their sizes; nothing of those that are not there."""
    return tuple(state for state in map(stamp, files) if state)
