"""A bundle in one file, NAME.dancer, that can be mailed: a zip of the bundle's own files and nothing else.

Owns what such a file may hold. It comes from strangers: what it says of itself is checked, names, kinds and sizes,
before anything of it is unpacked, and it can be unpacked nowhere but into a new folder.
"""

import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from engine.bundle import FILES, ROUNDED, graph_file
from engine.folders import state_folder
from engine.metadata import FILE, INT8, BundleError

SUFFIX = ".dancer"
NAMES = (FILE, *FILES, *(graph_file(name, INT8) for name in ROUNDED))
# Bytes. What the article's sizes take in float32 is 70 million; texts are read whole.
MOST, MOST_OF_A_TEXT = 1 << 30, 1 << 20
TEXTS = (".json", ".md")
CHUNK = 1 << 20
FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # of every file in it, so that the same bundle gives the same bytes


def pack(folder: Path, file: Path) -> None:
    """Writes the bundle's files in `folder` into `file`, which is there only once it is whole."""
    partial = file.with_name(f".{file.name}.{os.getpid()}.partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in NAMES:
                if (folder / name).is_file():
                    entry = zipfile.ZipInfo(name, FIRST_DATE)
                    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (stat.S_IFREG | 0o644) << 16
                    entry.file_size = (folder / name).stat().st_size
                    with (folder / name).open("rb") as source, archive.open(entry, "w") as target:
                        shutil.copyfileobj(source, target, CHUNK)
        partial.replace(file)
    except OSError as error:
        raise BundleError(f"{file}: cannot be written ({error.strerror})") from None
    finally:
        partial.unlink(missing_ok=True)


def unpack(file: Path, folder: Path) -> None:
    """Unpacks `file` into `folder`, which must not be there yet, whole or not at all. Raises BundleError."""
    if folder.exists():
        raise BundleError(f"{folder}: is there already; a dancer is unpacked into a new folder")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = _checked(file, archive)
            partial.mkdir(parents=True)
            for entry in entries:
                _write(file, archive, entry, partial / entry.filename)
        partial.replace(folder)
    except OSError as error:
        where = error.filename or file
        raise BundleError(f"{where}: {error.strerror or error}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, NotImplementedError) as error:
        raise BundleError(f"{file}: not a readable {SUFFIX} file ({error})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def unpacked(file: Path, kept: Path | None = None) -> Path:
    """The folder of the bundle in `file`, unpacked when it is first asked for, below `kept`: where a show keeps things.

    Raises BundleError.
    """
    if file.suffix != SUFFIX or not file.is_file():
        raise BundleError(f"{file}: no bundle there; a bundle is a folder with {FILE}, or a file that ends in {SUFFIX}")
    status = file.stat()
    identity = f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"
    folder = (kept or state_folder() / "dancers") / hashlib.sha256(identity.encode()).hexdigest()[:24]
    if not folder.is_dir():
        unpack(file, folder)
    return folder


def _checked(file: Path, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """What is in the archive, if all of it may be unpacked."""
    entries, seen, room = archive.infolist(), set(), MOST
    for entry in entries:
        name, size = entry.filename, entry.file_size
        if name not in NAMES or name in seen:
            raise BundleError(f"{file}: holds {name[:60]!r}; a {SUFFIX} file holds once each {', '.join(NAMES)}")
        seen.add(name)
        if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BundleError(f"{file}: {name} is no plain file; a {SUFFIX} file holds nothing else")
        most = min(room, MOST_OF_A_TEXT) if name.endswith(TEXTS) else room
        if size > most:
            raise BundleError(f"{file}: {name} takes {size} bytes; at most {most} are allowed")
        room -= size
    if FILE not in seen:
        raise BundleError(f"{file}: holds no {FILE}; every bundle does")
    return entries


def _write(file: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    """One file, in no more bytes than it was said to take."""
    with archive.open(entry) as source, target.open("xb") as written:
        shutil.copyfileobj(source, written, CHUNK)
    if target.stat().st_size != entry.file_size:
        raise BundleError(f"{file}: {entry.filename} is cut short")
