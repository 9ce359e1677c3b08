"""Footage -> clips of grey images at the dance's rate, kept in a cache on disk.

Reads any video FFmpeg reads, GIFs, folders of numbered images (`1.jpg`, `2.jpg`, ...) and motion capture. A clip's
images stay on disk, compressed: however long the footage is, memory stays small. What can't be read is named and left
out.
"""

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation

from training.clips import STEPS_A_SECOND, Clip
from training.frames import Frames, is_whole, write_frames
from training.look import AS_IT_IS, Look

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
VIDEO_ENDINGS = {
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".mts", ".gif",
}  # fmt: skip
CACHE_VERSION = 3  # raised when what a cached clip holds changes
FITS = ("crop", "pad")
CAPTURE_ENDING = ".bvh"


@dataclass
class Made:
    """A clip as the cache has it: `Part`'s words; the clip, None where refused; its take, and its first step in it."""

    name: str
    note: str
    refused: str | None
    clip: Clip | None
    take: list[Path]
    start: int


@dataclass
class Footage:
    """All usable clips, in order of their names; what was left out: (path, reason)."""

    clips: list[Clip]
    left_out: list[tuple[str, str]]
    made: list[Made] = field(default_factory=list)  # the clips, in order of the takes, and how each was made

    @property
    def notes(self) -> list[tuple[str, str]]:
        return sorted((made.name, made.note) for made in self.made)

    def summary(self) -> str:
        frames = sum(len(clip) for clip in self.clips)
        text = f"{len(self.clips)} clips, {frames} images, {frames / STEPS_A_SECOND / 60:.1f} minutes"
        styles = Counter(clip.style for clip in self.clips if clip.style)
        text += "".join(f"; {count} of style {style}" for style, count in styles.items())
        return text + (f"; {len(self.left_out)} left out" if self.left_out else "")


def cache_folder() -> Path:
    """Where decoded footage is kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    return Path(base) / "dancenet"


def natural(path: Path) -> list:
    """Sorting key by which 2.jpg comes before 10.jpg."""
    return [int(part) if part.isdigit() else part.lower() for part in re.split(r"(\d+)", path.name)]


def find_takes(paths: list[Path]) -> tuple[list[list[Path]], list[tuple[str, str]]]:
    """The takes of `paths`: a file is one, a folder's images are one, its videos and sub-folders each their own."""
    takes: list[list[Path]] = []
    left_out: list[tuple[str, str]] = []
    for path in paths:
        if path.is_file():
            takes.append([path])
        elif path.is_dir():
            entries = sorted((p for p in path.iterdir() if not p.name.startswith(".")), key=natural)
            images = [p for p in entries if p.suffix.lower() in IMAGE_ENDINGS]
            if images:
                takes.append(images)
            inner = [p for p in entries if p.is_dir() or p.suffix.lower() in {*VIDEO_ENDINGS, CAPTURE_ENDING}]
            found, problems = find_takes(inner)
            takes += found
            left_out += problems
            if not images and not inner:
                left_out.append((str(path), "no videos and no images in this folder"))
        else:
            left_out.append((str(path), "no such file or folder"))
    return takes, left_out


def fitted(frame: av.VideoFrame, aspect: Fraction, size: tuple[int, int], fit: str) -> np.ndarray:
    """One frame as (height, width) uint8 grey: turned as its metadata says, scaled, cropped or padded to `size`.

    aspect: width of one of its pixels by its height.
    """
    width, height = size
    quarter_turns = round(frame.rotation / 90) % 4
    shown_width, shown_height = float(frame.width * aspect), float(frame.height)
    target_width, target_height = (height, width) if quarter_turns % 2 else (width, height)
    choose = max if fit == "crop" else min
    scale = choose(target_width / shown_width, target_height / shown_height)
    scaled = max(round(shown_width * scale), 1), max(round(shown_height * scale), 1)
    grey = frame.to_ndarray(width=scaled[0], height=scaled[1], format="gray", interpolation=Interpolation.AREA)
    grey = np.rot90(grey, quarter_turns)
    # Crop what is too large, then pad what is too small with the level of the image's own border.
    top, left = max(grey.shape[0] - height, 0) // 2, max(grey.shape[1] - width, 0) // 2
    grey = grey[top : top + height, left : left + width]
    if grey.shape == (height, width):
        return grey
    border = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    padded = np.full((height, width), np.median(border), np.uint8)
    top, left = (height - grey.shape[0]) // 2, (width - grey.shape[1]) // 2
    padded[top : top + grey.shape[0], left : left + grey.shape[1]] = grey
    return padded


def video_steps(path: Path) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """At each step's time the frame that is on screen then, by the time stamps; and a pixel's width by its height."""
    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError("it has no video")
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        aspect = stream.sample_aspect_ratio or Fraction(1)
        shown, start, step, last_time = None, None, 0, Fraction(0)
        rate = stream.average_rate or Fraction(STEPS_A_SECOND)
        for frame in container.decode(stream):
            if frame.pts is None or frame.time_base is None:
                time = last_time + 1 / rate if start is not None else Fraction(0)
            else:
                time = frame.pts * frame.time_base
            start = time if start is None else start
            last_time = time
            while shown is not None and Fraction(step, STEPS_A_SECOND) < time - start:
                yield shown, aspect
                step += 1
            shown = frame
        # The last frame stays on screen for one frame's time.
        while shown is not None and start is not None and Fraction(step, STEPS_A_SECOND) < last_time - start + 1 / rate:
            yield shown, aspect
            step += 1


def still_steps(paths: list[Path]) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    """A folder's images, one a step."""
    for path in paths:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0), None)
            if frame is None:
                raise ValueError(f"{path.name} holds no image")
            yield frame, Fraction(1)


def take_steps(take: list[Path]) -> Iterator[tuple[av.VideoFrame, Fraction]]:
    single = len(take) == 1 and take[0].suffix.lower() not in IMAGE_ENDINGS
    return video_steps(take[0]) if single else still_steps(take)


def converted(
    steps: Iterable[tuple[av.VideoFrame, Fraction]], convert: Callable[[av.VideoFrame, Fraction], np.ndarray]
) -> Iterator[np.ndarray]:
    """Each step's frame as an array; one that stays on screen is converted once, one that is never seen not at all."""
    last, image = None, np.empty(0)
    for frame, aspect in steps:
        if frame is not last:
            last, image = frame, convert(frame, aspect)
        yield image


class Reader:
    """Reads a take's steps onwards, as `convert` makes arrays of them."""

    def __init__(self, take: list[Path], convert: Callable[[av.VideoFrame, Fraction], np.ndarray]) -> None:
        self.steps, self.convert, self.at = take_steps(take), convert, 0

    def read(self, start: int, stop: int | None) -> Iterator[np.ndarray]:
        """Steps `start` to `stop`, to the end if that is None; those before `start` that are left are passed over."""
        for _ in islice(self.steps, start - self.at):
            pass
        self.at = start if stop is None else stop
        return converted(islice(self.steps, None if stop is None else stop - start), self.convert)


@dataclass
class Part:
    """One clip that a take has. note: how it was made, for the one who waits; refused: why it is left out, or None."""

    name: str
    note: str
    images: Iterator[np.ndarray]
    refused: str | None = None
    start: int = 0  # the step of the take that it begins with


def parts(take: list[Path], size: tuple[int, int], fit: str, look: Look) -> Iterator[Part]:
    """A take's clips, in order; the images of each are to be read before the next is asked for."""
    name = (take[0] if len(take) == 1 else take[0].parent).stem
    if take[0].suffix.lower() == CAPTURE_ENDING:
        from training.bvh import read_bvh
        from training.silhouette import silhouettes

        capture = read_bvh(take[0])
        for angle in look.views:
            title = name if len(look.views) == 1 else f"{name}@{angle:g}"
            yield Part(title, f"motion capture, seen at {angle:g} degrees", silhouettes(capture, angle, size))
        return
    plain = Reader(take, lambda frame, aspect: fitted(frame, aspect, size, fit))
    if look.as_it_is():
        yield Part(name, "as it is", plain.read(0, None))
        return
    from training.shots import images, shots, working

    ahead, behind = Reader(take, working), Reader(take, working)
    for number, shot in enumerate(shots(ahead.read(0, None), look.matte, look.track, look.cuts), 1):
        title = name if number == 1 else f"{name}#{number:03}"
        if shot.matte is None:
            yield Part(title, "", iter(()), shot.refused, shot.start)
        elif shot.matte.cut is None:
            yield Part(title, str(shot.matte), plain.read(shot.start, shot.stop), start=shot.start)
        else:
            frames = behind.read(shot.start, shot.stop)
            yield Part(title, str(shot.matte), images(shot.matte, frames, size, fit, look.track), start=shot.start)


def cache_name(take: list[Path], size: tuple[int, int], fit: str, look: Look) -> str:
    """A name that changes when the files (path, size, time) or what is made of them change."""
    identity = [CACHE_VERSION, size, fit, STEPS_A_SECOND, look]
    for path in take:
        status = path.stat()
        identity += [str(path.resolve()), status.st_size, status.st_mtime_ns]
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:24]


def read_take(take: list[Path], size: tuple[int, int], fit: str, cache: Path, look: Look) -> list[Made]:
    """The take's clips, from the cache, or read into it where they are not whole there.

    Raises ValueError with the reason where they cannot be read.
    """
    key = cache_name(take, size, fit, look)
    index = cache / f"{key}.json"
    kept = _kept(index)
    if kept is None:
        kept = []
        try:
            for number, part in enumerate(parts(take, size, fit, look)):
                if not part.refused:
                    write_frames(cache / f"{key}.{number}", part.images, size)
                kept.append((part.name, part.note, part.refused, part.start))
        except av.FFmpegError as error:
            raise ValueError(f"not readable as video or images ({error.strerror})") from None
        if not kept:
            raise ValueError("it holds no images")
        unfinished = index.with_name(f"{index.name}.{os.getpid()}.part")
        unfinished.write_text(json.dumps(kept), encoding="utf-8")
        os.replace(unfinished, index)
    found = []
    for number, (name, note, refused, start) in enumerate(kept):
        clip = None if refused else Clip(name, Frames(cache / f"{key}.{number}"))
        found.append(Made(name, note, refused, clip, take, start))
    return found


Kept = list[tuple[str, str, str | None, int]]  # of each part of a take: name, note, refused, start


def _kept(index: Path) -> Kept | None:
    """What the cache has of a take; None where that is not whole."""
    try:
        kept = [
            (str(name), str(note), refused, int(start)) for name, note, refused, start in json.loads(index.read_text())
        ]
    except (OSError, ValueError, TypeError):
        return None
    folders = [index.with_name(f"{index.stem}.{number}") for number, part in enumerate(kept) if not part[2]]
    return kept if all(map(is_whole, folders)) else None


def read_footage(
    paths: list[Path],
    size: tuple[int, int],
    fit: str,
    cache: Path,
    progress: Callable[[list[list[Path]]], Iterator[list[Path]]] = iter,
    look: Look = AS_IT_IS,
) -> Footage:
    """Read all takes. Raises ValueError if nothing is usable, naming each file and its reason."""
    takes, left_out = find_takes(paths)
    cache.mkdir(parents=True, exist_ok=True)
    usable: list[Made] = []
    for take in progress(takes):
        source = take[0] if len(take) == 1 else take[0].parent
        try:
            for made in read_take(take, size, fit, cache, look):
                if made.clip is None:
                    left_out.append((f"{source}: {made.name}", str(made.refused)))
                else:
                    usable.append(made)
        except ValueError as error:
            left_out.append((str(source), str(error)))
    if not usable:
        reasons = "; ".join(f"{path}: {reason}" for path, reason in left_out)
        raise ValueError(f"no usable footage ({reasons or 'no files given'})")
    clips = [made.clip for made in usable if made.clip]
    return Footage(sorted(clips, key=lambda clip: clip.name), left_out, usable)
