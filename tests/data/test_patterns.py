"""A pattern written into the covariance."""

import math

import jaxtyping
import pytest
import torch
from beartype import beartype
from scipy import ndimage

from whence.data.patterns import pattern, write_pattern
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def images(n, c=3, size=8, dtype=torch.float64):
    return torch.randn(n, c, size, size, generator=stream(0, "patterns"), dtype=torch.float64).to(dtype)


def covariance(x):
    return torch.cov(x.flatten(1).double().T, correction=0)


@pytest.mark.parametrize("size", [8, 9, 10, 13, 16, 28, 32, 64])
def test_the_letter_has_norm_one_and_one_value_on_its_strokes(size):
    w = checked(pattern)(size)
    assert float(w.norm()) == pytest.approx(1)
    assert len(w.unique()) == 2
    assert float(w.min()) == 0
    assert torch.equal(w, w.flip(1))


@pytest.mark.parametrize("size", [8, 9, 10, 13, 16, 28, 32, 64])
def test_it_reads_as_a_w(size):
    """Connected; the top row crosses it in two places, the foot in two, a row between in four, or three where it is coarse."""
    ink = (pattern(size) > 0).numpy()
    assert ndimage.label(ink, structure=[[1] * 3] * 3)[1] == 1
    crossings = [ndimage.label(row)[1] for row in ink if row.any()]
    assert crossings[0] == crossings[-1] == 2
    assert max(crossings) == 4 if size > 10 else max(crossings) >= 3
    middle = ink[:, size // 2 - 1 : size - size // 2 + 1].any(1).nonzero()[0]
    whole = ink.any(1).nonzero()[0]
    assert whole[0] < middle[0], "the middle peak is lower than the arms"
    assert middle[-1] < whole[-1], "and the feet are open between them"
    assert 0.15 < ink.mean() < 0.4


def test_a_letter_too_small_to_read_is_refused():
    with pytest.raises(ValueError, match="a W of 7 x 7 pixels: expected at least 8 x 8"):
        pattern(7)


def test_every_image_gains_a_multiple_of_the_pattern_the_same_in_all_channels():
    x, w = images(5), pattern(8)
    added = checked(write_pattern)(x, w, 2.0, 0) - x
    xi = added[:, 0].flatten(1) @ w.flatten() / 2
    torch.testing.assert_close(added, 2 * xi[:, None, None, None] * w.expand(5, 3, 8, 8))
    generator = stream(0, "pattern")
    torch.testing.assert_close(xi, torch.stack([torch.randn((), generator=generator, dtype=torch.float64) for _ in range(5)]))


def test_the_multiples_are_standard_normal():
    """Each moment within five of its standard errors."""
    n, w = 4000, pattern(8)
    xi = (write_pattern(torch.zeros(n, 1, 8, 8, dtype=torch.float64), w, 1.0, 3).flatten(1) @ w.flatten()).numpy()
    for power, expected, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert abs((xi**power).mean() - expected) < 5 * math.sqrt(spread / n)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_covariance_gains_the_pattern_and_nothing_else(channels):
    n, w = 6000, pattern(8)
    x = images(n, channels)
    v = w.expand(channels, -1, -1).flatten()
    found = covariance(write_pattern(x, w, 3.0, 0)) - covariance(x)
    expected = 9 * torch.outer(v, v)
    spread = 3 * math.sqrt(2 / n)  # of an entry between x and 3 xi v, where |v| <= 1; and of xi^2
    assert (found - expected).abs().max() < 5 * spread * v.max() + 5 * spread * expected.max()
    assert float(v @ found @ v) == pytest.approx(9 * channels**2, rel=0.1)


def test_the_first_images_of_a_longer_pool_get_the_same():
    x, w = images(40), pattern(8)
    long = write_pattern(x, w, 1.0, 0)
    for n in (0, 1, 15, 16, 17, 39):
        assert torch.equal(write_pattern(x[:n], w, 1.0, 0), long[:n])
    assert not torch.equal(write_pattern(x, w, 1.0, 1), long)


def test_no_strength_writes_nothing_and_the_dtype_stays():
    x, w = images(3, dtype=torch.float32), pattern(8)
    assert torch.equal(write_pattern(x, w, 0.0, 0), x)
    written = write_pattern(x, w, 1.0, 0)
    assert written.dtype == torch.float32
    torch.testing.assert_close(written.double(), write_pattern(x.double(), w, 1.0, 0), rtol=1e-6, atol=1e-6)


def test_a_pattern_of_another_size_is_refused_with_the_call_that_fits():
    with pytest.raises(ValueError, match=r"\(9, 9\) on images of shape \(3, 3, 8, 8\): expected \(8, 8\), as pattern\(8\) gives"):
        write_pattern(images(3), pattern(9), 1.0, 0)


@pytest.mark.parametrize("strength", [-1.0, math.inf, math.nan])
def test_a_strength_that_is_none_is_refused(strength):
    with pytest.raises(ValueError, match=f"strength is {strength}, expected a finite number >= 0"):
        write_pattern(images(3), pattern(8), strength, 0)
