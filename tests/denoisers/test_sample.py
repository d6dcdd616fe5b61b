import pytest
import torch

from whence.denoisers.optimal import Optimal
from whence.denoisers.sample import ddim, final, heun
from whence.denoisers.wiener import Wiener
from whence.noise import ddpm_grid, edm_grid
from whence.seeds import stream


def gaussian():
    d = torch.linspace(0.2, 2, 16, dtype=torch.float64)
    return Wiener(torch.full((1, 4, 4), 0.1, dtype=torch.float64), d**2, torch.eye(16, dtype=torch.float64), torch.zeros(1, 4, 4))


def exact_flow(wiener, y, sigma):
    """For a Gaussian the flow has a closed form: each principal component shrinks by sqrt(lambda / (lambda + sigma^2))."""
    scale = (wiener.eigenvalues / (wiener.eigenvalues + sigma**2)).sqrt()
    return ((y - wiener.mean).flatten(1) @ wiener.basis * scale @ wiener.basis.T).reshape(y.shape) + wiener.mean


def error(sampler, n):
    wiener = gaussian()
    sigmas = edm_grid(n, 0.002, 20.0)
    y = 20.0 * torch.randn(8, 1, 4, 4, generator=stream(3, "start"), dtype=torch.float64)
    return float((final(sampler(wiener, y, sigmas)) - exact_flow(wiener, y, 20.0)).abs().max())


@pytest.mark.parametrize(("sampler", "order"), [(heun, 2), (ddim, 1)])
def test_sampler_converges_to_the_exact_flow_at_its_order(sampler, order):
    coarse, fine = error(sampler, 40), error(sampler, 160)
    assert fine < 0.05
    assert coarse / fine == pytest.approx(4**order, rel=0.35)


@pytest.mark.parametrize("sampler", [heun, ddim])
def test_one_image_attracts_every_start(sampler):
    pool = torch.rand(1, 1, 4, 4, generator=stream(3, "pool"))
    end = final(sampler(Optimal(pool), 80 * torch.randn(3, 1, 4, 4, generator=stream(3, "start")), edm_grid(12)))
    torch.testing.assert_close(end, pool.expand_as(end), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sampler", [heun, ddim])
def test_steps_end_at_zero_with_the_denoised_image(sampler):
    y = torch.randn(2, 1, 4, 4, generator=stream(3, "start"), dtype=torch.float64)
    steps = list(sampler(gaussian(), y, edm_grid(5, 0.1, 1.0)))
    assert [s.step for s in steps] == [1, 2, 3, 4, 5]
    assert steps[-1].sigma == 0
    torch.testing.assert_close(steps[-1].y, steps[-1].denoised)


def test_ddim_is_the_variance_preserving_update_in_other_units():
    """x_s = sqrt(a_s) D + sqrt(1 - a_s) eps with eps from x_t, the form papers print."""
    wiener, sigmas = gaussian(), ddpm_grid(10)
    y = sigmas[0] * torch.randn(2, 1, 4, 4, generator=stream(3, "start"), dtype=torch.float64)
    first = next(ddim(wiener, y, sigmas))
    a_t, a_s = 1 / (1 + sigmas[0] ** 2), 1 / (1 + sigmas[1] ** 2)
    x_t = y * a_t.sqrt()
    clean = wiener(y, float(sigmas[0]))
    eps = (x_t - a_t.sqrt() * clean) / (1 - a_t).sqrt()
    torch.testing.assert_close(first.y, (a_s.sqrt() * clean + (1 - a_s).sqrt() * eps) / a_s.sqrt(), rtol=1e-9, atol=1e-9)


def test_clipping_keeps_what_is_denoised_in_range():
    bright = Optimal(torch.full((1, 1, 4, 4), 3.0))
    steps = list(ddim(bright, torch.zeros(1, 1, 4, 4), torch.tensor([1.0, 0.1]), clip=1.0))
    assert all(s.denoised.max() == 1 for s in steps)


@pytest.mark.parametrize("levels", [[], [1.0, 1.0], [0.5, 1.0], [1.0, 0.0]])
def test_levels_that_do_not_descend_above_zero_are_refused(levels):
    with pytest.raises(ValueError, match="descending and > 0"):
        final(heun(gaussian(), torch.zeros(1, 1, 4, 4), torch.tensor(levels)))
