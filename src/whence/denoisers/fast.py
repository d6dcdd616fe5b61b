"""Masked softmaxes in float32, each with a bound on what rounding may have done to it; those in doubt are done again.

Logits are those of the expanded square, (y.c - |c|^2 / 2) / sigma^2 over the inputs that an output hears, with the pool's mean
taken from y and c. |y|^2 is the same for all candidates and cancels. So one matrix product does a tile of outputs for all
queries and a chunk of the pool; a processor takes direct squares where outputs hear few inputs (see heard.py). They are in bits
(times log2 e), since exp2 is the faster exponential. What is in doubt, where pixels are far from the pool's mean and noise is low,
is done again query by query from direct squares, which nothing cancels in, and in float64 if that is not enough. See rounding.py
for the bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.gemm import product
from whence.denoisers.rounding import doubtful, expanded, squared
from whence.denoisers.tiles import Tile, cut

if TYPE_CHECKING:
    from whence.denoisers.heard import Heard

BITS = math.log2(math.e)
FLOOR = -100.0  # bits below the peak, where candidates no longer weigh, and exp2 is still fast: it is not where it underflows
FEW = 32  # outputs done again at a time: they hear many inputs in common


class Sums(NamedTuple):
    """A softmax in progress: highest logit in bits, then sums of 2^(l - peak) times 1, x, x^2 and l - peak, and the heaviest."""

    peak: Float[Tensor, "q t"]
    sums: Float[Tensor, "q t 3"]
    logs: Float[Tensor, "q t"]
    heaviest: Int[Tensor, "q t"]
    largest: Float[Tensor, " t"]

    def merge(self, other: Sums) -> Sums:
        """Two states as one."""
        peak = torch.maximum(self.peak, other.peak)
        a, b = (self.peak - peak).double(), (other.peak - peak).double()
        p, q = a.exp2(), b.exp2()
        return Sums(
            peak,
            p[..., None] * self.sums + q[..., None] * other.sums,
            p * (self.logs + a * self.sums[..., 0]) + q * (other.logs + b * other.sums[..., 0]),
            torch.where(other.peak > self.peak, other.heaviest, self.heaviest),
            torch.maximum(self.largest, other.largest),
        )

    @property
    def total(self) -> Float[Tensor, "q t"]:
        """Sum of 2^(l - peak): one over the largest weight."""
        return self.sums[..., 0]

    @property
    def mean(self) -> Float[Tensor, "q t"]:
        """The posterior mean, of centred values."""
        return self.sums[..., 1] / self.total

    @property
    def deviation(self) -> Float[Tensor, "q t"]:
        """The posterior's standard deviation; the thousandth is what float32 sums may hide."""
        return (self.sums[..., 2] / self.total - self.mean.square()).clamp_min(0).sqrt() + 1e-3

    @property
    def entropy(self) -> Float[Tensor, "q t"]:
        """In nats."""
        return (self.total.log() - self.logs / self.total * math.log(2)).clamp_min(0)


class Weighed(NamedTuple):
    """Candidates' weights 2^(l - peak); the highest logit in bits and whose it is; the sum of weights times l - peak."""

    peak: Float[Tensor, "*q"]
    heaviest: Int[Tensor, "*q"]
    weights: Float[Tensor, "*q m"]
    logs: Float[Tensor, "*q"] | None

    @staticmethod
    def of(logits: Float[Tensor, "*q m"], start: int, detailed: bool) -> Weighed:
        """From logits in bits, which are overwritten; without details neither the index nor the logs mean anything."""
        if not detailed:
            peak = logits.amax(-1)
            return Weighed(peak, none(peak), logits.sub_(peak[..., None]).float().clamp_min_(FLOOR).exp2_(), None)
        peak, index = logits.max(-1)
        below = logits.sub_(peak[..., None]).float().clamp_min_(FLOOR)
        weights = torch.exp2(below)
        return Weighed(peak, index + start, weights, torch.linalg.vecdot(weights, below).double())

    def sums(self, sums: Float[Tensor, "*q k"], largest: Float[Tensor, "*t"]) -> Sums:
        """The softmax in progress, from the weights' sums times 1 and whatever else."""
        sums = sums.double()
        return Sums(self.peak, sums, sums[..., 0] if self.logs is None else self.logs, self.heaviest, largest)


def none(like: Tensor) -> Int[Tensor, "*q"]:
    """An index where nobody asked for one."""
    return torch.zeros((), dtype=torch.int64, device=like.device).expand(like.shape)


class Masked(NamedTuple):
    """Candidates (images of a pool) and queries as flat rows, and a centre not far from either; one noise level.

    `reach` is the largest distance of the pool's pixels from the centre.
    """

    pool: Float[Tensor, "n d"]
    query: Float[Tensor, "b d"]
    centre: Float[Tensor, " d"]
    reach: float
    variance: float
    chunk: int
    detailed: bool

    def solved(self, tiles: list[Tile], mask: Bool[Tensor, "d d"]) -> Sums:
        """Every query's answers to all outputs, tile by tile, float32 where that will do and float64 where not."""
        state = self._expanded(tiles)
        outputs = torch.cat([tile.outputs for tile in tiles])
        return self._certain(state, self._doubts(tiles, state), outputs, mask, (torch.float32, torch.float64))

    def listed(self, heard: Heard, mask: Bool[Tensor, "d d"]) -> Sums:
        """The same from lists of what is heard, outputs in their order."""
        state = heard.sums(self.pool, self.query, self.centre, self.variance, self.chunk, self.detailed)
        delta = squared(state.peak / BITS, heard.number)
        doubt = doubtful(delta, state.deviation, state.total, self.reach, self.detailed)
        return self._certain(state, doubt, torch.arange(len(mask)), mask, (torch.float64,))

    def _certain(
        self,
        state: Sums,
        doubt: Bool[Tensor, "q t"],
        outputs: Int[Tensor, " t"],
        mask: Bool[Tensor, "d d"],
        dtypes: tuple[torch.dtype, ...],
    ) -> Sums:
        """What is in doubt done again from direct squares, in one dtype after the other until it is certain."""
        for dtype in dtypes:
            who, where = doubt.nonzero().unbind(1)
            if len(who) == 0:
                break
            asked = [(int(b), cut(mask, outputs[part])) for b in who.unique() for part in where[who == b].split(FEW)]
            better = self._direct(asked, dtype)
            state = Sums(*(patched(old, who, where, new) for old, new in zip(state, better, strict=True)))
            count = torch.cat([tile.rows.sum(1) for _, tile in asked])
            delta = squared(better.peak / BITS, count)
            doubt = torch.zeros_like(doubt)
            doubt[who, where] = doubtful(delta, better.deviation, better.total, self.reach, self.detailed)
        return state

    def _expanded(self, tiles: list[Tile]) -> Sums:
        """One pass over the pool for all queries and tiles, expanded squares in float32."""
        states: list[Sums] = []
        query = (self.query - self.centre) * (BITS / self.variance)
        for start, images in self._chunks():
            x = (images - self.centre).T.contiguous()
            found = [self._tile(tile, query, x, start) for tile in tiles]
            states = found if start == 0 else [old.merge(new) for old, new in zip(states, found, strict=True)]
        return Sums(*(torch.cat(column, -1 if column[0].ndim < 3 else 1) for column in zip(*states, strict=True)))

    def _tile(self, tile: Tile, query: Float[Tensor, "b d"], x: Float[Tensor, "d m"], start: int) -> Sums:
        keys, rows = x.index_select(0, tile.inputs), tile.rows.float()
        asked = (query.index_select(1, tile.inputs)[:, None] * rows).flatten(0, 1)
        logits = product(asked, keys).unflatten(0, (len(query), len(rows)))
        norms = product(rows, keys.square_())
        largest = norms.amax(-1)
        found = Weighed.of(logits.sub_(norms.mul_(BITS / (2 * self.variance))), start, self.detailed)
        sums = torch.bmm(moments(x.index_select(0, tile.outputs)), found.weights.permute(1, 2, 0)).permute(2, 0, 1)
        return found.sums(sums, largest)

    def _direct(self, asked: list[tuple[int, Tile]], dtype: torch.dtype) -> Sums:
        """One pass over the pool for single queries and tiles, direct squares in this dtype; all outputs in one row."""
        query, states = self.query.to(dtype), list[Sums]()
        for start, images in self._chunks():
            x, found = images.T.contiguous(), []
            for b, tile in asked:
                apart = x.index_select(0, tile.inputs).to(dtype).sub_(query[b].index_select(0, tile.inputs)[:, None])
                logits = product(tile.rows.to(dtype) * (-BITS / (2 * self.variance)), apart.square_())
                weighed = Weighed.of(logits, start, self.detailed)
                values = x.index_select(0, tile.outputs).sub_(self.centre.index_select(0, tile.outputs)[:, None])
                sums = torch.bmm(moments(values), weighed.weights[..., None])[..., 0]
                found.append(weighed.sums(sums, weighed.peak))
            states = found if start == 0 else [old.merge(new) for old, new in zip(states, found, strict=True)]
        return Sums(*(torch.cat(column) for column in zip(*states, strict=True)))

    def _chunks(self) -> Iterator[tuple[int, Float[Tensor, "m d"]]]:
        return ((start, self.pool[start : start + self.chunk].float()) for start in range(0, len(self.pool), self.chunk))

    def _doubts(self, tiles: list[Tile], state: Sums) -> Bool[Tensor, "q t"]:
        """Where float32 may not have kept to the tolerance."""
        query = self.query - self.centre
        heard = [query.index_select(1, tile.inputs) for tile in tiles]
        own = torch.cat([part.square() @ tile.rows.float().T for part, tile in zip(heard, tiles, strict=True)], 1)
        loudest = torch.cat([loud(part).expand(-1, len(tile.rows)) for part, tile in zip(heard, tiles, strict=True)], 1)
        count = torch.cat([tile.rows.sum(1) for tile in tiles])
        delta = expanded(loudest, own, count, state.peak / BITS, state.largest, self.reach, self.variance)
        return doubtful(delta, state.deviation, state.total, self.reach, self.detailed)


def moments(values: Float[Tensor, "t m"]) -> Float[Tensor, "t 3 m"]:
    """1, the values and their squares."""
    return torch.stack((torch.ones_like(values), values, values.square()), 1)


def loud(query: Float[Tensor, "q u"]) -> Float[Tensor, "q 1"]:
    """The largest modulus in each row, 0 in an empty one."""
    return query.abs().amax(1, keepdim=True) if query.shape[1] else query.new_zeros(len(query), 1)


def patched(old: Tensor, who: Int[Tensor, " p"], where: Int[Tensor, " p"], new: Tensor) -> Tensor:
    """Some queries' answers to some outputs replaced; what is not by queries stays."""
    if old.ndim < 2:
        return old
    whole = old.to(new.dtype, copy=True)
    whole[who, where] = new
    return whole
