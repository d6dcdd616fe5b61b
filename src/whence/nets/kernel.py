"""Networks of infinite width in closed form: random features as kernels, and the interpolator that their training ends on.

Features phi(w . x + b) with w, b drawn once and frozen, in the limit of infinitely many: gradient descent from zero on the last
layer ends on the interpolator of least norm, which a kernel gives without any training (Cho and Saul 2009).
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

TOLERANCE = 1e-6  # of the labels' norm: how well an interpolator interpolates


def dual(cosine: Float[Tensor, "*s"], order: int) -> Float[Tensor, "*s"]:
    """2 E[u_+^n v_+^n] of standard normals u, v with that correlation: n = 0 steps, 1 ReLUs, 2 squared ReLUs; 1, 1 and 3 at 1.

    Raises ValueError for another order.
    """
    c = cosine.double().clamp(-1, 1)
    angle = c.arccos()
    if order == 0:
        return 1 - angle / math.pi
    if order == 1:
        return ((1 - c * c).sqrt() + (math.pi - angle) * c) / math.pi
    if order == 2:
        return (3 * (1 - c * c).sqrt() * c + (math.pi - angle) * (1 + 2 * c * c)) / math.pi
    raise ValueError(f"arc-cosine kernel of order {order!r}: expected 0 (step), 1 (ReLU) or 2 (squared ReLU)")


def arccosine(x: Float[Tensor, "n d"], x2: Float[Tensor, "m d"], order: int = 1, bias: float = 1.0) -> Float[Tensor, "n m"]:
    """2 E[(w.x + b)_+^n (w.x2 + b)_+^n] over standard normal w and b of standard deviation `bias`, in float64.

    The kernel of infinitely many random features of order n: with n = 1 of ReLUs. It is homogeneous: weights of another scale, such
    as 1 / sqrt(d), multiply it by a constant, which no interpolator sees.
    """
    a, b = (_with_bias(v, bias) for v in (x, x2))
    norms = a.norm(dim=1)[:, None] * b.norm(dim=1)
    cosine = a @ b.T / norms.clamp_min(torch.finfo(torch.float64).tiny)
    return norms**order * dual(cosine, order)


def polynomial(
    x: Float[Tensor, "n d"], x2: Float[Tensor, "m d"], power: int, scale: float, bias: float = 1.0, offset: float = 1.0
) -> Float[Tensor, "n m"]:
    """E[(c + u)^p (c + u')^p] with u = w.x + b, u' = w.x2 + b, weights of standard deviation `scale` and b of `bias` times that.

    By its expansion in Hermite polynomials, which ends at degree p: no sampling. c is the `offset`.
    """
    a, b = (scale * _with_bias(v, bias) for v in (x, x2))
    left, right = a.norm(dim=1), b.norm(dim=1)
    cosine = a @ b.T / (left[:, None] * right).clamp_min(torch.finfo(torch.float64).tiny)
    terms = zip(_hermite(left, power, offset), _hermite(right, power, offset), strict=True)
    return torch.stack([p[:, None] * q * cosine**k for k, (p, q) in enumerate(terms)]).sum(0)


def ridgeless(kernel: Float[Tensor, "n n"], y: Float[Tensor, " n *k"], ridge: float = 0.0) -> Float[Tensor, " n *k"]:
    """Weights a with (K + ridge I) a = y by Cholesky in float64; the prediction at new points is kernel(new, seen) @ a.

    Raises ValueError when K is not positive definite to float64's precision: as a rule two seen points are the same.
    """
    exact, labels = kernel.double(), y.double().reshape(len(y), -1)
    if exact.ndim != 2 or exact.shape[0] != exact.shape[1] or len(exact) != len(labels):
        raise ValueError(
            f"kernel of shape {tuple(kernel.shape)} for {len(y)} labels: expected one row and one column for each label"
        )
    exact = exact + ridge * torch.eye(len(exact), dtype=torch.float64, device=exact.device)
    factor, failed = torch.linalg.cholesky_ex(exact)
    found = torch.cholesky_solve(labels, factor) if not int(failed) else torch.full_like(labels, torch.nan)
    missed = float((exact @ found - labels).norm() / labels.norm().clamp_min(1e-300))
    if not missed <= TOLERANCE:  # also where it is nan
        raise ValueError(
            f"kernel of {len(exact)} points is singular (residual {missed:.1g} of the labels' norm): it cannot interpolate. "
            "Drop points that are there twice (torch.unique), or pass a ridge, such as ridge=1e-8"
        )
    return found.reshape(y.shape)


def _with_bias(x: Tensor, bias: float) -> Tensor:
    """The points in float64 with one more coordinate, the bias."""
    return torch.cat([x.double(), x.new_full((len(x), 1), bias, dtype=torch.float64)], 1)


def _hermite(deviation: Tensor, power: int, offset: float) -> list[Tensor]:
    """Coefficients of (offset + s g)^power in the normalised Hermite polynomials of g, degree 0 to power, at each deviation s."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(power + 1)  # exact up to degree 2 power + 1
    values = (offset + deviation[:, None] * torch.from_numpy(nodes).to(deviation)) ** power
    density = torch.from_numpy(weights / weights.sum()).to(deviation)
    unit = np.eye(power + 1)
    waves = [np.polynomial.hermite_e.hermeval(nodes, unit[k]) / math.sqrt(math.factorial(k)) for k in range(power + 1)]
    return [values @ (density * torch.from_numpy(wave).to(deviation)) for wave in waves]
