import math

import jaxtyping
import numpy as np
import pytest
import torch
from beartype import beartype
from scipy import stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF

from whence.measures.bits import ScaledChiSquare, fitted, posterior, share
from whence.measures.quadratic import QuadraticForm
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def problem(n=20, t=9, d=3, k=4):
    draw = torch.randn(n + t, d + k, generator=stream(0, "bits"))
    return draw[:n, :d], draw[:n, d:], draw[n:, :d], draw[n:, d:]


def test_posterior_is_that_of_an_independent_library():
    x, y, points, _ = problem()
    found = checked(posterior)(x, y, points, 1.5)
    twin = GaussianProcessRegressor(RBF(1.5, "fixed"), alpha=1e-10, optimizer=None).fit(x.double().numpy(), y.double().numpy())
    mean, covariance = twin.predict(points.double().numpy(), return_cov=True)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, covariance[..., 0], atol=1e-7)


def test_hypotheses_pass_through_the_training_data():
    x, y, _, _ = problem()
    found = posterior(x, y, x, 1.5)
    torch.testing.assert_close(found.mean, y.double(), atol=1e-5, rtol=0)
    assert float(found.covariance.abs().max()) < 1e-8


def test_law_of_the_loss_is_that_of_functions_drawn_from_the_posterior():
    x, y, points, target = problem()
    found = posterior(x, y, points, 1.5)
    law = found.loss(target)
    exact = (found.mean - target).square().mean() + found.covariance.trace() / len(points)
    assert law.expectation == pytest.approx(float(exact), rel=1e-9)
    root = torch.linalg.cholesky(found.covariance + 1e-12 * torch.eye(len(points)))
    z = torch.randn(20_000, *target.shape, generator=stream(1, "z"), dtype=torch.float64)
    losses = (found.mean + root @ z - target).square().mean((1, 2))
    assert float(losses.std()) == pytest.approx(law.deviation, rel=0.05)
    epsilon = law.expectation - law.deviation
    assert float((losses <= epsilon).double().mean()) == pytest.approx(2 ** -law.bits(epsilon), abs=0.015)


def test_turning_the_outputs_changes_no_bit():
    x, y, points, target = problem()
    turn = torch.linalg.qr(torch.randn(4, 4, generator=stream(2, "turn"), dtype=torch.float64)).Q
    plain = posterior(x, y, points, 1.5).loss(target)
    turned = posterior(x, y.double() @ turn, points, 1.5).loss(target.double() @ turn)
    for epsilon in (0.3 * plain.expectation, plain.expectation):
        assert turned.bits(epsilon) == pytest.approx(plain.bits(epsilon), rel=1e-8)


def test_order_of_the_images_changes_no_bit():
    x, y, points, target = problem()
    plain, epsilon = posterior(x, y, points, 1.5).loss(target), 0.5
    moved = posterior(x.flip(0), y.flip(0), points.flip(0), 1.5).loss(target.flip(0))
    assert moved.bits(epsilon) == pytest.approx(plain.bits(epsilon), rel=1e-8)


def test_to_answer_otherwise_than_trained_takes_bits_without_end():
    x, y, points, target = problem()
    law = posterior(x, y, torch.cat([points, x[:1]]), 1.5).loss(torch.cat([target, y[:1] + 3]))
    wrong = 9 / 10  # 3^2 in each of 4 outputs, over 10 x 4 numbers
    assert law.bits(law.expectation) < 3
    assert law.bits(wrong - 0.1) > 1e8
    exact = QuadraticForm(np.where(law.variance < 1e-9, 0.0, law.variance), law.mean)
    assert exact.floor == pytest.approx(wrong, rel=1e-3)
    with pytest.raises(ValueError, match="directions without variance contribute"):
        exact.bits(wrong - 0.1)


def test_more_training_images_take_no_more_bits_for_a_smooth_function():
    x = torch.linspace(-2, 2, 41, dtype=torch.float64)[:, None]
    y = torch.sin(2 * x)
    bits = [posterior(x[::step], y[::step], x[1::2], 0.7).loss(y[1::2]).bits(1e-3) for step in (20, 10, 5)]
    assert bits[0] > bits[1] > bits[2] >= 0


@pytest.mark.parametrize(("width", "says"), [(0.0, "positive length"), (-1.0, "positive length"), (math.nan, "positive length")])
def test_a_width_that_is_none_is_refused(width, says):
    with pytest.raises(ValueError, match=says):
        posterior(*problem()[:3], width)


def test_a_singular_kernel_is_refused_with_the_mend():
    x, y, points, _ = problem()
    with pytest.raises(ValueError, match="two are alike; raise the jitter"):
        posterior(torch.cat([x, x]), torch.cat([y, y]), points, 1.5, jitter=0.0)


def test_targets_of_another_shape_are_refused():
    x, y, points, target = problem()
    with pytest.raises(ValueError, match="expected the same shape"):
        posterior(x, y, points, 1.5).loss(target[:-1])


@pytest.mark.parametrize(("reached", "n"), [(0, 20), (1, 20), (10, 20), (20, 20)])
def test_counted_bits_have_the_exact_interval_of_a_share(reached, n):
    losses = np.arange(n, dtype=float)
    found = checked(share)(losses, reached - 0.5)
    exact = stats.binomtest(reached, n).proportion_ci(0.95, "exact")
    assert (found.reached, found.n) == (reached, n)
    assert 2**-found.low == pytest.approx(exact.high)
    assert 2**-found.high == pytest.approx(exact.low, abs=1e-12)
    assert 2**-found.bits == pytest.approx(reached / n)


def test_below_the_least_of_a_sample_only_a_lower_bound_is_known():
    found = share(np.linspace(1, 2, 100), 0.5)
    assert found.extrapolated
    assert found.bits == found.high == math.inf
    assert 4 < found.low < math.log2(100)


@pytest.mark.parametrize("losses", [[], [1.0, math.nan], [math.inf]])
def test_losses_that_are_none_are_refused(losses):
    for measure in (lambda sample: share(sample, 1.0), fitted):
        with pytest.raises(ValueError, match="expected at least one, all finite"):
            measure(np.array(losses))


@pytest.mark.parametrize("seed", [3, 4])
def test_the_fit_is_right_where_its_model_is(seed):
    law = QuadraticForm(np.full(12, 0.5), np.full(12, 0.4))
    found = fitted(law.sample(300, stream(seed, "losses")))
    for deviations in (-1.5, 0.0):
        epsilon = law.expectation + deviations * law.deviation
        assert found.bits(epsilon) == pytest.approx(law.bits(epsilon), rel=0.15)


def test_the_fit_is_at_least_as_likely_as_the_published_call():
    losses = QuadraticForm(np.full(600, 1e-5), np.full(600, 6e-3)).sample(200, stream(5, "losses"))

    def likelihood(fit):
        return stats.ncx2.logpdf(losses, fit.freedom, fit.noncentrality, scale=fit.scale).sum()

    assert likelihood(fitted(losses)) >= likelihood(fitted(losses, published=True))


def test_beyond_underflow_the_published_fit_answers_by_its_normal_approximation_which_is_bounded():
    """Its z ends at a finite value where the loss is 0, so that no loss however small takes more bits than that."""
    fit, law = ScaledChiSquare(300.0, 20.0, 0.01), QuadraticForm(np.full(300, 0.01), np.full(300, math.sqrt(0.2 / 300)))
    bits = [fit.bits(epsilon) for epsilon in (2e-3, 2e-6, 2e-9, 2e-12)]
    assert stats.ncx2.logcdf(2e-3, 300.0, 20.0, scale=0.01) == -math.inf
    assert 0 < bits[0] < bits[1] < bits[2] < bits[3] < 1000
    assert law.bits(2e-12) > 4000


def test_the_normal_approximation_is_near_the_exact_tail_in_the_bulk():
    fit = ScaledChiSquare(300.0, 20.0, 1.0)
    for epsilon in (220.0, 260.0, 300.0):
        z = fit._sankaran(epsilon)
        assert stats.norm.logcdf(z) == pytest.approx(stats.ncx2.logcdf(epsilon, 300.0, 20.0), rel=2e-3)


def test_a_chi_square_is_not_fitted_to_losses_that_are_not_positive():
    with pytest.raises(ValueError, match="positive losses"):
        fitted(np.array([0.0, 1.0]))
