"""WebGPU dances what the CPU dances, on a software adapter if there is no GPU: `apt-get install chromium libvulkan1`.

Skipped where the plugin (the extra `webgpu`) or an adapter is missing; tests/conftest.py allows the software one.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine import resources, webgpu
from engine.bundle import Bundle, open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
from engine.providers import AUTO, CPU, WEBGPU, choose, missing

ROOT = Path(__file__).parent.parent
VALUES = {row.key: row.default for row in PARAMETERS}
# Sums in another order: 4e-7 after 90 steps of the tiny dancer, 1.4e-6 in one of the default one's.
CLOSE = 5e-6
# Of pixels on the border between two levels: 0.6 % of the tiny dancer's, 0.004 % of the default one's.
FEW = 0.01

lack = missing(WEBGPU)
pytestmark = pytest.mark.skipif(lack is not None, reason=f"webgpu: {lack.what}; {lack.remedy}" if lack else "")

TOGETHER = """
import sys, threading
from engine.bundle import open_bundle
from engine.dancer import Dancer
from engine.parameters import PARAMETERS
values = {row.key: row.default for row in PARAMETERS} | {"dance/dancers": 3}
shown = [[], []]
def dance(mine):
    for _ in range(5):
        bundle = open_bundle(sys.argv[1], "webgpu")
        dancer = Dancer(bundle, [7])
        for _ in range(10):
            latents = dancer.advance(1 / 30, values)
            mine.append(latents.tobytes() + bundle.decode(latents).tobytes())
        del bundle, dancer
threads = [threading.Thread(target=dance, args=(mine,)) for mine in shown]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(shown[0]), shown[0] == shown[1])
"""


def dance(bundle: Bundle) -> list[NDArray[np.float32]]:
    """The latents of 3 s in which dancers join, follow and are led back; the last 10 steps twice."""
    dancer, shown = Dancer(bundle, [7]), []
    for frame in range(90):
        dancers = 1 if frame < 10 else 3 if frame < 30 else 20
        values = VALUES | {"dance/dancers": dancers, "dance/unison": float(40 < frame < 60)}
        if frame == 70:
            dancer.ease_back(0, "for the test")
        if frame == 80:
            saved = dancer.state()
        shown.append(dancer.advance(1 / 30, values))
    dancer.restore(saved)
    return [*shown, *(dancer.advance(1 / 30, values) for _ in range(10))]


def images_are_close(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    apart = np.abs(one.astype(int) - other)
    return bool(apart.max() <= 1 and (apart > 0).mean() < FEW)


def test_the_whole_decoder_runs_there(tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle, WEBGPU)
    assert (bundle.device.name, bundle.device.reason) == (WEBGPU, "as asked")
    for session in (bundle.decoder, bundle.step, bundle.encoder()):
        assert session.get_providers()[0] == webgpu.PROVIDER


def test_a_dance_is_the_cpus(tiny_bundle: Path) -> None:
    ours, theirs = open_bundle(tiny_bundle, WEBGPU), open_bundle(tiny_bundle, CPU)
    there, here = dance(ours), dance(theirs)
    assert max(np.abs(one - other).max() for one, other in zip(there, here, strict=True)) < CLOSE
    assert images_are_close(ours.decode(there[-1]), theirs.decode(there[-1]))


def test_a_dance_is_the_same_every_time_and_taken_up_where_it_was_saved(tiny_bundle: Path) -> None:
    first, second = (dance(open_bundle(tiny_bundle, WEBGPU)) for _ in range(2))
    assert [latents.tobytes() for latents in first] == [latents.tobytes() for latents in second]
    assert [latents.tobytes() for latents in first[80:90]] == [latents.tobytes() for latents in first[90:]]


def test_the_default_dancer_steps_and_is_drawn_as_on_the_cpu() -> None:
    folder = resources.path("models/default")
    ours, theirs = open_bundle(folder, WEBGPU), open_bundle(folder, CPU)
    both = ours.bind(1), theirs.bind(1)
    for binding in both:
        binding.latent[...] = ours.bank[3, 7]
        for _ in range(2):
            binding.step()
    for there, here in zip((*both[0].state, both[0].pi), (*both[1].state, both[1].pi), strict=True):
        assert np.abs(there - here).max() < CLOSE
    latent = both[1].latent
    assert images_are_close(ours.decode(latent), theirs.decode(latent))


def test_two_models_dance_side_by_side(tiny_bundle: Path) -> None:
    # Without a turn for each the process crashes.
    run = subprocess.run([sys.executable, "-c", TOGETHER, str(tiny_bundle)], cwd=ROOT, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "50 True\n", "")


def test_a_software_adapter_is_taken_only_by_name(tiny_bundle: Path) -> None:
    if webgpu.is_hardware(webgpu.adapter()):
        pytest.skip("a GPU is here")
    device, _ = choose(tiny_bundle / "decoder.onnx", AUTO)
    assert device.name != WEBGPU
    assert "webgpu: no GPU that it could use, only a software adapter" in device.reason


def test_a_render_runs_there_without_noise(tiny_bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engine", "render", str(tmp_path / "out.npy"), "--model", str(tiny_bundle)]
    command += ["--device", "webgpu", "--seconds", "1", "--seed", "3"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "on webgpu; 0 resets" in run.stdout
    assert "onnxruntime" not in run.stderr
