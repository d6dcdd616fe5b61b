"""Power-law fields against their exact spectrum and covariance."""

import math

import numpy as np
import pytest
import torch

from whence.data.fields import power_law, spectrum
from whence.seeds import stream


def naive_spectrum(size, exponent):
    power = np.zeros((size, size))
    for i in range(size):
        for j in range(size):
            f = math.hypot(min(i, size - i), min(j, size - j))
            power[i, j] = f**-exponent if f else 0.0
    return power / power.sum() * size**2


@pytest.mark.parametrize("size", [2, 7, 8, 32])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0, 3.0])
def test_spectrum_is_the_naive_one_with_mean_one_and_no_power_at_zero(size, exponent):
    power = spectrum(size, exponent)
    assert power.dtype == torch.float64
    assert power[0, 0] == 0
    assert abs(power.sum().item() / size**2 - 1) < 1e-12
    assert np.allclose(power.numpy(), naive_spectrum(size, exponent), rtol=1e-12)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("exponent", [1.0, 2.0, 3.0])
def test_periodogram_is_size_squared_times_the_spectrum(size, exponent):
    n = 5000
    periodogram = torch.fft.fft2(power_law(n, size, exponent, stream(0, "t"))).abs().square().mean(0)[0] / size**2
    power = spectrum(size, exponent)
    assert periodogram[0, 0] < 1e-20
    seen = power > 0
    # a squared normal has relative deviation sqrt(2 / n) at real frequencies, less elsewhere; 5 of these over all frequencies
    assert ((periodogram[seen] / power[seen] - 1).abs() < 5 * math.sqrt(2 / n)).all()


def test_covariance_of_the_pixels_is_the_circulant_one():
    size, n = 6, 10_000
    x = power_law(n, size, 2.0, stream(1, "t")).reshape(n, -1)
    f = torch.fft.fft2(torch.eye(size**2, dtype=torch.float64).reshape(-1, size, size)).reshape(size**2, -1).T
    exact = (torch.linalg.inv(f) @ torch.diag(spectrum(size, 2.0).reshape(-1).to(f.dtype)) @ f).real
    assert torch.allclose(exact.diagonal(), torch.ones(size**2, dtype=torch.float64), atol=1e-12)
    assert (x.T @ x / n - exact).abs().max() < 6 * math.sqrt(2 / n)


def test_pixel_variance_is_one_and_every_field_has_mean_zero():
    x = power_law(4000, 16, 2.0, stream(2, "t"))
    assert x.mean((1, 2, 3)).abs().max() < 1e-12
    assert abs(x.var(0, correction=0).mean().item() - 1) < 0.03


def test_a_shorter_draw_is_the_start_of_a_longer_one():
    long = power_law(40, 9, 2.0, stream(0, "t"))
    for n in (1, 7, 16, 39):
        assert torch.equal(power_law(n, 9, 2.0, stream(0, "t")), long[:n])


def test_float32_is_the_rounded_float64_field():
    exact = power_law(3, 8, 1.0, stream(0, "t"))
    assert torch.equal(power_law(3, 8, 1.0, stream(0, "t"), dtype=torch.float32), exact.float())


@pytest.mark.parametrize(
    ("size", "exponent", "words"), [(1, 2.0, "at least 2 x 2"), (8, math.nan, "finite"), (8, math.inf, "finite")]
)
def test_a_spectrum_there_is_not_is_refused(size, exponent, words):
    with pytest.raises(ValueError, match=words):
        spectrum(size, exponent)
