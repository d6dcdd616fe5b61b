"""Overlapping patches of all images in two compiled loops: the softmax of every patch, then the average of their answers.

An image is one row of numbers, line after line, in which the sum over a patch is one of sums: of neighbours, then of numbers a
line apart. What would begin too near the end of a line is computed with the rest and weighs nothing. Distances from direct squares
in float64, weights in float32, their totals and the answers in float64.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from whence.denoisers.compiled import compiled, laid, shared
from whence.denoisers.fast import BITS
from whence.denoisers.scan import LOWEST, exp2

Reals = Float64[np.ndarray, " t"] | Float32[np.ndarray, " t"]


@compiled
def _sums(source: Reals, step: int, k: int, found: Reals) -> None:
    """Sums of k numbers, each a step further."""
    if k % 2:
        for i in range(len(found)):
            found[i] = source[i]
    else:
        after = source[step:]
        for i in range(len(found)):
            found[i] = source[i] + after[i]
    for d in range(2 - k % 2, k, 2):
        a, b = source[d * step :], source[(d + 1) * step :]
        for i in range(len(found)):
            found[i] += a[i] + b[i]


@compiled
def _logits(
    y: Float64[np.ndarray, "c t"],
    x: Float64[np.ndarray, "c t"],
    first: int,
    bits: float,
    wide: int,
    k: int,
    squares: Float64[np.ndarray, " u"],
    lines: Float64[np.ndarray, " v"],
    logits: Float64[np.ndarray, " m"],
) -> None:
    """-|y_P - x_P|^2 / (2 sigma^2) in bits, of the patches that begin at a pixel and at those after it."""
    squares[:] = 0
    for c in range(len(y)):
        a, b = y[c][first:], x[c][first:]
        for i in range(len(squares)):
            squares[i] += (a[i] - b[i]) * (a[i] - b[i])
    _sums(squares, 1, k, lines)
    _sums(lines, wide, k, logits)
    for i in range(len(logits)):
        logits[i] *= bits


@compiled
def _totals(
    y: Float64[np.ndarray, "b c t"],
    x: Float64[np.ndarray, "n c t"],
    bits: Float64[np.ndarray, " b"],
    wide: int,
    k: int,
    above: int,
    below: int,
    peaks: Float64[np.ndarray, "b p"],
    totals: Float64[np.ndarray, "b p"],
) -> None:
    """Add some images to the softmaxes of the patches that begin in some lines: highest logits, sums of 2^(l - peak)."""
    first, m = above * wide, (below - above) * wide - k + 1
    lines = np.empty(m + (k - 1) * wide)
    squares, logits = np.empty(len(lines) + k - 1), np.empty(m)
    apart, weights, powers = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.int32)
    scales = powers.view(np.float32)
    for b in range(len(y)):
        peak, total = peaks[b][first:], totals[b][first:]
        for n in range(len(x)):
            _logits(y[b], x[n], first, bits[b], wide, k, squares, lines, logits)
            for i in range(m):
                apart[i] = max(np.float32(-abs(logits[i] - peak[i])), LOWEST)
            exp2(apart, weights, powers)
            for i in range(m):
                weight = np.float64(weights[i] * scales[i])
                higher = logits[i] > peak[i]
                total[i] = (total[i] * weight if higher else total[i]) + (1.0 if higher else weight)
                peak[i] = max(logits[i], peak[i])


@compiled
def _means(
    y: Float64[np.ndarray, "b c t"],
    x: Float64[np.ndarray, "n c t"],
    bits: Float64[np.ndarray, " b"],
    wide: int,
    k: int,
    first: int,
    last: int,
    peaks: Float64[np.ndarray, "b p"],
    shares: Float32[np.ndarray, "b p"],
    means: Float64[np.ndarray, "b c t"],
) -> None:
    """Add the answers of some images: their pixels times the weights of all patches that hold them, each times its share."""
    t, m = y.shape[2], peaks.shape[1] - k + 1
    lines, squares, logits = np.empty(t - k + 1), np.empty(t), np.empty(m)
    apart, weights, powers = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.int32)
    scales = powers.view(np.float32)
    around, across = np.zeros(t + k - 1, np.float32), np.zeros(t + (k - 1) * wide, np.float32)  # k - 1 of zeros before, and after
    spread, held = across[(k - 1) * wide :], np.empty(t, np.float32)
    for b in range(len(y)):
        peak, share = peaks[b], shares[b]
        for n in range(first, last):
            _logits(y[b], x[n], 0, bits[b], wide, k, squares, lines, logits)
            for i in range(m):
                apart[i] = max(np.float32(min(logits[i] - peak[i], 0.0)), LOWEST)
            exp2(apart, weights, powers)
            inner = around[k - 1 :]
            for i in range(m):
                inner[i] = weights[i] * scales[i] * share[i]
            _sums(around, 1, k, spread)
            _sums(across, wide, k, held)
            for c in range(y.shape[1]):
                mean, one = means[b, c], x[n, c]
                for i in range(t):
                    mean[i] += held[i] * one[i]


def averaged(
    pool: Float[Tensor, "n c h w"], y: Float[Tensor, "b c h w"], sigma: Float64[Tensor, " b"], k: int, chunk: int
) -> Float64[Tensor, "b c h w"]:
    """Each query's answers of all k x k patches, averaged over those that hold a pixel, by as many threads as torch has.

    Some images at a time. The patches of a line are one thread's for their softmax, and an image is one thread's for what it adds
    to the answers, so that neither the number of threads nor the chunk changes anything beyond float64's rounding.
    """
    b, _, h, w = y.shape
    lines, across = h - k + 1, w - k + 1
    asked, bits = laid(y.flatten(2), torch.float64), (-BITS / (2 * sigma**2)).numpy()
    peaks, totals = np.full((b, lines * w), -1e300), np.zeros((b, lines * w))

    def chunks() -> Iterator[np.ndarray]:
        return (laid(part.flatten(2), torch.float64) for part in pool.split(chunk))

    def weigh(some: slice, x: np.ndarray) -> None:
        _totals(asked, x, bits, w, k, some.start, some.stop, peaks, totals)

    def average(some: slice, x: np.ndarray) -> np.ndarray:
        means = np.zeros(asked.shape)
        _means(asked, x, bits, w, k, some.start, some.stop, peaks, shares, means)
        return means

    for x in chunks():
        shared(partial(weigh, x=x), lines)
    inside = np.arange(w) < across
    shares = np.divide(1, totals.reshape(b, lines, w), where=inside, out=np.zeros((b, lines, w))).reshape(b, -1).astype(np.float32)
    means = sum(sum(shared(partial(average, x=x), len(x))) for x in chunks())
    count = [np.convolve(np.ones(n), np.ones(k)) for n in (lines, across)]
    return torch.from_numpy(means).unflatten(2, (h, w)) / torch.from_numpy(np.outer(*count))
