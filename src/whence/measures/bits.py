"""Inductive bias in bits: how rare those are that generalise, among the hypotheses that fit the training data.

    I(eps) = -log2 P(L <= eps)

with L the test loss of a hypothesis drawn at random (boopathy2024exact; its code takes natural logarithms: nats, 1.44 bits each).
Where hypotheses are draws of a Gaussian process that interpolates the training data, L is a quadratic form of Gaussians and its
tail a saddlepoint away, at any depth and without sampling. Of networks there is only a sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy import stats
from torch import Tensor

from whence.linalg import eigh, squared_distances
from whence.measures.quadratic import QuadraticForm

NULL = 1e-12  # an eigenvalue below this share of the largest is rounding, and counts as zero


@dataclass(frozen=True)
class Posterior:
    """A Gaussian process given its training data: `mean` (t, k) and, the same for every output, `covariance` (t, t)."""

    mean: Float[Tensor, "t k"]
    covariance: Float[Tensor, "t t"]

    def loss(self, target: Float[Tensor, "t k"]) -> QuadraticForm:
        """The law of the mean squared error over test points and outputs. Raises ValueError when the shapes differ."""
        if target.shape != self.mean.shape:
            raise ValueError(f"targets {tuple(target.shape)} for predictions {tuple(self.mean.shape)}: expected the same shape")
        values, vectors = eigh(self.covariance)
        values = torch.where(values > NULL * values[0], values, 0.0) / target.numel()
        offset = vectors.T @ (self.mean - target.double()) / math.sqrt(target.numel())
        return QuadraticForm(values.repeat_interleave(target.shape[1]).cpu().numpy(), offset.flatten().cpu().numpy())


def posterior(
    x: Float[Tensor, "n d"], y: Float[Tensor, "n k"], points: Float[Tensor, "t d"], width: float, jitter: float = 1e-10
) -> Posterior:
    """The functions of a Gaussian process that pass through (x, y), at the points; its kernel is exp(-distance^2 / (2 width^2)).

    `jitter` on the kernel's diagonal keeps near-duplicates solvable: the functions pass that close. In float64 throughout.
    Raises ValueError for a width that is not positive, or a kernel that is singular all the same.
    """
    if not width > 0:
        raise ValueError(f"kernel width {width}: expected a positive length, in units of x; the median distance is a usual choice")
    train, cross, test = (torch.exp(squared_distances(a, b) / (-2 * width**2)) for a, b in ((x, x), (x, points), (points, points)))
    factor, failed = torch.linalg.cholesky_ex(train + jitter * torch.eye(len(x), dtype=torch.float64, device=x.device))
    if failed:
        raise ValueError(
            f"the kernel of {len(x)} points is singular at width {width:g}: two are alike; raise the jitter above {jitter:g}"
        )
    half = torch.linalg.solve_triangular(factor, cross, upper=False)
    mean = half.T @ torch.linalg.solve_triangular(factor, y.double(), upper=False)
    covariance = test - half.T @ half
    return Posterior(mean, (covariance + covariance.T) / 2)


@dataclass(frozen=True)
class Share:
    """How many of `n` sampled hypotheses have a loss of at most epsilon, in bits with an interval [low, high].

    `bits` is inf when none has: then only `low` is known, and any number above log2 n is an extrapolation of the sample.
    """

    bits: float
    low: float
    high: float
    reached: int
    n: int

    @property
    def extrapolated(self) -> bool:
        """Whether the sample says no more than that it takes at least `low` bits."""
        return self.reached == 0


def share(losses: Float[np.ndarray, " n"], epsilon: float, level: float = 0.95) -> Share:
    """The bits of epsilon by counting, with the exact interval of a binomial share (Clopper and Pearson).

    Raises ValueError for no losses or for any that is not finite.
    """
    sample = _losses(losses)
    reached, n, tail = int((sample <= epsilon).sum()), sample.size, (1 - level) / 2
    low = float(stats.beta.ppf(tail, reached, n - reached + 1)) if reached else 0.0
    high = float(stats.beta.isf(tail, reached + 1, n - reached)) if reached < n else 1.0
    return Share(_bits(reached / n), _bits(high), _bits(low), reached, n)


@dataclass(frozen=True)
class ScaledChiSquare:
    """The published model of a loss: `scale` times a non-central chi-square, fitted to a sample (boopathy2024exact)."""

    freedom: float
    noncentrality: float
    scale: float

    def bits(self, epsilon: float) -> float:
        """-log2 P(L <= epsilon); where that underflows, z^2 / 2 nats with Sankaran's normal approximation z, as published."""
        with np.errstate(all="ignore"):
            log = float(stats.ncx2.logcdf(epsilon, self.freedom, self.noncentrality, scale=self.scale))
        return -log / math.log(2) if math.isfinite(log) else self._sankaran(epsilon / self.scale) ** 2 / 2 / math.log(2)

    def _sankaran(self, x: float) -> float:
        k, c = self.freedom, self.noncentrality
        h = 1 - 2 * (k + c) * (k + 3 * c) / (3 * (k + 2 * c) ** 2)
        p = (k + 2 * c) / (k + c) ** 2
        m = (h - 1) * (1 - 3 * h)
        return ((x / (k + c)) ** h - 1 - h * p * (h - 1 - (2 - h) * m * p / 2)) / (h * math.sqrt(2 * p) * (1 + m * p / 2))


def fitted(losses: Float[np.ndarray, " n"], published: bool = False) -> ScaledChiSquare:
    """The maximum-likelihood fit to a sample of losses.

    `published` is the call as in the paper's code, whose optimiser starts at scipy's own guess and often stops far from the
    maximum (in one sample of three 700 nats short); without it the likeliest of what it finds from there and from two starts
    that have the sample's mean and variance. Raises ValueError as `share` does, and for losses that are not positive.
    """
    sample = _losses(losses)
    if sample.min() <= 0:
        raise ValueError(f"a loss of {sample.min():.3g}: a chi-square is fitted to positive losses")
    freedom, scale = 2 * sample.mean() ** 2 / sample.var(), sample.var() / (2 * sample.mean())  # those of a central chi-square
    near = [] if published else [((freedom, freedom * part), {"scale": scale}) for part in (0.1, 0.5)]
    with np.errstate(all="ignore"):  # trials beyond the float range are worse than others, no more
        found = [stats.ncx2.fit(sample, *start, floc=0, **guess) for start, guess in [((), {}), *near]]
        best = max(found, key=lambda fit: stats.ncx2.logpdf(sample, *fit).sum())
    return ScaledChiSquare(float(best[0]), float(best[1]), float(best[3]))


def _losses(losses: Float[np.ndarray, " n"]) -> np.ndarray:
    sample = np.asarray(losses, dtype=np.float64).reshape(-1)
    if sample.size == 0 or not np.isfinite(sample).all():
        raise ValueError(f"{sample.size} losses, {int((~np.isfinite(sample)).sum())} not finite: expected at least one, all finite")
    return sample


def _bits(probability: float) -> float:
    return abs(math.log2(probability)) if probability > 0 else math.inf
