"""The tangent kernel: against naive recursions, finite wide networks, and the regressions that its flow ends on."""

import math

import pytest
import torch
from scipy import integrate
from torch.func import functional_call, jacrev

from whence.data.availability import Availability
from whence.measures.shortcut import probe, reliance
from whence.nets.build import build
from whence.nets.initial import randomise
from whence.nets.kernel import ridgeless
from whence.nets.ntk import flow, ntk, predict, rates
from whence.nets.wide import relu_covariance
from whence.seeds import stream


def some(n, d, name="x"):
    return torch.randn(n, d, generator=stream(0, name), dtype=torch.float64)


def affine(x):
    return torch.cat([x, torch.ones(len(x), 1, dtype=x.dtype)], 1)


def naive(x, z, depth, scale2, bias2):
    """Both kernels of two points of a ReLU network, entry by entry: Gaussian means by quadrature over the angle."""

    def entries(a, b):
        return scale2 * float(a @ b) / len(a) + bias2

    k, kx, kz = entries(x, z), entries(x, x), entries(z, z)
    tangent = k
    for _ in range(depth):
        apart = math.acos(max(-1, min(1, k / math.sqrt(kx * kz))))
        # E over a turned pair of directions: both units are on where cos t and cos(t - apart) are > 0
        low, high = apart - math.pi / 2, math.pi / 2
        both = integrate.quad(lambda t, a=apart: math.cos(t) * math.cos(t - a), low, high)[0] / math.pi
        step = (high - low) / (2 * math.pi)
        k = bias2 + scale2 * math.sqrt(kx * kz) * both
        tangent = k + tangent * scale2 * step
        kx, kz = (bias2 + scale2 * v / 2 for v in (kx, kz))
    return tangent, k


@pytest.mark.parametrize("depth", [0, 1, 3])
@pytest.mark.parametrize(("scale", "bias"), [(None, 0.1), (1.0, 0.0), (1.7, 0.8)])
def test_relu_kernels_are_those_of_a_naive_recursion_with_quadrature(depth, scale, bias):
    x, z = some(3, 4), some(2, 4, "z")
    found = ntk(x, z, depth=depth, scale=scale, bias=bias)
    for i in range(3):
        for j in range(2):
            tangent, covariance = naive(x[i], z[j], depth, 2.0 if scale is None else scale**2, bias**2)
            assert float(found.tangent[i, j]) == pytest.approx(tangent, rel=1e-9, abs=1e-12)
            assert float(found.covariance[i, j]) == pytest.approx(covariance, rel=1e-9, abs=1e-12)


def test_covariance_is_the_one_of_random_networks():
    """Of which the biases have variance bias^2 / 3."""
    x, z = some(3, 4), some(2, 4, "z")
    expected = relu_covariance(x, 2, 1.3, 0.6 * math.sqrt(3), z)
    torch.testing.assert_close(ntk(x, z, depth=2, scale=1.3, bias=0.6).covariance, expected)


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_linear_kernels_are_affine_in_the_inner_product_with_known_coefficients(depth):
    """Of depth L each of L + 1 layers of weights adds scale^(2L+2) x.z / d; that of biases after layer l adds its own."""
    x, z, s, b = some(3, 4), some(2, 4, "z"), 1.2, 0.3
    found = ntk(x, z, depth=depth, activation="linear", scale=s, bias=b)
    layers = depth + 1
    constant = sum(b**2 * s ** (2 * (layers - i)) * (layers - i + 1) for i in range(1, layers + 1))
    torch.testing.assert_close(found.tangent, layers * s ** (2 * layers) * x @ z.T / 4 + constant)


def finite(activation, depth, width, points, seed, scale, bias):
    """Sum of rate x J J^T over the parameters of an ordinary wide network at its first weights."""
    network = build("perceptron", (points.shape[1],), 0, outputs=1, width=width, depth=depth, activation=activation).double()
    randomise(network, seed, scale, bias=bias * math.sqrt(3), fan="in", law="normal")
    weights = {name: p.detach() for name, p in network.named_parameters()}
    slopes = jacrev(lambda w: functional_call(network, w, (points,))[:, 0])(weights)
    groups = rates(weights, 1.0, activation=activation, scale=scale, bias=bias)
    flat = [slope.flatten(1) * math.sqrt(group["lr"]) for slope, group in zip(slopes.values(), groups, strict=True)]
    jacobian = torch.cat(flat, 1)
    return jacobian @ jacobian.T


@pytest.mark.parametrize(("activation", "scale"), [("relu", math.sqrt(2)), ("linear", 1.0)])
@pytest.mark.parametrize("depth", [1, 2])
def test_kernel_is_the_limit_of_wide_networks_trained_at_its_rates(activation, scale, depth):
    points = some(4, 3)
    expected = ntk(points, depth=depth, activation=activation, scale=scale, bias=0.5).tangent
    error = {}
    for width in (16, 400):
        found = torch.stack([finite(activation, depth, width, points, seed, scale, 0.5) for seed in range(6)])
        error[width] = float((found - expected).square().mean(0).sum().sqrt() / expected.norm())
    assert error[400] < 0.15
    assert error[400] < error[16] / 2.5  # as one over the root of the width: 5


def test_a_wide_network_trained_at_its_rates_predicts_what_the_flow_does():
    """Less what it answered at first: the change of outputs, at seen and at new points."""
    x, new = some(8, 3), some(5, 3, "new")
    y, rate, steps = x[:, :1] * x[:, 1:2], 0.05, 60
    network = build("perceptron", (3,), 0, outputs=1, width=2000, depth=1).double()
    randomise(network, 1, math.sqrt(2), bias=0.3 * math.sqrt(3), fan="in", law="normal")
    with torch.no_grad():
        first_seen, first_new = network(x), network(new)
    optimizer = torch.optim.SGD(rates(dict(network.named_parameters()), rate, bias=0.3))
    for _ in range(steps):
        optimizer.zero_grad()
        ((network(x) - first_seen - y) ** 2).mean().div(2).backward()
        optimizer.step()
    with torch.no_grad():
        change = torch.cat([network(x) - first_seen, network(new) - first_new])
    expected = predict(x, y, torch.cat([x, new]), [rate * steps], bias=0.3)[0]
    assert float((change - expected).norm() / expected.norm()) < 0.1
    assert float(expected[:8].norm() / y.norm()) > 0.5


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_linear_predictor_at_convergence_is_least_squares_with_an_intercept(depth):
    x, y, new = some(30, 3), some(30, 2, "y"), some(6, 3, "new")
    found = predict(x, y, new, [math.inf], depth=depth, activation="linear", bias=0.4)[0]
    torch.testing.assert_close(found, affine(new) @ torch.linalg.lstsq(affine(x), y).solution)


def test_linear_predictor_with_more_dimensions_than_points_is_ridgeless_regression():
    x, y, new = some(5, 12), some(5, 1, "y")[:, 0], some(6, 12, "new")
    found = predict(x, y, new, [math.inf], depth=2, activation="linear", bias=0.0)[0]
    torch.testing.assert_close(found, new @ torch.linalg.pinv(x) @ y)


def test_relu_flow_ends_on_the_ridgeless_interpolator():
    x, y = some(20, 3), some(20, 1, "y")[:, 0]
    kernel = ntk(x, depth=2).tangent
    torch.testing.assert_close(flow(kernel, y, [math.inf])[0], ridgeless(kernel, y), rtol=1e-6, atol=1e-8)


def test_flow_is_the_limit_of_small_steps_of_gradient_descent():
    x, y = some(6, 3), some(6, 2, "y")
    kernel = ntk(x).tangent
    rate, steps = 1e-3, 2000
    answer = torch.zeros_like(y)
    for _ in range(steps):
        answer = answer - rate * kernel @ (answer - y) / 6
    torch.testing.assert_close(kernel @ flow(kernel, y, [rate * steps])[0], answer, rtol=2e-3, atol=2e-3)


def test_flow_starts_from_0_and_its_loss_never_rises():
    x, y = some(12, 3), some(12, 1, "y")[:, 0]
    kernel = ntk(x).tangent
    answers = flow(kernel, y, [0, 0.1, 1, 10, 1e3, 1e9, math.inf]) @ kernel
    assert bool((answers[0] == 0).all())
    losses = (answers - y).square().mean(1)
    assert bool((losses.diff() <= 1e-12).all())
    torch.testing.assert_close(answers[-1], y, rtol=1e-6, atol=1e-6)


def test_points_seen_twice_with_unlike_labels_are_predicted_at_their_mean():
    x = torch.cat([some(5, 3), some(5, 3)[:1]])
    y = torch.arange(6.0, dtype=torch.float64)
    found = predict(x, y, x, [math.inf, 1e12], depth=3)
    torch.testing.assert_close(found[0][[0, 5, 1]], torch.tensor([2.5, 2.5, 1.0], dtype=torch.float64), atol=1e-5, rtol=0)
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=0)


def test_prediction_does_not_depend_on_how_many_points_are_asked_for(monkeypatch):
    x, y, new = some(6, 3), some(6, 1, "y")[:, 0], some(7, 3, "new")
    whole = predict(x, y, new, [1.0, math.inf])
    assert whole.shape == (2, 7)
    monkeypatch.setattr("whence.nets.ntk.CHUNK", 3)
    torch.testing.assert_close(predict(x, y, new, [1.0, math.inf]), whole)


def test_a_linear_flow_is_biased_to_the_available_cue_early_and_at_its_end_not_at_all_by_availability():
    """The end is least squares on the cues, which no scale moves; the beginning follows the class means, which are scaled."""
    found = {}
    for ratio in (1.0, 8.0, 64.0):
        data = Availability((0.85, 0.9), amplification=(ratio, 1.0))
        sample, plane, z = data.draw(300, 0), data.plane(0).coordinates, probe(data.means, 30)
        signs = (2 * sample.y - 1).double()
        score = predict(sample.z @ plane, signs, z @ plane, [1e-6, math.inf], activation="linear")
        found[ratio] = reliance(score, z).unsigned
    fitted = torch.linalg.lstsq(affine(sample.z), signs[:, None]).solution
    expected = float(reliance((affine(z) @ fitted)[:, 0], z).unsigned)
    assert [float(f[1]) for f in found.values()] == pytest.approx([expected] * 3, abs=1e-9)
    early = [float(f[0]) for f in found.values()]
    assert early[0] < early[1] <= early[2] == 1
    assert early[2] - expected > 1


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: ntk(some(2, 3), some(2, 4)), r"inputs of shapes \(2, 3\) and \(2, 4\)"),
        (lambda: ntk(some(2, 3), activation="tanh"), "activation 'tanh': expected one of relu, linear"),
        (lambda: ntk(some(2, 3), depth=-1), "depth"),
        (lambda: ntk(some(2, 3), scale=0.0), "scale 0.0 and bias 0.1: expected finite numbers, scale > 0"),
        (lambda: ntk(some(2, 3), bias=-1.0), "bias -1.0"),
        (lambda: flow(torch.eye(3), torch.ones(2), [1]), r"kernel of shape \(3, 3\) for 2 labels"),
        (lambda: flow(-torch.eye(3), torch.ones(3), [1]), "eigenvalues from -1 to -1: expected none below 0"),
        (lambda: flow(torch.tensor([[1.0, 2], [0, 1]]), torch.ones(2), [1]), "not symmetric"),
        (lambda: flow(torch.eye(2), torch.ones(2), [-1.0]), "expected numbers >= 0"),
        (lambda: flow(torch.eye(2), torch.ones(2), [math.nan]), "expected numbers >= 0"),
        (lambda: rates({"norms.0.gain": torch.ones(2)}, 1.0), "parameter 'norms.0.gain': expected affine layers only"),
    ],
)
def test_what_has_no_kernel_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
