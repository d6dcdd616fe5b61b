import math

import jaxtyping
import numpy as np
import pytest
import torch
from beartype import beartype
from sklearn.neighbors import NearestNeighbors

from whence.measures.memorise import Nearest, copied, gaussian_information, nearest
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def images(n, name, size=4):
    return torch.rand(n, 3, size, size, generator=stream(0, "memorise", name)) * 2 - 1


@pytest.mark.parametrize("k", [1, 2, 5])
def test_nearest_are_those_of_an_independent_library(k):
    x, pool = images(7, "query"), images(60, "pool")
    found = checked(nearest)(x, pool, k, 11)
    distance, place = (
        NearestNeighbors(n_neighbors=k, algorithm="brute").fit(pool.flatten(1).double()).kneighbors(x.flatten(1).double())
    )
    np.testing.assert_allclose(found.distance, distance / math.sqrt(48), rtol=1e-6)
    assert found.place.tolist() == place.tolist()


@pytest.mark.parametrize("chunk", [1, 2, 7, 60, 4096])
def test_chunks_change_nothing(chunk):
    x, pool = images(7, "query"), images(60, "pool")
    found, whole = nearest(x, pool, 3, chunk), nearest(x, pool, 3)
    assert torch.equal(found.place, whole.place)
    torch.testing.assert_close(found.distance, whole.distance)


def test_order_of_the_pool_moves_the_places_along():
    x, pool = images(7, "query"), images(60, "pool")
    order = torch.randperm(60, generator=stream(0, "order"))
    straight, shuffled = nearest(x, pool, 3, 13), nearest(x, pool[order], 3, 13)
    assert torch.equal(order[shuffled.place], straight.place)
    torch.testing.assert_close(shuffled.distance, straight.distance)


def test_distance_is_the_root_mean_square_of_pixel_differences():
    pool = images(3, "pool")
    found = nearest(pool[1:2] + 0.25, pool)
    assert found.place[0, 0] == 1
    assert float(found.distance[0, 0]) == pytest.approx(0.25, rel=1e-5)


def test_near_duplicates_are_told_apart():
    """A thousandth of a grey level apart; squares expanded in float32 cannot order these."""
    base = images(1, "base", 32)
    pool = torch.cat([base + 4e-6 * k for k in (3, 1, 2, 4)])
    found = nearest(base, pool, 4)
    assert found.place.tolist() == [[1, 2, 0, 3]]
    assert found.distance[0].tolist() == pytest.approx([4e-6, 8e-6, 12e-6, 16e-6], rel=0.02)


def test_a_training_image_is_at_no_distance_from_itself():
    pool = images(50, "pool")
    found = nearest(pool, pool)
    assert found.place[:, 0].tolist() == list(range(50))
    assert found.distance[:, 0].max() < 1e-7
    assert copied(found).all()


def test_more_neighbours_than_images_are_refused_with_both_numbers():
    with pytest.raises(ValueError, match="3 nearest of a pool of 2 images: expected at least 3"):
        nearest(images(1, "query"), images(2, "pool"), 3)


def test_a_copy_is_nearer_to_one_than_a_third_of_the_way_to_the_next():
    distance = torch.tensor([[0.0, 1.0], [0.33, 1.0], [0.34, 1.0], [1.0, 1.0]])
    found = Nearest(distance, torch.zeros(4, 2, dtype=torch.long))
    assert checked(copied)(found).tolist() == [True, True, False, False]
    assert copied(found, 0.34001).tolist() == [True, True, True, False]
    assert copied(found, 0.1).tolist() == [True, False, False, False]


def test_a_copy_of_an_image_that_the_pool_holds_twice_is_a_copy_of_no_single_one():
    assert copied(Nearest(torch.zeros(1, 2), torch.zeros(1, 2, dtype=torch.long))).tolist() == [False]


def test_an_image_halfway_between_two_is_no_copy():
    pool = images(2, "pool")
    assert copied(nearest(pool.mean(0, keepdim=True), pool)).tolist() == [False]
    assert copied(nearest(pool[:1] + 0.1 * (pool[1:] - pool[:1]), pool)).tolist() == [True]


@pytest.mark.parametrize("sigma", [0.01, 0.5, 20.0])
def test_information_of_a_gaussian_is_a_ratio_of_determinants(sigma):
    """I(x; y) = (log det(S + sigma^2 I) - log det(sigma^2 I)) / 2."""
    root = torch.randn(6, 6, generator=stream(0, "root"), dtype=torch.float64)
    covariance = root @ root.T
    noise = sigma**2 * torch.eye(6, dtype=torch.float64)
    expected = (torch.linalg.slogdet(covariance + noise).logabsdet - torch.linalg.slogdet(noise).logabsdet) / 2
    found = checked(gaussian_information)(torch.linalg.eigvalsh(covariance), torch.tensor([sigma]).double())
    assert float(found) == pytest.approx(float(expected), rel=1e-7)


def test_information_falls_with_noise_to_the_power_over_two_sigma_squared():
    values, sigma = torch.tensor([3.0, 1.0, 0.0], dtype=torch.float64), torch.tensor([0.1, 1.0, 10.0, 1e5])
    found = gaussian_information(values, sigma)
    assert (found.diff() < 0).all()
    assert float(found[-1]) == pytest.approx(4 / (2 * 1e10), rel=1e-6)


def test_directions_without_variance_carry_no_information():
    assert gaussian_information(torch.zeros(5, dtype=torch.float64), torch.tensor([0.1])).tolist() == [0]
