"""Footage becomes latents by a bundle's encoder, and latents images by its decoder: there and back."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.__main__ import main
from engine.bundle import open_bundle
from tests.fixtures.footage import write_video

MODEL = Path(__file__).parent.parent / "models" / "default"


def silhouettes(count: int, seed: int) -> np.ndarray:
    """Bodies of the dancer that ships, (count, 120, 208) uint8: images that its encoder knows."""
    bundle = open_bundle(MODEL, "cpu", precision="fp32")
    latents = bundle.bank[np.random.default_rng(seed).integers(0, len(bundle.bank))]
    return bundle.decode(latents[:count])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Of two dark silhouettes, (n, height, width)."""
    one, other = one < 128, other < 128
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two clips of 20 and 12 images."""
    folder = tmp_path_factory.mktemp("clips")
    for name, count, seed in (("one", 20, 1), ("two", 12, 2)):
        times = [Fraction(step, 30) for step in range(count)]
        write_video(folder / f"{name}.mkv", list(silhouettes(count, seed)), times)
    return folder


def encode(out: Path, clips: Path, cache: Path) -> int:
    return main(["encode", str(clips), "--model", str(MODEL), "--out", str(out), "--cache", str(cache)])


def test_footage_is_encoded_into_one_array_and_comes_back_as_it_was(
    clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "latents.npy"
    assert encode(out, clips, tmp_path / "cache") == 0
    assert capsys.readouterr().out == (f"{out}: rows 0 to 19 are one, 0.7 s\n{out}: rows 20 to 31 are two, 0.4 s\n")
    latents = np.load(out)
    assert (latents.shape, latents.dtype) == ((32, 128), np.float32)
    assert main(["decode", str(out), str(tmp_path / "images.npy"), "--model", str(MODEL)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'images.npy'}: 32 images of 208x120, 1.06667 s at 30 a second\n"
    images = np.load(tmp_path / "images.npy")
    assert (images.shape, images.dtype) == ((32, 120, 208), np.uint8)
    assert iou(images, np.concatenate([silhouettes(20, 1), silhouettes(12, 2)])) > 0.9
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "images.npy", "latents.npy"]


def test_latents_come_back_near(tmp_path: Path) -> None:
    bundle = open_bundle(MODEL, "cpu", precision="fp32")
    latents = bundle.bank[5]
    images = bundle.decode(latents)
    again = bundle.encoder().run(None, {"images": images})[0]
    # Within half a deviation of what the dancer's latents spread over.
    assert np.abs(again - latents).mean() < 0.5 * bundle.bank.reshape(-1, 128).std(0).mean()
    assert iou(bundle.decode(again), images) > 0.9


def test_a_folder_takes_a_file_a_clip(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert encode(tmp_path / "out", clips, tmp_path / "cache") == 0
    assert encode(tmp_path / "all.npy", clips, tmp_path / "cache") == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'out' / 'one.npy'}: 20 rows, 0.7 s\n")
    parts = [np.load(tmp_path / "out" / f"{name}.npy") for name in ("one", "two")]
    np.testing.assert_array_equal(np.concatenate(parts), np.load(tmp_path / "all.npy"))


def test_encode_does_without_torch(clips: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nsys.modules.update(dict.fromkeys(('torch', 'onnx', 'scipy')))\n"
        "from engine.__main__ import main\nsys.exit(main(sys.argv[1:]))\n"
    )
    arguments = ["encode", str(clips / "two.mkv"), "--model", str(MODEL), "--out", "z.npy", "--cache", "cache"]
    root = Path(__file__).parent.parent
    environment = {"PYTHONPATH": str(root), "PATH": ""}
    subprocess.run([sys.executable, "-c", script, *arguments], cwd=tmp_path, env=environment, check=True)
    assert np.load(tmp_path / "z.npy").shape == (12, 128)


def test_the_original_s_latents_become_a_video(tmp_path: Path) -> None:
    bundle = open_bundle(MODEL, "cpu", precision="fp32")
    np.save(tmp_path / "lv.npy", bundle.bank[3][:, None])  # (30, 1, 128), as gen_lv.py writes them
    out = tmp_path / "lv.mp4"
    assert main(["decode", str(tmp_path / "lv.npy"), str(out), "--model", str(MODEL)]) == 0
    with av.open(str(out)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        assert (stream.average_rate, stream.width, stream.height) == (30, 208, 120)
    assert len(frames) == 30
    expected = bundle.decode(bundle.bank[3])
    assert np.abs(np.stack(frames).astype(int) - expected).mean() < 2


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (
            np.zeros((5, 127), np.float32),
            "its shape is (5, 127); expected (1 or more, 128), as the VAE's latents are",
        ),
        (
            np.zeros((0, 128), np.float32),
            "its shape is (0, 128); expected (1 or more, 128), as the VAE's latents are",
        ),
        (np.zeros((5, 128), np.uint8), "holds uint8; expected an array of floating-point numbers"),
        (np.full((5, 128), np.inf, np.float32), "holds latents that are not finite in float32; expected numbers"),
        (np.array([None]), "not a readable .npy file of numbers"),
    ],
)
def test_latents_that_are_none_are_one_line(
    array: np.ndarray, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "z.npy"
    np.save(path, array)
    assert main(["decode", str(path), str(tmp_path / "out.npy"), "--model", str(MODEL)]) == 1
    assert capsys.readouterr().err == f"dancenet: {path}: {reason}\n"
    assert not (tmp_path / "out.npy").exists()


def test_footage_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert encode(tmp_path / "z.npy", tmp_path / "gone", tmp_path / "cache") == 1
    assert capsys.readouterr().err == (
        f"dancenet: encode: no usable footage ({tmp_path / 'gone'}: no such file or folder)\n"
    )
