import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.measures.error import denoising_error, psnr, psnr_slope
from whence.noise import log_grid
from whence.seeds import stream
from whence.stats import slope

checked = jaxtyping.jaxtyped(typechecker=beartype)


def normal(name, n=10):
    return torch.randn(n, 2, 4, 4, generator=stream(0, "error", name), dtype=torch.float64)


def shrink(y, sigma):
    return y / (1 + sigma**2)


def test_error_is_the_mean_square_per_pixel_of_each_image():
    x, z = normal("x"), normal("z")
    found = checked(denoising_error)(shrink, x, 0.5, z)
    for one, clean, noise in zip(found, x, z, strict=True):
        assert float(one) == pytest.approx(float((shrink(clean + 0.5 * noise, 0.5) - clean).pow(2).sum()) / 32)


@pytest.mark.parametrize("batch", [1, 3, 10, 256])
def test_batches_change_nothing(batch):
    x, z = normal("x"), normal("z")
    torch.testing.assert_close(denoising_error(shrink, x, 0.5, z, batch), denoising_error(shrink, x, 0.5, z))


def test_doing_nothing_errs_by_the_noise_and_knowing_all_by_nothing():
    x, z = normal("x"), normal("z")
    torch.testing.assert_close(denoising_error(lambda y, sigma: y, x, 0.5, z), 0.25 * z.square().flatten(1).mean(1))
    assert denoising_error(lambda y, sigma: x, x, 0.5, z).abs().max() == 0


def test_two_denoisers_are_paired_by_the_noise_they_are_given():
    """What differs between them then varies far less than either."""
    x, z = normal("x", 200), normal("z", 200)
    one, two = denoising_error(shrink, x, 1.0, z), denoising_error(lambda y, s: 0.52 * y, x, 1.0, z)
    assert (one - two).std() < 0.1 * one.std()
    other = denoising_error(lambda y, s: 0.52 * y, x, 1.0, normal("other", 200))
    assert (one - other).std() > one.std()


def test_error_of_the_ideal_shrinkage_is_the_least():
    """x ~ N(0, 1): the posterior mean y / (1 + sigma^2) errs by sigma^2 / (1 + sigma^2)."""
    x, z = normal("x", 2000), normal("z", 2000)
    ideal = denoising_error(shrink, x, 0.7, z).mean()
    assert float(ideal) == pytest.approx(0.49 / 1.49, rel=0.02)
    for gain in (0.6, 0.74):
        assert denoising_error(lambda y, s, gain=gain: gain * y, x, 0.7, z).mean() > ideal


def test_fewer_noises_than_images_are_refused():
    with pytest.raises(ValueError, match=r"\(10, 2, 4, 4\) and noise of shape \(9, 2, 4, 4\): expected the same"):
        denoising_error(shrink, normal("x"), 0.5, normal("z", 9), batch=4)


def test_gradients_reach_the_denoiser():
    gain = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    denoising_error(lambda y, s: gain * y, normal("x"), 0.5, normal("z")).sum().backward()
    assert gain.grad is not None
    assert gain.grad != 0


def test_psnr_is_that_of_pixels_with_range_two():
    for one, error in zip(checked(psnr)(torch.tensor([4.0, 0.04, 0.0])), (0, 20, math.inf), strict=True):
        assert float(one) == pytest.approx(error)


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_an_error_that_is_a_power_of_sigma_has_half_that_power_for_a_slope(power):
    sigmas = log_grid(0.1, 3, 7)
    errors = torch.stack([sigmas**power, 7 * sigmas**power])
    torch.testing.assert_close(checked(psnr_slope)(sigmas, errors), torch.full((2,), power / 2, dtype=torch.float64))


def test_the_slope_is_that_of_the_regression_of_two_psnrs():
    sigmas = log_grid(0.1, 3, 9)
    errors = sigmas / (1 + sigmas) * (1 + 0.1 * normal("ripple", 1).flatten()[:9].sin())
    expected = slope(psnr(sigmas**2), psnr(errors))
    assert float(psnr_slope(sigmas, errors)) == pytest.approx(expected)
    stacked = errors.expand(2, 3, 9)
    assert psnr_slope(sigmas, stacked).shape == (2, 3)


@pytest.mark.parametrize(
    ("sigmas", "errors"),
    [
        ([0.1], [1.0]),
        ([0.1, 0.2], [1.0, 1.0, 1.0]),
        ([0.1, 0.2], [1.0, 0.0]),
        ([0.0, 0.2], [1.0, 1.0]),
        ([0.1, 0.2], [1.0, math.nan]),
    ],
)
def test_a_slope_through_what_is_no_curve_is_refused(sigmas, errors):
    with pytest.raises(ValueError, match="expected one error for each of at least 2 noise levels, all positive"):
        psnr_slope(torch.tensor(sigmas), torch.tensor(errors))
