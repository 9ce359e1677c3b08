"""What becomes of a show whose models on disk come to harm, or ask for more memory than there is."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from engine.bundle import open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.providers import CPU
from tests.display import Screen
from tests.fixtures.tiny_bundle import write_tiny_bundle
from tests.test_command_line import ROOT, refusal
from tests.test_live import playing_live

VALUES = {row.key: row.default for row in PARAMETERS}
# Numbers of four bytes that no machine has room for.
TOO_MANY = 1 << 40


def version_9(folder: Path) -> None:
    file = folder / "bundle.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 9}))


def cut_short(folder: Path) -> None:
    file = folder / "decoder.onnx"
    file.write_bytes(file.read_bytes()[:-100])


def too_large(folder: Path) -> None:
    """A decoder that makes 4 TB of zeros first."""
    file = folder / "decoder.onnx"
    model = onnx.load(file)
    for node in model.graph.node:
        node.input[:] = ["summed" if name == "latents" else name for name in node.input]
    shape = numpy_helper.from_array(np.array([TOO_MANY]), "too_many")
    model.graph.initializer.append(shape)
    first = [
        helper.make_node("ConstantOfShape", ["too_many"], ["zeros"]),
        helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=1),
        helper.make_node("Add", ["latents", "zero"], ["summed"]),
    ]
    nodes = [*first, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    file.write_bytes(model.SerializeToString())


HARM: dict[str, tuple[Callable[[Path], None], str]] = {
    "missing": (lambda folder: (folder / "step.onnx").unlink(), "step.onnx: missing; a bundle holds "),
    "truncated": (cut_short, "decoder.onnx: not a readable ONNX model ("),
    "version": (version_9, "bundle.json: "),
    "bank": (lambda folder: os.truncate(folder / "bank.npy", 1000), "bank.npy: not a readable .npy file"),
    "large": (too_large, "decoder.onnx: "),
}


def test_models_that_come_to_harm_are_told_once_each_and_the_one_that_dances_dances_on(
    tmp_path: Path, x_display: Screen
) -> None:
    folders = [write_tiny_bundle(tmp_path / name) for name in ("one", *HARM, "two")]
    for folder, (harm, _) in zip(folders[1:], HARM.values(), strict=False):
        harm(folder)
    models = [word for folder in folders for word in ("--model", str(folder))]
    with playing_live(tmp_path, *models, "--audio", "off", "--scene", "off", "--quality", "1") as player:
        bundle = player.stage.cast.models
        for number, (folder, (_, line)) in enumerate(zip(folders[1:], HARM.values(), strict=False), start=1):
            player.send("model/next")
            player.until(lambda number=number: player.said.getvalue().count("\n") == number)  # type: ignore[misc]
            told = player.said.getvalue().splitlines()[-1]
            assert told.startswith(f"dancenet: {folder / line}") and told.endswith("; tiny dances on")
            assert bundle.bundle.folder == folders[0] and player.stage.picture.read().any()
        player.send("model/next")
        player.until(lambda: bundle.bundle.folder == folders[-1])
        assert player.said.getvalue().count("\n") == len(HARM)


@pytest.mark.parametrize("name", HARM)
def test_a_show_of_a_model_that_came_to_harm_says_in_one_line_what_is_wrong(name: str, tmp_path: Path) -> None:
    harm, line = HARM[name]
    harm(write_tiny_bundle(tmp_path / name))
    arguments = ("render", str(tmp_path / "out.npy"), "--model", str(tmp_path / name), "--seconds", "1")
    assert refusal(*arguments, "--device", CPU).startswith(f"dancenet: {tmp_path / name / line}")


def test_a_model_that_is_swapped_while_it_dances_dances_on_to_the_bit(tmp_path: Path, x_display: Screen) -> None:
    folder, other = write_tiny_bundle(tmp_path / "one"), write_tiny_bundle(tmp_path / "two", "freeze")
    undisturbed = Dancer(open_bundle(write_tiny_bundle(tmp_path / "same"), CPU), [7])
    steps: list[bytes] = []
    with playing_live(tmp_path, "--model", str(folder), "--audio", "off", "--scene", "off") as player:
        for frame in range(60):
            if frame == 20:
                for file in folder.iterdir():  # in place, as a copy that is under way does
                    file.write_bytes((other / file.name).read_bytes()[: 100 if frame % 2 else None])
            if frame == 40:
                for file in folder.iterdir():
                    file.unlink()
            player.frames(1)
            steps += [latents.tobytes() for latents in player.stage.cast.models.dancer.steps]
            assert player.stage.picture.read().any()
        assert "one" not in player.said.getvalue()
    expected: list[bytes] = []
    while len(expected) < len(steps):
        undisturbed.advance(1 / 30, {**VALUES, "dance/seed": 7})
        expected += [latents.tobytes() for latents in undisturbed.steps]
    assert steps == expected[: len(steps)]


FLIPPED = """
import random, sys
from pathlib import Path
from engine.bundle import BundleError, open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.providers import SESSION_ERRORS
import numpy as np

values, chance = {row.key: row.default for row in PARAMETERS}, random.Random(7)
folder, refused, danced = Path(sys.argv[1]), 0, 0
for name in ("step.onnx", "decoder.onnx", "bank.npy", "bundle.json"):
    whole = (folder / name).read_bytes()
    for _ in range(40):
        flipped = bytearray(whole)
        flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        (folder / name).write_bytes(flipped)
        try:
            bundle = open_bundle(folder, "cpu")
            dancer = Dancer(bundle, [7])
            for _ in range(10):
                latents = dancer.advance(1 / 30, values)
                assert np.isfinite(latents).all()
                bundle.decode(latents)
            danced += 1
        except (BundleError, *SESSION_ERRORS) as error:
            assert "\\n" not in str(error) or not isinstance(error, BundleError)
            refused += 1
    (folder / name).write_bytes(whole)
print(refused, danced)
"""


def test_a_model_with_a_flipped_bit_is_refused_or_dances_and_shows_nothing_that_is_no_number(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "one")
    ran = subprocess.run(
        [sys.executable, "-c", FLIPPED, str(folder)], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    refused, danced = map(int, ran.stdout.split())
    assert refused + danced == 160 and min(refused, danced) >= 20
