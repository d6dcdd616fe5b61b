"""The compiled softmax over whole images against the plain formula in float64."""

import math

import numpy as np
import pytest
import torch

from whence.denoisers import optimal
from whence.denoisers.average import NEAR, SIDE, SUMS, _products, average
from whence.denoisers.gemm import in_blocks
from whence.denoisers.optimal import Optimal
from whence.denoisers.places import ELS
from whence.seeds import stream


def case(n, b, d, sigma):
    pool = torch.rand(n, d, generator=stream(4, "pool")) * 2 - 1
    y = pool[torch.arange(b) % n] * 0.8 + sigma * torch.randn(b, d, generator=stream(4, "noise"))
    return pool, y, torch.full((b, 1), sigma, dtype=torch.float64)


def found(pool, y, level, first=0, k=5, **options):
    return average(y, level, pool, pool.double().square().sum(1), first, 16, 40.0, k, **options)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 20.0])
@pytest.mark.parametrize("b", [1, 2, 4, 5])
@pytest.mark.parametrize(("n", "d"), [(2, 3), (7, 64), (NEAR + 1, 50), (3 * NEAR - 2, SIDE + 9)])
def test_it_is_the_softmax_average_of_the_formula(n, d, b, sigma):
    pool, y, level = case(n, b, d, sigma)
    state, chosen = found(pool, y, level, first=10)
    logits = -(y.double()[:, None] - pool.double()).square().sum(2) / (2 * sigma**2)
    weights = logits.softmax(1)
    close = {"rtol": 0, "atol": 3e-6 + 1e-6 / sigma**2}
    torch.testing.assert_close(state.mean, weights @ pool.double(), **close)
    torch.testing.assert_close(state.m + state.s.log(), logits.logsumexp(1), rtol=1e-6, atol=close["atol"])
    torch.testing.assert_close(state.entropy, -torch.special.xlogy(weights, weights).sum(1), rtol=1e-4, atol=10 * close["atol"])
    assert torch.equal(state.heaviest, logits.argmax(1) + 10)
    best = logits.sort(1, descending=True)
    assert torch.equal(chosen.images, best.indices[:, :5] + 10)
    torch.testing.assert_close(chosen.logits, best.values[:, :5], rtol=1e-6, atol=close["atol"])
    beyond = best.values[:, 5] if n > 5 else torch.full((b,), -math.inf, dtype=torch.float64)
    torch.testing.assert_close(chosen.next, beyond, rtol=1e-6, atol=close["atol"])


def test_the_number_of_threads_changes_the_last_digits_only():
    pool, y, level = case(200, 3, 70, 1.0)
    before, states = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            states.append(found(pool, y, level))
    finally:
        torch.set_num_threads(before)
    for state, chosen in states[1:]:
        torch.testing.assert_close(state.mean, states[0][0].mean, rtol=0, atol=1e-6)
        assert torch.equal(state.heaviest, states[0][0].heaviest)
        assert torch.equal(chosen.images, states[0][1].images)


def test_the_nearest_are_the_same_where_nothing_is_averaged():
    pool, y, level = case(100, 3, 70, 0.3)
    state, chosen = found(pool, y, level, averaged=False)
    expected = found(pool, y, level)[1]
    assert all(torch.equal(a, b) for a, b in zip(chosen, expected, strict=True))
    assert float(state.v.abs().max()) == 0


@pytest.mark.parametrize("sigma", [0.1, 5.0])
@pytest.mark.parametrize("drift", [0.0, 0.8])
def test_the_products_are_as_good_as_those_in_blocks_that_the_bound_is_for(drift, sigma):
    pool = drift + (1 - drift) * (torch.rand(64, 3072, generator=stream(4, "pool")) * 2 - 1)
    y = pool[:16].roll(1, 1) + sigma * torch.randn(16, 3072, generator=stream(4, "noise"))
    products, exact = np.empty((16, 64)), y.double() @ pool.double().T
    _products(y.numpy(), pool.numpy(), 0, SUMS * 256, products)
    ours, theirs = (float((one - exact).square().mean().sqrt()) for one in (torch.from_numpy(products), in_blocks(y, pool, 256)))
    assert 0 < ours < 1.25 * theirs


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("nearest", [None, 4])
def test_what_accelerators_compute_is_what_processors_do(monkeypatch, sigma, nearest):
    pool, y, _ = case(60, 3, 64, sigma)
    denoiser = Optimal(pool.view(60, 1, 8, 8), nearest=nearest)
    loop = denoiser.posterior(y.view(3, 1, 8, 8), sigma)
    monkeypatch.setattr(optimal, "looped", lambda device: False)
    whole = denoiser.posterior(y.view(3, 1, 8, 8), sigma)
    torch.testing.assert_close(whole.mean, loop.mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(whole.entropy, loop.entropy, rtol=0, atol=1e-4)
    assert torch.equal(whole.heaviest, loop.heaviest)


def test_a_pool_may_lie_in_the_memory_as_it_likes():
    pool = torch.rand(70, 1, 6, 6, generator=stream(4, "pool")).mT
    same = pool[:1].expand(70, -1, -1, -1)
    y = pool[:1] + 0.3
    assert torch.equal(Optimal(pool)(y, 0.5), Optimal(pool.contiguous())(y, 0.5))
    torch.testing.assert_close(Optimal(same)(y, 0.5), same[:1], rtol=0, atol=1e-6)
    torch.testing.assert_close(ELS(pool, 3)(y, 0.5), ELS(pool.contiguous(), 3)(y, 0.5), rtol=0, atol=1e-6)
