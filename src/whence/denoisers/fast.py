"""Masked softmaxes in float32, each with a bound on what rounding may have done to it; those in doubt are done in float64.

Logits are those of the expanded square, (y.c - |c|^2 / 2) / sigma^2 over the inputs that an output hears, with the pool's mean
taken from y and c. |y|^2 is the same for all candidates and cancels. So one matrix product does a tile of outputs for all
queries and a chunk of the pool. They are in bits (times log2 e), since exp2 is the faster exponential and has no slow path
where it underflows. See rounding.py for the bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from whence.denoisers.gemm import product
from whence.denoisers.rounding import doubtful, expanded
from whence.denoisers.tiles import Tile

BITS = math.log2(math.e)


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
        keys = x.index_select(0, tile.inputs).to(dtype).sub_(centre.index_select(0, tile.inputs)[:, None])
        rows = tile.rows.to(dtype)
        asked = (query.index_select(0, job.who).index_select(1, tile.inputs)[:, None] * rows).flatten(0, 1)
        logits = product(asked, keys).unflatten(0, (len(job.who), len(rows)))
        norms = product(rows, keys.square_())
        largest = norms.amax(-1)
        logits.sub_(norms.mul_(BITS / (2 * self.variance)))
        values = (x.index_select(0, tile.outputs).to(dtype) - centre.index_select(0, tile.outputs)[:, None]).float()
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

    def doubts(self, tiles: list[Tile], states: list[Sums]) -> Iterable[Bool[Tensor, "q t"]]:
        """For each tile where float32 may not have kept to the tolerance, all queries having asked for it."""
        query = self.query - self.centre
        heard = [query.index_select(1, tile.inputs) for tile in tiles]
        own = torch.cat([part.square() @ tile.rows.float().T for part, tile in zip(heard, tiles, strict=True)], 1)
        loudest = torch.cat([loud(part).expand(-1, len(tile.rows)) for part, tile in zip(heard, tiles, strict=True)], 1)
        count = torch.cat([tile.rows.sum(1) for tile in tiles])
        peak, total, deviation = (
            torch.cat([getattr(state, name) for state in states], 1) for name in ("peak", "total", "deviation")
        )
        largest = torch.cat([state.largest for state in states])
        delta = expanded(loudest, own, count, peak / BITS, largest, self.reach, self.variance)
        found = doubtful(delta, deviation, total, self.reach, self.detailed)
        return found.split([len(tile.rows) for tile in tiles], 1)

    def solved(self, tiles: list[Tile]) -> list[Sums]:
        """Every query's answer to every tile, float32 where that will do and float64 where not."""
        everyone = torch.arange(len(self.query), device=self.query.device)
        jobs = [Job(tile, everyone) for tile in tiles]
        states = self.run(jobs, torch.float32)
        doubts = enumerate(self.doubts(tiles, states))
        again = [(i, *part(tiles[i], doubt)) for i, doubt in doubts if bool(doubt.any())]
        better = self.run([Job(tile, who) for _, tile, who, _ in again], torch.float64) if again else []
        for (i, _, who, outputs), new in zip(again, better, strict=True):
            states[i] = Sums(*(patched(old, who, outputs, one) for old, one in zip(states[i], new, strict=True)))
        return states


def loud(query: Float[Tensor, "q u"]) -> Float[Tensor, "q 1"]:
    """The largest modulus in each row, 0 in an empty one."""
    return query.abs().amax(1, keepdim=True) if query.shape[1] else query.new_zeros(len(query), 1)


def part(tile: Tile, doubt: Bool[Tensor, "q t"]) -> tuple[Tile, Int[Tensor, " p"], Int[Tensor, " s"]]:
    """The part of a tile that is in doubt, who asks for it, and which of the tile's outputs it holds."""
    who, outputs = doubt.any(1).nonzero().flatten(), doubt.any(0).nonzero().flatten()
    rows = tile.rows[outputs]
    heard = rows.any(0).nonzero().flatten()
    return Tile(tile.outputs[outputs], tile.inputs[heard], rows[:, heard]), who, outputs


def patched(old: Tensor, who: Int[Tensor, " p"], outputs: Int[Tensor, " s"], new: Tensor) -> Tensor:
    """Some queries' answers to some outputs replaced; what is not by queries stays."""
    if old.ndim < 2:
        return old
    whole = old.to(new.dtype, copy=True)
    whole[who[:, None], outputs] = new
    return whole
