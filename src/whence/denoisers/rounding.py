"""What float32 may do to a softmax average, bounded from what is known after it was computed.

Let u = 2^-24. Each addition of a sum of K products rounds the partial sum S_k, by .42 u |S_k| root mean square. Of a sum S over
inputs in random order (they are shuffled), S_k is k/K S but for a deviation of at most r / 2, .41 r on average, with r^2 the sum
of the products' squares; so that, root mean square, the whole is off by .42 u sqrt(K) (.58 |S| + .41 r).

Expanded logits (y.c - |c|^2 / 2) / sigma^2: with S = y.c and r <= max|y_p| |c|, r <= max|c_p| |y|, the same for |c|^2 / 2, and a
few single roundings, they are off by

    delta = .42 u (sqrt(K) (.58 (|S| + |c|^2 / 2) + .41 * 1.5 r) + 3 r + 2 |S| + |c|^2) / sigma^2

where norms are over the K inputs heard and c is a candidate that matters. Its logit is within 20 of the highest, l, so that
|c| <= |y| + |y - c| with |y - c|^2 <= |y|^2 - 2 sigma^2 (l - 20), and |c| is at most the largest in the pool; S is sigma^2 times
the logit, plus |c|^2 / 2.

Squared distances added over k parts of a window (see strips.py), each the expanded square of K inputs with both norms, |y|^2 / 2
from float64: a part is off by the above, |y|^2 more for what cancels, whether its sum begins or ends with the norms, with
|y - c|^2 at most all of -2 sigma^2 (l - 20); parts are off independently, and what their sums add is what sums over k x k squares
do, below.

Products summed in blocks of B, the blocks' sums and |c|^2 in float64: a block sums S B / K, and there are K / B of them, so that
delta = .42 u (.58 B / sqrt(K) |S| + .41 sqrt(B) r) / sigma^2.

Sums of k squares -|y - c|^2 / (2 sigma^2), or of k x k along rows, then columns: all of one sign, nothing cancels, and the error
is relative. The roundings of squares and of rows' sums average out in the sums over them, of which there are k or more; what is
left is delta = .42 u (.58 (sqrt(k) + 1) + 2) (|l| + 20).

With `MARGIN` deltas for every delta a mean is, to first order, off by |Cov_w(delta, x)| <= delta sd_w(x), the posterior's own
deviation; or, at any order, by at most (exp(6 delta) - 1) (1 - w_max) times the range of the pixels: nothing, where one candidate
has all the weight. The smaller of the two must be below `TOLERANCE`, else the softmax is in doubt, and is done again: from direct
squares where it was not, then in float64. These are bounds for roundings that are independent, as they are of images, not for any
conspiracy of roundings: those of the worst case are sqrt(K) times larger and are not met (higham2002accuracy has both).
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

UNIT = 2.0**-24
MARGIN = 2.0
TOLERANCE = 7e-5
CONTRAST = 0.1  # the posterior deviation that near-duplicates are treated as having, where weights count
NATS = 20.0  # candidates whose logits are further below the highest do not matter


def expanded(
    loudest: Float[Tensor, "*q t"],
    own: Float[Tensor, "*q t"],
    count: Float[Tensor, " t"] | float,
    peak: Float[Tensor, "*q t"],
    largest: Float[Tensor, " t"],
    reach: float,
    variance: float,
) -> Float[Tensor, "*q t"]:
    """`MARGIN` delta of expanded logits, in nats.

    Of a centred query `loudest` is the largest modulus and `own` the squared norm over the `count` inputs heard; `peak` is the
    highest logit in nats, `largest` the largest squared norm of a candidate, `reach` the largest modulus of its centred pixels.
    """
    own, best = own.double(), variance * peak.double()
    apart = (own - 2 * (best - NATS * variance)).clamp_min(0)
    far = torch.minimum(own.sqrt() + apart.sqrt(), largest.double().sqrt())
    half = far.square() / 2
    whole = torch.maximum(best + half, NATS * variance - best).clamp_min(0).minimum(own.sqrt() * far)
    part = torch.minimum(loudest * far, reach * own.sqrt())
    sums = count**0.5 * (0.58 * (whole + half) + 0.62 * part)
    return MARGIN * 0.42 * UNIT * (sums + 3 * part + 2 * whole + 2 * half) / variance


def added(
    loudest: Float[Tensor, "*q k"],
    own: Float[Tensor, "*q k"],
    count: int,
    peak: Float[Tensor, "*q"],
    largest: Float[Tensor, "*q"],
    reach: float,
    variance: float,
) -> Float[Tensor, "*q"]:
    """`MARGIN` delta of squared distances that are sums over k parts of `count` inputs each, in nats.

    `loudest` and `own` are of each part of a centred query, `largest` of the parts of candidates, the rest is as in `expanded`.
    """
    own, apart = own.double(), (2 * variance * (NATS - peak.double())).clamp_min(0).sqrt()[..., None]
    far = torch.minimum(own.sqrt() + apart, largest.double().sqrt()[..., None])
    half, whole = far.square() / 2, own.sqrt() * far
    part = torch.minimum(loudest * far, reach * own.sqrt())
    sums = count**0.5 * (0.58 * (whole + half) + 0.62 * part) + 3 * part + 2 * whole + 2 * half + own
    return MARGIN * 0.42 * UNIT * sums.square().sum(-1).sqrt() / variance + squared(peak, own.shape[-1])


def blocked(
    query: Float[Tensor, "b d"], nearest: Float[Tensor, " b"], largest: float, reach: float, block: int, level: Float[Tensor, " b"]
) -> Float[Tensor, " b"]:
    """`MARGIN` delta of products in blocks, in nats; `nearest` is the least squared distance, the others are as in `expanded`."""
    own = query.double().square().sum(1)
    far = (own.sqrt() + (nearest + 2 * NATS * level**2).sqrt()).clamp_max(largest**0.5)
    part = torch.minimum(query.abs().amax(1) * far, reach * own.sqrt())
    low, high = own - nearest - 2 * NATS * level**2, own + far.square() - nearest  # of 2 S = |y|^2 + |c|^2 - |y - c|^2
    whole = torch.maximum(low.abs(), high.abs()) / 2
    return MARGIN * 0.42 * UNIT * (0.58 * block / query.shape[1] ** 0.5 * whole + 0.41 * block**0.5 * part) / level**2


def squared(peak: Tensor, side: int | Tensor) -> Tensor:
    """`MARGIN` delta of sums of so many squares, or over windows of this side, in nats."""
    return MARGIN * 0.42 * UNIT * (0.58 * side**0.5 + 2.58) * (peak.double().abs() + NATS)


def doubtful(delta: Tensor, deviation: Tensor, total: Tensor, reach: float, detailed: bool = False) -> Bool[Tensor, ...]:
    """Where a mean may be off by more than the tolerance: `total` is one over the largest weight, pixels go as far as `reach`.

    A mean of near-duplicates is safe though their weights are not: with `detailed` weights are to be right too, to 1e-3 or so.
    """
    deviation = deviation.clamp_min(CONTRAST) if detailed else deviation
    first = torch.where(delta < 0.05, 1.2 * delta * deviation, math.inf)
    any_order = torch.where(delta < 1, (6 * delta).expm1() * (1 - 1 / total) * 2 * reach, math.inf)
    return ~(torch.minimum(first, any_order) <= TOLERANCE)
