"""The compiled loop over what each output hears against the formula, and against products of tiles."""

import pytest
import torch

from whence.denoisers import masks
from whence.denoisers.fast import BITS
from whence.denoisers.heard import Heard
from whence.denoisers.masks import PCALocality
from whence.denoisers.wiener import Wiener
from whence.seeds import stream

D = 24


def case(n, b, sigma, share=0.3):
    pool = torch.rand(n, D, generator=stream(7, "pool")) * 2 - 1
    query = pool[:b] * 0.8 + sigma * torch.randn(b, D, generator=stream(7, "noise"))
    mask = torch.rand(D, D, generator=stream(7, "mask")) < share
    mask[3] = False  # one that hears nothing
    return pool, query, mask, pool.mean(0)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 50.0])
@pytest.mark.parametrize("b", [1, 2, 5])
@pytest.mark.parametrize("chunk", [3, 512])
def test_it_sums_what_the_formula_says(chunk, b, sigma):
    pool, query, mask, centre = case(11, b, sigma)
    found = Heard.of(mask).sums(pool, query, centre, sigma**2, chunk, True)
    apart = (query.double()[:, None] - pool.double()).square()  # b n p
    logits = -torch.einsum("qp,bnp->bqn", mask.double(), apart) / (2 * sigma**2)
    weights, values = logits.softmax(-1), (pool - centre).double().T
    total = found.sums[..., 0]
    close = {"rtol": 0, "atol": 3e-6 + 1e-6 / sigma**2}
    torch.testing.assert_close(found.peak.double() / BITS, logits.amax(-1), rtol=2e-6, atol=1e-6)
    torch.testing.assert_close(found.sums[..., 1] / total, (weights * values).sum(-1), **close)
    torch.testing.assert_close(found.sums[..., 2] / total, (weights * values.square()).sum(-1), **close)
    torch.testing.assert_close(found.entropy, -torch.special.xlogy(weights, weights).sum(-1), rtol=0, atol=10 * close["atol"])
    assert torch.equal(found.heaviest, logits.argmax(-1))


def test_the_number_of_threads_changes_nothing_and_the_chunk_next_to_nothing():
    pool, query, mask, centre = case(60, 3, 0.5)
    before, found = torch.get_num_threads(), []
    try:
        for threads, chunk in ((1, 64), (2, 64), (3, 7)):
            torch.set_num_threads(threads)
            found.append(Heard.of(mask).sums(pool, query, centre, 0.25, chunk, True))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(found[0], found[1], strict=True))
    torch.testing.assert_close(found[2].mean, found[0].mean, rtol=0, atol=1e-6)
    assert torch.equal(found[2].heaviest, found[0].heaviest)


def test_outputs_that_hear_many_are_not_listed():
    assert Heard.of(torch.ones(8, 8, dtype=torch.bool)) is None
    few = torch.eye(8, dtype=torch.bool)
    assert Heard.of(few) is not None
    assert torch.equal(Heard.of(few).number, torch.ones(8, dtype=torch.float64))


OPTIONS = [{}, {"softmax": "batched", "batch": 7}, {"softmax": "tempered", "temperature": 2.0}, {"transposed": True}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("sigma", [0.05, 0.5])
def test_lists_and_tiles_agree_with_float64(sigma, options, monkeypatch):
    pool = torch.rand(30, 3, 6, 5, generator=stream(8, "pool")) * 2 - 1
    pool = pool.cumsum(-1).div_(5)  # neighbours have something in common
    y = pool[:3] * 0.9 + sigma * torch.randn(3, 3, 6, 5, generator=stream(8, "noise"))
    make = lambda: PCALocality(pool, Wiener.fit(pool), 0.2, **options)  # noqa: E731
    exact, lists = make().posterior(y.double(), sigma), make()
    assert lists._lists(sigma) is not None
    found = lists.posterior(y, sigma)
    monkeypatch.setattr(masks, "looped", lambda device: False)
    tiles = make().posterior(y, sigma)
    for other in (found, tiles):
        torch.testing.assert_close(other.mean.double(), exact.mean, rtol=0, atol=1e-4)
        torch.testing.assert_close(other.entropy.double(), exact.entropy, rtol=0, atol=5e-3)
        if options.get("softmax") != "batched":  # there, at low noise, each batch has one of weight 1
            assert torch.equal(other.heaviest, exact.heaviest)
