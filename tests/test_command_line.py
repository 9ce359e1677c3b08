"""The command line, as a user runs it: real processes, exit codes, one line for every error."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pythonosc.udp_client import SimpleUDPClient

from engine import __version__
from engine.bundle import open_bundle
from engine.show_log import ShowLog
from tests.display import Screen
from tests.fixtures.tiny_bundle import HEIGHT, WIDTH, write_tiny_bundle
from tests.test_audio_source import clicks, write_wav

ROOT = Path(__file__).parent.parent
NO_DISPLAY = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
NO_DISPLAY["PYTHONPATH"] = str(ROOT)


def start(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    *arguments: str, folder: Path = ROOT, environment: Mapping[str, str] = NO_DISPLAY
) -> subprocess.CompletedProcess[str]:
    process = start(arguments, folder, environment)
    output, errors = process.communicate(timeout=120)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


def refusal(*arguments: str, code: int = 1, folder: Path = ROOT, environment: Mapping[str, str] = NO_DISPLAY) -> str:
    """The one line with which the command fails."""
    result = run(*arguments, folder=folder, environment=environment)
    lines = result.stderr.splitlines()
    assert (result.returncode, result.stdout) == (code, "")
    # argparse shows the usage above its line.
    assert code == 2 or len(lines) == 1, result.stderr
    return lines[-1]


# x264 encodes the same pictures otherwise now and then, 1 time in 50 on a busy machine; ProRes does not.
SAME = "--codec", "prores"


def frames_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="yuv420p").tobytes() for frame in video.decode(video=0)]


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_version() -> None:
    result = run("--version")
    assert (result.returncode, result.stdout) == (0, f"dancenet {__version__}\n")


def test_help_tells_of_every_option_and_command() -> None:
    result = run("--help")
    assert result.returncode == 0
    for word in ("--model", "--seed", "--temperature", "--speed", "--fps", "--size", "--fullscreen", "--monitor"):
        assert word in result.stdout
    for word in (
        "--osc",
        "--osc-allow",
        "--osc-signals",
        "--audio",
        "--scene",
        "--scenes",
        "--route",
        "--log",
        "--device",
        "--record-to",
        "--installation",
        "--keys",
        "--state",
        "still",
    ):
        assert word in result.stdout
    for word in ("--seconds", "--set", "--route", "render", "train", "export", "devices", "controls", "log"):
        assert word in result.stdout


@pytest.mark.parametrize("command", ["render", "still", "devices"])
def test_commands_have_help_of_their_own(command: str) -> None:
    result = run(command, "--help")
    assert result.returncode == 0
    assert result.stdout.startswith(f"usage: dancenet {command} [-h]")


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("render", "--help")])
def test_help_loads_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys, engine.__main__ as m\n"
        f"try: m.main({list(arguments)!r})\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'onnxruntime', 'pyglet', 'moderngl', 'av', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.endswith("[]\n")


def test_a_supervisor_loads_nothing_that_could_fail() -> None:
    code = (
        "import sys, engine.__main__, engine.commands.installation\n"
        "print(sorted({'numpy', 'onnxruntime', 'pyglet', 'moderngl', 'av', 'rich'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted by /proc")
def test_numpy_has_no_threads_where_a_dancer_plays() -> None:
    code = """if True:
        import os
        from engine.__main__ import main
        main(["controls"])
        import numpy
        numpy.ones((512, 512)) @ numpy.ones((512, 512))
        print(len(os.listdir("/proc/self/task")))
    """
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.split()[-1] == "1"


def test_what_a_show_is_made_of_is_not_looked_through_for_garbage(tiny_bundle: Path, x_display: Screen) -> None:
    code = f"""if True:
        import gc
        from engine.__main__ import main
        assert main(["--model", {str(tiny_bundle)!r}, "--seconds", "0.3", "--size", "160x90", "--audio", "off"]) == 0
        print(gc.get_freeze_count())
    """
    environment = {**os.environ, "DISPLAY": x_display.name}
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert int(result.stdout.split()[-1]) > 50_000


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--temperature", "9"),
            "dancenet: error: argument --temperature: '9' is not a number in 0.05..3",
        ),
        (("--temperature", "nan"), "dancenet: error: argument --temperature: 'nan' is not a finite number"),
        (("--seed", "1.5"), "dancenet: error: argument --seed: '1.5' is not a whole number in 0..4294967295"),
        (("--speed", "-1"), "dancenet: error: argument --speed: '-1' is not a number in 0..4"),
        (("--fps", "0"), "dancenet: error: argument --fps: '0' frames a second are not in 1..240"),
        (
            ("--size", "1280"),
            "dancenet: error: argument --size: '1280' is not WxH with both in 16..16384, such as 1280x720",
        ),
        (("--osc", "9010"), "dancenet: error: argument --osc: '9010' is not HOST:PORT, such as 127.0.0.1:9010"),
        (
            ("--osc-allow", "10.0.0"),
            "dancenet: error: argument --osc-allow: '10.0.0' is no network, such as 192.168.1.0/24 or 10.0.0.7",
        ),
        (
            ("--osc-signals", "-1"),
            "dancenet: error: argument --osc-signals: '-1' times a second are not in 0..240",
        ),
        (
            ("render", "dance.mp4", "--smooth"),
            "dancenet render: error: argument --smooth: only a replay takes it",
        ),
        (
            ("render", "dance.mp4", "--model", "a", "--model", "b"),
            "dancenet render: error: argument --model: a render is danced by one",
        ),
        (
            ("--route", "audio/bas dance/speed 0.2"),
            "dancenet: error: argument --route: 'audio/bas dance/speed 0.2': 'audio/bas' is no signal; "
            "`dancenet controls` lists them",
        ),
        (
            ("--route", "audio/bass dance/speed"),
            "dancenet: error: argument --route: 'audio/bass dance/speed' is not SIGNAL PARAMETER AMOUNT, and perhaps "
            "curve, attack, release, invert, centre",
        ),
        (("--monitor", "0"), "dancenet: error: argument --monitor: '0' is not a whole number of 1 or more"),
        (("--seconds", "0"), "dancenet: error: argument --seconds: '0' seconds are not above 0"),
        (("wander",), "dancenet: error: unrecognized arguments: wander"),
        (
            ("render", "dance.gif"),
            "dancenet render: error: argument OUT: 'dance.gif' ends in none of .mp4, .mov, .mkv, .webm, .png, .npy",
        ),
        (
            ("render", "dance.mp4", "--size", "101x100"),
            "dancenet render: error: argument --size: 101x100: h264 wants an even width and height",
        ),
        (
            ("render", "dance.mov", "--size", "101x100", "--codec", "prores"),
            "dancenet render: error: argument --size: 101x100: prores wants an even width",
        ),
        (
            ("render", "dance.mp4", "--codec", "prores"),
            "dancenet render: error: argument --codec: .mp4 takes h264, h265, vp9, av1; not prores",
        ),
        (
            ("render", "dance.mkv", "--codec", "theora"),
            "dancenet render: error: argument --codec: 'theora' is no codec; there are h264, h265, vp9, av1, prores, "
            "prores4444",
        ),
        (
            ("render", "frame_%04d.png", "--codec", "h264"),
            "dancenet render: error: argument --codec: frame_%04d.png is no video; those end in .mp4, .mov, .mkv, "
            ".webm",
        ),
        (
            ("render", "frame.png"),
            "dancenet render: error: argument OUT: 'frame.png' has no one place for a number, as in frame_####.png or "
            "frame_%04d.png; `dancenet still` makes a single picture",
        ),
        (
            ("still", "frame_##.png"),
            "dancenet still: error: argument OUT: 'frame_##.png' has a place for a number; `dancenet render` makes a "
            "sequence",
        ),
        (("still", "frame.jpg"), "dancenet still: error: argument OUT: 'frame.jpg' does not end in .png"),
        (("still", "a.png", "--at", "-1"), "dancenet still: error: argument --at: '-1' seconds are below 0"),
        (("--record-to", "nowhere"), "dancenet: error: argument --record-to: 'nowhere' is no folder"),
        (
            ("render", "dance.npy", "--size", "64x64"),
            "dancenet render: error: argument --size: an .npy holds the decoder's images at their own size",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_allowed(arguments: tuple[str, ...], line: str) -> None:
    assert refusal(*arguments, code=2) == line


def test_a_parameter_that_is_not_there_or_out_of_range_is_wrong_usage(tiny_bundle: Path) -> None:
    render = ("render", "out.npy", "--model", str(tiny_bundle))
    assert refusal(*render, "--set", "dance/tempratur=1", code=2) == (
        "dancenet: --set: unknown parameter 'dance/tempratur'; did you mean dance/temperature? "
        "`dancenet controls` lists them"
    )
    assert refusal(*render, "--route", "lfo/1 dance/sped 0.2", code=2) == (
        "dancenet: --route: unknown parameter 'dance/sped'; did you mean dance/speed? `dancenet controls` lists them"
    )
    line = refusal(*render, "--set", "dance/sigma_temperature=5", code=2)
    assert line == "dancenet: --set: dance/sigma_temperature is 5; it must be in 0..4"


def test_a_bundle_that_is_not_there_or_broken_is_one_line(tmp_path: Path) -> None:
    assert refusal("--model", str(tmp_path / "nowhere")) == (
        f"dancenet: {tmp_path}/nowhere: no bundle there; a bundle is a folder with bundle.json"
    )
    broken = write_tiny_bundle(tmp_path / "broken")
    (broken / "step.onnx").write_bytes(b"nothing")
    line = f"dancenet: {broken}/step.onnx: not a readable ONNX model (Protobuf parsing failed)"
    assert refusal("render", "out.npy", "--model", str(broken), folder=tmp_path) == line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["broken"]


def test_a_device_that_cannot_be_had_is_one_line_that_says_how_to_get_it(tiny_bundle: Path) -> None:
    line = refusal("render", "out.npy", "--model", str(tiny_bundle), "--device", "coreml")
    assert line == "dancenet: --device coreml: only macOS has it; --device auto takes what is here"
    line = refusal("render", "out.npy", "--model", str(tiny_bundle), "--device", "warp", code=2)
    assert "argument --device: invalid choice: 'warp' (choose from " in line


def test_a_folder_that_is_not_there_is_one_line(tiny_bundle: Path, tmp_path: Path) -> None:
    line = refusal("render", "gone/out.npy", "--model", str(tiny_bundle), folder=tmp_path)
    assert line == "dancenet: gone/out.npy: there is no folder gone"


@pytest.mark.parametrize("command", ["train", "export"])
def test_without_torch_training_and_export_say_how_to_get_it(command: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    environment = {**NO_DISPLAY, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    result = run(command, "x", "--out", "y", folder=tmp_path, environment=environment)
    line = f'dancenet: {command} needs torch: pip install "dancenet-live[training]"\n'
    assert (result.returncode, result.stdout, result.stderr) == (1, "", line)


def test_without_h5py_import_keras_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['h5py'] = None\n")
    environment = {**NO_DISPLAY, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    options = ("--vae", "v.h5", "--rnn", "r.h5", "--latents", "lv.npy", "--out", "y")
    result = run("import-keras", *options, folder=tmp_path, environment=environment)
    line = 'dancenet: import-keras needs h5py: pip install "dancenet-live[training,keras]"\n'
    assert (result.returncode, result.stdout, result.stderr) == (1, "", line)


def test_images_are_rendered_the_same_twice_and_need_no_opengl(tiny_bundle: Path, tmp_path: Path) -> None:
    # A moderngl that cannot be imported: an .npy must do without.
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['moderngl'] = None\n")
    environment = {**NO_DISPLAY, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    options = ("--model", str(tiny_bundle), "--seconds", "2", "--seed", "7", "--temperature", "0.7")
    for name in ("a.npy", "b.npy"):
        result = run("render", name, *options, folder=tmp_path, environment=environment)
        assert result.returncode == 0, result.stderr
        assert re.fullmatch(
            rf"{name}: 60 frames of 26x16, 2 s of dance, made at \d+ a second on \w+; 0 resets\n", result.stdout
        )
        assert result.stderr == ""
    images = np.load(tmp_path / "a.npy")
    assert (images.shape, images.dtype) == ((60, HEIGHT, WIDTH), np.uint8)
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()
    assert run("render", "c.npy", *options[:-1], "0.8", folder=tmp_path).returncode == 0
    assert (tmp_path / "a.npy").read_bytes() != (tmp_path / "c.npy").read_bytes()


def test_a_video_is_rendered_the_same_twice(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_bundle), "--seconds", "1", "--seed", "7", "--size", "160x90", "--fps", "25", *SAME)
    for name in ("a.mov", "b.mov"):
        result = run("render", name, *options, folder=tmp_path)
        assert result.returncode == 0, result.stderr
    frames = frames_of(tmp_path / "a.mov")
    assert len(frames) == 25
    assert frames == frames_of(tmp_path / "b.mov")
    assert len(set(frames)) == 25
    with av.open(str(tmp_path / "a.mov")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (160, 90, 25)


def test_a_render_dances_to_a_song_as_long_as_it_is_and_has_it_in_the_video(tiny_bundle: Path, tmp_path: Path) -> None:
    write_wav(tmp_path / "song.wav", clicks(2.5))
    options = ("--model", str(tiny_bundle), "--seed", "7", "--size", "160x90", *SAME, "--audio", "song.wav")
    for name in ("a.mov", "b.mov"):
        result = run("render", name, *options, folder=tmp_path)
        assert (result.returncode, result.stderr) == (0, "")
    assert frames_of(tmp_path / "a.mov") == frames_of(tmp_path / "b.mov")
    with av.open(str(tmp_path / "a.mov")) as video:
        assert video.streams.video[0].frames == 75
        heard = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in video.decode(audio=0)])
        assert len(heard) / 48000 == pytest.approx(2.5, abs=0.05) and np.abs(heard).max() > 0.3
    silent = run("render", "c.mov", *options[:-2], "--seconds", "2.5", folder=tmp_path)
    assert silent.returncode == 0
    assert frames_of(tmp_path / "c.mov") != frames_of(tmp_path / "a.mov"), "the music moves the dance"


def test_a_song_that_is_not_there_or_holds_no_sound_is_one_line(tiny_bundle: Path, tmp_path: Path) -> None:
    model = ("--model", str(tiny_bundle))
    assert refusal(*model, "--audio", "gone.ogg", folder=tmp_path) == "dancenet: --audio: gone.ogg: no such file"
    line = refusal("render", "a.mp4", *model, "--audio", "gone.ogg", folder=tmp_path)
    assert line == "dancenet: gone.ogg: No such file or directory"
    (tmp_path / "noise.ogg").write_bytes(b"no sound" * 1000)
    line = refusal("render", "a.npy", *model, "--audio", "noise.ogg", folder=tmp_path)
    assert line == "dancenet: noise.ogg: holds no sound"
    assert [path.name for path in tmp_path.iterdir()] == ["noise.ogg"]


def test_a_scene_that_is_not_there_is_one_line_with_the_nearest(tiny_bundle: Path, tmp_path: Path) -> None:
    line = refusal("render", "a.npy", "--model", str(tiny_bundle), "--scene", "clam", code=2, folder=tmp_path)
    assert line == "dancenet: --scene: no scene 'clam'; did you mean \"calm\"?"
    assert list(tmp_path.iterdir()) == []


def test_a_render_begins_with_the_scene_asked_for(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_bundle), "--seconds", "1", "--size", "160x90")
    for name, scene in (("one.mp4", ()), ("crowd.mp4", ("--scene", "4"))):
        assert run("render", name, *options, *scene, folder=tmp_path).returncode == 0
    assert frames_of(tmp_path / "one.mp4")[0] != frames_of(tmp_path / "crowd.mp4")[0]


def test_the_inputs_are_listed_as_dancenet_devices_does() -> None:
    result = run("--audio", "list")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.strip() in run("devices").stdout.replace("\n  ", "\n")


def test_resets_of_a_render_are_said_and_counted(tmp_path: Path) -> None:
    frozen = write_tiny_bundle(tmp_path / "frozen", "freeze")
    result = run("render", "out.npy", "--model", str(frozen), "--seconds", "4", folder=tmp_path)
    assert result.stderr.startswith("dancenet: step 61: dancer 0: frozen pose (motion below 0.001 for 2 s); eased back")
    assert result.stdout.endswith("; 1 resets\n")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_render_that_is_stopped_leaves_no_file(tiny_bundle: Path, tmp_path: Path, sent: signal.Signals) -> None:
    process = start(("render", "out.npy", "--model", str(tiny_bundle), "--seconds", "100000"), tmp_path, NO_DISPLAY)
    while not list(tmp_path.iterdir()):  # the partial file: frames are being made
        assert process.poll() is None
    process.send_signal(sent)
    output, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert re.fullmatch(r"dancenet: stopped at frame \d+ of 3000000; out\.npy is not written\n", errors)
    assert (output, list(tmp_path.iterdir())) == ("", [])


def pixels_of(path: Path) -> NDArray[np.uint8]:
    """What an image file holds, (height, width, channels)."""
    with av.open(str(path)) as image:
        (frame,) = image.decode(video=0)
        assert frame.format.name == "rgba"
        return frame.to_ndarray().astype(np.uint8)


def test_a_sequence_of_pictures_is_numbered_and_a_still_is_one_of_them(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_bundle), "--seed", "7", "--size", "161x91")
    sequence = run("render", "frames/f_####.png", *options, "--seconds", "1", folder=tmp_path)
    assert (sequence.returncode, sequence.stderr) == (0, "")
    names = sorted(path.name for path in (tmp_path / "frames").iterdir())
    assert names == [f"f_{number:04d}.png" for number in range(1, 31)]
    result = run("still", "one.png", *options, "--at", "0.7", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "one.png: frame 21 of the dance, at 0.7 s, 161x91; 0 resets\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["frames", "one.png"]
    still = pixels_of(tmp_path / "one.png")
    assert still.shape == (91, 161, 4)
    same = [np.array_equal(pixels_of(tmp_path / "frames" / name), still) for name in names]
    assert [index for index, found in enumerate(same) if found] == [21]


def test_a_sequence_that_is_stopped_leaves_the_frames_that_are_finished(tiny_bundle: Path, tmp_path: Path) -> None:
    arguments = ("--model", str(tiny_bundle), "--size", "160x90", "--seconds", "100000")
    process = start(("render", "%d.png", *arguments), tmp_path, NO_DISPLAY)
    while not (tmp_path / "20.png").exists():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (1, "")
    said = re.fullmatch(r"dancenet: stopped at frame (\d+) of 3000000; 1\.png to (\d+)\.png are written\n", errors)
    assert said and said[1] == said[2] and int(said[1]) >= 20
    assert {path.name for path in tmp_path.iterdir()} == {f"{number}.png" for number in range(1, int(said[1]) + 1)}
    assert all(pixels_of(path).shape == (90, 160, 4) for path in tmp_path.iterdir())


def test_a_video_with_alpha_may_be_of_any_size(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_bundle), "--seconds", "0.2", "--size", "161x91", "--codec", "prores4444")
    assert run("render", "a.mov", *options, folder=tmp_path).returncode == 0
    with av.open(str(tmp_path / "a.mov")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.codec_context.name) == (161, 91, "prores")
        assert stream.codec_context.pix_fmt is not None and stream.codec_context.pix_fmt.startswith("yuva444p")


def test_where_there_is_no_display_it_says_so_and_renders(tiny_bundle: Path, tmp_path: Path) -> None:
    options = ("--model", str(tiny_bundle), "--seed", "7", "--seconds", "1", "--size", "161x91")
    result = run(*options, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"dancenet: no display here \(.+\); rendering 1 s to dance\.mp4\n", result.stderr)
    assert result.stdout.startswith("dance.mp4: 30 frames of 160x90, 1 s of dance, ")
    assert len(frames_of(tmp_path / "dance.mp4")) == 30


def test_where_libgl_is_missing_it_says_so_and_renders(tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['pyglet'] = None\n")
    environment = {**NO_DISPLAY, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    options = ("--model", str(tiny_bundle), "--size", "160x90", "--audio", "song.wav", "--log", "show.dnlog")
    write_wav(tmp_path / "song.wav", clicks(1.5))
    result = run(*options, folder=tmp_path, environment=environment)
    assert result.returncode == 0, result.stderr
    said, unlogged = result.stderr.splitlines()
    assert re.fullmatch(r"dancenet: no display here \(.*pyglet.*\); rendering 1\.5 s to dance\.mp4", said)
    assert unlogged == "dancenet: show.dnlog: not written; only a live show is logged"
    assert len(frames_of(tmp_path / "dance.mp4")) == 45


def test_a_live_show_stops_by_itself_and_is_quiet_where_there_is_no_terminal(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    live = {**NO_DISPLAY, "DISPLAY": x_display.name}
    options = ("--model", str(tiny_bundle), "--seconds", "1", "--size", "160x90", "--osc", f"127.0.0.1:{free_port()}")
    told = ("--audio", "off", "--quality", "1")  # else it tells what this machine hears, and that it is slow
    result = run(*options, *told, folder=tmp_path, environment=live)
    assert (result.returncode, result.stdout) == (0, "")
    assert re.fullmatch(r"dancenet: runs on \w+: .+; frames by .+\n", result.stderr)
    assert list(tmp_path.iterdir()) == []


def test_a_monitor_that_is_not_there_is_one_line_and_renders_nothing(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    live = {**NO_DISPLAY, "DISPLAY": x_display.name}
    result = run("--model", str(tiny_bundle), "--monitor", "7", folder=tmp_path, environment=live)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "dancenet: no window: no monitor 7; there are 1\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_live_show_hears_osc_shows_it_and_ends_cleanly_on_a_signal(
    tiny_bundle: Path, x_display: Screen, sent: signal.Signals
) -> None:
    import pty

    port = free_port()
    live = {**NO_DISPLAY, "DISPLAY": x_display.name, "COLUMNS": "200"}
    arguments = ("--model", str(tiny_bundle), "--seed", "7", "--size", "160x90", "--osc", f"127.0.0.1:{port}")
    terminal, child = pty.openpty()
    process = subprocess.Popen([sys.executable, "-m", "engine", *arguments], env=live, cwd=ROOT, stderr=child)
    os.close(child)
    client = SimpleUDPClient("127.0.0.1", port)

    def read_until(text: str) -> str:
        read = ""
        while text not in read:
            read += os.read(terminal, 4096).decode()
        return read

    assert re.search(r"\d\d\.\d fps  temperature 1\.00  speed 1\.00  late \d+  seed 7  ", read_until("resets 0"))
    client.send_message("/dancenet/dance/temperature", 2.5)
    assert "seed 7" in read_until("temperature 2.50")
    process.send_signal(sent)
    assert process.wait(timeout=30) == 0
    os.close(terminal)


def test_a_logged_show_is_rendered_again_from_its_latents(tiny_bundle: Path, tmp_path: Path, x_display: Screen) -> None:
    live = {**NO_DISPLAY, "DISPLAY": x_display.name}
    arguments = (
        "--model",
        str(tiny_bundle),
        "--seconds",
        "2",
        "--size",
        "321x200",
        "--osc",
        f"127.0.0.1:{free_port()}",
    )
    assert run(*arguments, "--log", "show.dnlog", folder=tmp_path, environment=live).returncode == 0
    log = ShowLog(tmp_path / "show.dnlog")
    assert log.whole and (log.about["fps"], log.about["size"]) == (30, [321, 200])
    result = run("render", "out.npy", "--replay", "show.dnlog", folder=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    # A frame that stood for several periods is there as often.
    shown = np.concatenate([tick.layers[0].latents for tick in log])
    stood = [*[round(30 * tick.dt) for tick in log][1:], 1]
    images = open_bundle(tiny_bundle, "cpu").decode(shown)
    assert np.array_equal(np.load(tmp_path / "out.npy"), np.repeat(images, stood, axis=0))
    assert run("render", "out.mp4", "--replay", "show.dnlog", folder=tmp_path).returncode == 0
    with av.open(str(tmp_path / "out.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.frames, stream.width, stream.height, stream.average_rate) == (sum(stood), 320, 200, 30)
    assert run("log", "show.dnlog", folder=tmp_path).stdout.startswith(f"show.dnlog: {log.ticks} frames in 2.")
    again = refusal(*arguments, "--log", "show.dnlog", folder=tmp_path, environment=live)
    assert again == "dancenet: show.dnlog: is there already; a log never writes over another"


def test_a_show_that_is_killed_leaves_a_log_that_is_shown_up_to_there(
    tiny_bundle: Path, tmp_path: Path, x_display: Screen
) -> None:
    live = {**NO_DISPLAY, "DISPLAY": x_display.name}
    port = free_port()
    process = start(("--model", str(tiny_bundle), "--osc", f"127.0.0.1:{port}", "--log", "show.dnlog"), tmp_path, live)
    path = tmp_path / "show.dnlog"
    while process.poll() is None and not (path.exists() and path.stat().st_size and ShowLog(path).ticks > 30):
        pass
    process.kill()
    process.communicate()
    ticks = ShowLog(path).ticks
    result = run("render", "out.npy", "--replay", "show.dnlog", folder=tmp_path)
    assert result.returncode == 0
    assert result.stderr == (
        "dancenet: show.dnlog: its end is missing (a crash, a failed disk, a cut file); "
        f"{ticks} frames of it are shown\n"
    )
    assert len(np.load(tmp_path / "out.npy")) >= ticks


@pytest.mark.parametrize(
    ("option", "value"),
    [("seed", "3"), ("temperature", "1"), ("speed", "1"), ("seconds", "3"), ("set", "dance/seed=3")],
)
def test_a_replay_is_as_it_was_danced(option: str, value: str) -> None:
    line = refusal("render", "out.npy", "--replay", "show.dnlog", f"--{option}", value, code=2)
    assert line == f"dancenet render: error: argument --{option}: a replay is as it was danced"
