"""Gaussian images with a pool's covariance, and images without one."""

import math

import jaxtyping
import pytest
import torch
from beartype import beartype
from sklearn.decomposition import PCA

from whence.data.covariance import Gaussian, Whitening
from whence.data.photos import crops
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def photographs(n, size=4, grey=True):
    return crops("train", n, size, stream(0, "covariance"), grey).double()


def covariance(x):
    return torch.cov(x.flatten(1).T.double(), correction=0)


@pytest.mark.parametrize("n", [2, 5, 15, 16, 17, 200])
def test_the_root_is_one_of_the_covariance_for_few_images_and_many(n):
    x = photographs(n)
    law = checked(Gaussian.fit)(x)
    torch.testing.assert_close(law.root @ law.root.T, covariance(x))
    torch.testing.assert_close(law.mean, x.mean(0))


@pytest.mark.parametrize("n", [10, 500])
def test_draws_have_the_pools_mean_and_covariance(n):
    """Within five standard errors of a normal law with this covariance."""
    x, draws = photographs(n), 6000
    drawn = checked(Gaussian.fit(x).__call__)(draws, 0, torch.float64)
    exact = covariance(x)
    sd = exact.diagonal().sqrt()
    assert ((drawn.mean(0) - x.mean(0)).flatten().abs() < 5 * sd / math.sqrt(draws)).all()
    spread = torch.sqrt((exact**2 + torch.outer(sd, sd) ** 2) / draws)
    assert ((covariance(drawn) - exact).abs() < 5 * spread).all()


def test_draws_have_nothing_above_the_covariance():
    """Along any direction no skewness and no excess kurtosis, where the photographs have a lot."""
    x = photographs(500)
    drawn, n = Gaussian.fit(x)(6000, 0, torch.float64), 6000
    directions = torch.randn(16, 10, generator=stream(0, "directions"), dtype=torch.float64)
    directions -= directions.mean(0)  # of detail, not of brightness

    def moment(images, power):
        along = images.flatten(1) @ directions
        return ((along - along.mean(0)) / along.std(0, correction=0)).pow(power).mean(0)

    assert (moment(drawn, 3).abs() < 5 * math.sqrt(6 / n)).all()
    assert ((moment(drawn, 4) - 3).abs() < 5 * math.sqrt(24 / n)).all()
    assert (moment(x, 4) > 4).all()


def test_a_shorter_draw_is_the_start_of_a_longer_one():
    law = Gaussian.fit(photographs(30))
    long = law(1100, 0)
    for n in (1, 15, 16, 17, 1024, 1025):
        torch.testing.assert_close(law(n, 0), long[:n], rtol=0, atol=1e-6)  # a product may round by how many rows it has
    assert not torch.equal(law(5, 1), law(5, 0))
    assert long.dtype == torch.float32


def test_white_images_have_no_covariance_and_the_inverse_brings_them_back():
    x = photographs(300, 4, grey=False)
    whitening = checked(Whitening.fit)(x)
    white = checked(whitening.__call__)(x)
    torch.testing.assert_close(covariance(white), torch.eye(48, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(checked(whitening.inverse)(white), x, rtol=0, atol=1e-10)
    assert white.mean(0).abs().max() < 1e-8


def test_whitening_is_that_of_an_independent_library_turned_back_to_pixels():
    """ZCA is PCA whitening followed by the rotation back: here scikit-learn's."""
    x = photographs(200)
    pca = PCA(whiten=True).fit(x.flatten(1).numpy())
    turned = torch.from_numpy(pca.transform(x.flatten(1).numpy()) @ pca.components_) * math.sqrt(200 / 199)
    torch.testing.assert_close(Whitening.fit(x)(x).flatten(1), turned, rtol=1e-6, atol=1e-6)


def test_of_all_whitenings_it_moves_images_least():
    x = photographs(200)
    white = Whitening.fit(x)(x).flatten(1)
    centred = (x - x.mean(0)).flatten(1)
    for k in range(5):
        turn = torch.linalg.qr(torch.randn(16, 16, generator=stream(k, "turn"), dtype=torch.float64)).Q
        assert (white - centred).square().sum() < (white @ turn - centred).square().sum()


def test_directions_below_the_floor_are_not_amplified_and_come_back():
    x = photographs(200)
    x[:, 0, 0, 0] = 0.25  # dead
    x[:, 0, 1, 1] = x[:, 0, 1, 2] + 1e-9 * x[:, 0, 1, 1]  # all but a twin
    whitening = Whitening.fit(x)
    white = whitening(x)
    values = torch.linalg.eigvalsh(covariance(white))
    assert (values[:2] < 1e-6).all()
    torch.testing.assert_close(values[2:], torch.ones(14, dtype=torch.float64), rtol=0, atol=1e-5)
    assert white[:, 0, 0, 0].abs().max() < 1e-9
    torch.testing.assert_close(whitening.inverse(white), x, rtol=0, atol=1e-10)


def test_a_floor_of_one_divides_by_one_number():
    x = photographs(200)
    largest = torch.linalg.eigvalsh(covariance(x))[-1]
    torch.testing.assert_close(Whitening.fit(x, floor=1.0)(x), (x - x.mean(0)) / largest.sqrt())


def test_whitening_is_computed_in_double_and_answered_in_the_dtype_given():
    x = photographs(300)
    whitening = Whitening.fit(x.float())
    white = whitening(x.float())
    assert white.dtype == torch.float32
    torch.testing.assert_close(whitening.inverse(white), x.float(), rtol=0, atol=1e-6)
    assert covariance(white).diagonal().sub(1).abs().max() < 1e-5


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (0, 1, 4, 4), (5, 4, 4)])
@pytest.mark.parametrize("fit", [Gaussian.fit, Whitening.fit])
def test_fewer_than_two_images_have_no_covariance(fit, shape):
    with pytest.raises(ValueError, match=r"expected \(n, c, h, w\) with n >= 2"):
        fit(torch.zeros(shape))


@pytest.mark.parametrize("floor", [0.0, -1.0, 1.5, math.nan])
def test_a_floor_that_is_none_is_refused(floor):
    with pytest.raises(ValueError, match=rf"floor is {floor}, expected in \(0, 1\]"):
        Whitening.fit(photographs(20), floor)


def test_what_cannot_be_whitened_or_drawn_is_refused():
    with pytest.raises(ValueError, match="all 5 images of the pool are equal"):
        Whitening.fit(torch.ones(5, 1, 4, 4))
    for edit in (Whitening.fit(photographs(20)), Whitening.fit(photographs(20)).inverse):
        with pytest.raises(ValueError, match=r"images of shape \(1, 5, 5\), but the whitening was fitted to \(1, 4, 4\)"):
            edit(torch.zeros(2, 1, 5, 5))
    with pytest.raises(ValueError, match="0 Gaussian images: expected at least 1"):
        Gaussian.fit(photographs(20))(0, 0)
