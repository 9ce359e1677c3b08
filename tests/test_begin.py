"""A dancer is played in huge pages, by the very process and command that was started."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.begin import plays
from engine.huge_pages import HUGE_PAGES, are_to_be_had
from tests.display import Screen
from tests.test_command_line import free_port

ROOT = Path(__file__).parent.parent
VARIABLE = "GLIBC_TUNABLES"
# Says how it was started, as often as it is.
COMMAND = """
import os, sys
print(os.getpid(), sys.argv, sys.flags.dev_mode, os.environ.get("GLIBC_TUNABLES"), flush=True)
from engine import huge_pages
if huge_pages.are_to_be_had(os.environ):
    huge_pages.begin_anew()
"""
WEIGHTS = """
import os
from engine import huge_pages
if huge_pages.are_to_be_had(os.environ):
    huge_pages.begin_anew()
from engine.bundle import open_bundle
bundle = open_bundle("models/default", "cpu")
huge = [line for line in open("/proc/self/smaps_rollup") if line.startswith("AnonHugePages")]
print(int(huge[0].split()[1]) / 1024)
"""
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has glibc's tunables")


def run(program: str, *arguments: str, environment: dict[str, str] | None = None) -> list[str]:
    mine = {name: value for name, value in os.environ.items() if name != VARIABLE} | (environment or {})
    command = [sys.executable, "-X", "dev", "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=mine, cwd=ROOT).stdout.splitlines()


@linux_only
def test_it_begins_anew_once_as_the_same_process_with_the_same_words() -> None:
    first, second = run(COMMAND, "--scene", "deep blue", "ü")
    assert first.endswith(" ['-c', '--scene', 'deep blue', 'ü'] True None")
    assert second == first.removesuffix("None") + HUGE_PAGES[VARIABLE]


@linux_only
def test_what_somebody_has_said_of_memory_stands() -> None:
    (only,) = run(COMMAND, environment={VARIABLE: "glibc.malloc.arena_max=2"})
    assert only.endswith("glibc.malloc.arena_max=2")


@linux_only
def test_the_weights_lie_in_huge_pages() -> None:
    allowed = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not allowed.exists() or "[never]" in allowed.read_text():
        pytest.skip("this system has no huge pages to give")
    # The step's alone have 48 MB. What is found depends on what memory the system has in one piece.
    assert float(run(WEIGHTS)[0]) > 20


# How many of 16 MB that a program asks to have in huge pages are, as the system says.
TOUCHES = """
import mmap
from engine.huge_pages import take_no_more, taken_again
kept = []
def huge():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("AnonHugePages")) >> 10
def touch():
    before = huge()
    block = mmap.mmap(-1, 16 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.madvise(mmap.MADV_HUGEPAGE)
    block[::4096] = bytes(len(block) // 4096)
    kept.append(block)
    return huge() - before
print(touch())
take_no_more()
print(touch())
with taken_again():
    print(touch())
print(touch())
print(huge())
"""


@linux_only
def test_a_show_that_is_on_takes_no_more_huge_pages_but_for_another_dancer() -> None:
    first, after, again, at_last, all_told = map(int, run(TOUCHES))
    if first < 12:
        pytest.skip("this system has no huge pages to give")
    assert (after, at_last) == (0, 0)
    assert again > 10
    assert all_told >= first + again, "what lies in them stays there"


# A heap of 32 MB whose holes go back and are filled again while huge pages are taken: how much of it lies in them.
REFILLS = """
import ctypes
from engine.huge_pages import take_no_more, taken_again
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def take():
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(1 << 16)))
    ctypes.memset(block, 1, 1 << 16)
    return block
def huge():
    found, heap = 0, False
    for line in open("/proc/self/smaps"):
        words = line.split()
        if not words[0].endswith(":"):
            heap = words[-1] == "[heap]"
        elif heap and words[0] == "AnonHugePages:":
            found += int(words[1])
    return found >> 10
blocks = [take() for _ in range(512)]
print(huge())
take_no_more()
for number, block in enumerate(blocks):
    if number % 64:
        libc.free(block)
libc.malloc_trim(0)
print(huge())
with taken_again():
    blocks = [take() for _ in range(400)]
    print(huge())
"""


@linux_only
def test_nothing_that_another_dancer_takes_of_the_heap_comes_in_huge_pages() -> None:
    first, with_holes, filled = map(int, run(REFILLS, environment=HUGE_PAGES))
    if first < 12:
        pytest.skip("this system has no huge pages to give")
    assert with_holes < first
    assert filled == with_holes


@linux_only
def test_a_show_takes_no_more_once_it_is_on(tiny_bundle: Path, x_display: Screen) -> None:
    osc = f"127.0.0.1:{free_port()}"
    arguments = ["--model", str(tiny_bundle), "--audio", "off", "--osc", osc, "--size", "320x180"]
    show = subprocess.Popen([sys.executable, "-m", "engine", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while taking(show.pid) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert show.poll() is None
        assert not taking(show.pid)
    finally:
        show.terminate()
        show.wait()


def taking(pid: int) -> bool:
    """Whether a process is given huge pages, as the system says."""
    return "THP_enabled:\t1" in Path(f"/proc/{pid}/status").read_text()


@pytest.mark.parametrize(
    "arguments", [[], ["--scene", "storm"], ["render", "out.mp4"], ["still", "out.png"], ["decode", "a"], ["explore"]]
)
def test_commands_that_run_a_dancer_play(arguments: list[str]) -> None:
    assert plays(arguments)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["render", "-h"], ["train", "a"], ["devices"], ["config"], ["service"]]
)
def test_others_answer_at_once_or_see_to_their_memory_themselves(arguments: list[str]) -> None:
    assert not plays(arguments)


def test_other_systems_begin_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert not are_to_be_had({})
