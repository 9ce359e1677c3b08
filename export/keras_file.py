"""Weights out of a Keras HDF5 file, of Keras 2 or in its layout: weights alone, or a whole model's.

Such files come from strangers. They are data: only arrays of floating-point numbers are read, that lie in the file
itself as Keras writes them, and how large each is is known before there is memory for it.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

MOST_NAMES = 256  # of layers, or of a layer's weights; the article's VAE has 12 layers with weights, none more than 24
MOST_NUMBERS = 1 << 27  # in a file, half a gigabyte; the article's LSTM-MDN has 12.2 million
MOST_AXES = 4  # a convolution's
WHOLE_MODEL = "model_weights"  # the group in a file that holds a model and its optimiser too


class KerasFileError(ValueError):
    """A file that is not what was expected; the message is one line: the file, the layer, what was found."""


@dataclass(frozen=True)
class Weight:
    """One array of a layer, float32. `where` names the file, the layer and the weight, for messages."""

    where: str
    name: str
    array: np.ndarray


def read_weights(path: Path) -> list[Weight]:
    """All weights in the order that Keras keeps them in: layer by layer, as the model was built."""
    if not path.is_file():
        raise KerasFileError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            return _weights(path, file)
    except KerasFileError:
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError, UnicodeDecodeError) as error:  # as h5py has it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise KerasFileError(f"{path}: not a readable HDF5 file ({reason})") from None


def _weights(path: Path, file: h5py.File) -> list[Weight]:
    root: h5py.Group = file
    if "layer_names" not in file.attrs and WHOLE_MODEL in file:
        root = _inside(file, WHOLE_MODEL, f"{path}")
    weights: list[Weight] = []
    room = MOST_NUMBERS
    for layer in _names(root, "layer_names", f"{path}"):
        where = f"{path}: layer {layer}"
        group = _inside(root, layer, where)
        for name in _names(group, "weight_names", where):
            dataset = _inside(group, name, f"{where}: {name}")
            array = _array(dataset, f"{where}: {name}", room)
            room -= array.size
            weights.append(Weight(f"{where}: {name}", name, array))
    return weights


def _names(group: h5py.Group, attribute: str, where: str) -> list[str]:
    if not isinstance(group, h5py.Group) or attribute not in group.attrs:
        raise KerasFileError(f"{where}: no {attribute}; Keras writes them into files in its HDF5 layout")
    shape = group.attrs.get_id(attribute).shape
    if len(shape) != 1 or shape[0] > MOST_NAMES:
        raise KerasFileError(f"{where}: {attribute} of shape {shape}; expected a list of at most {MOST_NAMES}")
    return [name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in group.attrs[attribute]]


def _inside(group: h5py.Group, name: str, where: str) -> h5py.Group | h5py.Dataset:
    """What lies in the group under a path, nowhere else: no link leads out of it, or to another file."""
    found: h5py.Group | h5py.Dataset = group
    for part in name.split("/"):
        link = found.get(part, getlink=True) if part and isinstance(found, h5py.Group) else None
        if link is None:
            raise KerasFileError(f"{where}: missing")
        if not isinstance(link, h5py.HardLink):
            raise KerasFileError(f"{where}: a link to somewhere else; expected the weights themselves")
        found = found[part]
    return found


def _array(dataset: h5py.Group | h5py.Dataset, where: str, room: int) -> np.ndarray:
    """The array as float32, of at most `room` numbers."""
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind != "f" or not dataset.size:
        found = dataset.dtype if isinstance(dataset, h5py.Dataset) else "a group"
        raise KerasFileError(f"{where}: holds {found}; expected an array of floating-point numbers")
    if len(dataset.shape) > MOST_AXES or dataset.size > room:
        raise KerasFileError(
            f"{where}: its shape is {dataset.shape}; allowed are {MOST_AXES} axes, and {MOST_NUMBERS} numbers in all"
        )
    properties = dataset.id.get_create_plist()
    if properties.get_nfilters() or dataset.external or dataset.is_virtual:
        raise KerasFileError(f"{where}: compressed, or kept in another file; Keras writes plain arrays")
    if dataset.id.get_storage_size() != dataset.nbytes:
        raise KerasFileError(
            f"{where}: {dataset.id.get_storage_size()} bytes are there; its shape {dataset.shape} is {dataset.nbytes}"
        )
    with np.errstate(over="ignore"):
        array = dataset[()].astype(np.float32)
    if not np.isfinite(array).all():
        raise KerasFileError(f"{where}: holds values that are not finite in float32; expected numbers")
    return array
