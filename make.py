"""Set this clone up and run it: what `make dance`, `make test` and the rest do, wherever there is a Python.

Owns `.venv`, the stamps in it that say what it holds, and what is asked of apt. `dance` installs what the show needs,
`test` adds what development needs, `bench` has a `.venv-bench` of its own, with the peers; each is redone only when
pyproject.toml or this file changed, or when it was cut short. Nothing but the standard library, and nothing that an old
Python cannot read: it has to say that it is too old.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent
OLDEST_PYTHON = (3, 11)
CPU_BUILDS_OF_TORCH = "https://download.pytorch.org/whl/cpu"
# TensorFlow has no place among what development needs: it is large, and holds back versions of others.
SHOW, PEERS, AUDIT = ".venv", ".venv-bench", ".venv-audit"
# Where pip-audit asks. It passes over what nothing is known about, so that a mirror without advisories would look like
# a clean bill: an old pip, which has some, is asked about first.
ADVISORIES = "https://pypi.org"
REACH_ADVISORIES = f"""\
import json, sys, urllib.request
try:
    with urllib.request.urlopen("{ADVISORIES}/pypi/pip/20.0/json", timeout=20) as answer:
        known = json.load(answer).get("vulnerabilities")
except (OSError, ValueError) as error:
    sys.exit(f"dancenet: {{error}}")
sys.exit(0 if known else "dancenet: what answers there knows of no advisories")"""

# What Debian and Ubuntu call the libraries that Python's packages load: OpenGL for the window and without one; X11's
# that pyglet asks for its visuals and the monitors; fonts; PortAudio. Everywhere else system or wheels bring them.
SHOW_LIBRARIES = [
    "libgl1",
    "libegl1",
    "libgl1-mesa-dri",
    "libxrender1",
    "libxrandr2",
    "libfontconfig1",
    "libportaudio2",
]
# moderngl has wheels for x86-64 only; elsewhere pip compiles it, which takes these and Python's headers.
COMPILER = ["g++", "libx11-dev"]
# Tests open real windows on a screen in memory, press real keys on real layouts, and listen to a real sound server.
TEST_PROGRAMS = [
    *("xvfb", "xdotool", "x11-xkb-utils", "x11-xserver-utils", "x11-utils"),
    *("pulseaudio", "pulseaudio-utils", "libasound2-plugins"),
]
# Programs that people send OSC with, oscsend, Pure Data and SuperCollider, and one that they play videos in.
CLIENT_PROGRAMS = ["liblo-tools", "puredata-core", "supercollider-language", "chromium"]
# What lets WebGPU run without a GPU: Vulkan, and SwiftShader, which comes with Chromium.
SOFTWARE_GPU = ["libvulkan1", "chromium"]

USAGE = """\
make dance [ARGS="..."]   install what the show needs, the first time, and start it; ARGS go to dancenet
make test  [ARGS="..."]   install what development needs, the first time, and run every check; ARGS go to pytest
make test-clients         install oscsend, Pure Data, SuperCollider and Chromium, and have them play the show
make test-faults          every fault that a show is to outlast, those that take long too (tests/faults/README.md)
make test-guide           docs/train-your-own.md, followed as a new user does: every command of it, some minutes
make test-webgpu          install WebGPU's plugin and a GPU in software, and have the dancer run there
make lint                 the checks of the source alone: ruff and mypy
make soak [MINUTES=30]    play a show for so long with music, OSC and harm by chance, and judge how it took it
make bench [ARGS="..."]   install TensorFlow and PyTorch beside, in .venv-bench, and measure; ARGS go to the benchmarks
make fuzz  [ARGS="..."]   give every parser a minute of broken files and packets; ARGS go to the fuzzers (--seconds 600)
make audit                ask PyPI's advisories for known vulnerabilities of what is installed; needs the network
make clean                remove .venv, .venv-bench, .venv-audit and what tools left behind; models and runs stay

PYTHON=python3.12 make ...   uses that Python; without make: python3 make.py dance"""


def main(arguments: list[str]) -> int:
    """Do what the first argument says, handing on the rest; returns the exit code."""
    name, rest = (arguments[0] if arguments else "help"), arguments[1:]
    if name == "help":
        print(USAGE)
        return 0
    commands = {
        "dance": dance,
        "test": test,
        "test-clients": test_clients,
        "test-faults": test_faults,
        "test-guide": test_guide,
        "test-webgpu": test_webgpu,
        "lint": lint,
        "soak": soak,
        "bench": bench,
        "fuzz": fuzz,
        "audit": audit,
        "clean": clean,
    }
    if name not in commands:
        print(f"make.py: unknown command {name!r}; there are {', '.join(commands)} and help", file=sys.stderr)
        return 2
    if sys.version_info < OLDEST_PYTHON:
        return run_with_newer_python(arguments)
    os.chdir(ROOT)
    try:
        return commands[name](rest)
    except SetUpError as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130


def dance(rest: list[str]) -> int:
    """The show, with whatever `dancenet` understands."""
    set_up(development=False)
    return become([str(program("dancenet")), *rest])


def test(rest: list[str]) -> int:
    """Every check. The tests run last and whatever the others found, so that one run tells everything."""
    set_up(development=True)
    return check_source() | run([str(program("python")), "-m", "pytest", *rest])


def test_clients(rest: list[str]) -> int:
    """The checks that other people's programs take part in; without these they are skipped."""
    set_up(development=True)
    install_system_packages(CLIENT_PROGRAMS)
    return run([str(program("python")), "-m", "pytest", "tests/clients", *rest])


def test_faults(rest: list[str]) -> int:
    """The show, its processes, devices, disks and clocks come to harm; the quick ones are a part of `test` too."""
    set_up(development=True)
    return run([str(program("python")), "-m", "pytest", "tests/faults", *rest], DANCENET_FAULTS="all")


def test_guide(rest: list[str]) -> int:
    """The guide to a dancer of one's own, command after command."""
    set_up(development=True)
    return run([str(program("python")), "-m", "pytest", "tests/test_guide.py", *rest], DANCENET_GUIDE="all")


def test_webgpu(rest: list[str]) -> int:
    """The checks of the dancer on WebGPU; without its plugin they are skipped."""
    set_up(development=True)
    install_system_packages(SOFTWARE_GPU)
    python = str(program("python"))
    installed = run([python, "-m", "pip", "install", "--quiet", "--editable", ".[webgpu]"])
    return installed or run([python, "-m", "pytest", "tests/test_webgpu.py", *rest])


def lint(rest: list[str]) -> int:
    """The checks that need no test to run."""
    set_up(development=True)
    return check_source()


def soak(rest: list[str]) -> int:
    """A show under harm: in a window on the display at hand, or on a screen in memory."""
    set_up(development=True)
    return become([str(program("python")), "-m", "benchmarks.soak", *rest])


def bench(rest: list[str]) -> int:
    """The show's model beside its peers and the machine's limits; and the live show on the display at hand."""
    install_system_packages([*system_packages(False, platform.machine()), "g++"])  # torch.compile compiles by it
    prepare(PEERS, [stamp("bench", PEERS)], lambda: install_with_torch("bench", PEERS))
    return become([str(program("python", PEERS)), "-m", "benchmarks", *rest])


def fuzz(rest: list[str]) -> int:
    """Broken files and packets for every parser: each takes or refuses what it is given, in bounded time and memory."""
    set_up(development=True)
    return run([str(program("python")), "-m", "tests.fuzz", *rest])


def audit(rest: list[str]) -> int:
    """Known vulnerabilities of everything in `.venv`, by pip-audit, which lives in an environment of its own."""
    set_up(development=True)
    prepare(AUDIT, [stamp("audit", AUDIT)], lambda: pip_install(*dependency_group("audit"), environment=AUDIT))
    python = str(program("python", AUDIT))
    if not succeeds([python, "-c", REACH_ADVISORIES]):
        say(f"the advisories at {ADVISORIES} cannot be reached from here, so that nothing was audited")
        return 1
    places = subprocess.run(
        [str(program("python")), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return run([python, "-m", "pip_audit", "--path", places.stdout.strip(), "--skip-editable", *rest])


def clean(rest: list[str]) -> int:
    """Remove what can be made again in minutes; models and runs take hours and stay."""
    for name in [
        SHOW,
        PEERS,
        AUDIT,
        ".fuzz",
        "build",
        "dist",
        ".pytest_cache",
        ".ruff_cache",
        ".mypy_cache",
        ".hypothesis",
    ]:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0


def check_source() -> int:
    """Ruff and mypy, all of them whatever the first one finds; 0 when clean, else 1."""
    python = str(program("python"))
    checks = [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]]
    codes = [run([python, "-m", *check]) for check in checks]
    return int(any(codes))


class SetUpError(Exception):
    """What the set-up cannot go on without, in one line."""


def set_up(development: bool) -> None:
    """System packages and `.venv`, as far as they are missing."""
    install_system_packages(system_packages(development, platform.machine()))
    stamps = [stamp("test")] if development else [stamp("dance"), stamp("test")]  # the second holds the first too
    prepare(SHOW, stamps, lambda: install_python_packages(development))


def prepare(environment: str, stamps: list[Path], install: Callable[[], None]) -> None:
    """The environment with what `install` puts in it, unless one of the stamps says so; the first is then written."""
    key = stamp_key()
    if program("python", environment).exists() and any(
        stamp.is_file() and stamp.read_text() == key for stamp in stamps
    ):
        return
    say(f"setting up {environment}; this takes minutes, and only this once")
    if sys.platform == "linux" and shutil.which("dpkg-query") is None:
        say(f"no apt here: your system has to bring what Debian calls {' '.join(SHOW_LIBRARIES)}")
    for name in ("dance", "test", "bench", "audit"):
        stamp(name, environment).unlink(missing_ok=True)  # from here until the end, it is not to be trusted
    make_environment(environment)
    install()
    part = stamps[0].with_suffix(".part")
    part.write_text(key)
    os.replace(part, stamps[0])


def stamp(name: str, environment: str = SHOW) -> Path:
    """The file whose being there, with the right key in it, says that the set-up for a command went through."""
    return ROOT / environment / f"set-up-for-{name}"


def stamp_key() -> str:
    """Changes with everything that the set-up depends on: what it installs, how, with which Python and where."""
    parts = [(ROOT / "pyproject.toml").read_bytes(), Path(__file__).read_bytes()]
    parts += [str(ROOT).encode(), repr(sys.version_info[:2]).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def program(name: str, environment: str = SHOW) -> Path:
    """A program of an environment, e.g. python or dancenet."""
    if os.name == "nt":
        return ROOT / environment / "Scripts" / f"{name}.exe"
    return ROOT / environment / "bin" / name


def system_packages(development: bool, machine: str) -> list[str]:
    """What Debian and Ubuntu have to have; `machine` is the processor, as `uname -m` calls it."""
    compiler = [] if machine == "x86_64" else [*COMPILER, debian_python("dev")]
    return SHOW_LIBRARIES + compiler + (TEST_PROGRAMS if development else [])


def install_system_packages(packages: list[str]) -> None:
    """Debian's and Ubuntu's, by apt; where that cannot be, say what to do by hand and go on."""
    missing = missing_system_packages(packages)
    if not missing:
        return
    say(f"missing system packages: {' '.join(missing)}")
    # A fresh machine has no index to install from, and one just booted may hold apt's lock for a while.
    install = f"apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends {' '.join(missing)}"
    prefix = root_prefix()
    if prefix is not None:
        say(f"installing them: {' '.join([*prefix, install])}")
        script = f"apt-get -qq update; DEBIAN_FRONTEND=noninteractive {install}"
        if subprocess.call([*prefix, "sh", "-c", script]) == 0:
            return
    by_hand = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(missing)}"
    say(f"cannot install them from here; as root, run: {by_hand}")


def missing_system_packages(packages: list[str]) -> list[str]:
    """Those that dpkg does not have, and Python's venv where this Python came without it; none on other systems."""
    dpkg_query = shutil.which("dpkg-query")
    if sys.platform != "linux" or dpkg_query is None:
        return []
    query = [dpkg_query, "--show", "--showformat=${Package} ${db:Status-Status}\n", *packages]
    answer = subprocess.run(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    installed = {line.split()[0] for line in answer.splitlines() if line.endswith(" installed")}
    missing = [package for package in packages if package not in installed]
    if importlib.util.find_spec("ensurepip") is None and not program("pip").exists():
        missing.append(debian_python("venv"))
    return missing


def debian_python(part: str) -> str:
    """The package of a part of Python that Debian packs separately for each version: venv, or dev for the headers."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-{part}"


def root_prefix() -> list[str] | None:
    """What makes a command run as root: nothing for root, sudo where there is one, None where there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    return ["sudo"] if sys.stdin.isatty() else ["sudo", "-n"]  # nobody to type a password: fail, never wait


def make_environment(environment: str = SHOW) -> None:
    """The environment with pip in it, made anew unless a whole one of this Python's version is there."""
    major, minor = sys.version_info[:2]
    probe = f"import sys, pip; sys.exit(sys.version_info[:2] != ({major}, {minor}))"
    python = program("python", environment)
    if python.exists() and succeeds_silently([str(python), "-c", probe]):
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = debian_python("venv")
        raise SetUpError(
            f"this Python cannot make {environment} without its ensurepip (on Debian and Ubuntu: {package})"
        )
    if not succeeds([sys.executable, "-m", "venv", "--clear", str(ROOT / environment)]):
        raise SetUpError(f"{sys.executable} could not make {environment}; its own words are above")


def install_python_packages(development: bool) -> None:
    """The clone itself, editable, with what it needs; for development, training's and the `dev` group's as well."""
    if development:
        install_with_torch("dev", SHOW)
    else:
        pip_install("--editable", ".")


def install_with_torch(group: str, environment: str) -> None:
    """The clone itself, editable, with what training needs and a group of pyproject.toml."""
    requirements = dependency_group(group)
    for requirement in requirements:
        if requirement.startswith("torch=="):
            install_torch(requirement, environment)
    pip_install("--editable", ".[training]", *requirements, environment=environment)


def dependency_group(name: str) -> list[str]:
    """A group of pyproject.toml's, which the pip of Debian 12 cannot read itself."""
    import tomllib  # not in the Pythons that are too old

    with open(ROOT / "pyproject.toml", "rb") as file:
        group: list[str] = tomllib.load(file)["dependency-groups"][name]
    return group


def install_torch(requirement: str, environment: str) -> None:
    """The CPU build. PyPI's torch for Linux brings gigabytes of CUDA; PyTorch's own index has it without, marked
    +cpu. Only torch is taken from there; where that index cannot be had, pip looks where else it is set to look.
    """
    if sys.platform == "linux":
        cpu_build = ["--no-deps", "--extra-index-url", CPU_BUILDS_OF_TORCH, f"{requirement}+cpu"]
        if succeeds([*pip(environment), *cpu_build]):
            return
        say("no CPU build of torch to be had: taking PyPI's, with gigabytes of CUDA")
    pip_install(requirement, environment=environment)


def pip_install(*requirements: str, environment: str = SHOW) -> None:
    """Or a SetUpError; pip itself has said why."""
    if not succeeds([*pip(environment), *requirements]):
        raise SetUpError("pip could not install what is needed; its own words are above")


def pip(environment: str = SHOW) -> list[str]:
    return [str(program("python", environment)), "-m", "pip", "install", "--disable-pip-version-check"]


def run_with_newer_python(arguments: list[str]) -> int:
    """The same command under the newest Python on the path that is new enough."""
    for minor in range(30, OLDEST_PYTHON[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            return become([newer, __file__, *arguments])
    needed, found = (".".join(map(str, version)) for version in (OLDEST_PYTHON, sys.version_info[:2]))
    say(f"Python {needed} or later is needed and this is {found}; with one installed: make dance PYTHON=python{needed}")
    return 1


def run(command: list[str], **variables: str) -> int:
    """Show a command, run it with these variables of the environment besides, hand its exit code back."""
    print(f"$ {' '.join(['python', *command[1:]])}", flush=True)
    return subprocess.call(command, env={**os.environ, **variables})


def succeeds(command: list[str]) -> bool:
    return subprocess.call(command) == 0


def succeeds_silently(command: list[str]) -> bool:
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def become(command: list[str]) -> int:
    """Hand the process over, so that signals and the exit code are the command's own; Windows has to wait for it."""
    sys.stdout.flush()
    if os.name == "nt":
        return subprocess.call(command)
    os.execv(command[0], command)


def say(line: str) -> None:
    print(f"dancenet: {line}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
