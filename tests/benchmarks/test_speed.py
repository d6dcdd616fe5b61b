"""What the denoisers cost: CIFAR-10's shapes, float32, against the machine's own matrix products and against the plain formula."""

from __future__ import annotations

import time

import pytest
import timings
import torch
from scipy.stats import linregress
from torch.nn.functional import scaled_dot_product_attention

from whence.data.images import draw
from whence.data.registry import DataError
from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.places import ELS
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import LS, sizes
from whence.seeds import stream

COVARIANCE = 5000  # images that the masks are made from
WINDOWS = list(range(3, 18, 2))
D, PLACES = 3 * 32 * 32, 32 * 32


@pytest.fixture(scope="module")
def data():
    """(name, pool, held-out images, Wiener filter): CIFAR-10 where it is prepared, else crops of the bundled photographs."""
    try:
        name, pool, held = "cifar10", draw("cifar10", "train", COVARIANCE, 0), draw("cifar10", "test", 16, 0)
    except (DataError, ValueError):
        name, pool, held = "photos", draw("photos", "train", COVARIANCE, 0, 32), draw("photos", "test", 16, 0, 32)
    return name, pool, held, Wiener.fit(pool)


@pytest.fixture(params=[1, 2], ids=lambda n: f"{n}-threads")
def threads(request):
    """So many threads for torch, then as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def noised(images, sigma):
    return images + sigma * torch.randn(images.shape, generator=stream(0, "noise"))


def add(member, data, sigma, threads, queries, images, measured, work, error, target="-"):
    timings.ROWS.append(timings.Row(member, data, sigma, threads, queries, images, *measured, work, error, target))


def off(found, exact):
    return float((found.double() - exact).abs().max())


@pytest.mark.parametrize(("sigma", "target"), [(0.05, "-"), (0.1, "5"), (1.0, "-"), (5.0, "45")])
@torch.inference_mode()
def test_pca_locality(benchmark, data, threads, sigma, target):
    name, pool, held, wiener = data
    pool, y = pool[:1000], noised(held, sigma)
    denoiser = PCALocality(pool, wiener, 0.05, "global")
    measured = timings.timed(benchmark, lambda: denoiser(y, sigma))
    exact = denoiser(y[:2].double(), sigma)
    add("PCALocality", name, sigma, threads, 16, 1000, measured, 2 * 16 * 1000 * D**2, off(denoiser(y, sigma)[:2], exact), target)


@pytest.mark.parametrize("sigma", [0.1, 5.0])
@torch.inference_mode()
def test_pca_locality_as_the_formula_stands(benchmark, data, threads, sigma):
    """Dense, as the released code computes it: squares of all differences times the mask, then the softmax."""
    name, pool, held, wiener = data
    pool, y = pool[:256].flatten(1), noised(held[:4], sigma).flatten(1)
    mask = PCALocality(pool.unflatten(1, (3, 32, 32)), wiener, 0.05, "global").mask(sigma).float().T.contiguous()

    def plain():
        logits = torch.einsum("bkn,nm->bkm", (y[:, None] - pool).square(), mask) / (-2 * sigma**2)
        return torch.einsum("bkm,km->bm", logits.softmax(1), pool)

    measured = timings.timed(benchmark, plain, 1)
    add("  the plain formula", name, sigma, threads, 4, 256, measured, 2 * 4 * 256 * D**2, None)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
@torch.inference_mode()
def test_all_windows_at_once(benchmark, data, threads, sigma):
    """The target is 20 ms a query and 1,280 images: 15.6 a thousand."""
    name, pool, held, _ = data
    pool, y = pool[:1280], noised(held[:4], sigma)
    measured = timings.timed(benchmark, lambda: sizes(pool, WINDOWS, y, sigma))
    exact = torch.stack([LS(pool, k)(y[:1].double(), sigma) for k in WINDOWS])
    work = 2 * 4 * 1280 * PLACES * 3 * sum(k * k for k in WINDOWS)
    add(
        "LS, 3 to 17 at once", name, sigma, threads, 4, 1280, measured, work, off(sizes(pool, WINDOWS, y[:1], sigma), exact), "15.6"
    )


@torch.inference_mode()
def test_one_window(benchmark, data, threads):
    name, pool, held, _ = data
    pool, y = pool[:1280], noised(held[:4], 0.5)
    denoiser = LS(pool, 5)
    measured = timings.timed(benchmark, lambda: denoiser(y, 0.5))
    exact = denoiser(y[:1].double(), 0.5)
    add("LS, 5", name, 0.5, threads, 4, 1280, measured, 2 * 4 * 1280 * PLACES * 75, off(denoiser(y, 0.5)[:1], exact))


@pytest.mark.parametrize("sigma", [0.1, 1.0])
@torch.inference_mode()
def test_all_places(benchmark, data, threads, sigma):
    """The target is 1.4e9 logits a second: 749 ms a query and 1,000 images of 1,024 x 1,024 logits."""
    name, pool, held, _ = data
    pool, y = pool[:64], noised(held[:1], sigma)
    denoiser = ELS(pool, 5)
    measured = timings.timed(benchmark, lambda: denoiser(y, sigma))
    exact = denoiser(y.double(), sigma)
    add("ELS, 5", name, sigma, threads, 1, 64, measured, 2 * 64 * PLACES**2 * 75, off(denoiser(y, sigma), exact), "749")


@pytest.mark.parametrize("sigma", [0.1, 1.0, 5.0])
@torch.inference_mode()
def test_optimal(benchmark, data, threads, sigma):
    """The target is scaled_dot_product_attention's own time, and a tenth; in turns, since a tenth is little on a shared machine."""
    name, pool, held, _ = data
    y, flat = noised(held, sigma), pool.flatten(1)
    bias, denoiser, few = (-flat.square().sum(1) / (2 * sigma**2))[None, None, None], Optimal(pool), Optimal(pool, nearest=32)
    n = len(pool)

    def attention():
        query, keys = y.flatten(1)[None, None], flat[None, None]
        return scaled_dot_product_attention(query, keys, keys, attn_mask=bias, scale=1 / sigma**2)[0, 0].reshape(y.shape)

    calls = {"Optimal": lambda: denoiser(y, sigma), "  attention": attention, "  nearest 32": lambda: few(y, sigma)}
    seconds, peak = timings.alternating(benchmark, list(calls.values()), 9)
    exact = denoiser(y.double(), sigma)
    target = f"{1.1 * 1e3 * seconds[1] / 16 / n * 1000:.2f}"
    for (member, call), each, aim in zip(calls.items(), seconds, (target, "-", "-"), strict=True):
        work = (2 if "nearest" in member else 4) * 16 * n * D
        add(member, name, sigma, threads, 16, n, (each, peak), work, off(call(), exact), aim)
    timings.LINES.append(
        f"nearest 32 of {n} at sigma {sigma:g}: certified to discard at most "
        f"{float(few.posterior(y, sigma).discarded.max()):.0e} of the probability"
    )


MAKE = {
    "PCALocality": lambda pool, wiener: PCALocality(pool, wiener, 0.05, "global"),
    "LS": lambda pool, _: LS(pool, 5),
    "Optimal": lambda pool, _: Optimal(pool),
    "ELS": lambda pool, _: ELS(pool, 3),
}


@pytest.mark.parametrize("member", MAKE)
@torch.inference_mode()
def test_cost_is_linear_in_the_pool(benchmark, data, member):
    """Prints the line through time against n: what a call costs whatever the pool, what a thousand images add, and its R2."""
    name, pool, held, wiener = data
    counts, y, seconds = [625, 1250, 2500, 5000], noised(held[:4], 0.5), []
    if member == "ELS":
        counts, y = [128, 256, 512, 1024], y[:1]
    if member == "Optimal":
        counts, pool = [2500, 5000, 10000, 20000], draw(name, "train", 20000, 0, *([32] if name == "photos" else []))
    for n in counts:
        denoiser = MAKE[member](pool[:n], wiener)
        denoiser(y, 0.5)
        times = []
        for _ in range(5):
            start = time.process_time()
            denoiser(y, 0.5)
            times.append(time.process_time() - start)
        seconds.append(min(times))
    benchmark.pedantic(lambda: denoiser(y, 0.5), rounds=1)
    line = linregress(counts, seconds)
    timings.LINES.append(
        f"{member}: {1e3 * line.intercept:.1f} ms, and {1e6 * line.slope:.2f} for each 1,000 images "
        f"(R2 {line.rvalue**2:.4f}, {counts[0]} to {counts[-1]} images)"
    )
