"""What becomes of an installation whose processes, windows, display and files come to harm."""

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from engine.show_log import ShowLog
from tests.display import Screen
from tests.faults import slow
from tests.faults.installation import Installation, alive, installed, is_red, red_screen, screen, until  # noqa: F401
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.test_command_line import free_port

# A state is at most so old when the show goes on from it, seconds: the promise.
OLDEST = 5.0


@pytest.fixture
def dancer(tiny_bundle: Path) -> tuple[str, ...]:
    return "--model", str(tiny_bundle), "--scene", "off"


def xdotool(screen: Screen, *words: str) -> str:  # noqa: F811
    environment = {**os.environ, "DISPLAY": screen.name}
    return subprocess.run(["xdotool", *words], env=environment, check=True, capture_output=True, text=True).stdout


def windows(screen: Screen) -> str:  # noqa: F811
    command = ["xwininfo", "-display", screen.name, "-root", "-tree"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def danced(log: Path) -> list[bytes]:
    """The latents of each frame, of which a log loses the last second."""
    return [tick.layers[0].latents.tobytes() for tick in ShowLog(log)]


def stopped_with_its_state_logged(installation: Installation, log: Path) -> bool:
    """Stops the show; goes on with it where its log does not yet hold a few frames after the state that is kept."""
    show = installation.show
    os.kill(show, signal.SIGSTOP)
    state = installation.state
    if state and state.arrays["latest"].tobytes() in danced(log)[:-10]:
        return True
    os.kill(show, signal.SIGCONT)
    return False


def test_a_show_that_is_killed_dances_on_and_no_desktop_is_seen(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer, "--log", "show.dnlog") as installation:
        installation.plays()
        installation.send("picture/dimmer", 0.5)
        installation.keeps(lambda state: state.facts["targets"]["picture/dimmer"] == 0.5, "what was played")
        killed, log = installation.show, tmp_path / "show.dnlog"
        until(lambda: stopped_with_its_state_logged(installation, log), "what it danced after its state in its log")
        os.kill(killed, signal.SIGKILL)
        until(lambda: not alive(killed), "its end")
        installation.next_show()
        desktop = [is_red(screen)]
        while not installation.plays_again:
            desktop.append(is_red(screen))
        assert not any(desktop)
        installation.says("dancenet: installation: the show ended by signal 9; starting it as it was\n")
        on = tmp_path / "show-2.dnlog"
        until(lambda: on.exists() and ShowLog(on).ticks > 30, "a second of its log")
        before, after = list(ShowLog(log)), list(ShowLog(on))
    steps = danced(on)
    place = max(place for place, latents in enumerate(danced(log)) if latents in steps[:10])
    assert sum(tick.dt for tick in before[place:]) <= OLDEST
    assert after[0].values["picture/dimmer"] == 0.5


@slow
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_show_that_crashes_in_a_driver_is_started_anew(
    number: signal.Signals,
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        installation.keeps(lambda state: True, "anything")
        os.kill(installation.show, number)
        installation.says(f"dancenet: installation: the show ended by signal {number.value}; starting it as it was\n")
        installation.plays()
        assert installation.curtain


def test_a_show_that_hangs_is_killed_and_started_anew(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer, impatient=True) as installation:
        installation.plays()
        hung = installation.show
        os.kill(hung, signal.SIGSTOP)
        installation.says("dancenet: installation: the show hung for 3 s; starting it as it was\n")
        installation.plays()
        assert not alive(hung)


def test_a_dancer_that_cannot_be_opened_leads_to_safe_mode_with_the_one_that_ships(
    screen: Screen,  # noqa: F811
    tmp_path: Path,
) -> None:
    broken = write_tiny_bundle(tmp_path / "broken")
    (broken / "step.onnx").write_bytes(b"nothing")
    (tmp_path / "shaders").mkdir()
    with installed(screen, tmp_path, "--model", "broken", "--shaders", "shaders", "--scene", "storm") as installation:
        installation.plays()
        line = "dancenet: installation: the show ended with code 1; starting it "
        assert [
            each.removeprefix(line).rstrip() for each in installation.said.splitlines() if each.startswith(line)
        ] == [*("as it was", "afresh", "in safe mode")]
        assert "runs on cpu" in installation.said


def test_a_file_of_options_that_is_broken_meanwhile_is_not_read_again(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    config, said, port = tmp_path / "dancenet.toml", tmp_path / "said.log", free_port()
    config.write_text(f'health = {port}\nlog-file = "said.log"\n[set]\n"picture/dimmer" = 0.5\n')
    with installed(screen, tmp_path, *dancer, "--config", str(config)) as installation:
        installation.plays()
        installation.keeps(lambda state: state.facts["targets"]["picture/dimmer"] == 0.5, "what the file says")
        config.write_text("health = ")
        os.kill(installation.show, signal.SIGKILL)
        installation.plays()
        url = f"http://127.0.0.1:{port}/health"
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert json.load(answer)["restarts"] == 1
        state = installation.state
        assert state and state.facts["targets"]["picture/dimmer"] == 0.5
        line = "installation: the show ended by signal 9; starting it as it was"
        until(lambda: said.exists() and line in said.read_text(), "it in the log file")
    assert said.read_text().count(" runs on ") == 2


def test_a_show_that_ends_by_itself_ends_the_installation_and_leaves_no_state(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer, "--seconds", "3") as installation:
        installation.keeps(lambda state: True, "anything")
        assert installation.ends() == 0
        assert "starting" not in installation.said and not installation.state_file.exists()


def test_wrong_usage_ends_it_with_2_and_one_line(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer[:2], "--scene", "clam") as installation:
        assert installation.ends() == 2
        assert installation.said == "dancenet: --scene: no scene 'clam'; did you mean \"calm\"?\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_supervisor_that_is_asked_to_end_ends_all_of_it(
    number: signal.Signals,
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer, "--log", "show.dnlog") as installation:
        installation.plays()
        show, curtain = installation.show, installation.curtain
        installation.process.send_signal(number)
        assert installation.ends() == 0
        assert not alive(show) and not alive(curtain) and not installation.state_file.exists()
        assert ShowLog(tmp_path / "show.dnlog").whole, "it ended as if somebody had closed it"
        assert "installation" not in installation.said


def test_a_supervisor_that_is_killed_leaves_nobody_behind_and_the_next_goes_on_as_it_was(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        installation.send("dance/speed", 0.25)
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.25, "what was played")
        show, curtain = installation.show, installation.curtain
        installation.process.kill()
        until(lambda: not alive(show) and not alive(curtain), "the end of what it had started")
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.25, "what was played")
        assert "afresh" not in installation.said


def test_a_curtain_that_falls_is_hung_again_under_the_show(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        show, fallen = installation.show, installation.curtain
        os.kill(fallen, signal.SIGKILL)
        until(lambda: installation.curtain not in (0, fallen), "another")
        until(lambda: "DanceNet curtain" in windows(screen), "its window")
        assert installation.lit and installation.show == show


def test_an_x_server_that_goes_is_waited_for_and_shown_on_when_it_is_back(
    dancer: tuple[str, ...], tmp_path: Path
) -> None:
    with red_screen() as first:
        installation = installed(first, tmp_path, *dancer)
        played = installation.__enter__()
        played.plays()
    try:
        played.says("dancenet: installation: no display for the show; waiting for it\n")
        with red_screen(first.name) as second:
            played.screen = second
            played.plays()
            assert "safe mode" not in played.said and "afresh" not in played.said
            assert played.said.count("no display") == 1
            assert not list(tmp_path.glob("*.mp4")), "without a display an installation renders nothing"
            played.close()
    finally:
        played.close()


@pytest.mark.parametrize("way", ["windowclose", "windowkill"])
def test_a_window_that_another_program_closes_comes_back(
    way: str,
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        xdotool(screen, "search", "--name", "^DanceNet$", way)
        installation.says("dancenet: installation: the show ended with code 1; starting it as it was\n")
        installation.plays()
        assert "safe mode" not in installation.said and "afresh" not in installation.said


def test_without_keys_nothing_that_is_typed_ends_it_and_with_them_it_does(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        show = installation.show
        for key in ("b", "Escape", "ctrl+q"):
            xdotool(screen, "key", key)
        installation.send("dance/speed", 0.25)
        installation.keeps(lambda state: state.facts["targets"]["dance/speed"] == 0.25, "what came after the keys")
        state = installation.state
        assert state and state.facts["targets"]["picture/black"] == 0 and installation.show == show
        assert xdotool(screen, "search", "--name", "^DanceNet$", "getwindowgeometry").endswith("320x180\n")
    with installed(screen, tmp_path, *dancer, "--keys") as installation:
        installation.plays()
        xdotool(screen, "key", "ctrl+q")
        assert installation.ends() == 0


def test_a_second_one_on_the_same_monitor_says_so_and_ends(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    with installed(screen, tmp_path, *dancer) as first:
        first.plays()
        show = first.show
        with installed(screen, tmp_path, *dancer) as second:
            assert second.ends() == 1
            assert second.said == (
                "dancenet: an installation plays on monitor 1 already; --monitor N is for another one\n"
            )
        assert first.show == show and first.lit


def test_a_damaged_state_is_told_and_the_show_begins_afresh(
    screen: Screen,  # noqa: F811
    dancer: tuple[str, ...],
    tmp_path: Path,
) -> None:
    file = tmp_path / "state" / "dancenet" / "monitor-1.state"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"dancenet state 1\n0000")
    with installed(screen, tmp_path, *dancer) as installation:
        installation.plays()
        assert installation.said.count(f"dancenet: {file}: damaged") == 1
        assert "installation" not in installation.said
