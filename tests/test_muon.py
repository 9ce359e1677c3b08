"""Muon: the update is the one its source gives, and it learns what Adam learns, sooner."""

import pytest
import torch
from torch import nn

from training.muon import MOMENTUM, QUINTIC, ROUNDS, Muon, orthogonalised

SHAPES = [(128, 1152), (1152, 128), (64, 64), (3, 1)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gram_form_is_the_iteration_of_the_source(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(shape, generator=generator, dtype=torch.float64)
    expected = matrix / torch.linalg.matrix_norm(matrix)
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        gram = expected @ expected.t()
        expected = a * expected + (b * gram + c * gram @ gram) @ expected
    torch.testing.assert_close(orthogonalised(matrix.float()), expected.float(), rtol=0, atol=1e-5)


def test_singular_values_come_near_one() -> None:
    matrix = torch.randn(128, 1152, generator=torch.Generator().manual_seed(2)) * 1e-6
    values = torch.linalg.svdvals(orthogonalised(matrix))
    assert float(values.min()) > 0.6 and float(values.max()) < 1.2


def test_no_gradient_is_no_step() -> None:
    assert torch.equal(orthogonalised(torch.zeros(4, 6)), torch.zeros(4, 6))


def test_what_is_no_matrix_is_stepped_as_adam_does() -> None:
    values = [torch.nn.Parameter(torch.tensor([1.0, -2.0, 0.5])) for _ in range(2)]
    ours, peer = Muon([values[0]], 0.1, 0.01), torch.optim.Adam([values[1]], 0.01)
    for factor in (1.0, 0.2, -3.0):
        for value, optimizer in zip(values, (ours, peer), strict=True):
            value.grad = factor * value.detach()
            optimizer.step()
    torch.testing.assert_close(values[0], values[1], rtol=1e-6, atol=0)


def test_kernels_step_as_matrices_and_a_single_channel_does_not() -> None:
    kernel = nn.Parameter(torch.zeros(8, 4, 3, 3))
    kernel.grad = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(3))
    single = nn.Parameter(torch.zeros(1, 4, 3, 3))
    single.grad = torch.full_like(single, 5.0)
    Muon([kernel, single], 0.1, 0.01).step()
    assert kernel.grad is not None
    first = kernel.grad * (1 - MOMENTUM**2)  # Nesterov's look ahead from a momentum of (1 - MOMENTUM) gradients
    torch.testing.assert_close(kernel.data, -0.1 * orthogonalised(first.flatten(1)).reshape(kernel.shape))
    torch.testing.assert_close(single.data, torch.full_like(single, -0.01))


def test_it_goes_on_from_its_saved_state() -> None:
    def run(stops: bool) -> torch.Tensor:
        torch.manual_seed(4)
        model = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 2))
        optimizer = Muon(model.parameters(), 0.02, 0.01)
        for step in range(6):
            if stops and step == 3:
                kept = optimizer.state_dict()
                optimizer = Muon(model.parameters(), 0.02, 0.01)
                optimizer.load_state_dict(kept)
            optimizer.zero_grad()
            model(torch.ones(3, 5)).square().sum().backward()
            optimizer.step()
        return nn.utils.parameters_to_vector(model.parameters())

    assert torch.equal(run(False), run(True))
