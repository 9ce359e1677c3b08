"""Latents decoded: `dancenet decode` shows a file of them as the decoder does, image by image, without effects."""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.commands.ending import FINE, Failure, complain, stop_signals
from engine.commands.opening import model_folders, open_folder
from engine.commands.render import check_folder
from engine.formats import IMAGES
from engine.latents import LatentsError, open_latents
from engine.providers import OFFLINE_THREADS
from engine.render import progress_bar
from engine.sinks.recorder import ImageRecorder, Recorder, RecordingError
from engine.sinks.video import VideoRecorder

AT_ONCE = 32


class Shown:
    """One decoded image as recorders take a picture: `images` (1, height, width) uint8, or grey in colours."""

    def __init__(self, image: NDArray[np.uint8]) -> None:
        self.images = image[None]

    def read(self, alpha: bool = False) -> NDArray[np.uint8]:
        """(height, width, 3), or 4 with `alpha`, which is whole everywhere."""
        colours = np.repeat(self.images[0][..., None], 4 if alpha else 3, axis=2)
        if alpha:
            colours[..., 3] = 255
        return colours


def decode(options: argparse.Namespace) -> int:
    """Decodes `options.latents` to a video or an array of the decoder's own images."""
    check_folder(options.out)
    bundle = open_folder(model_folders([options.model] if options.model else [])[0], options, OFFLINE_THREADS, complain)
    try:
        latents = open_latents(options.latents, bundle.metadata.latent_size)
    except LatentsError as error:
        raise Failure(str(error)) from None
    rate = bundle.metadata.steps_a_second
    recorder = new_recorder(options.out, bundle.metadata.image_size, rate)
    try:
        with stop_signals() as stopped, progress_bar(f"{options.out}", len(latents)) as progress:
            for start in range(0, len(latents), AT_ONCE):
                for image in bundle.decode(np.array(latents[start : start + AT_ONCE], np.float32)):
                    if stopped():
                        raise Failure(f"stopped at image {recorder.frames} of {len(latents)}; {recorder.remains}")
                    recorder.present(Shown(image), {})
                    progress.advance()
        recorder.close()
    except RecordingError as error:
        raise Failure(str(error)) from None
    finally:
        recorder.discard()
    width, height = bundle.metadata.image_size
    print(f"{options.out}: {len(latents)} images of {width}x{height}, {len(latents) / rate:g} s at {rate} a second")
    return FINE


def new_recorder(out: Path, size: tuple[int, int], rate: int) -> Recorder:
    """What writes images of `size` (width, height) to `out`, whose ending says as what."""
    if out.suffix == IMAGES:
        return ImageRecorder(out)
    try:
        return VideoRecorder(out, size, rate)
    except RecordingError as error:
        raise Failure(str(error)) from None
