"""What becomes of a show whose sound goes, hangs, is unplugged, or comes back at another rate: it dances on, and hears
it again.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.display import Screen
from tests.faults import slow
from tests.sound_server import SoundServer, sound_server  # noqa: F401
from tests.test_audio_source import clicks, playing, write_wav
from tests.test_live import playing_live

LOST = "dancenet: audio: vj.monitor is lost; the show goes on, and listens again when it is back\n"
LISTENS = "dancenet: audio: listens to vj.monitor "


def unplugged(server: SoundServer) -> None:
    """Its device goes; what was played is moved to another, what listened to it ends."""
    subprocess.run(["pactl", "unload-module", "module-null-sink"], check=True)


def plugged(server: SoundServer) -> None:
    """Another with its name comes, at another rate."""
    subprocess.run(["pactl", "load-module", "module-null-sink", "sink_name=vj", "rate=22050"], check=True)


HARM: dict[str, tuple[Callable[[SoundServer], None], Callable[[SoundServer], None]]] = {
    "killed": (SoundServer.kill, SoundServer.start),
    "hung": (SoundServer.hang, SoundServer.wake),
    "unplugged": (unplugged, plugged),
}


@slow
@pytest.mark.parametrize("harm", HARM)
def test_a_show_dances_on_without_its_sound_says_so_once_and_hears_it_again(
    harm: str,
    sound_server: SoundServer,  # noqa: F811
    tiny_bundle: Path,
    tmp_path: Path,
    x_display: Screen,
) -> None:
    begin, end = HARM[harm]
    song = write_wav(tmp_path / "song.wav", clicks(60))
    options = ("--model", str(tiny_bundle), "--audio", "vj", "--scene", "off", "--quality", "1")
    with playing_live(tmp_path, *options) as player:
        stage, signals = player.stage, player.stage.controls.signals
        player.until(lambda: "audio/level" in signals)
        begin(sound_server)
        position = stage.cast.models.dancer.position
        player.until(lambda: LOST in player.said.getvalue())
        assert "audio/level" not in signals and stage.picture.read().any()
        assert stage.cast.models.dancer.position > position
        end(sound_server)
        player.until(lambda: player.said.getvalue().count(LISTENS) == 2)
        with playing(song):
            player.until(lambda: signals.get("audio/bass", 0.0) > 0.4)
        assert player.said.getvalue().count(LOST) == 1
