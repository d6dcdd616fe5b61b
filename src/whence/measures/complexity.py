"""How complex a function is, read off its values on a grid: by frequency, by polynomial degree, by how badly it compresses.

Each measure is relative to white noise, which reads 1 on average on any grid. None changes when the function is multiplied by a
positive number or shifted by a constant. A constant reads 0. Leading axes survive, one answer for each function.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from whence.seeds import stream

FLAT = 1e-12  # spread of the values, relative to the largest, below which it is rounding
WHITE_DRAWS = 32  # sequences whose phrases are counted to know what white noise reads


def grid(n: int, dims: int = 2) -> Float[Tensor, "*n dims"]:
    """The centres of n^dims equal cells of [-1, 1]^dims, float64: where `fourier` and `lempel_ziv` want a function evaluated."""
    return _product((2 * torch.arange(n, dtype=torch.float64) + 1) / n - 1, dims)


def chebyshev_grid(n: int, dims: int = 2) -> Float[Tensor, "*n dims"]:
    """The zeros of the n-th Chebyshev polynomial along each axis, ascending, float64: where `chebyshev` wants it evaluated."""
    return _product(-torch.cos(math.pi * (torch.arange(n, dtype=torch.float64) + 0.5) / n), dims)


def fourier(values: Float[Tensor, "*s_grid"], dims: int = 2, power: bool = False, periodic: bool = False) -> Float[Tensor, " *s"]:
    """Mean frequency of values on `grid`, weighted by amplitude (teney2024redshift) or by `power`, over that of white noise.

    The frequencies are those of the cosine transform DCT-II, half a cycle apart: it continues the function evenly across the border
    of its domain. `periodic=True` takes the plain Fourier transform instead, which sees a step where the domain wraps around, and
    reads that step for every smooth function. Raises ValueError for values that are not finite, or not on a grid of `dims` axes.
    """
    exact = _checked(values, dims)
    if periodic:
        amplitude = torch.fft.fftn(exact, dim=tuple(range(-dims, 0))).abs()
        axes = [torch.fft.fftfreq(n, 1 / n, dtype=torch.float64, device=exact.device) for n in exact.shape[-dims:]]
    else:
        amplitude, axes = cosines(exact, dims).abs(), _orders(exact, dims)
    return _varying(exact, dims, _mean(amplitude.square() if power else amplitude, _radius(axes)))


def mean_frequency(power: Float[Tensor, "*s_grid"], dims: int = 2) -> Float[Tensor, " *s"]:
    """Mean frequency of cosine coefficients of these weights, over that of white noise: what `fourier` makes of a spectrum."""
    return _mean(power.double(), _radius(_orders(power.double(), dims)))


def chebyshev(values: Float[Tensor, "*s_grid"], dims: int = 2, power: bool = False) -> Float[Tensor, " *s"]:
    """Mean total degree of values on `chebyshev_grid` in the Chebyshev basis, over that of white noise.

    Weighted by the amplitude, or the power, of the coefficients in the orthonormal basis; on these nodes they are the DCT-II of the
    values, without any fit. Raises ValueError as `fourier` does.
    """
    exact = _checked(values, dims)
    amplitude = cosines(exact, dims).abs()
    degree = torch.stack(torch.meshgrid(*_orders(exact, dims), indexing="ij")).sum(0)
    return _varying(exact, dims, _mean(amplitude.square() if power else amplitude, degree))


def lempel_ziv(values: Float[Tensor, "*s_grid"], dims: int = 2, levels: int = 10) -> Float[Tensor, " *s"]:
    """Phrases in which Lempel and Ziv's parsing (ziv1978compression) cuts the values on `grid`, over those of white noise.

    Values become `levels` symbols, each for an equal share of them: noise of any distribution then reads 1, and no increasing map
    of the values changes anything. The grid is read once along each axis and the counts averaged: one reading alone misses what
    repeats across its lines. Raises ValueError as `fourier` does, or for fewer than two levels.
    """
    exact = _checked(values, dims)
    if levels < 2:
        raise ValueError(f"{levels} levels: expected at least 2, or every function reads like a constant")
    symbols = quantised(exact.flatten(-dims), levels).reshape(exact.shape)
    readings = [symbols.movedim(axis, -1).flatten(-dims) for axis in range(-dims, 0)]
    count = torch.stack([phrases(reading) for reading in readings]).double().mean(0)
    return _varying(exact, dims, count / white_phrases(readings[0].shape[-1], levels))


def quantised(values: Float[Tensor, "*s n"], levels: int) -> Int[Tensor, "*s n"]:
    """Each value's level, 0 to levels - 1, cut where equal shares of the n values lie below; equal values get equal levels."""
    ordered = values.sort(-1).values
    n = values.shape[-1]
    cuts = ordered[..., [math.ceil(k * n / levels) for k in range(1, levels)]]
    return torch.searchsorted(cuts.contiguous(), values.contiguous(), right=True)


def phrases(symbols: Int[Tensor, "*s n"]) -> Int[Tensor, " *s"]:
    """How many phrases each sequence is cut into: each is the shortest not met before (ziv1978compression), the last perhaps met.

    Raises TypeError for symbols that are not whole numbers.
    """
    if symbols.is_floating_point() or symbols.is_complex():
        raise TypeError(f"symbols are {symbols.dtype}, expected whole numbers: quantise values first, or take `lempel_ziv`")
    counts = [_phrases(sequence) for sequence in symbols.reshape(-1, symbols.shape[-1]).tolist()]
    return torch.tensor(counts, dtype=torch.int64, device=symbols.device).reshape(symbols.shape[:-1])


@lru_cache
def white_phrases(n: int, levels: int) -> float:
    """Mean number of phrases of n symbols drawn uniformly from `levels`, over 32 draws of a fixed stream."""
    drawn = torch.randint(levels, (WHITE_DRAWS, n), generator=stream(0, "white noise", n, levels))
    return float(phrases(drawn).double().mean())


def cosines(values: Float[Tensor, "*s_grid"], dims: int = 2) -> Float[Tensor, "*s_grid"]:
    """Coefficients of the orthonormal DCT-II over the last `dims` axes, float64; the first is that of the constant."""
    found = values.double()
    for axis in range(-dims, 0):
        found = (found.movedim(axis, -1) @ _basis(found.shape[axis]).to(found.device).T).movedim(-1, axis)
    return found


def expected_power(covariance: Float[Tensor, "N N"], dims: int = 2) -> Float[Tensor, "*grid"]:
    """E |coefficient|^2 of `cosines` for functions of this covariance (mean 0) on `grid`, whose points are flattened in order.

    Raises ValueError when N is no number of points of a grid with `dims` equal axes.
    """
    n = round(len(covariance) ** (1 / dims))
    if covariance.shape != (n**dims, n**dims):
        raise ValueError(
            f"covariance of shape {tuple(covariance.shape)}, expected (n^{dims}, n^{dims}): of a function on a whole grid"
        )
    once = cosines(covariance.reshape(-1, *(n,) * dims), dims).flatten(1)
    return cosines(once.T.reshape(-1, *(n,) * dims), dims).flatten(1).diagonal().reshape((n,) * dims)


def _phrases(sequence: list[int]) -> int:
    """Walks a tree of phrases, kept as a dict from (phrase, symbol) to phrase."""
    tree: dict[tuple[int, int], int] = {}
    node = 0
    for symbol in sequence:
        following = tree.get((node, symbol))
        if following is None:
            tree[node, symbol] = len(tree) + 1
            following = 0
        node = following
    return len(tree) + (node != 0)


@lru_cache
def _basis(n: int) -> Float[Tensor, "n n"]:
    """Row k is the cosine of k half cycles at n cell centres, of unit norm."""
    k = torch.arange(n, dtype=torch.float64)
    rows = torch.cos(math.pi * k[:, None] * (k + 0.5) / n) * math.sqrt(2 / n)
    rows[0] /= math.sqrt(2)
    return rows


def _mean(weight: Tensor, order: Float[Tensor, "*grid"]) -> Tensor:
    """Weighted mean order without the constant, over the plain mean; that is white noise's, whose weights are exchangeable."""
    weight, order = weight.flatten(-order.ndim)[..., 1:], order.flatten()[1:]
    return (weight * order).sum(-1) / weight.sum(-1) / order.mean()


def _varying(values: Tensor, dims: int, measure: Tensor) -> Tensor:
    """The measure, and 0 for functions whose values differ by no more than rounding: it would read the rounding as noise."""
    flat = values.flatten(-dims)
    spread = flat.amax(-1) - flat.amin(-1)
    return torch.where(spread > FLAT * flat.abs().amax(-1), measure, 0.0)


def _orders(values: Tensor, dims: int) -> list[Tensor]:
    return [torch.arange(n, dtype=torch.float64, device=values.device) for n in values.shape[-dims:]]


def _radius(axes: list[Tensor]) -> Tensor:
    return torch.stack(torch.meshgrid(*axes, indexing="ij")).square().sum(0).sqrt()


def _product(points: Tensor, dims: int) -> Tensor:
    return torch.stack(torch.meshgrid(*[points] * dims, indexing="ij"), -1)


def _checked(values: Tensor, dims: int) -> Tensor:
    """The values in float64."""
    if dims < 1 or values.ndim < dims or min(values.shape[-dims:]) < 2:
        raise ValueError(
            f"values of shape {tuple(values.shape)} with dims = {dims}: expected (..., n, ..., n), a grid of {dims} axes "
            "with at least 2 points each"
        )
    if not bool(torch.isfinite(values).all()):
        raise ValueError(f"{int((~torch.isfinite(values)).sum())} values are not finite: a network whose weights are too large?")
    return values.double()
