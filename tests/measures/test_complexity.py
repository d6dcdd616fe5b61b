import math

import jaxtyping
import pytest
import scipy.fft
import torch
from beartype import beartype

from whence.measures import complexity
from whence.measures.complexity import (
    chebyshev,
    chebyshev_grid,
    cosines,
    expected_power,
    fourier,
    grid,
    lempel_ziv,
    mean_frequency,
    phrases,
    quantised,
    white_phrases,
)
from whence.seeds import stream

checked = jaxtyping.jaxtyped(typechecker=beartype)
MEASURES = {"fourier": fourier, "chebyshev": chebyshev, "lempel_ziv": lempel_ziv}


def white(*shape, name="white"):
    return torch.randn(shape, generator=stream(0, "complexity", name), dtype=torch.float64)


def smooth(points):
    x, y = points.unbind(-1)
    return torch.sin(3 * x + 1) + 0.3 * torch.exp(x * y)


@pytest.mark.parametrize("draw", [torch.Tensor.clone, torch.exp, torch.atan])
@pytest.mark.parametrize("name", MEASURES)
def test_white_noise_of_any_law_reads_one(name, draw):
    measure = checked(MEASURES[name])(draw(white(200, 16, 16)))
    assert float(measure.mean()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("shape", [(40,), (12, 20), (6, 6, 7)])
@pytest.mark.parametrize("measure", [fourier, chebyshev])
def test_white_noise_reads_one_on_any_grid(measure, shape):
    assert float(measure(white(300, *shape), len(shape), power=True).mean()) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_a_polynomial_reads_its_degree(dims):
    """The basis holds it: one coefficient, no other."""
    points = chebyshev_grid(8, dims)
    mean_degree = dims * 3.5 * 8**dims / (8**dims - 1)
    assert float(chebyshev(points[..., 0], dims)) == pytest.approx(1 / mean_degree, rel=1e-12)
    third = 4 * points[..., -1] ** 3 - 3 * points[..., -1]
    assert float(chebyshev(third, dims)) == pytest.approx(3 / mean_degree, rel=1e-12)


def test_a_linear_function_reads_the_floor_of_the_cosine_transform():
    """Along a line its coefficients fall as 1/k^2 over odd k; the sums are over the grid's own frequencies."""
    n = 64
    odd = list(range(1, n, 2))
    exact = [1 / math.sin(math.pi * k / 2 / n) ** 2 * math.cos(math.pi * k / 2 / n) for k in odd]
    expected = sum(k * a for k, a in zip(odd, exact, strict=True)) / sum(exact) / (n / 2)
    assert float(fourier(grid(n, 1)[..., 0], 1)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", MEASURES)
def test_linear_is_simpler_than_smooth_is_simpler_than_noise(name):
    points = chebyshev_grid(24) if name == "chebyshev" else grid(24)
    measure = MEASURES[name]
    assert float(measure(points[..., 0])) < float(measure(smooth(points))) < 0.8 * float(measure(white(24, 24)))


def test_a_plain_fourier_transform_reads_the_border_it_wraps_around():
    """By it a line looks more complex than fifteen half waves; by the cosine transform it is far simpler than they."""
    points = grid(64)
    line, fast = points[..., 0], torch.cos(15 * math.pi * (points[..., 0] + 1) / 2)
    assert float(fourier(line, periodic=True)) > 0.3
    assert float(fourier(line, periodic=True)) > float(fourier(fast))
    assert float(fourier(line)) < 0.05


@pytest.mark.parametrize("factor", [1e-6, 0.3, 7e5])
@pytest.mark.parametrize("name", MEASURES)
def test_a_positive_factor_and_a_constant_change_nothing(name, factor):
    values = torch.cat([smooth(grid(16))[None], white(2, 16, 16)])
    measure = MEASURES[name]
    torch.testing.assert_close(measure(factor * values), measure(values), rtol=1e-9, atol=0)
    torch.testing.assert_close(measure(values + 3), measure(values), rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", MEASURES)
def test_axes_may_be_exchanged_or_reversed(name):
    """Compression is read along both axes, in one direction each: reversing changes how it is cut, hardly how often."""
    values, measure = white(3, 16, 16), MEASURES[name]
    torch.testing.assert_close(measure(values.mT), measure(values), rtol=1e-12, atol=0)
    tolerance = 0.06 if name == "lempel_ziv" else 1e-12
    torch.testing.assert_close(measure(values.flip(-1)), measure(values), rtol=tolerance, atol=0)


@pytest.mark.parametrize("constant", [0.0, 0.1, -1e9])
@pytest.mark.parametrize("name", MEASURES)
def test_a_constant_reads_nought_and_not_its_rounding(name, constant):
    values = torch.full((2, 8, 8), constant, dtype=torch.float64)
    values[0, 3, 3] *= 1 + 2e-16
    assert MEASURES[name](values).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("name", MEASURES)
def test_leading_axes_survive_and_functions_do_not_mix(name):
    values, measure = white(2, 3, 10, 12), MEASURES[name]
    together = measure(values)
    assert together.shape == (2, 3)
    assert together.dtype == torch.float64
    assert float(together[1, 2]) == pytest.approx(float(measure(values[1, 2])), rel=1e-12)


@pytest.mark.parametrize("shape", [(9,), (8, 5), (4, 6, 5)])
def test_cosines_equal_an_independent_transform_and_keep_the_norm(shape):
    values = white(2, *shape)
    axes = tuple(range(1, values.ndim))
    found = cosines(values, len(shape))
    expected = scipy.fft.dctn(values.numpy(), type=2, norm="ortho", axes=axes)
    torch.testing.assert_close(found, torch.from_numpy(expected), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found.square().sum(axes), values.square().sum(axes), rtol=1e-12, atol=0)


def test_fourier_is_the_mean_frequency_of_its_own_spectrum():
    values = white(3, 9, 7)
    torch.testing.assert_close(mean_frequency(cosines(values).square()), fourier(values, power=True), rtol=1e-12, atol=0)


def test_expected_power_of_a_covariance_is_the_mean_power_of_its_functions():
    points = grid(6).reshape(-1, 2)
    covariance = torch.exp(-torch.cdist(points, points).square())
    root = torch.linalg.cholesky(covariance + 1e-9 * torch.eye(36, dtype=torch.float64))
    functions = (white(20_000, 36) @ root.T).reshape(-1, 6, 6)
    found, expected = cosines(functions).square().mean(0), expected_power(covariance)
    torch.testing.assert_close(found, expected, rtol=0.06, atol=1e-6)
    assert float(expected.sum()) == pytest.approx(36, rel=1e-9)


def naive(sequence):
    """Every phrase kept as a string of symbols, looked up whole."""
    met, phrase, count = set(), (), 0
    for symbol in sequence:
        phrase = (*phrase, symbol)
        if phrase not in met:
            met.add(phrase)
            phrase, count = (), count + 1
    return count + bool(phrase)


@pytest.mark.parametrize("alphabet", [1, 2, 10, 256])
def test_phrases_equal_those_of_a_naive_twin(alphabet):
    sequences = torch.randint(alphabet, (6, 300), generator=stream(0, "phrases", alphabet))
    assert phrases(sequences).tolist() == [naive(row) for row in sequences.tolist()]


def test_phrases_of_sequences_cut_by_hand():
    """a | b | ab | abb | aba | b, whose last has been met, and n equal symbols in phrases of length 1, 2, 3, ..."""
    assert int(phrases(torch.tensor([0, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1]))) == 6
    assert int(phrases(torch.zeros(55, dtype=torch.int64))) == 10
    assert int(phrases(torch.zeros(56, dtype=torch.int64))) == 11


def test_levels_hold_equal_shares_and_equal_values_the_same_level():
    levels = quantised(white(1000).exp(), 10)
    assert torch.bincount(levels).tolist() == [100] * 10
    tied = quantised(torch.tensor([0.0] * 7 + [1.0, 2.0, 3.0]), 10)
    assert tied[:7].unique().numel() == 1
    assert tied[7:].diff().gt(0).all()


def test_an_increasing_map_does_not_change_the_compression():
    values = white(4, 16, 16)
    assert torch.equal(lempel_ziv(values.exp()), lempel_ziv(values))


def test_repetition_across_lines_is_not_missed():
    """Columns of noise, all rows alike: read along the rows they repeat after one line, read down they are runs."""
    stripes = white(1, 32).expand(32, 32)
    assert float(lempel_ziv(stripes)) < 0.6
    assert float(lempel_ziv(stripes.mT)) == float(lempel_ziv(stripes))


def test_what_white_noise_reads_is_the_same_everywhere():
    white_phrases.cache_clear()
    assert white_phrases(1024, 10) == white_phrases(1024, 10)
    assert 1024 / 4 < white_phrases(1024, 10) < 1024 / 2


@pytest.mark.parametrize("name", MEASURES)
@pytest.mark.parametrize(
    ("values", "dims", "message"),
    [
        (torch.ones(8), 2, r"values of shape \(8,\) with dims = 2: expected \(..., n, ..., n\)"),
        (torch.ones(8, 1), 2, "at least 2 points each"),
        (torch.ones(8, 8), 0, "a grid of 0 axes"),
        (torch.tensor([[1.0, math.inf], [math.nan, 0.0]]), 2, "2 values are not finite"),
    ],
)
def test_what_is_no_function_on_a_grid_is_refused(name, values, dims, message):
    with pytest.raises(ValueError, match=message):
        MEASURES[name](values, dims)


def test_one_level_and_symbols_that_are_no_whole_numbers_are_refused():
    with pytest.raises(ValueError, match="1 levels: expected at least 2"):
        lempel_ziv(white(8, 8), levels=1)
    with pytest.raises(TypeError, match=r"symbols are torch\.float32, expected whole numbers"):
        phrases(torch.ones(8))


def test_a_covariance_of_no_grid_is_refused():
    with pytest.raises(ValueError, match=r"covariance of shape \(35, 35\), expected \(n\^2, n\^2\)"):
        expected_power(torch.eye(35))


def test_both_grids_fill_the_square_symmetrically():
    for points in (complexity.grid(7), complexity.chebyshev_grid(7)):
        assert points.shape == (7, 7, 2)
        torch.testing.assert_close(points.flip(0, 1), -points, rtol=0, atol=1e-15)
        assert 0.8 < float(points.max()) < 1
