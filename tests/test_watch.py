"""`--watch`: the page that lives while a dancer is trained, written from real checkpoints by a real process."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures.footage import blob
from training.arguments import parse
from training.clips import Clip, split
from training.latents import Statistics
from training.loop import load_checkpoint, save_checkpoint
from training.mdn_rnn import MDNRNNConfig
from training.place import CPU
from training.plan import Plan
from training.stages import Latents, Stages
from training.vae import VAEConfig
from training.watch import Watched, write_page

KIND = "dark silhouette"
SHORT = ["--vae-epochs", "1", "--mdn-rnn-epochs", "6", "--steps", "16", "--latent-size", "6"]
# Watches until it is ended, as `dancenet train` would; the page and the run's folder are its arguments.
PARENT = """
import sys
from collections.abc import Callable
from pathlib import Path
from tests.test_watch import to_watch
from training.watch import start_watching
if __name__ == "__main__":
    watcher = start_watching(to_watch(Path(sys.argv[1])))
    print(watcher.pid, flush=True)
    watcher.join()
"""


def to_watch(folder: Path) -> Watched:
    clips = [Clip("a", np.stack([blob(i / 30) for i in range(100)]))]
    budgets = {name: budget for name, (budget, _) in stages(folder).budgets().items()}
    plan = Plan(["20 min of training"], ["20 min are short"])
    return Watched(folder / "report.html", folder / "training", "mine", clips, KIND, plan, budgets, (1.0, 1.0))


def stages(folder: Path) -> Stages:
    clips = [Clip("a", np.stack([blob(i / 30) for i in range(100)]))]
    options = parse(["footage", "--out", str(folder), *SHORT])
    return Stages(options, CPU, None, *split(clips), folder / "training", lambda items, _: iter(items), 8)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has come as far as its LSTM-MDN."""
    folder = tmp_path_factory.mktemp("run")
    run = stages(folder)
    vae, _ = run.trained(run.vae_stage(VAEConfig((104, 64), 6, (6, 6, 4))))
    latents: Latents = run.latents(vae)
    assert isinstance(latents.normal, Statistics)
    run.mdn_rnn(MDNRNNConfig(6, 2, 12, 12, 3), latents)
    return folder


def page(folder: Path) -> str:
    write_page(to_watch(folder))
    return (folder / "report.html").read_text()


def test_before_the_first_checkpoint_the_page_shows_the_footage_and_the_plan(tmp_path: Path) -> None:
    found = page(tmp_path)
    assert '<meta http-equiv="refresh" content="20">' in found
    assert found.count("<td>to come</td>") == 3
    assert 'alt="the footage"' in found
    assert "<li>20 min of training</li><li>But 20 min are short.</li>" in found


def test_the_page_shows_how_it_learns_and_how_it_dances(trained: Path) -> None:
    found = page(trained)
    assert re.search(r"<td>VAE</td><td>done</td>", found)
    assert re.search(r"<td>LSTM-MDN</td><td>done</td>", found)
    assert "<td>decoder</td><td>to come</td>" in found
    pictures = re.findall(r'alt="([^"]*)" src="data:image/png;base64,(\w{20})', found)
    assert [name for name, _ in pictures] == [
        *("the sample, moving", "contact sheet of the sample", "originals above reconstructions")
    ]
    assert "<h2>Training: vae</h2>" in found and "<h2>Training: mdn_rnn</h2>" in found
    assert re.search(r"<td>freeze</td><td>[\d.e-]+</td><td>0.01</td>", found)


def test_a_stage_that_is_trained_tells_how_far_it_is(trained: Path, tmp_path: Path) -> None:
    content = load_checkpoint(trained / "training" / "vae.pt")
    save_checkpoint(tmp_path / "training" / "vae.pt", content | {"done": False, "step": 5, "seconds": 130.0})
    # 1 epoch of 90 images is 11 steps of 8.
    assert "<td>VAE</td><td>45%</td><td>2 min</td>" in page(tmp_path)


def test_a_browser_is_shown_the_page_once_and_the_watcher_ends_with_the_training(trained: Path, tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {opened}\n')
    browser.chmod(0o755)
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"BROWSER": f"{browser} %s", "PYTHONPATH": str(Path(__file__).parents[1])}
    (trained / "report.html").unlink(missing_ok=True)
    with subprocess.Popen(
        [sys.executable, script, trained], stdout=subprocess.PIPE, text=True, env=environment
    ) as training:
        assert training.stdout is not None
        watcher = int(training.stdout.readline())
        wait_for(lambda: opened.exists() and opened.read_text().endswith("\n"))
        assert os.getpriority(os.PRIO_PROCESS, watcher) == 19
        training.send_signal(signal.SIGKILL)
    assert opened.read_text() == f"{(trained / 'report.html').resolve().as_uri()}\n"
    assert (trained / "report.html").exists()
    wait_for(lambda: not running(watcher))


def running(pid: int) -> bool:
    """Whether there is such a process, that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for(reached: Callable[[], bool], patience: float = 120) -> None:
    end = time.monotonic() + patience
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_without_a_screen_it_says_where_the_page_is(trained: Path, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    environment = {n: v for n, v in environment.items() if n != "BROWSER"} | {
        "PYTHONPATH": str(Path(__file__).parents[1])
    }
    with subprocess.Popen(
        [sys.executable, script, trained], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as training:
        assert training.stderr is not None
        line = training.stderr.readline()
        training.kill()
    expected = (trained / "report.html").resolve()
    assert line == f"dancenet: train: no browser to be had here; --watch keeps {expected}\n"
