"""Memory that was let go of is not held on to."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What takes memory, and tells how much is held.
TAKES = """
import ctypes, resource
from pathlib import Path
from engine.memory import give_back
give_back()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
def take(size):
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(size)))
    ctypes.memset(block, 1, size)
    return block
"""
# Blocks of 2 MB, each with a small one that stays behind it: where they come from one heap, the heap cannot shrink.
LETS_GO = (
    TAKES
    + """
libc.free(take(2 << 20))
before = held()
blocks = [(take(2 << 20), take(100)) for _ in range(32)]
assert held() - before > 60 << 20
for large, _ in blocks:
    libc.free(large)
print(held() - before)
"""
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_large_blocks_go_back_to_the_system() -> None:
    result = subprocess.run([sys.executable, "-c", LETS_GO], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 4 << 20


# Blocks of 64 KB, every second of which stays: a heap gives back its end alone by itself.
HOLES = (
    TAKES
    + """
import time
from engine import memory
memory.EVERY = 0.05
before = held()
blocks = [take(1 << 16) for _ in range(512)]
for block in blocks[::2]:
    libc.free(block)
assert held() - before > 30 << 20
deadline = time.monotonic() + 60
with memory.kept_small():
    while held() - before > 20 << 20 and time.monotonic() < deadline:
        time.sleep(0.01)
print(held() - before)
for block in blocks[1::2]:
    assert ctypes.string_at(block, 1 << 16) == bytes([1]) * (1 << 16)
"""
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_what_is_free_between_blocks_that_stay_goes_back_too() -> None:
    result = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 20 << 20


# Opens the dancer that ships again and again, as a show does that changes its models; how much is held each time.
CHANGES = (
    TAKES
    + """
import sys
from engine.bundle import open_bundle
from engine.dancer import Dancer
from engine.memory import trim
from engine.models import Act, let_go
from engine.parameters import PARAMETERS
values = {row.key: row.default for row in PARAMETERS} | {"dance/dancers": 4}
def dance(act):
    for _ in range(20):
        images = act.bundle.decode(act.dancer.advance(1 / 30, values))
    trim()
    print(held())
    return images
def opened():
    bundle = open_bundle("models/default", "cpu")
    return Act(bundle, Dancer(bundle, [1, 2, 3, 4]))
now = opened()
first = dance(now)
now.bundle.settle()
for _ in range(int(sys.argv[1])):
    gone, now = [now], opened()
    assert (dance(now) == first).all()
    let_go(gone, now.bundle)
    dance(now)
"""
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_what_opening_took_and_what_models_that_are_gone_had_goes_back_too() -> None:
    command = [sys.executable, "-c", CHANGES, "6"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    first, *changed = map(int, result.stdout.split())
    settled = changed[1::2]  # the others are those of two dancers
    assert max(settled) < first - (15 << 20)
    assert max(settled) - min(settled) < 10 << 20


# Blocks of half a megabyte, which come from the thread's own heap.
A_THREAD_LETS_GO = (
    TAKES
    + """
import threading
def work():
    blocks = [take(1 << 19) for _ in range(28)]
    for block in reversed(blocks):
        libc.free(block)
    print(held() - before)
before = held()
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_what_a_thread_had_goes_back_too() -> None:
    result = subprocess.run([sys.executable, "-c", A_THREAD_LETS_GO], capture_output=True, text=True, check=True)
    assert int(result.stdout) < 4 << 20


# Threads that all take memory at once would have a heap each.
THREADS_AT_ONCE = (
    TAKES
    + """
import sys, threading
together = threading.Barrier(6)
def work():
    together.wait()
    libc.free(take(1 << 16))
    together.wait()
threads = [threading.Thread(target=work) for _ in range(6)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.fopen.restype = ctypes.c_void_p
file = ctypes.c_void_p(libc.fopen(sys.argv[1].encode(), b"w"))
libc.malloc_info(0, file)
libc.fclose(file)
"""
)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is not glibc's")
def test_threads_share_a_heap(tmp_path: Path) -> None:
    told = tmp_path / "heaps.xml"
    subprocess.run([sys.executable, "-c", THREADS_AT_ONCE, str(told)], check=True)
    assert 1 <= told.read_text().count("<heap nr=") <= 2
