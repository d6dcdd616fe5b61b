"""Windows of several sizes at once, in float32: sums of squares over boxes, a softmax for each, and a bound on their rounding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.fast import BITS, Sums
from whence.denoisers.gemm import product
from whence.denoisers.rounding import doubtful, squared

CHUNK = 128  # images at a time: what is held of them for one query then fits the cache


class Boxes(NamedTuple):
    """For each size the 0/1 matrices that sum windows along rows (p, h) and along columns (r, w)."""

    tall: list[Float[Tensor, "p h"]]
    wide: list[Float[Tensor, "r w"]]
    sides: list[int]

    def logits(self, squares: Float[Tensor, "w h m"]) -> Float[Tensor, "s r p m"]:
        """Sums of squares over all windows of each size, the images along the last axis.

        Two banded products: for each column over its rows, all sizes stacked; then for each size over the columns.
        """
        columns = torch.matmul(torch.cat(self.tall), squares).split([len(rows) for rows in self.tall], 1)
        sums = [product(cols, part.flatten(1)) for cols, part in zip(self.wide, columns, strict=True)]
        return torch.stack([one.unflatten(1, part.shape[1:]) for one, part in zip(sums, columns, strict=True)])


class Local(NamedTuple):
    """Sums of a query's softmaxes at each size and place: peak in nats, total, and the moments of each channel."""

    peak: Float[Tensor, "s q"]
    total: Float[Tensor, "s q"]
    mean: Float[Tensor, "s q c"]
    deviation: Float[Tensor, "s q"]
    entropy: Float[Tensor, "s q"]
    heaviest: Int[Tensor, "s q"]

    def doubtful(self, boxes: Boxes, reach: float, detailed: bool) -> Bool[Tensor, "s q"]:
        """Where float32 may not have kept to the tolerance."""
        sides = torch.tensor(boxes.sides, device=self.peak.device)[:, None]
        return doubtful(squared(self.peak, sides), self.deviation, self.total, reach, detailed)


def local(
    pool: Float[Tensor, "n c h w"], y: Float[Tensor, "b c h w"], scales: list[float], boxes: Boxes, chunk: int, detailed: bool
) -> list[Local]:
    """Each query's softmaxes at all sizes and places, places column by column, in one pass over the pool.

    `scales` are 1 / (2 sigma^2).
    """
    states: list[Sums] = []
    for start in range(0, len(pool), chunk):
        x = pool[start : start + chunk].float().permute(1, 3, 2, 0).contiguous()  # c w h m
        for i, (one, scale) in enumerate(zip(y.transpose(2, 3)[..., None], scales, strict=True)):
            logits = boxes.logits((one - x).square_().sum(0).mul_(-BITS * scale))
            found = summed(logits.flatten(1, 2), x.flatten(1, 2), start, detailed)
            states = [*states, found] if start == 0 else [*states[:i], states[i].merge(found), *states[i + 1 :]]
    return [settled(state) for state in states]


def settled(state: Sums) -> Local:
    """What the sums say."""
    c = (state.sums.shape[-1] - 1) // 2
    mean, square = (state.sums[..., 1:] / state.total[..., None]).split(c, -1)
    deviation = (square - mean.square()).clamp_min(0).amax(-1).sqrt() + 1e-3
    return Local(state.peak / BITS, state.total, mean, deviation, state.entropy, state.heaviest)


def summed(logits: Float[Tensor, "s q m"], x: Float[Tensor, "c q m"], start: int, detailed: bool) -> Sums:
    """The softmaxes' sums over one chunk, from logits in bits, which are overwritten."""
    if detailed:
        peak, index = logits.max(-1)
    else:
        peak, index = logits.amax(-1), torch.zeros((), dtype=torch.int64, device=logits.device)
    below = logits.sub_(peak[..., None])
    weights = torch.exp2(below) if detailed else below.exp2_()
    values = torch.cat((torch.ones_like(x[:1]), x, x.square())).transpose(0, 1)
    sums = torch.bmm(values, weights.permute(1, 2, 0)).permute(2, 0, 1).double()
    logs = torch.linalg.vecdot(weights, below).double() if detailed else sums[..., 0]
    return Sums(peak, sums, logs, (index + start).expand(peak.shape), peak[0])
