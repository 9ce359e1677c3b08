"""Weights to begin with are those that were trained: a decoder before it was sharpened."""

import json
from pathlib import Path

import torch

from export.bundle import write_bundle
from tests.fixtures.tiny_dancer import tiny_dancer
from training.place import CPU
from training.start import LAST, read_start


def test_a_bundle_is_read_as_trained_and_as_shown(tmp_path: Path) -> None:
    dancer = tiny_dancer()
    dancer.quality["sharpening"] = 1.6
    write_bundle(dancer, tmp_path / "bundle")
    assert json.loads((tmp_path / "bundle" / "bundle.json").read_text())["quality"]["sharpening"] == 1.6
    start = read_start(tmp_path / "bundle")
    stored = {name: weight.half().float() for name, weight in dancer.vae.state_dict().items()}
    for name, weight in start.vae_weights.items():
        torch.testing.assert_close(weight * (1.6 if name in LAST else 1), stored[name])
    assert set(LAST) <= set(stored) == set(start.vae_weights)
    shown = start.shown(None, CPU).state_dict()
    for name, weight in stored.items():
        torch.testing.assert_close(shown[name], weight)
