"""The mixture's likelihood against closed forms, and the gradients that are written out against PyTorch's own."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import multivariate_normal
from torch import Tensor

from training.mixture import SIGMA_FLOOR, mixture_nll, spread


def test_one_component_is_a_normal_density() -> None:
    random = np.random.default_rng(0)
    mu, sigma, target = random.normal(size=5), random.uniform(0.2, 2, 5), random.normal(size=5)
    found = mixture_nll(*(torch.from_numpy(a) for a in (np.zeros(1), mu[None], sigma[None], target)))
    assert float(found) == pytest.approx(-multivariate_normal(mu, np.diag(sigma**2)).logpdf(target))


def test_a_mixture_is_the_weighted_sum_of_densities() -> None:
    random = np.random.default_rng(1)
    logits, mu = random.normal(size=3), random.normal(size=(3, 4))
    sigma, target = random.uniform(0.3, 1, (3, 4)), random.normal(size=4)
    weights = np.exp(logits) / np.exp(logits).sum()
    density = sum(
        w * multivariate_normal(m, np.diag(s**2)).pdf(target) for w, m, s in zip(weights, mu, sigma, strict=True)
    )
    found = mixture_nll(*(torch.from_numpy(a) for a in (logits, mu, sigma, target)))
    assert float(found) == pytest.approx(-math.log(density))


def test_sigma_is_a_standard_deviation_not_a_variance() -> None:
    zero = torch.zeros(1, 1)
    at_two = mixture_nll(torch.zeros(1), zero, zero + 2, torch.tensor([4.0]))
    assert float(at_two) == pytest.approx(0.5 * 4 + math.log(2) + 0.5 * math.log(2 * math.pi))


def test_a_far_target_has_a_finite_loss_and_gradient() -> None:
    mu = torch.zeros(2, 3, requires_grad=True)
    loss = mixture_nll(torch.zeros(2), mu, torch.full((2, 3), 1e-3), torch.full((3,), 50.0))
    loss.backward()
    assert loss.isfinite()
    assert mu.grad is not None
    assert mu.grad.isfinite().all()


def plain_nll(logits: Tensor, mu: Tensor, raw: Tensor, target: Tensor) -> Tensor:
    """The same by PyTorch's own operations, from what the head says of sigma."""
    sigma = F.elu(raw) + 1 + SIGMA_FLOOR
    components = torch.distributions.Independent(torch.distributions.Normal(mu, sigma), 1)
    mixture = torch.distributions.Categorical(logits=logits)
    return -torch.distributions.MixtureSameFamily(mixture, components).log_prob(target)


def test_values_and_gradients_are_those_of_the_plain_formula() -> None:
    random = torch.Generator().manual_seed(0)
    given = [
        torch.randn(shape, generator=random, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 5, 4), (3, 5, 4, 7), (3, 5, 4, 7))
    ]
    target = torch.randn((3, 5, 7), generator=random, dtype=torch.float64)
    weights = torch.rand((3, 5), generator=random, dtype=torch.float64)
    logits, mu, raw = given
    found, plain = mixture_nll(logits, mu, spread(raw), target), plain_nll(logits, mu, raw, target)
    torch.testing.assert_close(found, plain)
    expected = torch.autograd.grad((plain * weights).sum(), given)
    for one, other in zip(torch.autograd.grad((found * weights).sum(), given), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_gradients_hold_by_finite_differences() -> None:
    random = torch.Generator().manual_seed(1)
    shapes = (2, 3), (2, 3, 4), (2, 3, 4)
    given = [torch.randn(shape, generator=random, dtype=torch.float64, requires_grad=True) for shape in shapes]
    target = torch.randn((2, 4), generator=random, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda a, b, c: mixture_nll(a, b, spread(c), target), given)
