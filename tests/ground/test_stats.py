import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr
from sklearn.metrics import r2_score

from whence.stats import Agreement, agreement, array, bootstrap, paired, slope

RANDOM = np.random.default_rng


@pytest.mark.parametrize("n", [3, 5, 10])
def test_interval_covers_the_mean_as_often_as_it_says(n):
    """1500 experiments: the standard error of the coverage is half a per cent."""
    found = [bootstrap(sample, resamples=1000) for sample in RANDOM(0).standard_normal((1500, n))]
    assert 0.92 <= np.mean([i.low <= 0 <= i.high for i in found]) <= 0.98


def test_interval_of_three_values_reaches_beyond_them():
    """Their range alone covers a Gaussian mean in three cases of four."""
    found = bootstrap([1.0, 2.0, 4.0])
    assert found.low < 1
    assert found.high > 4


def test_interval_of_a_skewed_sample_is_longer_on_the_side_of_its_tail():
    found = bootstrap(RANDOM(0).exponential(size=12))
    assert found.high - found.value > 1.1 * (found.value - found.low)


def test_interval_is_on_average_as_wide_as_that_of_student():
    samples = RANDOM(11).standard_normal((300, 8))
    found = [bootstrap(sample, resamples=1000) for sample in samples]
    student = 2 * 2.3646 * samples.std(1, ddof=1) / 8**0.5
    assert np.mean([i.high - i.low for i in found]) == pytest.approx(student.mean(), rel=0.03)


def test_interval_comes_to_that_of_student_where_there_are_many_values():
    sample = RANDOM(1).standard_normal(200)
    half = 1.972 * sample.std(ddof=1) / 200**0.5
    found = bootstrap(sample)
    assert (found.low, found.high) == pytest.approx((sample.mean() - half, sample.mean() + half), abs=0.06 * half)


def test_a_higher_level_gives_a_wider_interval():
    sample = RANDOM(2).standard_normal(12)
    widths = [bootstrap(sample, level).high - bootstrap(sample, level).low for level in (0.5, 0.8, 0.95, 0.99)]
    assert widths == sorted(set(widths))


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], RANDOM(4).standard_normal(5), torch.arange(4)])
def test_the_ends_of_an_interval_are_plain_numbers(values):
    """A record is JSON and a notebook shows them: neither should say np.float64."""
    found = bootstrap(values)
    assert [type(number) for number in (found.value, found.low, found.high)] == [float] * 3


def test_the_same_values_give_the_same_interval_in_any_order():
    sample = RANDOM(3).standard_normal(7)
    assert bootstrap(sample) == bootstrap(sample.copy())
    assert bootstrap(sample[::-1]).low == pytest.approx(bootstrap(sample).low)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=8), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_interval_moves_with_a_shift_and_grows_with_a_scale(sample, shift, scale):
    plain = bootstrap(sample, resamples=300)
    moved = bootstrap(np.array(sample) * scale + shift, resamples=300)
    expected = [plain.value * scale + shift, plain.low * scale + shift, plain.high * scale + shift]
    assert [moved.value, moved.low, moved.high] == pytest.approx(expected, rel=1e-9, abs=1e-6)
    slack = 1e-9 * max(map(abs, sample), default=1)
    assert plain.low <= plain.value + slack
    assert plain.value - slack <= plain.high


def test_interval_of_a_sample_turned_round_is_turned_round():
    sample = RANDOM(4).exponential(size=6)
    there, back = bootstrap(sample, resamples=50_000), bootstrap(-sample, resamples=50_000)
    assert (-back.high, -back.low) == pytest.approx((there.low, there.high), abs=0.02)


def test_one_value_is_its_own_interval():
    found = bootstrap(torch.tensor(2.5, requires_grad=True))
    assert (found.value, found.low, found.high, found.n) == (2.5, 2.5, 2.5, 1)


def test_an_interval_in_words():
    assert str(bootstrap([1.0, 1.0])) == "1 [1, 1] (n = 2)"


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf, 1.0, 2.0]])
def test_values_that_say_nothing_are_refused(values):
    with pytest.raises(ValueError, match="expected at least one value, all finite"):
        bootstrap(values)


def test_pairing_takes_away_what_seeds_have_in_common():
    common = 100 * RANDOM(5).standard_normal(8)
    a, b = common + 1 + 0.01 * RANDOM(6).standard_normal(8), common
    found = paired(torch.tensor(a), b)
    assert found == bootstrap(a - b)
    assert found.low > 0.9
    assert bootstrap(a).low < bootstrap(b).high, "unpaired the two arms overlap"


def test_arms_of_different_seeds_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(3,\) and \(2,\): expected the same seeds in both arms"):
        paired([1, 2, 3], [1, 2])


def test_an_array_is_double_whatever_it_came_from():
    for given_ in ([1, 2], (1.0, 2.0), torch.tensor([1.0, 2.0], requires_grad=True), np.array([1, 2], dtype=np.float16)):
        assert array(given_).dtype == np.float64
        assert array(given_).tolist() == [1, 2]


def pair(case):
    target = RANDOM(7).standard_normal((4, 3, 5, 5))
    noisy = target + 0.3 * RANDOM(8).standard_normal(target.shape)
    return {
        "close": (noisy, target),
        "biased": (noisy + 2, target),
        "scaled": (3 * noisy, target),
        "reversed": (-noisy, target),
        "unrelated": (RANDOM(9).standard_normal(target.shape), target),
    }[case]


@pytest.mark.parametrize("case", ["close", "biased", "scaled", "reversed", "unrelated"])
def test_agreement_equals_independent_libraries(case):
    prediction, target = pair(case)
    found = agreement(torch.tensor(prediction), target)
    p, t = prediction.ravel(), target.ravel()
    assert found.r2 == pytest.approx(r2_score(t, p))
    assert found.pearson == pytest.approx(pearsonr(p, t).statistic)
    assert found.pearson_squared == pytest.approx(pearsonr(p, t).statistic ** 2)
    assert found.cosine == pytest.approx(p @ t / np.linalg.norm(p) / np.linalg.norm(t))
    assert found.mse == pytest.approx(np.mean((p - t) ** 2))
    assert found.psnr == pytest.approx(20 * math.log10(2 / math.sqrt(np.mean((p - t) ** 2))))


def test_bias_and_scale_lower_r2_and_leave_pearson_alone():
    close, biased, scaled, reversed_ = (agreement(*pair(case)) for case in ("close", "biased", "scaled", "reversed"))
    assert close.r2 > 0.85
    assert biased.r2 < 0
    assert scaled.r2 < 0
    assert biased.pearson == pytest.approx(close.pearson)
    assert scaled.pearson == pytest.approx(close.pearson)
    assert biased.cosine < 0.6 < close.cosine, "a bias turns the cosine that is not centred"
    assert reversed_.pearson == pytest.approx(-close.pearson)
    assert reversed_.pearson_squared == pytest.approx(close.pearson_squared)


def test_perfect_agreement():
    found = agreement([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert found == Agreement(1.0, pytest.approx(1), pytest.approx(1), pytest.approx(1), 0.0, math.inf)


@pytest.mark.parametrize("n", [3, 7, 999])
@pytest.mark.parametrize("level", [0.0, 0.1, -0.7, 1 / 3])
def test_what_a_constant_leaves_undefined_is_nan_and_not_a_rounding(n, level):
    found = agreement(RANDOM(10).standard_normal(n), np.full(n, level))
    assert math.isnan(found.r2)
    assert math.isnan(found.pearson)
    assert math.isfinite(found.mse)
    assert math.isnan(agreement(np.full(n, level), RANDOM(10).standard_normal(n)).pearson)


def test_agreement_of_unlike_shapes_is_refused():
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2, 1\): expected the same"):
        agreement([1, 2], [[1], [2]])


@settings(deadline=None)
@given(st.integers(2, 30), st.floats(-1e3, 1e3))
def test_slope_is_that_of_polyfit(n, offset):
    x, y = RANDOM(n).standard_normal(n) + offset, RANDOM(n + 1).standard_normal(n)
    expected = np.polyfit(x - offset, y, 1)[0]
    assert slope(x, torch.tensor(y)) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_slope_of_logarithms_is_the_exponent():
    x = np.array([1.0, 2, 4, 8])
    assert slope(np.log(x), np.log(5 * x**-1.7)) == pytest.approx(-1.7)


@pytest.mark.parametrize(("x", "y"), [([1, 1, 1], [1, 2, 3]), ([1], [1]), ([], []), ([1, 2, 3], [1, 2])])
def test_points_that_have_no_slope_are_refused(x, y):
    with pytest.raises(ValueError, match=f"slope through {len(x)} and {len(y)} points"):
        slope(x, y)
