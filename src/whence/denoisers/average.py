"""The softmax over whole images in one compiled loop: products and weighted sums of a few images at a time, while they are near.

    l_i = (2 y.x_i - |y|^2 - |x_i|^2) / (2 sigma^2),   sums of exp(l_i - m) times 1, x_i and l_i - m

Products are summed in float32 over blocks of pixels, in float64 over blocks; weighted sums in float32 over a few images, in float64
over all. An image that weighs nothing in any query is not added up.
"""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from whence.denoisers.compiled import compiled, laid, shared
from whence.denoisers.shortlist import Shortlist
from whence.linalg import Softmax

NEAR = 64  # images at a time: few enough to be found near when their sums follow
SIDE = 512  # pixels of them added up at a time
SUMS = 4  # that a vector unit keeps side by side, at least: each is over so much less of a block (a test holds it to the bound)
ZERO, LOWEST = np.float32(0), -1e300


@compiled
def _products(
    y: Float32[np.ndarray, "b d"], x: Float32[np.ndarray, "n d"], first: int, block: int, found: Float64[np.ndarray, "b m"]
) -> None:
    """y.x of images from `first` on, as many as `found` has columns; of four queries and two images at a time."""
    d, m = y.shape[1], found.shape[1]
    found[:] = 0.0
    for start in range(0, d, block):
        stop = min(start + block, d)
        for b in range(0, len(y), 4):
            y0, y1, y2, y3 = y[b, start:stop], y[b + 1, start:stop], y[b + 2, start:stop], y[b + 3, start:stop]
            for i in range(0, m, 2):
                u, v = x[first + i, start:stop], x[first + min(i + 1, m - 1), start:stop]
                s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = ZERO
                for j in range(len(u)):
                    s0 += y0[j] * u[j]
                    s1 += y1[j] * u[j]
                    s2 += y2[j] * u[j]
                    s3 += y3[j] * u[j]
                    t0 += y0[j] * v[j]
                    t1 += y1[j] * v[j]
                    t2 += y2[j] * v[j]
                    t3 += y3[j] * v[j]
                found[b, i] += s0
                found[b + 1, i] += s1
                found[b + 2, i] += s2
                found[b + 3, i] += s3
                if i + 1 < m:
                    found[b, i + 1] += t0
                    found[b + 1, i + 1] += t1
                    found[b + 2, i + 1] += t2
                    found[b + 3, i + 1] += t3


@compiled
def _add(
    weights: Float32[np.ndarray, "b m+3"],
    queries: int,
    x: Float32[np.ndarray, "n d"],
    heard: Int64[np.ndarray, " h"],
    sums: Float64[np.ndarray, "b d"],
) -> None:
    """Add the images' weighted sums, four images (of weight 0 where there are none) and two queries at a time."""
    d = x.shape[1]
    few = np.empty((2, SIDE), np.float32)
    for start in range(0, d, SIDE):
        stop = min(start + SIDE, d)
        u, v = few[0, : stop - start], few[1, : stop - start]
        for b in range(0, queries, 2):
            u[:] = ZERO
            v[:] = ZERO
            for i in range(0, len(heard), 4):
                x0, x1 = x[heard[i], start:stop], x[heard[i + 1], start:stop]
                x2, x3 = x[heard[i + 2], start:stop], x[heard[i + 3], start:stop]
                f0, f1, f2, f3 = weights[b, i], weights[b, i + 1], weights[b, i + 2], weights[b, i + 3]
                g0, g1, g2, g3 = weights[b + 1, i], weights[b + 1, i + 1], weights[b + 1, i + 2], weights[b + 1, i + 3]
                for j in range(len(u)):
                    u[j] += f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
                    v[j] += g0 * x0[j] + g1 * x1[j] + g2 * x2[j] + g3 * x3[j]
            for j in range(len(u)):
                sums[b, start + j] += u[j]
                sums[b + 1, start + j] += v[j]


@compiled
def _keep(logit: float, image: int, logits: Float64[np.ndarray, " k"], images: Int64[np.ndarray, " k"], low: int) -> int:
    """Put a candidate in the place of the lowest of those kept, which is `low`; returns which is the lowest then."""
    logits[low], images[low] = logit, image
    for i in range(len(logits)):
        if logits[i] < logits[low]:
            low = i
    return low


@compiled
def _average(
    y: Float32[np.ndarray, "u d"],
    own: Float64[np.ndarray, " b"],
    scale: Float64[np.ndarray, " b"],
    x: Float32[np.ndarray, "n d"],
    square: Float64[np.ndarray, " n"],
    first: int,
    block: int,
    audible: float,
    averaged: bool,
    peaks: Float64[np.ndarray, " b"],
    totals: Float64[np.ndarray, " b"],
    logs: Float64[np.ndarray, " b"],
    heaviest: Int64[np.ndarray, " b"],
    sums: Float64[np.ndarray, "u d"],
    kept: Float64[np.ndarray, "b k"],
    images: Int64[np.ndarray, "b k"],
) -> None:
    """The softmaxes of some queries over images, into the last seven; |y|^2 is `own`, 1 / (2 sigma^2) `scale`, |x|^2 `square`.

    y goes on with zeros to a multiple of four queries.
    """
    queries, lows, products = len(own), np.zeros(len(own), np.int64), np.empty((len(y), NEAR))
    weights, heard = np.zeros((len(y), NEAR + 3), np.float32), np.empty(NEAR + 3, np.int64)
    for start in range(0, len(x), NEAR):
        m = min(NEAR, len(x) - start)
        logits = products[:, :m]
        _products(y, x, start, block, logits)
        for b in range(queries):
            best = peaks[b]
            for i in range(m):
                logits[b, i] = (2 * logits[b, i] - own[b] - square[start + i]) * scale[b]
                if logits[b, i] > kept[b, lows[b]]:
                    lows[b] = _keep(logits[b, i], first + start + i, kept[b], images[b], lows[b])
                if logits[b, i] > best:
                    best = logits[b, i]
                    heaviest[b] = first + start + i
            if best > peaks[b]:
                down = peaks[b] - best
                share = math.exp(down)
                logs[b] = share * (logs[b] + down * totals[b])
                totals[b] *= share
                for j in range(sums.shape[1]):
                    sums[b, j] *= share
                peaks[b] = best
        if not averaged:
            continue
        count = 0
        for i in range(m):
            loudest = -math.inf
            for b in range(queries):
                below = logits[b, i] - peaks[b]
                weights[b, count] = 0.0
                loudest = max(loudest, below)
                if below > -audible:
                    weight = math.exp(below)
                    totals[b] += weight
                    logs[b] += weight * below
                    weights[b, count] = weight
            if loudest > -audible:
                heard[count] = start + i
                count += 1
        if count:
            for i in range(count, count + 3):
                heard[i] = start
                for b in range(queries):
                    weights[b, i] = 0.0
            _add(weights, queries, x, heard[: (count + 3) // 4 * 4], sums)


def average(
    y: Float32[Tensor, "b d"],
    level: Float64[Tensor, "b 1"],
    x: Float32[Tensor, "n d"],
    square: Float64[Tensor, " n"],
    first: int,
    block: int,
    audible: float,
    k: int,
    averaged: bool = True,
) -> tuple[Softmax, Shortlist]:
    """The softmaxes of queries over images, the first being number `first`, and the k nearest, by as many threads as torch has.

    Products are as good as float32 sums over `block` pixels at a time. Images whose logits are all more than `audible` below the
    highest so far are passed over. Where only the nearest are wanted, not `averaged`, nothing is summed.
    """
    (b, d), queries, images = y.shape, laid(y, torch.float32), laid(x, torch.float32)
    by_four = np.zeros((b + -b % 4, d), np.float32)
    by_four[:b] = queries
    asked = by_four, np.square(queries, dtype=np.float64).sum(1), (1 / (2 * level[:, 0].square())).numpy()

    def some(part: slice) -> tuple[Softmax, Shortlist]:
        few = min(k + 1, part.stop - part.start)
        peaks, totals, logs, heaviest = (np.full(b, value) for value in (LOWEST, 0.0, 0.0, 0))
        sums = np.zeros((len(by_four), d))
        kept, near = np.full((b, few), LOWEST), np.zeros((b, few), np.int64)
        found = (peaks, totals, logs, heaviest, sums, kept, near)
        _average(*asked, images[part], square[part].numpy(), first + part.start, SUMS * block, audible, averaged, *found)
        m, s, e, index, v, logits, chosen = map(torch.from_numpy, found)
        return Softmax(m, s, v[:b], e, index), Shortlist.of(logits, chosen, k)

    return reduce(lambda one, other: (one[0].merge(other[0]), one[1].merge(other[1], k)), shared(some, len(x)))
