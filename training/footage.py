"""Footage -> clips of grey images at the dance's rate, kept in a cache on disk.

Reads any video FFmpeg reads, GIFs, and folders of numbered images (`1.jpg`, `2.jpg`, ...). A clip's images stay on
disk, compressed: however long the footage is, memory stays small. What can't be read is named and left out.
"""

import hashlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import Interpolation

from training.clips import STEPS_A_SECOND, Clip
from training.frames import Frames, is_whole, write_frames

IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
VIDEO_ENDINGS = {
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".mts", ".gif",
}  # fmt: skip
CACHE_VERSION = 2  # raised when what a cached clip holds changes
FITS = ("crop", "pad")


@dataclass
class Footage:
    """All usable clips, in order of their names, and what was left out: (path, reason)."""

    clips: list[Clip]
    left_out: list[tuple[str, str]]

    def summary(self) -> str:
        frames = sum(len(clip) for clip in self.clips)
        text = f"{len(self.clips)} clips, {frames} images, {frames / STEPS_A_SECOND / 60:.1f} minutes"
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
            inner = [p for p in entries if p.is_dir() or p.suffix.lower() in VIDEO_ENDINGS]
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


def video_images(path: Path, size: tuple[int, int], fit: str) -> Iterator[np.ndarray]:
    """Images at the dance's rate: at each step's time, the frame that is on screen then, by the time stamps."""
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
                yield shown
                step += 1
            # A frame that is replaced before the next step's time is never seen: do not scale it.
            shown = fitted(frame, aspect, size, fit)
        # The last frame stays on screen for one frame's time.
        while shown is not None and start is not None and Fraction(step, STEPS_A_SECOND) < last_time - start + 1 / rate:
            yield shown
            step += 1


def still_images(paths: list[Path], size: tuple[int, int], fit: str) -> Iterator[np.ndarray]:
    """A folder's images, one a step."""
    for path in paths:
        with av.open(str(path)) as container:
            frame = next(container.decode(video=0), None)
            if frame is None:
                raise ValueError(f"{path.name} holds no image")
            yield fitted(frame, Fraction(1), size, fit)


def cache_name(take: list[Path], size: tuple[int, int], fit: str) -> str:
    """A name that changes when the files (path, size, time) or what is made of them change."""
    identity = [CACHE_VERSION, size, fit, STEPS_A_SECOND]
    for path in take:
        status = path.stat()
        identity += [str(path.resolve()), status.st_size, status.st_mtime_ns]
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:24]


def read_take(take: list[Path], size: tuple[int, int], fit: str, cache: Path) -> Frames:
    """The take's images, from the cache, or read into it where they are not whole there.

    Raises ValueError with the reason where they cannot be read.
    """
    folder = cache / cache_name(take, size, fit)
    if not is_whole(folder):
        single = len(take) == 1 and take[0].suffix.lower() not in IMAGE_ENDINGS
        images = video_images(take[0], size, fit) if single else still_images(take, size, fit)
        try:
            write_frames(folder, images, size)
        except av.FFmpegError as error:
            raise ValueError(f"not readable as video or images ({error.strerror})") from None
    return Frames(folder)


def read_footage(
    paths: list[Path],
    size: tuple[int, int],
    fit: str,
    cache: Path,
    progress: Callable[[list[list[Path]]], Iterator[list[Path]]] = iter,
) -> Footage:
    """Read all takes. Raises ValueError if nothing is usable, naming each file and its reason."""
    takes, left_out = find_takes(paths)
    cache.mkdir(parents=True, exist_ok=True)
    clips = []
    for take in progress(takes):
        source = take[0] if len(take) == 1 else take[0].parent
        try:
            clips.append(Clip(source.stem, read_take(take, size, fit, cache)))
        except ValueError as error:
            left_out.append((str(source), str(error)))
    if not clips:
        reasons = "; ".join(f"{path}: {reason}" for path, reason in left_out)
        raise ValueError(f"no usable footage ({reasons or 'no files given'})")
    return Footage(sorted(clips, key=lambda clip: clip.name), left_out)
