"""A run's plan: what a trial measures, what stages do in their budget, what a run begins with, and what it lacks."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import resources
from tests.fixtures.footage import blob
from training.arguments import parse
from training.clips import Clip, split
from training.loop import Budget
from training.mdn_rnn import MDNRNNConfig
from training.place import CPU
from training.plan import Part, choose_start, disk_space, load_plan, make_plan, parts, warnings
from training.prepare import prepare
from training.stages import Stages
from training.start import Start, read_start
from training.trial import Pace, measure
from training.vae import VAEConfig

VAE_SIZES, MDN_RNN_SIZES = VAEConfig((104, 64), 6, (6, 6, 4)), MDNRNNConfig(6, 2, 12, 12, 3)
DARK, SMALL = "dark silhouette", ["--latent-size", "6", "--steps", "16"]
# A laptop's: a fifth of a second for 8 images, as long for 8 lanes of 64 steps.
PACE = Pace({"vae": 0.2, "mdn_rnn": 0.25, "decoder": 0.1}, {"vae": 3_000_000, "mdn_rnn": 12_000_000}, 0.005, 2**31)


def stages(tmp_path: Path, *more: str) -> Stages:
    """A run of 600 images: 540 to train on."""
    options = parse(["footage", "--out", str(tmp_path / "mine"), *more])
    clip = Clip("a", np.stack([blob(i / 30) for i in range(600)]))
    return Stages(options, CPU, None, *split([clip]), tmp_path / "mine" / "training", lambda items, _: iter(items), 8)


@pytest.fixture(scope="module")
def shipped() -> Start:
    return read_start(resources.path("models/default"))


def test_a_trial_measures_every_stage_and_draws_nothing_from_the_run(tmp_path: Path) -> None:
    run = stages(tmp_path, *SMALL)
    torch.manual_seed(5)
    expected = torch.rand(3)
    pace = measure(run, VAE_SIZES, MDN_RNN_SIZES)
    stage = run.vae_stage(VAE_SIZES)
    first = torch.cat([weight.flatten() for weight in stage.model.parameters()])
    again = torch.cat([weight.flatten() for weight in run.vae_stage(VAE_SIZES).model.parameters()])
    assert torch.equal(first, again)
    assert list(pace.steps) == ["vae", "mdn_rnn", "decoder"]
    assert all(0 < seconds < 10 for seconds in [*pace.steps.values(), pace.encoding])
    assert pace.weights["vae"] == len(first)
    assert pace.memory is not None and 1e8 < pace.memory < 64e9
    assert not run.runs.exists()
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), expected)


def test_a_budget_of_minutes_is_told_in_passes_through_the_footage(tmp_path: Path) -> None:
    found = parts(stages(tmp_path, "--minutes", "10"), PACE)
    assert [part.name for part in found] == ["vae", "mdn_rnn", "decoder"]
    # 1200 steps of 8 images; 720 of 8 x 64; 1800 of 8.
    assert [part.images for part in found] == [9600, 368_640, 14_400]
    assert [part.seconds for part in found] == pytest.approx([240, 180, 180])
    assert [part.passes for part in found] == pytest.approx([9600 / 540, 368_640 / 1080, 14_400 / 540])
    assert str(found[0]) == "VAE 4 min (18 passes)"


def test_epochs_are_told_in_time(tmp_path: Path) -> None:
    vae, mdn_rnn, decoder = parts(stages(tmp_path), PACE)
    assert (vae.seconds, vae.images) == (pytest.approx(54), 2160)  # 4 epochs of 540: 270 steps of 0.2 s
    assert mdn_rnn.passes == pytest.approx(150, rel=0.01)
    assert decoder.seconds == pytest.approx(27)


@pytest.mark.parametrize(
    ("kind", "same_sizes", "minutes", "images", "fine", "told"),
    [
        (DARK, True, 3.0, 1e6, True, "3.0 minutes of footage are few (under 10); --from none"),
        (DARK, True, 19.0, 24_000, True, "the VAE would see 24,000 images (a new one needs some 90,000)"),
        (DARK, True, 19.0, 90_000, False, "there are footage and time enough; --from models/default fine-tunes"),
        ("grey", True, 3.0, 1e6, False, "the footage is grey and the default dancer's is dark silhouette"),
        (DARK, False, 3.0, 1e6, False, "its sizes are not the default dancer's"),
    ],
)
def test_a_run_begins_with_the_default_dancer_where_that_is_better(
    shipped: Start, kind: str, same_sizes: bool, minutes: float, images: float, fine: bool, told: str
) -> None:
    chosen, why = choose_start(shipped, kind, same_sizes, minutes, images)
    assert chosen is fine
    assert told in why


def test_a_run_that_is_too_short_is_told_how_long_would_do() -> None:
    found = [Part("vae", 480, 24_000, 0.7), Part("mdn_rnn", 360, 2_000_000, 20.0), Part("decoder", 360, 30_000, 0.9)]
    (line,) = warnings(found, 19.0, False)
    assert line.startswith("20 min are short for this")
    assert "about 75 min would do (--minutes)" in line  # 90,000 images of the VAE
    assert warnings(found, 19.0, True) == []  # of which a third does, for one that is fine-tuned
    assert warnings(found, 1.5, True) == [
        "1.5 minutes of footage are too few: it will repeat itself; ten are a start, film more"
    ]


def test_the_plan_tells_time_memory_and_disk(tmp_path: Path) -> None:
    run = stages(tmp_path, "--minutes", "10")
    plan = make_plan(run, PACE, run.training, "", "a new dancer")
    assert plan.lines[0] == "a new dancer"
    assert re.fullmatch(
        r"10 min of training: VAE 4 min \(18 passes\), LSTM-MDN 3 min \(341 passes\), decoder 3 min "
        r"\(27 passes\); with latents, export and sample 12 min, until about \d\d:\d\d",
        plan.lines[1],
    )
    assert re.fullmatch(
        r"memory 2.1 GB; disk 0.5 GB of [\d.]+ GB free at .*mine; 0.0 MB of footage in the cache", plan.lines[2]
    )
    (tmp_path / "plan.json").touch()
    plan.save(tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == plan


def test_a_disk_that_is_too_full_is_told_before_hours_are_spent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = stages(tmp_path)
    needed = disk_space(PACE, 540, 128)
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**12, 10**12, round(needed) - 1))
    with pytest.raises(ValueError, match=r": 0\.5 GB free, and a run takes 0\.5 GB; --out takes another folder"):
        make_plan(run, PACE, run.training, "", "a new dancer")


def test_a_resumed_run_keeps_to_its_plan_and_what_it_began_with(tmp_path: Path) -> None:
    run, said = stages(tmp_path, *SMALL, "--image-size", "104x64"), list[str]()
    run.runs.mkdir(parents=True)
    default = resources.path("models/default")
    given = VAE_SIZES, MDN_RNN_SIZES, run.training, default, said.append
    found, plan = prepare(run, *given)
    assert found.start is None
    assert said[0] == "plan: a new dancer, as its sizes are not the default dancer's"
    before = len(said)
    assert prepare(run, *given)[1] == plan
    assert len(said) == before
    kept = (run.runs / "plan.json").read_text().replace('"start": ""', '"start": "auto"')
    (run.runs / "plan.json").write_text(kept)
    resumed, _ = prepare(run, *given)
    assert resumed.start is not None and resumed.start.name == "default"


def test_none_begins_with_nothing_whatever_the_footage(tmp_path: Path) -> None:
    run = stages(tmp_path, *SMALL, "--from", "none")
    run.runs.mkdir(parents=True)
    said: list[str] = []
    found, plan = prepare(run, VAE_SIZES, MDN_RNN_SIZES, run.training, resources.path("models/default"), said.append)
    assert (found.start, plan.start, said[0]) == (None, "", "plan: a new dancer")


def test_time_that_the_lstm_mdn_leaves_is_the_decoder_s(tmp_path: Path) -> None:
    run = stages(tmp_path, "--minutes", "10")
    assert run.budgets()["decoder"][0] == Budget(270, 180.0)
    run.spare = 100.0
    assert run.budgets()["decoder"][0] == Budget(270, 280.0)
