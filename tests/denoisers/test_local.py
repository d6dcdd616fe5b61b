"""Every local denoiser against its naive twin: the definition in loops, float64, direct squares; then limits and refusals."""

import itertools
import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from whence.denoisers.masks import KEPT, PCALocality, binarised
from whence.denoisers.optimal import Optimal
from whence.denoisers.patches import PSPC
from whence.denoisers.places import ELS
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import LS
from whence.measures.sensitivity import jacobian_rows
from whence.seeds import stream

SHAPE = (2, 5, 6)
SIGMAS = (0.01, 0.1, 0.7, 5.0, 80.0)
DTYPES = (torch.float32, torch.float64)
PLACES = list(itertools.product(range(SHAPE[1]), range(SHAPE[2])))


def images(n, name, shape=SHAPE):
    return torch.rand(n, *shape, generator=stream(2, name)) * 2 - 1


def question(pool, sigma, n=2):
    """Images that are not in the pool but near to some of it, and their noise."""
    clean = 0.8 * pool[:n] + 0.2 * images(n, "other", pool.shape[1:])
    return clean + sigma * torch.randn(clean.shape, generator=stream(2, "noise"))


def softmax(apart, sigma):
    return torch.softmax(-apart / (2 * sigma**2), -1)


def entropy(w):
    return float(-torch.special.xlogy(w, w).sum())


def naive_ls(pool, y, sigma, window):
    """(mean, entropy, heaviest) of one image."""
    mean, spread, heaviest, reach = torch.zeros(SHAPE).double(), {}, {}, window // 2
    for i, j in PLACES:
        rows, cols = slice(max(0, i - reach), i + reach + 1), slice(max(0, j - reach), j + reach + 1)
        w = softmax((y[:, rows, cols] - pool[:, :, rows, cols]).square().sum((1, 2, 3)), sigma)
        mean[:, i, j], spread[i, j], heaviest[i, j] = w @ pool[:, :, i, j], entropy(w), int(w.argmax())
    return mean, spread, heaviest


def seen(image, i, j, window, border):
    """The window around a pixel, one pixel at a time."""
    h, w = image.shape[1:]
    out = torch.zeros(len(image), window, window).double()
    for a, b in itertools.product(range(window), range(window)):
        r, s = i + a - window // 2, j + b - window // 2
        if border == "circular":
            out[:, a, b] = image[:, r % h, s % w]
        elif 0 <= r < h and 0 <= s < w:
            out[:, a, b] = image[:, r, s]
    return out


def naive_els(pool, y, sigma, window, border):
    mean, spread, heaviest = torch.zeros(SHAPE).double(), {}, {}
    candidates = [(n, r, s) for n in range(len(pool)) for r, s in PLACES]
    windows = torch.stack([seen(pool[n], r, s, window, border) for n, r, s in candidates])
    centres = torch.stack([pool[n, :, r, s] for n, r, s in candidates])
    for i, j in PLACES:
        w = softmax((seen(y, i, j, window, border) - windows).square().sum((1, 2, 3)), sigma)
        mean[:, i, j], spread[i, j], heaviest[i, j] = w @ centres, entropy(w), candidates[int(w.argmax())]
    return mean, spread, heaviest


def naive_pspc(pool, y, sigma, window):
    total, count, shares = torch.zeros(SHAPE).double(), torch.zeros(SHAPE[1:]), torch.zeros(*SHAPE[1:], len(pool)).double()
    for i, j in itertools.product(range(SHAPE[1] - window + 1), range(SHAPE[2] - window + 1)):
        rows, cols = slice(i, i + window), slice(j, j + window)
        w = softmax((y[:, rows, cols] - pool[:, :, rows, cols]).square().sum((1, 2, 3)), sigma)
        total[:, rows, cols] += torch.einsum("n,nchw->chw", w, pool[:, :, rows, cols])
        shares[rows, cols] += w
        count[rows, cols] += 1
    mixture = {place: shares[place] / count[place] for place in PLACES}
    return total / count, {p: entropy(w) for p, w in mixture.items()}, {p: int(w.argmax()) for p, w in mixture.items()}


def naive_mask(pool, sigma, threshold, scale, transposed):
    """From the definition of W, entry by entry."""
    flat = pool.flatten(1)
    covariance = (flat - flat.mean(0)).T @ (flat - flat.mean(0)) / len(flat)
    w = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(len(covariance)).double())
    d, mask = range(len(w)), torch.zeros_like(w)
    largest = max(float(abs(w[q, p]) / w[q, q]) for q in d for p in d)
    for q, p in itertools.product(d, d):
        unit = {"row": w[q, q], "global": largest * w[q, q], "correlation": math.sqrt(w[q, q] * w[p, p])}[scale]
        if abs(w[q, p]) >= threshold * unit:
            mask[(p, q) if transposed else (q, p)] = 1
    return mask


def naive_pca(pool, y, sigma, mask, temperature=1.0):
    flat, query = pool.flatten(1), y.flatten()
    mean, spread, heaviest = torch.zeros_like(query), torch.zeros_like(query), torch.zeros_like(query, dtype=torch.int64)
    for q in range(len(query)):
        w = softmax((mask[q] * (query - flat).square()).sum(1), sigma * math.sqrt(temperature))
        mean[q], spread[q], heaviest[q] = w @ flat[:, q], entropy(w), w.argmax()
    return mean.reshape(SHAPE), spread.reshape(SHAPE), heaviest.reshape(SHAPE)


def assert_posterior(found, b, mean, spread, heaviest):
    exact = found.mean.dtype == torch.float64
    torch.testing.assert_close(found.mean[b].double(), mean, rtol=0, atol=1e-9 if exact else 1e-4)
    for place in PLACES:
        assert float(found.entropy[b, 0][place]) == pytest.approx(spread[place], abs=1e-7 if exact else 2e-3)
        image = int(found.heaviest[b, 0][place])
        assert (image if found.place is None else (image, *found.place[b, 0][place].tolist())) == heaviest[place]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("window", [1, 3, 7])
def test_windows_equal_their_naive_twin(sigma, window, dtype):
    pool = images(12, "pool")
    y = question(pool, sigma)
    found = LS(pool, window, chunk=5).posterior(y.to(dtype), sigma)
    for b in range(2):
        assert_posterior(found, b, *naive_ls(pool.double(), y[b].double(), sigma, window))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize(("window", "border"), [(1, "zeros"), (3, "zeros"), (7, "zeros"), (3, "circular"), (5, "circular")])
def test_places_equal_their_naive_twin(sigma, window, border, dtype):
    pool = images(7, "pool")
    y = question(pool, sigma)
    found = ELS(pool, window, border, chunk=3).posterior(y.to(dtype), sigma)
    for b in range(2):
        assert_posterior(found, b, *naive_els(pool.double(), y[b].double(), sigma, window, border))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("window", [1, 2, 3, 5])
def test_patches_equal_their_naive_twin(sigma, window, dtype):
    pool = images(12, "pool")
    y = question(pool, sigma)
    found = PSPC(pool, window, chunk=5).posterior(y.to(dtype), sigma)
    for b in range(2):
        assert_posterior(found, b, *naive_pspc(pool.double(), y[b].double(), sigma, window))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("scale", ["row", "global", "correlation"])
@pytest.mark.parametrize(("transposed", "temperature"), [(False, 1.0), (True, 1.0), (False, 3.0)])
def test_masks_and_their_posterior_equal_their_naive_twin(sigma, scale, transposed, temperature, dtype):
    pool = images(90, "pool") * (0.2 + images(1, "contrast").abs())  # uneven, else the three scales are nearly the same
    y, kind = question(pool, sigma), "exact" if temperature == 1 else "tempered"
    denoiser = PCALocality(pool, Wiener.fit(pool), 0.15, scale, transposed, kind, temperature, chunk=40)
    mask = naive_mask(pool.double(), sigma, 0.15, scale, transposed)
    assert torch.equal(denoiser.mask(sigma).double(), mask)
    found, exact = denoiser.posterior(y.to(dtype), sigma), dtype == torch.float64
    for b in range(2):
        mean, spread, heaviest = naive_pca(pool.double(), y[b].double(), sigma, mask, temperature)
        torch.testing.assert_close(found.mean[b].double(), mean, rtol=0, atol=1e-9 if exact else 1e-4)
        torch.testing.assert_close(found.entropy[b].double(), spread, rtol=0, atol=1e-7 if exact else 2e-3)
        assert torch.equal(found.heaviest[b], heaviest)


def test_outputs_in_several_tiles_come_back_to_their_places():
    """9 x 17 pixels are 2 x 3 tiles, some of them cut off."""
    pool = images(20, "pool", (2, 9, 17)).double()
    y, mask = question(pool, 0.5), binarised(Wiener.fit(pool).matrix(0.5), 0.1).double()
    weights = torch.softmax(-((y.flatten(1)[:, None] - pool.flatten(1)).square() @ mask.T) / 0.5, 1)
    expected = torch.einsum("bnq,nq->bq", weights, pool.flatten(1)).reshape(y.shape)
    torch.testing.assert_close(PCALocality(pool, Wiener.fit(pool), 0.1)(y, 0.5), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("make", [lambda pool: LS(pool, 63), lambda pool: PSPC(pool, 32), lambda pool: ELS(pool, 31, chunk=1)])
def test_near_duplicates_keep_their_weights_at_low_noise(make):
    """Squares expanded in float32 are off by tenths here."""
    base = images(1, "pool", (1, 32, 32))
    pool = torch.cat([base, base + 1e-3 * images(3, "ripple", (1, 32, 32))])
    y = base + 0.01 * torch.randn(base.shape, generator=stream(2, "noise"))
    exact = make(pool.double())(y.double(), torch.tensor(0.01).double())
    torch.testing.assert_close(make(pool)(y, 0.01).double(), exact, rtol=0, atol=1e-6)
    if not isinstance(make(pool), ELS):
        optimal = Optimal(pool).posterior(y, 0.01)
        assert 1.5 < float(optimal.effective) < 3.5, "the case must be a contested one"
        torch.testing.assert_close(make(pool)(y, 0.01), optimal.mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_a_mask_of_everything_is_the_optimal_denoiser(sigma):
    pool = images(30, "pool", (2, 6, 6)).double()
    y = question(pool, sigma)
    optimal = Optimal(pool).posterior(y, sigma)
    whole = [
        LS(pool, 11),
        PSPC(pool, 6),
        *(PCALocality(pool, Wiener.fit(pool), 0.0, scale) for scale in ("row", "global", "correlation")),
    ]
    for denoiser in whole:
        found = denoiser.posterior(y, sigma)
        torch.testing.assert_close(found.mean, optimal.mean, rtol=0, atol=1e-8)
        torch.testing.assert_close(found.entropy, optimal.entropy[:, None, None, None].expand_as(found.entropy), rtol=0, atol=1e-7)
        assert bool((found.heaviest == optimal.heaviest[:, None, None, None]).all())


@pytest.mark.parametrize("sigma", SIGMAS)
def test_windows_that_cover_the_torus_are_the_optimal_denoiser_of_all_shifts(sigma):
    pool = images(4, "pool", (2, 5, 5)).double()
    y = question(pool, sigma)
    shifts = torch.cat([pool.roll(shift, (2, 3)) for shift in itertools.product(range(5), range(5))])
    torch.testing.assert_close(ELS(pool, 5, "circular")(y, sigma), Optimal(shifts)(y, sigma), rtol=0, atol=1e-8)


def test_on_the_torus_a_shifted_question_has_a_shifted_answer():
    pool = images(6, "pool").double()
    y, denoiser = question(pool, 0.5), ELS(pool, 3, "circular")
    torch.testing.assert_close(denoiser(y.roll((2, -1), (2, 3)), 0.5), denoiser(y, 0.5).roll((2, -1), (2, 3)), rtol=0, atol=1e-10)


def test_a_shifted_image_of_the_pool_is_found_with_its_place():
    pool = images(6, "pool")
    found = ELS(pool, 3, "circular").posterior(pool[4:5].roll((2, -1), (2, 3)), 0.02)
    rows, cols = torch.tensor(PLACES).reshape(*SHAPE[1:], 2).unbind(-1)
    assert bool((found.heaviest == 4).all())
    assert torch.equal(found.place[0, 0], torch.stack([(rows - 2) % SHAPE[1], (cols + 1) % SHAPE[2]], -1))


def test_each_pixel_names_the_image_it_came_from():
    pool = images(9, "pool")
    y = torch.cat([pool[3:4, :, :, :3], pool[7:8, :, :, 3:]], 3)  # left half from one image, right half from another
    expected = torch.tensor([3, 3, 3, 7, 7, 7]).expand(5, -1)
    for denoiser in (LS(pool, 1), PSPC(pool, 1), PCALocality(pool, Wiener.fit(pool, 0.1), 1.0)):
        found = denoiser.posterior(y, 1e-4)
        assert bool((found.heaviest == expected).all())
        torch.testing.assert_close(found.effective, torch.ones_like(found.effective), rtol=0, atol=1e-3)


def test_effective_number_is_all_of_the_candidates_at_infinite_noise_and_one_for_a_known_image():
    pool = images(9, "pool")
    y = question(pool, 0.3)
    for denoiser, count in (
        (LS(pool, 3), 9),
        (PSPC(pool, 3), 9),
        (ELS(pool, 3), 270),
        (PCALocality(pool, Wiener.fit(pool), 0.1), 9),
    ):
        assert float(denoiser.posterior(y, 1e5).effective.min()) == pytest.approx(count, rel=1e-4)
    for denoiser in (LS(pool, 3), PSPC(pool, 3), PCALocality(pool, Wiener.fit(pool), 0.1)):
        found = denoiser.posterior(pool[4:5], 1e-4)
        assert float(found.effective.max()) == pytest.approx(1)
        assert bool((found.heaviest == 4).all())


def test_without_noise_a_mask_is_the_identity():
    pool = images(200, "pool")
    for scale in ("row", "global", "correlation"):
        denoiser = PCALocality(pool, Wiener.fit(pool), 0.1, scale)
        assert torch.equal(denoiser.mask(1e-4), torch.eye(60, dtype=torch.bool))
        assert float(denoiser.mask(3.0).double().mean()) > 0.1


def test_what_the_threshold_is_measured_against():
    """Contrast of the output leaves "row" as it is, contrast of any pixel leaves "correlation"; "global" follows the worst row."""
    w = Wiener.fit(images(90, "pool")).matrix(0.7)
    contrast = torch.ones(60, 1).double()
    contrast[7] = 0.05
    assert torch.equal(binarised(contrast * w, 0.15, "row"), binarised(w, 0.15, "row"))
    assert torch.equal(binarised(contrast * w * contrast.T, 0.15, "correlation"), binarised(w, 0.15, "correlation"))
    correlation = binarised(w, 0.15, "correlation")
    assert torch.equal(correlation, correlation.T)
    assert not torch.equal(binarised(contrast * w * contrast.T, 0.15, "row"), binarised(w, 0.15, "row"))
    lower, before = binarised(contrast * w * contrast.T, 0.15, "global"), binarised(w, 0.15, "global")
    others = torch.arange(60) != 7
    assert lower[others][:, others].sum() < 0.5 * before[others][:, others].sum(), "one faint pixel must raise the bar for all"


def test_a_dead_pixel_is_answered_by_its_value_and_hears_nothing():
    pool = images(90, "pool")
    pool[:, 1, 2, 3] = -0.5
    dead = 1 * 30 + 2 * 6 + 3
    for scale in ("row", "global", "correlation"):
        denoiser = PCALocality(pool, Wiener.fit(pool), 0.1, scale)
        assert not bool(denoiser.mask(0.5)[dead].any() | denoiser.mask(0.5)[:, dead].any())
        assert denoiser(question(pool, 0.5), 0.5)[:, 1, 2, 3].tolist() == pytest.approx([-0.5, -0.5])


def test_batched_is_the_mean_of_the_answers_of_its_batches():
    pool = images(10, "pool").double()
    wiener, y = Wiener.fit(pool), question(pool, 0.4)
    found = PCALocality(pool, wiener, 0.1, softmax="batched", batch=4).posterior(y, 0.4)
    parts = [PCALocality(part, wiener, 0.1).posterior(y, 0.4) for part in pool.split(4)]
    torch.testing.assert_close(found.mean, torch.stack([part.mean for part in parts]).mean(0), rtol=0, atol=1e-12)
    mixture = torch.stack([part.entropy for part in parts]).mean(0) + math.log(3)
    torch.testing.assert_close(found.entropy, mixture, rtol=0, atol=1e-12)
    mask = PCALocality(pool, wiener, 0.1).mask(0.4).double()
    apart = (y.flatten(1)[:, None] - pool.flatten(1)).square() @ mask.T
    weights = torch.cat([torch.softmax(-part / (2 * 0.4**2), 1) for part in apart.split(4, 1)], 1)
    assert torch.equal(found.heaviest, weights.argmax(1).reshape(found.heaviest.shape))


def test_batched_depends_on_the_order_of_the_pool_and_one_batch_is_exact():
    pool = images(10, "pool").double()
    wiener, y = Wiener.fit(pool), question(pool, 0.4)
    batched = [PCALocality(p, wiener, 0.1, softmax="batched", batch=4)(y, 0.4) for p in (pool, pool.flip(0))]
    assert float((batched[0] - batched[1]).abs().max()) > 0.01
    exact = PCALocality(pool, wiener, 0.1)(y, 0.4)
    assert float((batched[0] - exact).abs().max()) > 0.01
    torch.testing.assert_close(PCALocality(pool, wiener, 0.1, softmax="batched", batch=10)(y, 0.4), exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("batch", [3, 4])
def test_batched_has_the_jacobian_autograd_finds_for_any_chunk(batch):
    pool = images(10, "pool").double()
    y, pixels = question(pool, 0.4), torch.tensor([[0, 0], [2, 5]])
    denoiser = PCALocality(pool, Wiener.fit(pool), 0.1, softmax="batched", batch=batch, chunk=2)
    torch.testing.assert_close(denoiser.jacobian(y, 0.4, pixels), jacobian_rows(denoiser, y, 0.4, pixels), rtol=1e-7, atol=1e-9)
    assert torch.autograd.gradcheck(lambda s: denoiser(y, s), (torch.tensor(0.4).double().requires_grad_(),), atol=1e-6)


def test_sensitivity_ends_where_the_window_does():
    pool, pixel = images(20, "pool").double(), torch.tensor([[0, 2]])
    y = question(pool, 0.5)
    reach = {LS(pool, 3): 1, ELS(pool, 3): 1, PSPC(pool, 3): 2}
    for denoiser, far in reach.items():
        listened = denoiser.jacobian(y, 0.5, pixel).abs().sum((0, 1, 2, 3)) > 0
        expected = torch.zeros(5, 6, dtype=torch.bool)
        expected[: far + 1, 2 - far : 2 + far + 1] = True
        assert torch.equal(listened, expected)


def test_masks_of_the_last_noise_levels_only_are_kept():
    pool = images(20, "pool")
    denoiser = PCALocality(pool, Wiener.fit(pool), 0.1)
    denoiser(images(KEPT + 5, "query"), torch.linspace(0.1, 3, KEPT + 5))
    assert len(denoiser._masks) == KEPT
    assert denoiser.mask(3.0) is denoiser.mask(3.0)


class Largest(TorchDispatchMode):
    """Bytes of the largest array that is made."""

    def __init__(self):
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        given = {a.untyped_storage().data_ptr() for a in args if isinstance(a, torch.Tensor)}
        for made in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(made, torch.Tensor) and made.untyped_storage().data_ptr() not in given:
                self.bytes = max(self.bytes, made.untyped_storage().nbytes())
        return out


def largest(make, chunk, n, b):
    denoiser, y = make(images(n, "pool"), chunk), images(b, "query")
    denoiser.posterior(y[:1], 0.5)  # a mask is made once for all
    with Largest() as seen_by:
        denoiser.posterior(y, 0.5)
    return seen_by.bytes


MAKE = {
    "LS": lambda pool, chunk: LS(pool, 3, chunk),
    "ELS": lambda pool, chunk: ELS(pool, 3, chunk=chunk),
    "PSPC": lambda pool, chunk: PSPC(pool, 3, chunk),
    "PCA-locality": lambda pool, chunk: PCALocality(pool, Wiener.fit(images(20, "pool")), 0.1, chunk=chunk),
}


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_no_array_grows_with_the_pool(make):
    assert largest(make, 16, 1024, 1) == largest(make, 16, 64, 1)
    assert largest(make, 256, 256, 1) > 1.5 * largest(make, 16, 64, 1), "it does grow with the chunk"


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_no_array_grows_with_the_batch(make):
    assert largest(make, 512, 512, 80) == largest(make, 512, 512, 40)


@pytest.mark.parametrize("window", [0, -1, 2, 4, 13, 3.0, True])
@pytest.mark.parametrize("make", [LS, ELS])
def test_a_window_without_a_centre_or_wider_than_all_is_refused(make, window):
    with pytest.raises(ValueError, match="expected an odd number from 1 to 11"):
        make(images(3, "pool"), window)


def test_a_window_that_wraps_round_the_torus_is_refused():
    with pytest.raises(ValueError, match="window is 7, expected an odd number from 1 to 5: a wider one would see"):
        ELS(images(3, "pool"), 7, "circular")


@pytest.mark.parametrize("window", [0, 6, 2.0])
def test_a_patch_that_does_not_fit_is_refused(window):
    with pytest.raises(ValueError, match="expected a whole number from 1 to 5: a patch lies inside the image"):
        PSPC(images(3, "pool"), window)


@pytest.mark.parametrize("make", [lambda p: LS(p, 3), lambda p: ELS(p, 3), lambda p: PSPC(p, 3)])
@pytest.mark.parametrize("shape", [(0, 2, 5, 6), (3, 5, 6), (3, 0, 5, 6)])
def test_a_pool_that_is_no_stack_of_images_is_refused(make, shape):
    with pytest.raises(ValueError, match=r"\(n, c, h, w\) with n >= 2"):
        make(torch.zeros(shape))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"threshold": -0.1}, r"threshold is -0.1, expected in \[0, 1\]"),
        ({"threshold": 1.5}, r"threshold is 1.5, expected in \[0, 1\]"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"scale": "column"}, "scale is 'column', expected 'row', 'global' or 'correlation'"),
        ({"softmax": "wss"}, "softmax is 'wss', expected 'exact', 'tempered' or 'batched'"),
        ({"temperature": 2.0}, "temperature is 2.0, expected > 0, and 1 unless softmax is 'tempered'"),
        ({"softmax": "tempered", "temperature": 0.0}, "temperature is 0.0"),
        ({"softmax": "batched", "batch": 0}, "batch is 0"),
        ({"chunk": 0}, "chunk is 0"),
        ({"wiener": Wiener.fit(images(3, "pool", (1, 5, 5)))}, r"fitted to images of shape \(1, 5, 5\), the pool has \(2, 5, 6\)"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, match):
    pool = images(3, "pool")
    with pytest.raises(ValueError, match=match):
        PCALocality(**{"pool": pool, "wiener": Wiener.fit(pool), "threshold": 0.1, **options})


def test_a_border_of_another_name_is_refused():
    with pytest.raises(ValueError, match="border is 'reflect', expected 'zeros' or 'circular'"):
        ELS(images(3, "pool"), 3, "reflect")


@pytest.mark.parametrize(
    "make", [lambda p: LS(p, 3), lambda p: ELS(p, 3), lambda p: PSPC(p, 3), lambda p: PCALocality(p, Wiener.fit(p), 0.1)]
)
def test_questions_that_cannot_be_asked_are_refused(make):
    denoiser, y = make(images(3, "pool")), images(2, "query")
    with pytest.raises(ValueError, match="expected at least one image"):
        denoiser(y[:0], 0.3)
    with pytest.raises(ValueError, match=r"pixels \[\[5, 0\]\] lie outside an image of 5 x 6"):
        denoiser.jacobian(y, 0.3, torch.tensor([[0, 0], [5, 0]]))


@pytest.mark.parametrize(
    "options",
    [{}, *({"softmax": "tempered", "temperature": t} for t in (0.5, 2.0)), *({"softmax": "batched", "batch": n} for n in (7, 19))],
)
def test_where_every_output_hears_everything_one_softmax_answers_for_all(options):
    pool = images(20, "pool")
    y, denoiser = question(pool, 1.0), PCALocality(pool, Wiener.fit(pool), 0.0, **options)
    assert bool(denoiser.mask(1.0).all())
    found = denoiser(y.float(), 1.0)
    torch.testing.assert_close(found.double(), denoiser(y.double(), 1.0), rtol=0, atol=1e-5)
    torch.testing.assert_close(found, denoiser.posterior(y.float(), 1.0).mean, rtol=0, atol=1e-5)
