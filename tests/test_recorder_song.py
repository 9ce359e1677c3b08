"""A recording's song is decoded again: in time with the pictures, as long as they are."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.audio.decode import SONG_RATE, blocks, mono
from engine.sinks.recorder import RecordingError
from engine.sinks.video import VideoRecorder
from tests.test_audio_source import write_wav
from tests.test_recorder import SIZE, Frames

RATE = 30


def burst(seconds: float, at: float) -> NDArray[np.float32]:
    """Silence with a tenth of a second of a tone at `at`."""
    t = np.arange(round(seconds * SONG_RATE)) / SONG_RATE
    return (0.5 * np.sin(2 * np.pi * 1000 * t) * ((t >= at) & (t < at + 0.1))).astype(np.float32)


def record(path: Path, song: Path, frames: int) -> NDArray[np.float32]:
    """Records so many frames with the song; returns the sound of the recording, mono."""
    recorder, pictures = VideoRecorder(path, SIZE, RATE, song), Frames()
    for _ in range(frames):
        recorder.present(pictures.next(), {})
    recorder.close()
    return mono(np.concatenate(list(blocks(path, SONG_RATE))))


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
@pytest.mark.parametrize("song_seconds", [0.7, 5.0], ids=["shorter", "longer"])
def test_the_song_is_in_time_and_as_long_as_the_video(tmp_path: Path, suffix: str, song_seconds: float) -> None:
    song = burst(song_seconds, 0.5)
    sound = record(tmp_path / f"dance{suffix}", write_wav(tmp_path / "song.wav", song), 45)
    assert len(sound) / SONG_RATE == pytest.approx(1.5, abs=1.01 * 1024 / SONG_RATE)  # to the AAC frame
    begins = int(np.argmax(np.abs(sound) > 0.1)) / SONG_RATE
    assert begins == pytest.approx(0.5, abs=0.003)
    assert np.abs(sound[round(0.62 * SONG_RATE) : round(1.45 * SONG_RATE)]).max() < 0.02
    with av.open(str(tmp_path / f"dance{suffix}")) as container:
        assert container.streams.audio[0].codec_context.name == ("opus" if suffix == ".webm" else "aac")
        assert sum(1 for _ in container.decode(video=0)) == 45


def test_a_song_that_cannot_be_read_fails_the_recording_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "dance.mp4"
    with pytest.raises(RecordingError, match=r"dance\.mp4: .*none\.ogg: No such file or directory"):
        record(path, tmp_path / "none.ogg", 1)
    assert list(tmp_path.iterdir()) == []
