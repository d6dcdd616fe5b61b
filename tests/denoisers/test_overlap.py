"""The compiled loops over overlapping patches against the formula, and against whole arrays."""

import pytest
import torch

from whence.denoisers.overlap import averaged
from whence.denoisers.patches import PSPC
from whence.seeds import stream

H, W = 6, 9


def case(n, c, sigma, b=2):
    pool = torch.rand(n, c, H, W, generator=stream(6, "pool")) * 2 - 1
    y = pool[:b] * 0.8 + sigma * torch.randn(b, c, H, W, generator=stream(6, "noise"))
    return pool, y


def naive(pool, y, sigma, k):
    """The formula, patch by patch, in float64."""
    pool, y = pool.double(), y.double()
    total, count = torch.zeros_like(y), torch.zeros(H, W)
    for i in range(H - k + 1):
        for j in range(W - k + 1):
            here = ..., slice(i, i + k), slice(j, j + k)
            apart = (y[here][:, None] - pool[here]).square().flatten(2).sum(2)
            weights = (-apart / (2 * sigma.double()[:, None] ** 2)).softmax(1)
            total[here] += torch.einsum("bn,nchw->bchw", weights, pool[here])
            count[here] += 1
    return total / count


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 50.0])
@pytest.mark.parametrize("c", [1, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 6])
def test_it_averages_what_the_formula_says(k, c, sigma):
    pool, y = case(11, c, sigma)
    each = torch.tensor([sigma, 2 * sigma], dtype=torch.float64)
    torch.testing.assert_close(averaged(pool, y, each, k, 128), naive(pool, y, each, k), rtol=0, atol=1e-6)


def test_far_from_all_images_the_nearest_still_answers():
    pool, y = case(11, 3, 0.01)
    y, each = y + 3, torch.tensor([0.01, 0.01], dtype=torch.float64)
    torch.testing.assert_close(averaged(pool, y, each, 3, 4), naive(pool, y, each, 3), rtol=0, atol=1e-6)


def test_the_first_image_may_be_the_least_likely_by_any_measure():
    pool, y = case(5, 1, 0.02)
    pool[0], y = -1, pool[1:2]
    each = torch.tensor([0.02], dtype=torch.float64)
    for one in (pool, pool.flip(0)):
        torch.testing.assert_close(averaged(one, y, each, 4, 128), naive(pool, y, each, 4), rtol=0, atol=1e-6)


def test_neither_the_chunk_nor_the_number_of_threads_changes_an_answer():
    pool, y = case(50, 3, 0.5)
    each, before, found = torch.tensor([0.5, 1.0], dtype=torch.float64), torch.get_num_threads(), []
    try:
        for threads, chunk in ((1, 128), (2, 128), (3, 7), (8, 1)):
            torch.set_num_threads(threads)
            found.append(averaged(pool, y, each, 3, chunk))
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=0, atol=1e-14)


@pytest.mark.parametrize("layout", [torch.Tensor.double, lambda pool: pool.mT.contiguous().mT, torch.Tensor.bfloat16])
def test_any_layout_and_dtype_of_pool_will_do(layout):
    pool, y = case(20, 3, 0.4)
    pool = layout(pool)
    wanted = PSPC(pool, 3)(y.double(), 0.4)
    assert wanted.dtype == torch.float64
    torch.testing.assert_close(PSPC(pool, 3)(y, 0.4).double(), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_questions_may_lie_in_memory_as_they_like(sigma):
    pool, y = case(20, 3, sigma)
    for other in (y.to(memory_format=torch.channels_last), y.mT.contiguous().mT, y[:1].expand(2, -1, -1, -1)):
        torch.testing.assert_close(PSPC(pool, 3)(other, sigma).double(), PSPC(pool, 3)(other.double(), sigma), rtol=0, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_details_are_found_along_with_the_same_answer(sigma):
    pool, y = case(20, 3, sigma)
    detailed = PSPC(pool, 4, 7).posterior(y, sigma)
    torch.testing.assert_close(detailed.mean, PSPC(pool, 4, 7)(y, sigma), rtol=0, atol=1e-6)


def test_where_a_derivative_is_wanted_the_loops_give_way():
    pool, y = case(8, 1, 0.5)
    y.requires_grad_()
    assert torch.autograd.grad(PSPC(pool, 3)(y, 0.5).sum(), y)[0].abs().sum() > 0
