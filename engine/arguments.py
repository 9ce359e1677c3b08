"""The grammar of the command line: what each command takes, in what range, and how it is told.

A value out of range ends the program with a line on what is allowed, exit code 2, before anything is opened.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from engine import __version__
from engine.argument_values import (
    ENDINGS,
    LEAST_QUALITY,
    OSC_ADDRESS,
    REPORT,
    company,
    count,
    existing,
    folder,
    frame_rate,
    host_and_port,
    moment,
    network,
    opening,
    output,
    parameter,
    picture,
    port,
    route,
    seconds,
    setting,
    share,
    signals_rate,
    size,
)
from engine.config import FILE, Configuration, configure
from engine.config_file import ConfigError
from engine.formats import CODECS, IMAGES, VIDEOS, Codec, codec_for
from engine.sources.osc import SIGNALS_HZ

RENDER_SECONDS = 16.0
FPS = 30.0
SIZE = (1280, 720)
CHECK_SIZE = (320, 180)
# As engine/providers.py has them: to import it here would load onnxruntime for the help.
DEVICES = ("auto", "cpu", "cuda", "coreml", "webgpu")
PRECISIONS = ("auto", "fp32", "int8")

COMMANDS = """\
commands:
  dancenet                  play a dancer live in a window (the options above)
  dancenet render OUT       render a dance to OUT.mp4, to OUT_####.png, or the decoder's images to OUT.npy
  dancenet render --no-picture
                            dance for days, faster than the clock, and tell how it went
  dancenet still OUT.png    one frame of a dance
  dancenet train FOOTAGE... train a dancer on footage
  dancenet footage FOOTAGE... --out DIR
                            see and judge footage before a dancer is trained on it
  dancenet export CHECKPOINT --out DIR
                            write a trained dancer's bundle
  dancenet import-keras     write a bundle from weights of the original DanceNet (2018)
  dancenet encode FOOTAGE... --model DIR --out LATENTS.npy
                            footage to a dancer's latents
  dancenet decode LATENTS OUT
                            latents to OUT.mp4, or to the decoder's images, OUT.npy
  dancenet explore MODEL    a page of the axes that a dancer can be pushed along
  dancenet model MODEL      what a dancer is; --pack makes one file of it, --unpack a folder again
  dancenet log FILE         what a log made with --log holds
  dancenet isf-check PATH...
                            draw ISF files, and tell which cannot be and where
  dancenet config           what the live show would run by, and where each option comes from
  dancenet service install  have an installation start with the machine; remove and status too
  dancenet controls         every parameter, command, signal and key
  dancenet devices          monitors, audio inputs and devices for the model: which are used and why

`dancenet COMMAND --help` tells more. Keys: F1 shows them all, H the HUD, Ctrl+Q quits. OSC: one number to
/dancenet/dance/temperature, and so on; `dancenet controls` lists the addresses.
"""


def parse_live(arguments: list[str]) -> argparse.Namespace:
    """The options of the live show, from the command line and, under those, from the configuration's file."""
    return live_configuration(new_live_parser, arguments).options()


def parse_config(arguments: list[str]) -> Configuration:
    """What `dancenet config` prints: what the live show would be started with by these arguments."""
    return live_configuration(new_config_parser, arguments)


def live_configuration(new_parser: Callable[[], argparse.ArgumentParser], arguments: list[str]) -> Configuration:
    """Reads both; ends the program with lines on what is wrong with the file."""
    try:
        return configure(new_parser, arguments)
    except ConfigError as error:
        new_parser().exit(2, "".join(f"dancenet: {line}\n" for line in error.lines))


def new_config_parser() -> argparse.ArgumentParser:
    """The grammar of `dancenet config`: that of the live show, whose options it takes."""
    parser = argparse.ArgumentParser(
        prog="dancenet config",
        description="Prints what the live show would run by, as a dancenet.toml: every option, and whether it is the "
        "default or comes from the file or the command line.",
    )
    add_live_options(parser)
    return parser


def new_live_parser() -> argparse.ArgumentParser:
    """The grammar of the live show; its help lists the commands too."""
    parser = argparse.ArgumentParser(
        prog="dancenet",
        description="A neural dancer, played live: in a window, steered by keys, OSC and music.",
        epilog=COMMANDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dancenet {__version__}")
    add_live_options(parser)
    return parser


def add_live_options(parser: argparse.ArgumentParser) -> None:
    """Every option of the live show. Defaults are texts, as a user would give them, or plain numbers and switches; a
    switch can be turned off too, and what may be repeated has a list: so that each has its place in the file."""
    parser.add_argument(
        "--config", metavar="FILE",
        help=f"the options' own file; off for none ({FILE} in your configuration's folder, if it is there)",
    )  # fmt: skip
    add_dance_options(parser, "a new one each time", FPS)
    parser.add_argument(
        "--size", type=size, default="{}x{}".format(*SIZE), metavar="WxH", help="of the window (1280x720)"
    )
    parser.add_argument(
        "--fullscreen", action=argparse.BooleanOptionalAction, default=False, help="start over the whole screen"
    )
    parser.add_argument("--monitor", type=count, metavar="N", help="open on this monitor, as `dancenet devices` counts")
    parser.add_argument(
        "--osc", type=host_and_port, default=OSC_ADDRESS, metavar="HOST:PORT",
        help=f"where to listen for OSC ({OSC_ADDRESS})",
    )  # fmt: skip
    parser.add_argument(
        "--osc-allow", type=network, action="append", default=[], metavar="NETWORK",
        help="hear OSC from there too, such as 192.168.1.0/24; may be repeated (this computer only)",
    )  # fmt: skip
    parser.add_argument(
        "--osc-signals", type=signals_rate, default=SIGNALS_HZ, metavar="HZ",
        help=f"how often subscribers are sent the signals; 0 never ({SIGNALS_HZ:g})",
    )  # fmt: skip
    parser.add_argument(
        "--audio", default="default", metavar="INPUT",
        help="what to dance to: an input's number or part of its name, loopback (what the computer plays), a file that "
        "is then played, off; list shows the inputs (the system's default input)",
    )  # fmt: skip
    parser.add_argument(
        "--quality", type=share, metavar="X",
        help=f"draw the picture at this share of the window's size, {LEAST_QUALITY:g} to 1 (what the effects and the "
        "frame rate allow)",
    )  # fmt: skip
    parser.add_argument(
        "--hours", type=opening, action="append", default=[], metavar="[DAYS ]HH:MM-HH:MM",
        help="show the picture in these hours only, by the clock on the wall, such as 'mon-fri 09:00-22:00'; outside "
        "them it is black, and the dancer rests; may be repeated (always)",
    )  # fmt: skip
    parser.add_argument(
        "--idle", type=seconds, metavar="N",
        help="when no key, OSC or sound has come for so long, show the idle scene, until some does (never)",
    )  # fmt: skip
    parser.add_argument("--idle-scene", metavar="NAME", help="the idle scene, by its name or number (all in turn)")
    parser.add_argument("--seconds", type=seconds, metavar="N", help="stop by itself after so long (never)")
    parser.add_argument(
        "--health", type=port, metavar="PORT",
        help="tell how the show is at http://127.0.0.1:PORT/health, on this computer only (nowhere)",
    )  # fmt: skip
    parser.add_argument(
        "--log-file", type=Path, metavar="FILE",
        help="write what is said on the terminal to this file too, with the time; it stays small (none)",
    )  # fmt: skip
    parser.add_argument("--log", type=Path, metavar="FILE", help="log the show, for `dancenet render --replay FILE`")
    parser.add_argument(
        "--record-to", type=folder, metavar="DIR",
        help="where Shift+R records the show to (your videos' folder, or the current one)",
    )  # fmt: skip
    parser.add_argument(
        "--installation", action=argparse.BooleanOptionalAction, default=False,
        help="play for months with nobody there: over the whole screen of --monitor (1), without keys, started anew "
        "whenever it crashes or hangs (docs/installation.md)",
    )  # fmt: skip
    parser.add_argument(
        "--keys", action=argparse.BooleanOptionalAction, default=False, help="hear the keyboard in an installation too"
    )
    parser.add_argument(
        "--state", type=Path, metavar="FILE",
        help="keep the show's state there every few seconds, and go on from what lies there",
    )  # fmt: skip
    # What a supervisor starts its show with.
    parser.add_argument("--supervised", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--safe", action="store_true", help=argparse.SUPPRESS)


def parse_render(arguments: list[str]) -> argparse.Namespace:
    """The options of a render."""
    parser = argparse.ArgumentParser(
        prog="dancenet render",
        description="Renders a dance as the live show draws it, without a screen: to a video (OUT.mp4, .mov, .mkv or "
        ".webm), or to pictures with alpha, a file each (OUT_####.png or OUT_%%04d.png); or to OUT.npy: the decoder's "
        "own images, (n, height, width) uint8, without effects. With --no-picture: days of dance, and how they went.",
    )
    parser.add_argument("out", type=output, nargs="?", metavar="OUT", help=f"a file ending in {', '.join(ENDINGS)}")
    add_dance_options(parser, "0")
    parser.add_argument("--audio", type=Path, metavar="FILE", help="dance to this song, which is heard in the video")
    parser.add_argument(
        "--seconds", type=seconds, metavar="N", help=f"how long ({RENDER_SECONDS:g}, or as long as the song)"
    )
    parser.add_argument(
        "--size", type=size, metavar="WxH",
        help="of the pictures (1280x720; of a replay, the show's window); not for .npy",
    )  # fmt: skip
    parser.add_argument(
        "--codec", metavar="NAME",
        help=f"of the video: {', '.join(codec.name for codec in CODECS)}, the last with alpha (h264; vp9 for .webm)",
    )  # fmt: skip
    parser.add_argument(
        "--replay", type=Path, metavar="FILE",
        help="show a logged show again, at the frame rate it had; --model is where its dancer lies now",
    )  # fmt: skip
    parser.add_argument(
        "--smooth", action="store_true",
        help="of a replay: draw everyone in every frame, where a large company had to take turns",
    )  # fmt: skip
    parser.add_argument(
        "--no-picture", action="store_true",
        help=f"draw nothing, dance for hours or days as fast as can be, and tell of resets, of who stood still, and "
        f"whether the end is like the beginning; in a report too, if OUT{REPORT} is given",
    )  # fmt: skip
    parser.add_argument(
        "--dancers", type=company, metavar="N", help="with --no-picture: so many, of the seeds from --seed on (1)"
    )
    parser.add_argument(
        "--every", type=count, metavar="N",
        help="with --no-picture: look at every Nth image of each dancer; the more, the faster (1)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true",
        help=f"with --no-picture: go on from where the dance of OUT{REPORT} was stopped",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.no_picture:
        return days_options(options, parser)
    for name in ("dancers", "every", "resume"):
        if getattr(options, name):
            parser.error(f"argument --{name}: only a dance with --no-picture takes it")
    if options.out is None or options.out.suffix == REPORT:
        found = f"{str(options.out)!r} ends in none of" if options.out else "a file is needed, ending in"
        parser.error(f"argument OUT: {found} {', '.join(ENDINGS)}")
    if options.smooth and not options.replay:
        parser.error("argument --smooth: only a replay takes it")
    if options.replay:
        danced = ("seed", "temperature", "speed", "seconds", "audio", "scene", "scenes", "set", "route")
        for name in [each for each in danced if getattr(options, each) not in (None, [])]:
            parser.error(f"argument --{name}: a replay is as it was danced")
    elif len(options.model) > 1:
        parser.error("argument --model: a render is danced by one")
    if options.size and options.out.suffix == IMAGES:
        parser.error("argument --size: an .npy holds the decoder's images at their own size")
    options.codec = codec_of(options, parser)
    if not options.replay:  # which goes by the show's own
        options.fps, options.size = options.fps or FPS, options.size or SIZE
    return options


def days_options(options: argparse.Namespace, parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options of a render without a picture, with their defaults."""
    for name in ("audio", "size", "codec", "replay", "smooth", "route", "scene", "scenes", "shaders"):
        if getattr(options, name):
            parser.error(f"argument --{name}: nothing is drawn or heard with --no-picture")
    if options.out and options.out.suffix != REPORT:
        parser.error(f"argument OUT: '{options.out}' does not end in {REPORT}, as the report of --no-picture does")
    if options.resume and not options.out:
        parser.error(f"argument --resume: OUT{REPORT} says which dance to go on with")
    if len(options.model) > 1:
        parser.error("argument --model: a render is danced by one")
    options.seconds, options.fps = options.seconds or RENDER_SECONDS, options.fps or FPS
    options.dancers, options.every = options.dancers or 1, options.every or 1
    return options


def codec_of(options: argparse.Namespace, parser: argparse.ArgumentParser) -> Codec | None:
    """The codec of the video asked for, which can hold its size; None where it is none."""
    if options.out.suffix not in VIDEOS:
        if options.codec:
            parser.error(f"argument --codec: {options.out} is no video; those end in {', '.join(VIDEOS)}")
        return None
    try:
        codec = codec_for(options.out.suffix, options.codec)
    except ValueError as error:
        parser.error(f"argument --codec: {error}")
    if options.size and (refusal := codec.refusal(options.size)):
        parser.error(f"argument --size: {refusal}")
    return codec


def parse_still(arguments: list[str]) -> argparse.Namespace:
    """The options of a still."""
    parser = argparse.ArgumentParser(
        prog="dancenet still",
        description="Renders one frame of a dance to OUT.png: the one that a render shows at that second.",
    )
    parser.add_argument("out", type=picture, metavar="OUT", help="a file ending in .png")
    add_dance_options(parser, "0", FPS)
    parser.add_argument("--at", type=moment, default=0.0, metavar="N", help="seconds from the dance's beginning (0)")
    parser.add_argument("--audio", type=Path, metavar="FILE", help="dance to this song")
    parser.add_argument("--size", type=size, default=SIZE, metavar="WxH", help="of the picture (1280x720)")
    options = parser.parse_args(arguments)
    if len(options.model) > 1:
        parser.error("argument --model: a still is danced by one")
    return options


def parse_controls(arguments: list[str]) -> argparse.Namespace:
    """`dancenet controls` takes no options but --help."""
    parser = argparse.ArgumentParser(
        prog="dancenet controls",
        description="Lists every parameter, command, signal and key, as docs/controls.md does.",
    )
    return parser.parse_args(arguments)


def parse_service(arguments: list[str]) -> argparse.Namespace:
    """`dancenet service` takes what to do."""
    parser = argparse.ArgumentParser(
        prog="dancenet service",
        description="Has an installation start with the machine, as a systemd service of yours (Linux; "
        "docs/installation.md tells how elsewhere). It runs `dancenet --installation` with your dancenet.toml.",
    )
    parser.add_argument("action", choices=("install", "remove", "status"))
    parser.add_argument("--config", metavar="FILE", help="the options' file, to install with (your own)")
    return parser.parse_args(arguments)


def parse_log(arguments: list[str]) -> argparse.Namespace:
    """`dancenet log` takes a file."""
    parser = argparse.ArgumentParser(prog="dancenet log", description="Tells what a log made with --log holds.")
    parser.add_argument("file", type=Path, metavar="FILE")
    return parser.parse_args(arguments)


def parse_isf_check(arguments: list[str]) -> argparse.Namespace:
    """`dancenet isf-check` takes files and folders."""
    parser = argparse.ArgumentParser(
        prog="dancenet isf-check",
        description="Draws ISF files for 30 frames each, with input that moves, and prints a row for each: ok, or FAIL "
        "and what is wrong where. Ends with 1 if any failed.",
    )
    parser.add_argument("paths", type=existing, nargs="+", metavar="PATH", help="a file, or a folder of .fs files")
    parser.add_argument("--size", type=size, default=CHECK_SIZE, metavar="WxH", help="of the picture (320x180)")
    return parser.parse_args(arguments)


def parse_devices(arguments: list[str]) -> argparse.Namespace:
    """`dancenet devices` takes no options but --help."""
    parser = argparse.ArgumentParser(
        prog="dancenet devices",
        description="Tells which monitors, audio inputs and devices for the model there are, which are used, and why.",
    )
    return parser.parse_args(arguments)


def add_dance_options(parser: argparse.ArgumentParser, seed: str, fps: float | None = None) -> None:
    """What a live show and a render have in common. `fps` is its default; None leaves it to be found out."""
    parser.add_argument(
        "--model", type=Path, action="append", default=[], metavar="DIR",
        help="the dancer's bundle, as a folder or a .dancer file, or a folder of bundles; repeated, N and P change "
        "between them (the one that ships)",
    )  # fmt: skip
    parser.add_argument("--seed", type=parameter("dance/seed"), metavar="N", help=f"which dance ({seed})")
    parser.add_argument(
        "--temperature", type=parameter("dance/temperature"), metavar="X",
        help="how freely it moves, 0.05 to 3 (what suits the dancer best)",
    )  # fmt: skip
    parser.add_argument("--speed", type=parameter("dance/speed"), metavar="X", help="0 freezes, 2 is double (1)")
    parser.add_argument("--fps", type=frame_rate, default=fps, metavar="N", help=f"frames a second ({FPS:g})")
    parser.add_argument(
        "--device", choices=DEVICES, default=DEVICES[0],
        help="where the model runs; auto takes an NVIDIA GPU, or another one that WebGPU reaches, if it works (auto)",
    )  # fmt: skip
    parser.add_argument(
        "--precision", choices=PRECISIONS, default=PRECISIONS[0],
        help="fp32 is exact; int8 is faster, on the CPU, for a bundle that has it; auto has it for images alone (auto)",
    )  # fmt: skip
    parser.add_argument(
        "--route", type=route, action="append", default=[], metavar="'SIGNAL PARAMETER AMOUNT'",
        help="a route at the start, such as 'audio/bass dance/speed 0.2'; curve, attack, release, invert, centre may "
        "follow; an amount of 0 takes one out; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--scene", metavar="NAME", help="the scene to begin with, by its name or number; off for none (the first)"
    )
    parser.add_argument(
        "--scenes", type=Path, metavar="DIR", help="where your scenes are (your configuration's folder)"
    )
    parser.add_argument(
        "--shaders",
        type=Path,
        metavar="DIR",
        help="a folder of ISF effects, beside those that ship and those in your configuration's folder",
    )
    parser.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=X",
        help="any parameter at the start, such as dance/sigma_temperature=0.8; may be repeated",
    )  # fmt: skip
