"""A bundle, open: a trained dancer's metadata, sessions and bank, held against docs/bundle.md.

Owns the folder's layout and the sessions. Every session is run once when it opens, so that the first frame of a show
costs what the others do and a graph that cannot run is found out before a window opens. Where a device fails later, the
CPU takes over: a GPU that is unplugged, reset or out of memory costs a show a few late frames.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from engine.arena import giving_back
from engine.bank_file import read_bank
from engine.binding import Binding, DeviceBinding, step_alike
from engine.contract import StateTensor, check_decoder, check_encoder, check_step
from engine.ground import Ground
from engine.metadata import FP32, GREY, INT8, BundleError, Metadata
from engine.providers import (
    AUTO,
    CPU,
    CUDA,
    LIVE_THREADS,
    SESSION_ERRORS,
    STEP_THREADS,
    Device,
    DeviceError,
    choose,
    one_line,
    open_session,
)

__all__ = ["Bundle", "BundleError", "Metadata", "open_bundle"]

FILES = ENCODER, STEP, DECODER, BANK, CARD = "encoder.onnx", "step.onnx", "decoder.onnx", "bank.npy", "README.md"
ROUNDED = STEP, DECODER  # the graphs that an int8 bundle has once more, for the CPU
# Those taken there unless somebody asks: most of the time is the images', whose rounding nobody sees. A dance of
# rounded steps is another dance, and the default dancer's is not quite as near the footage (docs/figures.md).
IMAGES_ROUNDED = (DECODER,)
# From so many images of the bank, and so many at once, is what stays in a grey bundle's images learnt: 0.2 s.
LOOKED_AT, AT_ONCE = 64, 8

Result = TypeVar("Result")


class Bundle:
    """A trained dancer. `step` and `decoder` are open sessions, run once; `bank` is (passages, steps, latent_size).

    `state` lists the tensors of the step's state, the latent first. `device` says where the sessions run and why, and
    `rounded` which graphs multiply in 8 bits; `threads` is for images. `ground` is what stays in the images, if they
    are grey. `tell` takes a line where the device fails.
    """

    def __init__(
        self,
        folder: Path,
        device: str,
        threads: int,
        precision: str,
        tell: Callable[[str], None] = lambda line: None,
        spins: bool = False,
    ) -> None:
        self.folder = folder
        self.threads = threads
        self._spins = spins and threads > 1
        self._precision = precision
        self._tell = tell
        self._asked = device
        self._is_open = False
        if not folder.is_dir():
            raise BundleError(f"{folder}: no bundle there; a bundle is a folder with bundle.json")
        self.metadata = Metadata.read(folder)
        files = [*FILES, *(graph_file(name, INT8) for name in ROUNDED if self.metadata.precision == INT8)]
        for name in files:
            if not (folder / name).is_file():
                raise BundleError(f"{folder / name}: missing; a bundle holds {', '.join(files)}")
        self.device, self.rounded, decoder = self._choose(device, precision)
        self._second = self._second_core()
        self.decoder: onnxruntime.InferenceSession
        self.step: onnxruntime.InferenceSession
        self._captures = False
        self._failed: tuple[onnxruntime.InferenceSession, ...] = ()
        self._idle: dict[int, list[DeviceBinding]] = {}  # by how many dancers they are for
        self._encoder: onnxruntime.InferenceSession | None = None
        self._open_all(decoder)
        self.ground = self._look_behind() if self.metadata.image_kind == GREY else None
        if self.device.name == CUDA:
            self._capture()
        self._is_open = True

    def bind(self, dancers: int) -> Binding | DeviceBinding:
        """So many dancers' tensors for the step: the state at zero, the inputs at their defaults."""
        return self._surely(lambda: self._bind(self.step, dancers, self._captures))

    def unbind(self, binding: Binding | DeviceBinding) -> None:
        """Takes tensors back that nobody uses any more: a graph that was recorded with them serves the next as many."""
        if self._captures and isinstance(binding, DeviceBinding):
            self._idle.setdefault(len(binding.pi), []).append(binding)

    def rescued(self, binding: Binding | DeviceBinding) -> Binding | DeviceBinding:
        """The CPU's tensors, to go on with instead of those of a device that has failed."""
        there = self.bind(len(binding.pi))
        assert isinstance(there, Binding)
        binding.rescue(there)
        return there

    def fall_back(self, error: Exception) -> None:
        """Goes over to the CPU where `error` is a device's, and tells it. Raises the error where it is the CPU's own,
        or that of a device which was asked for by name and cannot even begin.

        Raises BundleError where the bundle is not there any more as it was opened.
        """
        if self.device.name == CPU or not (self._is_open or self._asked == AUTO):
            raise error
        failed, reason = self.device.name, one_line(error)
        # What a driver does at the end of a session whose device is gone nobody promises: they stay.
        self._failed = self.decoder, self.step
        _, self.rounded, decoder = self._choose(CPU, self._precision)
        self.device = Device(CPU, f"{failed} has failed ({reason})")
        decoder = decoder or self._open(DECODER, self.threads)
        check_decoder(self._graph(DECODER), decoder, self.metadata)
        step = self._open(STEP, STEP_THREADS)
        if check_step(self._graph(STEP), step, self.metadata) != self.state:
            raise BundleError(f"{self._graph(STEP)}: has another state than the one that dances")
        self.decoder, self.step = decoder, step
        self._captures, self._idle, self._second = False, {}, self._second_core()
        if self._is_open:
            self._tell(f"{self.metadata.name}: {failed} has failed ({reason}); it dances on on the CPU")

    def encoder(self) -> onnxruntime.InferenceSession:
        """The encoder's session, opened when first asked for. Raises BundleError."""
        if self._encoder is None:
            session = self._open(ENCODER, self.threads)
            check_encoder(self.folder / ENCODER, session, self.metadata)
            self._encoder = session
        return self._encoder

    def decode(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Latents (n, latent_size) -> images (n, height, width)."""
        return self._surely(lambda: self._decode(latents))

    def settle(self) -> None:
        """Gives back the memory that opening took, and what bundles that are gone had; takes what a frame needs.

        Left alone onnxruntime's arena keeps all of it for the next: 25 MB, and after some changes of the model 18 more.
        """
        if self.device.name != CPU:
            return
        latents = self.bank.reshape(-1, self.metadata.latent_size)[:2]
        self.decoder.run(["images"], {"latents": latents[:1]}, giving_back())
        self.decode(latents)

    def _decode(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        if self.device.name != CPU:
            return self.decoder.run(["images"], {"latents": latents})[0]  # at once: it has cores enough
        images: list[NDArray[np.uint8]] = [np.empty(0, np.uint8)] * 2
        halves = np.array_split(latents, 2) if len(latents) > 1 else [latents]

        def decode_half(half: int) -> None:
            images[half] = self.decoder.run(["images"], {"latents": halves[half]})[0]

        do = self.together if self.threads == 1 else _do  # a session of several threads has the cores by itself
        do([lambda half=half: decode_half(half) for half in range(len(halves))])  # type: ignore[misc]
        return np.concatenate(images) if len(halves) > 1 else images[0]

    def together(self, tasks: Sequence[Callable[[], None]]) -> None:
        """Does the tasks and returns when all are done: every other one on a second core, where there is one.

        A session's own threads would be as fast, but a dancer alone would pay for them: they cost it more than they
        save. onnxruntime lets go of Python's lock while it runs.
        """
        if self._second is None or len(tasks) < 2:
            _do(tasks)
            return
        others = self._second.submit(_do, tasks[1::2])
        _do(tasks[::2])
        others.result()

    @property
    def precision(self) -> str:
        """In what precision it plays, in words."""
        return {ROUNDED: INT8, IMAGES_ROUNDED: "fp32, images in int8"}.get(self.rounded, FP32)

    def _choose(
        self, device: str, precision: str
    ) -> tuple[Device, tuple[str, ...], onnxruntime.InferenceSession | None]:
        """The device, which graphs multiply in 8 bits there, and the decoder, where a GPU was tried with it."""
        if precision == INT8:
            if self.metadata.precision != INT8:
                raise BundleError(f"{self.folder}: no int8 graphs; `dancenet export --precision int8` writes them")
            if device not in (AUTO, CPU):
                raise DeviceError(f"--device {device}: takes no int8 graphs; --precision int8 is for the CPU")
            device = CPU
        on_cpu: tuple[str, ...] = ()
        if self.metadata.precision == INT8 and precision != FP32:
            on_cpu = ROUNDED if precision == INT8 else IMAGES_ROUNDED
        chosen, decoder = choose(self.folder / DECODER, device, self.threads)
        return chosen, on_cpu if chosen.name == CPU else (), decoder

    def _open_all(self, decoder: onnxruntime.InferenceSession | None) -> None:
        """Opens and checks what a frame takes, one after the other: on two cores at once it takes as long."""
        self.bank = read_bank(self.folder / BANK, self.metadata)
        self.decoder = decoder or self._open(DECODER, self.threads)
        check_decoder(self._graph(DECODER), self.decoder, self.metadata)
        self.step = self._open(STEP, STEP_THREADS)
        self.state: tuple[StateTensor, ...] = check_step(self._graph(STEP), self.step, self.metadata)
        self._try_decoder()  # a device that fails has both to fall back from
        self._try_step()

    def _graph(self, name: str) -> Path:
        """The file of a graph in the precision that it is played in; the encoder is exact in every bundle."""
        return self.folder / graph_file(name, INT8 if name in self.rounded else FP32)

    def _open(self, name: str, threads: int) -> onnxruntime.InferenceSession:
        path = self._graph(name)
        try:
            return open_session(path, self.device, threads, spins=self._spins)
        except SESSION_ERRORS as error:
            raise _unreadable(path, error) from None

    def _inputs(self, dancers: int) -> dict[str, NDArray[np.float32]]:
        """The step's inputs by name, those of the state apart, as they are if nobody says otherwise."""
        return {
            "uniform": np.full(dancers, 0.5, np.float32),
            "normal": np.zeros((dancers, self.metadata.latent_size), np.float32),
            "pi_temperature": np.ones(dancers, np.float32),
            "sigma_temperature": np.ones(dancers, np.float32),
            **{each.name: np.full(dancers, each.default, np.float32) for each in self.metadata.controls},
        }

    def _bind(self, step: onnxruntime.InferenceSession, dancers: int, captures: bool) -> Binding | DeviceBinding:
        inputs = self._inputs(dancers)
        pi = np.full((dancers, self.metadata.components), 1 / self.metadata.components, np.float32)
        if self.device.memory is None:
            return Binding(step, self.state, dancers, inputs, pi)
        if self._idle.get(dancers):
            binding = self._idle[dancers].pop()
            binding.begin(inputs, pi)
            return binding
        return DeviceBinding(step, self.state, dancers, inputs, pi, self.device.memory, self.device.turn, captures)

    def _capture(self) -> None:
        """Has the step recorded as CUDA graphs, if it can be and then dances the same.

        It cannot be where a node is left to the CPU. What onnxruntime's documentation tells besides has not been seen
        at work, so that it is tried out.
        """
        try:
            step = open_session(self.folder / STEP, self.device, STEP_THREADS, capture=True)
            if step_alike(self._bind(self.step, 1, False), self._bind(step, 1, True)):
                self.step, self._captures = step, True
        except (DeviceError, *SESSION_ERRORS):
            return

    def _try_step(self) -> None:
        """Runs the step once on a latent of the bank, and checks what comes out."""
        feeds = {each.name_in: np.zeros(each.shape, np.float32) for each in self.state} | self._inputs(1)
        feeds["latent_in"] = self.bank[:1, 0]
        names = [each.name_out for each in self.state]
        try:
            outputs = self._surely(lambda: self.step.run(names, feeds))
        except SESSION_ERRORS as error:
            raise BundleError(f"{self._graph(STEP)}: cannot be run ({one_line(error)})") from None
        for each, output in zip(self.state, outputs, strict=True):
            if output.shape != each.shape:
                raise BundleError(f"{self._graph(STEP)}: gave {each.name_out} {output.shape}; expected {each.shape}")
            if not np.isfinite(output).all():
                raise BundleError(f"{self._graph(STEP)}: gave {each.name_out} that is not finite; expected numbers")

    def _try_decoder(self) -> None:
        """Runs the decoder once on a latent of the bank, and checks what comes out."""
        try:
            images = self.decode(self.bank[:1, 0])
        except SESSION_ERRORS as error:
            raise BundleError(f"{self._graph(DECODER)}: cannot be run ({one_line(error)})") from None
        width, height = self.metadata.image_size
        if images.shape != (1, height, width):
            raise BundleError(f"{self._graph(DECODER)}: gave images {images.shape}; expected {(1, height, width)}")

    def _surely(self, run: Callable[[], Result]) -> Result:
        """What `run` gives, by the sessions as they are; where the device fails, once more on the CPU."""
        try:
            return run()
        except SESSION_ERRORS as error:
            self.fall_back(error)
            return run()

    def _second_core(self) -> ThreadPoolExecutor | None:
        spare = self.device.name == CPU and (os.cpu_count() or 1) > 1
        return ThreadPoolExecutor(1, "second core") if spare else None

    def _look_behind(self) -> Ground:
        """What stays behind the dancer in the images of the bank."""
        latents = self.bank.reshape(-1, self.bank.shape[-1])
        latents = latents[np.linspace(0, len(latents) - 1, LOOKED_AT).astype(np.int64)]
        try:
            images = [self.decode(latents[at : at + AT_ONCE]) for at in range(0, LOOKED_AT, AT_ONCE)]
        except SESSION_ERRORS as error:
            raise BundleError(f"{self._graph(DECODER)}: cannot decode {AT_ONCE} ({one_line(error)})") from None
        return Ground(np.concatenate(images))


def open_bundle(
    path: str | os.PathLike[str],
    device: str = AUTO,
    threads: int = LIVE_THREADS,
    precision: str = AUTO,
    tell: Callable[[str], None] = lambda line: None,
    spins: bool = False,
) -> Bundle:
    """Opens the bundle in the folder `path` on a device by its name, `auto` for the best that works.

    `precision` is `fp32`, `int8`, or `auto`: exact steps, with images in int8 on the CPU where the bundle has them.
    `tell` takes a line where the device fails later, and the CPU takes over. With `spins`, several threads are faster
    and leave nothing of their cores to others.
    Raises BundleError where the bundle breaks its contract, DeviceError where the device cannot be had.
    """
    return Bundle(Path(path), device, threads, precision, tell, spins)


def graph_file(name: str, precision: str) -> str:
    """The file of a graph in a precision: `step.onnx`, or `step.int8.onnx` beside it."""
    return name if precision == FP32 else f"{name.removesuffix('.onnx')}.{precision}.onnx"


def _unreadable(path: Path, error: Exception) -> BundleError:
    return BundleError(f"{path}: not a readable ONNX model ({one_line(error)})")


def _do(tasks: Sequence[Callable[[], None]]) -> None:
    for task in tasks:
        task()
