"""Two cues: what can be known of the label is in closed form, and how they are embedded changes nothing of it."""

import math

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch import nn

from whence.data.availability import Availability, mean_of, predictivity_of
from whence.seeds import stream


def grid(n=21, reach=3.0):
    line = torch.linspace(-reach, reach, n, dtype=torch.float64)
    return torch.cartesian_prod(line, line)


@pytest.mark.parametrize("rho", [0.5001, 0.6, 0.85, 0.9, 0.999999])
def test_predictivity_gives_the_mean_and_the_mean_gives_it_back(rho):
    assert predictivity_of(mean_of(rho)) == pytest.approx(rho, rel=1e-12)
    assert predictivity_of(-mean_of(rho)) == pytest.approx(1 - rho, rel=1e-9)


@pytest.mark.parametrize(
    ("rho", "weight", "accuracy"),
    [(0.6, -0.81, 0.9243), (0.7, -0.38, 0.9062), (0.8, 0.11, 0.9006), (0.85, 0.42, 0.9073), (0.9, 0.80, 0.9240)],
)
def test_optimum_at_the_five_reference_designs(rho, weight, accuracy):
    """The weight of the shortcut, and Bayes' accuracy, beside a core of predictivity .9 and a correlation of .6."""
    optimum = Availability((rho, 0.9)).optimum
    assert float(optimum.weights[0]) == pytest.approx(weight, abs=0.005)
    assert optimum.accuracy == pytest.approx(accuracy, abs=5e-5)


@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.6])
def test_samples_have_the_predictivities_the_covariance_and_the_accuracy_of_the_formulas(correlation):
    data, n = Availability((0.7, 0.9), correlation, d=2), 200_000
    _, y, z = data.draw(n, 0)
    t = 2 * y - 1
    for i, rho in enumerate(data.predictivity):
        assert ((z[:, i] > 0) == (t > 0)).double().mean().item() == pytest.approx(rho, abs=5 * 0.5 / math.sqrt(n))
    noise = z - t[:, None] * data.means
    expected = torch.tensor([[1.0, correlation], [correlation, 1.0]], dtype=torch.float64)
    torch.testing.assert_close(noise.T @ noise / n, expected, atol=5 * math.sqrt(2 / n), rtol=0)
    right = ((data.optimum.score(z) > 0) == (y == 1)).double().mean().item()
    assert right == pytest.approx(data.optimum.accuracy, abs=5 * 0.5 / math.sqrt(n))
    assert y.double().mean().item() == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(n))


def test_optimum_is_the_discriminant_fitted_to_many_samples():
    data = Availability((0.6, 0.9), d=2)
    _, y, z = data.draw(200_000, 0)
    fitted = LinearDiscriminantAnalysis().fit(z.numpy(), y.numpy())
    expected = 2 * data.optimum.weights.numpy()  # log odds
    np.testing.assert_allclose(fitted.coef_[0], expected, atol=0.04)
    assert fitted.intercept_[0] == pytest.approx(0, abs=0.02)


def test_score_is_the_log_odds_of_the_two_normal_densities():
    data = Availability((0.6, 0.9), 0.3)
    covariance = torch.tensor([[1.0, 0.3], [0.3, 1.0]], dtype=torch.float64)
    one, zero = (torch.distributions.MultivariateNormal(s * data.means, covariance) for s in (1, -1))
    torch.testing.assert_close(data.optimum.score(grid()), one.log_prob(grid()) - zero.log_prob(grid()))


def test_the_shortcut_is_subtracted_exactly_below_the_mean_times_the_correlation():
    turning = predictivity_of(0.6 * mean_of(0.9))
    assert turning == pytest.approx(0.779, abs=5e-4)
    weights = [float(Availability((turning + e, 0.9)).optimum.weights[0]) for e in (-1e-3, 0.0, 1e-3)]
    assert weights[0] < 0 < weights[2]
    assert weights[1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("amplification", [(7.0, 7.0), (0.1, 3.0)])
def test_amplification_changes_nothing_of_the_optimum_nor_of_a_fitted_discriminant(amplification):
    plain = Availability((0.7, 0.9), d=6)
    moved = Availability((0.7, 0.9), amplification=amplification, d=6)
    assert moved.optimum.accuracy == plain.optimum.accuracy
    assert torch.equal(moved.optimum.weights, plain.optimum.weights)
    odds = []
    for data in (plain, moved):
        x, y, z = data.draw(500, 0)
        u = z @ data.plane(0).coordinates
        odds.append(LinearDiscriminantAnalysis().fit(u, y).decision_function(grid() @ data.plane(0).coordinates))
        torch.testing.assert_close(x.double(), u @ data.plane(0).basis, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(*odds, rtol=1e-6, atol=1e-9)


def test_without_nesting_the_embedding_is_linear_and_amplified_cue_by_cue():
    data, double = Availability(d=7), Availability(amplification=(2.0, 1.0), d=7)
    z = grid(5)
    a, b = z[:10], z[10:20]
    torch.testing.assert_close(data.embed(2 * a - 3 * b, 4), 2 * data.embed(a, 4) - 3 * data.embed(b, 4))
    torch.testing.assert_close(double.embed(z, 4), data.embed(z * torch.tensor([2.0, 1.0]), 4))
    torch.testing.assert_close(data.embed(z, 4), z[:, :1] * data.directions(4)[0] + z[:, 1:] * data.directions(4)[1])


@pytest.mark.parametrize("cue", [0, 1])
def test_nesting_bends_its_own_cue_alone_and_keeps_lengths_for_small_ones(cue):
    nesting = (2, 0) if cue == 0 else (0, 2)
    plain, nested = Availability(d=30), Availability(nesting=nesting, d=30)
    other, mine = torch.eye(2, dtype=torch.float64)[[1 - cue]], torch.eye(2, dtype=torch.float64)[[cue]]
    torch.testing.assert_close(nested.embed(other, 0), plain.embed(other, 0))
    bent = nested.embed(2 * mine, 0) - 2 * nested.embed(mine, 0)
    assert bent.norm() > 0.1 * nested.embed(mine, 0).norm()
    small = (1e-4 * mine).double()
    assert float(nested.embed(small, 0).norm()) == pytest.approx(float(plain.embed(small, 0).norm()), rel=1e-4)


def test_two_nested_cues_add_and_no_two_pairs_of_cues_are_embedded_alike():
    data = Availability(nesting=(1, 1), d=20)
    z = grid(11, 1.5)
    one = torch.zeros_like(z)
    one[:, 0] = z[:, 0]
    two = z - one
    torch.testing.assert_close(data.embed(z, 0), data.embed(one, 0) + data.embed(two, 0))
    x = data.embed(z, 0)
    apart = (torch.cdist(x, x) + torch.eye(len(z)) * 9).min()
    assert float(apart) > 0.1  # neighbours on the grid are 0.3 apart


def test_splits_share_directions_and_no_point_and_designs_share_the_noise():
    data = Availability(d=5)
    train, test = data.draw(100, 0), data.draw(100, 0, "test")
    assert not torch.isclose(train.z[:, None], test.z[None]).all(-1).any()
    torch.testing.assert_close(data.embed(test.z, 0).float(), test.x)
    assert (train.x.dtype, train.y.dtype, train.x.shape) == (torch.float32, torch.int64, (100, 5))
    other = Availability((0.6, 0.8), amplification=(9.0, 1.0), d=5).draw(100, 0)
    t = 2 * train.y[:, None] - 1
    assert torch.equal(other.y, train.y)
    torch.testing.assert_close(other.z - t * Availability((0.6, 0.8)).means, train.z - t * data.means)
    assert not torch.allclose(data.directions(0), data.directions(1))


def test_normal_first_weights_seen_in_the_plane_are_independent_normal_of_the_same_variance():
    basis = Availability(d=100).plane(0).basis
    torch.testing.assert_close(basis @ basis.T, torch.eye(2, dtype=torch.float64))
    weights = 0.3 * torch.randn(20_000, 100, generator=stream(0, "w"), dtype=torch.float64) @ basis.T
    torch.testing.assert_close(weights.T @ weights / 20_000, 0.09 * torch.eye(2, dtype=torch.float64), atol=0.005, rtol=0)


def trained(first, rest, x, y, steps=60, rate=0.02):
    """Full-batch gradient descent of a two-layer network from first weights; its logits at the points it saw."""
    network = nn.Sequential(nn.Linear(x.shape[1], len(first)), nn.Tanh(), nn.Linear(len(first), 1)).double()
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), (first, *rest), strict=True):
            parameter.copy_(value)
    optimizer = torch.optim.SGD(network.parameters(), rate, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.softplus(-(2 * y - 1) * network(x)[:, 0]).mean().backward()
        optimizer.step()
    return network, network(x).detach()


def test_gradient_descent_in_all_dimensions_is_gradient_descent_in_the_plane():
    data, width = Availability((0.7, 0.9), amplification=(2.0, 0.3), d=40), 16
    sample, plane = data.draw(200, 0), data.plane(0)
    x, y = data.embed(sample.z, 0), sample.y.double()
    draw = stream(0, "weights")
    first = torch.randn(width, 40, generator=draw, dtype=torch.float64) / 5
    rest = [torch.randn(s, generator=draw, dtype=torch.float64) / 4 for s in ((width,), (1, width), (1,))]
    whole, logits = trained(first, rest, x, y)
    flat, same = trained(first @ plane.basis.T, rest, sample.z @ plane.coordinates, y)
    torch.testing.assert_close(logits, same, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(whole[0].weight @ plane.basis.T, flat[0].weight, atol=1e-5, rtol=1e-5)
    start = nn.functional.tanh(x @ first.T + rest[0]) @ rest[1].T + rest[2]
    assert (logits - start).abs().max() > 0.5  # it has learned meanwhile


def test_a_nested_cue_has_no_plane():
    with pytest.raises(ValueError, match=r"nesting \(0, 1\): expected \(0, 0\), .* train on x itself"):
        Availability(nesting=(0, 1)).plane(0)


@pytest.mark.parametrize("rho", [0.5, 1.0, 0.3, 85, math.nan])
def test_a_predictivity_outside_its_range_is_refused(rho):
    with pytest.raises(ValueError, match=rf"predictivity {rho}: expected a probability in \(.5, 1\), not in percent"):
        Availability((rho, 0.9))
    with pytest.raises(ValueError, match=f"predictivity {rho}"):
        Availability((0.9, rho))


@pytest.mark.parametrize("r", [1.0, -1.0, 1.5, math.nan])
def test_a_correlation_that_makes_the_covariance_indefinite_is_refused(r):
    with pytest.raises(ValueError, match=rf"correlation {r}: expected in \(-1, 1\), .* not positive definite \(its determinant"):
        Availability(correlation=r)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"d": 1}, "d = 1: expected a whole number, at least 2"),
        ({"d": 100.0}, "d = 100.0: expected a whole number"),
        ({"amplification": (0.0, 1.0)}, r"amplification \(0.0, 1.0\): expected finite numbers > 0"),
        ({"amplification": (1.0, math.inf)}, "expected finite numbers > 0"),
        ({"nesting": (0, -1)}, r"nesting \(0, -1\): expected numbers of layers"),
        ({"nesting": (0.5, 0)}, "expected numbers of layers"),
        ({"predictivity": (0.9,)}, r"predictivity \(0.9,\): expected two values, of the shortcut and of the core"),
    ],
)
def test_designs_that_are_none_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Availability(**options)


def test_no_points_and_cues_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="0 points: expected at least 1"):
        Availability().draw(0, 0)
    with pytest.raises(ValueError, match=r"latent cues of shape \(4, 3\): expected \(m, 2\)"):
        Availability().embed(torch.zeros(4, 3), 0)
