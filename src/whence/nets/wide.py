"""What a network of random weights is when its layers are infinitely wide: a Gaussian process, of which the covariance is known."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

from whence.nets.embed import check_sizes


def relu_covariance(
    x: Float[Tensor, "n d"], depth: int, scale: float = 1.0, bias: float = 1.0, z: Float[Tensor, "m d"] | None = None
) -> Float[Tensor, "n m"]:
    """Covariance of f(x) and f(z) (z = x by default), float64, for `depth` infinitely wide hidden layers of ReLU; the mean is 0.

    The weights are those of `initial.randomise(network, seed, scale, bias=bias, fan="in", law="normal")`: of variance
    scale^2 / fan_in, the biases of variance bias^2 / 3. With theta the angle between two inputs of a layer under its covariance k,
    the next one is

        k' = bias^2 / 3 + scale^2 sqrt(k(x, x) k(z, z)) (sin theta + (pi - theta) cos theta) / (2 pi),

    the arc-cosine kernel of degree 1 (cho2009kernel); the first is bias^2 / 3 + scale^2 x.z / d. Raises ValueError for inputs that
    are not two rows of numbers of one length, or a depth that is not a whole number >= 1.
    """
    check_sizes(depth=depth)
    a, b = x.double(), (x if z is None else z).double()
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"inputs of shapes {tuple(a.shape)} and {tuple(b.shape)}, expected (n, d) and (m, d)")
    weight, constant = scale**2, bias**2 / 3
    k, ka, kb = (weight * t / a.shape[1] + constant for t in (a @ b.T, a.square().sum(1), b.square().sum(1)))
    for _ in range(depth):
        norm = (ka[:, None] * kb).sqrt()
        theta = (k / norm).clamp(-1, 1).acos()
        k = constant + weight * norm * (theta.sin() + (math.pi - theta) * theta.cos()) / (2 * math.pi)
        ka, kb = constant + weight * ka / 2, constant + weight * kb / 2
    return k
