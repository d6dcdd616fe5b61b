"""The float32 path against the float64 one, where it is hardest: at low noise, among near-duplicates, far from the pool."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from whence.data.images import draw
from whence.denoisers import gemm, rounding
from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.patches import PSPC
from whence.denoisers.places import ELS
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import LS, sizes
from whence.seeds import stream

MEMBERS = {
    "optimal": Optimal,
    "optimal, chunks of 50": lambda pool: Optimal(pool, chunk=50),
    "LS": lambda pool: LS(pool, 5),
    "LS, wide": lambda pool: LS(pool, 31),
    "ELS": lambda pool: ELS(pool, 3),
    "ELS, circular": lambda pool: ELS(pool, 5, "circular"),
    "PSPC": lambda pool: PSPC(pool, 5),
    "PCA-locality": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.1),
    "PCA-locality, global": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.05, "global", transposed=True),
    "PCA-locality, batched": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.05, softmax="batched", batch=32),
    "PCA-locality, of all": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.0, softmax="tempered", temperature=2.0),
}
SIGMAS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 80.0)


@pytest.fixture(params=MEMBERS, ids=lambda name: name.replace(" ", "-"))
def make(request):
    return MEMBERS[request.param]


@pytest.fixture(scope="module")
def photographs():
    return draw("photos", "train", 130, 0, 16)


def noised(clean, sigma):
    return clean + sigma * torch.randn(clean.shape, generator=stream(3, "noise"))


def ripples():
    """Four images that differ by thousandths, and a question between them."""
    base = torch.rand(1, 1, 32, 32, generator=stream(3, "pool")) * 2 - 1
    ripple = torch.rand(3, 1, 32, 32, generator=stream(3, "ripple")) * 2 - 1
    return torch.cat([base, base + 1e-3 * ripple]), noised(base, 0.01)


def twins():
    """Two images far from the question and equally far: what weighs most is decided in the last digits."""
    base, away = (torch.rand(1, 1, 16, 16, generator=stream(3, name)) * 2 - 1 for name in ("pool", "away"))
    return torch.cat([base + 0.5 * away, base - 0.5 * away]), base


def apart(denoiser, y, sigma):
    return float((denoiser(y, sigma).double() - denoiser(y.double(), sigma)).abs().max())


@pytest.mark.parametrize("sigma", SIGMAS)
def test_photographs_are_denoised_to_1e_4(make, photographs, sigma):
    denoiser, y = make(photographs), noised(torch.cat((draw("photos", "test", 2, 0, 16), photographs[:1])), sigma)
    assert apart(denoiser, y, sigma) <= 1e-4
    found, exact = denoiser.posterior(y, sigma), denoiser.posterior(y.double(), sigma)
    torch.testing.assert_close(found.mean.double(), exact.mean, rtol=0, atol=1e-4)
    torch.testing.assert_close(found.entropy.double(), exact.entropy, rtol=0, atol=3e-3)
    batched = isinstance(denoiser, PCALocality) and denoiser.softmax == "batched"  # each batch has its own heaviest, nearly even
    assert float((found.heaviest != exact.heaviest).double().mean()) < (1 if batched else 1e-3), "but for ties"


@pytest.mark.parametrize("case", [ripples, twins])
def test_near_duplicates_at_low_noise_are_weighed_to_1e_4(make, case):
    pool, y = case()
    pool, y = pool[..., :16, :16], y[..., :16, :16]
    denoiser = make(pool)
    assert apart(denoiser, y, 0.01) <= 1e-4
    found, exact = denoiser.posterior(y, 0.01), denoiser.posterior(y.double(), 0.01)
    torch.testing.assert_close(found.entropy.double(), exact.entropy, rtol=0, atol=3e-3)


@pytest.mark.parametrize(
    "make",
    [
        Optimal,
        lambda pool: LS(pool, 31),
        lambda pool: ELS(pool, 15, "circular"),
        lambda pool: PCALocality(pool, Wiener.fit(pool), 0),
    ],
)
def test_it_is_the_bound_that_keeps_them(make, monkeypatch):
    pool, y = twins()
    guarded = apart(make(pool), y, 0.01)
    monkeypatch.setattr(rounding, "TOLERANCE", float("inf"))
    monkeypatch.setattr(rounding, "UNIT", 0.0)
    assert guarded <= 1e-4 < apart(make(pool), y, 0.01), "or the case is too easy"


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(["optimal", "LS", "ELS", "PCA-locality", "PCA-locality, global"]),
    seed=st.integers(0, 2**31),
    sigma=st.floats(0.01, 80.0),
    spread=st.sampled_from([1e-4, 1e-2, 0.3, 1.0]),
    offset=st.floats(-1, 1),
)
def test_no_pool_is_answered_worse_than_1e_4(name, seed, sigma, spread, offset):
    generator = torch.Generator().manual_seed(seed)
    pool = offset + spread * (torch.rand(30, 1, 8, 8, generator=generator) * 2 - 1)
    y = pool[:2].roll(1, 0) * 0.9 + 0.1 * pool[2:4] + sigma * torch.randn(2, 1, 8, 8, generator=generator)
    assert apart(MEMBERS[name](pool), y, sigma) <= 1e-4


def test_all_sizes_at_once_are_each_as_alone(photographs):
    y = noised(photographs[:2], 0.5)
    together = sizes(photographs, [3, 9, 17], y, torch.tensor([0.5, 0.7]))
    alone = torch.stack([LS(photographs, k)(y.double(), torch.tensor([0.5, 0.7])) for k in (3, 9, 17)])
    torch.testing.assert_close(together.double(), alone, rtol=0, atol=1e-4)
    exact = sizes(photographs, [3, 9, 17], y.double(), torch.tensor([0.5, 0.7]))
    torch.testing.assert_close(exact, alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("windows", "match"), [([], "windows is empty"), ([3, 4], "window is 4, expected an odd number")])
def test_sizes_that_are_none_are_refused(photographs, windows, match):
    with pytest.raises(ValueError, match=match):
        sizes(photographs, windows, photographs[:1], 0.5)


def test_precision_that_the_program_lowered_is_not_used_and_is_left_as_it_was(make, photographs):
    y = noised(photographs[:1], 0.3)
    before = make(photographs)(y, 0.3)
    backends = (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)
    was = [backend.fp32_precision for backend in backends]
    try:
        torch.backends.mkldnn.matmul.fp32_precision, torch.backends.cuda.matmul.fp32_precision = "bf16", "tf32"
        torch.testing.assert_close(make(photographs)(y, 0.3), before, rtol=0, atol=1e-6)
        assert [backend.fp32_precision for backend in backends] == ["tf32", "bf16"]
    finally:
        for backend, precision in zip(backends, was, strict=True):
            backend.fp32_precision = precision


def test_the_answer_does_not_depend_on_the_number_of_threads(make, photographs):
    y, before = noised(photographs[:2], 0.3), torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(make(photographs)(y, 0.3))
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(*found, rtol=0, atol=1e-4)


def test_without_onednn_the_answer_is_the_same(make, photographs, monkeypatch):
    y = noised(photographs[:1], 0.3)
    before = make(photographs)(y, 0.3)
    monkeypatch.setattr(gemm, "FUSED", False)
    torch.testing.assert_close(make(photographs)(y, 0.3), before, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shapes", [((3, 5), (5, 7)), ((300, 70), (70, 33)), ((2, 0), (0, 4))])
def test_products_are_those_of_float64(shapes):
    a, b = (torch.randn(shape, generator=stream(3, name)) for shape, name in zip(shapes, "ab", strict=True))
    for left, right in ((a, b), (a.T.contiguous().T, b.T.contiguous().T), (a, torch.cat((b, b), 1)[:, : b.shape[1]])):
        torch.testing.assert_close(gemm.product(left, right).double(), left.double() @ right.double(), rtol=0, atol=1e-4)
        biased = gemm.product(left, right, right.sum(0))
        torch.testing.assert_close(biased, gemm.product(left, right) + right.sum(0), rtol=0, atol=1e-4)
    torch.testing.assert_close(gemm.in_blocks(a, b.T, 16), a.double() @ b.double(), rtol=0, atol=2e-5)
