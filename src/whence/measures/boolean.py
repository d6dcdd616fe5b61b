"""How complex a function on the cube is, and which of the functions that agree on the seen part is the simplest.

Functions are given by their Walsh coefficients, (..., 2^d) in the order of `whence.walsh`; leading axes survive.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from whence.walsh import bits, degrees, dimension, evaluate

LARGEST = 11  # dimension of a min-degree interpolator: singular value decompositions of up to 2^d by 2^d
ROUNDING = 1e-9  # below this share of the largest singular value a direction is not there


def degree_profile(coefficients: Float[Tensor, "*s n"]) -> Float[Tensor, "*s d1"]:
    """Sum of squared coefficients of each degree 0, ..., d; together they are E f^2."""
    d = dimension(coefficients.shape[-1])
    empty = coefficients.new_zeros(*coefficients.shape[:-1], d + 1)
    return empty.index_add(-1, degrees(coefficients.shape[-1]).to(coefficients.device), coefficients.square())


def influence(coefficients: Float[Tensor, "*s n"]) -> Float[Tensor, "*s d"]:
    """Inf_i: sum of squared coefficients of the sets that hold i, which is E (f(x) - f(x with bit i turned))^2 / 4."""
    inside = bits(coefficients.shape[-1]).to(coefficients)
    return coefficients.square() @ inside


def stability(coefficients: Float[Tensor, "*s n"], rho: float) -> Float[Tensor, "*s"]:
    """Stab_rho: E f(x) f(y) where each bit of y is that of x with probability (1 + rho) / 2: sum of rho^|T| c_T^2.

    Raises ValueError for a rho outside of [-1, 1].
    """
    if not -1 <= rho <= 1:
        raise ValueError(f"rho {rho}: expected a correlation between -1 and 1")
    profile = degree_profile(coefficients)
    return profile @ torch.tensor([float(rho) ** k for k in range(profile.shape[-1])]).to(profile)


def noise_sensitivity(coefficients: Float[Tensor, "*s n"], delta: float) -> Float[Tensor, "*s"]:
    """NS_delta = P(f(x) != f(y)) where y is x with each bit turned with probability delta: (1 - Stab_{1 - 2 delta}) / 2.

    Raises ValueError when the function has other values than -1 and 1, or for a delta outside of [0, 1].
    """
    if not 0 <= delta <= 1:
        raise ValueError(f"delta {delta}: expected the probability that a bit is turned, between 0 and 1")
    values = evaluate(coefficients)
    off = values[(values.abs() - 1).abs() > 1e-6]
    if len(off):
        raise ValueError(
            f"labels with a value {off[0].item():.3g}: noise sensitivity counts changed labels, so expected -1 and 1 alone. "
            "Labels 0 and 1 become 1 - 2 * y; of a real function take the stability instead"
        )
    return (1 - stability(coefficients, 1 - 2 * delta)) / 2


def min_degree(values: Float[Tensor, " n"], seen: Bool[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Coefficients of the interpolator of least degree: of all functions with these values where `seen`, the one with the least
    squared mass in degree d, of those the one with least in degree d - 1, and so on.

    Values where it is not seen are not read. Of functions of few of many coordinates it is enough to give those few: averaging over
    the others lowers the mass of every degree. Raises ValueError for a cube of more than 11 dimensions, or nothing seen.
    """
    d = _checked(values, seen)
    sign = _characters(len(values))
    known = torch.where(seen, values.double(), 0.0)
    found, free = sign @ known / len(values), sign[:, ~seen] / len(values)  # an interpolator, and what may be added to it
    of = degrees(len(values))
    for k in range(d, -1, -1):
        if free.shape[1] == 0:
            break
        _, s, vt = torch.linalg.svd(free[of == k], full_matrices=True)
        rank = int((s > ROUNDING * free.norm(dim=0).max()).sum())
        moved = free @ vt.T
        used = torch.linalg.lstsq(moved[of == k][:, :rank], found[of == k, None]).solution
        found, free = found - (moved[:, :rank] @ used)[:, 0], moved[:, rank:]
    return found


def least_norm(values: Float[Tensor, " n"], seen: Bool[Tensor, " n"], eigenvalues: Float[Tensor, " k"]) -> Float[Tensor, " n"]:
    """Coefficients of the interpolator that a kernel of these eigenvalues ends on: least sum of c_T^2 / eigenvalue_|T|.

    The values are those of a function of the first few coordinates; with the eigenvalues of a cube of many more dimensions, degree
    0, 1, ..., the answer is exact for that cube with every point seen whose first coordinates are. Raises as `min_degree`
    and `frozen`.
    """
    scale = _positive(eigenvalues, _checked(values, seen))
    sign = _characters(len(values))
    weighted = scale[degrees(len(values))][:, None] * sign[:, seen]
    kernel = sign[:, seen].T @ weighted
    return weighted @ torch.linalg.solve(kernel, values[seen].double())


def frozen(coefficients: Float[Tensor, " n"], bit: int, eigenvalues: Float[Tensor, " k"]) -> Float[Tensor, " n"]:
    """Coefficients of the kernel's interpolator where training shows only x_bit = 1: in closed form, for any function.

    There chi_T and chi_{T + bit} are the same. Of their joint coefficient g the larger set gets the share
    l = e_{|T|+1} / (e_|T| + e_{|T|+1}) and the smaller the rest: least degree is l = 0.
    Raises ValueError for a bit that f has not, for fewer than d + 1 eigenvalues, or for one that is not positive.
    """
    d = dimension(coefficients.shape[-1])
    if not 0 <= bit < d:
        raise ValueError(f"bit {bit} of a function of {d} bits: expected 0 to {d - 1}")
    without = (bits(2**d)[:, bit] == 0).nonzero()[:, 0]
    joint = coefficients[without] + coefficients[without + 2**bit]
    share = leak(_positive(eigenvalues, d))[degrees(2**d)[without]]
    found = torch.empty_like(coefficients)
    found[without], found[without + 2**bit] = (1 - share) * joint, share * joint
    return found


def holdout(coefficients: Float[Tensor, " n"], eigenvalues: Float[Tensor, " k"]) -> Float[Tensor, " d"]:
    """Half the squared error over the whole cube of the kernel's interpolator, where training shows only x_i = 1, for each bit i.

    Without a leak (eigenvalues that fall infinitely fast) it is the influence.
    """
    bits_of = range(dimension(len(coefficients)))
    return torch.stack([(coefficients - frozen(coefficients, i, eigenvalues)).square().sum() / 2 for i in bits_of])


def leak(eigenvalues: Float[Tensor, " k"]) -> Float[Tensor, " k1"]:
    """Share that degree k + 1 gets of what could be of degree k: e_{k+1} / (e_k + e_{k+1}) for k = 0, 1, ..."""
    return eigenvalues[1:] / (eigenvalues[:-1] + eigenvalues[1:])


def eigenvalues(kernel: Float[Tensor, " d1"], degree: int) -> Float[Tensor, " k1"]:
    """Eigenvalues of degree 0, ..., `degree` of a kernel on the cube that depends on the number of unlike bits alone.

    `kernel` holds its values between points that differ in 0, ..., d bits. Every monomial of degree k is an eigenfunction of
    e_k = E kernel(x, 1) chi_T(x). The weights are exact integers; the sum is rounded at 1e-16 of the largest kernel value.
    Raises ValueError for a degree above d.
    """
    d = len(kernel) - 1
    if not 0 <= degree <= d:
        raise ValueError(f"degree {degree} on a cube of dimension {d}: expected 0 to {d}")
    rows = [[math.comb(d, j) * _krawtchouk(d, k, j) / (2**d * math.comb(d, k)) for j in range(d + 1)] for k in range(degree + 1)]
    return torch.tensor(rows, dtype=torch.float64, device=kernel.device) @ kernel.double()


def _krawtchouk(d: int, k: int, j: int) -> int:
    """Sum of all monomials of degree k at a point with j coordinates -1."""
    return sum((-1) ** i * math.comb(j, i) * math.comb(d - j, k - i) for i in range(min(j, k) + 1))


def _characters(size: int) -> Tensor:
    """(2^d, 2^d): chi_T at each point, a row for each T; symmetric."""
    member = bits(size).double()
    return 1 - 2 * ((member @ member.T) % 2)


def _positive(eigenvalues: Tensor, d: int) -> Tensor:
    known = eigenvalues.double()
    if len(known) <= d or not bool((known > 0).all()):
        raise ValueError(
            f"{len(known)} eigenvalues, the least {float(known.min()):.1e}: expected {d + 1}, of degree 0 to {d}, all positive. "
            "A kernel without some degree cannot interpolate; eigenvalues below 1e-16 of the largest are not known that well"
        )
    return known


def _checked(values: Tensor, seen: Tensor) -> int:
    d = dimension(len(values))
    if d > LARGEST:
        raise ValueError(
            f"interpolator on a cube of dimension {d}: expected at most {LARGEST}, since matrices of 2^{d} by 2^{d} would take "
            f"{8 * 4**d / 2**30:,.0f} GiB. Leave out coordinates that neither the function nor the seen part depends on"
        )
    if seen.shape != values.shape or not bool(seen.any()):
        raise ValueError(
            f"{int(seen.sum())} of {len(values)} points seen, by a mask of shape {tuple(seen.shape)}: expected a mask of the "
            "values' shape with at least one point seen"
        )
    return d
