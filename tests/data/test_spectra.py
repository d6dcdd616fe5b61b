"""Edits in Fourier space, on photographs, whose borders do not meet, and on noise."""

import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.fields import power_law, spectrum
from whence.data.photos import crops
from whence.data.spectra import Recolouring, scramble_phases
from whence.denoisers.wiener import Circulant
from whence.measures.spectrum import exponent, radial_spectrum
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def photographs(n=60, size=16, grey=False):
    return crops("train", n, size, stream(0, "spectra"), grey).double()


def covariance(x):
    return torch.cov(x.flatten(1).T, correction=0)


def periodogram(x):
    return torch.fft.fft2(x - x.mean(0)).abs().square().mean((0, 1)) / x[0, 0].numel()


def phases(x, mean):
    wave = torch.fft.fft2(x - mean)
    return wave / wave.abs().clamp_min(1e-12)


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("size", [15, 16])
@pytest.mark.parametrize("asked", [0.0, 1.0, 2.0, 3.0])
def test_the_recoloured_pool_has_the_spectrum_asked_for(size, asked, grey):
    x = photographs(size=size, grey=grey)
    recolour = checked(Recolouring.fit)(x, asked)
    found = periodogram(checked(recolour.__call__)(x))
    torch.testing.assert_close(found, recolour.power)
    ratio = found / spectrum(size, asked)
    torch.testing.assert_close(ratio.flatten()[1:], ratio[0, 1].expand(size * size - 1))


@pytest.mark.parametrize("asked", [1.0, 2.0, 3.0])
def test_the_exponent_that_is_measured_through_a_window_is_about_the_one_asked_for(asked):
    """The window does not see the step between the borders, which the filter does: a tenth or so is between them."""
    x = photographs(400, 32, grey=True)
    assert abs(exponent(*radial_spectrum(x), 2, 14) - asked) > 0.3, "and is not the photographs' own"
    assert exponent(*radial_spectrum(Recolouring.fit(x, asked)(x)), 2, 14) == pytest.approx(asked, abs=0.15)


def test_the_spectrum_is_one_that_the_stationary_denoiser_takes():
    recolour = Recolouring.fit(photographs(), 2.0)
    assert Circulant(recolour.power).kernel(0.3)[0, 0] > 0


def test_mean_image_mean_levels_and_pixel_variance_stay():
    x = photographs() + torch.linspace(-1, 1, 16, dtype=torch.float64)
    edited = Recolouring.fit(x, 1.0)(x)
    torch.testing.assert_close(edited.mean(0), x.mean(0))
    torch.testing.assert_close(edited.mean((2, 3)), x.mean((2, 3)))
    assert float(edited.var(0, correction=0).mean()) == pytest.approx(float(x.var(0, correction=0).mean()))


def test_every_image_keeps_its_phases_and_its_deviation_from_the_mean_spectrum():
    x = photographs(20)
    edited = Recolouring.fit(x, 1.0)(x)
    torch.testing.assert_close(phases(edited, x.mean(0)), phases(x, x.mean(0)), rtol=0, atol=1e-8)
    before, after = (torch.fft.fft2(images - x.mean(0)).abs().square() for images in (x, edited))
    torch.testing.assert_close(after / periodogram(edited), before / periodogram(x), rtol=1e-6, atol=1e-9)


def test_the_covariance_is_the_old_one_filtered_on_both_sides():
    x = photographs(40, 8)
    recolour = Recolouring.fit(x, 1.0)
    unit = torch.eye(64, dtype=torch.float64).reshape(64, 1, 8, 8)
    one = torch.fft.ifft2(recolour.gain * torch.fft.fft2(unit)).real.reshape(64, 64)  # each row the answer to one lit pixel
    filtered = torch.block_diag(one, one, one)
    torch.testing.assert_close(covariance(recolour(x)), filtered.T @ covariance(x) @ filtered)


def test_the_average_of_the_covariance_over_all_places_is_that_of_the_power_law():
    x = photographs(40, 8, grey=True)
    recolour = Recolouring.fit(x, 2.0)
    found = covariance(recolour(x)).reshape(8, 8, 8, 8)
    for row, column in ((0, 0), (0, 1), (2, 3), (4, 4)):
        moved = found.roll((-row, -column), (2, 3))
        apart = moved.diagonal(dim1=0, dim2=2).diagonal(dim1=0, dim2=1).mean()
        expected = torch.fft.ifft2(recolour.power).real[row, column]
        assert float(apart) == pytest.approx(float(expected), abs=1e-10)


def test_a_field_recoloured_is_the_field_of_the_other_exponent():
    """Of the same white noise; the sampled spectrum of 300 fields is within a few percent of the exact one."""
    recolour = Recolouring.fit(power_law(300, 16, 1.0, stream(0, "fields")), 3.0)
    x, expected = (power_law(5, 16, a, stream(1, "fields")) for a in (1.0, 3.0))
    assert (recolour(x) - expected).square().mean() < 0.01


def test_the_filter_is_fitted_on_one_pool_and_applied_to_another_image_by_image():
    recolour, others = Recolouring.fit(photographs(30), 1.0), photographs(40)[30:]
    alone = torch.cat([recolour(one[None]) for one in others])
    torch.testing.assert_close(recolour(others), alone)
    assert recolour(others.float()).dtype == torch.float32


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (5, 1, 8, 6), (5, 8, 8)])
def test_a_pool_without_a_spectrum_is_refused(shape):
    with pytest.raises(ValueError, match="expected at least 2 square images"):
        Recolouring.fit(torch.randn(*shape), 2.0)


def test_a_pool_that_is_silent_somewhere_is_refused_with_how_often():
    x = power_law(10, 8, 2.0, stream(0, "t"))
    wave = torch.fft.fft2(x)
    wave[..., 3, 2] = wave[..., 5, 6] = 0
    with pytest.raises(ValueError, match="no power at 2 of 63 frequencies"):
        Recolouring.fit(torch.fft.ifft2(wave).real, 2.0)
    with pytest.raises(ValueError, match="no power at 63 of 63 frequencies"):
        Recolouring.fit(torch.ones(4, 1, 8, 8), 2.0)


def test_images_of_another_shape_than_the_pool_are_refused():
    with pytest.raises(ValueError, match=r"images of shape \(1, 8, 8\), but the filter was fitted to \(3, 16, 16\)"):
        Recolouring.fit(photographs(), 2.0)(torch.zeros(1, 1, 8, 8))


@pytest.mark.parametrize("size", [7, 8])
def test_scrambled_images_keep_their_amplitudes_and_mean_levels(size):
    x = photographs(10, size)
    scrambled = checked(scramble_phases)(x, 0)
    torch.testing.assert_close(torch.fft.fft2(scrambled).abs(), torch.fft.fft2(x).abs())
    torch.testing.assert_close(scrambled.mean((2, 3)), x.mean((2, 3)))
    assert (scrambled - x).square().mean() > x.var((2, 3)).mean(), "and share little else"


def test_scrambling_keeps_how_the_channels_of_an_image_go_together():
    x = photographs(10)
    cross = [torch.fft.fft2(images[:, 0]) * torch.fft.fft2(images[:, 1]).conj() for images in (x, scramble_phases(x, 0))]
    torch.testing.assert_close(cross[1], cross[0])


def test_what_is_left_knows_only_how_far_two_pixels_are_apart():
    """The covariance of many scrambles of one image, a ramp with a step at its border, is its autocorrelation on the torus."""
    n = 4000
    ramp = torch.linspace(-1, 1, 5, dtype=torch.float64).expand(5, 5)
    found = torch.cov(scramble_phases(ramp.expand(n, 1, 5, 5), 0).flatten(1).T, correction=0)
    around = torch.fft.ifft2(torch.fft.fft2(ramp).abs().square()).real / 25 - ramp.mean() ** 2
    expected = torch.stack([around.roll((i, j), (0, 1)).flatten() for i in range(5) for j in range(5)])
    assert (found - expected).abs().max() < 5 * float(around[0, 0]) * math.sqrt(2 / n)


def test_scrambled_phases_are_uniform():
    x = torch.randn(1, 1, 8, 8, generator=stream(0, "one"), dtype=torch.float64).expand(4000, 1, 8, 8)
    turned = phases(scramble_phases(x, 0), 0)[:, 0, 1, 2]
    for power in (1, 2, 3):
        assert (turned**power).mean().abs() < 5 / math.sqrt(4000)


def test_the_first_images_of_a_longer_pool_get_the_same_phases():
    x = photographs(20)
    long = scramble_phases(x, 0)
    for n in (0, 1, 7, 19):
        assert torch.equal(scramble_phases(x[:n], 0), long[:n])
    assert not torch.equal(scramble_phases(x, 1), long)
    assert scramble_phases(x.float(), 0).dtype == torch.float32
