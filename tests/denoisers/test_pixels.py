"""Answers at some pixels are those of the whole image there."""

import pytest
import torch

from whence.denoisers.masks import PCALocality
from whence.denoisers.optimal import Optimal
from whence.denoisers.pixels import linked, masked, windows
from whence.denoisers.wiener import Wiener
from whence.denoisers.windows import LS
from whence.seeds import stream

SHAPE = torch.Size((2, 5, 6))
PIXELS = torch.tensor([[0, 0], [2, 3], [4, 5], [1, 0]])
CLOSE = 1e-4  # as promised; the twins answer in float64
SIGMAS = (0.02, 0.3, 1.0, 20.0)


def images(n, name):
    """Images whose pixels hang together, so that masks are neither empty nor full."""
    rough = torch.rand(n, *SHAPE, generator=stream(5, name)) * 2 - 1
    return (rough + rough.roll(1, 2) + rough.roll(1, 3) + rough.flip(1)) / 4


def question(sigma, dtype=torch.float32):
    noise = torch.randn(6, *SHAPE, generator=stream(5, "noise"))
    return (images(6, "asked") + sigma * noise).to(dtype)


def there(whole):
    return whole[:, :, PIXELS[:, 0], PIXELS[:, 1]].transpose(1, 2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("threshold", [0.0, 0.1, 1.0])
def test_linked_masks_make_it_pca_locality(threshold, sigma, dtype):
    pool, y = images(70, "pool"), question(sigma, dtype)
    wiener = Wiener.fit(pool)
    found = masked(pool, y, sigma, PIXELS, linked(wiener, sigma, PIXELS, threshold), chunk=32)
    expected = there(PCALocality(pool, wiener, threshold)(y.double(), sigma))
    assert found.dtype == dtype
    assert (found - expected).abs().max() < CLOSE


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("window", [1, 3, 9])
def test_windows_make_it_the_local_score_machine(window, sigma):
    pool, y = images(70, "pool"), question(sigma, torch.float64)
    found = masked(pool, y, sigma, PIXELS, windows(SHAPE, window, PIXELS))
    assert (found - there(LS(pool, window)(y, sigma))).abs().max() < CLOSE


def test_a_mask_of_everything_makes_it_the_optimal_denoiser():
    pool, y = images(50, "pool"), question(0.3, torch.float64)
    everything = torch.ones(len(PIXELS), SHAPE[0], SHAPE.numel(), dtype=torch.bool)
    assert (masked(pool, y, 0.3, PIXELS, everything) - there(Optimal(pool)(y, 0.3))).abs().max() < CLOSE


def test_other_images_of_the_batch_and_other_pixels_change_nothing():
    pool, y = images(90, "pool"), question(0.1, torch.float64)
    mask = windows(SHAPE, 3, PIXELS)
    together = masked(pool, y, 0.1, PIXELS, mask)
    assert torch.allclose(together[2:3, 1:2], masked(pool, y[2:3], 0.1, PIXELS[1:2], mask[1:2], chunk=7), atol=CLOSE)


def test_refusals():
    pool, y = images(9, "pool"), question(0.3)
    mask = windows(SHAPE, 3, PIXELS)
    with pytest.raises(ValueError, match="a row for each channel of each pixel"):
        masked(pool, y, 0.3, PIXELS, mask[:, :1])
    with pytest.raises(ValueError, match="outside an image"):
        masked(pool, y, 0.3, PIXELS + 4, mask)
    with pytest.raises(ValueError, match=r"threshold is 1\.5"):
        linked(Wiener.fit(pool), 0.3, PIXELS, 1.5)
    with pytest.raises(ValueError, match="odd"):
        windows(SHAPE, 2, PIXELS)
