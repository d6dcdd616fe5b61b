from __future__ import annotations

import math

import pytest
import torch

from whence.data.boolean import chain, cube, even, ladder, majority, monomial, parity, points, pvr, some_positive, staircase
from whence.measures.boolean import (
    degree_profile,
    eigenvalues,
    frozen,
    holdout,
    influence,
    leak,
    least_norm,
    min_degree,
    noise_sensitivity,
    stability,
)
from whence.nets.kernel import arccosine, ridgeless
from whence.seeds import stream
from whence.walsh import bits, coefficients, evaluate, index


def values(*shape):
    return torch.randn(*shape, generator=stream(0, "values"), dtype=torch.float64)


def relu_eigenvalues(d, degree, bias=1.0):
    return eigenvalues(arccosine(ladder(d)[:1], ladder(d), 1, bias)[0], degree)


def named(d, **terms):
    """Coefficients of a sum of monomials: named(3, x01=2.0) is 2 x_0 x_1."""
    found = torch.zeros(2**d, dtype=torch.float64)
    for name, weight in terms.items():
        found[index(int(c) for c in name[1:])] = weight
    return found


def test_degree_profile_adds_up_to_the_mean_square():
    f = values(2, 64)
    profile = degree_profile(coefficients(f))
    assert profile.shape == (2, 7)
    torch.testing.assert_close(profile.sum(-1), f.square().mean(-1))


def test_degree_profile_of_the_staircase_is_one_in_each_degree_but_zero():
    assert degree_profile(coefficients(staircase(cube(5)))).tolist() == pytest.approx([0, 1, 1, 1, 1, 1])


def test_influence_is_the_mean_change_when_a_bit_is_turned():
    f = values(64)
    turned = torch.stack([f[torch.arange(64) ^ (1 << i)] for i in range(6)])
    torch.testing.assert_close(influence(coefficients(f)), (f - turned).square().mean(1) / 4)


def test_influence_of_a_bit_is_half_of_what_freezing_it_changes():
    x = cube(6)
    stuck = x.clone()
    stuck[:, 2] = 1
    found = influence(coefficients(chain(x)))[2]
    assert float(found) == pytest.approx(float((chain(x) - chain(stuck)).square().mean() / 2)) == pytest.approx(4 + 9)


def test_stability_is_the_correlation_of_answers_to_points_that_share_bits():
    c, n, rho = coefficients(majority(cube(5))), 40_000, 0.6
    x = points(n, 5, stream(0, "x"))
    turned = torch.rand(n, 5, generator=stream(0, "turned")) < (1 - rho) / 2
    sampled = majority(x) * majority(torch.where(turned, -x, x))
    assert float(stability(c, rho)) == pytest.approx(float(sampled.mean()), abs=5 / math.sqrt(n))
    assert float(noise_sensitivity(c, 0.2)) == pytest.approx(float((sampled < 0).double().mean()), abs=3 / math.sqrt(n))


def test_parity_is_the_least_stable():
    assert float(stability(coefficients(parity(cube(6))), 0.5)) == pytest.approx(0.5**6)


def test_stability_at_one_is_the_mean_square_and_at_zero_the_squared_mean():
    c = coefficients(values(32))
    torch.testing.assert_close(stability(c, 1), c.square().sum())
    torch.testing.assert_close(stability(c, 0), c[0].square())


def test_labels_outside_of_minus_one_and_one_are_refused_with_the_mend():
    labels = (1 - majority(cube(3))) / 2
    with pytest.raises(ValueError, match=r"labels with a value 0: .* become 1 - 2 \* y"):
        noise_sensitivity(coefficients(labels), 0.1)


@pytest.mark.parametrize("delta", [-0.1, 1.5])
def test_a_probability_outside_of_the_unit_interval_is_refused(delta):
    with pytest.raises(ValueError, match=f"delta {delta}"):
        noise_sensitivity(coefficients(parity(cube(3))), delta)


def test_correlation_outside_of_the_interval_is_refused():
    with pytest.raises(ValueError, match="rho 2"):
        stability(coefficients(values(8)), 2)


CASES = {  # published targets with the interpolators of least degree, by hand
    "pair": (named(3, x01=1), lambda x: some_positive(x, (0, 1)), named(3, x=-1, x0=1, x1=1)),
    "cycle": (named(3, x01=1, x12=-1.25, x02=1.5), lambda x: even(x, (0, 1, 2)), named(3, x2=1, x0=-1.25, x1=1.5)),
    "frozen": (named(4, x012=1, x03=2, x3=0.5), lambda x: some_positive(x, (0,)), named(4, x12=1, x3=2.5)),
}


@pytest.mark.parametrize("case", CASES)
def test_least_degree_of_published_targets(case):
    target, seen, expected = CASES[case]
    x = cube(int(math.log2(len(target))))
    torch.testing.assert_close(min_degree(evaluate(target), seen(x)), expected, atol=1e-12, rtol=0)


def test_least_degree_interpolates_and_no_unseen_value_is_read():
    f = values(64)
    seen = torch.rand(64, generator=stream(0, "seen")) < 0.6
    found = min_degree(f, seen)
    torch.testing.assert_close(evaluate(found)[seen], f[seen])
    torch.testing.assert_close(min_degree(torch.where(seen, f, torch.nan), seen), found)


def test_no_other_interpolator_has_a_lower_profile_from_the_top():
    f = values(32)
    seen = torch.rand(32, generator=stream(0, "seen")) < 0.7
    least = degree_profile(min_degree(f, seen)).flip(0)
    for step in (1e-3, 1.0):
        other = f.clone()
        other[~seen] = evaluate(min_degree(f, seen))[~seen] + step * values(32)[~seen]
        profile = degree_profile(coefficients(other)).flip(0)
        first = int(((profile - least).abs() > 1e-9).nonzero()[0])
        assert profile[first] > least[first]


def test_more_coordinates_that_nothing_depends_on_change_nothing():
    few, many = cube(2), cube(5)
    small = min_degree(monomial(few, (0, 1)), some_positive(few, (0, 1)))
    large = min_degree(monomial(many, (0, 1)), some_positive(many, (0, 1)))
    torch.testing.assert_close(large[:4], small)
    assert float(large[4:].abs().max()) < 1e-12


def test_everything_seen_leaves_the_function_as_it_is():
    f = values(16)
    torch.testing.assert_close(min_degree(f, torch.ones(16, dtype=torch.bool)), coefficients(f))


def test_least_norm_is_kernel_regression_on_the_whole_seen_part_of_the_large_cube():
    d, x = 8, cube(8)
    seen = some_positive(x, (0, 1))
    weights = ridgeless(arccosine(x[seen], x[seen]), monomial(x, (0, 1))[seen])
    regression = coefficients(arccosine(x, x[seen]) @ weights)
    few = cube(2)
    found = least_norm(monomial(few, (0, 1)), some_positive(few, (0, 1)), relu_eigenvalues(d, 2))
    torch.testing.assert_close(regression[:4], found, atol=1e-9, rtol=0)
    assert float(regression[4:].abs().max()) < 1e-9


def test_least_norm_tends_to_least_degree_as_the_eigenvalues_fall_apart():
    f = values(16)
    seen = torch.rand(16, generator=stream(0, "seen")) < 0.6
    apart = 1e-3 ** torch.arange(5, dtype=torch.float64)
    torch.testing.assert_close(least_norm(f, seen, apart), min_degree(f, seen), atol=0.02, rtol=0)


@pytest.mark.parametrize("function", [chain, staircase, lambda x: pvr(x, 2, 2, "majority")])
def test_frozen_bit_in_closed_form_is_the_general_solution_and_kernel_regression(function):
    x = cube(6)
    f, scale = function(x), relu_eigenvalues(6, 6, 0.8)
    seen = some_positive(x, (2,))
    found = frozen(coefficients(f), 2, scale)
    torch.testing.assert_close(found, least_norm(f, seen, scale), atol=1e-9, rtol=0)
    weights = ridgeless(arccosine(x[seen], x[seen], 1, 0.8), f[seen])
    torch.testing.assert_close(evaluate(found), arccosine(x, x[seen], 1, 0.8) @ weights, atol=1e-7, rtol=0)


def test_without_a_leak_the_error_on_a_frozen_bit_is_its_influence():
    c = coefficients(staircase(cube(6)))
    apart = 1e-9 ** torch.arange(7, dtype=torch.float64)
    torch.testing.assert_close(holdout(c, apart), influence(c), rtol=1e-6, atol=0)


def test_holdout_error_is_half_the_mean_squared_error_over_all_points():
    f = values(64)
    wrong = f - evaluate(frozen(coefficients(f), 3, relu_eigenvalues(6, 6)))
    torch.testing.assert_close(holdout(coefficients(f), relu_eigenvalues(6, 6))[3], wrong.square().mean() / 2)


def test_eigenvalues_are_those_of_the_matrix_over_the_cube():
    x, scale = cube(5), relu_eigenvalues(5, 5)
    degree = bits(32).sum(1)
    expected = scale[degree].sort().values * 32
    torch.testing.assert_close(torch.linalg.eigvalsh(arccosine(x, x)), expected)


def test_relu_features_with_a_bias_like_a_weight_cannot_tell_degree_three_from_four():
    """The bias is then one more coordinate of a kernel without odd degrees above 1."""
    for d in (6, 18, 40):
        assert float(leak(relu_eigenvalues(d, 4))[3]) == pytest.approx(0.5, abs=1e-8)


def test_a_degree_beyond_the_cube_is_refused():
    with pytest.raises(ValueError, match="degree 5 on a cube of dimension 4"):
        eigenvalues(torch.ones(5), 5)


@pytest.mark.parametrize("wrong", [torch.ones(3), torch.tensor([1.0, 0.5, 0.1, 0.0])])
def test_too_few_eigenvalues_or_one_that_is_zero_are_refused(wrong):
    seen = some_positive(cube(3), (0,))
    for solve in (lambda: frozen(values(8), 0, wrong), lambda: least_norm(values(8), seen, wrong)):
        with pytest.raises(ValueError, match="expected 4, of degree 0 to 3, all positive"):
            solve()


def test_a_bit_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="bit 3 of a function of 3 bits"):
        frozen(values(8), 3, torch.ones(4))


@pytest.mark.parametrize("solve", [min_degree, lambda f, seen: least_norm(f, seen, torch.ones(4))])
def test_interpolating_nothing_is_refused(solve):
    with pytest.raises(ValueError, match="0 of 8 points seen"):
        solve(values(8), torch.zeros(8, dtype=torch.bool))


def test_a_cube_too_large_for_singular_values_is_refused_with_its_memory():
    with pytest.raises(ValueError, match=r"dimension 16: .* 32 GiB"):
        min_degree(torch.zeros(2**16), torch.ones(2**16, dtype=torch.bool))
