"""Whether two orders of a few things agree: Spearman's correlation, how often chance does as well, and its interval over seeds."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from whence.stats import Interval, array

MOST = 8  # things whose n! orders are gone through; 8 are 40,320
ROUNDING = 1e-9  # correlations that differ by less are equal


def spearman(a: Any, b: Any) -> np.ndarray:
    """Spearman's rank correlation over the last axis, of (*s, n) each: the correlation of the ranks, ties sharing their mean rank.

    In [-1, 1]; nan where one of the two is constant and so has no order, or holds a nan. Leading axes survive.
    Raises ValueError for unlike shapes, or fewer than two things.
    """
    x, y = array(a), array(b)
    if x.shape != y.shape or x.ndim < 1 or x.shape[-1] < 2:
        raise ValueError(f"orders of shapes {x.shape} and {y.shape}: expected the same things in both, at least two")
    u, v = _centred(x), _centred(y)
    with np.errstate(invalid="ignore"):
        return np.asarray((u * v).sum(-1) / np.sqrt(np.square(u).sum(-1) * np.square(v).sum(-1)))


def chance(a: Any, b: Any) -> float:
    """The exact two-sided p of `spearman(a, b)`, of (n,) each: the share of all n! pairings whose |correlation| is no smaller.

    At six things it is a multiple of 1/720, and no smaller than 2/720 where no two tie. 1 where one of the two is constant: every
    pairing of it is the same. Raises ValueError as `spearman` does, for more than 8 things, and for nan.
    """
    x, y = array(a), array(b)
    found = spearman(x, y)
    if x.ndim != 1 or len(x) > MOST or np.isnan([x, y]).any():
        raise ValueError(f"orders of shapes {x.shape}, {x.tolist()} and {y.tolist()}: expected one of 2 to {MOST} things, no nan")
    if math.isnan(float(found)):
        return 1.0
    others = np.array(list(permutations(y)))
    return float((np.abs(spearman(np.broadcast_to(x, others.shape), others)) >= abs(found) - ROUNDING).mean())


def over_seeds(a: Any, b: Any, level: float = 0.95, resamples: int = 2000) -> Interval:
    """Spearman's correlation of the means over seeds of (s, n) each, with its percentile interval when seeds are resampled.

    The same seeds are drawn for both, so that what they share (data, first weights) stays together. It says how well the seeds
    determine the order of these n things, and nothing of other things: for that see `chance`. Near -1 and 1, where it cannot
    spread to both sides, it is too narrow. One seed has no spread: low = high = value.
    Raises ValueError as `spearman` does, for other than two axes, or where the means have no order.
    """
    x, y = array(a), array(b)
    if x.ndim != 2:
        raise ValueError(f"values of shape {x.shape}: expected (seeds, things)")
    value = float(spearman(x.mean(0), y.mean(0)))
    if math.isnan(value):
        raise ValueError(f"means {x.mean(0).tolist()} and {y.mean(0).tolist()}: expected an order in both, and no nan")
    draws = np.random.default_rng(20261120).integers(0, len(x), (resamples, len(x)))
    found = spearman(x[draws].mean(1), y[draws].mean(1))
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), len(x), level) if len(x) > 1 else Interval(value, value, value, 1, level)


def _centred(values: np.ndarray) -> np.ndarray:
    ranks = rankdata(values, axis=-1)  # nan where a row holds one
    return ranks - ranks.mean(-1, keepdims=True)
