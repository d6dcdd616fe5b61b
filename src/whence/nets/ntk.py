"""Training of fully connected networks of infinite width: their neural tangent kernel, and gradient flow under it (jacot2018ntk).

The networks are f(x) = scale / sqrt(n) W h + bias b layer by layer, all W and b standard normal at first and all trained, with ReLU
or nothing between layers. Ordinary networks are these, of weights N(0, scale^2 / fan_in) and biases N(0, bias^2), once each layer
is trained at the rate that `rates` gives it. A single network starts from outputs of its own, the flow from 0, their mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from whence.linalg import eigh
from whence.nets.embed import check_sizes
from whence.nets.kernel import dual

SCALES = {"relu": math.sqrt(2), "linear": 1.0}  # that keep the size of a signal from layer to layer
CHUNK = 4096  # points to predict at a time
SAME = 32 * torch.finfo(torch.float64).eps  # cosines so near to 1 are of one point: the angle would see their rounding as 1e-8


class Kernels(NamedTuple):
    """Tangent kernel of all parameters, and covariance of the untrained outputs (the last layer's share of the former)."""

    tangent: Float[Tensor, "n m"]
    covariance: Float[Tensor, "n m"]


def ntk(
    x: Float[Tensor, "n d"],
    z: Float[Tensor, "m d"] | None = None,
    *,
    depth: int = 1,
    activation: str = "relu",
    scale: float | None = None,
    bias: float = 0.1,
) -> Kernels:
    """Both kernels between the points x and z (x itself by default), in float64, with `depth` hidden layers of infinite width.

    At first covariance k = tangent t = scale^2 x.z / d + bias^2. With c the cosine of x and z under k, the next layer has

        k' = bias^2 + scale^2 sqrt(k(x, x) k(z, z)) dual(c, 1) / 2,    t' = k' + t scale^2 dual(c, 0) / 2

    (arc-cosine duals of `nets.kernel`), and when linear k' = bias^2 + scale^2 k, t' = k' + t scale^2.
    `scale` None is sqrt(2) for ReLU and 1 for linear. Depth 0 is a linear model.
    Raises ValueError for inputs that are not rows of one length, another activation, a negative depth, a scale that is not > 0, or
    a negative bias.
    """
    weight, constant = _squares(depth, activation, scale, bias)
    a, b = x.double(), (x if z is None else z).double()
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"inputs of shapes {tuple(a.shape)} and {tuple(b.shape)}: expected (n, d) and (m, d)")
    k, ka, kb = (weight * t / a.shape[1] + constant for t in (a @ b.T, a.square().sum(1), b.square().sum(1)))
    tangent = k
    for _ in range(depth):
        if activation == "linear":
            k = constant + weight * k
            tangent = k + weight * tangent
            continue
        norm = (ka[:, None] * kb).sqrt()
        cosine = k / norm.clamp_min(torch.finfo(torch.float64).tiny)
        cosine = cosine.where(cosine < 1 - SAME, 1)
        k = constant + weight * norm * dual(cosine, 1) / 2
        tangent = k + tangent * weight * dual(cosine, 0) / 2
        ka, kb = constant + weight * ka / 2, constant + weight * kb / 2
    return Kernels(tangent, k)


def flow(kernel: Float[Tensor, "n n"], y: Float[Tensor, " n *k"], times: Sequence[float]) -> Float[Tensor, "t n *k"]:
    """Weights w_t of gradient flow: the prediction at new points at time t is kernel(new, seen) @ w_t; math.inf is its end.

    Of df/dt = -K(., seen) (f - y) / n from f = 0, the flow of mean (f - y)^2 / 2 (t is learning rate times steps):
    w_t = (1 - exp(-K t / n)) / K y by eigendecomposition in float64; at the end, interpolation of least norm, or
    least squares where the kernel is singular. Directions with eigenvalues below rounding are left out.
    Raises ValueError for shapes that do not fit, a kernel that is not positive semidefinite, or times that are negative or nan.
    """
    if kernel.ndim != 2 or kernel.shape != (len(y), len(y)) or len(y) == 0:
        raise ValueError(f"kernel of shape {tuple(kernel.shape)} for {len(y)} labels: expected one row and one column for each")
    if not all(t >= 0 for t in times):
        raise ValueError(f"times {list(times)}: expected numbers >= 0, math.inf for the end of training")
    values, vectors = eigh(kernel)
    rounding = len(y) * torch.finfo(torch.float64).eps * values.abs().max()
    if bool(values[-1] < -1e-6 * values.abs().max()):
        raise ValueError(
            f"a kernel with eigenvalues from {values[-1]:.3g} to {values[0]:.3g}: expected none below 0, or training would "
            "not end; is it the kernel of the seen points with themselves?"
        )
    vectors, values = vectors[:, values > rounding], values[values > rounding]
    when = torch.tensor(list(times), dtype=torch.float64, device=values.device)[:, None]
    gain = -torch.expm1(-when * values / len(y)) / values
    labels = vectors.T @ y.double().reshape(len(y), -1)
    return (vectors @ (gain[:, :, None] * labels)).reshape(len(gain), *y.shape)


def predict(
    x: Float[Tensor, "n d"], y: Float[Tensor, " n *k"], new: Float[Tensor, "m d"], times: Sequence[float], **network: Any
) -> Float[Tensor, "t m *k"]:
    """Mean prediction at new points of networks of infinite width trained on (x, y) for each time: `flow` under `ntk`, float64.

    Labels of two classes are numbers such as -1 and 1. `network`: depth, activation, scale and bias, as in `ntk`. With math.inf
    among the times that row is the end of training. Raises ValueError as those two do.
    """
    weights = flow(ntk(x, **network).tangent, y.reshape(len(y), -1), times)
    parts = [ntk(part, x, **network).tangent @ weights for part in new.split(CHUNK)]
    return torch.cat(parts, 1).reshape(len(weights), len(new), *y.shape[1:])


def rates(
    weights: Mapping[str, Tensor], rate: float, *, activation: str = "relu", scale: float | None = None, bias: float = 0.1
) -> list[dict[str, Any]]:
    """Parameter groups for torch.optim.SGD with which an ordinary network trains as `ntk` says when it is wide.

    `weights` are named parameters: dict(network.named_parameters()), or the `weights` of a stack. Weights learn at the rate
    rate scale^2 / fan_in and biases at rate bias^2, where `rate` is the flow's: its time is rate x steps of mean (f - y)^2 / 2.
    Weights are to be of variance scale^2 / fan_in and biases of bias^2 at first: `initial.randomise(network, seed, scale,
    bias=sqrt(3) bias, fan="in", law="normal")`. Raises ValueError for a parameter of another name, or as `ntk` does.
    """
    weight, constant = (rate * square for square in _squares(0, activation, scale, bias))
    groups = []
    for name, parameter in weights.items():
        kind = name.rsplit(".", 1)[-1]
        if kind not in ("weight", "bias"):
            raise ValueError(f"parameter {name!r}: expected affine layers only, with weight and bias")
        groups.append({"params": [parameter], "lr": weight / parameter.shape[-1] if kind == "weight" else constant})
    return groups


def _squares(depth: int, activation: str, scale: float | None, bias: float) -> tuple[float, float]:
    """Variance of weights and of biases."""
    if depth:
        check_sizes(depth=depth)
    if activation not in SCALES:
        raise ValueError(f"activation {activation!r}: expected one of {', '.join(SCALES)}, whose kernels are known in closed form")
    spread = SCALES[activation] if scale is None else scale
    if not (0 < spread < math.inf and 0 <= bias < math.inf):
        raise ValueError(f"scale {spread} and bias {bias}: expected finite numbers, scale > 0 and bias >= 0")
    return spread**2, bias**2
