"""Muon: gradient steps whose matrices are orthogonalised, with Adam for what is no matrix. Owns the update rule.

Jordan et al. 2024 (https://kellerjordan.github.io/posts/muon). On this VAE it reaches in one minute what Adam reaches
in six. torch.optim.Muon takes neither kernels of convolutions nor the rest of a model.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

MOMENTUM = 0.95
ADAM_BETAS, ADAM_EPSILON = (0.9, 0.999), 1e-8
# Newton-Schulz iteration: the quintic takes singular values of 0..1 to 0.7..1.2 in five rounds (the source's figures).
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix (rows, columns) with all its singular values brought near 1, float32.

    X -> a X + b (X X') X + c (X X')^2 X, five times. All of it is a polynomial of the smaller Gram matrix times X, so
    that the iteration runs on the Gram matrix alone: two products with X instead of ten.
    """
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.t()
    gram = (wide @ wide.t()).double()
    gram = gram / gram.trace().clamp_min(1e-30)
    identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    product = identity
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        factor = a * identity + b * gram + c * gram @ gram
        product = factor @ product
        gram = factor @ gram @ factor
    wide = (product / torch.linalg.matrix_norm(wide).clamp_min(1e-15)).float() @ wide
    return wide if matrix.shape[0] <= matrix.shape[1] else wide.t()


class Muon(torch.optim.Optimizer):
    """Steps `parameters`: those that are matrices, or kernels seen as (output, the rest), by `matrix_rate`, the others
    (biases, a first or last kernel with a single channel) by Adam with `rate`. Complex or sparse ones are not taken."""

    def __init__(self, parameters: Iterable[Tensor], matrix_rate: float, rate: float) -> None:
        matrices: list[Tensor] = []
        others: list[Tensor] = []
        for parameter in parameters:
            whole = parameter.ndim >= 2 and min(parameter.shape[:2]) > 1
            (matrices if whole else others).append(parameter)
        groups = ((matrices, matrix_rate, True), (others, rate, False))
        super().__init__([{"params": p, "lr": lr, "matrices": m} for p, lr, m in groups if p], {})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step along the gradients; parameters without one are left alone."""
        for group in self.param_groups:
            update = self._orthogonal if group["matrices"] else self._adam
            for parameter in group["params"]:
                if parameter.grad is not None:
                    update(parameter, group["lr"])

    def _orthogonal(self, parameter: Tensor, rate: float) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None  # `step` looked
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        momentum = state["momentum"].lerp_(gradient, 1 - MOMENTUM)
        ahead = gradient.lerp(momentum, MOMENTUM)  # Nesterov's
        matrix = ahead.reshape(len(ahead), -1)
        step = orthogonalised(matrix).reshape(parameter.shape)
        # A matrix that enlarges must step further for the same change of what comes out.
        parameter.add_(step, alpha=-rate * max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5)

    def _adam(self, parameter: Tensor, rate: float) -> None:
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if not state:
            state.update(steps=0, mean=torch.zeros_like(parameter), square=torch.zeros_like(parameter))
        state["steps"] += 1
        first, second = ADAM_BETAS
        mean = state["mean"].lerp_(gradient, 1 - first)
        square = state["square"].mul_(second).addcmul_(gradient, gradient, value=1 - second)
        deviation = (square / (1 - second ** state["steps"])).sqrt_().add_(ADAM_EPSILON)
        parameter.addcdiv_(mean, deviation, value=-rate / (1 - first ** state["steps"]))
