"""Reads a picture from a file that may be a stranger's: the images of effects, and masks.

FFmpeg reads hundreds of formats, some of which name other files to be read; here it is given bytes, not a place on a
disk, tries formats of single pictures alone, and refuses one that is too large before it makes room for it.
"""

import errno
import io
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from engine.small_file import read_small

MOST_BYTES = 64 << 20
# An 8K screen's.
MOST_PIXELS = 7680 * 4320
FORMATS = "png", "jpeg", "bmp", "gif", "webp", "tiff", "dds", "psd", "exr", "j2k", "qoi", "pgm", "ppm"
# FFmpeg calls those of single pictures pipes; gif comes as a film too.
FORMAT_LIST = ",".join((*(f"{name}_pipe" for name in FORMATS), "gif", "apng"))


def read_image(path: Path, kind: str, most_pixels: int = MOST_PIXELS) -> NDArray[np.uint8]:
    """The first picture in a file as FFmpeg's pixel format `kind`: (height, width, channels), or (height, width).

    The top row comes first. Raises OSError, whose `strerror` says why.
    """
    data = read_small(path, MOST_BYTES)
    limit = {"max_pixels": str(most_pixels)}
    try:
        with av.open(io.BytesIO(data), "r", options={**limit, "format_whitelist": FORMAT_LIST}) as container:
            container.streams.video[0].codec_context.options = limit
            return next(container.decode(video=0)).to_ndarray(format=kind).astype(np.uint8)
    except (av.FFmpegError, ValueError, IndexError, StopIteration):
        reason = f"no picture of up to {most_pixels / 1e6:.0f} million pixels in it"
        raise OSError(errno.EINVAL, reason, str(path)) from None
