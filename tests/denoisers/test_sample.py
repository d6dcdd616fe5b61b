from itertools import pairwise

import pytest
import torch

from whence.denoisers.optimal import Optimal
from whence.denoisers.sample import coarse_to_fine, ddim, final, heun
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
    image = torch.rand(1, 1, 4, 4, generator=stream(3, "pool"))
    end = final(
        sampler(Optimal(image.expand(2, -1, -1, -1)), 80 * torch.randn(3, 1, 4, 4, generator=stream(3, "start")), edm_grid(12))
    )
    torch.testing.assert_close(end, image.expand_as(end), rtol=0, atol=1e-6)


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
    bright = Optimal(torch.full((2, 1, 4, 4), 3.0))
    steps = list(ddim(bright, torch.zeros(1, 1, 4, 4), torch.tensor([1.0, 0.1]), clip=1.0))
    assert all(s.denoised.max() == 1 for s in steps)


@pytest.mark.parametrize("levels", [[], [1.0, 1.0], [0.5, 1.0], [1.0, 0.0]])
def test_levels_that_do_not_descend_above_zero_are_refused(levels):
    with pytest.raises(ValueError, match="descending and > 0"):
        final(heun(gaussian(), torch.zeros(1, 1, 4, 4), torch.tensor(levels)))


def start(n=4, side=16):
    return 2 * torch.randn(n, 1, side, side, generator=stream(3, "start"), dtype=torch.float64)


def one_image(y, sigma):
    """The denoiser that knows one image, needs no noise level, and leaves all of the noise as its residual."""
    return torch.full_like(y, 0.3)


def test_ascent_on_one_image_loses_noise_at_the_rate_it_was_asked_for():
    """Then y - x is all noise, and its expected square falls by (1 - beta h)^2 a step."""
    h0, beta = 0.05, 0.3
    steps = list(coarse_to_fine(one_image, start(4, 64), 0, h0, beta, stop=0.1))
    h = torch.tensor([h0 * t / (1 + h0 * (t - 1)) for t in range(1, len(steps))])
    falls = torch.tensor([after.sigma / before.sigma for before, after in pairwise(steps)])
    torch.testing.assert_close(falls, 1 - beta * h, rtol=0.03, atol=0)
    assert steps[-1].sigma < 0.1
    torch.testing.assert_close(steps[-1].y, one_image(steps[-1].y, 1.0))


def test_ascent_without_noise_is_the_blind_flow_in_closed_form():
    """At beta = 1 nothing is added: y - x shrinks by prod (1 - h), whatever the seed."""
    y, n = start(), 12
    last = list(coarse_to_fine(one_image, y, 0, beta=1.0, limit=n))[-1].y
    h = torch.tensor([0.01 * t / (1 + 0.01 * (t - 1)) for t in range(1, n + 1)], dtype=torch.float64)
    torch.testing.assert_close(last, 0.3 + (1 - h).prod() * (y - 0.3))
    torch.testing.assert_close(last, list(coarse_to_fine(one_image, y, 1, beta=1.0, limit=n))[-1].y)


def test_ascent_draws_from_a_gaussian_in_few_of_many_dimensions():
    """Nearly all of the residual is noise there: s is known, and the variance along the subspace follows a recursion."""
    side, k, variance = 24, 4, 0.25
    basis = torch.linalg.qr(torch.randn(side * side, k, generator=stream(3, "basis"), dtype=torch.float64)).Q
    few = Wiener(torch.zeros(1, side, side), torch.full((k,), variance).double(), basis, torch.zeros(1, side, side))
    ends = final(coarse_to_fine(few, start(400, side), 0)).flatten(1)
    along = ends @ basis
    assert (ends - along @ basis.T).norm() < 1e-6 * ends.norm()
    found, s, t = 4.0, 2.0, 1  # where it starts
    while s > 0.02:
        h = 0.01 * t / (1 + 0.01 * (t - 1))
        found = (1 - h * s**2 / (variance + s**2)) ** 2 * found + ((1 - 0.1 * h) ** 2 - (1 - h) ** 2) * s**2
        s, t = (1 - 0.1 * h) * s, t + 1
    assert along.var().item() == pytest.approx(found, rel=0.1)
    assert found == pytest.approx(variance, rel=0.3)  # too little: noise goes faster than the state can follow


def test_same_seed_is_the_same_path_and_another_seed_another():
    paths = [final(coarse_to_fine(gaussian(), start(side=4), seed)) for seed in (0, 0, 1)]
    assert torch.equal(paths[0], paths[1])
    assert (paths[0] - paths[2]).abs().max() > 0.1


def test_two_denoisers_are_disturbed_alike():
    """What is added to y is gamma z: with the same residual it is the same for both, to the last digit."""
    y = torch.zeros(2, 1, 4, 4)
    first, second = (next(coarse_to_fine(lambda y, s, c=c: y + c, y, 0)) for c in (1.0, -1.0))
    torch.testing.assert_close(first.y - 0.01, second.y + 0.01)
    assert first.y.std() > 0


def test_each_image_stops_by_itself_and_rests():
    y = torch.cat([0.3 + 0.05 * start(1), start(1)])
    steps = list(coarse_to_fine(one_image, y, 0, stop=0.5))
    assert torch.equal(steps[0].y[0], torch.full_like(y[0], 0.3))
    assert len(steps) > 1
    assert not torch.equal(steps[1].y[1], steps[0].y[1])
    assert torch.equal(steps[-1].y, torch.full_like(y, 0.3))


def test_denoiser_that_never_answers_with_less_noise_is_left_at_the_limit():
    assert len(list(coarse_to_fine(lambda y, sigma: torch.zeros_like(y) + 3 * y, start(), 0, limit=7))) == 7


@pytest.mark.parametrize("wrong", [{"h0": 0.0}, {"h0": 1.5}, {"beta": 0.0}, {"beta": 1.1}, {"stop": 0.0}, {"limit": 0}])
def test_step_sizes_outside_their_range_are_refused_with_the_range(wrong):
    with pytest.raises(ValueError, match=r"expected h0 and beta in \(0, 1\]"):
        next(coarse_to_fine(one_image, start(), 0, **wrong))


def test_answers_that_are_not_finite_are_refused_with_the_step():
    with pytest.raises(ValueError, match="at step 1"):
        next(coarse_to_fine(lambda y, sigma: y * float("nan"), start(), 0))
