"""Masked softmaxes where outputs hear few inputs: direct squares of those alone, in one compiled loop that keeps one row of logits.

What an output hears is listed, so that nothing is multiplied by a mask's zeros; nothing cancels either, and float32 is seldom in
doubt (see rounding.py). Four inputs and two queries at a time share what is read. Where outputs hear many, products of tiles are
faster (see fast.py), as they are on accelerators.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64, Int64
from torch import Tensor
from torch.nn.functional import pad

from whence.denoisers.compiled import compiled, laid, shared
from whence.denoisers.fast import BITS, Sums
from whence.denoisers.scan import LEAST, ZERO, merge, weigh

FOUR = 4
SOME = 512  # images of the pool at a time: six rows of them lie in the cache next to the processor
FEW = 256  # inputs an output hears on average, up to which lists are faster than tiles and certain enough; or three in four of all


class Heard(NamedTuple):
    """For each output where what it hears begins in a list of inputs, and ends, in fours with a silent one; their number."""

    starts: Int64[np.ndarray, " d+1"]
    inputs: Int64[np.ndarray, " i"]
    number: Float64[Tensor, " d"]

    @classmethod
    def of(cls, mask: Bool[Tensor, "d d"]) -> Heard | None:
        """The lists of a mask, or None where outputs hear too many."""
        d, count = len(mask), mask.sum(1)
        if int(count.sum()) > d * min(FEW, d * 3 // 4):
            return None
        places = (count + -count % FOUR).cumsum(0)
        starts = pad(places, (1, 0))
        outputs, heard = mask.nonzero().unbind(1)
        inputs = heard.new_full((int(places[-1]),), d)
        before = count.cumsum(0) - count
        inputs[starts[outputs] + torch.arange(len(heard)) - before[outputs]] = heard
        return cls(starts.numpy(), inputs.numpy(), count.double())

    def sums(
        self,
        pool: Float[Tensor, "n d"],
        query: Float[Tensor, "b d"],
        centre: Float[Tensor, " d"],
        variance: float,
        chunk: int,
        detailed: bool,
    ) -> Sums:
        """Every query's softmaxes of all outputs, of centred values, in one pass over the pool, by as many threads as torch has.

        An output is one thread's, and takes the images in their order, so that the number of threads changes nothing, and the chunk
        nothing beyond the rounding of float32 sums.
        """
        b, d = query.shape
        asked = pad(query.float(), (0, 1, 0, b % 2)).contiguous().numpy()  # the silent input, and an even number
        bits, middle = np.float32(-BITS / (2 * variance)), centre.float().numpy()
        peaks, sums = np.full((d, b), LEAST, np.float32), np.zeros((d, b, 4))
        heaviest = np.zeros((d, b), np.int64)
        for first in range(0, len(pool), chunk):
            x = laid(pool[first : first + chunk].T, torch.float32, 1)

            def some(part: slice, x: np.ndarray = x, first: int = first) -> None:
                _outputs(x, asked, middle, bits, *self[:2], part.start, part.stop, first, detailed, peaks, sums, heaviest)

            shared(some, d)
        peak, total, image = (torch.from_numpy(one).transpose(0, 1) for one in (peaks, sums, heaviest))
        return Sums(peak, total[..., :3], total[..., 3], image, peak.new_zeros(d))


@compiled
def _outputs(
    x: Float32[np.ndarray, "d+1 m"],
    y: Float32[np.ndarray, "b d+1"],
    centre: Float32[np.ndarray, " d"],
    bits: np.float32,
    starts: Int64[np.ndarray, " d+1"],
    inputs: Int64[np.ndarray, " i"],
    begin: int,
    end: int,
    first: int,
    detailed: bool,
    peaks: Float32[np.ndarray, "d b"],
    sums: Float64[np.ndarray, "d b 4"],
    heaviest: Int64[np.ndarray, "d b"],
) -> None:
    """Add some images, the first being number `first`, to the softmaxes of some outputs."""
    m = x.shape[1]
    logits, values = np.empty((2, m), np.float32), np.empty((1, m), np.float32)
    weights, powers, found = np.empty(m, np.float32), np.empty(m, np.int32), np.empty(4, np.float32)
    for q in range(begin, end):
        own, value = x[q], values[0]
        for i in range(m):
            value[i] = own[i] - centre[q]
        for b in range(0, len(y), 2):
            _distances(x, y[b], y[b + 1], inputs[starts[q] : starts[q + 1]], logits)
            for s in range(min(2, peaks.shape[1] - b)):
                row, peak = logits[s], LEAST
                for i in range(m):
                    row[i] *= bits
                    peak = max(peak, row[i])
                if detailed and peak > peaks[q, b + s]:
                    i = 0
                    while row[i] != peak:
                        i += 1
                    heaviest[q, b + s] = first + i
                weigh(row, peak, values, weights, powers, found)
                merge(sums[q, b + s], np.float64(peaks[q, b + s]) - peak, found)
                peaks[q, b + s] = max(peak, peaks[q, b + s])


@compiled
def _distances(
    x: Float32[np.ndarray, "d+1 m"],
    y: Float32[np.ndarray, " d+1"],
    z: Float32[np.ndarray, " d+1"],
    inputs: Int64[np.ndarray, " i"],
    found: Float32[np.ndarray, "2 m"],
) -> None:
    """Squared distances of two queries from images, over some inputs, four at a time."""
    found[:] = ZERO
    a, b = found[0], found[1]
    for i in range(0, len(inputs), 4):
        p, q, r, s = inputs[i], inputs[i + 1], inputs[i + 2], inputs[i + 3]
        x0, x1, x2, x3 = x[p], x[q], x[r], x[s]
        y0, y1, y2, y3 = y[p], y[q], y[r], y[s]
        z0, z1, z2, z3 = z[p], z[q], z[r], z[s]
        for j in range(len(a)):
            a[j] += (x0[j] - y0) ** 2 + (x1[j] - y1) ** 2 + (x2[j] - y2) ** 2 + (x3[j] - y3) ** 2
            b[j] += (x0[j] - z0) ** 2 + (x1[j] - z1) ** 2 + (x2[j] - z2) ** 2 + (x3[j] - z3) ** 2
