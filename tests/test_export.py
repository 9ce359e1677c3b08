"""A bundle computes what PyTorch does, samples what its mixture says, and is written whole or not at all."""

from math import nan
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import numpy_helper
from scipy import stats

from engine.bundle import open_bundle
from engine.metadata import Metadata
from export.__main__ import main
from export.bundle import rounded, write_bundle
from export.parity import Exactness, ParityError, measure
from tests.fixtures.tiny_dancer import COMPONENTS, LATENTS, tiny_dancer
from training.dancer import TrainedDancer
from training.start import read_start


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "tiny"
    write_bundle(tiny_dancer(), folder)
    return folder


def test_graphs_agree_with_pytorch_over_a_hundred_carried_steps(tmp_path: Path) -> None:
    parity = write_bundle(tiny_dancer(), tmp_path / "tiny")
    assert max(parity.step.values()) < 1e-5
    # Images are rounded to whole levels: half a level is the rounding itself.
    assert parity.images < 0.51
    assert parity.latents < 1e-5
    assert 0 < parity.exactness.fast < 1e-6
    assert 0 < parity.exactness.plain < 1e-6


def test_the_engine_opens_it_and_the_metadata_says_what_the_dancer_is(bundle: Path) -> None:
    opened = open_bundle(bundle)
    assert opened.decode(opened.bank[:3, 0]).shape == (3, 24, 40)
    metadata = Metadata.read(bundle)
    assert (metadata.name, metadata.latent_size, metadata.components) == ("tiny", LATENTS, COMPONENTS)
    assert (metadata.image_size, metadata.image_kind) == ((40, 24), "grey")
    assert metadata.defaults == {"temperature": 0.9}
    card = (bundle / "README.md").read_text()
    assert "## Data\nnone" in card
    assert "## Licence\nMIT" in card
    assert "| held_out_iou | 0.5 |" in card


def draws(bundle: Path, dancers: int, pi_temperature: float, sigma_temperature: float) -> dict[str, np.ndarray]:
    """One step of many dancers in the same state, each with its own noise."""
    session = onnxruntime.InferenceSession(str(bundle / "step.onnx"), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(11)
    feeds = {
        "latent_in": np.tile(np.linspace(-1, 1, LATENTS, dtype=np.float32), (dancers, 1)),
        "hidden_in": np.full((2, dancers, 12), 0.3, np.float32),
        "cell_in": np.full((2, dancers, 12), -0.2, np.float32),
        "uniform": random.random(dancers, np.float32),
        "normal": random.standard_normal((dancers, LATENTS), np.float32),
        "pi_temperature": np.full(dancers, pi_temperature, np.float32),
        "sigma_temperature": np.full(dancers, sigma_temperature, np.float32),
    }
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feeds), strict=True))


@torch.no_grad()
def mixture() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the sample must be drawn from, by PyTorch: logits, mu and sigma in the VAE's latents."""
    dancer = rounded(tiny_dancer())
    mean, deviation = dancer.statistics.mean, dancer.statistics.deviation
    latent = torch.from_numpy((np.linspace(-1, 1, LATENTS, dtype=np.float32) - mean) / deviation)[None, None]
    state = torch.full((2, 1, 12), 0.3), torch.full((2, 1, 12), -0.2)
    logits, mu, sigma, _ = dancer.mdn_rnn(latent, state)
    return logits[0, 0].numpy(), mu[0, 0].numpy() * deviation + mean, sigma[0, 0].numpy() * deviation


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.0])
def test_components_are_drawn_as_often_as_the_mixture_says(bundle: Path, temperature: float) -> None:
    found = draws(bundle, 20_000, temperature, 1.0)
    logits, _, _ = mixture()
    pi = np.exp(logits / temperature) / np.exp(logits / temperature).sum()
    np.testing.assert_allclose(found["pi"][0], pi, atol=1e-5)
    counts = np.bincount(found["component"], minlength=COMPONENTS)
    assert stats.chisquare(counts, 20_000 * pi / pi.sum()).pvalue > 0.01


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.7])
def test_samples_are_normal_about_their_component(bundle: Path, temperature: float) -> None:
    found = draws(bundle, 5_000, 1.0, temperature)
    _, mu, sigma = mixture()
    component = found["component"]
    residual = (found["latent_out"] - mu[component]) / (temperature * sigma[component])
    assert stats.kstest(residual.ravel(), "norm").pvalue > 0.01


def test_at_no_sigma_the_sample_is_the_component_s_mean(bundle: Path) -> None:
    found = draws(bundle, 50, 1.0, 0.0)
    np.testing.assert_array_equal(found["latent_out"], found["mu"])


def test_a_dancer_among_many_dances_as_it_would_alone(bundle: Path) -> None:
    many, one = draws(bundle, 7, 1.0, 1.0), draws(bundle, 1, 1.0, 1.0)
    assert many["component"][0] == one["component"][0]
    np.testing.assert_allclose(many["hidden_out"][:, :1], one["hidden_out"], atol=1e-6)


def test_a_graph_that_computes_something_else_fails_parity(bundle: Path, tmp_path: Path) -> None:
    for name in ("step", "decoder", "encoder"):
        model = onnx.load(str(bundle / f"{name}.onnx"))
        for tensor in model.graph.initializer:
            if tensor.name in ("pi.bias", "dense.bias"):
                wrong = numpy_helper.to_array(tensor) + np.float16(0.01)
                tensor.CopyFrom(numpy_helper.from_array(wrong, tensor.name))
        onnx.save(model, str(tmp_path / f"{name}.onnx"))
    with pytest.raises(ParityError, match=r"^parity: \w+ differs by \S+ from PyTorch; at most 0.0001 is allowed$"):
        measure(rounded(tiny_dancer()), tmp_path).check()


def test_a_failed_export_leaves_the_old_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tiny"
    write_bundle(tiny_dancer(), folder)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    monkeypatch.setattr("export.parity.STEP_BOUND", 0.0)
    monkeypatch.setattr("export.parity.IMAGE_BOUND", 0.0)
    with pytest.raises(ParityError):
        write_bundle(tiny_dancer(), folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_weights_can_be_read_back_for_fine_tuning(bundle: Path) -> None:
    start, dancer = read_start(bundle), rounded(tiny_dancer())
    assert start.vae == dancer.vae.config
    for weights, model in ((start.vae_weights, dancer.vae), (start.mdn_rnn_weights, dancer.mdn_rnn)):
        expected = model.state_dict()
        assert weights.keys() == expected.keys()
        assert all(torch.equal(weights[name], expected[name]) for name in expected)
    np.testing.assert_array_equal(start.statistics.mean, dancer.statistics.mean)


def test_the_command_exports_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_dancer().save(tmp_path / "dancer.pt")
    assert main([str(tmp_path / "dancer.pt"), "--out", str(tmp_path / "out"), "--name", "other"]) == 0
    assert Metadata.read(tmp_path / "out").name == "other"
    assert "beside PyTorch, over 100 steps" in capsys.readouterr().out


def test_what_is_no_dancer_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing, damaged = tmp_path / "missing.pt", tmp_path / "damaged.pt"
    damaged.write_bytes(b"nonsense")
    for path, reason in ((missing, "no such checkpoint"), (damaged, "not a readable checkpoint (")):
        assert main([str(path), "--out", str(tmp_path / "out")]) == 1
        error = capsys.readouterr().err
        assert error.startswith(f"dancenet: export: {path}: {reason}")
        assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_dancer_s_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    saved = tiny_dancer()
    saved.save(tmp_path / "dancer.pt")
    loaded = TrainedDancer.load(tmp_path / "dancer.pt")
    assert loaded.health == saved.health
    np.testing.assert_array_equal(loaded.bank, saved.bank)
    assert all(torch.equal(a, b) for a, b in zip(loaded.vae.parameters(), saved.vae.parameters(), strict=True))


@pytest.mark.parametrize(
    ("exactness", "message"),
    [
        (Exactness(6.1e-6, 2e-6, 3e-8, 3e-8, 7e-6, 1, 1e-4), "float images are 3e-08 from float64, 6.1e-06 at most; "),
        (
            Exactness(2.1e-6, 2e-6, 3.4e-8, 3e-8, 3e-6, 1, 1e-4),
            "float images are 3.4e-08 from float64, 2.1e-06 at most;"
            " allowed is 2e-06, or 1.1 and 3 times the plain graph's 3e-08 and 2e-06",
        ),
        (Exactness(nan, 0, nan, 0, nan, 0, 0), "float images are nan from float64, nan at most; allowed is 2e-06, "),
        (Exactness(1e-6, 1e-6, 0, 0, 1e-6, 2, 1e-5), "0.00% of pixels are up to 2 levels from the plain graph's; "),
        (Exactness(1e-6, 1e-6, 0, 0, 1e-6, 1, 2e-4), "0.02% of pixels are up to 1 levels from the plain graph's; "),
    ],
)
def test_a_decoder_that_is_not_exact_is_refused(exactness: Exactness, message: str) -> None:
    with pytest.raises(ParityError) as refused:
        exactness.check()
    assert str(refused.value).startswith(f"parity: {message}")


@pytest.mark.parametrize(
    "exactness",
    [
        Exactness(5.9e-6, 2e-6, 3.2e-8, 3e-8, 7e-6, 1, 1e-4),
        Exactness(2e-6, 1e-7, 3e-8, 1e-9, 3e-6, 0, 0),
        Exactness(3e-6, 0, 3e-8, 0, 2e-6, 0, 0),
    ],
)
def test_a_decoder_is_exact_to_float64_or_to_the_plain_graph(exactness: Exactness) -> None:
    exactness.check()
