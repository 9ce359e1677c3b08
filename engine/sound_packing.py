"""Packing sounds: those of a run of ticks, as bytes that compress well and come back as they were.

The ear tells 62 sounds a second whatever the frame rate, so that faster shows see one more than once: each is written
once. From sample to sample a waveform moves little, and so do the spectrum's bins from tick to tick: what is written is
by how much, modulo 256.
"""

import struct
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.audio.sound import BINS, MIDDLE, SAMPLES, Sound

CHANNELS = struct.Struct("<H")


def pack_sounds(sounds: Sequence[Sound]) -> bytes:
    """The sounds of as many ticks, at least one, all of the same number of channels."""
    fresh = [index == 0 or sound is not sounds[index - 1] for index, sound in enumerate(sounds)]
    told = [sound for sound, new in zip(sounds, fresh, strict=True) if new]
    waveforms = np.stack([sound.waveform for sound in told])  # (told, channels, SAMPLES)
    spectra = np.stack([sound.spectrum for sound in told])  # (told, 1, BINS)
    return b"".join(
        (
            CHANNELS.pack(waveforms.shape[1]),
            np.packbits(fresh).tobytes(),
            np.diff(waveforms, axis=2, prepend=np.uint8(MIDDLE)).tobytes(),
            np.diff(spectra, axis=0, prepend=np.uint8(0)).tobytes(),
        )
    )


def unpack_sounds(data: bytes, ticks: int) -> list[Sound]:
    """The sounds of so many ticks. Raises ValueError and struct.error for what `pack_sounds` does not make."""
    (channels,) = CHANNELS.unpack_from(data)
    left = np.frombuffer(data, np.uint8, offset=CHANNELS.size)
    size = -(-ticks // 8)
    if len(left) < size:
        raise ValueError(f"{len(left)} bytes are too few for {ticks} ticks")
    fresh = np.unpackbits(left[:size], count=ticks)
    told = int(fresh.sum())
    end = size + told * channels * SAMPLES
    steps = left[size:end].reshape(told, channels, SAMPLES)
    waveforms = _sums(steps, axis=2) + np.uint8(MIDDLE)
    spectra = _sums(left[end:].reshape(told, 1, BINS), axis=0)
    for images in (waveforms, spectra):
        images.setflags(write=False)
    sounds = [Sound(*images) for images in zip(waveforms, spectra, strict=True)]
    if channels == 0 or not fresh[0]:
        raise ValueError("the first tick has no sound")
    return [sounds[index] for index in np.cumsum(fresh) - 1]


def _sums(steps: NDArray[np.uint8], axis: int) -> NDArray[np.uint8]:
    return np.cumsum(steps, axis=axis, dtype=np.uint8)
