"""A bundle, run by the engine's own code: what ships."""

import onnxruntime

from benchmarks.peers import Frames, Images, Latents
from engine.bundle import open_bundle
from engine.squad import Squad


class Ours:
    """The leader's squad of one, and the bundle's decoder."""

    def __init__(self, folder: str, threads: int, precision: str) -> None:
        self._bundle = open_bundle(folder, "cpu", threads, precision, spins=True)
        self._squad = Squad(self._bundle, 1)

    def versions(self) -> dict[str, str]:
        return {"onnxruntime": onnxruntime.__version__}

    def step(self, latent: Latents, uniform: float, normal: Latents) -> Latents:
        self._squad.latent[:] = latent
        self._squad.step({"uniform": uniform, "normal": normal})
        return self._squad.latent.copy()

    def decode(self, latents: Latents) -> Images:
        return self._bundle.decode(latents)


def new_ours(bundle: str, threads: int, precision: str = "fp32") -> Frames:
    """The bundle in the folder `bundle`, in a precision."""
    return Frames(Ours(bundle, threads, precision), bundle)
