"""What pictures can be written as: the codecs, which endings hold which, and how the files of a sequence are numbered.

Only names and numbers, so that the command line can tell what is allowed without loading FFmpeg.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Codec:
    """A way to encode a video: `name` as --codec takes it, `encoder` and `pixel_format` as FFmpeg has them.

    `endings` are those of the files that can hold it. A width and a height must be multiples of `multiples`; colour at
    half the size wants even ones. `tag` is what the video is called in .mp4 and .mov, where players insist.
    """

    name: str
    encoder: str
    endings: tuple[str, ...]
    pixel_format: str
    options: Mapping[str, str] = field(default_factory=dict)
    multiples: tuple[int, int] = (2, 2)
    alpha: bool = False
    tag: str = ""

    def refusal(self, size: tuple[int, int]) -> str:
        """Why it cannot hold pictures of `size` (width, height); empty where it can."""
        if self.fitted(size) == size:
            return ""
        even = "width and height" if self.multiples[1] > 1 else "width"
        return f"{size[0]}x{size[1]}: {self.name} wants an even {even}"

    def fitted(self, size: tuple[int, int]) -> tuple[int, int]:
        """The largest size within `size` (width, height) that it can hold."""
        return size[0] - size[0] % self.multiples[0], size[1] - size[1] % self.multiples[1]


# At these constant qualities a silhouette's edge shows no difference from the original. x265 tells its every setting
# on the terminal unless told not to; hvc1 is what Apple's players take H.265 by.
H264 = Codec("h264", "libx264", (".mp4", ".mov", ".mkv"), "yuv420p", {"crf": "18"})
CODECS = (
    H264,
    Codec(
        "h265", "libx265", (".mp4", ".mov", ".mkv"), "yuv420p",
        {"crf": "20", "x265-params": "log-level=error"}, tag="hvc1",
    ),
    Codec("vp9", "libvpx-vp9", (".webm", ".mp4", ".mkv"), "yuv420p", {"crf": "20", "b": "0", "row-mt": "1"}),
    Codec("av1", "libsvtav1", (".webm", ".mp4", ".mkv"), "yuv420p", {"crf": "22", "preset": "8"}),
    Codec("prores", "prores_ks", (".mov", ".mkv"), "yuv422p10le", {"profile": "hq"}, (2, 1)),
    Codec(
        "prores4444", "prores_ks", (".mov", ".mkv"), "yuva444p10le",
        {"profile": "4444", "alpha_bits": "16"}, (1, 1), alpha=True,
    ),
)  # fmt: skip
VIDEOS = (".mp4", ".mov", ".mkv", ".webm")
IMAGES, STILL = ".npy", ".png"

# A frame's number in the name of its file, as Blender (####) and FFmpeg (%05d, %d) write it.
NUMBER = re.compile(r"#+|%(?:0?(\d{1,2}))?d")
FIRST = 1
"""The number of a sequence's first frame, as those have it."""


def codec_for(ending: str, name: str | None = None) -> Codec:
    """The codec of this name, or the first, for files that end so. Raises ValueError with what is allowed."""
    held = [codec for codec in CODECS if ending in codec.endings]
    if not held:
        raise ValueError(f"a video's name ends in {', '.join(VIDEOS)}")
    if name is None:
        return held[0]
    for codec in held:
        if codec.name == name:
            return codec
    if name not in {codec.name for codec in CODECS}:
        raise ValueError(f"{name!r} is no codec; there are {', '.join(codec.name for codec in CODECS)}")
    raise ValueError(f"{ending} takes {', '.join(codec.name for codec in held)}; not {name}")


def is_numbered(path: Path) -> bool:
    """Whether a file's name has one place for a number."""
    return len(list(NUMBER.finditer(path.name))) == 1


def numbered(path: Path, number: int) -> Path:
    """The file of one frame of a sequence."""

    def digits(place: re.Match[str]) -> str:
        wide = int(place[1] or 1) if place[0].startswith("%") else len(place[0])
        return f"{number:0{wide}d}"

    return path.with_name(NUMBER.sub(digits, path.name))
