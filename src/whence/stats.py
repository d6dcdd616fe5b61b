"""Numbers about numbers: intervals over seeds, agreement of two arrays, slopes. NumPy only: importing it is cheap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit


@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its interval [low, high] at the given level."""

    value: float
    low: float
    high: float
    n: int
    level: float = 0.95

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}] (n = {self.n})"


def array(values: Any) -> np.ndarray:
    """A float64 array of a tensor, list or number; tensors are detached and brought to the CPU."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)


def bootstrap(values: Any, level: float = 0.95, resamples: int = 10_000) -> Interval:
    """Percentile bootstrap interval of the mean over seeds, stretched for small samples (after Hesterberg 2015).

    The plain percentile interval is too narrow for few seeds by sqrt((n-1)/n) and by using z where Student's t is due. Both arms
    are stretched by sqrt(n/(n-1)) t/z: the interval keeps its skew and covers a Gaussian mean in 94 to 96 % of cases from n = 3 on.
    (Reading wider percentiles instead cannot reach beyond the extreme values: 75 % at n = 3, 92 % at n = 5.)
    One value has no spread to resample: low = high = value.
    Resampling draws from a fixed stream, so the same values give the same interval everywhere.
    Raises ValueError for no values, or for any that is not finite.
    """
    sample = array(values).reshape(-1)
    if sample.size == 0 or not np.isfinite(sample).all():
        raise ValueError(f"bootstrap over {sample.tolist()}: expected at least one value, all finite (a seed that diverged?)")
    n, mean = sample.size, float(sample.mean())
    if n == 1:
        return Interval(mean, mean, mean, 1, level)
    tail = (1 - level) / 2
    stretch = math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, tail) / ndtri(tail))
    draws = np.random.default_rng(20261120).integers(0, n, (resamples, n))
    low, high = np.quantile(np.sort(sample)[draws].mean(1), [tail, 1 - tail])
    return Interval(mean, mean - stretch * (mean - float(low)), mean + stretch * (float(high) - mean), n, level)


def paired(a: Any, b: Any, level: float = 0.95) -> Interval:
    """Interval of the mean difference a - b over seeds, a and b measured with the same seeds in the same order."""
    first, second = array(a), array(b)
    if first.shape != second.shape:
        raise ValueError(f"paired difference of shapes {first.shape} and {second.shape}: expected the same seeds in both arms")
    return bootstrap(first - second, level)


@dataclass(frozen=True)
class Agreement:
    """How well a prediction agrees with a target: R2, r and r^2 always together, since papers quote any of the three.

    `r2` is 1 - SSE/SST and can be negative; `pearson` is the mean-centred cosine; `cosine` is not centred;
    `psnr` is 10 log10(range^2 / MSE) in dB for pixels in [-1, 1] (range 2). What a constant array leaves undefined is nan.
    """

    r2: float
    pearson: float
    pearson_squared: float
    cosine: float
    mse: float
    psnr: float


def agreement(prediction: Any, target: Any) -> Agreement:
    """Agreement over all entries pooled; average it over images yourself where a paper does. Raises ValueError on unlike shapes."""
    p, t = array(prediction), array(target)
    if p.shape != t.shape:
        raise ValueError(f"agreement of shapes {p.shape} and {t.shape}: expected the same")
    p, t = p.reshape(-1), t.reshape(-1)
    mse = float(np.square(p - t).mean())
    variance = float(np.square(_centred(t)).mean())
    pearson = _cosine(_centred(p), _centred(t))
    return Agreement(
        r2=1 - mse / variance if variance > 0 else math.nan,
        pearson=pearson,
        pearson_squared=pearson**2,
        cosine=_cosine(p, t),
        mse=mse,
        psnr=10 * math.log10(4 / mse) if mse > 0 else math.inf,
    )


def slope(x: Any, y: Any) -> float:
    """Least-squares slope of y on x; for an exponent pass logarithms. Raises ValueError with fewer than two distinct x."""
    a, b = array(x).reshape(-1), array(y).reshape(-1)
    if a.shape != b.shape or np.unique(a).size < 2:
        raise ValueError(f"slope through {a.size} and {b.size} points: expected as many, at least two of them distinct in x")
    centred = a - a.mean()
    return float(centred @ (b - b.mean()) / (centred @ centred))


def _centred(a: np.ndarray) -> np.ndarray:
    return a - a.mean() if np.ptp(a) > 0 else np.zeros_like(a)  # the mean of equal numbers may be off by a rounding


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    norm = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / norm if norm > 0 else math.nan
