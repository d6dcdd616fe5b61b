"""Samplers of the probability flow as generators: they step, the caller logs, stops, draws or stores.

The flow is dy/dsigma = (y - D(y, sigma)) / sigma in VE units (karras2022edm eq. 1); it starts at y ~ N(0, sigma_max^2 I) and ends,
at sigma 0, with the denoised image.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

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
