"""What a step's graph holds side by side is taken apart again as it was."""

import numpy as np
import pytest

from tests.fixtures.tiny_dancer import tiny_dancer
from training.joined import join, separate


def test_what_is_joined_comes_apart_again() -> None:
    model = tiny_dancer().mdn_rnn
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    joined = join(weights)
    units, size, components = model.config.units, model.config.latent_size, model.config.components
    assert joined["lstm.weight_l0"].shape == (4 * units, size + units)
    assert joined["head.weight"].shape == (components, 2 * size, model.config.hidden)
    assert joined["head.bias"].shape == (components, 2 * size)
    # A component's rows lie together: its means, then its sigmas.
    np.testing.assert_array_equal(joined["head.bias"][1, :size], weights["mu.bias"][size : 2 * size])
    np.testing.assert_array_equal(joined["head.bias"][1, size:], weights["sigma.bias"][size : 2 * size])
    apart = separate(joined)
    assert apart.keys() == weights.keys()
    for name, array in weights.items():
        np.testing.assert_array_equal(apart[name], array)


def test_a_part_that_is_missing_is_named() -> None:
    weights = {name: tensor.numpy() for name, tensor in tiny_dancer().mdn_rnn.state_dict().items()}
    joined = {name: array for name, array in join(weights).items() if name != "head.bias"}
    with pytest.raises(KeyError, match=r"head\.bias"):
        separate(joined)
