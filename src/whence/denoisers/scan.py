"""The softmaxes over the windows of all places, in one loop compiled for the processor that keeps only one row of logits at a time.

For every image of the pool and every row of the query, column by column: the distances of strips, their sums, which are those of
windows, the weights 2^(l - peak), and the weights' sums times 1, x, x^2 and l - peak. A few kilobytes pass from one step to the
next, where whole arrays of logits would pass through the memory five times and more; the arithmetic is that of strips.py, with
the same bound.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int32, Int64
from torch import Tensor
from torch.nn.functional import pad

from whence.denoisers.compiled import compiled, shared
from whence.denoisers.fast import FLOOR, Sums
from whence.denoisers.strips import Bands, order

# 2^f = sum_n (f log 2)^n / n!, to 2e-7 for |f| <= 1/2
A1, A2, A3, A4, A5, A6 = (np.float32(math.log(2) ** n / math.factorial(n)) for n in range(1, 7))
ZERO, HALF, ONE, LOWEST = (np.float32(value) for value in (0, 0.5, 1, FLOOR))
MANTISSA, BIAS = np.int32(23), np.int32(127)  # where a float32 keeps its exponent, and what it adds to it
LEAST = np.finfo(np.float32).min


@compiled
def _cut(
    beyond: Float32[np.ndarray, "n c a v"],
    i: int,
    middle: np.float32,
    order: Int64[np.ndarray, " p"],
    k: int,
    keys: Float32[np.ndarray, "p m"],
    pixels: Float32[np.ndarray, "c t"],
) -> None:
    """Of image i, which goes on k // 2 pixels to every side: its strips as in strips.py, and its pixels less `middle`."""
    height, v = beyond.shape[2:]
    h, reach = height - k + 1, k // 2
    for p in range(len(order)):
        channel, d = order[p] // k, order[p] % k
        for q in range(v):
            for j in range(h):
                keys[p, q * h + j] = beyond[i, channel, j + d, q]
    for channel in range(len(pixels)):
        for q in range(v - k + 1):
            for j in range(h):
                pixels[channel, q * h + j] = beyond[i, channel, j + reach, q + reach] - middle


@compiled
def _apart(
    keys: Float32[np.ndarray, "p m"],
    centre: Float32[np.ndarray, " p"],
    bits: np.float32,
    apart: Float32[np.ndarray, "u m"],
    norms: Float32[np.ndarray, " m"],
) -> np.float32:
    """Strips less the centre, into `apart`; their squares times `bits`, into `norms`; returns the largest square."""
    norms[:] = ZERO
    for p in range(len(keys)):
        x, z, middle = keys[p], apart[p], centre[p]
        for j in range(len(x)):
            z[j] = x[j] - middle
            norms[j] += z[j] * z[j]
    largest = norms.max()
    for j in range(len(norms)):
        norms[j] *= bits
    return largest


@compiled
def _pairs(
    factors: Float32[np.ndarray, "v u"],
    own: Float32[np.ndarray, " v"],
    v: int,
    apart: Float32[np.ndarray, "u m"],
    norms: Float32[np.ndarray, " m"],
    ring: Float32[np.ndarray, "k+1 m"],
) -> None:
    """Of strips v and v + 1 of the query and all of an image: y.x less half of either's square, in bits, into their rows of `ring`.

    It begins with the squares and ends near the distance, four products at a time for two strips, which share what is read.
    """
    a, b = ring[v % len(ring)], ring[v % len(ring) + 1]
    for j in range(len(norms)):
        a[j], b[j] = own[v] + norms[j], own[v + 1] + norms[j]
    for p in range(0, len(apart), 4):
        f0, f1, f2, f3 = factors[v, p], factors[v, p + 1], factors[v, p + 2], factors[v, p + 3]
        g0, g1, g2, g3 = factors[v + 1, p], factors[v + 1, p + 1], factors[v + 1, p + 2], factors[v + 1, p + 3]
        x0, x1, x2, x3 = apart[p], apart[p + 1], apart[p + 2], apart[p + 3]
        for j in range(len(norms)):
            a[j] += f0 * x0[j] + f1 * x1[j] + f2 * x2[j] + f3 * x3[j]
            b[j] += g0 * x0[j] + g1 * x1[j] + g2 * x2[j] + g3 * x3[j]


@compiled
def _windows(ring: Float32[np.ndarray, "k+1 m"], q: int, h: int, logits: Float32[np.ndarray, " t"]) -> np.float32:
    """The logits of window q, sums of its k strips', each a column further in query and image; returns the highest."""
    n, half = len(ring), len(logits) // 2
    first = ring[q % n]
    for j in range(len(logits)):
        logits[j] = first[j]
    for d in range(1, n - 1, 2):
        a, b = ring[(q + d) % n][d * h :], ring[(q + d + 1) % n][(d + 1) * h :]
        for j in range(len(logits)):
            logits[j] += a[j] + b[j]
    left = right = logits[-1]  # two searches side by side, neither of which waits for the other
    for j in range(half):
        left, right = max(left, logits[j]), max(right, logits[j + half])
    return max(left, right)


@compiled
def exp2(bits: Float32[np.ndarray, " t"], mantissas: Float32[np.ndarray, " t"], powers: Int32[np.ndarray, " t"]) -> None:
    """2^bits for bits from LOWEST to 0, as products of `mantissas` and powers of two, which are floats in their bits."""
    for j in range(len(bits)):
        whole = np.int32(bits[j] - HALF)
        f = bits[j] - np.float32(whole)
        mantissas[j] = ONE + f * (A1 + f * (A2 + f * (A3 + f * (A4 + f * (A5 + f * A6)))))
        powers[j] = (whole + BIAS) << MANTISSA


@compiled
def weigh(
    logits: Float32[np.ndarray, " t"],
    peak: np.float32,
    pixels: Float32[np.ndarray, "c t"],
    weights: Float32[np.ndarray, " t"],
    powers: Int32[np.ndarray, " t"],
    found: Float32[np.ndarray, " s"],
) -> None:
    """Weights 2^(l - peak), into `weights`; their sums times 1, the pixels, their squares and l - peak, into `found`."""
    scales, c, half = powers.view(np.float32), len(pixels), len(logits) // 2
    for j in range(len(logits)):
        logits[j] = max(logits[j] - peak, LOWEST)
    exp2(logits, weights, powers)
    total, logs = ZERO, ZERO
    for j in range(len(logits)):
        weights[j] *= scales[j]
        total += weights[j]
        logs += weights[j] * logits[j]
    found[0], found[1 + 2 * c] = total, logs
    for k in range(c):
        x = pixels[k]
        a0 = a1 = b0 = b1 = ZERO  # two halves side by side, as above
        if len(logits) % 2:
            a0 = weights[-1] * x[-1]
            b0 = a0 * x[-1]
        for j in range(half):
            y0, y1 = weights[j] * x[j], weights[j + half] * x[j + half]
            a0 += y0
            a1 += y1
            b0 += y0 * x[j]
            b1 += y1 * x[j + half]
        found[1 + k], found[1 + c + k] = a0 + a1, b0 + b1


@compiled
def merge(sums: Float64[np.ndarray, " s"], apart: float, found: Float32[np.ndarray, " s"]) -> None:
    """Add sums of weights, the last of their logs, to others whose peak is `apart` higher: as of the higher of both."""
    old, new = min(apart, 0.0), min(-apart, 0.0)
    p, q = 2.0**old, 2.0**new
    logs = p * (sums[-1] + old * sums[0]) + q * (found[-1] + new * found[0])
    for s in range(len(sums)):
        sums[s] = p * sums[s] + q * found[s]
    sums[-1] = logs


@compiled
def _rows(
    centre: Float32[np.ndarray, "g p"],
    factors: Float32[np.ndarray, "g v u"],
    own: Float32[np.ndarray, "g v"],
    bits: np.float32,
    beyond: Float32[np.ndarray, "n c a w+k-1"],
    middle: np.float32,
    order: Int64[np.ndarray, " p"],
    k: int,
    first: int,
    peaks: Float32[np.ndarray, "g w"],
    sums: Float64[np.ndarray, "g w s"],
    heaviest: Int64[np.ndarray, "g w"],
    largest: Float32[np.ndarray, " g"],
) -> None:
    """The softmaxes of some rows' windows over those of all images, into the last four, image by image in their order."""
    (n, c, height, v), w = beyond.shape, peaks.shape[1]
    h = height - k + 1
    m, t = v * h, w * h
    keys, pixels = np.empty((len(order), m), np.float32), np.empty((c, t), np.float32)
    apart, norms, ring = np.zeros((factors.shape[2], m), np.float32), np.empty(m, np.float32), np.empty((k + 1, m), np.float32)
    logits, weights, powers = np.empty(t, np.float32), np.empty(t, np.float32), np.empty(t, np.int32)
    found = np.empty(sums.shape[2], np.float32)
    for i in range(n):
        _cut(beyond, i, middle, order, k, keys, pixels)
        for g in range(len(centre)):
            largest[g] = max(largest[g], _apart(keys, centre[g], bits, apart, norms))
            for two in range(0, factors.shape[1], 2):
                _pairs(factors[g], own[g], two, apart, norms, ring)
                for q in range(max(0, two - k + 1), min(two - k + 3, w)):
                    peak = _windows(ring, q, h, logits)
                    if peak > peaks[g, q]:
                        j = 0
                        while logits[j] != peak:
                            j += 1
                        heaviest[g, q] = first + i * t + j
                    weigh(logits, peak, pixels, weights, powers, found)
                    merge(sums[g, q], np.float64(peaks[g, q]) - peak, found)
                    peaks[g, q] = max(peak, peaks[g, q])


def scan(bands: Bands, beyond: Float32[Tensor, "n c a v"], middle: float, first: int) -> Sums:
    """The softmaxes of the windows of bands of one row each over those of images, by as many threads as torch has.

    The images go on k // 2 pixels to every side, `middle` is taken from the pixels that are averaged, `first` is the index of the
    first window in them. Windows are in the order (row, column), candidates in (image, column, row). Every row is one thread's and
    takes one image after the other, so that neither their number nor the chunk changes a softmax beyond float64's rounding.
    """
    (g, v, _, p), c = bands.strips.shape, beyond.shape[1]
    w = v - bands.window + 1
    factors, own = bands.factors[:, :, 0].split((p, 1), -1)
    factors = pad(factors, (0, -p % 4, 0, v % 2))  # strips by two, their pixels by four
    asked = bands.centre.numpy(), factors.numpy(), pad(own[..., 0], (0, v % 2)).numpy()
    given = (
        np.float32(bands.bits),
        beyond.contiguous().numpy(),
        np.float32(middle),
        np.array(order(c, bands.window)),
        bands.window,
        first,
    )
    found = (
        np.full((g, w), LEAST, np.float32),
        np.zeros((g, w, 2 + 2 * c)),
        np.zeros((g, w), np.int64),
        np.zeros(g, np.float32),
    )

    def some(rows: slice) -> None:
        _rows(*(one[rows] for one in asked), *given, *(one[rows] for one in found))

    shared(some, g)
    peaks, sums, heaviest, largest = map(torch.from_numpy, found)
    return Sums(
        peaks.flatten(), sums[..., :-1].flatten(0, 1), sums[..., -1].flatten(), heaviest.flatten(), largest.repeat_interleave(w)
    )
