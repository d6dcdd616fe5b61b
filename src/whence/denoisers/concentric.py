"""The softmaxes of windows of several sizes, each in its own place, in one compiled loop.

Windows around a pixel lie in one another. So, column by column, sums along rows grow from size to size by the squares that the
larger window adds on either side; sums along columns are differences of running sums, which float64 keeps: what float32 rounds is
the squares and their sums along rows, as rounding.py has it. Images are the last axis, so that all that is added up is contiguous.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from torch import Tensor

from whence.denoisers.compiled import compiled, laid, shared
from whence.denoisers.fast import Sums
from whence.denoisers.scan import LEAST, ZERO, merge, weigh


@compiled
def _squares(
    y: Float32[np.ndarray, "w h c"], x: Float32[np.ndarray, "w h c m"], bits: np.float32, squares: Float32[np.ndarray, "w h m"]
) -> None:
    """-|y - x|^2 / (2 sigma^2) of every pixel in bits."""
    for w in range(len(x)):
        for h in range(x.shape[1]):
            found = squares[w, h]
            found[:] = ZERO
            for c in range(x.shape[2]):
                one, many = y[w, h, c], x[w, h, c]
                for i in range(len(many)):
                    found[i] += (many[i] - one) * (many[i] - one)
            for i in range(len(found)):
                found[i] *= bits


@compiled
def _columns(
    y: Float32[np.ndarray, "b w h c"],
    bits: Float32[np.ndarray, " b"],
    x: Float32[np.ndarray, "w h c m"],
    reaches: Int64[np.ndarray, " s"],
    first: int,
    start: int,
    peaks: Float32[np.ndarray, "v b s h"],
    sums: Float64[np.ndarray, "v b s h k"],
    heaviest: Int64[np.ndarray, "v b s h"],
) -> None:
    """Add some images to the softmaxes of some columns, of which the first is `start`; windows reach so far to every side."""
    wide, high, _, m = x.shape
    squares = np.empty((wide, high, m), np.float32)
    rows, running = np.empty((high, m), np.float32), np.zeros((high + 1, m))
    logits, weights, powers = np.empty(m, np.float32), np.empty(m, np.float32), np.empty(m, np.int32)
    found = np.empty(sums.shape[4], np.float32)
    for b in range(len(y)):
        _squares(y[b], x, bits[b], squares)
        for v in range(len(peaks)):
            w, done = start + v, -1
            rows[:] = ZERO
            for s in range(len(reaches)):
                for reach in range(done + 1, reaches[s] + 1):
                    for side in range(2 if reach else 1):
                        column = w + reach if side else w - reach
                        if 0 <= column < wide:
                            _add(squares[column], rows)
                done = reaches[s]
                _run(rows, running)
                for h in range(high):
                    above, below = running[max(0, h - done)], running[min(high, h + done + 1)]
                    peak = LEAST
                    for i in range(m):
                        logits[i] = below[i] - above[i]
                        peak = max(peak, logits[i])
                    if peak > peaks[v, b, s, h]:
                        i = 0
                        while logits[i] != peak:
                            i += 1
                        heaviest[v, b, s, h] = first + i
                    weigh(logits, peak, x[w, h], weights, powers, found)
                    merge(sums[v, b, s, h], np.float64(peaks[v, b, s, h]) - peak, found)
                    peaks[v, b, s, h] = max(peak, peaks[v, b, s, h])


@compiled
def _add(squares: Float32[np.ndarray, "h m"], rows: Float32[np.ndarray, "h m"]) -> None:
    for h in range(len(rows)):
        a, b = rows[h], squares[h]
        for i in range(len(a)):
            a[i] += b[i]


@compiled
def _run(rows: Float32[np.ndarray, "h m"], running: Float64[np.ndarray, "h+1 m"]) -> None:
    """Sums over all rows above, in float64."""
    for h in range(len(rows)):
        a, b, c = rows[h], running[h], running[h + 1]
        for i in range(len(a)):
            c[i] = b[i] + a[i]


def concentric(
    pool: Float32[Tensor, "n c h w"], y: Float32[Tensor, "b c h w"], bits: Float32[Tensor, " b"], windows: list[int], chunk: int
) -> list[Sums]:
    """Each query's softmaxes at all sizes and places, (s, q), in one pass over the pool, by as many threads as torch has.

    `bits` times a squared distance is a logit; `chunk` is images at a time. Every column is one thread's, so that their number
    changes nothing.
    """
    (b, c, h, w), order = y.shape, np.argsort(windows)
    reaches = np.array([windows[i] // 2 for i in order])
    asked = laid(y.permute(0, 3, 2, 1), torch.float32), bits.numpy()
    peaks = np.full((w, b, len(windows), h), LEAST, np.float32)
    sums, heaviest = np.zeros((*peaks.shape, 2 + 2 * c)), np.zeros(peaks.shape, np.int64)
    for first in range(0, len(pool), chunk):
        x = laid(pool[first : first + chunk].permute(3, 2, 1, 0), torch.float32)

        def some(part: slice, x: np.ndarray = x, first: int = first) -> None:
            _columns(*asked, x, reaches, first, part.start, peaks[part], sums[part], heaviest[part])

        shared(some, w)
    back = np.argsort(order)
    found = [torch.from_numpy(one.swapaxes(0, 3)[:, :, back]) for one in (peaks, heaviest)]
    peak, image = (one.permute(1, 2, 0, 3).flatten(2) for one in found)
    total = torch.from_numpy(sums.swapaxes(0, 3)[:, :, back]).permute(1, 2, 0, 3, 4).flatten(2, 3)
    nothing = peak.new_zeros(peak.shape[2])
    return [Sums(peak[i], total[i, ..., :-1], total[i, ..., -1], image[i], nothing) for i in range(b)]
