"""Masked softmaxes in float32, each with a bound on what rounding may have done to it; those in doubt are done in float64.

Logits are those of the expanded square, (y.c - |c|^2 / 2) / sigma^2 over the inputs that an output hears, with the pool's mean
taken from y and c. |y|^2 is the same for all candidates and cancels. So one matrix product does a tile of outputs for all
queries and a chunk of the pool. They are in bits (times log2 e), since exp2 is the faster exponential and has no slow path
where it underflows.

What rounding does. Let u = 2^-24. Each addition of a sum of K products rounds the partial sum S_k, by .42 u |S_k| root mean
square. Of a sum S over inputs in random order (tiles hold theirs shuffled), S_k is k/K S but for a deviation of at most r / 2,
.41 r on average, with r^2 the sum of the products' squares; so that, root mean square, the whole is off by .42 u sqrt(K) (.58
|S| + .41 r). With S = y.c, and r <= max|y_p| |c| and <= max|c_p| |y|, and with the same for |c|^2 / 2 and a few single
roundings, logits are off by

    delta = .42 u (sqrt(K) (.58 (|S| + |c|^2 / 2) + .41 * 1.5 r) + 3 r + 2 |S| + |c|^2) / sigma^2

where norms are over the K inputs heard and c is a candidate that matters. Its logit is within 20 of the highest, l, so that |c|
<= |y| + |y - c| with |y - c|^2 <= |y|^2 - 2 sigma^2 (l - 20), and |c| is at most the largest in the pool; S is sigma^2 times
the logit, plus |c|^2 / 2. With `MARGIN` deltas for every delta a mean is, to first order, off by |Cov_w(delta, x)| <= delta
sd_w(x), the posterior's own deviation; or, at any order, by at most (exp(6 delta) - 1) (1 - w_max) times the range of the
pixels: nothing, where one candidate has all the weight. The smaller of the two must be below `TOLERANCE`; otherwise the softmax
is computed again from float64 logits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.gemm import product
from whence.denoisers.tiles import Tile

BITS, UNIT = math.log2(math.e), 2.0**-24
MARGIN = 2.0
TOLERANCE = 7e-5
NATS = 20.0  # candidates whose logits are further below the highest do not matter


class Job(NamedTuple):
    """A tile and the queries that ask for it."""

    tile: Tile
    who: Int[Tensor, " q"]


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

    def run(self, jobs: list[Job], dtype: torch.dtype) -> list[Sums]:
        """One pass over the pool for all jobs, logits in this dtype."""
        states: list[Sums | None] = [None] * len(jobs)
        centre = self.centre.to(dtype)
        query = (self.query.to(dtype) - centre) * (BITS / self.variance)
        for start in range(0, len(self.pool), self.chunk):
            x = self.pool[start : start + self.chunk].T.contiguous()
            for i, job in enumerate(jobs):
                found = self._chunk(job, query, x, centre, start)
                before = states[i]
                states[i] = found if before is None else before.merge(found)
        return [state for state in states if state is not None]

    def _chunk(self, job: Job, query: Tensor, x: Float[Tensor, "d m"], centre: Tensor, start: int) -> Sums:
        tile, dtype = job.tile, query.dtype
        keys = x.index_select(0, tile.inputs).to(dtype).sub_(centre[tile.inputs, None])
        rows = tile.rows.to(dtype)
        asked = (query[job.who].index_select(1, tile.inputs)[:, None] * rows).flatten(0, 1)
        logits = product(asked, keys).unflatten(0, (len(job.who), len(rows)))
        norms = product(rows, keys.square_())
        largest = norms.amax(-1)
        logits.sub_(norms.mul_(BITS / (2 * self.variance)))
        values = (x.index_select(0, tile.outputs).to(dtype) - centre[tile.outputs, None]).float()
        return self._summed(logits, torch.stack((torch.ones_like(values), values, values.square()), 1), start, largest)

    def _summed(self, logits: Float[Tensor, "q t m"], values: Float[Tensor, "t 3 m"], start: int, largest: Tensor) -> Sums:
        if self.detailed:
            peak, index = logits.max(-1)
        else:
            peak, index = logits.amax(-1), torch.zeros((), dtype=torch.int64, device=logits.device)
        below = logits.sub_(peak[..., None]).float()
        weights = torch.exp2(below) if self.detailed else below.exp2_()
        sums = torch.bmm(values, weights.permute(1, 2, 0)).permute(2, 0, 1).double()
        logs = torch.linalg.vecdot(weights, below).double() if self.detailed else sums[..., 0]
        return Sums(peak, sums, logs, (index + start).expand(peak.shape), largest)

    def doubtful(self, job: Job, state: Sums) -> Bool[Tensor, "q t"]:
        """Where the bound above does not keep float32's answer within the tolerance."""
        delta = self._rounding(job, state)
        first = torch.where(delta < 0.05, 1.2 * delta * state.deviation, math.inf)
        any_order = torch.where(delta < 1, (6 * delta).expm1() * (1 - 1 / state.total) * 2 * self.reach, math.inf)
        return ~(torch.minimum(first, any_order) <= TOLERANCE)

    def _rounding(self, job: Job, state: Sums) -> Float[Tensor, "q t"]:
        """`MARGIN` delta: what rounding may have done to a logit, in nats."""
        rows = job.tile.rows.float()
        query = (self.query - self.centre)[job.who].index_select(1, job.tile.inputs)
        own, count = (query.square() @ rows.T).double(), rows.sum(1)
        best = self.variance / BITS * state.peak.double()
        apart = (own - 2 * (best - NATS * self.variance)).clamp_min(0)
        far = torch.minimum(own.sqrt() + apart.sqrt(), state.largest.double().sqrt())
        half = far.square() / 2
        whole = torch.maximum(best + half, NATS * self.variance - best).clamp_min(0).minimum(own.sqrt() * far)
        loudest = query.abs().amax(1, keepdim=True) if query.shape[1] else query.new_zeros(len(query), 1)
        part = torch.minimum(loudest * far, self.reach * own.sqrt())
        sums = count.sqrt() * (0.58 * (whole + half) + 0.62 * part)
        return MARGIN * 0.42 * UNIT * (sums + 3 * part + 2 * whole + 2 * half) / self.variance

    def solved(self, tiles: list[Tile]) -> list[Sums]:
        """Every query's answer to every tile, float32 where that will do and float64 where not."""
        everyone = torch.arange(len(self.query), device=self.query.device)
        jobs = [Job(tile, everyone) for tile in tiles]
        states = self.run(jobs, torch.float32)
        doubts = [self.doubtful(job, state).any(1) for job, state in zip(jobs, states, strict=True)]
        again = [(i, Job(tiles[i], doubt.nonzero().flatten())) for i, doubt in enumerate(doubts) if bool(doubt.any())]
        for (i, job), better in zip(again, self.run([job for _, job in again], torch.float64) if again else [], strict=True):
            states[i] = Sums(*(patched(old, job.who, new) for old, new in zip(states[i], better, strict=True)))
        return states


def patched(old: Tensor, who: Int[Tensor, " q"], new: Tensor) -> Tensor:
    """The rows `who` of a state replaced; what is not by rows stays."""
    return old if old.ndim < 2 else old.to(new.dtype).index_copy(0, who, new)
