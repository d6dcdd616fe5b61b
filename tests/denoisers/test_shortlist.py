"""The nearest candidates alone: what is passed over never weighs more than the bound says, and the bound is not idle."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.wiener import Wiener
from whence.seeds import stream


def case(seed, sigma, n=40, size=6):
    generator = torch.Generator().manual_seed(seed)
    pool = torch.rand(n, 2, size, size, generator=generator) * 2 - 1
    pool[n // 2 :] = pool[: n // 2] + 0.05 * pool[n // 2 :]  # pairs of near ones
    return pool, 0.7 * pool[:2] + 0.3 * pool[2:4] + sigma * torch.randn(2, 2, size, size, generator=generator)


def mass(logits, k):
    """True probability of all but the k likeliest."""
    return 1 - logits.softmax(-1).sort(-1, descending=True).values[..., :k].sum(-1)


def logits_of(pool, y, sigma, mask):
    apart = (y.double().flatten(1)[:, None] - pool.double().flatten(1)).square()  # b n d
    return -torch.einsum("bnd,qd->bqn", apart, mask.double()) / (2 * sigma**2)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    sigma=st.floats(0.01, 20.0),
    k=st.integers(1, 50),
    chunk=st.sampled_from([3, 17, 4096]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_what_is_discarded_never_exceeds_its_bound(seed, sigma, k, chunk, dtype):
    pool, y = case(seed, sigma)
    y = y.to(dtype)
    whole, found = Optimal(pool)(y.double(), sigma), Optimal(pool, chunk, nearest=k).posterior(y, sigma)
    true = mass(logits_of(pool, y, sigma, torch.ones(1, 72)), k)[:, 0]
    assert bool((true <= found.discarded.double() * (1 + 1e-5) + 1e-12).all())
    off = (found.mean.double() - whole).abs().flatten(1).amax(1)
    assert bool((off <= found.discarded.double() * 2.1 + 1e-6).all()), "no pixel moves further than that times the range"


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), sigma=st.floats(0.01, 20.0), k=st.integers(1, 50), chunk=st.sampled_from([3, 17, None]))
def test_nor_behind_a_mask(seed, sigma, k, chunk):
    pool, y = case(seed, sigma)
    denoiser = PCALocality(pool, Wiener.fit(pool), 0.1, chunk=chunk, nearest=k)
    found, whole = denoiser.posterior(y, sigma), PCALocality(pool, denoiser.wiener, 0.1)(y.double(), sigma)
    true = mass(logits_of(pool, y, sigma, denoiser.mask(sigma)), k).reshape(y.shape)
    assert bool((true <= found.discarded.double() * (1 + 1e-5) + 1e-12).all())
    assert bool(((found.mean.double() - whole).abs() <= found.discarded.double() * 2.1 + 1e-6).all())


def test_all_kept_is_all_and_nothing_is_discarded():
    pool, y = case(0, 0.5)
    for few, all_ in (
        (Optimal(pool, nearest=40), Optimal(pool)),
        (PCALocality(pool, Wiener.fit(pool), 0.1, nearest=99), PCALocality(pool, Wiener.fit(pool), 0.1)),
    ):
        found, exact = few.posterior(y.double(), 0.5), all_.posterior(y.double(), 0.5)
        torch.testing.assert_close(found.mean, exact.mean, rtol=0, atol=1e-12)
        torch.testing.assert_close(found.entropy, exact.entropy, rtol=0, atol=1e-10)
        assert torch.equal(found.heaviest, exact.heaviest)
        assert float(found.discarded.max()) == 0
        assert exact.discarded is None


def test_at_low_noise_the_bound_is_small_enough_to_use():
    pool, y = case(0, 0.1)
    assert float(Optimal(pool, nearest=8).posterior(y, 0.1).discarded.max()) < 1e-6
    masked = PCALocality(pool, Wiener.fit(pool), 0.0, nearest=8).posterior(y, 0.1)
    assert float(masked.discarded.max()) < 1e-6


def test_the_bound_is_within_the_number_passed_over_of_the_truth():
    """(n - k) times the largest discarded weight is at most n - k times their sum."""
    pool, y = case(0, 2.0)
    found = Optimal(pool, nearest=10).posterior(y.double(), 2.0)
    logits = logits_of(pool, y, 2.0, torch.ones(1, 72))[:, 0]
    odds = 1 / (1 - mass(logits, 10)) - 1  # of those discarded against those kept
    assert bool((found.discarded <= (30 * odds * 1.01).clamp_max(1)).all())
    assert float(found.discarded.min()) > 0


def test_nearest_is_differentiable():
    pool, y = (part.double() for part in case(0, 0.5, 12, 4))
    sigma = torch.tensor([0.5, 0.9], dtype=torch.float64, requires_grad=True)
    for denoiser in (Optimal(pool, nearest=5), PCALocality(pool, Wiener.fit(pool), 0.1, nearest=5)):
        assert torch.autograd.gradcheck(denoiser, (y.detach().requires_grad_(), sigma), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("nearest", [0, -3, 2.0, True])
def test_a_number_of_candidates_that_is_none_is_refused(nearest):
    pool, _ = case(0, 0.5)
    for make in (lambda: Optimal(pool, nearest=nearest), lambda: PCALocality(pool, Wiener.fit(pool), 0.1, nearest=nearest)):
        with pytest.raises(ValueError, match=f"nearest is {nearest!r}, expected a whole number from 1, or None"):
            make()


def test_batches_have_no_shortlist():
    pool, _ = case(0, 0.5)
    with pytest.raises(ValueError, match="nearest is 5 and softmax 'batched', expected one of the two"):
        PCALocality(pool, Wiener.fit(pool), 0.1, softmax="batched", nearest=5)


def test_a_wiener_filter_of_equal_images_makes_no_mask_for_many():
    pool = torch.rand(5, 1, 4, 4, generator=stream(3, "pool"))
    with pytest.raises(ValueError, match=r"wiener has no covariance, expected one fitted to two different images"):
        PCALocality(pool, Wiener.fit(pool[:1].expand(2, -1, -1, -1)), 0.1)
