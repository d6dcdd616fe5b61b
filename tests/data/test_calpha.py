"""C^alpha images and discs."""

import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.data.calpha import calpha, contour, disc, discs
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)


def white(n, width, name="white"):
    return torch.rand(n, width, generator=stream(0, "calpha", name), dtype=torch.float64) - 0.5


def slope(x, y):
    x, y = x.log() - x.log().mean(), y.log()
    return float((x * y).sum() / (x * x).sum())


def increments(line, order, lags):
    """Mean square of the order-th difference of a closed curve, at each lag."""
    found = []
    for lag in lags:
        away = line
        for _ in range(order):
            away = away.roll(-lag, -1) - away
        found.append(away.square().mean())
    return torch.stack(found)


@pytest.mark.parametrize("decay", [1.0, 1.5, 2.5, 3.5])
def test_the_spectrum_of_a_contour_falls_by_twice_its_decay(decay):
    power = torch.fft.rfft(contour(white(400, 256), decay) - 0.5).abs().square().mean(0)
    k = torch.arange(1, 100).double()
    assert slope(k, power[1:100]) == pytest.approx(-2 * decay, abs=0.05)
    assert float(power[0] / power[1]) == pytest.approx(1, abs=0.4), "the mean height varies like the slowest wave"


@pytest.mark.parametrize(("alpha", "order"), [(0.5, 1), (1.0, 2), (2.0, 3), (3.0, 4)])
def test_a_contour_of_decay_alpha_and_a_half_has_alpha_derivatives(alpha, order):
    """Differences of a higher order than alpha shrink as lag^alpha, and by no power more."""
    lags = [8, 16, 32, 64]
    found = increments(contour(white(100, 8192), alpha + 0.5), order, lags)
    assert slope(torch.tensor(lags).double(), found) / 2 == pytest.approx(alpha, abs=0.07)


@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
def test_backgrounds_of_decay_alpha_plus_one_are_those_that_are_denoised_with_the_slope_of_the_theory(alpha):
    """alpha / (alpha + 1): on power f^-2b the best linear denoiser errs by the mean of sigma^2 P / (P + sigma^2), slope 1 - 1/b."""
    f = torch.fft.fftfreq(1024, 1 / 1024, dtype=torch.float64)
    power = torch.hypot(f[:, None], f).clamp_min(1) ** (-2 * (alpha + 1))
    levels = torch.tensor([10.0, 20.0, 40.0]).double() ** -(alpha + 1)  # waves up to these stand above the noise
    errors = torch.stack([(s**2 * power / (power + s**2)).mean() for s in levels])
    assert slope(levels**2, errors) == pytest.approx(alpha / (alpha + 1), abs=0.03)


def steepness(images):
    return images.diff(dim=-1).square().mean() + images.diff(dim=-2).square().mean()


def test_larger_alpha_is_smoother_and_the_released_decay_is_rougher():
    drawn = {(a, d): calpha(60, 24, a, stream(0, "t"), d) for a in (1.0, 2.0, 4.0) for d in ("regular", "released")}
    rough = {key: float(steepness(images.diff(dim=-1))) for key, images in drawn.items()}  # of the slope: edges weigh less
    for decay in ("regular", "released"):
        assert rough[1.0, decay] > rough[2.0, decay] > rough[4.0, decay]
    for alpha in (1.0, 2.0, 4.0):
        assert rough[alpha, "released"] > rough[alpha, "regular"]


def test_released_backgrounds_have_one_derivative_less():
    """Where no contour is, alpha = 3 as released is alpha = 2: the same noise, the same image."""
    released, regular = (calpha(30, 16, a, stream(0, "t"), d) for a, d in ((3.0, "released"), (2.0, "regular")))
    torch.testing.assert_close(released[:, :, [0, -1]], regular[:, :, [0, -1]], rtol=0, atol=0.05)
    assert not torch.equal(released, regular)


@pytest.mark.parametrize("alpha", [1.0, 3.0])
def test_images_are_grey_in_range_and_use_most_of_it(alpha):
    images = checked(calpha)(200, 16, alpha, stream(0, "t"))
    assert images.shape == (200, 1, 16, 16)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    assert images.amax((1, 2, 3)).mean() > 0.8
    assert images.amin((1, 2, 3)).mean() < -0.8
    assert images.mean().abs() < 0.15, "either background may be the bright one"


def test_above_and_below_the_contour_are_two_ranges_that_do_not_touch():
    """In the first and the last row, which no contour reaches, and as often the one is brighter as the other."""
    images = calpha(400, 16, 2.0, stream(0, "t"))
    top, bottom = images[:, 0, 0], images[:, 0, -1]
    top_darker, bottom_darker = top.amax(1) < bottom.amin(1), bottom.amax(1) < top.amin(1)
    assert (top_darker | bottom_darker).double().mean() > 0.99
    assert abs(float(top_darker.double().mean()) - 0.5) < 5 * 0.5 / math.sqrt(400)


def test_contours_keep_inside_the_image():
    heights = contour(white(4000, 32), 1.5)
    assert float(heights.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(heights.std()) == pytest.approx(0.125, rel=0.03)
    assert ((heights > 0) & (heights < 1)).double().mean() > 0.999


def test_a_shorter_draw_is_the_start_of_a_longer_one():
    for draw in (lambda n: calpha(n, 8, 2.0, stream(0, "t")), lambda n: discs(n, 8, stream(0, "t"))):
        long = draw(300)
        for n in (1, 7, 255, 256, 257):
            assert torch.equal(draw(n), long[:n])


def test_a_disc_has_its_place_radius_and_levels():
    """Half way in all five numbers: the middle, a quarter of the image wide, level 0; and one at its extremes."""
    image = checked(disc)(torch.tensor([[0.5, 0.5, 0.5, 1.0, 0.0], [0.0, 1.0, 0.0, 0.25, 0.75]]).double(), 64)[:, 0]
    covered = (image[0] + 1) / 2
    assert float(covered.sum()) == pytest.approx(math.pi * 16**2, rel=2e-3)
    assert torch.equal(covered, covered.flip(0))
    assert torch.equal(covered, covered.T)
    assert image[1].max() == 0.5
    assert image[1].min() == -0.5
    assert image[1][8, 56 - 1] == -0.5, "the upper right corner, 8 pixels wide"
    inside = (image[1] < 0.5).nonzero()
    assert inside.amin(0).tolist() == [0, 48]
    assert inside.amax(0).tolist() == [15, 63]


def test_discs_are_a_family_of_five_numbers():
    """Rendering has a derivative of rank five at nearly every disc."""
    numbers = torch.rand(20, 5, generator=stream(0, "discs"), dtype=torch.float64) * 0.9 + 0.05
    for one in numbers:
        ends = [disc(one + side * 1e-6 * torch.eye(5, dtype=torch.float64), 16).flatten(1) for side in (1, -1)]
        derivative = (ends[0] - ends[1]) / 2e-6
        values = torch.linalg.svdvals(derivative)
        assert (values > 1e-3).sum() == (5 if abs(one[3] - one[4]) > 1e-3 else 2)


def test_discs_lie_inside_and_differ():
    images = checked(discs)(200, 16, stream(0, "t"))
    assert images.shape == (200, 1, 16, 16)
    assert images.dtype == torch.float32
    assert images.abs().max() <= 1
    ground = images[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]]  # no disc reaches a corner
    assert torch.equal(ground, ground[:, :1].expand(-1, 4))
    assert len(images.flatten(1).unique(dim=0)) == 200


@pytest.mark.parametrize("size", [0, 7])
def test_sizes_too_small_are_refused(size):
    for draw in (lambda: calpha(1, size, 1.0, stream(0, "t")), lambda: discs(1, size, stream(0, "t"))):
        with pytest.raises(ValueError, match=rf"1 images of {size} x {size} pixels: expected at least 1 image, of at least 8 x 8"):
            draw()


@pytest.mark.parametrize(("alpha", "decay"), [(0.0, "regular"), (-1.0, "regular"), (math.inf, "regular"), (1.0, "published")])
def test_an_alpha_or_decay_there_is_not_is_refused(alpha, decay):
    with pytest.raises(ValueError, match=rf"alpha {alpha}, decay '{decay}': expected a finite alpha > 0 and 'regular' or 'rel"):
        calpha(1, 8, alpha, stream(0, "t"), decay)
