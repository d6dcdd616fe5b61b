"""The Walsh transform: functions on the cube {-1, 1}^d as sums of monomials, both as vectors of 2^d numbers.

Index r stands for the point whose coordinate i is -1 where bit i of r is set, and for the set T of the coordinates whose bits are
set. Then chi_T(x) = prod_{i in T} x_i is -1 to the number of common bits, and f(x) = sum_T c_T chi_T(x).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor


def dimension(size: int) -> int:
    """d of a vector of 2^d numbers. Raises ValueError when the size is no power of two."""
    if size < 1 or size & (size - 1):
        raise ValueError(f"{size} values of a function on a cube: expected 2^d, one for each of its points")
    return size.bit_length() - 1


def hadamard(values: Float[Tensor, "*s n"]) -> Float[Tensor, "*s n"]:
    """sum_r (-1)^|r & q| values_r for each q, in d 2^d additions and float64; twice makes 2^d times the values."""
    out = values.double()
    for i in range(dimension(values.shape[-1])):
        even, odd = out.reshape(*values.shape[:-1], -1, 2, 2**i).unbind(-2)
        out = torch.stack([even + odd, even - odd], -2).reshape(values.shape)
    return out


def coefficients(values: Float[Tensor, "*s n"]) -> Float[Tensor, "*s n"]:
    """c_T = E f(x) chi_T(x) over the whole cube, from the values of f at its points."""
    return hadamard(values) / values.shape[-1]


def evaluate(coefficients: Float[Tensor, "*s n"]) -> Float[Tensor, "*s n"]:
    """The values of f at the points of the cube, from its coefficients."""
    return hadamard(coefficients)


def bits(size: int) -> Int[Tensor, "n d"]:
    """Which coordinates are in each set: 0 or 1, a row for each index."""
    d = dimension(size)
    return (torch.arange(size)[:, None] >> torch.arange(d)) & 1


def degrees(size: int) -> Int[Tensor, " n"]:
    """|T| of each set T, in the order of the indices."""
    return bits(size).sum(1)


def index(members: Iterable[int]) -> int:
    """Where the coefficient of a set of coordinates stands: index((0, 1)) is 3. Raises ValueError for one that is there twice."""
    chosen = list(members)
    if len(set(chosen)) != len(chosen) or any(i < 0 for i in chosen):
        raise ValueError(f"set of coordinates {chosen}: expected each once, counted from 0")
    return sum(1 << i for i in chosen)
