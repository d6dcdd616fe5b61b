"""What must hold for every denoiser D(y, sigma) of the family, whatever it is."""

from __future__ import annotations

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.covariance import Whitening
from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.patches import PSPC
from whence.denoisers.places import ELS
from whence.denoisers.wiener import Circulant, Wiener
from whence.denoisers.windows import LS
from whence.measures.sensitivity import jacobian_rows
from whence.seeds import stream

SIGMAS = (0.02, 0.3, 2.0)
PIXELS = torch.tensor([[0, 0], [2, 3], [4, 4]])


def images(n, *names, channels=2, size=5):
    return torch.rand(n, channels, size, size, generator=stream(0, *names), dtype=torch.float64) * 2 - 1


def circulant(pool):
    power = torch.fft.fft2(pool[:, 0] - pool[:, 0].mean()).abs().square().mean(0)
    return Circulant((power + power.flip((0, 1)).roll((1, 1), (0, 1))) / 2, float(pool.mean()))


FAMILY = {
    "optimal": Optimal,
    "optimal, chunks of 3": lambda pool: Optimal(pool, chunk=3),
    "wiener": Wiener.fit,
    "wiener, shrunk": lambda pool: Wiener.fit(pool, 0.2),
    "wiener, ledoit-wolf": lambda pool: Wiener.fit(pool, "ledoit-wolf"),
    "circulant": circulant,
    "LS": lambda pool: LS(pool, 3),
    "LS, chunks of 7": lambda pool: LS(pool, 5, chunk=7),
    "ELS, zeros": lambda pool: ELS(pool, 3),
    "ELS, circular, chunks of 7": lambda pool: ELS(pool, 3, "circular", chunk=7),
    "PSPC": lambda pool: PSPC(pool, 3),
    "PSPC, even, chunks of 7": lambda pool: PSPC(pool, 2, chunk=7),
    "PCA-locality": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.2),
    "PCA-locality, global": lambda pool: PCALocality(pool, Wiener.fit(pool), 0.1, scale="global", transposed=True),
    "PCA-locality, correlation, tempered": lambda pool: PCALocality(
        pool, Wiener.fit(pool), 0.1, scale="correlation", softmax="tempered", temperature=2.0, chunk=7
    ),
}
# These answer every place alike, so what they say at infinite noise and of one image is a colour, not an image.
PLACELESS = {name for name in FAMILY if name.startswith(("circulant", "ELS"))}


@pytest.fixture(params=FAMILY, ids=lambda name: name.replace(" ", "-"))
def make(request):
    return FAMILY[request.param]


@pytest.mark.parametrize("sigma", SIGMAS)
def test_closed_form_jacobian_is_the_one_autograd_finds(make, sigma):
    denoiser, y = make(images(40, "pool")), images(3, "query")
    torch.testing.assert_close(denoiser.jacobian(y, sigma, PIXELS), jacobian_rows(denoiser, y, sigma, PIXELS), rtol=1e-7, atol=1e-8)


def test_scalar_sigma_is_the_same_sigma_per_sample(make):
    denoiser, y = make(images(40, "pool")), images(3, "query")
    mixed = (SIGMAS[1], SIGMAS[2], SIGMAS[0])
    each = torch.cat([denoiser(y[i : i + 1], sigma) for i, sigma in enumerate(mixed)])
    torch.testing.assert_close(denoiser(y, torch.tensor(mixed, dtype=torch.float64)), each, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(denoiser(y, torch.tensor(0.3, dtype=torch.float64)), denoiser(y, 0.3))


def test_batch_split_changes_nothing(make):
    denoiser, y = make(images(40, "pool")), images(7, "query")
    torch.testing.assert_close(denoiser(y, 0.3), torch.cat([denoiser(part, 0.3) for part in y.split(3)]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_order_of_the_pool_changes_nothing(make, sigma):
    pool, y = images(40, "pool"), images(3, "query")
    shuffled = pool[torch.randperm(40, generator=stream(0, "order"))]
    torch.testing.assert_close(make(pool)(y, sigma), make(shuffled)(y, sigma), rtol=1e-9, atol=1e-9)


def test_infinite_noise_gives_the_mean(make):
    pool, y = images(40, "pool"), images(3, "query")
    denoiser = make(pool)
    mean = denoiser.mean if hasattr(denoiser, "mean") else pool.mean(0)
    torch.testing.assert_close(denoiser(y, 1e6), torch.as_tensor(mean, dtype=y.dtype).expand_as(y), rtol=0, atol=1e-9)


def test_one_image_is_all_there_is_to_answer(make):
    image = images(1, "pool")
    if make in [FAMILY[name] for name in PLACELESS]:
        image = torch.full_like(image, 0.3)
    twins = image + 1e-11 * images(2, "speck")  # one image but for a speck, without which there is no covariance
    answer = make(twins)(images(3, "query"), 0.3)
    torch.testing.assert_close(answer, image.expand_as(answer), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", sorted(FAMILY.keys() - {"circulant"}))  # which is not fitted to a pool
def test_a_pool_of_one_image_is_refused(name):
    with pytest.raises(ValueError, match="pool has 1 image, expected at least 2"):
        FAMILY[name](images(1, "pool"))


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 80.0])
def test_float32_is_answered_in_float32_and_within_1e_4_of_float64(make, sigma):
    denoiser, clean = make(images(40, "pool")), images(6, "query")
    clean[:3] = 0.9 * images(40, "pool")[:3] + 0.1 * clean[:3]  # some near the pool, some not
    y = (clean + sigma * torch.randn(clean.shape, generator=stream(0, "noise"), dtype=torch.float64)).float()
    assert denoiser(y, sigma).dtype == torch.float32
    torch.testing.assert_close(denoiser(y, sigma).double(), denoiser(y.double(), sigma), rtol=0, atol=1e-4)


def test_a_derivative_in_float32_is_that_of_float64(make):
    denoiser, y, gradients = make(images(12, "pool")), images(2, "query"), []
    for dtype in (torch.float32, torch.float64):
        question, sigma = y.to(dtype).requires_grad_(), torch.tensor([0.4, 1.0], dtype=dtype, requires_grad=True)
        found = torch.autograd.grad(denoiser(question, sigma).square().sum(), (question, sigma))
        gradients.append([one.double() for one in found])
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_denoiser_is_differentiable_in_y_and_sigma(make):
    denoiser, y = make(images(12, "pool")), images(2, "query").requires_grad_()
    sigma = torch.tensor([0.4, 1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(denoiser, (y, sigma), eps=1e-6, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, -0.1, float("nan"), float("inf")])
def test_noise_that_is_not_positive_and_finite_is_refused(make, sigma):
    with pytest.raises(ValueError, match="expected finite and > 0"):
        make(images(4, "pool"))(images(2, "query"), sigma)


def test_sigma_per_pixel_is_refused(make):
    with pytest.raises(ValueError, match="one noise level per sample"):
        make(images(4, "pool"))(images(2, "query"), torch.full((2, 1, 5, 5), 0.3))


def test_images_of_another_shape_are_refused(make):
    with pytest.raises(ValueError, match="5"):
        make(images(4, "pool"))(images(2, "query", size=6), 0.3)


@pytest.mark.parametrize(
    ("spoil", "match"),
    [
        (lambda y: (127.5 * (y + 1)).round(), "expected images in \\[-1, 1\\] plus noise"),
        (lambda y: (127.5 * (y + 1)).to(torch.uint8), "y has dtype torch.uint8"),
        (lambda y: y * float("nan"), "y holds pixels as far as nan"),
    ],
)
@pytest.mark.parametrize("make", [make for name, make in FAMILY.items() if not name.startswith(("wiener", "circulant"))])
def test_questions_of_another_range_than_the_pool_are_refused(make, spoil, match):
    with pytest.raises(ValueError, match=match):
        make(images(4, "pool"))(spoil(images(2, "query")), 0.3)


@pytest.mark.parametrize("make", [Optimal, lambda p: LS(p, 3), lambda p: ELS(p, 3), lambda p: PSPC(p, 3)])
def test_pools_not_in_the_range_of_images_are_refused(make):
    pool = images(4, "pool")
    for wrong, match in (
        ((127.5 * (pool + 1)).to(torch.uint8), "pool has dtype torch.uint8, expected float32 or float64 pixels in"),
        (127.5 * (pool + 1), "pool holds pixels from .* to 2.*, expected in"),
        (pool * float("nan"), "pool holds pixels from nan to nan"),
    ):
        with pytest.raises(ValueError, match=match):
            make(wrong)
    make(5 * pool)  # a Gaussian field goes that far


@pytest.mark.parametrize("make", [Optimal, lambda p: LS(p, 3), lambda p: ELS(p, 3), lambda p: PSPC(p, 3)])
def test_whitened_images_with_a_pixel_that_one_in_a_thousand_lights_are_denoised(make):
    pool = images(1000, "pool")
    pool[:, :, 0, 0] = -1
    pool[7, :, 0, 0] = 1
    white = Whitening.fit(pool)(pool)
    assert white.max() > 20
    denoiser, y = make(white.float()), (white[5:9] + 0.3 * images(4, "noise")).float()
    torch.testing.assert_close(denoiser(y, 0.3).double(), denoiser(y.double(), 0.3), rtol=0, atol=1e-4)


def test_shapes_are_those_of_the_annotations(make):
    denoiser = make(images(4, "pool"))
    checked = jaxtyping.jaxtyped(typechecker=beartype)(type(denoiser).__call__)
    assert checked(denoiser, images(2, "query"), 0.3).shape == (2, 2, 5, 5)
