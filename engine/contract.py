"""The contract of a bundle's graphs: the tensors that they must take and give.

States docs/bundle.md's tables as data and holds open sessions against them. Knows nothing of files but their names,
for the messages.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from engine.metadata import BundleError, Metadata

FLOAT, INTEGER, BYTE = "tensor(float)", "tensor(int64)", "tensor(uint8)"
DANCERS = "dancers"
# Numbers of a dancer's state, in all its tensors: the default dancer's has 3,200. Show, state file and log hold them
# for up to 64 dancers.
LARGEST_STATE = 1 << 15


@dataclass(frozen=True)
class Tensor:
    """A tensor of a graph. A number in `shape` is a fixed size, a text a free axis."""

    name: str
    kind: str
    shape: tuple[int | str, ...]

    def __str__(self) -> str:
        return f"{self.name} {_shape(self.shape)} {_kind(self.kind)}"


@dataclass(frozen=True)
class StateTensor:
    """A tensor of the dancer's state, by the names under which it goes into the step and comes out.

    `axis` is that of the dancers in `shape`, whose size there is 1.
    """

    name_in: str
    name_out: str
    shape: tuple[int, ...]
    axis: int

    def shape_for(self, dancers: int) -> tuple[int, ...]:
        """The shape for a company of so many dancers."""
        return *self.shape[: self.axis], dancers, *self.shape[self.axis + 1 :]


def check_encoder(path: Path, session: onnxruntime.InferenceSession, metadata: Metadata) -> None:
    """Raises BundleError where the encoder's tensors are not the contract's."""
    width, height = metadata.image_size
    _check(path, "input", session.get_inputs(), [Tensor("images", BYTE, ("n", height, width))])
    _check(path, "output", session.get_outputs(), [Tensor("latents", FLOAT, ("n", metadata.latent_size))])


def check_decoder(path: Path, session: onnxruntime.InferenceSession, metadata: Metadata) -> None:
    """Raises BundleError where the decoder's tensors are not the contract's."""
    width, height = metadata.image_size
    _check(path, "input", session.get_inputs(), [Tensor("latents", FLOAT, ("n", metadata.latent_size))])
    _check(path, "output", session.get_outputs(), [Tensor("images", BYTE, ("n", height, width))])


def check_step(path: Path, session: onnxruntime.InferenceSession, metadata: Metadata) -> tuple[StateTensor, ...]:
    """Raises BundleError where the step's tensors are not the contract's; returns its state, `latent_in` first."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    latent = (DANCERS, metadata.latent_size)
    _check(
        path,
        "input",
        [node for node in inputs if node.name == "latent_in" or not node.name.endswith("_in")],
        [
            Tensor("latent_in", FLOAT, latent),
            Tensor("uniform", FLOAT, (DANCERS,)),
            Tensor("normal", FLOAT, latent),
            Tensor("pi_temperature", FLOAT, (DANCERS,)),
            Tensor("sigma_temperature", FLOAT, (DANCERS,)),
            *(Tensor(control.name, FLOAT, (DANCERS,)) for control in metadata.controls),
        ],
    )
    state_inputs = [node for node in inputs if node.name.endswith("_in")]
    state_inputs.sort(key=lambda node: node.name != "latent_in")
    state = tuple(_state(path, node) for node in state_inputs)
    if (size := sum(math.prod(each.shape) for each in state)) > LARGEST_STATE:
        raise BundleError(f"{path}: a state of {size} numbers a dancer; it may have up to {LARGEST_STATE}")
    _check(
        path,
        "output",
        outputs,
        [
            *(Tensor(each.name_out, FLOAT, _declared(each)) for each in state),
            Tensor("pi", FLOAT, (DANCERS, metadata.components)),
            Tensor("component", INTEGER, (DANCERS,)),
            Tensor("mu", FLOAT, latent),
            Tensor("sigma", FLOAT, latent),
        ],
    )
    return state


def _state(path: Path, node: onnxruntime.NodeArg) -> StateTensor:
    shape = node.shape
    free = [size for size in shape if not isinstance(size, int)]
    if node.type != FLOAT or free != [DANCERS]:
        raise BundleError(
            f"{path}: input {node.name} is {_shape(shape)} {_kind(node.type)}; "
            f"it must be float32 with one free axis, named {DANCERS}"
        )
    axis = shape.index(DANCERS)
    fixed = tuple(1 if size == DANCERS else size for size in shape)
    return StateTensor(node.name, f"{node.name.removesuffix('_in')}_out", fixed, axis)


def _declared(state: StateTensor) -> tuple[int | str, ...]:
    return *state.shape[: state.axis], DANCERS, *state.shape[state.axis + 1 :]


def _check(path: Path, side: str, found: list[onnxruntime.NodeArg], expected: list[Tensor]) -> None:
    """An input's free axes must be free; an output's may be of unknown size, as shape inference left them."""
    nodes = {node.name: node for node in found}
    for tensor in expected:
        if tensor.name not in nodes:
            names = ", ".join(node.name for node in found)
            raise BundleError(f"{path}: {side} {tensor} is missing; found {names or 'none'}")
        node = nodes.pop(tensor.name)
        if node.type != tensor.kind or not _fits(node.shape, tensor.shape, exact=side == "input"):
            raise BundleError(
                f"{path}: {side} {tensor.name} is {_shape(node.shape)} {_kind(node.type)}; "
                f"it must be {_shape(tensor.shape)} {_kind(tensor.kind)}"
            )
    if nodes and side == "input":
        names = ", ".join(tensor.name for tensor in expected)
        raise BundleError(f"{path}: unknown input {next(iter(nodes))}; known are {names}")


def _fits(found: list[int | str | None], expected: tuple[int | str, ...], exact: bool) -> bool:
    if len(found) != len(expected):
        return False
    for size, wanted in zip(found, expected, strict=True):
        if isinstance(wanted, str) and isinstance(size, int):
            return False
        if isinstance(wanted, int) and size != wanted and (exact or isinstance(size, int)):
            return False
    return True


def _shape(sizes: list[int | str | None] | tuple[int | str, ...]) -> str:
    return f"({', '.join('?' if size is None else str(size) for size in sizes)})"


def _kind(kind: str) -> str:
    return {FLOAT: "float32", BYTE: "uint8", INTEGER: "int64"}.get(kind, kind.removeprefix("tensor(").rstrip(")"))
