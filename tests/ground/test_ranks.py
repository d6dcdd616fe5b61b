"""Rank correlations of a few things."""

import math

import numpy as np
import pytest
from scipy.stats import permutation_test, spearmanr

from whence.ranks import chance, over_seeds, spearman

RNG = np.random.default_rng(3)
SIX = np.arange(6.0)


def test_the_correlation_is_that_of_scipy_ties_included():
    a, b = RNG.integers(0, 4, (2, 30, 6))
    a[:, 0], a[:, 1], b[:, 0], b[:, 1] = 0, 1, 1, 0  # no row is constant
    expected = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    assert spearman(a, b) == pytest.approx(expected, abs=1e-12)


def test_increasing_maps_change_nothing():
    a, b = RNG.normal(size=(2, 6))
    assert float(spearman(np.exp(a), b**3)) == pytest.approx(float(spearman(a, b)), abs=1e-15)


def test_an_order_and_its_reverse():
    assert spearman([SIX, SIX], [SIX, -SIX]) == pytest.approx([1, -1])
    assert chance(SIX, SIX) == chance(SIX, -SIX) == 2 / 720
    assert chance(SIX[:5], SIX[:5]) == 2 / 120


def test_the_exact_chance_is_scipys_permutation_test():
    for n in (4, 5):
        a, b = RNG.integers(0, 5, (2, n)).astype(float)
        found = permutation_test((a,), lambda x, b=b: spearmanr(x, b).statistic, permutation_type="pairings", n_resamples=math.inf)
        naive = np.abs(found.null_distribution) >= abs(found.statistic) - 1e-9
        assert chance(a, b) == pytest.approx(naive.mean(), abs=1e-12)


def test_chance_is_uniform_or_rarer_under_chance():
    """P(p <= t) <= t whatever t: over all pairings of six things."""
    found = np.array([chance(SIX, RNG.permutation(6)) for _ in range(100)])
    assert (found <= 0.1).mean() <= 0.19  # binomial, three deviations
    assert found.max() <= 1


def test_no_order_is_nan_and_as_likely_as_any():
    assert math.isnan(float(spearman(SIX, np.ones(6))))
    assert np.isnan(spearman(np.stack([SIX, SIX * np.nan]), np.stack([SIX, SIX]))).tolist() == [False, True]
    assert chance(SIX, np.ones(6)) == 1


def test_seeds_that_agree_leave_no_interval_and_noise_widens_it():
    same = np.tile(SIX, (5, 1))
    found = over_seeds(same, same)
    assert (found.value, found.low, found.high, found.n) == pytest.approx((1, 1, 1, 5))
    noisy = over_seeds(same, same + RNG.normal(0, 4, same.shape))
    assert noisy.low < noisy.value <= noisy.high <= 1


def test_the_value_is_the_correlation_of_the_means():
    a, b = RNG.normal(size=(2, 4, 6))
    assert over_seeds(a, b).value == pytest.approx(float(spearman(a.mean(0), b.mean(0))))
    assert over_seeds(a[:1], b[:1]).low == over_seeds(a[:1], b[:1]).high


def test_the_same_seeds_are_drawn_for_both():
    """Seeds that shift both orders alike leave their correlation alone."""
    a = RNG.normal(0, 5, (6, 6))
    found = over_seeds(a, 3 * a)
    assert (found.low, found.high) == pytest.approx((1, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: spearman(SIX, SIX[:5]), "the same things in both"),
        (lambda: spearman([1.0], [1.0]), "at least two"),
        (lambda: chance(np.arange(9.0), np.arange(9.0)), "2 to 8 things"),
        (lambda: chance(SIX, SIX * np.nan), "no nan"),
        (lambda: over_seeds(SIX, SIX), "seeds, things"),
        (lambda: over_seeds(np.ones((3, 6)), np.tile(SIX, (3, 1))), "expected an order in both"),
    ],
)
def test_what_has_no_answer_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
