"""How many directions data vary in: the intrinsic dimension, from how the distances to near neighbours grow."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from whence.linalg import squared_distances

AVERAGES = ("rates", "dimensions")


def dimension(
    x: Float[Tensor, "n d"], k: int = 5, average: str = "rates", pool: Float[Tensor, "p d"] | None = None, chunk: int = 1024
) -> float:
    """The maximum-likelihood intrinsic dimension of points, from the distances T_1 <= ... <= T_k to each one's k nearest others.

        1 / m(x) = sum_{j < k} log(T_k / T_j) / (k - 1)                                              (levina2004dimension)

    One number of all points: `average` "rates" averages 1 / m(x) (MacKay and Ghahramani's correction: the inverse of a mean is what
    the likelihood of all points asks for, and few neighbours bias it less; it is what boopathy2023difficulty use), "dimensions"
    averages m(x) as first proposed. `pool` is where neighbours are sought, x itself when None; x may be a part of it.
    Points that lie on one another have no rate: each neighbour at distance 0 is left out, since it is the same point.
    Raises ValueError for k < 2, for another average, and where a point has fewer than k others.
    """
    if k < 2 or average not in AVERAGES:
        raise ValueError(f"k = {k}, average {average!r}: expected k of at least 2 and one of {', '.join(AVERAGES)}")
    others = x if pool is None else pool
    near = torch.cat([_nearest(part, others, k) for part in x.split(chunk)])
    if bad := int((~torch.isfinite(near)).any(1).sum()):
        raise ValueError(f"{bad} of {len(x)} points have fewer than {k} others at a distance: take more points or a smaller k")
    rates = (near[:, -1:] / near[:, :-1]).log().mean(1)
    return float(1 / rates.mean()) if average == "rates" else float((1 / rates).mean())


def _nearest(x: Tensor, pool: Tensor, k: int) -> Tensor:
    """Distances (b, k) to the k nearest points of the pool that are not the same point, ascending; inf where there are fewer."""
    square = squared_distances(x, pool)
    same = square <= 1e-12 * (x.double().square().sum(1, keepdim=True) + pool.double().square().sum(1))  # rounding: see linalg
    square = square.masked_fill(same, torch.inf)
    filled = torch.nn.functional.pad(square, (0, k), value=torch.inf)
    return filled.topk(k, largest=False).values.sqrt()
