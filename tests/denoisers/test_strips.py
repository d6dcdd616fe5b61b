"""Windows' distances from those of their strips, against distances taken window by window."""

import pytest
import torch
from torch.nn.functional import pad, unfold

from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.places import ELS
from whence.denoisers.strips import Band, strips
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
    band = Band.of(strips(y.double(), k, mode)[:, 0, :, ROWS], k, sigma**2)
    logits, largest = band.logits(strips(pool, k, mode))
    asked, candidates = windows(y, k, mode)[0, :, ROWS].flatten(0, 1), windows(pool, k, mode).flatten(0, 2)
    naive = -(asked[:, None] - candidates).square().sum(-1) / (2 * sigma**2) * BITS
    return band, logits, largest, naive


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
    band, logits, largest, naive = found_and_naive(pool, y, k, "constant", sigma)
    found = Weighed.of(logits.clone(), 0, False)
    state = Sums(found.peak, found.weights.new_zeros(len(logits), 1), found.peak, found.heaviest, largest.expand(len(logits)))
    delta = band.delta(state, float(pool.abs().max()))
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
