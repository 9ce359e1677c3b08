"""Styles: labels of footage that the LSTM-MDN learns, and that a show asks for, alone, mixed or not at all."""

import dataclasses
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from engine.bundle import open_bundle
from engine.controls import Controls
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from export.bundle import write_bundle
from tests.fixtures.footage import blob, write_still
from tests.fixtures.tiny_dancer import LATENTS, tiny_dancer
from training.__main__ import main
from training.bank import choose_passages
from training.clips import Clip
from training.footage import Footage, Made, read_footage
from training.latents import Sequence, statistics
from training.loop import Budget
from training.mdn_rnn import MDNRNN, MDNRNNConfig
from training.start import read_start
from training.styles import all_footage, label, names_of, style, told, within
from training.train_mdn_rnn import MDNRNNTraining, mdn_rnn_stage

STYLES = "slow", "fast"
SPEEDS = {"slow": 0.08, "fast": 0.24}  # radians a step
CONFIG = MDNRNNConfig(LATENTS, layers=1, units=32, hidden=24, components=2, dropout=0.1, styles=STYLES)
TRAINED = 1200  # steps


def circling(style: str, start: float, steps: int = 200) -> Sequence:
    """A dance around a circle of the first two latents: one way for all, at the speed of its style."""
    angle = start + SPEEDS[style] * np.arange(steps)
    mean = np.zeros((steps, LATENTS), np.float32)
    mean[:, 0], mean[:, 1] = np.cos(angle), np.sin(angle)
    return Sequence(style, mean, np.full_like(mean, -7.0), style)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dancer of two styles that pass through the same poses, trained as `dancenet train` does."""
    sequences = [circling(name, start) for start in (0.0, 1.5, 3.0, 4.5) for name in STYLES]
    normal = statistics(sequences)
    how = MDNRNNTraining(steps=32, learning_rate=3e-3)
    stage = mdn_rnn_stage(sequences, sequences, normal, CONFIG, how, Budget(TRAINED, None, 60.0))
    stage.model.train()
    for step in range(TRAINED):
        stage.optimizer.zero_grad(set_to_none=True)
        stage.train_step(step, step / TRAINED)
        nn.utils.clip_grad_norm_(stage.model.parameters(), stage.clip)
        stage.optimizer.step()
    dancer = dataclasses.replace(
        tiny_dancer(), mdn_rnn=stage.model.eval(), statistics=normal, bank=choose_passages(sequences, normal)
    )
    folder = tmp_path_factory.mktemp("styles") / "circling"
    write_bundle(dancer, folder)
    return folder


def speeds(bundle: Path, *asked: dict[str, float]) -> Iterator[float]:
    """The mean speed around the circle, radians a step, of one show that asks for one thing after another."""
    opened = open_bundle(bundle, "cpu")
    dancer = Dancer(opened, [3])
    controls = Controls((*PARAMETERS, *opened.metadata.controls), {"dance/sigma_temperature": 0.3})
    for each in asked:
        for name, value in each.items():
            controls.set(f"dance/{name}", value)
        found = []
        for frame in range(360):
            controls.advance(1 / 30)
            latent = dancer.advance(1 / 30, controls.snapshot())[0]
            if frame >= 60:  # it has had time to go over
                found.append(np.arctan2(latent[1], latent[0]))
        yield float(np.diff(np.unwrap(found)).mean())


def test_a_style_that_is_asked_for_in_mid_dance_is_danced(bundle: Path) -> None:
    slow, fast, again = speeds(bundle, {"slow": 1}, {"slow": 0, "fast": 1}, {"slow": 1, "fast": 0})
    assert slow == pytest.approx(SPEEDS["slow"], rel=0.25)
    assert fast == pytest.approx(SPEEDS["fast"], rel=0.25)
    assert again == pytest.approx(SPEEDS["slow"], rel=0.25)


def test_a_style_becomes_a_parameter_of_the_dance_without_a_word_in_the_engine(bundle: Path) -> None:
    controls = open_bundle(bundle, "cpu").metadata.controls
    assert [(each.key, each.default, each.low, each.high) for each in controls] == [
        ("dance/slow", 0, 0, 1),
        ("dance/fast", 0, 0, 1),
    ]
    assert controls[0].doc == "how much the dance is slow; several mix, and with none it is any of them"


def test_a_styled_dancers_graphs_agree_with_pytorch(tmp_path: Path) -> None:
    parity = write_bundle(tiny_dancer(("calm", "wild")), tmp_path / "styled", precision="int8")
    assert max(parity.step.values()) < 1e-5
    assert parity.int8 is not None


def test_a_dancer_that_learns_a_style_more_dances_as_before_until_it_has(tmp_path: Path) -> None:
    write_bundle(tiny_dancer(("calm",)), tmp_path / "calm")
    start = read_start(tmp_path / "calm")
    assert start.mdn_rnn.styles == ("calm",)
    more = start.with_styles(names_of([("wild", Path("x"))], start.mdn_rnn.styles))
    before, after = MDNRNN(start.mdn_rnn), MDNRNN(more.mdn_rnn)
    before.load_state_dict(start.mdn_rnn_weights)
    after.load_state_dict(more.mdn_rnn_weights)
    latents, state = torch.randn(2, 5, LATENTS), before.zero_state(2)
    expected = before.eval()(latents, state, styles=torch.tensor([[1.0], [0.0]]))[:3]
    found = after.eval()(latents, state, styles=torch.tensor([[1.0, 0.7], [0.0, 0.2]]))[:3]
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other)


def test_nothing_asked_for_is_none_of_the_styles() -> None:
    model, latents = MDNRNN(CONFIG).eval(), torch.randn(2, 5, LATENTS)
    silent, none = (model(latents, model.zero_state(2), styles=each)[0] for each in (None, torch.zeros(2, 2)))
    torch.testing.assert_close(silent, none)
    assert told("", STYLES).tolist() == [0, 0]
    assert told("fast", STYLES).tolist() == [0, 1]


def test_some_passages_are_not_told_their_style_and_the_others_are() -> None:
    from training.train_mdn_rnn import Chunk, draw

    clips = [circling("slow", 0.0), circling("fast", 0.0)]
    chunk = Chunk(10, [(lane % 2, 0, 10) for lane in range(400)], np.ones(400, bool))
    lanes = [torch.Generator().manual_seed(lane) for lane in range(400)]
    *_, asked = draw(clips, statistics(clips), chunk, MDNRNNTraining(untold=0.2), lanes, STYLES)
    silent = (asked == 0).all(1)
    assert 0.12 < float(silent.float().mean()) < 0.28
    assert (asked[~silent].argmax(1) == torch.arange(400)[~silent] % 2).all()


def test_clips_are_labelled_by_the_folder_that_they_lie_in(tmp_path: Path) -> None:
    for name in ("mixed", "mixed/calm", "wild"):
        (tmp_path / name).mkdir()
        for number in range(1, 4):
            write_still(tmp_path / name / f"{number}.jpg", blob(number / 30))
    given = [style(f"calm={tmp_path / 'mixed' / 'calm'}"), style(f"wild={tmp_path / 'wild'}")]
    paths = all_footage([tmp_path / "mixed"], given)
    assert paths == [tmp_path / "mixed", tmp_path / "wild"]  # what lies in other footage is read once
    footage = read_footage(paths, (104, 64), "crop", tmp_path / "cache")
    label(footage, given)
    assert {clip.name: clip.style for clip in footage.clips} == {"mixed": "", "calm": "calm", "wild": "wild"}
    assert footage.summary() == "3 clips, 9 images, 0.0 minutes; 1 of style calm; 1 of style wild"


@pytest.mark.skipif(sys.platform == "win32", reason="links take rights there")
def test_footage_may_be_sorted_into_styles_by_links(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    film = tmp_path / "films" / "a.mp4"
    film.write_bytes(b"")
    for name in ("calm", "wild"):
        (tmp_path / name).mkdir()
    (tmp_path / "calm" / "one.mp4").symlink_to(film)
    (tmp_path / "also").symlink_to(tmp_path / "films")
    assert within(tmp_path / "calm" / "one.mp4", tmp_path / "calm")
    assert within(tmp_path / "calm" / "one.mp4", tmp_path / "films")
    assert within(film, tmp_path / "also")
    assert within(tmp_path / "wild" / ".." / "calm" / "one.mp4", tmp_path / "calm")
    assert not within(tmp_path / "calm" / "one.mp4", tmp_path / "wild")


def test_a_style_without_footage_is_told() -> None:
    clip = Clip("a", np.zeros((3, 8, 8), np.uint8))
    footage = Footage([clip], [], [Made("a", "", None, clip, [Path("a.mp4")], 0)])
    with pytest.raises(ValueError, match=r"^--style wild=b: no usable footage there$"):
        label(footage, [("wild", Path("b"))])


@pytest.mark.parametrize("text", ["wild", "=a", "wild=", "Wild=a", "2=a", "wi ld=a"])
def test_what_is_no_style_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="is not NAME=FOOTAGE; a name has lower case letters, digits and _"):
        style(text)


def test_a_style_may_not_take_a_parameters_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "")  # so that it does not start itself anew
    assert main(["--style", f"speed={tmp_path}", "--out", str(tmp_path / "out")]) == 1
    expected = "--style speed: a parameter of every dance has that name; choose another one"
    assert expected in capsys.readouterr().err


def test_more_styles_than_a_bundle_may_have_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^--style: 65 styles; at most 64 are allowed$"):
        names_of([(f"style{number}", Path("a")) for number in range(65)])
