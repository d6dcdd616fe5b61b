from __future__ import annotations

import pytest
import torch

from whence.seeds import stream
from whence.walsh import bits, coefficients, degrees, evaluate, hadamard, index


def values(*shape):
    return torch.randn(*shape, generator=stream(0, "values"), dtype=torch.float64)


def naive(f):
    """sum over points of f(x) chi_T(x), by the product of coordinates, one set and one point at a time."""
    n = len(f)
    x = 1 - 2 * bits(n).double()
    return torch.stack([sum(f[r] * x[r][bits(n)[t] == 1].prod() for r in range(n)) for t in range(n)])


def test_transform_equals_the_naive_sum():
    f = values(16)
    torch.testing.assert_close(hadamard(f), naive(f))


def test_transform_is_its_own_inverse_up_to_the_number_of_points():
    f = values(3, 128)
    torch.testing.assert_close(hadamard(hadamard(f)), 128 * f)
    torch.testing.assert_close(evaluate(coefficients(f)), f)


def test_squared_coefficients_add_up_to_the_mean_square():
    f = values(256)
    torch.testing.assert_close(coefficients(f).square().sum(), f.square().mean())


def test_leading_axes_are_functions_of_their_own():
    f = values(2, 3, 32)
    torch.testing.assert_close(hadamard(f)[1, 2], hadamard(f[1, 2]))


def test_whole_numbers_and_single_precision_are_transformed_in_float64():
    assert hadamard(torch.ones(8, dtype=torch.int64)).dtype == hadamard(torch.ones(8)).dtype == torch.float64


def test_function_of_no_coordinates_is_its_own_coefficient():
    assert coefficients(torch.tensor([3.0])).tolist() == [3.0]


def test_coefficient_of_a_set_stands_at_its_index():
    x = 1 - 2 * bits(32).double()
    found = coefficients(x[:, 0] * x[:, 3])
    assert found.nonzero().flatten().tolist() == [index((0, 3))] == [index((3, 0))]
    assert degrees(32)[index((0, 3))] == 2
    assert index(()) == 0


@pytest.mark.parametrize("size", [0, 6, 100])
def test_a_vector_that_is_no_cube_is_refused(size):
    with pytest.raises(ValueError, match=f"{size} values of a function on a cube: expected 2\\^d"):
        hadamard(torch.ones(size))


@pytest.mark.parametrize("members", [(1, 1), (-1, 2)])
def test_a_set_with_a_coordinate_twice_or_below_0_is_refused(members):
    with pytest.raises(ValueError, match="expected each once, counted from 0"):
        index(members)
