"""A process that holds one competitor and does rounds of its work when asked, so that none disturbs another.

Started by `Worker`; reads one JSON line for each call and answers with one. What libraries print goes to stderr. While
it waits it sleeps: libraries whose threads spin between calls stop within milliseconds of a round's end.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from engine.huge_pages import HUGE_PAGES

ROOT = Path(__file__).parent.parent
# What libraries read as they load; TensorFlow, PyTorch and onnxruntime are also told by their own functions.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class NotHere(Exception):
    """A competitor that cannot be had on this machine; the message says why, in one line."""


class Worker:
    """`factory` is a function of ours, as `module:name`; what it returns is what `call` calls methods of. It is
    given the `arguments` and `threads`, how many it may compute with.

    `environment` is added to the process's own; everyone has memory in huge pages, as the show does. Raises NotHere
    where the competitor cannot be built.
    """

    def __init__(
        self, factory: str, threads: int, environment: Mapping[str, str] | None = None, **arguments: Any
    ) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        whole = {**HUGE_PAGES, **os.environ} | dict.fromkeys(THREAD_VARIABLES, str(threads)) | dict(environment or {})
        command = [sys.executable, "-m", "benchmarks.worker", factory, json.dumps(arguments | {"threads": threads})]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=whole,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        try:
            self._answer()  # that it stands
        except NotHere:
            self.close()
            raise

    def call(self, name: str, **arguments: Any) -> Any:
        """Has the method called and returns what it returned. Raises NotHere where it failed."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([name, arguments]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()
        self._errors.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            self._errors.seek(0)
            last = (self._errors.read().strip() or "it said nothing").splitlines()[-1]
            raise NotHere(f"ended with code {code}: {last}")
        answer = json.loads(line)
        if "error" in answer:
            raise NotHere(answer["error"])
        return answer["result"]


def serve(factory: str, arguments: dict[str, Any]) -> None:
    """Builds the competitor and answers calls until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what others print is no answer

    def answer(**content: Any) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    module, _, name = factory.partition(":")
    try:
        served = getattr(importlib.import_module(module), name)(**arguments)
    except (ImportError, ValueError, RuntimeError, OSError) as error:  # not installed, or a compiler is missing
        answer(error=(str(error) or type(error).__name__).splitlines()[0])
        return
    answer(result=None)
    for line in sys.stdin:
        method, given = json.loads(line)
        answer(result=getattr(served, method)(**given))


if __name__ == "__main__":
    serve(sys.argv[1], json.loads(sys.argv[2]))
