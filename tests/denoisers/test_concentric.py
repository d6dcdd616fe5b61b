"""The compiled loop over windows of several sizes against the formula, and against whole arrays."""

import pytest
import torch
from torch.nn.functional import pad

from whence.denoisers import boxes
from whence.denoisers.concentric import concentric
from whence.denoisers.fast import BITS
from whence.denoisers.windows import LS, sizes
from whence.seeds import stream

H, W = 6, 9


def case(n, c, sigma, b=2):
    pool = torch.rand(n, c, H, W, generator=stream(5, "pool")) * 2 - 1
    y = pool[:b] * 0.8 + sigma * torch.randn(b, c, H, W, generator=stream(5, "noise"))
    return pool, y, torch.full((b,), -BITS / (2 * sigma**2))


def distances(pool, y, window):
    """(b, n, h, w): squared distances of windows, what lies beyond the image left out."""
    apart = (y.double()[:, None] - pool.double()).square().sum(2)
    r = window // 2
    return pad(apart, (r, r, r, r)).unfold(2, window, 1).unfold(3, window, 1).sum((-2, -1))


@pytest.mark.parametrize("sigma", [0.1, 1.0, 50.0])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("windows", [[1], [3, 1, 7], [5, 17]])
@pytest.mark.parametrize("chunk", [4, 128])
def test_it_sums_what_the_formula_says_in_the_order_asked_for(chunk, windows, c, sigma):
    pool, y, bits = case(11, c, sigma)
    found = concentric(pool, y, bits, windows, chunk)
    close = {"rtol": 0, "atol": 3e-6 + 1e-6 / sigma**2}
    values = pool.double().flatten(2)  # n c q
    for b, state in enumerate(found):
        for s, window in enumerate(windows):
            logits = -distances(pool, y, window)[b].flatten(1) / (2 * sigma**2)  # n q
            weights = logits.softmax(0)
            total = state.sums[s, :, 0]
            torch.testing.assert_close(state.peak[s].double() / BITS, logits.amax(0), rtol=2e-6, atol=1e-6)
            torch.testing.assert_close(
                state.sums[s, :, 1 : 1 + c] / total[:, None], torch.einsum("nq,ncq->qc", weights, values), **close
            )
            squares = torch.einsum("nq,ncq->qc", weights, values.square())
            torch.testing.assert_close(state.sums[s, :, 1 + c :] / total[:, None], squares, **close)
            entropy = -torch.special.xlogy(weights, weights).sum(0)
            torch.testing.assert_close(state.entropy[s], entropy, rtol=0, atol=10 * close["atol"])
            assert torch.equal(state.heaviest[s], logits.argmax(0))


def test_neither_the_chunk_nor_the_number_of_threads_changes_an_answer():
    pool, y, bits = case(50, 3, 0.5)
    before, states = torch.get_num_threads(), []
    try:
        for threads, chunk in ((1, 128), (2, 128), (3, 7)):
            torch.set_num_threads(threads)
            states.append(concentric(pool, y, bits, [3, 9], chunk))
    finally:
        torch.set_num_threads(before)
    for one, two, three in zip(*states, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
        torch.testing.assert_close(three.mean, one.mean, rtol=0, atol=1e-6)
        assert torch.equal(three.heaviest, one.heaviest)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_what_accelerators_compute_is_what_processors_do(monkeypatch, sigma):
    pool, y, _ = case(40, 3, sigma)
    loop, loops = LS(pool, 5).posterior(y, sigma), sizes(pool, [5, 1, 11], y, sigma)
    monkeypatch.setattr(boxes, "looped", lambda device: False)
    whole = LS(pool, 5).posterior(y, sigma)
    torch.testing.assert_close(whole.mean, loop.mean, rtol=0, atol=1e-5)
    torch.testing.assert_close(whole.entropy, loop.entropy, rtol=0, atol=1e-4)
    assert torch.equal(whole.heaviest, loop.heaviest)
    torch.testing.assert_close(sizes(pool, [5, 1, 11], y, sigma), loops, rtol=0, atol=1e-5)
