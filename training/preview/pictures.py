"""The contact sheets and the video: what was filmed beside what would be learnt."""

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path

import av
import cv2
import numpy as np

from training.clips import STEPS_A_SECOND
from training.footage import CAPTURE_ENDING, Footage, Made, take_steps
from training.shots import working

Image = np.ndarray  # uint8

PANEL = 416, 240  # width, height of either side of the video
CAPTION = 26  # pixels of height
MOMENTS, PAGE = 6, 12  # pictures of a clip on a sheet, and clips a sheet
SECONDS, SECONDS_IN_ALL = 12.0, 240.0  # of a clip and of all in the video: it is to be watched, and soon there
GREY = 128


def write_pictures(footage: Footage, out: Path) -> list[Path]:
    """Write contact-1.png ... and preview.mp4 to the folder; their paths."""
    video = out / "preview.mp4"
    part = video.with_name("preview.part.mp4")
    seconds = min(SECONDS, max(SECONDS_IN_ALL / len(footage.made), 1.0))
    rows: list[Image] = []
    try:
        with av.open(str(part), "w") as container:
            stream = container.add_stream("libx264", rate=STEPS_A_SECOND)
            stream.width, stream.height, stream.pix_fmt = 2 * PANEL[0], PANEL[1] + CAPTION, "yuv420p"
            count = 0
            for made, moments in seen(footage, seconds):
                row: list[Image] = []
                for on_sheet, original, image in moments:
                    both = np.hstack([panel(original), panel(image)])
                    if on_sheet:
                        row.append(np.vstack([panel(original), panel(image)]))
                        continue
                    frame = av.VideoFrame.from_ndarray(captioned(both, f"{made.name}: {made.note}"), format="rgb24")
                    frame.pts, frame.time_base = count, Fraction(1, STEPS_A_SECOND)
                    count += 1
                    container.mux(stream.encode(frame.reformat(format="yuv420p")))
                strip = cv2.resize(np.hstack(row), (MOMENTS * 208, 240), interpolation=cv2.INTER_AREA)
                rows.append(captioned(strip.astype(np.uint8), f"{made.name}: {made.note}"))
            container.mux(stream.encode(None))
        os.replace(part, video)
    finally:
        part.unlink(missing_ok=True)
    written = [video]
    for number, start in enumerate(range(0, len(rows), PAGE), 1):
        path = out / f"contact-{number}.png"
        _write_png(path, np.vstack(rows[start : start + PAGE]))
        written.append(path)
    return written


Moments = Iterator[tuple[bool, Image | None, Image]]  # (for the sheet, what was filmed, what is learnt)


def seen(footage: Footage, seconds: float) -> Iterator[tuple[Made, Moments]]:
    """Each clip and its moments: `MOMENTS` for the sheet, and `seconds` of its middle for the video, as they come."""
    for take, group in groupby(footage.made, lambda made: made.take):
        capture = take[0].suffix.lower() == CAPTURE_ENDING
        steps = None if capture else enumerate(take_steps(take))
        for made in group:
            yield made, _moments(made, steps, seconds)


def _moments(made: Made, steps: Iterator | None, seconds: float) -> Moments:
    assert made.clip is not None
    length = len(made.clip)
    sheet = np.linspace(0, length - 1, MOMENTS).round().astype(int).tolist()
    first = max(length // 2 - round(seconds * STEPS_A_SECOND / 2), 0)
    shown = range(first, min(first + round(seconds * STEPS_A_SECOND), length))
    for index in sorted({*sheet, *shown}):
        original = None
        if steps is not None:
            frame, aspect = next(found for step, found in steps if step == made.start + index)
            original = working(frame, aspect)
        image = np.asarray(made.clip.frames[index])
        for _ in range(sheet.count(index)):
            yield True, original, image
        if index in shown:
            yield False, original, image


def panel(image: Image | None) -> Image:
    """(h, w, 3) or (h, w) fitted into a panel, on grey; a grey one without an image."""
    whole = np.full((PANEL[1], PANEL[0], 3), GREY, np.uint8)
    if image is None:
        return whole
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    scale = min(PANEL[0] / image.shape[1], PANEL[1] / image.shape[0])
    width, height = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    top, left = (PANEL[1] - height) // 2, (PANEL[0] - width) // 2
    whole[top : top + height, left : left + width] = small
    return whole


def captioned(image: Image, text: str) -> Image:
    """The image below a line of text."""
    line = np.full((CAPTION, image.shape[1], 3), 24, np.uint8)
    fits = max(int(image.shape[1] / 7.2), 4)
    text = text if len(text) <= fits else text[: fits - 3] + "..."
    plain = text.encode("ascii", "replace").decode()  # OpenCV's letters are these
    cv2.putText(line, plain, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, (235, 235, 235), 1, cv2.LINE_AA)
    return np.vstack([line, image])


def _write_png(path: Path, image: Image) -> None:
    _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    part = path.with_name(path.name + ".part")
    part.write_bytes(data.tobytes())
    os.replace(part, path)
