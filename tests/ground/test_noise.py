import math

import jaxtyping
import pytest
import torch
from beartype import beartype
from hypothesis import given
from hypothesis import strategies as st

from whence.noise import alpha_bar_from_sigma, ddpm_grid, edm_grid, log_grid, per_sample, sigma_from_alpha_bar

Y = torch.zeros(3, 2, 4, 4)
checked = jaxtyping.jaxtyped(typechecker=beartype)


@pytest.mark.parametrize("sigma", [0.5, torch.tensor(0.5), torch.tensor([0.5, 0.5, 0.5]), torch.tensor(0.5, dtype=torch.float64)])
def test_a_level_however_given_is_one_number_per_sample(sigma):
    level = checked(per_sample)(sigma, Y)
    assert level.shape == (3, 1, 1, 1)
    assert level.dtype == Y.dtype
    assert level.flatten().tolist() == [0.5, 0.5, 0.5]


def test_each_sample_keeps_its_own_level_in_the_dtype_of_y():
    level = per_sample(torch.tensor([1, 2, 3]), Y.double())
    assert level.dtype == torch.float64
    assert (Y.double() + level)[:, 0, 0, 0].tolist() == [1, 2, 3]


def test_a_level_passes_gradients_on():
    sigma = torch.tensor(0.5, requires_grad=True)
    per_sample(sigma, Y).sum().backward()
    assert sigma.grad == 3


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf, [1.0, 0.0, 1.0], [1.0, 1.0, math.nan], 1e-60])
def test_a_level_that_is_not_finite_and_positive_is_refused(sigma):
    with pytest.raises(ValueError, match=r"expected finite and > 0 \(VE units"):
        per_sample(torch.tensor(sigma, dtype=torch.float64), Y)


@pytest.mark.parametrize("shape", [(2,), (1,), (4,), (3, 1), (3, 1, 1, 1), (3, 2, 4, 4)])
def test_a_level_of_another_shape_is_refused_with_both_shapes(shape):
    with pytest.raises(ValueError, match=r"expected \(\) or \(3,\)") as caught:
        per_sample(torch.ones(shape), Y)
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(2, 4, 4), (4, 4), (1, 1, 1, 4, 4)])
def test_what_is_not_a_batch_of_images_is_refused_with_the_mend(shape):
    with pytest.raises(ValueError, match=r"y\[None\]"):
        per_sample(0.5, torch.zeros(shape))


@given(st.floats(1e-6, 1e6))
def test_there_and_back_between_sigma_and_alpha_bar(sigma):
    alpha_bar = alpha_bar_from_sigma(sigma)
    assert 0 < alpha_bar <= 1
    # alpha_bar near 1 cannot tell levels far below sqrt(eps) apart, hence the absolute tolerance on the square
    assert float(sigma_from_alpha_bar(alpha_bar)) ** 2 == pytest.approx(sigma**2, rel=1e-9, abs=1e-15)


@given(st.floats(1e-9, 1.0))
def test_there_and_back_between_alpha_bar_and_sigma(alpha_bar):
    assert float(alpha_bar_from_sigma(sigma_from_alpha_bar(alpha_bar))) == pytest.approx(alpha_bar, rel=1e-12)


def test_a_preserving_state_rescaled_has_the_level_of_its_alpha_bar():
    """x_t / sqrt(alpha_bar) = x + sigma eps, coefficient by coefficient."""
    alpha_bar = 0.37
    assert math.sqrt(1 - alpha_bar) / math.sqrt(alpha_bar) == pytest.approx(float(sigma_from_alpha_bar(alpha_bar)), rel=1e-14)


@pytest.mark.parametrize("alpha_bar", [0.0, -0.1, 1.1, math.nan, [0.5, 2.0]])
def test_an_alpha_bar_that_is_no_share_is_refused(alpha_bar):
    with pytest.raises(ValueError, match=r"expected in \(0, 1\]"):
        sigma_from_alpha_bar(torch.tensor(alpha_bar))


@pytest.mark.parametrize("sigma", [-0.1, math.nan])
def test_a_negative_level_has_no_alpha_bar(sigma):
    with pytest.raises(ValueError, match="expected >= 0"):
        alpha_bar_from_sigma(sigma)


def test_log_grid_climbs_from_low_to_high_by_equal_factors():
    grid = checked(log_grid)(0.01, 80.0, 9)
    assert (float(grid[0]), float(grid[-1])) == pytest.approx((0.01, 80))
    torch.testing.assert_close(grid[1:] / grid[:-1], torch.full((8,), 8000 ** (1 / 8), dtype=torch.float64))


def test_edm_grid_falls_between_its_ends_linearly_in_the_root():
    grid = checked(edm_grid)(18)
    assert (float(grid[0]), float(grid[-1])) == pytest.approx((80.0, 0.002), rel=1e-12)
    steps = (grid ** (1 / 7)).diff()
    assert steps.max() < 0
    torch.testing.assert_close(steps, steps.mean().expand_as(steps))
    torch.testing.assert_close(edm_grid(5, 1, 3, rho=1), torch.tensor([3, 2.5, 2, 1.5, 1], dtype=torch.float64))


def test_ten_steps_of_ddpm_visit_the_levels_that_papers_use():
    found = [float(f"{sigma:.3g}") for sigma in checked(ddpm_grid)(10)]
    assert found == [60.8, 25.7, 12.0, 6.17, 3.44, 2.04, 1.24, 0.724, 0.342, 0.0100]


def test_all_steps_of_ddpm_are_its_schedule_one_by_one():
    beta = [1e-4 + (0.02 - 1e-4) * t / 999 for t in range(1000)]
    kept, levels = 1.0, []
    for b in beta:
        kept *= 1 - b
        levels.append(math.sqrt((1 - kept) / kept))
    assert ddpm_grid(1000).tolist() == pytest.approx(levels[::-1], rel=1e-9)
    assert ddpm_grid(1).tolist() == pytest.approx(levels[:1], rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (1, 1), (2, 1), (1, math.inf), (math.nan, 1)])
@pytest.mark.parametrize("grid", [lambda a, b, n: log_grid(a, b, n), lambda a, b, n: edm_grid(n, a, b)], ids=["log", "edm"])
def test_a_range_that_is_none_is_refused(grid, low, high):
    with pytest.raises(ValueError, match="expected 0 < low < high < inf"):
        grid(low, high, 5)


@pytest.mark.parametrize("n", [1, 0, -3])
def test_a_grid_of_fewer_than_two_levels_is_refused(n):
    with pytest.raises(ValueError, match=f"a grid of {n} noise levels: expected at least 2"):
        log_grid(0.1, 1, n)


@pytest.mark.parametrize("n", [0, -1, 1001])
def test_more_steps_than_the_schedule_has_are_refused(n):
    with pytest.raises(ValueError, match=f"{n} sampling steps: expected between 1 and 1000"):
        ddpm_grid(n)
