import itertools
import math

import jaxtyping
import pytest
import torch
from beartype import beartype

from whence.measures.sensitivity import field, jacobian_rows, sensitivity, side
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)
PIXELS = torch.tensor([[0, 0], [1, 3], [2, 2]])


def normal(*shape, name="x"):
    return torch.randn(*shape, generator=stream(0, "sensitivity", name), dtype=torch.float64)


def linear(matrix, shape):
    return lambda y, sigma: (y.flatten(1) @ matrix.T).reshape(-1, *shape) / (1 + torch.as_tensor(sigma))


def at(pixels):
    return torch.tensor([pixels])


def test_rows_of_a_linear_map_are_those_of_its_matrix():
    shape = (2, 3, 4)
    matrix = normal(24, 24)
    rows = checked(jacobian_rows)(linear(matrix, shape), normal(5, *shape), 0.25, PIXELS)
    expected = (matrix / 1.25).reshape(*shape, *shape)[:, PIXELS[:, 0], PIXELS[:, 1]].transpose(0, 1)
    torch.testing.assert_close(rows, expected.expand(5, -1, -1, -1, -1, -1))


def test_rows_of_a_nonlinear_map_are_its_finite_differences():
    y, matrix = normal(2, 1, 3, 4), normal(12, 12)

    def denoiser(y, sigma):
        return torch.tanh(linear(matrix, (1, 3, 4))(y, sigma))

    rows = jacobian_rows(denoiser, y, 0.5, PIXELS)
    for i, j in itertools.product(range(3), range(4)):
        step = torch.zeros_like(y)
        step[:, 0, i, j] = 1e-6
        slope = (denoiser(y + step, 0.5) - denoiser(y - step, 0.5)) / 2e-6
        torch.testing.assert_close(rows[:, :, 0, 0, i, j], slope[:, 0, PIXELS[:, 0], PIXELS[:, 1]], rtol=1e-6, atol=1e-7)


def test_rows_are_found_also_where_gradients_are_off_and_leave_the_input_alone():
    y = normal(2, 1, 3, 4)
    with torch.no_grad():
        rows = jacobian_rows(lambda y, sigma: 2 * y, y, 0.5, PIXELS)
    assert rows.sum() == 2 * 2 * len(PIXELS)
    assert not rows.requires_grad
    assert not y.requires_grad


@pytest.mark.parametrize("pixel", [(3, 0), (0, 4), (-1, 0)])
def test_a_pixel_outside_the_image_is_refused_and_named(pixel):
    with pytest.raises(ValueError, match=r"lie outside an image of 3 x 4") as caught:
        jacobian_rows(lambda y, sigma: y, normal(1, 1, 3, 4), 0.5, torch.tensor([[0, 0], pixel]))
    assert f"[{list(pixel)}]" in str(caught.value)


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_field_is_the_mean_over_images_of_the_sum_over_channels(power):
    rows = normal(3, 2, 2, 2, 4, 5)
    found = checked(field)(rows, power)
    for q, i, j in itertools.product(range(2), range(4), range(5)):
        terms = [abs(float(rows[b, q, o, c, i, j])) ** power for b in range(3) for o in range(2) for c in range(2)]
        assert float(found[q, i, j]) == pytest.approx(sum(terms) / 3)


def test_sensitivity_is_the_field_of_the_rows():
    y, denoiser = normal(2, 1, 3, 4), linear(normal(12, 12), (1, 3, 4))
    torch.testing.assert_close(sensitivity(denoiser, y, 0.5, PIXELS, 2), field(jacobian_rows(denoiser, y, 0.5, PIXELS), 2))
    torch.testing.assert_close(sensitivity(denoiser, y, 0.5, PIXELS), field(jacobian_rows(denoiser, y, 0.5, PIXELS), 1))


def naive_side(one, pixel, fraction, torus):
    """Grow the square ring by ring and add up what lies in it."""
    h, w = one.shape

    def apart(p, centre, n):
        d = abs(p - centre)
        return min(d, n - d) if torus else d

    total, before, width = float(one.sum()), 0.0, 0
    for r in range(max(h, w)):
        cells = [(i, j) for i in range(h) for j in range(w) if max(apart(i, pixel[0], h), apart(j, pixel[1], w)) <= r]
        inside, wide = sum(float(one[i, j]) for i, j in cells), 2 * r + 1
        wide = min(wide, max(h, w)) if torus else wide
        if inside >= fraction * total * (1 - 1e-14):
            return width + (fraction * total - before) / (inside - before) * (wide - width)
        before, width = inside, wide
    raise AssertionError("the whole image holds the whole mass")


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("shape", [(6, 6), (7, 7), (5, 8)])
@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.75, 0.95, 1.0])
def test_side_equals_its_naive_twin(torus, shape, fraction):
    pixels = torch.tensor([[0, 0], [2, 3], [4, 4], [1, 4]])
    fields = normal(4, *shape).square()
    found = checked(side)(fields, pixels, fraction, torus)
    expected = [naive_side(one, pixel, fraction, torus) for one, pixel in zip(fields, pixels.tolist(), strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("fraction", [0.25, 0.5, 1.0])
def test_side_of_a_single_point_is_the_fraction(fraction):
    fields = torch.zeros(1, 9, 9)
    fields[0, 4, 4] = 3
    assert float(side(fields, at((4, 4)), fraction)) == pytest.approx(fraction)


def test_side_of_a_uniform_field_is_that_of_a_square_with_that_area():
    """Exact at whole squares: 9 of 81 pixels lie in side 3, 49 in side 7."""
    uniform = torch.ones(1, 9, 9)
    for whole in (1, 3, 5, 7, 9):
        assert float(side(uniform, at((4, 4)), whole**2 / 81)) == pytest.approx(whole)
    assert 6 < float(side(uniform, at((4, 4)), 0.5)) < 9 * 0.5**0.5 + 0.1


def test_a_corner_looks_further_than_the_middle_and_a_torus_has_no_corner():
    uniform = torch.ones(2, 9, 9)
    pixels = torch.tensor([[0, 0], [4, 4]])
    corner, middle = side(uniform, pixels, 0.5)
    # From the corner, side 2r + 1 holds (r + 1)^2 pixels: 36 at r = 5, 49 at r = 6
    assert float(corner) == pytest.approx(11 + 2 * (40.5 - 36) / 13)
    assert float(middle) < float(corner)
    wrapped = side(uniform, pixels, 0.5, torus=True)
    assert wrapped.tolist() == pytest.approx([float(middle)] * 2)


@pytest.mark.parametrize("size", [8, 9])
def test_no_side_is_wider_than_the_torus(size):
    assert float(side(torch.ones(1, size, size), at((1, 2)), 1.0, torus=True)) == size


def test_a_field_that_moves_with_its_pixel_keeps_its_side_on_a_torus():
    one = normal(8, 8).square()
    pixels = torch.tensor([[0, 0], [3, 5], [7, 1]])
    fields = torch.stack([one.roll((i, j), (0, 1)) for i, j in pixels.tolist()])
    found = side(fields, pixels, 0.6, torus=True)
    torch.testing.assert_close(found, found[:1].expand(3))


def test_side_grows_with_the_fraction_and_not_with_the_scale():
    fields = normal(1, 9, 9).square()
    sides = [float(side(fields, at((2, 6)), f)) for f in torch.linspace(0.05, 1, 20).tolist()]
    assert sides == sorted(set(sides))
    assert float(side(1e-9 * fields, at((2, 6)), 0.5)) == pytest.approx(float(side(fields, at((2, 6)), 0.5)))


def test_side_passes_over_empty_rings():
    """Half in the centre, half in the ring at distance 3 (sides 5 to 7), nothing between."""
    fields = torch.zeros(1, 9, 9)
    fields[0, 4, 4] = fields[0, 4, 7] = 1
    assert float(side(fields, at((4, 4)), 0.5)) == pytest.approx(1)
    assert float(side(fields, at((4, 4)), 0.75)) == pytest.approx(6)


def test_a_dead_field_has_no_side_and_spoils_no_other():
    fields = torch.zeros(2, 5, 5)
    fields[1, 2, 2] = 1
    dead, live = side(fields, torch.tensor([[2, 2], [2, 2]]), 0.5).tolist()
    assert math.isnan(dead)
    assert live == 0.5


@pytest.mark.parametrize("fraction", [0.0, -0.5, 1.01, 50, math.nan])
def test_a_fraction_that_is_none_is_refused(fraction):
    with pytest.raises(ValueError, match=r"expected in \(0, 1\], such as 0.5"):
        side(torch.ones(1, 5, 5), at((2, 2)), fraction)
