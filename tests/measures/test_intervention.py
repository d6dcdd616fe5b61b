import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.edits import permutation, permute
from whence.data.patterns import pattern, write_pattern
from whence.data.photos import crops
from whence.denoisers.wiener import Wiener
from whence.measures.intervention import rank_one_change
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def photographs(n=400, size=8, grey=False):
    return crops("train", n, size, stream(0, "intervention"), grey).double()


def best(covariance, sigma):
    """S (S + sigma^2 I)^-1 by solving."""
    noise = sigma**2 * torch.eye(len(covariance), dtype=torch.float64)
    return torch.linalg.solve(covariance + noise, covariance, left=False)


@pytest.mark.parametrize("sigma", [0.03, 0.3, 3.0])
@pytest.mark.parametrize("strength", [0.0, 0.5, 5.0])
@pytest.mark.parametrize("grey", [False, True])
def test_the_prediction_is_the_matrix_of_the_exactly_edited_covariance(sigma, strength, grey):
    x = photographs(grey=grey)
    v = pattern(8).expand(x.shape[1], -1, -1).flatten()
    covariance = torch.cov(x.flatten(1).T, correction=0)
    change = checked(rank_one_change)(Wiener.fit(x).matrix(sigma), v, strength, sigma)
    expected = best(covariance + strength**2 * torch.outer(v, v), sigma) - best(covariance, sigma)
    torch.testing.assert_close(change, expected, rtol=0, atol=1e-9)


def test_the_prediction_is_what_a_denoiser_fitted_to_the_edited_pool_does():
    """With coefficients made exactly uncorrelated with the pool and of variance one: no sampling error is left."""
    x, w = photographs(300), pattern(8)
    flat = x.flatten(1) - x.flatten(1).mean(0)
    xi = torch.randn(300, generator=stream(0, "xi"), dtype=torch.float64)
    xi = xi - xi.mean()
    xi = xi - flat @ torch.linalg.lstsq(flat, xi[:, None]).solution[:, 0]
    edited = x + 2 * (xi / xi.square().mean().sqrt())[:, None, None, None] * w
    change = rank_one_change(Wiener.fit(x).matrix(0.2), w.expand(3, -1, -1).flatten(), 2.0, 0.2)
    torch.testing.assert_close(Wiener.fit(edited).matrix(0.2) - Wiener.fit(x).matrix(0.2), change, rtol=0, atol=1e-9)


def test_a_sampled_pool_follows_it_up_to_the_sampling():
    """The rows of the pixels on the letter, with coefficients as they are drawn."""
    x, w = photographs(4000, grey=True), pattern(8)
    change = rank_one_change(Wiener.fit(x).matrix(0.3), w.flatten(), 3.0, 0.3)
    found = Wiener.fit(write_pattern(x, w, 3.0, 0)).matrix(0.3) - Wiener.fit(x).matrix(0.3)
    assert (found - change).norm() < 0.2 * change.norm()


def test_a_strong_pattern_is_kept_whole_and_reaches_across_the_image():
    """W' w -> w as a grows; and a pixel on one arm listens to the other arm, which before it did not."""
    matrix, w = Wiener.fit(photographs(grey=True)).matrix(0.3), pattern(8).flatten()
    after = matrix + rank_one_change(matrix, w, 1e3, 0.3)
    torch.testing.assert_close(after @ w, w, rtol=0, atol=1e-4)
    left, right = 8, 15  # the upper ends of both arms
    assert w[left] > 0
    assert w[right] > 0
    assert after[left, right] > 3 * matrix[left, right].abs()


def test_a_direction_that_is_kept_already_changes_nothing():
    matrix = torch.eye(4, dtype=torch.float64)
    assert rank_one_change(matrix, torch.ones(4).double(), 3.0, 0.5).abs().max() == 0


def test_permuted_pixels_permute_the_matrix_on_both_sides():
    """W' = P W P^T: the linear denoiser does not know where a pixel is."""
    x, order = photographs(grey=True), permutation(8, 0)
    before, after = Wiener.fit(x).matrix(0.3), Wiener.fit(permute(x, order)).matrix(0.3)
    torch.testing.assert_close(after, before[order][:, order], rtol=0, atol=1e-9)


def test_a_direction_of_one_channel_for_three_is_refused_with_what_is_meant():
    with pytest.raises(
        ValueError, match=r"\(64,\) for a matrix of \(192, 192\): expected 192 numbers, for c channels pattern.expand"
    ):
        rank_one_change(torch.eye(192), torch.ones(64), 1.0, 0.5)


@pytest.mark.parametrize("sigma", [0.0, -1.0, math.nan, math.inf])
def test_a_noise_level_that_is_none_is_refused(sigma):
    with pytest.raises(ValueError, match=f"sigma is {sigma}, expected finite and > 0"):
        rank_one_change(torch.eye(4), torch.ones(4), 1.0, sigma)
