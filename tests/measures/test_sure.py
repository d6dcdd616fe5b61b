import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.denoisers.optimal import Optimal
from whence.denoisers.wiener import Circulant
from whence.measures.error import denoising_error
from whence.measures.jacobian import jacobian
from whence.measures.sure import estimated_trace, sure
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "sure", name), dtype=torch.float64)


def shrink(y, sigma):
    level = torch.as_tensor(sigma, dtype=y.dtype).reshape(-1, 1, 1, 1)
    return y / (1 + level**2)


def within(found, expected, errors=5.0):
    """The means of two paired samples agree within so many standard errors."""
    away = found - expected
    return abs(float(away.mean())) < errors * float(away.std()) / math.sqrt(len(away))


@pytest.mark.parametrize("sigma", [0.3, 1.0, 3.0])
def test_of_a_shrinkage_it_is_the_closed_form(sigma):
    """D = g y: |y|^2 (1 - g)^2 / d - sigma^2 + 2 sigma^2 g."""
    y, g = normal(5, 2, 3, 3), 1 / (1 + sigma**2)
    expected = (1 - g) ** 2 * y.square().flatten(1).mean(1) - sigma**2 + 2 * sigma**2 * g
    torch.testing.assert_close(checked(sure)(shrink, y, sigma), expected)


@pytest.mark.parametrize("sigma", [0.3, 1.0])
def test_on_average_it_is_the_error_for_any_images_and_any_denoiser(sigma):
    """The posterior mean of other images than these, far from linear."""
    x, z = normal(400, 1, 3, 3), normal(400, 1, 3, 3, name="z")
    denoiser = Optimal(normal(20, 1, 3, 3, name="pool"))
    error, found = denoising_error(denoiser, x, sigma, z), sure(denoiser, x + sigma * z, sigma)
    assert within(found, error)
    without = found - 2 * sigma**2 * jacobian(denoiser, x + sigma * z, sigma).diagonal(dim1=1, dim2=2).mean(1)
    assert not within(without, error), "the trace is not small"


def test_on_average_over_its_own_data_it_is_the_error_of_the_best_linear_denoiser():
    """x ~ N(0, S): the error is the mean of sigma^2 lambda / (lambda + sigma^2)."""
    power = torch.full((4, 4), 0.5, dtype=torch.float64)
    power[0, 0], power[1, 0], power[3, 0] = 4, 2, 2
    x = torch.fft.ifft2(power.sqrt() * torch.fft.fft2(normal(3000, 1, 4, 4))).real
    found = sure(Circulant(power), x + 0.7 * normal(3000, 1, 4, 4, name="z"), 0.7)
    assert within(found, (0.49 * power / (power + 0.49)).mean())


def test_each_image_has_its_own_noise_level():
    y, levels = normal(3, 2, 3, 3), torch.tensor([0.1, 1.0, 2.0]).double()
    alone = torch.cat([sure(shrink, y[i : i + 1], float(levels[i])) for i in range(3)])
    torch.testing.assert_close(sure(shrink, y, levels), alone)


def test_random_signs_estimate_the_trace_without_bias_and_with_the_known_variance():
    """2 sum_{i != j} ((J + J^T)/2)_ij^2 for one probe."""
    matrix, n = normal(9, 9, name="matrix"), 4000
    y = normal(1, 1, 3, 3).expand(n, 1, 3, 3)

    def linear(y, sigma):
        return (y.flatten(1) @ matrix.T).reshape(y.shape)

    found = checked(estimated_trace)(linear, y, 1.0, stream(0, "probes"))
    both = (matrix + matrix.T) / 2
    variance = 2 * (both.square().sum() - both.diagonal().square().sum())
    assert abs(float(found.mean() - matrix.trace())) < 5 * math.sqrt(float(variance) / n)
    assert float(found.var()) == pytest.approx(float(variance), rel=0.15)
    more = estimated_trace(linear, y, 1.0, stream(0, "probes"), probes=4)
    assert float(more.var()) == pytest.approx(float(variance) / 4, rel=0.15)


def test_of_a_diagonal_jacobian_one_probe_is_exact():
    y = normal(4, 2, 3, 3)
    torch.testing.assert_close(sure(shrink, y, 0.5, stream(0, "p")), sure(shrink, y, 0.5))


def test_probes_estimate_the_exact_one():
    pool = normal(20, 1, 3, 3, name="pool")
    y = pool[:5] + normal(5, 1, 3, 3)
    exact = sure(Optimal(pool), y, 1.0)
    torch.testing.assert_close(checked(sure)(Optimal(pool), y, 1.0, stream(0, "p"), 500), exact, rtol=0, atol=0.1)
    assert torch.equal(sure(Optimal(pool), y, 1.0, stream(0, "p"), 3), sure(Optimal(pool), y, 1.0, stream(0, "p"), 3))


def test_it_needs_no_gradients_switched_on_and_leaves_none():
    y = normal(2, 1, 3, 3)
    with torch.no_grad():
        found = [sure(shrink, y, 0.5), sure(shrink, y, 0.5, stream(0, "p"), 2)]
    torch.testing.assert_close(found[0], found[1])
    assert not any(one.requires_grad for one in found)
    assert not y.requires_grad


def test_no_probe_is_refused():
    with pytest.raises(ValueError, match="0 probes: expected at least 1"):
        sure(shrink, normal(1, 1, 3, 3), 1.0, stream(0, "p"), 0)
