from __future__ import annotations

import math

import pytest
import torch

from whence.nets.kernel import arccosine, dual, polynomial, ridgeless
from whence.seeds import stream

N_FEATURES = 400_000


def some(n, d, name="x"):
    return torch.randn(n, d, generator=stream(0, name), dtype=torch.float64)


def sampled(x, x2, phi, bias, scale=1.0):
    """The kernel of finitely many features, with the standard error of each entry."""
    w = scale * some(x.shape[1], N_FEATURES, "w")
    b = scale * bias * some(1, N_FEATURES, "b")
    products = phi(x @ w + b)[:, None] * phi(x2 @ w + b)
    return products.mean(-1), products.std(-1) / math.sqrt(N_FEATURES)


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("bias", [0.0, 0.7])
def test_arc_cosine_kernel_is_the_limit_of_random_features(order, bias):
    x, x2 = some(2, 4), some(2, 4, "x2")
    mean, error = sampled(x, x2, lambda z: (z > 0) * z.clamp_min(0) ** order, bias)
    assert bool(((arccosine(x, x2, order, bias) - 2 * mean).abs() < 5 * 2 * error).all())


def test_polynomial_kernel_is_the_limit_of_random_features():
    x, x2 = some(2, 4), some(2, 4, "x2")
    mean, error = sampled(x, x2, lambda z: (1 + z) ** 3, 0.7, scale=0.5)
    assert bool(((polynomial(x, x2, 3, 0.5, 0.7) - mean).abs() < 5 * error).all())


def test_polynomial_kernel_of_power_one_is_the_inner_product():
    x, x2 = some(3, 4), some(5, 4, "x2")
    torch.testing.assert_close(polynomial(x, x2, 1, 0.5, 2.0, offset=3.0), 9 + 0.25 * (x @ x2.T + 4))


def test_relu_kernel_on_one_input_is_its_squared_norm_bias_included():
    x = some(3, 4)
    torch.testing.assert_close(arccosine(x, x, 1, 2.0).diagonal(), x.square().sum(1) + 4)


def test_relu_kernel_is_homogeneous():
    x = some(3, 4)
    torch.testing.assert_close(arccosine(3 * x, x, 1, 0.0), 3 * arccosine(x, x, 1, 0.0))


def test_duals_at_the_ends_and_the_middle():
    c = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(dual(c, 0), torch.tensor([0, 0.5, 1], dtype=torch.float64))
    torch.testing.assert_close(dual(c, 1), torch.tensor([0, 1 / math.pi, 1], dtype=torch.float64))
    torch.testing.assert_close(dual(c, 2), torch.tensor([0, 0.5, 3], dtype=torch.float64))


def test_derivative_of_the_relu_dual_is_the_step_dual():
    c = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(dual(c, 1).sum(), c)
    torch.testing.assert_close(slope, dual(c.detach(), 0))


def test_ridgeless_interpolates_and_agrees_with_a_general_solver():
    x, y = some(20, 5), some(20, 3, "y")
    kernel = arccosine(x, x)
    found = ridgeless(kernel, y)
    torch.testing.assert_close(kernel @ found, y)
    torch.testing.assert_close(found, torch.linalg.solve(kernel, y))
    torch.testing.assert_close(ridgeless(kernel, y[:, 0]), found[:, 0])


def test_ridge_is_added_to_the_diagonal():
    x, y = some(20, 5), some(20, 3, "y")
    kernel = arccosine(x, x)
    torch.testing.assert_close(ridgeless(kernel, y, 0.5), torch.linalg.solve(kernel + 0.5 * torch.eye(20), y))


def test_two_equal_points_with_unlike_labels_are_refused_with_the_mend():
    x = torch.cat([some(4, 3), some(4, 3)[:1]])
    with pytest.raises(ValueError, match=r"kernel of 5 points is singular .* ridge=1e-8"):
        ridgeless(arccosine(x, x), torch.arange(5.0))


def test_a_kernel_that_does_not_fit_its_labels_is_refused():
    with pytest.raises(ValueError, match=r"kernel of shape \(3, 4\) for 3 labels"):
        ridgeless(torch.ones(3, 4), torch.ones(3))


def test_an_unknown_order_is_refused():
    with pytest.raises(ValueError, match="order 3: expected 0"):
        dual(torch.zeros(1), 3)
