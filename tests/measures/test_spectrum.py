import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.fields import power_law
from whence.measures.spectrum import exponent, radial_spectrum
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def white(n, size, name="white"):
    return torch.randn(n, 2, size, size, generator=stream(0, "spectrum", name), dtype=torch.float64)


@pytest.mark.parametrize("size", [8, 16, 31, 32])
def test_white_noise_reads_its_variance_at_every_frequency_but_the_first(size):
    k, power = checked(radial_spectrum)(0.3 + 2 * white(600, size))
    assert k.tolist() == list(range(1, size // 2))
    torch.testing.assert_close(power[1:], torch.full_like(power[1:], 4.0), rtol=0.06, atol=0)
    assert float(power[0]) == pytest.approx(0.71 * 4, rel=0.06), "the mean takes its part of the first"


def naive(images):
    """Windowed, transformed and averaged over rings one frequency at a time."""
    h = images.shape[-1]
    line = torch.tensor([math.sin(math.pi * i / h) ** 2 for i in range(h)], dtype=torch.float64)
    window = torch.outer(line, line)
    place = torch.arange(h, dtype=torch.float64)
    rings = [[] for _ in range(2 * h)]
    for u in range(-((h - 1) // 2), h // 2 + 1):
        for v in range(-((h - 1) // 2), h // 2 + 1):
            wave = torch.exp(-2j * math.pi * (u * place[:, None] + v * place) / h) * window
            centred = images - (images * window).sum((2, 3), keepdim=True) / window.sum()
            rings[round(math.hypot(u, v))].append(float((centred * wave).sum((2, 3)).abs().square().mean()))
    return [sum(rings[k]) / len(rings[k]) / float(window.square().sum()) for k in range(1, h // 2)]


@pytest.mark.parametrize("size", [8, 11])
def test_spectrum_equals_its_naive_twin(size):
    images = white(3, size) + torch.linspace(0, 5, size, dtype=torch.float64)
    assert radial_spectrum(images)[1].tolist() == pytest.approx(naive(images), rel=1e-9)


@pytest.mark.parametrize(("u", "v"), [(5, 0), (0, 9), (3, 4), (12, 0)])
def test_a_plane_wave_peaks_at_its_frequency(u, v):
    place = torch.arange(32, dtype=torch.float64)
    wave = torch.cos(2 * math.pi * (u * place[:, None] + v * place) / 32 + 0.4)
    k, power = radial_spectrum(wave[None, None])
    assert float(k[power.argmax()]) == round(math.hypot(u, v))


@pytest.mark.parametrize("a", [1.0, 2.0, 3.0])
def test_exponent_of_a_power_law_field_is_recovered(a):
    k, power = radial_spectrum(power_law(100, 64, a, stream(0, "fields")))
    assert exponent(k, power, 4, 24) == pytest.approx(a, abs=0.1)


def test_power_is_quadratic_in_contrast_and_blind_to_brightness():
    images = white(5, 16)
    torch.testing.assert_close(radial_spectrum(3 * images + 0.7)[1], 9 * radial_spectrum(images)[1])


def test_a_step_at_the_border_adds_no_spectrum_of_its_own():
    """A ramp does not meet itself; without the window its step would read f^-2 at every frequency."""
    ramp = torch.linspace(-1, 1, 64, dtype=torch.float64).expand(1, 1, 64, 64)
    k, power = radial_spectrum(ramp)
    assert float(power[k == 20]) < 1e-3 * float(power[k == 2])
    assert exponent(k, power, 4, 24) > 4


def test_images_in_single_precision_are_measured_in_double():
    images = white(5, 16)
    torch.testing.assert_close(radial_spectrum(images.float())[1], radial_spectrum(images)[1], rtol=1e-5, atol=0)


@pytest.mark.parametrize("shape", [(16, 8), (7, 7), (8, 16)])
def test_images_without_a_radial_spectrum_are_refused(shape):
    with pytest.raises(ValueError, match=f"{shape[0]} x {shape[1]}: expected square, at least 8 x 8"):
        radial_spectrum(torch.zeros(1, 1, *shape))


def test_exponent_of_an_exact_power_law():
    k = torch.arange(1, 20).double()
    assert checked(exponent)(k, 7 * k**-2.3, 2.0, 15.0) == pytest.approx(2.3)


def test_exponent_takes_only_what_lies_between_its_frequencies_ends_included():
    k = torch.arange(1, 20).double()
    power = torch.where((k >= 4) & (k <= 6), k**-2, 1e6 * torch.ones_like(k))
    assert exponent(k, power, 4, 6) == pytest.approx(2)


def test_an_exponent_of_fewer_than_three_points_is_refused():
    k = torch.arange(1, 20).double()
    with pytest.raises(ValueError, match=r"only 2 frequencies between 4.5 and 6.5: expected at least 3"):
        exponent(k, k**-2, 4.5, 6.5)
