"""`dancenet train` from footage to a dancer: all kinds of footage, killed and resumed, repeatable, fine-tuned."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import av
import pytest
import torch

from engine.bundle import open_bundle
from tests.fixtures.footage import write_dance
from training.stages import DECODER_SHARE, MDN_RNN_SHARE, VAE_SHARE

SIZES = ["--image-size", "104x64", "--latent-size", "6", "--channels", "6,6,4"]
SIZES += ["--layers", "2", "--units", "12", "--hidden", "12", "--components", "3"]
SHORT = ["--vae-epochs", "0.3", "--decoder-epochs", "0.2", "--mdn-rnn-epochs", "4", "--steps", "16"]
STAGES = ["vae", "mdn_rnn", "decoder"]


def command(footage: Path, out: Path, *more: str) -> list[str]:
    cache = ["--cache", str(footage.parent / "cache")]
    return [sys.executable, "-m", "engine", "train", str(footage), "--out", str(out), *cache, *SIZES, *SHORT, *more]


def run(*arguments: str | Path, expected: int = 0) -> str:
    """Run the command to its end; what it said."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "BROWSER": "true"}  # one that shows nothing
    result = subprocess.run(list(map(str, arguments)), capture_output=True, text=True, env=environment)
    assert result.returncode == expected, result.stderr[-2000:]
    assert "Traceback" not in result.stderr, result.stderr[-2000:]
    return result.stderr


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_dance(tmp_path_factory.mktemp("footage") / "dance")


@pytest.fixture(scope="module")
def trained(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dancer trained without interruption, and watched, which changes nothing."""
    out = tmp_path_factory.mktemp("trained") / "mine"
    run(*command(footage, out, "--watch"))
    return out


def weights(out: Path) -> dict[str, torch.Tensor]:
    dancer = torch.load(out / "training" / "dancer.pt", weights_only=True)
    return {**dancer["vae_weights"], **{f"rnn.{n}": t for n, t in dancer["mdn_rnn_weights"].items()}}


def figures(out: Path) -> list[dict]:
    """All figures of a run but the time it took."""
    histories = [torch.load(out / "training" / f"{n}.pt", weights_only=True)["history"] for n in STAGES]
    return [{k: v for k, v in row.items() if k != "seconds"} for history in histories for row in history]


def test_footage_becomes_a_dancer_with_a_sample_and_a_report(trained: Path) -> None:
    bundle = open_bundle(trained)
    assert len(bundle.bank) >= 100
    assert bundle.metadata.image_kind == "dark silhouette"
    assert bundle.metadata.name == "mine"
    assert set(bundle.metadata.quality) >= {"held_out_iou", "held_out_loss"}
    with av.open(str(trained / "sample.mp4")) as video:
        assert sum(1 for _ in video.decode(video=0)) == 16 * 30
    report = (trained / "report.html").read_text()
    assert report.count("data:image/png;base64,") == 2
    assert report.count("<polyline") == 5 + 2 + 4
    assert "3 clips, 390 images, 0.2 minutes, seen as dark silhouette" in report
    assert "http-equiv" not in report  # it is finished, and reloads no more
    assert "<li>a new dancer, as its sizes are not the default dancer&#x27;s</li>" in report
    assert (
        "<li>But 0.2 minutes of footage are too few: it will repeat itself; ten are a start, film more.</li>" in report
    )
    for figure in ("motion energy", "freeze", "jitter", "blur", "loose pieces", "diversity"):
        assert re.search(rf"<td>{figure}</td><td>[\d.e-]+</td><td>[\d.e-]+</td>", report)


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_killed_at_any_moment_ends_as_one_never_killed(
    footage: Path, trained: Path, tmp_path: Path, stage: str
) -> None:
    out = tmp_path / "mine"
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    arguments = command(footage, out, "--checkpoint-seconds", "0.0001")
    path = out / "training" / f"{stage}.pt"
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL, env=environment) as process:
        while process.poll() is None and not path.exists():
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert torch.load(path, weights_only=True)["done"] is False
    run(*command(footage, out, "--resume"))
    assert figures(out) == figures(trained)
    expected, found = weights(trained), weights(out)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_run_is_neither_overwritten_nor_resumed_with_other_options(footage: Path, trained: Path) -> None:
    told = run(*command(footage, trained), expected=1)
    assert "holds a run already; --resume goes on with it, another --out starts a new one" in told
    told = run(*command(footage, trained, "--resume", "--kl-weight", "0.7"), expected=1)
    assert "cannot be resumed with other options: kl_weight was 0.5, now 0.7" in told


def test_a_budget_of_minutes_is_kept_and_a_bundle_is_fine_tuned(footage: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    run(*command(footage, out, "--minutes", "0.05", "--from", str(trained)))
    runs = [torch.load(out / "training" / f"{name}.pt", weights_only=True) for name in STAGES]
    for stage, share in zip(runs, (VAE_SHARE, MDN_RNN_SHARE, DECODER_SHARE), strict=True):
        # A stage ends with the step that crosses its share of the budget.
        assert stage["done"]
        assert share * 3 <= stage["seconds"] < share * 3 + 2
    before, after = (json.loads((folder / "bundle.json").read_text())["quality"] for folder in (trained, out))
    assert after["held_out_reconstruction"] < before["held_out_reconstruction"]
    card = json.loads((out / "bundle.json").read_text())
    assert card["data"] == "a, b, numbered. It began with the weights of mine: a, b, numbered"
    assert card["licence"] == "not stated. Of the weights that it began with: not stated"


def test_a_dancer_is_refined_its_latents_stay_and_it_dances_as_before(
    footage: Path, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    run(*command(footage, out, "--refine", str(trained)))
    before, after = weights(trained), weights(out)
    # The bundle that is refined holds the weights as float16.
    rnn = [name for name in before if name.startswith("rnn.")]
    assert all(torch.equal(after[name], before[name].half().float()) for name in rnn if name != "rnn.gain")
    assert not torch.equal(after["encoder.conv1.weight"], before["encoder.conv1.weight"].half().float())
    found = torch.load(out / "training" / "vae.pt", weights_only=True)["history"][-1]
    # The KL is to the posteriors that it began with, not to the standard normal, to which they are as far as before.
    assert found["kl"] < 0.1 * found["held_out_kl"]
    assert not (out / "training" / "mdn_rnn.pt").exists()
    assert "Training: mdn_rnn" not in (out / "report.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere", "--out", "mine"], "no usable footage (nowhere: no such file or folder)"),
        (["x", "--out", "mine", "--image-size", "100x64"], "image size (100, 64): both sides must be multiples of 8"),
        (["x", "--out", "mine", "--from", "nowhere"], "nowhere/bundle.json: No such file or directory; --from takes"),
        (["x", "--out", "mine", "--device", "tpu"], "--device tpu: not available here; allowed are auto, cpu and"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, arguments: list[str], told: str) -> None:
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), "XDG_CACHE_HOME": str(tmp_path)}
    words = [sys.executable, "-m", "engine", "train", *arguments]
    result = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert result.returncode == 1
    lines = [line for line in result.stderr.splitlines() if line.startswith("dancenet: ")]
    assert len(lines) == 1
    assert told in lines[0]
    assert "Traceback" not in result.stderr
