"""Samplers as generators: they step, the caller logs, stops, draws or stores.

Heun and DDIM follow the probability flow dy/dsigma = (y - D(y, sigma)) / sigma in VE units (karras2022edm eq. 1) along given noise
levels, from y ~ N(0, sigma_max^2 I) down to sigma 0. Coarse-to-fine ascent is told no levels: it reads the noise off the residual
and puts some of it back at every step. All end with the denoised image.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from whence.seeds import stream

Denoiser = Callable[[Tensor, Tensor | float], Tensor]


class Sample(NamedTuple):
    """The state after a step: its number from 1, the noise level reached, the state y there, and the image D(y) seen on the way."""

    step: int
    sigma: float
    y: Float[Tensor, "b c h w"]
    denoised: Float[Tensor, "b c h w"]


def heun(denoiser: Denoiser, y: Float[Tensor, "b c h w"], sigmas: Float[Tensor, " n"]) -> Iterator[Sample]:
    """Heun's second-order steps from sigmas[0] down to 0 (karras2022edm algorithm 1, without churn).

    `y` is the state at sigmas[0]; sigmas descend and stay above 0; the last step, to 0, is Euler's and ends at D(y).
    Two calls of the denoiser a step. Raises ValueError for levels that do not descend.
    """
    for step, now, then in _steps(sigmas):
        denoised = denoiser(y, now)
        slope = (y - denoised) / now
        moved = y + (then - now) * slope
        if then > 0:
            moved = y + (then - now) * (slope + (moved - denoiser(moved, then)) / then) / 2
        y = moved if then > 0 else denoised
        yield Sample(step, then, y, denoised)


def ddim(
    denoiser: Denoiser, y: Float[Tensor, "b c h w"], sigmas: Float[Tensor, " n"], clip: float | None = None
) -> Iterator[Sample]:
    """Deterministic DDIM (song2021ddim eq. 12 with eta = 0), which in VE units is Euler's step: y' = D + (sigma'/sigma) (y - D).

    `clip` limits the denoised image to [-clip, clip] before the step, as several released pipelines do without saying so.
    One call of the denoiser a step; the last step ends at D(y). Raises ValueError for levels that do not descend.
    """
    for step, now, then in _steps(sigmas):
        denoised = denoiser(y, now)
        if clip is not None:
            denoised = denoised.clamp(-clip, clip)
        y = denoised + (then / now) * (y - denoised)
        yield Sample(step, then, y, denoised)


def coarse_to_fine(
    denoiser: Denoiser,
    y: Float[Tensor, "b c h w"],
    seed: int,
    h0: float = 0.01,
    beta: float = 0.1,
    stop: float = 0.02,
    limit: int = 1000,
) -> Iterator[Sample]:
    """Stochastic coarse-to-fine ascent with a denoiser that is not told the noise level (kadkhodaie2021stochastic, algorithm 1).

        d = D(y) - y,   s = |d| / sqrt(c h w),   h = h0 t / (1 + h0 (t - 1)),
        gamma^2 = ((1 - beta h)^2 - (1 - h)^2) s^2,   y <- y + h d + gamma z

    `y` is the start, as a rule pure noise. Each image has its own s, which falls by 1 - beta h a step as long as the residual is
    all noise; below `stop` (pixels in [-1, 1]) y becomes D(y) and rests. It ends when all images rest, or after `limit` steps where
    some do not. `beta` goes from near 0, where nearly all of the noise comes back, to 1, where none does. The z come from the
    streams (seed, "ascent", t), alike for two denoisers. One that does hear the level is told the last s, at first the rms of y.
    `sigma` of a Sample is the largest s before the step. One call of the denoiser a step.
    Raises ValueError for h0 or beta outside (0, 1], stop or limit that are not positive, or a residual that is not finite.
    """
    if not (0 < h0 <= 1 and 0 < beta <= 1 and stop > 0 and limit >= 1):
        raise ValueError(f"h0 {h0}, beta {beta}, stop {stop}, limit {limit}: expected h0 and beta in (0, 1], stop > 0, limit >= 1")
    level = _rms(y).clamp_min(stop)
    resting = torch.zeros_like(level, dtype=torch.bool)
    for t in range(1, limit + 1):
        denoised = denoiser(y, level.flatten())
        found = _rms(denoised - y)
        if not bool(torch.isfinite(found).all()):
            raise ValueError(f"residuals of {found.flatten().tolist()} at step {t}: the denoiser must answer with finite numbers")
        h = h0 * t / (1 + h0 * (t - 1))
        gamma = max((1 - beta * h) ** 2 - (1 - h) ** 2, 0) ** 0.5 * found
        z = torch.randn(y.shape, generator=stream(seed, "ascent", t)).to(y)
        moved = torch.where(found < stop, denoised, y + h * (denoised - y) + gamma * z)
        y, level = torch.where(resting, y, moved), torch.where(resting, level, found).clamp_min(torch.finfo(y.dtype).tiny)
        resting = resting | (found < stop)
        yield Sample(t, float(level.max()), y, denoised)
        if bool(resting.all()):
            return


def final(samples: Iterable[Sample]) -> Float[Tensor, "b c h w"]:
    """The state a sampler ends with. Raises ValueError for a sampler that makes no step."""
    last = deque(samples, maxlen=1)
    if not last:
        raise ValueError("a sampler without steps has no final state: give it at least one noise level")
    return last[0].y


def _steps(sigmas: Tensor) -> Iterator[tuple[int, float, float]]:
    levels = torch.as_tensor(sigmas, dtype=torch.float64).tolist()
    if not levels or levels[-1] <= 0 or any(a <= b for a, b in pairwise(levels)):
        raise ValueError(f"sampling levels {levels}: expected descending and > 0; the step to 0 is made by the sampler itself")
    yield from ((i, now, then) for i, (now, then) in enumerate(zip(levels, [*levels[1:], 0.0], strict=True), 1))


def _rms(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 1 1"]:
    """Of each image, the root of the mean square of its pixels."""
    return images.square().mean((1, 2, 3), keepdim=True).sqrt()
