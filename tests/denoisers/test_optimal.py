import pytest
import torch

from whence.denoisers.optimal import Optimal
from whence.seeds import stream


def images(n, name, size=6):
    return torch.rand(n, 1, size, size, generator=stream(1, name)) * 2 - 1


def naive(pool, y, sigma):
    """Equation by equation in float64 with direct squared differences."""
    apart = (y.double()[:, None] - pool.double()).square().flatten(2).sum(2)
    weights = torch.softmax(-apart / (2 * sigma**2), 1)
    return weights, torch.einsum("bn,nchw->bchw", weights, pool.double())


@pytest.mark.parametrize("sigma", [0.005, 0.05, 0.5, 5.0])
@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_posterior_equals_its_naive_twin_for_any_chunk(sigma, chunk):
    pool, y = images(50, "pool"), images(4, "query")
    weights, mean = naive(pool, y, sigma)
    found = Optimal(pool, chunk).posterior(y, sigma)
    torch.testing.assert_close(found.mean.double(), mean, rtol=0, atol=1e-6)
    entropy = -torch.special.xlogy(weights, weights).sum(1)
    torch.testing.assert_close(found.entropy.double(), entropy, rtol=1e-5, atol=1e-6)
    assert found.heaviest.tolist() == weights.argmax(1).tolist()


def test_near_duplicates_keep_their_weights_at_low_noise():
    """Squares expanded in float32 are off by tenths here."""
    base = images(1, "pool", size=32)
    pool = torch.cat([base, base + 1e-3 * images(3, "ripple", size=32)])
    y = base + 0.01 * torch.randn(base.shape, generator=stream(1, "noise"))
    weights, mean = naive(pool, y, 0.01)
    assert 0.05 < float(weights.max()) < 0.95, "the case must be a contested one"
    torch.testing.assert_close(Optimal(pool).posterior(y, 0.01).mean.double(), mean, rtol=0, atol=1e-7)


def test_effective_number_runs_from_one_to_all():
    pool, y = images(30, "pool"), images(2, "query")
    assert Optimal(pool).posterior(y, 1e-3).effective.tolist() == pytest.approx([1, 1])
    assert Optimal(pool).posterior(y, 1e4).effective.tolist() == pytest.approx([30, 30])


def test_heaviest_follows_the_order_of_the_pool():
    pool, y = images(30, "pool"), images(5, "query")
    order = torch.randperm(30, generator=stream(1, "order"))
    straight, shuffled = Optimal(pool, 4).posterior(y, 0.2), Optimal(pool[order], 11).posterior(y, 0.2)
    assert order[shuffled.heaviest].tolist() == straight.heaviest.tolist()


def test_jacobian_is_symmetric_and_positive():
    pool, y = images(30, "pool", 4), images(1, "query", 4)
    pixels = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    whole = Optimal(pool, 8).jacobian(y.double(), 0.7, pixels).reshape(16, 16)
    torch.testing.assert_close(whole, whole.T, rtol=1e-9, atol=1e-12)
    assert torch.linalg.eigvalsh(whole).min() > -1e-12


def test_an_empty_pool_is_refused():
    with pytest.raises(ValueError, match=r"\(n, c, h, w\) with n >= 2"):
        Optimal(torch.zeros(0, 1, 4, 4))


def test_a_chunk_of_nothing_is_refused():
    with pytest.raises(ValueError, match="chunk is 0"):
        Optimal(images(3, "pool"), chunk=0)
