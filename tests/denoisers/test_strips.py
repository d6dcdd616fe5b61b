"""Windows' distances from those of their strips, against distances taken window by window."""

import pytest
import torch
from torch.nn.functional import pad, unfold

from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.places import ELS
from whence.denoisers.scan import scan
from whence.denoisers.strips import Bands, joined, strips
from whence.seeds import stream

H, W = 5, 7
ROWS = slice(1, 4)


def images(n, name, spread=1.0, offset=0.0):
    return offset + spread * (torch.rand(n, 3, H, W, generator=stream(3, name)) * 2 - 1)


def windows(stack, k, mode):
    """Every window, float64: (image, column, row, its numbers)."""
    every = unfold(pad(stack.double(), (k // 2,) * 4, mode), k)
    return every.mT.unflatten(1, (H, W)).transpose(1, 2)


def found_and_naive(pool, y, k, mode, sigma):
    bands = Bands.of(strips(y.double(), k, mode)[:, 0, :, ROWS], 3, k, sigma**2)
    logits, largest = bands.logits(0, strips(pool, k, mode))
    return bands, logits, largest, distances(pool, y, k, mode, sigma)


def distances(pool, y, k, mode, sigma):
    """All logits in bits, window by window: those of y in the order (column, row), of the pool in (image, column, row)."""
    asked, candidates = windows(y, k, mode)[0, :, ROWS].flatten(0, 1), windows(pool, k, mode).flatten(0, 2)
    return -(asked[:, None] - candidates).square().sum(-1) / (2 * sigma**2) * BITS


@pytest.mark.parametrize("mode", ["constant", "circular"])
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("sigma", [0.1, 1.0, 80.0])
def test_distances_of_windows_are_sums_of_those_of_their_strips(k, mode, sigma):
    pool, y = images(4, "pool"), images(1, "question")
    _, logits, _, naive = found_and_naive(pool, y, k, mode, sigma)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits.double(), naive, rtol=2e-5, atol=2e-6 / sigma**2)


@pytest.mark.parametrize(("spread", "offset"), [(1.0, 0.0), (0.1, 0.8), (1e-3, -1.0), (0.3, 0.0)])
@pytest.mark.parametrize("sigma", [0.01, 0.1, 1.0])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_what_rounding_does_to_distances_that_matter_is_within_the_bound(k, sigma, spread, offset):
    pool = images(40, "pool", spread, offset)
    y = pool[:1].roll(1, -1) + sigma * torch.randn(1, 3, H, W, generator=stream(3, "noise"))
    bands, logits, largest, naive = found_and_naive(pool, y, k, "constant", sigma)
    found = Weighed.of(logits.clone(), 0, False)
    state = Sums(found.peak, found.weights.new_zeros(len(logits), 1), found.peak, found.heaviest, largest.expand(len(logits)))
    delta = bands.delta(state, float(pool.abs().max()))
    near = naive >= naive.amax(1, keepdim=True) - 20 * BITS
    off = ((logits.double() - naive).abs() / BITS).where(near, 0)
    assert bool((off.amax(1) <= delta).all())
    assert float(off.max()) > 0.02 * float(delta.max()), "or the bound says nothing"


def test_strips_hold_the_same_pixels_in_the_same_order_whatever_the_stack():
    stack = images(3, "pool")
    each = torch.cat([strips(one, 3, "constant") for one in stack.split(1)], 1)
    assert torch.equal(strips(stack, 3, "constant"), each)
    assert each.shape == (9, 3, W + 2, H)


@pytest.mark.parametrize("chunk", [1, 3, None])
def test_the_heaviest_place_is_the_row_and_column_of_the_twin_in_images_that_are_not_square(chunk):
    pool = images(5, "pool")
    found = ELS(pool, 3, chunk=chunk).posterior(pool[3:4], 0.01)
    assert bool((found.heaviest == 3).all())
    expected = torch.stack(torch.meshgrid(torch.arange(H), torch.arange(W), indexing="ij"), -1)
    assert torch.equal(found.place[0, 0], expected)


def states(pool, y, k, mode, sigma):
    """The same rows' softmaxes by the loop and by whole arrays, windows in the order (row, column), and what both may be off by."""
    asked, keys = strips(y.double(), k, mode)[:, 0, :, ROWS], strips(pool, k, mode)
    pixels = pool.mT.flatten(2).transpose(0, 1).contiguous()
    bands = Bands.of(asked, 1, k, sigma**2)
    return bands, scan(bands, pad(pool, (k // 2,) * 4, mode), 0.0, 0), bands.sums(keys, pixels, 0, True)


@pytest.mark.parametrize("mode", ["constant", "circular"])
@pytest.mark.parametrize("k", [1, 3, 5])
@pytest.mark.parametrize("sigma", [0.03, 0.3, 80.0])
@pytest.mark.parametrize("c", [1, 2, 3])
def test_the_compiled_loop_sums_what_the_formula_says(c, sigma, k, mode):
    pool, y = images(9, "pool")[:, :c], images(1, "question")[:, :c]
    _, found, _ = states(pool, y, k, mode, sigma)
    logits = distances(pool, y, k, mode, sigma).unflatten(0, (W, -1)).transpose(0, 1).flatten(0, 1)
    pixels = pool.double().mT.flatten(2).transpose(0, 1).flatten(1)
    weights, below = (logits / BITS).softmax(1), logits - logits.amax(1, keepdim=True)
    values = torch.cat((torch.ones_like(pixels[:1]), pixels, pixels.square()))
    close = {"rtol": 0, "atol": 2e-6 + 3e-6 / sigma**2}
    torch.testing.assert_close(found.peak.double(), logits.amax(1), rtol=2e-5, atol=close["atol"])
    torch.testing.assert_close(found.sums / found.total[:, None], weights @ values.T, **close)
    torch.testing.assert_close(found.logs / found.total, (weights * below).sum(1), **close)
    assert bool(
        (logits.gather(1, found.heaviest[:, None])[:, 0] >= logits.amax(1) - close["atol"] - 1e-5 * logits.amax(1).abs()).all()
    )


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_the_compiled_loop_and_whole_arrays_are_one_softmax_within_the_bound_of_either(sigma):
    pool, y = images(20, "pool"), images(1, "question")
    bands, loop, whole = states(pool, y, 5, "constant", sigma)
    delta = bands.delta(loop, 1.0)
    torch.testing.assert_close(delta, bands.delta(whole, 1.0), rtol=1e-3, atol=0)
    assert bool(((loop.peak - whole.peak).abs() <= 2 * BITS * delta).all())
    assert bool(((loop.sums / loop.total[:, None] - whole.sums / whole.total[:, None]).abs() <= 2 * delta[:, None] + 1e-6).all())
    assert bool(((loop.entropy - whole.entropy).abs() <= 2 * (1 + loop.entropy) * delta + 1e-5).all())


def test_neither_the_chunk_nor_the_number_of_threads_changes_what_the_compiled_loop_finds():
    pool, y = images(9, "pool"), images(1, "question")
    bands, whole, _ = states(pool, y, 3, "constant", 0.3)
    parts = [scan(bands, pad(one, (1,) * 4), 0.0, i * H * W) for i, one in enumerate(pool.split(1))]
    merged = parts[0]
    for part in parts[1:]:
        merged = merged.merge(part)
    for a, b in zip(merged, whole, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        _, two, _ = states(pool, y, 3, "constant", 0.3)
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(two, whole, strict=True))


def test_bands_of_several_rows_say_what_bands_of_one_row_say():
    pool, y = images(9, "pool"), images(1, "question")
    asked, keys = strips(y.double(), 3, "constant")[:, 0, :, ROWS], strips(pool, 3, "constant")
    pixels = pool.mT.flatten(2).transpose(0, 1).contiguous()
    three = Bands.of(asked, 3, 3, 0.09).sums(keys, pixels, 0, True)
    single = Bands.of(asked, 1, 3, 0.09).sums(keys, pixels, 0, True)
    in_rows = three.mean.new_tensor(range(3 * W)).long().view(W, 3).T.flatten()
    torch.testing.assert_close(three.sums[in_rows], single.sums, rtol=1e-4, atol=1e-5)
    assert torch.equal(three.heaviest[in_rows], single.heaviest)
    assert joined([single]).peak.shape == (3 * W,)


@pytest.mark.parametrize("border", ["zeros", "circular"])
@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_what_accelerators_compute_is_what_processors_do(monkeypatch, sigma, border):
    pool, y = images(9, "pool"), images(2, "question")
    loop = ELS(pool, 3, border).posterior(y, sigma)
    monkeypatch.setattr("whence.denoisers.places.looped", lambda device: False)
    whole = ELS(pool, 3, border).posterior(y, sigma)
    torch.testing.assert_close(whole.mean, loop.mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(whole.entropy, loop.entropy, rtol=0, atol=1e-3)
    assert torch.equal(whole.heaviest, loop.heaviest)
    assert torch.equal(whole.place, loop.place)
