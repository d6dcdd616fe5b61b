import math

import numpy as np
import pytest
from scipy import integrate, stats

from whence.measures.quadratic import QuadraticForm
from whence.seeds import stream

SHARES = (1e-6, 1e-3, 0.1, 0.5, 0.9, 0.99, 1.0, 1.01, 1.5, 3.0)  # of the mean


def equal(j, variance=1.0, mean=0.0):
    return QuadraticForm(np.full(j, variance), np.full(j, mean))


def uneven(j=300, seed=0):
    draw = np.random.default_rng(seed)
    return QuadraticForm(draw.gamma(0.5, size=j) / j, draw.normal(size=j) / math.sqrt(j))


@pytest.mark.parametrize("j", [1, 2, 5, 20, 200])
@pytest.mark.parametrize("share", SHARES)
def test_equal_variances_give_the_chi_square_to_4_per_cent_over_their_number(j, share):
    exact = -stats.chi2.logcdf(share * j, j) / math.log(2)
    if math.isfinite(exact):  # scipy underflows at 1e-308
        assert equal(j).bits(share * j) == pytest.approx(exact, rel=0.04 / j)


@pytest.mark.parametrize("share", [0.3, 0.8, 1.0, 1.3])
def test_equal_variances_and_means_give_the_non_central_chi_square(share):
    form = equal(30, 0.5, 1.2)
    exact = stats.ncx2.cdf(share * form.expectation / 0.5, 30, 30 * 1.2**2 / 0.5)
    assert form.bits(share * form.expectation) == pytest.approx(-math.log2(exact), rel=2e-3)


@pytest.mark.parametrize("share", [0.5, 0.8, 1.0, 1.2])
def test_unlike_variances_agree_with_the_inverted_characteristic_function(share):
    """Imhof's integral, P(L > e) = 1/2 + (1/pi) int_0^inf sin theta(u) / (u rho(u)) du: exact where it can be integrated."""
    form = uneven(40)
    s, b = form.variance, np.square(form.mean)
    epsilon = share * form.expectation

    def integrand(u):
        x = s * u
        theta = (np.arctan(x) + b * u / (1 + x**2)).sum() / 2 - epsilon * u / 2
        log_rho = (np.log1p(x**2) / 4 + b * s * u**2 / (2 * (1 + x**2))).sum()
        return math.sin(theta) / u * math.exp(-log_rho)

    above = 0.5 + integrate.quad(integrand, 1e-9, 2000, limit=2000)[0] / math.pi
    assert form.bits(epsilon) == pytest.approx(-math.log2(1 - above), abs=0.01)


def test_expectation_and_deviation_are_those_of_samples():
    form = uneven(50)
    losses = form.sample(20_000, stream(0, "losses"))
    assert losses.mean() == pytest.approx(form.expectation, abs=4 * form.deviation / math.sqrt(20_000))
    assert losses.std() == pytest.approx(form.deviation, rel=0.05)


@pytest.mark.parametrize("deviations", [-2.0, -1.0, 0.0, 1.0])
def test_tail_agrees_with_sampling_where_sampling_can_see(deviations):
    form, n = uneven(), 20_000
    epsilon = form.expectation + deviations * form.deviation
    share = (form.sample(n, stream(1, "losses")) <= epsilon).mean()
    probability = 2 ** -form.bits(epsilon)
    assert share == pytest.approx(probability, abs=4 * math.sqrt(probability * (1 - probability) / n))


def test_chunks_of_a_sample_are_of_one_stream():
    form = uneven(7)
    whole, parts = form.sample(23, stream(0, "a"), chunk=23), form.sample(23, stream(0, "a"), chunk=23)
    assert (whole == parts).all()
    assert form.sample(23, stream(0, "a"), chunk=5).shape == (23,)


@pytest.mark.parametrize("form", [equal(1), equal(3, 2.0, 0.5), uneven(20), uneven()])
def test_more_loss_takes_fewer_bits_on_both_sides_and_across_the_mean(form):
    shares = np.concatenate([np.geomspace(0.01, 0.9, 30), 1 + np.linspace(-1e-3, 1e-3, 41), np.linspace(1.1, 2, 10)])
    bits = [form.bits(share * form.expectation) for share in shares]
    assert (np.diff(bits) < 0).all()
    assert min(bits) > 0


@pytest.mark.parametrize("form", [equal(3, 2.0, 0.5), uneven(20), uneven()])
def test_both_sides_join_at_the_mean_where_the_formula_is_nought_over_nought(form):
    mean, spread = form.expectation, form.deviation
    slope = (form.log_cdf(mean + 1e-3 * spread) - form.log_cdf(mean - 1e-3 * spread)) / 2e-3
    for step in 10.0 ** np.arange(-16, -3, dtype=float):
        for side in (-1, 1):
            jump = form.log_cdf(mean + side * step * spread) - form.log_cdf(mean) - side * step * slope
            assert abs(jump) < 2e-6 * max(1.0, (step / 1e-3) ** 2)


@pytest.mark.parametrize("share", [1e-3, 1e-6, 1e-12, 1e-100])
def test_bits_stay_finite_where_the_probability_is_below_the_least_float(share):
    j = 2000
    assert stats.chi2.logcdf(share * j, j) == -math.inf
    leading = -(j / 2 * (math.log(share) + 1) - math.log(math.pi * j) / 2) / math.log(2)  # of the incomplete gamma function
    assert equal(j).bits(share * j) == pytest.approx(leading, rel=1e-3)


def test_a_direction_without_variance_and_mean_changes_nothing():
    form = uneven(20)
    more = QuadraticForm(np.append(form.variance, [0, 0]), np.append(form.mean, [0, 0]))
    for share in (0.2, 1.0, 1.7):
        assert more.bits(share * form.expectation) == form.bits(share * form.expectation)


def test_a_direction_without_variance_moves_the_loss_by_its_squared_mean():
    form = uneven(20)
    more = QuadraticForm(np.append(form.variance, 0), np.append(form.mean, 0.5))
    assert more.floor == 0.25
    for share in (0.2, 1.0, 1.7):
        assert more.bits(share * form.expectation + 0.25) == pytest.approx(form.bits(share * form.expectation), rel=1e-9)


def test_unit_of_the_loss_and_order_of_the_directions_do_not_matter():
    form = uneven(20)
    scaled = QuadraticForm(form.variance[::-1] * 1e6, form.mean[::-1] * 1e3)
    for share in (0.1, 1.0, 1.5):
        assert scaled.bits(share * scaled.expectation) == pytest.approx(form.bits(share * form.expectation), rel=1e-9)


def test_bits_are_nats_over_log_two():
    form = uneven(20)
    epsilon = 0.5 * form.expectation
    assert form.bits(epsilon) * math.log(2) == pytest.approx(-form.log_cdf(epsilon), rel=1e-15)


@pytest.mark.parametrize("epsilon", [0.25, 0.1, 0.0, -1.0, math.inf, math.nan])
def test_a_loss_out_of_reach_is_refused_with_the_least_one(epsilon):
    form = QuadraticForm(np.array([1.0, 0.0]), np.array([0.3, 0.5]))
    with pytest.raises(ValueError, match=r"expected a finite loss above 0\.25"):
        form.bits(epsilon)


def test_a_loss_beyond_all_float64_can_tell_from_certain_is_refused():
    with pytest.raises(ValueError, match="cannot tell its P from 1"):
        equal(3).bits(1e30)


def test_a_form_without_variance_is_refused():
    with pytest.raises(ValueError, match="every hypothesis has the loss 4"):
        QuadraticForm(np.zeros(1), np.array([2.0])).bits(5.0)


@pytest.mark.parametrize(
    ("variance", "mean", "says"),
    [
        ([1.0, -1e-9], [0.0, 0.0], "no variance below 0"),
        ([1.0, math.nan], [0.0, 0.0], "finite"),
        ([1.0], [math.inf], "finite"),
        ([1.0, 2.0], [0.0], "one of each"),
        ([], [], "one of each"),
    ],
)
def test_what_is_no_quadratic_form_is_refused(variance, mean, says):
    with pytest.raises(ValueError, match=says):
        QuadraticForm(np.array(variance), np.array(mean))
