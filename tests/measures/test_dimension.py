import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from whence.measures.dimension import dimension
from whence.seeds import stream


def cube(d, ambient=8, n=1500):
    """Uniform points of a d-dimensional cube, turned into more dimensions."""
    x = torch.rand(n, d, generator=stream(0, "cube", d), dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(ambient, d, generator=stream(0, "turn", d), dtype=torch.float64)).Q
    return x @ turn.T


@pytest.mark.parametrize("d", [1, 2, 4])
def test_a_cube_has_its_own_dimension_whatever_the_space_around_it(d):
    assert dimension(cube(d)) == pytest.approx(d, rel=0.12)  # its border makes it a little less


@pytest.mark.parametrize("k", [2, 5, 20])
@pytest.mark.parametrize("average", ["rates", "dimensions"])
def test_estimate_is_the_formula_on_neighbours_of_an_independent_library(k, average):
    x = cube(3, n=200)
    distance = NearestNeighbors(n_neighbors=k + 1).fit(x).kneighbors(x)[0][:, 1:]
    rates = np.log(distance[:, -1:] / distance[:, :-1]).mean(1)
    expected = 1 / rates.mean() if average == "rates" else (1 / rates).mean()
    assert dimension(x, k, average) == pytest.approx(expected, rel=1e-6)


def test_the_mean_of_dimensions_is_too_large_by_what_few_neighbours_make_of_it():
    """1 / m(x) is a gamma variable of shape k - 1, so that the mean of m(x) is (k - 1) / (k - 2) m."""
    x = cube(2)
    assert dimension(x, 6, "dimensions") / dimension(x, 6) == pytest.approx(5 / 4, rel=0.05)


def test_turning_moving_scaling_and_shuffling_change_nothing():
    x = cube(3, n=200)
    turn = torch.linalg.qr(torch.randn(8, 8, generator=stream(1, "turn"), dtype=torch.float64)).Q
    assert dimension((7 * x @ turn + 2).flip(0)) == pytest.approx(dimension(x), rel=1e-6)


@pytest.mark.parametrize("chunk", [1, 7, 500])
def test_chunks_change_nothing(chunk):
    x = cube(3, n=200)
    assert dimension(x, chunk=chunk) == pytest.approx(dimension(x), rel=1e-12)


def test_a_part_of_the_points_is_looked_up_among_all():
    x = cube(3, n=300)
    distance = NearestNeighbors(n_neighbors=6).fit(x).kneighbors(x[:40])[0][:, 1:]
    expected = 1 / np.log(distance[:, -1:] / distance[:, :-1]).mean()
    assert dimension(x[:40], pool=x) == pytest.approx(expected, rel=1e-6)


def test_a_point_that_is_there_twice_is_no_neighbour_of_itself():
    x = cube(3, n=200)
    assert dimension(x[:1], pool=torch.cat([x, x[:1]])) == pytest.approx(dimension(x[:1], pool=x), rel=1e-9)


@pytest.mark.parametrize(("k", "average"), [(1, "rates"), (5, "medians")])
def test_other_settings_are_refused(k, average):
    with pytest.raises(ValueError, match="expected k of at least 2"):
        dimension(cube(2, n=20), k, average)


def test_too_few_points_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="5 of 5 points have fewer than 5 others"):
        dimension(cube(2, n=5))
