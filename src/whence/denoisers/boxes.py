"""Windows of several sizes at once, in float32: sums of squares over boxes, a softmax for each, and a bound on their rounding."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.compiled import looped
from whence.denoisers.concentric import concentric
from whence.denoisers.fast import BITS, Sums, Weighed
from whence.denoisers.gemm import product
from whence.denoisers.rounding import doubtful, squared

CHUNK = 128  # images at a time: what is held of them for one query then fits the cache


class Boxes(NamedTuple):
    """For each size the 0/1 matrices that sum windows along columns (p, h) and along rows (r, w)."""

    tall: Float[Tensor, "s p h"]
    wide: Float[Tensor, "s r w"]
    sides: list[int]

    def logits(self, squares: Float[Tensor, "h w m"], scale: float) -> Float[Tensor, "s p r m"]:
        """Sums of squares over all windows of each size times a scale, the images along the last axis.

        Two banded products: over rows, all sizes and columns at once; then over columns, for each size and row.
        """
        (s, p, _), (w, m) = self.tall.shape, squares.shape[1:]
        sums = product(self.tall.flatten(0, 1) * scale, squares.flatten(1)).unflatten(1, (w, m))
        return torch.bmm(self.wide.repeat_interleave(p, 0), sums).unflatten(0, (s, p))


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
    """Each query's softmaxes at all sizes and places, in one pass over the pool; `scales` are 1 / (2 sigma^2)."""
    if looped(y.device):
        return [settled(state) for state in concentric(pool, y, -BITS * torch.tensor(scales), boxes.sides, chunk)]
    states: list[Sums] = []
    for start in range(0, len(pool), chunk):
        x = pool[start : start + chunk].float().permute(1, 2, 3, 0).contiguous()  # c h w m
        values = torch.cat((torch.ones_like(x[:1]), x, x.square())).flatten(1, 2).transpose(0, 1).contiguous()
        found = [
            summed(boxes.logits((one - x).square_().sum(0), -BITS * scale).flatten(1, 2), values, start, detailed)
            for one, scale in zip(y[..., None], scales, strict=True)
        ]
        states = found if start == 0 else [old.merge(new) for old, new in zip(states, found, strict=True)]
    return [settled(state) for state in states]


def settled(state: Sums) -> Local:
    """What the sums say."""
    c = (state.sums.shape[-1] - 1) // 2
    mean, square = (state.sums[..., 1:] / state.total[..., None]).split(c, -1)
    deviation = (square - mean.square()).clamp_min(0).amax(-1).sqrt() + 1e-3
    return Local(state.peak / BITS, state.total, mean, deviation, state.entropy, state.heaviest)


def summed(logits: Float[Tensor, "s q m"], values: Float[Tensor, "q k m"], start: int, detailed: bool) -> Sums:
    """The softmaxes' sums over one chunk, from logits in bits, which are overwritten."""
    found = Weighed.of(logits, start, detailed)
    return found.sums(torch.bmm(values, found.weights.permute(1, 2, 0)).permute(2, 0, 1), found.peak[0])
