"""The memory that models compute in, all of them together: bounded, by onnxruntime's own arena.

A graph of a few bytes may ask for a tensor of any size. Beyond the arena's bound onnxruntime refuses it at once, when
the bundle opens, where without one the system would first give all that it has.
"""

import threading

import onnxruntime

# 64 of the default dancer take 0.3 GB.
MOST_BYTES = 8 << 30

_made, _making = False, threading.Lock()  # sessions open on several threads at once


def use_arena(options: onnxruntime.SessionOptions) -> None:
    """Has a session compute in the arena, which is made for the first."""
    global _made
    with _making:
        if not _made:
            memory = onnxruntime.OrtMemoryInfo(
                "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
            )
            onnxruntime.create_and_register_allocator(memory, onnxruntime.OrtArenaCfg({"max_mem": MOST_BYTES}))
            _made = True
    options.add_session_config_entry("session.use_env_allocators", "1")


def giving_back() -> onnxruntime.RunOptions:
    """Options of a run after which the arena gives back all in which nothing is computed just then."""
    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
